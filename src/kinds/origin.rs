//! Where in the spec a value of an object's attributes comes from.

use crate::spec::{Data, Node, OWNERSHIP, Place, Tree};

/// What stands at the top of a spec and says something of every object.
const COMMON: [&str; 3] = ["project", "tags", "project-tags"];

/// A field of an object's attributes as the spec writes it.
pub struct Written {
    /// The keys that lead to it in the spec.
    pub path: Vec<String>,
    pub place: Place,
}

/// The place of the value; of the field or the entry that it is derived from, where it is not written itself. `None`
/// where nothing of it is written.
///
/// `fields` are the kind's own ([`super::Kind::SPEC_FIELDS`]), `entry` is the object's in the spec, `field` leads to the
/// value in the attributes.
pub fn place(
    tree: &Tree,
    fields: &[(&str, &str)],
    entry: &[String],
    field: &[String],
    value: &str,
) -> Option<Place> {
    match nearest(tree, fields, entry, field) {
        Some(Nearest { path, node, is_all }) => {
            if is_all && !is_container(node) {
                let is_key = path.last().is_some_and(|last| last == value);
                return tree.key(&path).filter(|_| is_key).or_else(|| Some(node.place.clone()));
            }
            Some(find(node, value).unwrap_or_else(|| tree.place(&path)))
        }
        None => {
            let node = tree.find(entry).filter(|_| !entry.is_empty())?;
            find(node, value).or_else(|| tree.key(entry)).or_else(|| Some(tree.place(entry)))
        }
    }
}

/// What the spec writes of a field, or of the table around it. `None` where it says nothing of it: then the value is
/// derived from the entry as a whole. `values` are those that an element of a list has, to find which one it is.
pub fn written(
    tree: &Tree,
    fields: &[(&str, &str)],
    entry: &[String],
    field: &[String],
    values: &[String],
) -> Option<Written> {
    let Nearest { path, node, .. } = nearest(tree, fields, entry, field)?;
    let place = match &node.data {
        Data::Array(items) => element(items, values).map(|item| item.place.clone()),
        Data::Table(_) => None,
        _ => Some(node.place.clone()),
    };
    Some(Written { place: place.unwrap_or_else(|| tree.place(&path)), path })
}

/// The entry itself, where the spec has it.
pub fn entry(tree: &Tree, entry: &[String]) -> Option<Written> {
    let place = tree.key(entry)?;
    Some(Written { path: entry.to_vec(), place })
}

/// The node that says what a field is, or the innermost one around it that there is.
struct Nearest<'a> {
    path: Vec<String>,
    node: &'a Node,
    /// Whether it is the field itself.
    is_all: bool,
}

fn nearest<'a>(tree: &'a Tree, fields: &[(&str, &str)], entry: &[String], field: &[String]) -> Option<Nearest<'a>> {
    if field.iter().any(|step| OWNERSHIP.contains(&step.as_str())) {
        return None;
    }
    let path = spec_path(fields, field);
    let is_common = path.first().is_some_and(|first| COMMON.contains(&first.as_str()));
    let tables = [entry, &[][..]];
    tables.into_iter().take(if is_common { 2 } else { 1 }).find_map(|around| {
        let full = [around, &path].concat();
        (1..=path.len()).rev().find_map(|length| {
            let full = &full[..around.len() + length];
            let node = tree.find(full)?;
            Some(Nearest { path: full.to_vec(), node, is_all: length == path.len() })
        })
    })
}

/// A field of the attributes as the spec's entry writes it: as the kind says, else its name in kebab case.
pub fn spec_path(fields: &[(&str, &str)], field: &[String]) -> Vec<String> {
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

/// The one item that has the most of these values, if there is just one.
fn element<'a>(items: &'a [Node], values: &[String]) -> Option<&'a Node> {
    let count = |item: &Node| values.iter().filter(|value| find(item, value).is_some()).count();
    let most = items.iter().map(count).max().filter(|most| *most > 0)?;
    let mut best = items.iter().filter(|item| count(item) == most);
    best.next().filter(|_| best.next().is_none())
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
