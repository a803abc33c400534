//! From references and secrets to what Terraform has in their place: values, and marks for those that are
//! unknown or sensitive.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use crate::kinds::terraform::DOCUMENT;
use crate::value::walk::{Link, Lookup, links, resolve, text};
use crate::value::{Address, tag};

/// Values without what is unknown or secret, and beside it, in the same shape, `true` where it would be.
pub struct Split {
    pub value: Value,
    pub unknown: Value,
    pub sensitive: Value,
}

/// What a value comes to.
enum Part {
    Known(Value),
    Unknown,
    Secret { known: bool },
}

/// Takes a resource's body apart. In one that is `settled`, every secret is the one that it was.
pub fn split(body: &Value, lookup: &dyn Lookup, settled: bool) -> Split {
    let (value, unknown, sensitive) = walk(body, lookup, settled);
    let object = |value: Option<Value>| value.unwrap_or_else(|| json!({}));
    Split { value: object(value), unknown: object(unknown), sensitive: object(sensitive) }
}

type Parts = (Option<Value>, Option<Value>, Option<Value>);

fn walk(value: &Value, lookup: &dyn Lookup, settled: bool) -> Parts {
    match (leaf(value, lookup, settled), value) {
        (Some(Part::Known(value)), _) => (Some(value), None, None),
        (Some(Part::Unknown), _) => (None, Some(true.into()), None),
        (Some(Part::Secret { known: true }), _) => (Some(Value::Null), None, Some(true.into())),
        (Some(Part::Secret { known: false }), _) => (None, Some(true.into()), Some(true.into())),
        (None, Value::Object(map)) => {
            let (mut values, mut unknown, mut sensitive) = (Map::new(), Map::new(), Map::new());
            for (key, value) in map {
                let (known, not_yet, never) = walk(value, lookup, settled);
                values.extend(known.map(|it| (key.clone(), it)));
                unknown.extend(not_yet.map(|it| (key.clone(), it)));
                sensitive.extend(never.map(|it| (key.clone(), it)));
            }
            let some = |map: Map<String, Value>| (!map.is_empty()).then_some(Value::Object(map));
            (Some(Value::Object(values)), some(unknown), some(sensitive))
        }
        (None, Value::Array(items)) => {
            let parts: Vec<Parts> = items.iter().map(|item| walk(item, lookup, settled)).collect();
            // A set of which one element is unknown is unknown.
            if parts.iter().any(|(value, ..)| value.is_none()) {
                return (None, Some(true.into()), None);
            }
            let marks = |mark: fn(&Parts) -> &Option<Value>| {
                let any = parts.iter().any(|parts| mark(parts).is_some());
                any.then(|| parts.iter().map(|parts| mark(parts).clone().unwrap_or_else(|| json!({}))).collect())
            };
            let (unknown, sensitive) = (marks(|parts| &parts.1), marks(|parts| &parts.2));
            (Some(parts.into_iter().filter_map(|(value, ..)| value).collect()), unknown, sensitive)
        }
        (None, plain) => (Some(plain.clone()), None, None),
    }
}

/// A tagged value, or `None` for a structure or a plain value.
fn leaf(value: &Value, lookup: &dyn Lookup, settled: bool) -> Option<Part> {
    let map = value.as_object()?;
    if let Some(source) = map.get(tag::SECRET) {
        return Some(Part::Secret { known: settled || source.get("fingerprint").is_some() });
    }
    if let Some(parts) = map.get(tag::TEXT).and_then(Value::as_array) {
        return Some(text(parts, lookup).map_or(Part::Unknown, |text| Part::Known(text.as_str().into())));
    }
    if let Some(document) = map.get(DOCUMENT) {
        let (value, unknown, sensitive) = walk(document, lookup, settled);
        return Some(match (value, unknown, sensitive) {
            (Some(value), None, None) => Part::Known(value.to_string().into()),
            (_, unknown, Some(_)) => Part::Secret { known: unknown.is_none() },
            _ => Part::Unknown,
        });
    }
    if map.contains_key(tag::TO) || map.contains_key(tag::ID) {
        let resolved = resolve(value, lookup);
        return Some(resolved.get(tag::ID).map_or(Part::Unknown, |id| Part::Known(id.clone())));
    }
    None
}

/// What Terraform calls an output; `None` for one that it has not.
pub fn attribute(output: &str) -> Option<&str> {
    match output {
        "url" => Some("repository_url"),
        "endpoint" => Some("address"),
        "seal" => None,
        other => Some(other),
    }
}

/// A resource's arguments as its configuration would have them: what they refer to, or the value itself.
pub fn expressions(body: &Value, targets: &HashMap<Address, String>) -> Value {
    let arguments = body.as_object().into_iter().flatten();
    let expressions = arguments.filter_map(|(name, value)| {
        if let Value::Array(blocks) = value
            && !blocks.is_empty()
            && blocks.iter().all(|block| block.is_object() && !is_tagged(block))
        {
            let blocks: Vec<Value> = blocks.iter().map(|block| expressions(block, targets)).collect();
            return Some((name.clone(), json!(blocks)));
        }
        let found = links(value);
        if found.is_empty() {
            let constant = !value.is_null() && !is_tagged(value);
            return constant.then(|| (name.clone(), json!({ "constant_value": value })));
        }
        let names: BTreeSet<String> = found.iter().flat_map(|link| references(link, targets)).collect();
        // The longer one of two that begin alike comes first, as in Terraform.
        let names: Vec<&String> = names.iter().rev().collect();
        (!names.is_empty()).then(|| (name.clone(), json!({ "references": names })))
    });
    Value::Object(expressions.collect())
}

fn references(link: &Link, targets: &HashMap<Address, String>) -> Vec<String> {
    let Link::To { address, output } = link else { return Vec::new() };
    let Some(target) = targets.get(address) else { return Vec::new() };
    let attribute = attribute(output).unwrap_or("id");
    vec![format!("{target}.{attribute}"), target.clone()]
}

fn is_tagged(value: &Value) -> bool {
    let tags = [tag::TO, tag::ID, tag::TEXT, tag::SECRET, DOCUMENT];
    value.as_object().is_some_and(|map| tags.iter().any(|tag| map.contains_key(*tag)))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    struct Nothing;

    impl Lookup for Nothing {
        fn output(&self, _: &Address, _: &str) -> Option<Zeroizing<String>> {
            None
        }
        fn secret(&self, _: &Value) -> Option<Value> {
            None
        }
    }

    #[test]
    fn unknown_and_secret_values_leave_a_mark() {
        let body = json!({
            "vpc_id": { "$to": "vpc.main", "output": "id" },
            "subnets": ["subnet-1", { "$to": "subnet.a", "output": "id" }],
            "dns_config": [{ "ttl": 10, "namespace_id": { "$to": "discovery_namespace.main", "output": "id" } }],
            "password": { "$secret": { "generate": 32 } },
            "kept": { "$secret": { "fingerprint": "ab" } },
            "policy": { DOCUMENT: { "Version": "2012-10-17" } },
        });
        let Split { value, unknown, sensitive } = split(&body, &Nothing, false);
        assert_eq!(
            value,
            json!({ "dns_config": [{ "ttl": 10 }], "kept": null, "policy": "{\"Version\":\"2012-10-17\"}" })
        );
        assert_eq!(
            unknown,
            json!({ "vpc_id": true, "subnets": true, "dns_config": [{ "namespace_id": true }], "password": true })
        );
        assert_eq!(sensitive, json!({ "password": true, "kept": true }));
    }

    #[test]
    fn references_name_terraforms_resources() {
        let targets = HashMap::from([(Address::new("vpc", "main"), "aws_vpc.main".to_owned())]);
        let body = json!({ "vpc_id": { "$to": "vpc.main", "output": "id" }, "port": 80, "none": null });
        assert_eq!(
            expressions(&body, &targets),
            json!({ "vpc_id": { "references": ["aws_vpc.main.id", "aws_vpc.main"] }, "port": { "constant_value": 80 } })
        );
    }
}
