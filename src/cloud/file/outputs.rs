//! The outputs of objects in a file cloud.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cloud::Context;
use crate::cloud::record::Record;
use crate::kinds::{AnyKind, Outputs};
use crate::value::Secret;

/// An output that was not captured: an attribute of the same name, or else a stable generated value.
fn generated(kind: &dyn AnyKind, record: &Record, output: &str) -> String {
    match record.attrs.get(output) {
        Some(Value::String(text)) => return text.clone(),
        Some(Value::Number(number)) => return number.to_string(),
        _ => {}
    }
    let revision =
        if kind.changing_outputs().contains(&output) { format!("-{}", record.revision + 1) } else { String::new() };
    match output {
        "version" => (record.revision + 1).to_string(),
        _ => {
            format!("{}-{}{revision}.{}.file.invalid", output.replace('_', "-"), record.address.name(), kind.name())
        }
    }
}

/// What others may refer to: captured outputs, and generated ones where something refers to them.
pub(super) fn outputs(context: Context<'_>, kind: &dyn AnyKind, record: &Record) -> Outputs {
    let mut outputs = record.outputs.clone();
    let wanted: BTreeSet<String> =
        context.graph.outputs.get(&record.address).into_iter().flatten().cloned().collect();
    for name in kind.outputs().iter().map(|name| (*name).to_owned()).chain(wanted) {
        if name != "id" && !outputs.contains_key(&name) && (name != "value" || holds_text(record)) {
            outputs.insert(name.clone(), generated(kind, record, &name));
        }
    }
    outputs
}

/// A record that holds a secret has no plain `value`.
fn holds_text(record: &Record) -> bool {
    secrets(&record.attrs).is_empty()
}

/// The secrets among the top-level attributes.
pub fn secrets(attrs: &Value) -> Vec<Secret> {
    let Value::Object(map) = attrs else { return Vec::new() };
    map.values().filter_map(|value| serde::Deserialize::deserialize(value).ok()).collect()
}
