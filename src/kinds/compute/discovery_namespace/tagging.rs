//! Tags of Cloud Map objects, which no list call answers with.

use aws_sdk_servicediscovery::Client as Discovery;
use aws_sdk_servicediscovery::types::Tag;

use crate::aws::{Aws, CloudError, SdkResult};
use crate::kinds::ownership::{TagChange, visible};
use crate::value::Tags;

pub(in crate::kinds) fn to_aws(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
}

/// One object's tags; none for an object that has just gone.
pub(in crate::kinds) async fn of(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
    let call = aws.client::<Discovery>().list_tags_for_resource().resource_arn(arn);
    let answer = call.send().await.optional("servicediscovery:ListTagsForResource")?;
    let tags = answer
        .as_ref()
        .map(aws_sdk_servicediscovery::operation::list_tags_for_resource::ListTagsForResourceOutput::tags)
        .unwrap_or_default();
    Ok(visible(tags.iter().map(|tag| (tag.key(), tag.value()))))
}

pub(in crate::kinds) async fn retag(aws: &Aws, arn: &str, before: &Tags, after: &Tags) -> Result<(), CloudError> {
    let TagChange { set, removed } = TagChange::between(before, after);
    if !set.is_empty() {
        let call = aws.client::<Discovery>().tag_resource().resource_arn(arn).set_tags(Some(to_aws(&set)?));
        call.send().await.operation("servicediscovery:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.client::<Discovery>().untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
        call.send().await.operation("servicediscovery:UntagResource")?;
    }
    Ok(())
}
