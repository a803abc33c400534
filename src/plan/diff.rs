//! The difference of two serialised attributes, field by field.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::value::tag;

/// A difference as found, before it is made presentable.
#[derive(Debug, PartialEq)]
pub struct Difference {
    pub path: String,
    pub before: Value,
    pub after: Value,
}

impl Difference {
    /// The name of the top-level field.
    pub fn field(&self) -> &str {
        super::top_level(&self.path)
    }
}

/// All differences between resolved desired attributes and live ones.
///
/// `null` in a desired field leaves it to AWS. `unread` fields are those that AWS does not return.
pub fn differences(desired: &Value, live: &Value, unread: &[&str]) -> Vec<Difference> {
    let mut found = Vec::new();
    let empty = Map::new();
    let (desired, live) = (desired.as_object().unwrap_or(&empty), live.as_object().unwrap_or(&empty));
    for (name, wanted) in desired {
        let live = live.get(name).unwrap_or(&Value::Null);
        if !wanted.is_null() && !unread.contains(&name.as_str()) && !is_kept_secret(wanted, live) {
            compare(name, wanted, live, &mut found);
        }
    }
    // What no spec can ask for is left out of the desired object where there is nothing of it.
    for (name, there) in live.iter().filter(|(name, _)| !desired.contains_key(*name)) {
        compare(name, &Value::Null, there, &mut found);
    }
    found
}

/// All differences between the attributes of two objects of equal rank: what `one` has is `before`.
pub fn between(one: &Value, other: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let empty = Map::new();
    let (one, other) = (one.as_object().unwrap_or(&empty), other.as_object().unwrap_or(&empty));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for name in names {
        let (before, after) = (one.get(name).unwrap_or(&Value::Null), other.get(name).unwrap_or(&Value::Null));
        compare(name, after, before, &mut found);
    }
    found
}

/// Every field of a created or deleted object, except empty ones.
pub fn listing(attrs: &Value) -> impl Iterator<Item = (&String, &Value)> {
    attrs.as_object().into_iter().flatten().filter(|(_, value)| says_something(value))
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        // A structure of nothing but zeros stands for "there is none".
        Value::Object(map) => map.values().any(|value| says_something(value) && value.as_i64() != Some(0)),
        _ => true,
    }
}

fn compare(path: &str, desired: &Value, live: &Value, found: &mut Vec<Difference>) {
    if desired == live {
        return;
    }
    match (desired, live) {
        (Value::Object(wanted), Value::Object(there)) if !is_tagged(wanted) && !is_tagged(there) => {
            for (key, wanted) in wanted {
                let there = there.get(key).unwrap_or(&Value::Null);
                compare(&format!("{path}.{key}"), wanted, there, found);
            }
            for (key, there) in there.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                compare(&format!("{path}.{key}"), &Value::Null, there, found);
            }
        }
        (Value::Array(wanted), Value::Array(there)) => {
            let added: Vec<&Value> = wanted.iter().filter(|item| !there.contains(item)).collect();
            let removed: Vec<&Value> = there.iter().filter(|item| !wanted.contains(item)).collect();
            let same_but_order = added.is_empty() && removed.is_empty();
            if same_but_order {
                // What is left is order or repetition, which matters only in a list (`command`): sets are sorted
                // by id, and an id sorts elsewhere than the address that it belongs to.
                if wanted.iter().all(Value::is_string) {
                    push(path, live, desired, found);
                }
                return;
            }
            for item in removed {
                push(&format!("{path}[]"), item, &Value::Null, found);
            }
            for item in added {
                push(&format!("{path}[]"), &Value::Null, item, found);
            }
        }
        _ => push(path, live, desired, found),
    }
}

fn push(path: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    found.push(Difference { path: path.to_owned(), before: before.clone(), after: after.clone() });
}

fn is_tagged(map: &Map<String, Value>) -> bool {
    [tag::TO, tag::ID, tag::TEXT, tag::SECRET].iter().any(|tag| map.contains_key(*tag))
}

/// A generated secret is made once and kept; one from a variable that is not set here cannot be compared.
fn is_kept_secret(desired: &Value, live: &Value) -> bool {
    let Some(source) = desired.get(tag::SECRET) else { return false };
    let kept = source.get("generate").is_some() || source.get("env").is_some();
    kept && live.get(tag::SECRET).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "the cases read better so")]
    fn paths(desired: Value, live: Value) -> Vec<String> {
        differences(&desired, &live, &["password"]).into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn null_leaves_a_field_to_aws_and_a_missing_key_does_not() {
        assert!(paths(json!({"window": null}), json!({"window": "sun"})).is_empty());
        assert_eq!(paths(json!({"tags": {}}), json!({"tags": {"by": "hand"}})), ["tags.by"]);
        assert!(paths(json!({"password": 1}), json!({"password": 2})).is_empty());
    }

    #[test]
    fn sets_differ_by_element_and_lists_by_order() {
        assert_eq!(paths(json!({"set": [{"a": 1}]}), json!({"set": [{"a": 2}]})), ["set[]", "set[]"]);
        assert!(
            paths(json!({"set": [{"$id": "1"}, {"$id": "2"}]}), json!({"set": [{"$id": "2"}, {"$id": "1"}]}))
                .is_empty()
        );
        assert_eq!(paths(json!({"command": ["a", "b"]}), json!({"command": ["b", "a"]})), ["command"]);
    }

    #[test]
    fn two_of_equal_rank_differ_both_ways() {
        let (one, other) = (json!({"size": 1, "window": "sun"}), json!({"size": 2, "window": null, "more": true}));
        let found = between(&one, &other);
        let found: Vec<_> = found.iter().map(|one| (one.path.as_str(), &one.before, &one.after)).collect();
        let (null, sun, yes) = (json!(null), json!("sun"), json!(true));
        assert_eq!(found, [("more", &null, &yes), ("size", &json!(1), &json!(2)), ("window", &sun, &null)]);
        // No side is live, so where a secret comes from is a difference.
        let source = |source: Value| json!({"value": {"$secret": source}});
        assert_eq!(between(&source(json!({"generate": 40})), &source(json!({"env": "KEY"}))).len(), 1);
    }

    #[test]
    fn a_generated_secret_is_kept() {
        let live = json!({"value": {"$secret": {"fingerprint": "abc"}}});
        assert!(paths(json!({"value": {"$secret": {"generate": 40}}}), live.clone()).is_empty());
        assert_eq!(paths(json!({"value": {"$secret": {"fingerprint": "def"}}}), live).len(), 1);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,4}".prop_map(Value::from),
            "[a-z]{1,2}".prop_map(|id| json!({ tag::ID: id, "kind": "vpc", "output": "id" })),
            "[a-z]{1,2}".prop_map(|print| json!({ tag::SECRET: { "fingerprint": print } })),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                // What is in a list is something: no kind has a list of nothings.
                proptest::collection::vec(inner.clone().prop_filter("nothing", |item| !item.is_null()), 0..4)
                    .prop_map(Value::from),
                proptest::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    fn attrs() -> impl Strategy<Value = Value> {
        proptest::collection::btree_map("[a-c]", any_value(), 0..4).prop_map(|map| json!(map))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_differs_from_itself(a in attrs()) {
            prop_assert!(differences(&a, &a, &[]).is_empty());
        }

        #[test]
        fn a_difference_is_real_and_never_of_what_is_left_to_aws(a in attrs(), b in attrs()) {
            for difference in differences(&a, &b, &[]) {
                prop_assert_ne!(&difference.before, &difference.after);
                let field = difference.field();
                prop_assert!(a.get(field).is_none_or(|wanted| !wanted.is_null()), "{}", difference.path);
                prop_assert_ne!(a.get(field), b.get(field));
            }
        }

        #[test]
        fn a_changed_leaf_is_found_wherever_it_is(a in attrs(), before in "[a-z]{1,4}", after in "[A-Z]{1,4}") {
            let with = |text: &str| {
                let mut whole = a.clone();
                whole["x"] = json!({ "inside": [{ "leaf": text }], "same": a });
                whole
            };
            let found = differences(&with(&after), &with(&before), &[]);
            prop_assert!(found.iter().all(|difference| difference.path == "x.inside[]"), "{:?}", found);
            prop_assert_eq!(found.len(), 2, "the one that goes and the one that comes");
            prop_assert!(differences(&with(&after), &with(&before), &["x"]).is_empty());
        }
    }
}
