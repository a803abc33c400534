//! Where in the spec a plan's changes come from, and what keeps it from being applied.

use std::collections::HashMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Change, Conflict, ExecutionPlan, Field};
use crate::graph::{DesiredObject, Graph};
use crate::kinds::origin::{self, Written};
use crate::spec::Tree;
use crate::value::Address;

/// Where the spec says something.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The keys that lead to it, with dots between them: `databases.main.backup-retention`.
    pub path: String,
    /// The file, as the command line and `extends` name it.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Source {
    /// Its path, from the entry on where it is in that.
    pub fn within<'a>(&'a self, entry: Option<&Self>) -> &'a str {
        let inner = entry.and_then(|entry| self.path.strip_prefix(entry.path.as_str())?.strip_prefix('.'));
        inner.unwrap_or(&self.path)
    }
}

/// What keeps a plan from being applied until a person has decided about it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The object that it is about; left out where nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What stands in the way, and what to do.
    pub message: String,
    /// The changes that bring it about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Where the spec asks for that: the first of these fields, or else the object's entry. Left out where the spec says
    /// nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// The objects of a spec and the lines of its files.
pub struct Sources<'a> {
    tree: &'a Tree,
    /// By file, where each of its lines begins.
    lines: Vec<Vec<usize>>,
    objects: HashMap<&'a Address, &'a DesiredObject>,
}

impl<'a> Sources<'a> {
    /// `graph` has all objects of the spec, also where they are to be destroyed.
    pub fn of(graph: &'a Graph, tree: &'a Tree) -> Self {
        let begin = |text: &str| {
            let after = text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(after).collect()
        };
        Self {
            tree,
            lines: tree.sources.iter().map(|source| begin(&source.text)).collect(),
            objects: graph.objects.iter().map(|object| (&object.address, object)).collect(),
        }
    }

    /// Where the spec has the entry that an object derives from.
    pub fn entry(&self, address: &Address) -> Option<Source> {
        let object = self.objects.get(address)?;
        origin::entry(self.tree, &object.origin).map(|written| self.source(written))
    }

    /// Where the spec writes a field of the object itself; of an element of a list by the values that it has.
    fn field(&self, address: &Address, path: &str, value: &Value) -> Option<Source> {
        let object = self.objects.get(address)?;
        let steps: Vec<String> = path.split('.').map(|step| step.trim_end_matches("[]").to_owned()).collect();
        let mut values = Vec::new();
        if path.ends_with("[]") {
            scalars(value, &mut values);
        }
        let written = origin::written(self.tree, object.kind.spec_fields(), &object.origin, &steps, &values);
        written.map(|written| self.source(written))
    }

    fn source(&self, Written { path, place }: Written) -> Source {
        Source {
            path: path.join("."),
            file: self.tree.sources[place.file].name.clone(),
            line: self.lines[place.file].partition_point(|begin| *begin <= place.span.start),
        }
    }

    fn locate(&self, change: &mut Change) {
        // What goes or is let go stands in the spec no longer.
        if matches!(change.action, Action::Delete | Action::Forget) {
            return;
        }
        change.source = self.entry(&change.address);
        for field in &mut change.fields {
            field.source = self.field(&change.address, &field.path, &field.after);
        }
    }

    fn refusal(&self, conflict: &Conflict, changes: &HashMap<&Address, &Change>) -> Refusal {
        let address = conflict.address();
        // What is deleted has no fields in the spec that change.
        let change = address.and_then(|address| changes.get(address).copied());
        let change = change.filter(|change| change.action != Action::Delete);
        let is_named = |field: &&Field| conflict.fields().iter().any(|name| name == field.name());
        let fields: Vec<Field> = match change {
            Some(change) if !conflict.fields().is_empty() => {
                change.fields.iter().filter(is_named).cloned().collect()
            }
            Some(change) => change.causes().cloned().collect(),
            None => Vec::new(),
        };
        let written = || {
            let mut named = conflict.fields().iter();
            named.find_map(|name| self.field(address?, name, &Value::Null))
        };
        let source = fields.iter().find_map(|field| field.source.clone()).or_else(written);
        Refusal {
            address: address.cloned(),
            message: conflict.to_string(),
            fields,
            source: source.or_else(|| self.entry(address?)),
        }
    }
}

/// The texts and numbers within a value; of an address also the key that the spec calls it by.
fn scalars(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let address = text.parse::<Address>().ok();
            let known = address.filter(|address| crate::kinds::find(address.kind()).is_some());
            into.extend(known.map(|address| address.name().to_owned()));
            into.push(text.clone());
        }
        Value::Number(number) => into.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| scalars(item, into)),
        Value::Object(map) => map.values().for_each(|item| scalars(item, into)),
        Value::Null | Value::Bool(_) => {}
    }
}

impl ExecutionPlan {
    /// Says of each change and refusal where the spec asks for it.
    pub fn locate(&mut self, sources: &Sources<'_>) {
        self.plan.changes.iter_mut().for_each(|change| sources.locate(change));
        // Of two changes at one address the first is that of the object itself.
        let changes = self.plan.changes.iter().rev().map(|change| (&change.address, change)).collect();
        self.plan.refused = self.conflicts.iter().map(|conflict| sources.refusal(conflict, &changes)).collect();
    }
}
