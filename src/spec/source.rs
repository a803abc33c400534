//! Spec files as text: reading, merging what `extends` names, and finding the place of every value.

mod extends;
mod typed;

use std::collections::BTreeMap;
use std::path::Path;
use std::string::FromUtf8Error;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::place::{Place, Source, line_column};
use super::problem::{Problem, Problems};
use crate::files::{self, FileError};

pub use extends::Drafts;

/// A spec is written by people; what is larger than this is something else. In bytes, each file.
pub const MAX_BYTES: usize = 512 << 10;
/// Tables and arrays within one another. The deepest that a spec needs is six.
const MAX_DEPTH: usize = 16;
/// Entries of one table or array: what is checked against each other is checked in a moment.
const MAX_ENTRIES: usize = 5000;

/// A value of the merged tree, and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    pub data: Data,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub enum Data {
    Table(BTreeMap<String, Entry>),
    Array(Vec<Node>),
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime(String),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Place,
    /// Its place among the entries of its table as they are first written, the extended spec's before one's own.
    pub order: usize,
    pub node: Node,
}

/// The merged tree of a spec file and all that it extends.
#[derive(Clone, Debug)]
pub struct Tree {
    pub sources: Vec<Source>,
    pub root: Node,
}

impl Tree {
    /// Reads a file and what it extends, but for what `drafts` has.
    ///
    /// # Errors
    /// Every syntax error of the first file that has any; an unreadable or oversized file; a cycle of `extends`, or
    /// one that leaves the repository.
    pub fn read(path: &Path, drafts: &Drafts, schema: &Value) -> Result<Self, Problems> {
        extends::read(path, drafts, schema)
    }

    /// A tree of one text, whose `extends` is not followed.
    ///
    /// # Errors
    /// Every syntax error.
    pub fn of(name: &str, text: &str, schema: &Value) -> Result<Self, Problems> {
        let sources = vec![Source { name: name.to_owned(), text: text.to_owned() }];
        match parse(&sources[0], 0, schema) {
            Ok(root) => Ok(Self { sources, root }),
            Err(list) => Err(Problems::new(sources, list)),
        }
    }

    /// The node at a path of keys and array indices.
    pub fn find(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, step| match &node.data {
            Data::Table(entries) => entries.get(step).map(|entry| &entry.node),
            Data::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        })
    }

    /// The place of the last key of a path.
    pub fn key(&self, path: &[String]) -> Option<Place> {
        let (last, around) = path.split_last()?;
        match &self.find(around)?.data {
            Data::Table(entries) => entries.get(last).map(|entry| entry.key.clone()),
            _ => None,
        }
    }

    /// The place of the node at a path, or of the nearest table around it.
    pub fn place(&self, path: &[String]) -> Place {
        let known = (0..=path.len()).rev().find_map(|length| {
            let (around, last) = path[..length].split_at(length.saturating_sub(1));
            let node = self.find(&path[..length])?;
            // A missing key or a whole table is pointed at by its name, not by all of its text.
            let key = match (self.find(around).map(|node| &node.data), last.first()) {
                (Some(Data::Table(entries)), Some(last)) => entries.get(last).map(|entry| &entry.key),
                _ => None,
            };
            let by_name = matches!(node.data, Data::Table(_));
            Some(key.filter(|_| by_name).unwrap_or(&node.place).clone())
        });
        match known {
            Some(place) if place != self.root.place => place,
            _ => Place { file: 0, span: 0..0 },
        }
    }

    /// Finds the place of a problem from its path.
    pub(super) fn locate(&self, problem: &mut Problem) {
        if problem.place.is_some() {
            return;
        }
        if let Some(key) = self.key(&problem.path).filter(|_| problem.of_key) {
            problem.place = Some(key);
            return;
        }
        let mut place = self.place(&problem.path);
        let text = self.sources[place.file].text.get(place.span.clone()).unwrap_or_default();
        if let Some(part) = &problem.part {
            // In braces first: the same word may stand before as plain text.
            let braced = text.find(&format!("{{{part}}}")).map(|at| at + 1);
            if let Some(at) = braced.or_else(|| text.find(part.as_str())) {
                place.span = place.span.start + at..place.span.start + at + part.len();
            }
        }
        problem.place = Some(place);
    }

    /// The line and column (from 1) where a place begins.
    pub fn line_column(&self, place: &Place) -> (usize, usize) {
        line_column(&self.sources[place.file].text, place.span.start)
    }
}

/// Why a file is not a spec's text, in words that go after its path and a colon.
#[derive(Debug, thiserror::Error)]
pub(super) enum TextError {
    #[error("a spec is a file whose name ends in .toml")]
    NotToml,
    #[error(transparent)]
    File(#[from] FileError),
    #[error("it is not UTF-8 at byte {}", .0.utf8_error().valid_up_to())]
    NotUtf8(#[from] FromUtf8Error),
}

fn read_text(path: &Path) -> Result<String, TextError> {
    Ok(normal(&String::from_utf8(read_bytes(path)?)?))
}

/// The bytes of a spec's file.
///
/// # Errors
/// It is none, or cannot be read.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, TextError> {
    let is_toml = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
    // A link may lead to what is no spec and nobody's business; what is not there is told by the read.
    if !is_toml(path) || path.canonicalize().is_ok_and(|real| !is_toml(&real)) {
        return Err(TextError::NotToml);
    }
    Ok(files::read(path, MAX_BYTES)?)
}

/// Some editors put a mark before the text. Without it, places in the text are right. How a checkout ends its lines must
/// not change a value that has several.
pub(super) fn normal(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// Whether a text says anything that a spec says. Of one that does not, nothing is shown: it may be a file of
/// credentials that somebody wrote the path of.
fn is_spec(table: &DeTable<'_>, schema: &Value) -> bool {
    let known = |key: &str| schema.pointer("/properties").is_some_and(|keys| keys.get(key).is_some());
    table.keys().any(|key| known(key.get_ref()))
}

fn parse(Source { name, text }: &Source, file: usize, schema: &Value) -> Result<Node, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let is_empty = errors.is_empty() && table.get_ref().is_empty();
    if !is_empty && !is_spec(table.get_ref(), schema) {
        let place = errors.iter().find_map(|error| Some(line_column(text, error.span()?.start)));
        let why = match place {
            Some((line, column)) => format!("it is not TOML at line {line}, column {column}"),
            None => "it has none of the keys of a spec".to_owned(),
        };
        let help = "a spec has `project`, `environment`, `account` and `region`, or `extends`";
        return Err(vec![Problem::new(format!("{name} is not a spec: {why}"), help)]);
    }
    if errors.is_empty() {
        let span = table.span();
        let root = Node { data: from_table(table.into_inner(), file), place: Place { file, span } };
        let mut problems = Vec::new();
        root.limits(1, &mut problems);
        return if problems.is_empty() { Ok(root) } else { Err(problems) };
    }
    let problem = |error: &toml::de::Error| {
        let mut problem = Problem::new(error.message().trim().to_owned(), "this is not TOML: see https://toml.io");
        problem.place = Some(Place { file, span: error.span().unwrap_or(0..0) });
        problem
    };
    let mut problems: Vec<Problem> = errors.iter().map(problem).collect();
    problems.sort_by_key(|problem| problem.place.as_ref().map(|place| place.span.start));
    Err(problems)
}

fn from_table(table: DeTable<'_>, file: usize) -> Data {
    let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
        let place = Place { file, span: key.span() };
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        (key.into_owned(), Entry { key: place, order: 0, node: from_value(value, file) })
    };
    // The parser sorts a table by key: what was written first begins first.
    let mut entries: Vec<(String, Entry)> = table.into_iter().map(entry).collect();
    entries.sort_by_key(|(_, entry)| entry.key.span.start);
    for (order, (_, entry)) in entries.iter_mut().enumerate() {
        entry.order = order;
    }
    Data::Table(entries.into_iter().collect())
}

fn from_value(value: Spanned<DeValue<'_>>, file: usize) -> Node {
    let place = Place { file, span: value.span() };
    let data = match value.into_inner() {
        DeValue::String(text) => Data::String(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or(Data::Float(f64::NAN), Data::Integer),
        DeValue::Float(number) => Data::Float(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Data::Boolean(value),
        DeValue::Datetime(value) => Data::Datetime(value.to_string()),
        DeValue::Array(items) => Data::Array(items.into_iter().map(|item| from_value(item, file)).collect()),
        DeValue::Table(table) => from_table(table, file),
    };
    Node { data, place }
}

/// Tables merge by key, and `false` takes an entry away that is a table; anything else replaces.
fn merge(base: &mut Node, over: Node) {
    match (&mut base.data, over.data) {
        (Data::Table(base), Data::Table(over)) => {
            let mut over: Vec<(String, Entry)> = over.into_iter().collect();
            over.sort_by_key(|(_, entry)| entry.order);
            let mut order = base.values().map(|entry| entry.order + 1).max().unwrap_or_default();
            for (key, entry) in over {
                match base.get_mut(&key) {
                    Some(there) if takes_away(&there.node, &entry.node) => {
                        base.remove(&key);
                    }
                    Some(there) => {
                        there.key = entry.key;
                        merge(&mut there.node, entry.node);
                    }
                    None => {
                        base.insert(key, Entry { order, ..entry });
                        order += 1;
                    }
                }
            }
        }
        (_, data) => *base = Node { data, place: over.place },
    }
}

fn takes_away(there: &Node, entry: &Node) -> bool {
    matches!((&there.data, &entry.data), (Data::Table(_), Data::Boolean(false)))
}

impl Node {
    /// Reports what is too deep or has too many entries, and looks no further into it.
    fn limits(&self, depth: usize, problems: &mut Vec<Problem>) {
        let entries = match &self.data {
            Data::Table(entries) => entries.len(),
            Data::Array(items) => items.len(),
            _ => return,
        };
        let message = if depth > MAX_DEPTH {
            format!("tables and arrays are nested more than {MAX_DEPTH} deep")
        } else if entries > MAX_ENTRIES {
            format!("{entries} entries, the limit is {MAX_ENTRIES}")
        } else {
            match &self.data {
                Data::Table(entries) => entries.values().for_each(|entry| entry.node.limits(depth + 1, problems)),
                Data::Array(items) => items.iter().for_each(|item| item.limits(depth + 1, problems)),
                _ => {}
            }
            return;
        };
        let mut problem = Problem::new(message, "split it, or check what generated it");
        problem.place = Some(self.place.clone());
        problems.push(problem);
    }

    /// The value as JSON, without places.
    pub fn json(&self) -> Value {
        match &self.data {
            Data::Table(entries) => entries.iter().map(|(key, entry)| (key.clone(), entry.node.json())).collect(),
            Data::Array(items) => items.iter().map(Self::json).collect(),
            Data::String(text) | Data::Datetime(text) => text.as_str().into(),
            Data::Integer(number) => (*number).into(),
            Data::Float(number) => (*number).into(),
            Data::Boolean(value) => (*value).into(),
        }
    }
}
