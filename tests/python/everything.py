"""All that is in an account, each object by what it is and not by its id: two accounts that were brought to the same
state say the same, and an object that is there twice, or that nothing refers to any more, is one line too many."""

import json
import re

TAGS = "baseplate:"


def owner(tags):
    """The address in the ownership tags, with the environment where there is one."""
    tags = {(tag.get("Key") or tag.get("key")): (tag.get("Value") or tag.get("value")) for tag in tags or []}
    if TAGS + "address" not in tags:
        return "without an owner"
    return f"{tags.get(TAGS + 'environment', 'project')}: {tags[TAGS + 'address']}"


class Everything:
    def __init__(self, client, pages):
        self.client, self.pages = client, pages
        # What an id stands for: an object that refers to another says its id, which differs from account to account.
        self.names = {}

    def read(self):
        found = {**self.network(), **self.data(), **self.balancing(), **self.compute(), **self.dns()}
        ids = re.compile("|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True)))
        return {kind: sorted(self.plain(ids, line) for line in lines) for kind, lines in found.items()}

    def plain(self, ids, value):
        """The value as text: ids by what they stand for, and every list in the order of what it says."""
        def named(value):
            match value:
                case str():
                    return ids.sub(lambda found: f"<{self.names[found[0]]}>", value)
                case list():
                    return sorted((named(item) for item in value), key=json.dumps)
                case dict():
                    return {key: named(item) for key, item in sorted(value.items())}
            return value

        plain = named(value)
        return plain if isinstance(plain, str) else json.dumps(plain)

    def ec2(self, operation, key, name, details=(), **arguments):
        found = self.pages("ec2", operation, key, **arguments)
        for item in found:
            # What AWS makes by itself has no tags: default VPCs with all that is in them.
            self.names[item[name]] = owner(item.get("Tags"))
        return [[item[name], {detail: item.get(detail) for detail in details}] for item in found]

    def network(self):
        there = [{"Name": "state", "Values": ["pending", "available"]}]
        found = {
            "vpc": self.ec2("describe_vpcs", "Vpcs", "VpcId", ["CidrBlock", "IsDefault"]),
            "internet_gateway": self.ec2(
                "describe_internet_gateways", "InternetGateways", "InternetGatewayId", ["Attachments"]
            ),
            "subnet": self.ec2("describe_subnets", "Subnets", "SubnetId", ["VpcId", "CidrBlock", "AvailabilityZone"]),
            "elastic_ip": self.ec2("describe_addresses", "Addresses", "AllocationId"),
            "nat_gateway": self.ec2(
                "describe_nat_gateways", "NatGateways", "NatGatewayId", ["SubnetId", "State"], Filters=there
            ),
            "security_group": self.ec2(
                "describe_security_groups", "SecurityGroups", "GroupId", ["VpcId", "Description"]
            ),
        }
        found["route_table"] = [
            [
                owner(table["Tags"]),
                table["VpcId"],
                [
                    [route.get(part) for part in ("DestinationCidrBlock", "GatewayId", "NatGatewayId")]
                    for route in table["Routes"]
                ],
                [one.get("SubnetId") for one in table["Associations"]],
            ]
            for table in self.pages("ec2", "describe_route_tables", "RouteTables")
        ]
        found["security_group_rules"] = [
            {key: value for key, value in rule.items() if key != "SecurityGroupRuleId"}
            for rule in self.pages("ec2", "describe_security_group_rules", "SecurityGroupRules")
        ]
        return found

    def data(self):
        return {
            "db_instance": self.pick(
                *("rds", "describe_db_instances", "DBInstances"),
                *("DBInstanceIdentifier", "DBInstanceClass", "BackupRetentionPeriod", "VpcSecurityGroups"),
            ),
            "db_snapshot": self.pick("rds", "describe_db_snapshots", "DBSnapshots", "DBInstanceIdentifier"),
            "db_subnet_group": [
                [one["DBSubnetGroupName"], [each["SubnetIdentifier"] for each in one["Subnets"]]]
                for one in self.pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")
            ],
            "ssm_parameter": self.pick("ssm", "describe_parameters", "Parameters", "Name", "Type", "Tier"),
            "ecr_repository": self.pick("ecr", "describe_repositories", "repositories", "repositoryName"),
        }

    def pick(self, service, operation, key, *details):
        return [[one.get(detail) for detail in details] for one in self.pages(service, operation, key)]

    def balancing(self):
        elb = self.client("elbv2")
        balancers = self.pages("elbv2", "describe_load_balancers", "LoadBalancers")
        groups = self.pages("elbv2", "describe_target_groups", "TargetGroups")
        arns = [one["LoadBalancerArn"] for one in balancers] + [one["TargetGroupArn"] for one in groups]
        for arn in arns:
            (described,) = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
            self.names[arn] = owner(described["Tags"])
        found = {
            "load_balancer": [[one["LoadBalancerArn"], one["Scheme"], one["SecurityGroups"]] for one in balancers],
            "target_group": [
                [one["TargetGroupArn"], one["Port"], one["HealthCheckPath"], one["VpcId"], one["LoadBalancerArns"]]
                for one in groups
            ],
            "listener": [],
            "listener_rule": [],
        }
        for balancer in balancers:
            arn = balancer["LoadBalancerArn"]
            for listener in self.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
                self.names[listener["ListenerArn"]] = f"listener {listener['Port']}"
                found["listener"].append([arn, listener["Protocol"], listener["Port"], listener["DefaultActions"]])
                for rule in self.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                    parts = [rule["Priority"], rule["Conditions"], rule["Actions"]]
                    found["listener_rule"].append([listener["ListenerArn"], *parts])
        return found

    def compute(self):
        ecs = self.client("ecs")
        clusters = self.pages("ecs", "list_clusters", "clusterArns")
        described = ecs.describe_clusters(clusters=clusters)["clusters"] if clusters else []
        services = []
        for cluster in clusters:
            arns = self.pages("ecs", "list_services", "serviceArns", cluster=cluster)
            for first in range(0, len(arns), 10):
                services += ecs.describe_services(cluster=cluster, services=arns[first : first + 10])["services"]
        roles = self.pages("iam", "get_account_authorization_details", "RoleDetailList", Filter=["Role"])
        revisions = self.pages("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE")
        return {
            # What is deleted stays readable for a while, as INACTIVE.
            "ecs_cluster": [one["clusterName"] for one in described if one["status"] != "INACTIVE"],
            "ecs_service": [
                [
                    *(one["serviceName"], one["desiredCount"], one["taskDefinition"].split("/")[-1]),
                    *(one["loadBalancers"], len(one["serviceRegistries"])),
                ]
                for one in services
                if one["status"] != "INACTIVE"
            ],
            # With its number: a revision that was registered twice shows even when one of them went again.
            "task_definition": [arn.split("/")[-1] for arn in revisions],
            "iam_role": [
                [
                    *(one["RoleName"], owner(one.get("Tags"))),
                    [policy["PolicyName"] for policy in one["RolePolicyList"]],
                    [policy["PolicyName"] for policy in one["AttachedManagedPolicies"]],
                ]
                for one in roles
            ],
            "log_group": self.pick("logs", "describe_log_groups", "logGroups", "logGroupName", "retentionInDays"),
        }

    def dns(self):
        zones = self.pages("route53", "list_hosted_zones", "HostedZones")
        records = {
            zone["Name"]: self.pages(
                "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
            )
            for zone in zones
        }
        return {
            "discovery_namespace": self.pick("servicediscovery", "list_namespaces", "Namespaces", "Name"),
            "discovery_service": self.pick("servicediscovery", "list_services", "Services", "Name"),
            "certificate": self.pick("acm", "list_certificates", "CertificateSummaryList", "DomainName", "Status"),
            "dns_zone": [zone["Name"] for zone in zones],
            "dns_record": [[zone, one["Type"], one["Name"]] for zone, found in records.items() for one in found],
        }
