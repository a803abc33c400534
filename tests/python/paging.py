"""Pages as large as AWS's, where moto's are smaller: calls are counted."""

from moto.core.responses import ActionResult
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.ssm.responses import SimpleSystemManagerResponse


def describe_parameters(self):
    """moto gives ten whatever is asked for, and looks through all of them anew for every page."""
    size = int(self._get_param("MaxResults", 50))
    asked = [self._get_param(name) for name in ("Filters", "ParameterFilters")]
    token = self._get_param("NextToken")
    if token is None:
        self.ssm_backend.listed = asked, self.ssm_backend.describe_parameters(*asked)
    begin = int(token or 0)
    then, found = self.ssm_backend.listed
    if then != asked:
        found = self.ssm_backend.describe_parameters(*asked)
    answer = {"Parameters": [one.describe_response_object(False) for one in found[begin : begin + size]]}
    if begin + size < len(found):
        answer["NextToken"] = str(begin + size)
    return ActionResult(answer)


def as_aws_does():
    SimpleSystemManagerResponse.describe_parameters = describe_parameters
    listed = ResourceGroupsTaggingAPIBackend.get_resources

    def by_resources(self, *rest, tags_per_page=None, **named):
        """moto ends a page at 100 tags, too, which AWS does only for who asks for that."""
        return listed(self, *rest, tags_per_page=10**6, **named)

    ResourceGroupsTaggingAPIBackend.get_resources = by_resources
