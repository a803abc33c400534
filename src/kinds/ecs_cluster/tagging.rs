//! ECS tags: ours as AWS's and back, and bringing an object's tags to exactly what they should be.

use aws_sdk_ecs::types::Tag;

use crate::cloud::{Aws, CloudError, During};
use crate::kinds::Tags;

pub(crate) fn to_aws(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// All tags but those that AWS sets itself.
pub(crate) fn from_aws(tags: &[Tag]) -> Tags {
    let pairs =
        tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

pub(crate) async fn retag(aws: &Aws, arn: &str, before: &Tags, after: &Tags) -> Result<(), CloudError> {
    let set: Tags = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !set.is_empty() {
        let call = aws.ecs.tag_resource().resource_arn(arn).set_tags(Some(to_aws(&set)));
        call.send().await.during("ecs:TagResource")?;
    }
    let gone: Vec<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    if !gone.is_empty() {
        let call = aws.ecs.untag_resource().resource_arn(arn).set_tag_keys(Some(gone));
        call.send().await.during("ecs:UntagResource")?;
    }
    Ok(())
}
