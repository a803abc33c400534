//! What the kinds of EC2 have in common: tags that come with the create call, reads by owner and by place, and a
//! service whose parts learn of a new object one after the other.

#[cfg(feature = "aws")]
pub(in crate::kinds) mod users;

use crate::spec::Environment;
use crate::value::{Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{
    Described, described, everywhere, filter, found, made, mark, retag, soon, tagged, until,
};

/// The tag that the console shows as the name.
pub(in crate::kinds) const NAME: &str = "Name";

/// The tags of an object, with a `Name` after its own: `<project>-<environment>-<name>`.
pub(in crate::kinds) fn tags<K: Target>(env: &Environment, name: &str) -> Tags {
    let label = if name == "main" { env.prefix() } else { env.name(name, 255) };
    let mut tags = env.tags_of::<K>(name);
    tags.insert(NAME.to_owned(), label);
    tags
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, Reader, Scope, SdkResult, service};
    use crate::kinds::ownership::{TagChange, visible};
    use crate::kinds::{Kind, Poll};
    use crate::value::Address;

    service!(aws_sdk_ec2);

    /// How often, and how many milliseconds apart, a call is made that does not find what was just created.
    const ATTEMPTS: usize = 20;

    const PAUSE: u64 = 500;

    /// The filters for what belongs to this environment.
    fn ours(env: &Environment) -> Vec<Filter> {
        let tag = |key: &str, value: &str| filter(&format!("tag:baseplate:{key}"), value);
        vec![tag("project", &env.project), tag("environment", &env.environment)]
    }

    pub(in crate::kinds) fn filter(name: &str, value: &str) -> Filter {
        Filter::builder().name(name).values(value).build()
    }

    /// A live object of EC2, as its describe call answers with it.
    pub(in crate::kinds) trait Described {
        fn id(&self) -> Option<&str>;
        fn tags(&self) -> &[Tag];
    }

    /// In the file of the kind that a describe call answers with: `described!(NatGateway, nat_gateway_id);`.
    macro_rules! described {
        ($object:ident, $id:ident) => {
            impl $crate::kinds::network::ec2::Described for aws_sdk_ec2::types::$object {
                fn id(&self) -> Option<&str> {
                    self.$id()
                }
                fn tags(&self) -> &[aws_sdk_ec2::types::Tag] {
                    self.tags()
                }
            }
        };
    }
    pub(in crate::kinds) use described;

    /// What carries this environment's tags. If something that the spec wants is not among it, it may be there and have
    /// lost them: then also all that the filters of `beyond` let through, where there are any. So too for who wants to
    /// know what somebody made by hand.
    pub(in crate::kinds) async fn found<K: Kind, T: Described>(
        read: &Reader<'_>,
        describe: impl AsyncFn(Vec<Filter>) -> Result<Vec<T>, CloudError>,
        beyond: impl Future<Output = Result<Option<Vec<Filter>>, CloudError>>,
    ) -> Result<Vec<T>, CloudError> {
        let mut found = describe(ours(read.scope.env)).await?;
        let named: BTreeSet<String> = found
            .iter()
            .filter_map(|object| mark::<K>(read.scope, object.tags()).0)
            .map(|address| address.name().to_owned())
            .collect();
        if !read.scope.everything && K::desired(read.scope.env).iter().all(|desired| named.contains(&desired.name))
        {
            return Ok(found);
        }
        let Some(filters) = beyond.await? else { return Ok(found) };
        let known: BTreeSet<String> = found.iter().filter_map(Described::id).map(str::to_owned).collect();
        let more = describe(filters).await?.into_iter();
        found.extend(more.filter(|object| object.id().is_some_and(|id| !known.contains(id))));
        Ok(found)
    }

    /// No filters: for what there are few of in an account, and what is in no VPC.
    pub(in crate::kinds) async fn everywhere() -> Result<Option<Vec<Filter>>, CloudError> {
        Ok(Some(Vec::new()))
    }

    /// The tags as a create call takes them.
    pub(in crate::kinds) fn tagged(resource: ResourceType, tags: &Tags) -> TagSpecification {
        let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
        TagSpecification::builder().resource_type(resource).set_tags(Some(tags)).build()
    }

    fn tag(key: &str, value: &str) -> Tag {
        Tag::builder().key(key).value(value).build()
    }

    /// The address of a live object of kind `K`, if its tags say that it is this environment's, and the tags.
    pub(in crate::kinds) fn mark<K: Kind>(scope: &Scope<'_>, tags: &[Tag]) -> (Option<Address>, Tags) {
        let tags = visible(tags.iter().filter_map(|tag| Some((tag.key()?, tag.value()?))));
        (scope.owner::<K>(&tags), tags)
    }

    /// Brings an object's tags from `before` to exactly `after`.
    pub(in crate::kinds) async fn retag(
        aws: &Aws,
        id: &str,
        before: &Tags,
        after: &Tags,
    ) -> Result<(), CloudError> {
        let change = TagChange::between(before, after);
        if !change.set.is_empty() {
            let set = change.set.iter().map(|(key, value)| tag(key, value)).collect();
            aws.client::<Ec2>()
                .create_tags()
                .resources(id)
                .set_tags(Some(set))
                .send()
                .await
                .operation("ec2:CreateTags")?;
        }
        if !change.removed.is_empty() {
            let gone = change.removed.iter().map(|key| Tag::builder().key(key).build()).collect();
            aws.client::<Ec2>()
                .delete_tags()
                .resources(id)
                .set_tags(Some(gone))
                .send()
                .await
                .operation("ec2:DeleteTags")?;
        }
        Ok(())
    }

    /// The id in the answer of a create call.
    pub(in crate::kinds) fn made(id: Option<&str>, operation: &str) -> Result<String, CloudError> {
        id.map(str::to_owned).ok_or_else(|| CloudError::internal(format!("{operation} returned no id")))
    }

    /// A call on what was created a moment ago. EC2 is eventually consistent: for a few seconds it may answer
    /// that there is no such thing. Trying again here, and not the whole `create`, makes no second object.
    pub(in crate::kinds) async fn soon<T>(
        mut call: impl AsyncFnMut() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        for _ in 1..ATTEMPTS {
            match call().await {
                Err(error) if error.is(ErrorClass::NotFound) => {
                    tokio::time::sleep(Duration::from_millis(PAUSE)).await;
                }
                answer => return answer,
            }
        }
        call().await
    }

    /// Done once `state` is `ready`; no state means that EC2 does not show the object.
    pub(in crate::kinds) fn until(operation: &str, ready: &str, state: Option<&str>) -> Result<Poll, CloudError> {
        match state {
            Some(state) if state == ready => Ok(Poll::Done(crate::kinds::Outputs::new())),
            Some(state) => Ok(Poll::Waiting(format!("state: {state}"))),
            None => Err(CloudError::not_shown(operation)),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Somebody may have deleted it: the wait ends with what AWS's delay is given, and not with the kind's
        /// deadline.
        #[test]
        fn what_is_not_shown_is_trouble_and_no_progress() {
            let shown = |state| until("ec2:DescribeVpcs", "available", state);
            assert!(matches!(shown(Some("available")), Ok(Poll::Done(_))));
            assert!(matches!(shown(Some("pending")), Ok(Poll::Waiting(what)) if what == "state: pending"));
            assert!(shown(None).is_err_and(|error| error.is(ErrorClass::EventuallyConsistent)));
        }
    }
}
