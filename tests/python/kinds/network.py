"""VPCs and what lies in them."""

from moto.ec2.models import ec2_backends

TAGGED = {
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "internet_gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "elastic_ip": ("describe_addresses", "Addresses", "AllocationId"),
    "nat_gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "route_table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "security_group": ("describe_security_groups", "SecurityGroups", "GroupId"),
}


def names(account, environment):
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in environment.tags.items()]
    found = {
        kind: [
            item[name]
            for item in account.pages("ec2", operation, key, Filters=filters)
            if item.get("State") != "deleted"
        ]
        for kind, (operation, key, name) in TAGGED.items()
    }
    vpcs = [{"Name": "vpc-id", "Values": found["vpc"]}, {"Name": "group-name", "Values": ["default"]}]
    groups = account.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=vpcs) if found["vpc"] else []
    closed = [group["GroupId"] for group in groups if not group["IpPermissions"] and not group["IpPermissionsEgress"]]
    # They go with their group.
    return {**found, "default_security_group": closed, "security_group_rules": []}


def objects(account):
    def ec2(operation, key, name, details=(), **arguments):
        found = account.pages("ec2", operation, key, **arguments)
        for item in found:
            # What AWS makes by itself has no tags: default VPCs with all that is in them.
            account.ids[item[name]] = account.owner(item.get("Tags"))
        return [[item[name], {detail: item.get(detail) for detail in details}] for item in found]

    there = [{"Name": "state", "Values": ["pending", "available"]}]
    found = {
        "vpc": ec2(*TAGGED["vpc"], ["CidrBlock", "IsDefault"]),
        "internet_gateway": ec2(*TAGGED["internet_gateway"], ["Attachments"]),
        "subnet": ec2(*TAGGED["subnet"], ["VpcId", "CidrBlock", "AvailabilityZone"]),
        "elastic_ip": ec2(*TAGGED["elastic_ip"]),
        "nat_gateway": ec2(*TAGGED["nat_gateway"], ["SubnetId", "State"], Filters=there),
        "security_group": ec2(*TAGGED["security_group"], ["VpcId", "Description"]),
    }
    found["route_table"] = [
        [
            account.owner(table["Tags"]),
            table["VpcId"],
            [
                [route.get(part) for part in ("DestinationCidrBlock", "GatewayId", "NatGatewayId")]
                for route in table["Routes"]
            ],
            [one.get("SubnetId") for one in table["Associations"]],
        ]
        for table in account.pages("ec2", "describe_route_tables", "RouteTables")
    ]
    # AWS makes it with the VPC.
    ours = {vpc["VpcId"] for vpc in account.pages("ec2", *TAGGED["vpc"][:2]) if vpc.get("Tags")}
    found["default_security_group"] = [
        [group["VpcId"], group["IpPermissions"], group["IpPermissionsEgress"]]
        for group in account.pages("ec2", *TAGGED["security_group"][:2])
        if group["GroupName"] == "default" and group["VpcId"] in ours
    ]
    found["security_group_rules"] = [
        {key: value for key, value in rule.items() if key != "SecurityGroupRuleId"}
        for rule in account.pages("ec2", "describe_security_group_rules", "SecurityGroupRules")
    ]
    return found


def indexed(account, region):
    ec2 = ec2_backends[account][region]
    for one in ec2.addresses:
        arn = f"arn:aws:ec2:{region}:{account}:elastic-ip/{one.allocation_id}"
        yield "ec2:elastic-ip", arn, ec2.tags.get(one.allocation_id, {})
