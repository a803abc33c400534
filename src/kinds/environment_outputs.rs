//! The outputs of an environment: what people open, call and run of it, under names that stay the same.
//!
//! Each kind tells its own part of them from a live object ([`super::Kind::environment_outputs`]). None is ever a
//! secret: what leads to one is the command that reads it.

use serde_json::Value;

use super::Outputs;
use crate::spec::Environment;
use crate::value::{Address, Ref, Target};

/// Stands for the key of an entry in the names that a kind lists: `databases.….endpoint`.
const KEY: &str = "…";

/// One output of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentOutput {
    /// By the spec's own path, as `{databases.main.endpoint}` writes it in a text.
    pub name: String,
    pub value: String,
    pub sort: OutputSort,
}

/// What an output is for, in the order in which people look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutputSort {
    /// To open in a browser.
    Url,
    /// A host to connect to.
    Endpoint,
    /// Lines for a shell.
    Command,
    /// The name, number or id of something.
    Name,
}

/// A live object of any kind.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    pub address: &'a Address,
    pub id: &'a str,
    pub outputs: &'a Outputs,
    pub attrs: &'a Value,
}

/// A live object, with those beside it.
pub struct LiveObject<'a, A> {
    pub env: &'a Environment,
    /// The name part of its address.
    pub name: &'a str,
    pub id: &'a str,
    pub outputs: &'a Outputs,
    pub attrs: &'a A,
    /// All that were read.
    pub all: &'a [Found<'a>],
}

impl<'a, A> LiveObject<'a, A> {
    /// The output with this value; none where there is no value, or an empty one.
    pub fn output(&self, name: String, sort: OutputSort, value: Option<&str>) -> Vec<EnvironmentOutput> {
        let value = value.filter(|value| !value.is_empty());
        value.map(|value| EnvironmentOutput { name, value: value.to_owned(), sort }).into_iter().collect()
    }

    /// Another live object.
    pub fn find(&self, kind: &str, name: &str) -> Option<&'a Found<'a>> {
        self.all.iter().find(|found| (found.address.kind(), found.address.name()) == (kind, name))
    }

    /// The name of the object that a live reference leads to.
    pub fn named<K: Target>(&self, reference: &Ref<K>) -> Option<&'a str> {
        let value = reference.value();
        let is_it = |found: &&Found<'_>| {
            found.address.kind() == K::KIND
                && (found.id == value || found.outputs.values().any(|output| output == value))
        };
        self.all.iter().filter(|_| !value.is_empty()).find(is_it).map(|found| found.address.name())
    }
}

/// Whether an output that a kind lists as `known` may have this name.
pub fn is_called(known: &str, name: &str) -> bool {
    let is_numbered = |rest: &str| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|number| number.parse::<usize>().is_ok())
    };
    match known.split_once(KEY) {
        None => name.strip_prefix(known).is_some_and(is_numbered),
        Some((section, field)) => name.strip_prefix(section).is_some_and(|rest| {
            rest.rfind(field).is_some_and(|at| at > 0 && is_numbered(&rest[at + field.len()..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_what_kinds_list() {
        assert!(is_called("network.vpc", "network.vpc"));
        assert!(!is_called("network.vpc", "network.vpcs"));
        assert!(is_called("services.….url", "services.web.url"));
        assert!(is_called("services.….url", "services.web.url-2"));
        assert!(!is_called("services.….url", "services.web.url-b"));
        assert!(!is_called("services.….url", "services..url"), "an entry has a key");
        assert!(!is_called("services.….url", "services.web.logs"));
        assert!(is_called("services.….url", "services.a.url.url"));
    }
}
