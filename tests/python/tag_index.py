"""What AWS's index of tags (GetResources) knows and moto's does not: without it, every plan would ask each of these
objects for its own tags, which on AWS it need not."""

from moto.core.resource_tagging import TaggedResource, make_tag_matcher, match_resource_type
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.elbv2.models import elbv2_backends
from moto.logs.models import logs_backends
from moto.rds.models import rds_backends
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.servicediscovery.models import servicediscovery_backends


def left_out(account, region):
    """Type, ARN and tags of each object."""
    ecr, elb, logs, rds, discovery = (
        backends[account][region]
        for backends in (ecr_backends, elbv2_backends, logs_backends, rds_backends, servicediscovery_backends)
    )
    ec2 = ec2_backends[account][region]
    for one in ec2.addresses:
        arn = f"arn:aws:ec2:{region}:{account}:elastic-ip/{one.allocation_id}"
        yield "ec2:elastic-ip", arn, ec2.tags.get(one.allocation_id, {})
    for one in ecr.repositories.values():
        yield "ecr:repository", one.arn, ecr.tagger.get_tag_dict_for_resource(one.arn)
    for balancer in elb.load_balancers.values():
        for listener in balancer.listeners.values():
            yield "elasticloadbalancing:listener", listener.arn, elb.tagging_service.get_tag_dict_for_resource(listener.arn)
            for arn in listener._non_default_rules:
                yield "elasticloadbalancing:listener-rule", arn, elb.tagging_service.get_tag_dict_for_resource(arn)
    # moto has them under a type that AWS does not know.
    for one in logs.groups.values():
        yield "logs:log-group", one.arn, logs.tagger.get_tag_dict_for_resource(one.arn)
    for one in rds.subnet_groups.values():
        yield "rds:subgrp", one.arn, {tag["Key"]: tag["Value"] for tag in one.get_tags()}
    for kind, found in (("namespace", discovery.namespaces), ("service", discovery.services)):
        for one in found.values():
            yield f"servicediscovery:{kind}", one.arn, discovery.tagger.get_tag_dict_for_resource(one.arn)


def complete():
    listed = ResourceGroupsTaggingAPIBackend._get_resources_generator

    def with_the_rest(self, tag_filters=None, resource_type_filters=None, resource_arn_list=None):
        yield from listed(self, tag_filters, resource_type_filters, resource_arn_list)
        fits = make_tag_matcher(tag_filters)
        for kind, arn, tags in left_out(self.account_id, self.region_name):
            if tags and fits(tags) and match_resource_type(kind, resource_type_filters):
                yield TaggedResource(arn=arn, tags=tags, resource_type=kind)

    ResourceGroupsTaggingAPIBackend._get_resources_generator = with_the_rest


def silence():
    """Lets the index of this server know of nothing, as AWS's does for a while after an object is made."""
    ResourceGroupsTaggingAPIBackend._get_resources_generator = lambda self, *_, **__: iter(())
