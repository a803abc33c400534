//! Whose an object seems to be, for services that have no batch call for tags, and what a change of tags asks for.

use std::collections::HashMap;

use crate::aws::{CloudError, ErrorClass, Reader};
use crate::kinds::{Kind, Live};
use crate::spec::Environment;
use crate::value::{Address, Tags};

/// The presumed owner of one object, before its own tags were read.
pub(super) struct Ownership {
    pub address: Option<Address>,
    /// `None` where the tag index says nothing of the object.
    tags: Option<Tags>,
    unconfirmed: bool,
}

impl Ownership {
    /// Looks the object up in the tag index. Where it is missing there, which proves nothing, the address that the
    /// object's name implies is unconfirmed until `Calls::refresh` has read the object's own tags; where there is no
    /// index at all, `ask` reads them at once.
    pub async fn of<K: Kind>(
        read: &Reader<'_>,
        arn: &str,
        implied: Option<Address>,
        ask: impl Future<Output = Result<Tags, CloudError>>,
    ) -> Result<Self, CloudError> {
        let index = read.tag_index().await?;
        let (tags, unconfirmed) = match &*index {
            Some(index) => (index.get(arn).map(visible), true),
            None => (Some(ask.await?), false),
        };
        let address = match &tags {
            Some(tags) => read.scope.owner::<K>(tags),
            None => implied,
        };
        Ok(Self { address, tags, unconfirmed })
    }

    /// Whether the object is ours, or may be for all that its tags say, or has a name that concerns us.
    pub fn concerns<K: Kind>(&self, read: &Reader<'_>, name: &str) -> bool {
        self.address.is_some()
            || self.tags.as_ref().is_some_and(|tags| read.scope.has_ownership_tags::<K>(tags))
            || read.scope.concerns(K::KIND, name)
    }

    /// The live object, with what was found out about its owner; `attrs` gets its tags.
    pub fn live<A>(self, id: &str, attrs: impl FnOnce(Tags) -> A) -> Live<A> {
        let unread = if self.tags.is_none() { vec!["tags"] } else { Vec::new() };
        let live = Live::new(self.address, id, attrs(self.tags.unwrap_or_default()));
        Live { unread, unconfirmed: self.unconfirmed, ..live }
    }
}

/// Replaces unconfirmed tags by the object's own.
pub(super) fn confirm_tags<K: Kind>(
    read: &Reader<'_>,
    live: &mut Live<K::Attrs>,
    tags: Tags,
    field: impl FnOnce(&mut K::Attrs) -> &mut Tags,
) {
    live.address = read.scope.owner::<K>(&tags);
    live.unread.retain(|unread| *unread != "tags");
    if let Some(attrs) = &mut live.attrs {
        *field(attrs) = tags;
    }
}

/// The addresses that the desired objects' physical names imply.
pub(super) fn implied<K: Kind>(env: &Environment, name: impl Fn(K::Attrs) -> String) -> HashMap<String, Address> {
    let desired = K::desired(env).into_iter();
    desired.map(|desired| (name(desired.attrs), Address::new(K::KIND, desired.name))).collect()
}

/// The tags that people and Baseplate set; those of AWS itself cannot be changed.
pub(super) fn visible<S: AsRef<str>>(tags: impl IntoIterator<Item = (S, S)>) -> Tags {
    let pairs = tags.into_iter().map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned()));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// What brings the tags of an object from one state to another.
pub(super) struct TagChange {
    pub set: Tags,
    pub removed: Vec<String>,
}

impl TagChange {
    pub fn between(before: &Tags, after: &Tags) -> Self {
        let set = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
        Self {
            set: set.map(|(key, value)| (key.clone(), value.clone())).collect(),
            removed: before.keys().filter(|key| !after.contains_key(*key)).cloned().collect(),
        }
    }
}

/// A create that AWS rejects as a duplicate succeeded the first time if the existing object has the very tags: the SDK
/// retries calls whose response was lost, and not every service takes an idempotency token.
pub(super) async fn unless_created(
    error: CloudError,
    wanted: &Tags,
    ask: impl Future<Output = Result<Tags, CloudError>>,
) -> Result<(), CloudError> {
    let made = error.is(ErrorClass::AlreadyExists) && ask.await.is_ok_and(|found| found == *wanted);
    if made { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_change_of_tags_touches_only_what_differs() {
        let (before, after) = (tags(&[("a", "1"), ("b", "2"), ("c", "3")]), tags(&[("a", "1"), ("b", "x")]));
        let change = TagChange::between(&before, &after);
        assert_eq!(change.set, tags(&[("b", "x")]));
        assert_eq!(change.removed, ["c"]);
    }

    #[test]
    fn tags_of_aws_are_not_ours_to_see() {
        assert_eq!(visible([("aws:cloudformation:stack", "x"), ("team", "y")]), tags(&[("team", "y")]));
    }
}
