"""Takes tags of ownership off what is in an account, as somebody might by hand. What carries which tags the index of
tags tells, and how a service takes one off AWS's own model of it; the rest is with the kinds."""

import re

import kinds
from inventory import TAGS
from services import SIGNED_AS

# The operations that take tags off, in each service the first that it has.
UNTAG = ("RemoveTags", "UntagResource$", "DeleteTags$")


def owned(account):
    """The tags of all that says whose it is, by ARN."""
    return {arn: tags for arn, tags in account.indexed().items() if f"{TAGS}address" in tags}


def ids(account):
    """What AWS gave ids to: who says the same later has the same objects. RDS takes snapshots when it sees fit."""
    account.everything()
    return sorted(id for id in owned(account) | account.ids if ":snapshot:rds:" not in id)


def strip(account, keys):
    """Takes these tags off everything, and the same out of the texts beside the records."""
    keys = [TAGS + key for key in keys]
    for arn in owned(account):
        untag(account, arn, keys)
    for also in kinds.every("strip"):
        also(account, keys)


def strip_one(account, kind):
    """Takes all tags off one object of a kind; its address."""
    for arn, tags in owned(account).items():
        address = tags[f"{TAGS}address"]
        if address.split(".")[0] == kind:
            untag(account, arn, list(tags))
            return address
    return None


def untag(account, arn, keys):
    _, _, service, _, _, resource = arn.split(":", 5)
    client = account.client(SIGNED_AS[service])
    model = client.meta.service_model
    operation = next(name for pattern in UNTAG for name in model.operation_names if re.match(pattern, name))
    arguments = {}
    for name, shape in model.operation_model(operation).input_shape.members.items():
        if "tag" in name.lower():
            # Some services take tags with their values left out.
            is_key = shape.member.type_name == "string"
            arguments[name] = keys if is_key else [{"Key": key} for key in keys]
        elif shape.type_name == "list":
            arguments[name] = [arn.split("/")[-1] if service == "ec2" else arn]
        elif name == "ResourceType":
            # SSM has ids of its own: the name of a parameter, with its slash.
            arguments[name] = next(one for one in shape.enum if one.lower() == re.match(r"\w+", resource)[0])
            arguments["ResourceId"] = re.sub(r"^\w+", "", resource)
        elif shape.type_name == "string":
            arguments.setdefault(name, arn)
    getattr(client, operation_name(client, operation))(**arguments)


def operation_name(client, operation):
    return next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)
