use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Field, Origin, top_level};
use crate::cloud::Observed;
use crate::kinds::AnyKind;
use crate::value::walk::{Link, is_resolved, links};
use crate::value::{Address, tag};

/// Maps ids, ARNs and other outputs back to addresses.
pub struct AddressIndex<'a> {
    /// By kind, output and value, the addresses that have it: ids are unique, versions are not.
    by_value: HashMap<(&'static str, &'a str, &'a str), Vec<&'a Address>>,
}

impl<'a> AddressIndex<'a> {
    pub fn of(found: &'a [Observed]) -> Self {
        let mut by_value: HashMap<_, Vec<&Address>> = HashMap::new();
        for Observed { kind, live } in found {
            let Some(address) = &live.address else { continue };
            by_value.entry((kind.name(), "id", live.id.as_str())).or_default().push(address);
            for (output, value) in &live.outputs {
                by_value.entry((kind.name(), output.as_str(), value.as_str())).or_default().push(address);
            }
        }
        // AWS lists in any order, and the first is taken where one must be.
        by_value.values_mut().for_each(|addresses| addresses.sort_unstable());
        Self { by_value }
    }

    /// The addresses that have this value as output.
    pub fn addresses<'s>(&'s self, kind: &str, output: &'s str, value: &'s str) -> &'s [&'a Address] {
        let kind = crate::kinds::find(kind).map_or("", AnyKind::name);
        self.by_value.get(&(kind, output, value)).map_or(&[], Vec::as_slice)
    }

    /// The addresses of what an object's live attributes refer to.
    /// Where a value may be that of several, those count which are in `needs`, if any is.
    pub fn referred(&self, attrs: &Value, needs: Option<&BTreeSet<Address>>) -> BTreeSet<Address> {
        let addresses = |link| match link {
            Link::Id { kind, output, id } => {
                let all = self.addresses(&kind, &output, &id);
                // Of several that it may be, those that the spec knows it to need, if any.
                let needed = |address: &&&Address| needs.is_some_and(|needs| needs.contains(**address));
                let narrow = if all.len() > 1 { all.iter().filter(needed).count() } else { 0 };
                all.iter()
                    .filter(|address| narrow == 0 || needed(address))
                    .map(|&address| address.clone())
                    .collect()
            }
            Link::To { address, .. } => vec![address],
        };
        links(attrs).into_iter().flat_map(addresses).collect()
    }

    /// Attributes with live ids turned back into references to addresses, as far as they are known.
    pub fn addressed(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.addressed(item)).collect(),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
                let kind = crate::kinds::find(text("kind")).map_or("", AnyKind::name);
                let output = text("output");
                match self.by_value.get(&(kind, output, text(tag::ID))).and_then(|known| known.first()) {
                    Some(address) => serde_json::json!({ tag::TO: address, "output": output }),
                    None => map.iter().map(|(key, value)| (key.clone(), self.addressed(value))).collect(),
                }
            }
            other => other.clone(),
        }
    }

    /// A difference as a plan shows it: no value of a secret, and references by address.
    pub fn field(&self, path: &str, before: &Value, after: &Value, replace_on: &[&str]) -> Field {
        let secret = is_secret(before) || is_secret(after);
        let hide = |value: &Value| if secret { Value::Null } else { self.shown(value) };
        Field {
            path: path.to_owned(),
            before: hide(before),
            after: hide(after),
            secret,
            known_after_apply: !secret && !is_resolved(after),
            forces_replacement: replace_on.contains(&top_level(path)),
            loses_data: false,
            origin: Origin::default(),
            source: None,
        }
    }

    /// A value for people and machines: references by address, texts as they read.
    pub fn shown(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.shown(item)).collect(),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
                if let Some(parts) = map.get(tag::TEXT).and_then(Value::as_array) {
                    let part = |part: &Value| match part {
                        Value::String(literal) => literal.clone(),
                        other => format!("{{{}}}", self.shown(other).as_str().unwrap_or_default()),
                    };
                    return parts.iter().map(part).collect::<String>().into();
                }
                let suffix = match text("output") {
                    "id" | "arn" | "" => String::new(),
                    output => format!(".{output}"),
                };
                if map.contains_key(tag::TO) {
                    return format!("{}{suffix}", text(tag::TO)).into();
                }
                if map.contains_key(tag::ID) {
                    let kind = crate::kinds::find(text("kind")).map_or("", AnyKind::name);
                    let known = self.by_value.get(&(kind, text("output"), text(tag::ID)));
                    return match (known.and_then(|known| known.first()), text("output")) {
                        (Some(address), "id" | "arn") => address.to_string().into(),
                        _ => text(tag::ID).into(),
                    };
                }
                if map.contains_key(tag::SECRET) {
                    return Value::Null;
                }
                map.iter().map(|(key, value)| (key.clone(), self.shown(value))).collect()
            }
            other => other.clone(),
        }
    }
}

/// Elements of a list that read the same before and after are one: what they refer to is replaced.
pub fn merge_renewed(fields: &mut Vec<Field>) {
    let mut index = 0;
    while let Some(gone) = fields.get(index) {
        let is_gone = gone.after.is_null() && !gone.before.is_null() && !gone.secret;
        let is_renewed =
            |come: &Field| come.path == gone.path && come.before.is_null() && come.after == gone.before;
        if let Some(place) = fields.iter().position(|come| is_gone && is_renewed(come)) {
            let come = fields.remove(place);
            index -= usize::from(place < index);
            fields[index] = Field { before: come.after.clone(), ..come };
        }
        index += 1;
    }
}

/// Whether a field only marks ownership.
pub fn is_ownership(path: &str) -> bool {
    path.starts_with("tags.baseplate:") || path == "task_definition_digest"
}

fn is_secret(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_secret),
        Value::Object(map) => map.contains_key(tag::SECRET) || map.values().any(is_secret),
        _ => false,
    }
}
