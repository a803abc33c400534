"""Registries. They belong to a project, and to none of its environments."""

from moto.ecr.models import ecr_backends


def names(_, __):
    return {"ecr_repository": []}


def objects(account):
    return {"ecr_repository": account.pick("ecr", "describe_repositories", "repositories", "repositoryName")}


def indexed(account, region):
    ecr = ecr_backends[account][region]
    for one in ecr.repositories.values():
        yield "ecr:repository", one.arn, ecr.tagger.get_tag_dict_for_resource(one.arn)
