//! The record of what was applied, which an account and a cloud file keep beside the lock; and what an account keeps
//! with it, the list of kinds ([`KindList`]).

#[cfg(feature = "aws")]
pub mod account;
mod kind_list;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::{AnyKind, Outputs};
use crate::value::walk::links;
use crate::value::{Address, sha256, tag};

pub use kind_list::{InUse, KindList, ListChange, NewerList};

/// What the spec asked for when it was last applied: by address, a digest of each wanted field. By it a plan tells
/// what somebody asked for from what somebody did by hand. It holds digests of what specs say and of what that came
/// to (never of a secret's value: of its source, and of how often AWS counted it written), and nothing is lost with
/// it but this distinction.
///
/// An object's text is its fields' digests in order, `+` and a second digest after those that depend on more than
/// their own words. What an apply has begun to change stands as dashes until it is done; `~` before all of it says that
/// the object itself may be gone meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Applied(BTreeMap<Address, String>);

/// Hex digits of one field's digest: that two values share theirs would only put a change under the wrong heading.
const DIGITS: usize = 6;
/// Letters of the longest secret that a spec may have generated.
const LONGEST_GENERATED: usize = 128;
const IN_PROGRESS: &str = "------";
const DELETING: char = '~';
const SOURCE: char = '+';

/// What is asked of one object.
#[derive(Clone, Copy)]
pub struct Requested<'a> {
    /// In the spec's words, nothing resolved.
    pub spec: &'a Value,
    /// The same with every reference resolved, as far as it is known.
    pub resolved: &'a Value,
    /// What AWS counts up whenever the live object is written.
    pub written: &'a str,
}

/// The outputs of a live object that any write of it moves.
pub fn written(kind: &dyn AnyKind, outputs: &Outputs) -> String {
    let changing_outputs = kind.changing_outputs().iter().filter_map(|name| outputs.get(*name));
    changing_outputs.map(String::as_str).collect::<Vec<_>>().join(" ")
}

impl Applied {
    /// Remembers that the object is as it is asked for.
    pub fn record(&mut self, address: &Address, asked: Requested<'_>) {
        let fields = asked.spec.as_object().into_iter().flatten();
        let fields = fields.map(|(name, spec)| match asked.source(name) {
            Some(Source::Resolved(source) | Source::Written(source)) => {
                format!("{}{SOURCE}{}", digest(spec), digest(&source))
            }
            None => digest(spec),
        });
        self.0.insert(address.clone(), fields.collect());
    }

    /// Takes over from an earlier record what it says of secrets whose variable is not set in this run: they were not
    /// written, whatever the spec says of them now.
    pub fn keep_unwritten(&mut self, address: &Address, resolved: &Value, earlier: &Self) {
        let Some(names) = resolved.as_object() else { return };
        let of = |record: &Self| {
            let fields = record.0.get(address).and_then(|text| fields(text)).filter(|all| all.len() == names.len());
            fields.map(|all| all.into_iter().map(text_of).collect::<Vec<_>>())
        };
        let (Some(mut now), Some(then)) = (of(self), of(earlier)) else { return };
        let is_unset = |value: &Value| value.get(tag::SECRET).is_some_and(|source| source.get("env").is_some());
        let unset = names.values().enumerate().filter(|(_, value)| is_unset(value)).map(|(place, _)| place);
        for place in unset.filter(|&place| !then[place].starts_with(IN_PROGRESS)) {
            now[place].clone_from(&then[place]);
        }
        self.0.insert(address.clone(), now.concat());
    }

    /// Knows an object by another address from now on, unless it knows one there.
    pub fn rename(&mut self, from: &Address, to: &Address) {
        if !self.knows(to)
            && let Some(text) = self.0.remove(from)
        {
            self.0.insert(to.clone(), text);
        }
    }

    /// Remembers nothing of the object.
    pub fn forget(&mut self, address: &Address) {
        self.0.remove(address);
    }

    /// Puts dashes for the fields of `names` that are `asked` for; what moved by hand did so whatever becomes of the
    /// change. With `goes`, the object itself is about to be taken away.
    pub fn begin(&mut self, address: &Address, names: &[&str], asked: &BTreeSet<&str>, goes: bool) {
        let Some(then) = self.0.get(address) else { return };
        let Some(then) = fields(then).filter(|then| then.len() == names.len()) else {
            self.0.remove(address);
            return;
        };
        let mut text = String::new();
        if goes {
            text.push(DELETING);
        }
        for ((spec, source), name) in then.iter().zip(names) {
            text += if asked.contains(name) { IN_PROGRESS } else { spec };
            if let Some(source) = source {
                text.push(SOURCE);
                text += if asked.contains(name) { IN_PROGRESS } else { source };
            }
        }
        self.0.insert(address.clone(), text);
    }

    /// Forgets all others.
    pub fn retain(&mut self, keep: impl Fn(&Address) -> bool) {
        self.0.retain(|address, _| keep(address));
    }

    /// Whether the record has the object.
    pub fn knows(&self, address: &Address) -> bool {
        self.0.contains_key(address)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the field was asked for in the same words when the object was last applied.
    pub fn same_spec(&self, address: &Address, spec: &Value, field: &str) -> bool {
        let (Some((then, _)), Some(now)) = (self.field(address, spec, field), spec.get(field)) else {
            return false;
        };
        then == digest(now)
    }

    /// Whether what the field depends on besides its words is what it was, so that only what is live has moved: of
    /// references, that they lead to the same; of a secret, whose value nobody keeps, that somebody has written it.
    pub fn same_source(&self, address: &Address, asked: Requested<'_>, field: &str) -> bool {
        let Some((_, then)) = self.field(address, asked.spec, field) else { return false };
        match (asked.source(field), then) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(Source::Resolved(now)), Some(then)) => then == digest(&now),
            (Some(Source::Written(now)), Some(then)) => then != digest(&now),
        }
    }

    /// Whether the field was a secret to be generated when the object was last applied, of whatever length. `None`
    /// where nobody knows.
    pub fn was_generated(&self, address: &Address, spec: &Value, field: &str) -> Option<bool> {
        let (then, _) = self.field(address, spec, field).filter(|(then, _)| *then != IN_PROGRESS)?;
        let generated = |length: usize| digest(&json!({ tag::SECRET: { "generate": length } }));
        Some((1..=LONGEST_GENERATED).any(|length| then == generated(length)))
    }

    /// Whether the object was there in the same words, and nothing of ours has begun to take it away.
    pub fn existed(&self, address: &Address, spec: &Value) -> bool {
        let then = self.0.get(address).filter(|then| !then.starts_with(DELETING));
        let Some(then) = then.and_then(|then| fields(then)) else { return false };
        let now = spec.as_object().into_iter().flat_map(|fields| fields.values());
        then.iter().map(|(spec, _)| (*spec).to_owned()).eq(now.map(digest))
    }

    /// The digests of a field: of its words, and of what else it depends on.
    fn field(&self, address: &Address, spec: &Value, field: &str) -> Option<(&str, Option<&str>)> {
        let then = fields(self.0.get(address)?)?;
        let now = spec.as_object()?;
        // Another number of fields: another Baseplate wrote it, and its places mean other fields.
        let place = now.keys().position(|name| name == field).filter(|_| then.len() == now.len())?;
        then.get(place).copied()
    }

    /// The record as JSON texts of at most so many bytes, each complete in itself.
    pub fn pages(&self, bytes: usize) -> Vec<String> {
        let mut pages = Vec::new();
        let mut page = Self::default();
        let mut size = 2;
        for (address, digests) in &self.0 {
            let entry = address.to_string().len() + digests.len() + 6;
            if size + entry > bytes && !page.is_empty() {
                pages.push(std::mem::take(&mut page).json());
                size = 2;
            }
            page.0.insert(address.clone(), digests.clone());
            size += entry;
        }
        if !page.is_empty() {
            pages.push(page.json());
        }
        pages
    }

    /// Puts together what [`Self::pages`] took apart. A page that is none is left out.
    pub fn of_pages<'a>(pages: impl IntoIterator<Item = &'a str>) -> Self {
        let read = |page: &str| serde_json::from_str::<Self>(page).unwrap_or_default();
        Self(pages.into_iter().flat_map(|page| read(page).0).collect())
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("a map of strings: {error}"))
    }
}

/// What a field depends on besides its own words.
enum Source {
    /// What its references come to.
    Resolved(Value),
    /// How often AWS counted the object written that holds the secret.
    Written(Value),
}

impl Requested<'_> {
    fn source(&self, field: &str) -> Option<Source> {
        let spec = self.spec.get(field)?;
        if is_secret(spec) {
            return Some(Source::Written(self.written.into()));
        }
        let resolved = || Source::Resolved(self.resolved.get(field).cloned().unwrap_or_default());
        (!links(spec).is_empty()).then(resolved)
    }
}

fn is_secret(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_secret),
        Value::Object(map) => map.contains_key(tag::SECRET) || map.values().any(is_secret),
        _ => false,
    }
}

/// A field's part of an object's text.
fn text_of((spec, source): (&str, Option<&str>)) -> String {
    match source {
        Some(source) => format!("{spec}{SOURCE}{source}"),
        None => spec.to_owned(),
    }
}

/// The digests in an object's text. `None` where it is none.
fn fields(text: &str) -> Option<Vec<(&str, Option<&str>)>> {
    let mut rest = text.strip_prefix(DELETING).unwrap_or(text);
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let spec = rest.get(..DIGITS).filter(|spec| spec.is_ascii())?;
        rest = &rest[DIGITS..];
        let mut source = None;
        if let Some(after) = rest.strip_prefix(SOURCE) {
            source = Some(after.get(..DIGITS)?);
            rest = &after[DIGITS..];
        }
        fields.push((spec, source));
    }
    Some(fields)
}

fn digest(value: &Value) -> String {
    sha256(value)[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        Address::new("vpc", name)
    }

    fn plain(spec: &Value) -> Requested<'_> {
        Requested { spec, resolved: spec, written: "" }
    }

    #[test]
    fn fields_are_told_apart() {
        let mut applied = Applied::default();
        applied.record(&address("main"), plain(&json!({"cidr": "10.0.0.0/16", "dns": true})));
        let now = json!({"cidr": "10.1.0.0/16", "dns": true});
        assert!(applied.same_spec(&address("main"), &now, "dns"));
        assert!(!applied.same_spec(&address("main"), &now, "cidr"));
        assert!(!applied.same_spec(&address("other"), &now, "dns"));
        assert!(!applied.existed(&address("main"), &now));
        assert!(applied.existed(&address("main"), &json!({"cidr": "10.0.0.0/16", "dns": true})));
    }

    #[test]
    fn what_is_known_by_another_address_is_known_as_before() {
        let (mut applied, spec) = (Applied::default(), json!({"class": "small"}));
        applied.record(&address("main"), plain(&spec));
        applied.rename(&address("main"), &address("core"));
        assert!(applied.same_spec(&address("core"), &spec, "class") && !applied.knows(&address("main")));
        applied.record(&address("main"), plain(&json!({"class": "large"})));
        applied.rename(&address("main"), &address("core"));
        assert!(applied.same_spec(&address("core"), &spec, "class"), "what is known there stays");
    }

    #[test]
    fn another_set_of_fields_is_not_comparable() {
        let mut applied = Applied::default();
        applied.record(&address("main"), plain(&json!({"cidr": "10.0.0.0/16"})));
        assert!(!applied.same_spec(&address("main"), &json!({"arn": 1, "cidr": "10.0.0.0/16"}), "cidr"));
    }

    #[test]
    fn references_that_lead_elsewhere_are_another_source() {
        let mut applied = Applied::default();
        let spec = json!({"group": {"$to": "security_group.web", "output": "id"}, "name": "web"});
        let resolved =
            |id: &str| json!({"group": {"$id": id, "kind": "security_group", "output": "id"}, "name": "web"});
        let (then, now) = (resolved("sg-1"), resolved("sg-2"));
        let main = address("main");
        let asked = |resolved| Requested { spec: &spec, resolved, written: "" };
        applied.record(&main, asked(&then));
        assert!(applied.same_spec(&main, &spec, "group"));
        assert!(applied.same_source(&main, asked(&then), "group"));
        assert!(!applied.same_source(&main, asked(&now), "group"));
        assert!(applied.same_source(&main, asked(&now), "name"));
    }

    /// A variable that changed has not written what is live.
    #[test]
    fn a_secret_has_moved_only_if_somebody_wrote_it() {
        let mut applied = Applied::default();
        let (main, spec) = (address("main"), json!({"secret": {"$secret": {"env": "KEY"}}}));
        let asked = |written| Requested { spec: &spec, resolved: &spec, written };
        applied.record(&main, asked("3"));
        assert!(!applied.same_source(&main, asked("3"), "secret"), "another value of the variable");
        assert!(applied.same_source(&main, asked("4"), "secret"), "written by hand");
    }

    #[test]
    fn what_was_generated_is_known_by_its_words() {
        let mut applied = Applied::default();
        let main = address("main");
        let spec = |source: Value| json!({ "secret": { "$secret": source } });
        let (generated, given) = (spec(json!({ "generate": 40 })), spec(json!({ "env": "KEY" })));
        assert_eq!(applied.was_generated(&main, &given, "secret"), None);
        applied.record(&main, plain(&generated));
        assert_eq!(applied.was_generated(&main, &given, "secret"), Some(true));
        applied.begin(&main, &["secret"], &BTreeSet::from(["secret"]), false);
        assert_eq!(applied.was_generated(&main, &given, "secret"), None, "it may have been written since");
        applied.record(&main, plain(&given));
        assert_eq!(applied.was_generated(&main, &given, "secret"), Some(false));
    }

    #[test]
    fn what_was_generated_stays_so_until_it_is_written() {
        let main = address("main");
        let spec = |source: Value| json!({ "name": "key", "secret": { "$secret": source } });
        let (generated, given) = (spec(json!({ "generate": 40 })), spec(json!({ "env": "KEY" })));
        let mut earlier = Applied::default();
        earlier.record(&main, plain(&generated));
        for (resolved, stays) in [(given.clone(), true), (spec(json!({ "fingerprint": "f" })), false)] {
            let mut applied = Applied::default();
            applied.record(&main, Requested { spec: &given, resolved: &resolved, written: "" });
            applied.keep_unwritten(&main, &resolved, &earlier);
            assert_eq!(applied.was_generated(&main, &given, "secret"), Some(stays));
            assert!(applied.same_spec(&main, &given, "name"));
        }
    }

    #[test]
    fn a_text_that_is_none_says_nothing() {
        for text in ["a", "abcdef+", "abcdef+12345", "~abc"] {
            assert_eq!(fields(text), None, "{text}");
        }
        assert_eq!(fields("~abcdef+123456------"), Some(vec![("abcdef", Some("123456")), (IN_PROGRESS, None)]));
    }

    #[test]
    fn pages_come_together_again() {
        let mut applied = Applied::default();
        for number in 0..100 {
            applied.record(&address(&format!("n{number}")), plain(&json!({"number": number})));
        }
        let pages = applied.pages(400);
        assert!(pages.len() > 3 && pages.iter().all(|page| page.len() <= 400), "{pages:?}");
        assert_eq!(Applied::of_pages(pages.iter().map(String::as_str)), applied);
        assert_eq!(Applied::of_pages(["not JSON"]), Applied::default());
    }
}
