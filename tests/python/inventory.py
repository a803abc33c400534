"""What is in an account, read with boto3 and nothing of Baseplate's: to check independently whether a destroy left anything."""

from everything import Everything


class Account:
    services = ("ec2", "rds", "ssm", "ecr", "elbv2", "ecs", "iam", "logs", "servicediscovery", "acm", "route53")

    def __init__(self, client):
        self.client = client

    def pages(self, service, operation, key, **arguments):
        """All items of an operation, over all its pages."""
        client = self.client(service)
        if client.can_paginate(operation):
            answers = client.get_paginator(operation).paginate(**arguments)
        else:
            answers = [getattr(client, operation)(**arguments)]
        return [item for answer in answers for item in answer[key]]

    def everything(self):
        """All that is in the account, whoever made it: {kind: [line, …]}, comparable with another account's."""
        return Everything(self.client, self.pages).read()

    def inventory(self, project, environment):
        """Every object of one environment, by its name, its tags or the VPC it lies in: {kind: [name, …]}."""
        prefix, path = f"{project}-{environment}", f"/{project}/{environment}"
        found = {
            **self.network({"baseplate:project": project, "baseplate:environment": environment}),
            "db_instance": self.named("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
            "db_subnet_group": self.named("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
            "ssm_parameter": self.named("ssm", "describe_parameters", "Parameters", "Name"),
            "iam_role": self.named("iam", "list_roles", "Roles", "RoleName"),
            "log_group": self.named("logs", "describe_log_groups", "logGroups", "logGroupName"),
            "discovery_namespace": self.named("servicediscovery", "list_namespaces", "Namespaces", "Name"),
            "discovery_service": self.named("servicediscovery", "list_services", "Services", "Name"),
            "load_balancer": self.named("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
            "target_group": self.named("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
            "certificate": self.named("acm", "list_certificates", "CertificateSummaryList", "DomainName"),
            "dns_record": self.records(),
            **self.containers(),
        }
        known = set(found) | {"listener", "listener_rule", "security_group_rules", "ecr_repository"}
        # Of kinds that nothing here asks for. The index shows what it does ask for a while longer.
        for kind, address in self.indexed(project, environment):
            if kind not in known:
                found.setdefault(kind, []).append(address)

        def ours(kind, name):
            if kind in ("certificate", "discovery_service", "dns_record") or kind in self.tagged or kind not in known:
                # The caller's account holds one environment only, or the object was found by its tags.
                return True
            marks = (prefix, path, f"/ecs/{prefix}", f"{environment}.{project}.internal")
            return any(name == mark or name.startswith((f"{mark}-", f"{mark}/")) for mark in marks) or prefix in name

        mine = {kind: sorted(name for name in names if ours(kind, name)) for kind, names in found.items()}
        return {kind: names for kind, names in mine.items() if names}

    tagged = {
        "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
        "internet_gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        "subnet": ("describe_subnets", "Subnets", "SubnetId"),
        "elastic_ip": ("describe_addresses", "Addresses", "AllocationId"),
        "nat_gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
        "route_table": ("describe_route_tables", "RouteTables", "RouteTableId"),
        "security_group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    }

    def network(self, tags):
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        return {
            kind: [
                item[name]
                for item in self.pages("ec2", operation, key, Filters=filters)
                if item.get("State") != "deleted"
            ]
            for kind, (operation, key, name) in self.tagged.items()
        }

    def named(self, service, operation, key, name):
        return [item[name] for item in self.pages(service, operation, key)]

    def records(self):
        return [
            f"{record['Name']} {record['Type']}"
            for zone in self.pages("route53", "list_hosted_zones", "HostedZones")
            for record in self.pages(
                "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
            )
            if record["Type"] not in ("NS", "SOA")
        ]

    def containers(self):
        """What is deleted stays readable for a while, as INACTIVE."""
        ecs = self.client("ecs")
        clusters, services = self.pages("ecs", "list_clusters", "clusterArns"), []
        for cluster in clusters:
            for arn in self.pages("ecs", "list_services", "serviceArns", cluster=cluster):
                services += ecs.describe_services(cluster=cluster, services=[arn])["services"]
        clusters = ecs.describe_clusters(clusters=clusters)["clusters"] if clusters else []
        definitions = self.pages("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE")
        return {
            "ecs_cluster": [one["clusterName"] for one in clusters if one["status"] != "INACTIVE"],
            "ecs_service": [one["serviceName"] for one in services if one["status"] != "INACTIVE"],
            "task_definition": [arn.split("/")[-1] for arn in definitions],
        }

    def indexed(self, project, environment):
        """What the tag index knows of an environment, of whatever service, as pairs of a kind and an address."""
        tags = {"baseplate:project": project, "baseplate:environment": environment}
        filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
        for one in self.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters):
            address = next((tag["Value"] for tag in one["Tags"] if tag["Key"] == "baseplate:address"), "?.?")
            yield address.split(".")[0], address
