//! Tags of Cloud Map objects, which no list call answers with.

use aws_sdk_servicediscovery::types::Tag;

use crate::cloud::{Aws, CloudError, During, Reader};
use crate::kinds::Tags;

/// Tags as far as they could be told without a call for each object.
pub(crate) enum Known {
    /// Read from the service itself.
    Surely(Tags),
    /// From the index, which lags behind.
    Indexed(Tags),
    /// The index does not hold the object (yet).
    Unknown,
}

pub(crate) async fn known(read: &Reader<'_>, arn: &str) -> Result<Known, CloudError> {
    match read.tag_index().await?.as_ref() {
        None => Ok(Known::Surely(of(read.aws, arn).await?)),
        Some(index) => Ok(index.get(arn).map_or(Known::Unknown, |tags| Known::Indexed(tags.clone()))),
    }
}

pub(crate) fn to_aws(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
}

/// One object's tags but those that AWS sets itself; none for an object that has just gone.
pub(crate) async fn of(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
    let call = aws.discovery.list_tags_for_resource().resource_arn(arn);
    let Some(answer) = call.send().await.found("servicediscovery:ListTagsForResource")? else {
        return Ok(Tags::new());
    };
    let tags = answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
    Ok(tags.filter(|(key, _)| !key.starts_with("aws:")).collect())
}

pub(crate) async fn retag(aws: &Aws, arn: &str, before: &Tags, after: &Tags) -> Result<(), CloudError> {
    let set: Tags = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !set.is_empty() {
        let call = aws.discovery.tag_resource().resource_arn(arn).set_tags(Some(to_aws(&set)?));
        call.send().await.during("servicediscovery:TagResource")?;
    }
    let gone: Vec<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    if !gone.is_empty() {
        let call = aws.discovery.untag_resource().resource_arn(arn).set_tag_keys(Some(gone));
        call.send().await.during("servicediscovery:UntagResource")?;
    }
    Ok(())
}
