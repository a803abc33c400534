//! Tags of load balancers, target groups, listeners and rules. Their describe calls do not tell them.

use std::collections::HashMap;

use aws_sdk_elasticloadbalancingv2::Client as Elb;
use aws_sdk_elasticloadbalancingv2::types::{Tag, TagDescription};
use futures_util::future::try_join_all;

use crate::aws::{Aws, CloudError, Reader, SdkResult};
use crate::kinds::{Kind, Live, Update};
use crate::value::Tags;

/// How many ARNs `DescribeTags` takes.
const BATCH: usize = 20;

/// An object with its tags.
pub(in crate::kinds) struct Tagged<T> {
    pub item: T,
    pub tags: Tags,
    /// Whether the tags are from the project's index, which lags behind the service.
    pub indexed: bool,
}

/// Gives `items` their tags: from the index, else from the service, in batches. With an index, the service is
/// asked only about what the index does not know and `ask` says may be ours all the same; what nobody knows
/// is left out.
pub(in crate::kinds) async fn tagged<T>(
    read: &Reader<'_>,
    items: Vec<T>,
    arn: impl Fn(&T) -> Option<&str>,
    ask: impl Fn(&T) -> bool,
) -> Result<Vec<Tagged<T>>, CloudError> {
    let index = read.tag_index().await?;
    let indexed = |item: &T| Some(ours((*index).as_ref()?.get(arn(item)?)?.clone()));
    let silent: Vec<String> = items
        .iter()
        .filter(|item| indexed(item).is_none() && (index.is_none() || ask(item)))
        .filter_map(|item| arn(item).map(str::to_owned))
        .collect();
    let mut told = describe(read.aws, &silent).await?;
    let mut all = Vec::new();
    for item in items {
        if let Some(tags) = indexed(&item) {
            all.push(Tagged { item, tags, indexed: true });
        } else if let Some(tags) = arn(&item).and_then(|arn| told.remove(arn)) {
            all.push(Tagged { item, tags, indexed: false });
        }
    }
    Ok(all)
}

/// The service's own word on the tags of one object that was read with those of the index.
pub(in crate::kinds) async fn confirm_tags<K: Kind>(
    read: &Reader<'_>,
    live: &mut Live<K::Attrs>,
    field: impl Fn(&mut K::Attrs) -> &mut Tags,
) -> Result<(), CloudError> {
    let tags = describe(read.aws, std::slice::from_ref(&live.id)).await?.remove(&live.id).unwrap_or_default();
    live.address = read.scope.owner::<K>(&tags);
    if let Some(attrs) = &mut live.attrs {
        *field(attrs) = tags;
    }
    Ok(())
}

/// Brings the tags of the object under change from `before` to exactly `after`.
pub(in crate::kinds) async fn update<A>(
    aws: &Aws,
    change: &Update<'_, A>,
    before: &Tags,
    after: &Tags,
) -> Result<(), CloudError> {
    if !change.changes("tags") {
        return Ok(());
    }
    if !after.is_empty() {
        let call = aws.client::<Elb>().add_tags().resource_arns(change.id).set_tags(Some(list(after)));
        call.send().await.operation("elasticloadbalancing:AddTags")?;
    }
    let gone: Vec<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
    if !gone.is_empty() {
        aws.client::<Elb>()
            .remove_tags()
            .resource_arns(change.id)
            .set_tag_keys(Some(gone))
            .send()
            .await
            .operation("elasticloadbalancing:RemoveTags")?;
    }
    Ok(())
}

/// Tags as a create call takes them.
pub(in crate::kinds) fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// What the service itself says of these objects, by ARN.
pub(in crate::kinds) async fn describe(aws: &Aws, arns: &[String]) -> Result<HashMap<String, Tags>, CloudError> {
    let calls = arns.chunks(BATCH).map(|batch| async move {
        let answer = aws.client::<Elb>().describe_tags().set_resource_arns(Some(batch.to_vec())).send().await;
        answer.operation("elasticloadbalancing:DescribeTags")
    });
    let answers = try_join_all(calls).await?;
    let tags = |described: &TagDescription| {
        let pairs = described
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
        ours(pairs.collect())
    };
    let described = answers
        .iter()
        .flat_map(aws_sdk_elasticloadbalancingv2::operation::describe_tags::DescribeTagsOutput::tag_descriptions);
    Ok(described.filter_map(|described| Some((described.resource_arn()?.to_owned(), tags(described)))).collect())
}

/// Without the tags that AWS keeps for itself and lets nobody change.
fn ours(mut tags: Tags) -> Tags {
    tags.retain(|key, _| !key.starts_with("aws:"));
    tags
}
