"""Parameters."""


def names(account, environment):
    return {"ssm_parameter": environment.pick(account, "ssm", "describe_parameters", "Parameters", "Name")}


def objects(account):
    return {"ssm_parameter": account.pick("ssm", "describe_parameters", "Parameters", "Name", "Type", "Tier")}
