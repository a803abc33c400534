"""Load balancers with what they consist of, certificates and records."""

from moto.elbv2.models import elbv2_backends
from moto.elbv2.responses import ELBV2Response, transform_certificates

# AWS describes a listener with the certificate that it begins with, and moto with all that it has
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Listener.html).
ELBV2Response.RESPONSE_KEY_PATH_TO_TRANSFORMER["DescribeListenersOutput.Listeners.Listener.Certificates"] = (
    lambda certificates: transform_certificates(certificates[:1])
)


def names(account, environment):
    return {
        "load_balancer": environment.pick(
            account, "elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"
        ),
        "target_group": environment.pick(account, "elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
        # These go with their load balancer.
        **{"listener": [], "listener_rule": []},
        # The names of these do not tell the environment: the caller's account holds one only.
        "certificate": [
            one["DomainName"] for one in account.pages("acm", "list_certificates", "CertificateSummaryList")
        ],
        "dns_record": [
            f"{record['Name']} {record['Type']}"
            for _, record in records(account)
            if record["Type"] not in ("NS", "SOA")
        ],
    }


def records(account):
    """Each with its zone."""
    for zone in account.pages("route53", "list_hosted_zones", "HostedZones"):
        found = account.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"])
        yield from ((zone, record) for record in found)


def objects(account):
    elb = account.client("elbv2")
    balancers = account.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    groups = account.pages("elbv2", "describe_target_groups", "TargetGroups")
    arns = [one["LoadBalancerArn"] for one in balancers] + [one["TargetGroupArn"] for one in groups]
    for arn in arns:
        (described,) = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
        account.ids[arn] = account.owner(described["Tags"])
    found = {
        "load_balancer": [[one["LoadBalancerArn"], one.get("Scheme"), one["SecurityGroups"]] for one in balancers],
        "target_group": [
            [one["TargetGroupArn"], one["Port"], one.get("HealthCheckPath"), one["VpcId"], one["LoadBalancerArns"]]
            for one in groups
        ],
        "listener": [],
        "listener_rule": [],
    }
    for balancer in balancers:
        arn = balancer["LoadBalancerArn"]
        for listener in account.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
            account.ids[listener["ListenerArn"]] = f"listener {listener['Port']}"
            found["listener"].append([arn, listener["Protocol"], listener["Port"], listener["DefaultActions"]])
            for rule in account.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                parts = [rule["Priority"], rule["Conditions"], rule["Actions"]]
                found["listener_rule"].append([listener["ListenerArn"], *parts])
    return {
        **found,
        "certificate": account.pick("acm", "list_certificates", "CertificateSummaryList", "DomainName", "Status"),
        "dns_zone": [zone["Name"] for zone in account.pages("route53", "list_hosted_zones", "HostedZones")],
        "dns_record": [[zone["Name"], one["Type"], one["Name"]] for zone, one in records(account)],
    }


def strip(account, keys):
    """A record has no tags: a text beside it says whose it is."""
    for zone, one in records(account):
        if one["Name"].startswith("_baseplate."):
            text = one["ResourceRecords"][0]["Value"].strip('"').split(",")
            text = [part for part in text if f"baseplate:{part.split('=')[0]}" not in keys]
            new = {**one, "ResourceRecords": [{"Value": '"' + ",".join(text) + '"'}]}
            action, record = ("UPSERT", new) if text else ("DELETE", one)
            change = {"Action": action, "ResourceRecordSet": record}
            account.client("route53").change_resource_record_sets(
                HostedZoneId=zone["Id"], ChangeBatch={"Changes": [change]}
            )


def indexed(account, region):
    elb = elbv2_backends[account][region]
    tags = elb.tagging_service.get_tag_dict_for_resource
    for balancer in elb.load_balancers.values():
        for listener in balancer.listeners.values():
            yield "elasticloadbalancing:listener", listener.arn, tags(listener.arn)
            for arn in listener._non_default_rules:
                yield "elasticloadbalancing:listener-rule", arn, tags(arn)
