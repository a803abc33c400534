//! Where in the spec a value of an object's attributes comes from.

use crate::spec::{Data, Node, OWNERSHIP, Place, Tree};

/// The place of the value; of the field or the entry that it is derived from, where it is not written itself. `None`
/// where nothing of it is written.
///
/// `fields` are the kind's own ([`super::super::Kind::SPEC_FIELDS`]), `entry` is the object's in the spec, `field` leads to
/// the value in the attributes.
pub fn place(
    tree: &Tree,
    fields: &[(&str, &str)],
    entry: &[String],
    field: &[String],
    value: &str,
) -> Option<Place> {
    let path = spec_path(fields, field);
    // What all objects have in common (tags) is written at the top.
    let written = [entry, &[][..]].into_iter().find_map(|entry| {
        let full = [entry, &path].concat();
        (1..=path.len()).rev().find_map(|length| {
            let full = &full[..entry.len() + length];
            tree.find(full).map(|node| (full.to_vec(), node, length == path.len()))
        })
    });
    let is_ours = field.iter().any(|step| OWNERSHIP.contains(&step.as_str()));
    match written.filter(|_| !is_ours) {
        Some((full, node, is_all)) => {
            if is_all && !is_container(node) {
                let is_key = full.last().is_some_and(|last| last == value);
                return tree.key(&full).filter(|_| is_key).or_else(|| Some(node.place.clone()));
            }
            Some(find(node, value).unwrap_or_else(|| tree.place(&full)))
        }
        None => {
            let node = tree.find(entry).filter(|_| !entry.is_empty())?;
            find(node, value).or_else(|| tree.key(entry)).or_else(|| Some(tree.place(entry)))
        }
    }
}

/// A field of the attributes as the spec's entry writes it: as the kind says, else its name in kebab case.
fn spec_path(fields: &[(&str, &str)], field: &[String]) -> Vec<String> {
    let known = fields.iter().find(|(ours, _)| ours.split('.').eq(field.iter().take(ours.split('.').count())));
    match known {
        Some((ours, spec)) => {
            let rest = field.iter().skip(ours.split('.').count()).cloned();
            spec.split('.').map(str::to_owned).chain(rest).collect()
        }
        None => {
            let mut path = field.to_vec();
            // Below a field may be keys of the user's own.
            if let Some(first) = path.first_mut() {
                *first = first.replace('_', "-");
            }
            path
        }
    }
}

fn is_container(node: &Node) -> bool {
    matches!(node.data, Data::Table(_) | Data::Array(_))
}

/// The first value, or else key, that says just this.
fn find(node: &Node, value: &str) -> Option<Place> {
    if value.is_empty() {
        return None;
    }
    match &node.data {
        Data::Table(entries) => {
            let inner = entries.values().find_map(|entry| find(&entry.node, value));
            inner.or_else(|| entries.get(value).map(|entry| entry.key.clone()))
        }
        Data::Array(items) => items.iter().find_map(|item| find(item, value)),
        Data::String(text) => (text == value).then(|| node.place.clone()),
        Data::Integer(number) => (number.to_string() == value).then(|| node.place.clone()),
        Data::Float(number) => (number.to_string() == value).then(|| node.place.clone()),
        Data::Boolean(_) | Data::Datetime(_) => None,
    }
}
