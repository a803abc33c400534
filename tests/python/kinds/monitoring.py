"""Logs."""

from moto.logs.models import logs_backends


def names(account, environment):
    return {"log_group": environment.pick(account, "logs", "describe_log_groups", "logGroups", "logGroupName")}


def objects(account):
    return {
        "log_group": account.pick("logs", "describe_log_groups", "logGroups", "logGroupName", "retentionInDays")
    }


def indexed(account, region):
    """moto has them under a type that AWS does not know."""
    logs = logs_backends[account][region]
    for one in logs.groups.values():
        yield "logs:log-group", one.arn, logs.tagger.get_tag_dict_for_resource(one.arn)
