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
    let name = if kind.shares_output(output) { EVERY } else { record.address.name() };
    match output {
        "version" => (record.revision + 1).to_string(),
        _ => format!("{}-{name}{revision}.{}.file.invalid", output.replace('_', "-"), kind.name()),
    }
}

/// Stands for the object's name in what every object of the kind has the same value of.
const EVERY: &str = "main";

/// What others may refer to: captured outputs, and generated ones where something refers to them.
pub(super) fn outputs(context: Context<'_>, kind: &dyn AnyKind, record: &Record) -> Outputs {
    let mut outputs = record.outputs.clone();
    let mut wanted: BTreeSet<&String> = context.graph.outputs.get(&record.address).into_iter().flatten().collect();
    // What has moved has another address than what refers to it knows.
    if !context.env.moved.is_empty() && wanted.is_empty() {
        let of_kind = context.graph.outputs.iter().filter(|(address, _)| address.kind() == kind.name());
        wanted.extend(of_kind.flat_map(|(_, names)| names));
    }
    if !kind.shared_outputs().is_empty() {
        let of_kind = context.graph.outputs.iter().filter(|(address, _)| address.kind() == kind.name());
        wanted.extend(of_kind.flat_map(|(_, names)| names).filter(|name| kind.shares_output(name)));
    }
    for name in kind.outputs().iter().map(|name| (*name).to_owned()).chain(wanted.into_iter().cloned()) {
        if name != "id" && !outputs.contains_key(&name) && (name != "value" || holds_text(record)) {
            outputs.insert(name.clone(), generated(kind, record, &name));
        }
    }
    outputs
}

/// Makes those outputs the object's own that are generated from its address, before it has another: but for those that a
/// change of these fields moves in any case.
pub(super) fn keep_outputs(context: Context<'_>, kind: &dyn AnyKind, record: &mut Record, changed: &[String]) {
    let mut kept = outputs(context, kind, record);
    kept.retain(|name, value| {
        let is_own = value.contains(record.address.name());
        is_own && !(kind.changing_outputs().contains(&name.as_str()) && kind.changes_output(name, changed))
    });
    record.outputs.extend(kept);
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
