//! What texts of a spec may refer to, and which of its strings do.

use serde_json::Value;

use super::fill::PLACEHOLDERS;
use super::text_part::{CORE_TEXTS, TextPart};
use super::{Catalog, schema};

/// All that `{…}` may name.
pub fn text_parts(catalog: &Catalog) -> Vec<TextPart> {
    let sections = catalog.sections.iter().flat_map(|section| section.texts());
    CORE_TEXTS.iter().chain(sections).copied().collect()
}

/// The strings of a spec that take outputs of objects, by their paths; `…` is any key.
pub fn texts_with_outputs(catalog: &Catalog) -> Vec<String> {
    strings(catalog, "outputs")
}

/// The strings of a spec in which braces are braces.
pub fn texts_as_they_are(catalog: &Catalog) -> Vec<String> {
    strings(catalog, "none")
}

fn strings(catalog: &Catalog, sort: &str) -> Vec<String> {
    let schema = schema(catalog);
    let mut found = Vec::new();
    walk(&schema, &schema, "", sort, &mut found);
    found.sort();
    found.dedup();
    found
}

fn walk(root: &Value, schema: &Value, path: &str, sort: &str, found: &mut Vec<String>) {
    if schema.get(PLACEHOLDERS).is_some_and(|is| is == sort) {
        found.push(path.to_owned());
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str)
        && let Some(schema) = root.pointer(target.trim_start_matches('#'))
    {
        walk(root, schema, path, sort, found);
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(root, property, &below(key), sort, found);
    }
    if let Some(any) = schema.get("additionalProperties").filter(|any| any.is_object()) {
        walk(root, any, &below("…"), sort, found);
    }
    if let Some(item) = schema.get("items") {
        walk(root, item, path, sort, found);
    }
    for choice in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        walk(root, choice, path, sort, found);
    }
}
