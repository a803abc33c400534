//! Walks over serialised attributes: what they refer to, and what those references come to.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Address, tag};

/// A reference found in serialised attributes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// To an output of an address of this environment.
    To { address: Address, output: String },
    /// To an output of a live object of a kind.
    Id { kind: String, output: String, id: String },
}

/// Every reference in `attrs`, those inside texts and secrets included.
pub fn links(attrs: &Value) -> BTreeSet<Link> {
    let mut found = BTreeSet::new();
    collect(attrs, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<Link>) {
    match value {
        Value::Object(map) => match link(map) {
            Some(link) => {
                found.insert(link);
            }
            None => map.values().for_each(|value| collect(value, found)),
        },
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn link(map: &Map<String, Value>) -> Option<Link> {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let output = text("output")?.to_owned();
    if let Some(address) = text(tag::TO) {
        return Some(Link::To { address: address.parse().ok()?, output });
    }
    Some(Link::Id { id: text(tag::ID)?.to_owned(), kind: text("kind")?.to_owned(), output })
}

/// What references and secret sources come to. `None` means: not known yet.
pub trait Lookup {
    /// Zeroized, since inside a secret text it may be the value of another secret.
    fn output(&self, address: &Address, output: &str) -> Option<Zeroizing<String>>;
    /// The secret by fingerprint, in place of its source.
    fn secret(&self, source: &Value) -> Option<Value>;
}

/// `attrs` with every reference that `lookup` knows replaced by what it comes to; the others stay.
pub fn resolve(attrs: &Value, lookup: &dyn Lookup) -> Value {
    match attrs {
        Value::Array(items) => Value::Array(items.iter().map(|item| resolve(item, lookup)).collect()),
        Value::Object(map) => {
            if let Some(Link::To { address, output }) = link(map) {
                return match lookup.output(&address, &output) {
                    Some(id) => json!({ tag::ID: id.as_str(), "kind": address.kind(), "output": output }),
                    None => attrs.clone(),
                };
            }
            if let Some(Value::Array(parts)) = map.get(tag::TEXT) {
                return text(parts, lookup).map_or_else(|| attrs.clone(), |text| text.as_str().into());
            }
            if let Some(source) = map.get(tag::SECRET) {
                return lookup.secret(source).unwrap_or_else(|| attrs.clone());
            }
            map.iter().map(|(key, value)| (key.clone(), resolve(value, lookup))).collect()
        }
        _ => attrs.clone(),
    }
}

/// The parts of a text put together, if all of them are known.
pub fn text(parts: &[Value], lookup: &dyn Lookup) -> Option<Zeroizing<String>> {
    let part = |part: &Value| match part {
        Value::String(literal) => Some(Zeroizing::new(literal.clone())),
        Value::Object(map) => match link(map)? {
            Link::To { address, output } => lookup.output(&address, &output),
            Link::Id { id, .. } => Some(Zeroizing::new(id)),
        },
        _ => None,
    };
    let parts = parts.iter().map(part).collect::<Option<Vec<_>>>()?;
    // As long as it will be: a text that grows leaves copies of itself behind, which nobody overwrites.
    let mut whole = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| whole.push_str(part));
    Some(whole)
}

/// Whether nothing in `attrs` is left to resolve.
pub fn is_resolved(attrs: &Value) -> bool {
    match attrs {
        Value::Array(items) => items.iter().all(is_resolved),
        Value::Object(map) => {
            !map.contains_key(tag::TO)
                && !map.contains_key(tag::TEXT)
                && map.get(tag::SECRET).is_none_or(|source| source.get("fingerprint").is_some())
                && map.values().all(is_resolved)
        }
        _ => true,
    }
}
