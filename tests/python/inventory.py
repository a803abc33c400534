"""What is in an account, read with boto3 and nothing of Baseplate's: to check independently what a run did to it, and
whether a destroy left anything. Which objects there are, the files in `kinds` tell, and the index of tags tells the rest."""

import json
import re

import kinds

TAGS = "baseplate:"


class Environment:
    """One environment of a project, and how its objects are known."""

    def __init__(self, project, environment):
        self.tags = {f"{TAGS}project": project, f"{TAGS}environment": environment}
        self.prefix = f"{project}-{environment}"
        self.marks = (f"/{project}/{environment}", f"{environment}.{project}.internal")

    def owns(self, name):
        """Whether the name is one of its objects'."""
        return self.prefix in name or any(
            name == mark or name.startswith((f"{mark}-", f"{mark}/")) for mark in self.marks
        )

    def pick(self, account, service, operation, key, name):
        """The names of its objects."""
        return [item[name] for item in account.pages(service, operation, key) if self.owns(item[name])]


class Account:
    def __init__(self, client):
        self.client = client
        # What an id stands for: an object that refers to another says its id, which differs from account to account.
        self.ids = {}

    def pages(self, service, operation, key, **arguments):
        """All items of an operation, over all its pages."""
        client = self.client(service)
        if client.can_paginate(operation):
            answers = client.get_paginator(operation).paginate(**arguments)
        else:
            answers = [getattr(client, operation)(**arguments)]
        return [item for answer in answers for item in answer[key]]

    def pick(self, service, operation, key, *details):
        """Of all items, these details."""
        return [[one.get(detail) for detail in details] for one in self.pages(service, operation, key)]

    def owner(self, tags):
        """The address in the ownership tags, with the environment where there is one."""
        if not isinstance(tags, dict):
            tags = {(tag.get("Key") or tag.get("key")): (tag.get("Value") or tag.get("value")) for tag in tags or []}
        if f"{TAGS}address" not in tags:
            return "without an owner"
        return f"{tags.get(f'{TAGS}environment', 'project')}: {tags[f'{TAGS}address']}"

    def indexed(self, tags=()):
        """What the index of tags knows that has these tags, of whatever service: the tags of each by its ARN."""
        filters = [{"Key": key, "Values": [value]} for key, value in dict(tags).items()]
        found = self.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", TagFilters=filters)
        return {one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in found}

    def untold(self, told, tags=()):
        """The tags of what the index knows of kinds that no file tells of, by kind and ARN. The index shows what is gone
        for a while longer, so it does not add to what a file tells."""
        found = {}
        for arn, known in self.indexed(tags).items():
            # What has lost its address may be of any kind.
            kind = known.get(f"{TAGS}address", "?").split(".")[0]
            if f"{TAGS}project" in known and kind not in told:
                found.setdefault(kind, {})[arn] = known
        return found

    def everything(self):
        """All that is in the account, whoever made it: {kind: [line, …]}, each object by what it is and not by its id.
        Two accounts that were brought to the same state say the same, and an object that is there twice, or that
        nothing refers to any more, is one line too many."""
        self.ids = {}
        found = kinds.merged(tell(self) for tell in kinds.every("objects"))
        for kind, objects in self.untold({*found, "?"}).items():
            self.ids |= {arn: self.owner(tags) for arn, tags in objects.items()}
            found[kind] = list(objects)
        ids = re.compile("|".join(re.escape(name) for name in sorted(self.ids, key=len, reverse=True)))
        return {kind: sorted(self.plain(ids, line) for line in lines) for kind, lines in found.items()}

    def plain(self, ids, value):
        """The value as text: ids by what they stand for, and every list in the order of what it says."""

        def named(value):
            match value:
                case str():
                    return ids.sub(lambda found: f"<{self.ids[found[0]]}>", value)
                case list():
                    return sorted((named(item) for item in value), key=json.dumps)
                case dict():
                    return {key: named(item) for key, item in sorted(value.items())}
            return value

        plain = named(value)
        return plain if isinstance(plain, str) else json.dumps(plain)

    def inventory(self, project, environment):
        """Every object of one environment, by its name, its tags or the VPC it lies in: {kind: [name, …]}."""
        environment = Environment(project, environment)
        found = kinds.merged(tell(self, environment) for tell in kinds.every("names"))
        for kind, objects in self.untold(found, environment.tags).items():
            found[kind] = [tags.get(f"{TAGS}address", arn) for arn, tags in objects.items()]
        return {kind: sorted(names) for kind, names in found.items() if names}
