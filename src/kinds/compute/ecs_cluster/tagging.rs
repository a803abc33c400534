//! ECS tags: ours as AWS's and back, and bringing an object's tags to exactly what they should be.

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::Tag;

use crate::aws::{Aws, CloudError, SdkResult};
use crate::kinds::ownership::{TagChange, visible};
use crate::value::Tags;

pub(in crate::kinds) fn to_aws(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

pub(in crate::kinds) fn from_aws(tags: &[Tag]) -> Tags {
    visible(tags.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))))
}

pub(in crate::kinds) async fn retag(aws: &Aws, arn: &str, before: &Tags, after: &Tags) -> Result<(), CloudError> {
    let TagChange { set, removed } = TagChange::between(before, after);
    if !set.is_empty() {
        let call = aws.client::<Ecs>().tag_resource().resource_arn(arn).set_tags(Some(to_aws(&set)));
        call.send().await.operation("ecs:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.client::<Ecs>().untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
        call.send().await.operation("ecs:UntagResource")?;
    }
    Ok(())
}
