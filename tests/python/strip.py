"""For snippets: takes tags of ownership off what is in an account, as somebody might by hand."""

OWNERSHIP = ["project", "environment", "address"]
NETWORK = {
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "internet_gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "elastic_ip": ("describe_addresses", "Addresses", "AllocationId"),
    "nat_gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "route_table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "security_group": ("describe_security_groups", "SecurityGroups", "GroupId"),
}


def network(kind):
    operation, key, name = NETWORK[kind]
    for one in getattr(client("ec2"), operation)()[key]:
        yield one[name], {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}


def balanced():
    elb = client("elbv2")
    yield from (one["TargetGroupArn"] for one in pages("elbv2", "describe_target_groups", "TargetGroups"))
    for balancer in pages("elbv2", "describe_load_balancers", "LoadBalancers"):
        yield balancer["LoadBalancerArn"]
        for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            yield listener["ListenerArn"]
            for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                if not rule["IsDefault"]:
                    yield rule["RuleArn"]


def certificates():
    return [one["CertificateArn"] for one in client("acm").list_certificates()["CertificateSummaryList"]]


def arns():
    """What AWS gave new ids to."""
    yield from (id for kind in NETWORK for id, _ in network(kind))
    yield from balanced()
    yield from certificates()
    yield from client("ecs").list_task_definitions()["taskDefinitionArns"]


def strip_one(kind):
    """Takes all tags off one object of a kind of the network; its address."""
    for id, tags in network(kind):
        if "baseplate:address" in tags:
            client("ec2").delete_tags(Resources=[id], Tags=[{"Key": key} for key in tags])
            return tags["baseplate:address"]


def strip_certificate():
    for arn in certificates():
        tags = client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]
        client("acm").remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": tag["Key"]} for tag in tags])


def strip(keys):
    """Takes these tags off everything, and the same out of the texts beside the records."""
    names = [f"baseplate:{key}" for key in keys]
    ecs, discovery = client("ecs"), client("servicediscovery")
    ids = [id for kind in NETWORK for id, _ in network(kind)]
    client("ec2").delete_tags(Resources=ids, Tags=[{"Key": name} for name in names])
    for arn in balanced():
        client("elbv2").remove_tags(ResourceArns=[arn], TagKeys=names)
    arns = ecs.list_clusters()["clusterArns"] + ecs.list_task_definitions()["taskDefinitionArns"]
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns += ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
    for arn in arns:
        ecs.untag_resource(resourceArn=arn, tagKeys=names)
    for one in discovery.list_namespaces()["Namespaces"] + discovery.list_services()["Services"]:
        discovery.untag_resource(ResourceARN=one["Arn"], TagKeys=names)
    for arn in certificates():
        client("acm").remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": name} for name in names])
    for one in pages("ecr", "describe_repositories", "repositories"):
        client("ecr").untag_resource(resourceArn=one["repositoryArn"], tagKeys=names)
    for one in pages("iam", "list_roles", "Roles"):
        client("iam").untag_role(RoleName=one["RoleName"], TagKeys=names)
    for one in pages("logs", "describe_log_groups", "logGroups"):
        client("logs").untag_resource(resourceArn=one["logGroupArn"], tagKeys=names)
    rds = [one["DBInstanceArn"] for one in pages("rds", "describe_db_instances", "DBInstances")]
    rds += [one["DBSubnetGroupArn"] for one in pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")]
    for arn in rds:
        client("rds").remove_tags_from_resource(ResourceName=arn, TagKeys=names)
    for one in client("ssm").get_parameters_by_path(Path="/legocity", Recursive=True)["Parameters"]:
        client("ssm").remove_tags_from_resource(ResourceType="Parameter", ResourceId=one["Name"], TagKeys=names)
    zone = client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    for one in client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]:
        if one["Name"].startswith("_baseplate."):
            text = one["ResourceRecords"][0]["Value"].strip('"').split(",")
            text = [part for part in text if part.split("=")[0] not in keys]
            new = {**one, "ResourceRecords": [{"Value": '"' + ",".join(text) + '"'}]}
            action, record = ("UPSERT", new) if text else ("DELETE", one)
            change = {"Action": action, "ResourceRecordSet": record}
            client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
