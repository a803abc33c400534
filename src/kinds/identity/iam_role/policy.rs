//! Policy documents in one form, however they were written: AWS echoes single strings as lists or the other
//! way round, and hands documents out percent-encoded.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A document as AWS hands it out. One that is no JSON stays text, and so shows as different.
pub(super) fn parse(text: &str) -> Value {
    let text = decode(text);
    serde_json::from_str(&text).map_or(Value::from(text), canonical)
}

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

/// Undoes percent-encoding (RFC 3986); what is not encoded stays as it is.
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.split_at_checked(2).map(|(code, rest)| (hex(code), rest)) {
            Some((Some(byte), rest)) => {
                bytes.push(byte);
                bytes.extend(rest.bytes());
            }
            _ => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte of two hexadecimal digits.
fn hex(code: &str) -> Option<u8> {
    let digits = code.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(code, 16).ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_come_percent_encoded() {
        assert_eq!(decode("%7B%22a%22%3A%20%22%C3%BC+b%22%7D"), r#"{"a": "ü+b"}"#);
        assert_eq!(decode("100% sure, 5%"), "100% sure, 5%");
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

    #[test]
    fn what_is_no_document_shows_as_it_is() {
        assert_eq!(parse("nonsense"), Value::from("nonsense"));
    }
}
