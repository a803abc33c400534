//! What AWS's answers hold of a kind's objects, and what becomes of each member: an attribute is made of it (managed), it
//! is told where it is not AWS's default (reported), or it is left out for a reason (ignored). A test holds these lists
//! against the models of the API, so that nothing which AWS tells goes unseen.

use std::collections::BTreeMap;
use std::fmt::Display;

/// A member that no spec asks for, and its value where somebody has set it: `None` where it is AWS's default.
pub struct Setting<T: 'static> {
    /// Its path in the object, in AWS's own spelling: `EncryptionControl.Mode`.
    pub member: &'static str,
    pub value: fn(&T) -> Option<String>,
}

impl<T> Setting<T> {
    pub const fn new(member: &'static str, value: fn(&T) -> Option<String>) -> Self {
        Self { member, value }
    }
}

/// The settings of one object that are not AWS's defaults, by member.
pub type Settings = BTreeMap<String, String>;

/// Reads them from an answer.
pub fn settings<T>(watched: &[Setting<T>], object: &T) -> Settings {
    let set = watched.iter().filter_map(|one| Some((one.member.to_owned(), (one.value)(object)?)));
    set.collect()
}

/// What becomes of the members of one operation's answers. A path also stands for all that is below it.
pub struct Members {
    /// `ec2:DescribeVpcs`.
    pub operation: &'static str,
    /// Where the objects are in the answer: `Vpcs`, or nowhere for the answer itself.
    pub at: &'static str,
    pub managed: &'static [&'static str],
    pub reported: Vec<&'static str>,
    /// By reason.
    pub ignored: &'static [(&'static str, &'static [&'static str])],
    /// Whether the members are keys of a list or a map, of which the model of the API says nothing.
    pub are_keys: bool,
}

impl Members {
    pub fn of<T>(
        operation: &'static str,
        at: &'static str,
        managed: &'static [&'static str],
        reported: &[Setting<T>],
        ignored: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        let reported = reported.iter().map(|one| one.member).collect();
        Self { operation, at, managed, reported, ignored, are_keys: false }
    }

    /// The same of attributes that an operation answers with by key; those of `defaults` are reported.
    pub fn of_keys(
        operation: &'static str,
        at: &'static str,
        managed: &'static [&'static str],
        defaults: &[(&'static str, &'static str)],
        ignored: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        Self::of_made(operation, at, managed, defaults.iter().map(|(key, _)| *key), ignored)
    }

    /// The same where what is reported is made of an answer, or is one of its keys, and has no name in the API's model.
    pub fn of_made(
        operation: &'static str,
        at: &'static str,
        managed: &'static [&'static str],
        reported: impl IntoIterator<Item = &'static str>,
        ignored: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        let reported = reported.into_iter().collect();
        Self { operation, at, managed, reported, ignored, are_keys: true }
    }
}

/// The attributes by key that are not what AWS gives every object.
pub fn unlike<'v>(defaults: &[(&str, &str)], value: impl Fn(&str) -> Option<&'v str>) -> Settings {
    let set = defaults.iter().filter_map(|(key, default)| {
        Some(((*key).to_owned(), value(key).filter(|value| value != default)?.to_owned()))
    });
    set.collect()
}

// What stands for AWS's default is nothing to tell.

pub fn on(value: Option<bool>) -> Option<String> {
    value.filter(|on| *on).map(|on| on.to_string())
}

pub fn off(value: Option<bool>) -> Option<String> {
    value.filter(|on| !*on).map(|on| on.to_string())
}

pub fn text(value: Option<&str>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(str::to_owned)
}

pub fn other(value: Option<&str>, default: &str) -> Option<String> {
    text(value).filter(|text| text != default)
}

pub fn number<N: Display + Default + PartialEq>(value: Option<N>) -> Option<String> {
    value.filter(|number| *number != N::default()).map(|number| number.to_string())
}

/// In any order, as AWS lists.
pub fn list<'v>(items: impl IntoIterator<Item = &'v str>) -> Option<String> {
    let mut items: Vec<&str> = items.into_iter().collect();
    items.sort_unstable();
    (!items.is_empty()).then(|| items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_the_default_is_told() {
        assert_eq!((on(Some(true)), on(Some(false)), on(None)), (Some("true".to_owned()), None, None));
        assert_eq!((off(Some(false)), off(Some(true)), off(None)), (Some("false".to_owned()), None, None));
        assert_eq!((text(Some("a")), text(Some("")), text(None)), (Some("a".to_owned()), None, None));
        assert_eq!((other(Some("b"), "a"), other(Some("a"), "a")), (Some("b".to_owned()), None));
        assert_eq!((number(Some(7)), number(Some(0))), (Some("7".to_owned()), None));
        assert_eq!((list(["b", "a"]), list([])), (Some("a, b".to_owned()), None));
        let value = |key: &str| Some(if key == "http2" { "false" } else { "60" });
        assert_eq!(
            unlike(&[("http2", "true"), ("timeout", "60")], value),
            Settings::from([("http2".to_owned(), "false".to_owned())])
        );
    }
}
