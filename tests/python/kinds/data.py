"""Databases."""

from moto.rds.models import RDSBackend, rds_backends


def names(account, environment):
    return {
        "db_instance": environment.pick(account, "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
        "db_subnet_group": environment.pick(
            account, "rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"
        ),
    }


def objects(account):
    return {
        "db_instance": account.pick(
            *("rds", "describe_db_instances", "DBInstances"),
            *("DBInstanceIdentifier", "DBInstanceClass", "BackupRetentionPeriod", "VpcSecurityGroups"),
        ),
        "db_snapshot": account.pick("rds", "describe_db_snapshots", "DBSnapshots", "DBInstanceIdentifier"),
        "db_subnet_group": [
            [one["DBSubnetGroupName"], [each["SubnetIdentifier"] for each in one["Subnets"]]]
            for one in account.pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")
        ],
    }


def indexed(account, region):
    for one in rds_backends[account][region].subnet_groups.values():
        yield "rds:subgrp", one.arn, {tag["Key"]: tag["Value"] for tag in one.get_tags()}


def mend():
    """moto takes a DB subnet group out of its list to modify it, and does not put it back. AWS does."""
    modify = RDSBackend.modify_db_subnet_group

    def modify_and_keep(self, subnet_name, *rest, **named):
        group = modify(self, subnet_name, *rest, **named)
        self.subnet_groups[subnet_name] = group
        return group

    RDSBackend.modify_db_subnet_group = modify_and_keep
