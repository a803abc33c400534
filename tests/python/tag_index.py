"""What AWS's index of tags (GetResources) knows and moto's does not: without it, every plan would ask each of these
objects for its own tags, which on AWS it need not."""

from moto.core.resource_tagging import TaggedResource, make_tag_matcher, match_resource_type
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

import kinds


def complete():
    listed = ResourceGroupsTaggingAPIBackend._get_resources_generator

    def with_the_rest(self, tag_filters=None, resource_type_filters=None, resource_arn_list=None):
        yield from listed(self, tag_filters, resource_type_filters, resource_arn_list)
        fits = make_tag_matcher(tag_filters)
        for left_out in kinds.every("indexed"):
            for kind, arn, tags in left_out(self.account_id, self.region_name):
                if tags and fits(tags) and match_resource_type(kind, resource_type_filters):
                    yield TaggedResource(arn=arn, tags=tags, resource_type=kind)

    ResourceGroupsTaggingAPIBackend._get_resources_generator = with_the_rest


def silence():
    """Lets the index of this server know of nothing, as AWS's does for a while after an object is made."""
    ResourceGroupsTaggingAPIBackend._get_resources_generator = lambda self, *_, **__: iter(())
