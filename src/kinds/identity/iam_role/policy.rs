//! Policy documents in one form, however they were written: AWS echoes single strings as lists or the other
//! way round, and hands documents out percent-encoded.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

#[cfg(feature = "aws")]
pub(super) use calls::parse;

/// A document with statements as a list, and actions, resources, principals and conditions as sorted lists.
pub(super) fn canonical(mut document: Value) -> Value {
    if let Some(statements) = document.get_mut("Statement") {
        if statements.is_object() {
            *statements = Value::Array(vec![statements.take()]);
        }
        for statement in statements.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            normalise(statement);
        }
    }
    document
}

fn normalise(statement: &mut Map<String, Value>) {
    for (key, value) in statement.iter_mut() {
        match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => sort(value),
            "Principal" | "NotPrincipal" => {
                value.as_object_mut().into_iter().flatten().for_each(|(_, who)| sort(who));
            }
            "Condition" => {
                let operators = value.as_object_mut().into_iter().flatten();
                let keys = operators.filter_map(|(_, keys)| keys.as_object_mut());
                keys.flatten().for_each(|(_, values)| sort(values));
            }
            _ => {}
        }
    }
}

/// One value or several, as a sorted list of strings.
fn sort(value: &mut Value) {
    let values = match value.take() {
        Value::Array(values) => values,
        single => vec![single],
    };
    let values = values.into_iter().map(|value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    });
    *value = values.collect::<BTreeSet<_>>().into_iter().collect();
}

#[cfg(feature = "aws")]
mod calls {
    use super::*;

    /// A document as AWS hands it out. One that is no JSON stays text, and so shows as different.
    pub(in super::super) fn parse(text: &str) -> Value {
        let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        serde_json::from_str(&text).map_or(Value::from(text.as_ref()), canonical)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[cfg(feature = "aws")]
    #[cfg(feature = "aws")]
    #[test]
    fn documents_come_percent_encoded() {
        assert_eq!(parse("%7B%22a%22%3A%20%22%C3%BC+b%22%7D"), json!({ "a": "ü+b" }));
        assert_eq!(parse("100% sure, 5%"), json!("100% sure, 5%"));
    }

    #[test]
    fn one_meaning_has_one_form() {
        let terse = json!({"Statement": {
            "Effect": "Allow",
            "Action": "s3:Get*",
            "Resource": ["b", "a", "a"],
            "Principal": {"Service": "x"},
            "Condition": {"Bool": {"aws:SecureTransport": true}},
        }});
        let wordy = json!({"Statement": [{
            "Effect": "Allow",
            "Action": ["s3:Get*"],
            "Resource": ["a", "b"],
            "Principal": {"Service": ["x"]},
            "Condition": {"Bool": {"aws:SecureTransport": ["true"]}},
        }]});
        assert_eq!(canonical(terse), canonical(wordy));
    }

    #[cfg(feature = "aws")]
    #[test]
    fn what_is_no_document_shows_as_it_is() {
        assert_eq!(parse("nonsense"), Value::from("nonsense"));
    }
}
