//! What the kinds of EC2 have in common: tags that come with the create call, reads by owner, and a service
//! whose parts learn of a new object one after the other.

pub(super) mod users;

use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

use super::ownership::{TagChange, visible};
use super::{Poll, Tags};
use crate::cloud::{Aws, Class, CloudError, During, Scope};
use crate::spec::Environment;
use crate::value::{Address, Target};

/// The tag that the console shows as the name.
pub(super) const NAME: &str = "Name";

/// How often, and how many milliseconds apart, a call is made that does not find what was just created.
const ATTEMPTS: usize = 20;
const PAUSE: u64 = 500;

/// The tags of an object, with a `Name` after its own: `<project>-<environment>-<name>`.
pub(super) fn tags<K: Target>(env: &Environment, name: &str) -> Tags {
    let label = if name == "main" { env.prefix() } else { env.name(name, 255) };
    let mut tags = env.tags_of::<K>(name);
    tags.insert(NAME.to_owned(), label);
    tags
}

/// The filter for what belongs to this environment.
pub(super) fn ours(env: &Environment) -> Option<Vec<Filter>> {
    let tag = |key: &str, value: &str| filter(&format!("tag:baseplate:{key}"), value);
    Some(vec![tag("project", &env.project), tag("environment", &env.environment)])
}

pub(super) fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// The tags as a create call takes them.
pub(super) fn tagged(resource: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
    TagSpecification::builder().resource_type(resource).set_tags(Some(tags)).build()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// The address and the tags of a live object of kind `K`, if it is this environment's.
pub(super) fn owned<K: Target>(scope: &Scope<'_>, tags: &[Tag]) -> Option<(Address, Tags)> {
    let tags = visible(tags.iter().filter_map(|tag| Some((tag.key()?, tag.value()?))));
    let address = scope.owner(&tags).filter(|address| address.kind() == K::KIND)?;
    Some((address, tags))
}

/// Brings an object's tags from `before` to exactly `after`.
pub(super) async fn retag(aws: &Aws, id: &str, before: &Tags, after: &Tags) -> Result<(), CloudError> {
    let change = TagChange::between(before, after);
    if !change.set.is_empty() {
        let set = change.set.iter().map(|(key, value)| tag(key, value)).collect();
        aws.ec2.create_tags().resources(id).set_tags(Some(set)).send().await.during("ec2:CreateTags")?;
    }
    if !change.removed.is_empty() {
        let gone = change.removed.iter().map(|key| Tag::builder().key(key).build()).collect();
        aws.ec2.delete_tags().resources(id).set_tags(Some(gone)).send().await.during("ec2:DeleteTags")?;
    }
    Ok(())
}

/// The id in the answer of a create call.
pub(super) fn made(id: Option<&str>, operation: &str) -> Result<String, CloudError> {
    id.map(str::to_owned).ok_or_else(|| CloudError::internal(format!("{operation} answered without an id")))
}

/// A call on what was created a moment ago. EC2 is eventually consistent: for a few seconds it may answer
/// that there is no such thing. Trying again here, and not the whole `create`, makes no second object.
pub(super) async fn soon<T>(mut call: impl AsyncFnMut() -> Result<T, CloudError>) -> Result<T, CloudError> {
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(error) if error.is(Class::Missing) => tokio::time::sleep(Duration::from_millis(PAUSE)).await,
            answer => return answer,
        }
    }
    call().await
}

/// Done once `state` is `ready`; no state means that EC2 does not show the object.
pub(super) fn until(operation: &str, ready: &str, state: Option<&str>) -> Result<Poll, CloudError> {
    match state {
        Some(state) if state == ready => Ok(Poll::Done(super::Outputs::new())),
        Some(state) => Ok(Poll::Waiting(format!("state: {state}"))),
        None => Err(CloudError::not_shown(operation)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody may have deleted it: the wait ends with what AWS's delay is given, and not with the kind's deadline.
    #[test]
    fn what_is_not_shown_is_trouble_and_no_progress() {
        let shown = |state| until("ec2:DescribeVpcs", "available", state);
        assert!(matches!(shown(Some("available")), Ok(Poll::Done(_))));
        assert!(matches!(shown(Some("pending")), Ok(Poll::Waiting(what)) if what == "state: pending"));
        assert!(shown(None).is_err_and(|error| error.is(Class::Propagating)));
    }
}
