"""What AWS's index of tags (GetResources) knows and moto's does not: without it, every plan would ask each of these
objects for its own tags, which on AWS it need not."""

from moto.acm.models import acm_backends
from moto.ecr.models import ecr_backends
from moto.elbv2.models import elbv2_backends
from moto.logs.models import logs_backends
from moto.rds.models import rds_backends
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.servicediscovery.models import servicediscovery_backends


def known(backend):
    """Type, ARN and tags of each object that moto leaves out."""
    here = backend.account_id, backend.region_name
    acm, ecr, discovery, logs, rds, elb = (
        backends[here[0]][here[1]]
        for backends in (
            acm_backends,
            ecr_backends,
            servicediscovery_backends,
            logs_backends,
            rds_backends,
            elbv2_backends,
        )
    )
    for one in acm._certificates.values():
        yield "acm:certificate", one.arn, pairs(one.tags)
    for one in ecr.repositories.values():
        yield "ecr:repository", one.arn, ecr.tagger.list_tags_for_resource(one.arn)["tags"]
    for one in (*discovery.namespaces.values(), *discovery.services.values()):
        yield "servicediscovery", one.arn, discovery.tagger.list_tags_for_resource(one.arn)["Tags"]
    for one in logs.groups.values():
        yield "logs:log-group", one.arn, pairs(logs.list_tags_for_resource(one.arn))
    for one in rds.subnet_groups.values():
        yield "rds:subgrp", one.arn, one.get_tags()
    for balancer in elb.load_balancers.values():
        for listener in balancer.listeners.values():
            for arn in (listener.arn, *listener._non_default_rules):
                yield "elasticloadbalancing", arn, elb.tagging_service.list_tags_for_resource(arn)["Tags"]


def pairs(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def complete():
    listed = ResourceGroupsTaggingAPIBackend._get_resources_generator

    def with_the_rest(self, tag_filters=None, resource_type_filters=None, **others):
        yield from listed(self, tag_filters=tag_filters, resource_type_filters=resource_type_filters, **others)
        for kind, arn, tags in known(self):
            has = {tag["Key"]: tag["Value"] for tag in tags}
            fits = all(
                wanted["Key"] in has and (not wanted.get("Values") or has[wanted["Key"]] in wanted["Values"])
                for wanted in tag_filters or []
            )
            if fits and (not resource_type_filters or kind in resource_type_filters):
                yield {"ResourceARN": arn, "Tags": tags}

    ResourceGroupsTaggingAPIBackend._get_resources_generator = with_the_rest
