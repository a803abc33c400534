//! The tags of parameters, which SSM reads and writes one object at a time.

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_ssm::types::{ResourceTypeForTagging, Tag};

use crate::aws::{Aws, CloudError, SdkResult};
use crate::kinds::ownership::{TagChange, visible};
use crate::value::Tags;

pub(super) async fn tags(aws: &Aws, name: &str) -> Result<Tags, CloudError> {
    let call = aws
        .client::<Ssm>()
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name);
    let answer = call.send().await.operation("ssm:ListTagsForResource")?;
    Ok(visible(answer.tag_list().iter().map(|tag| (tag.key(), tag.value()))))
}

pub(super) async fn retag(aws: &Aws, name: &str, change: TagChange) -> Result<(), CloudError> {
    if !change.set.is_empty() {
        let call = aws.client::<Ssm>().add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
        let call = call.resource_id(name).set_tags(Some(ssm_tags(&change.set)?));
        call.send().await.operation("ssm:AddTagsToResource")?;
    }
    if !change.removed.is_empty() {
        let call = aws.client::<Ssm>().remove_tags_from_resource().resource_type(ResourceTypeForTagging::Parameter);
        let call = call.resource_id(name).set_tag_keys(Some(change.removed));
        call.send().await.operation("ssm:RemoveTagsFromResource")?;
    }
    Ok(())
}

pub(super) fn ssm_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
}
