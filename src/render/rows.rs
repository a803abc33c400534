//! The fields of a change as a document shows them: one row each, values on one line where that reads well.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::kinds;
use crate::plan::{Action, Change, Field, Origin};
use crate::value::{LINE_PREFIX, one_line, sanitize};

/// One field, or two that are one element of a set in another's place.
pub struct Row<'a> {
    pub path: &'a str,
    pub content: Content,
    /// What else is to be said: "forces replacement", "known after apply", "drift", "unmanaged".
    pub notes: Vec<&'static str>,
    /// Where the spec writes it, where that is not said at the change already.
    pub place: Option<String>,
}

pub enum Content {
    /// `None` where there was, or will be, nothing.
    Values(Option<String>, Option<String>),
    Lines(Vec<(Mark, String)>),
    Secret,
    /// The same address, behind which there will be another object or revision.
    Another(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Gone,
    Come,
    Same,
}

/// What a change does to each field. That references of a new object are known only afterwards goes without saying.
pub fn rows(change: &Change) -> Vec<Row<'_>> {
    let (fields, kind) = (&change.fields, change.address.kind());
    let mut rows = Vec::new();
    let mut index = 0;
    while let Some(field) = fields.get(index) {
        index += 1;
        let tagged = field.path == "tags" || field.path.starts_with("tags.");
        if tagged && matches!(change.action, Action::Create | Action::Delete) {
            continue;
        }
        let mut notes = Vec::new();
        if field.forces_replacement {
            notes.push("forces replacement");
        }
        notes.extend(origin_beside(fields, index - 1, change.origin));
        if field.known_after_apply && change.action != Action::Create {
            notes.push("known after apply");
        }
        let content = match pair(fields, index - 1) {
            _ if field.secret => Content::Secret,
            Some((before, after)) if in_words(kind, field, before).is_none() => {
                index += 1;
                lines("", &pretty(before), &pretty(after))
            }
            _ => content(kind, field),
        };
        let place = place_beside(change, field);
        rows.push(Row { path: &field.path, content, notes, place });
    }
    rows
}

fn content(kind: &str, field: &Field) -> Content {
    match (&field.before, &field.after) {
        (Value::String(before), Value::String(after)) if before.contains('\n') || after.contains('\n') => {
            lines(LINE_PREFIX, before, after)
        }
        (before, after) if before == after => Content::Another(inline(before)),
        (before, after) if before.is_object() && after.is_object() && in_words(kind, field, before).is_none() => {
            lines("", &pretty(before), &pretty(after))
        }
        (before, after) => {
            let some = |value: &Value| (!value.is_null()).then(|| said(kind, field, value));
            Content::Values(some(before), some(after))
        }
    }
}

/// Where the spec writes a field of a change, and what it calls it where that is another word: `log-retention,
/// environments/dev.toml:9`. Nothing of a new object, whose entry says it all, nor where it is the line of the entry.
pub fn place_beside(change: &Change, field: &Field) -> Option<String> {
    let source = field.source.as_ref().filter(|_| change.action != Action::Create)?;
    let word = source.within(change.source.as_ref());
    let (own, said) = (field.path.trim_end_matches("[]").replace('_', "-"), word.replace('_', "-"));
    let is_same = own == said || own.strip_prefix(&said).is_some_and(|rest| rest.starts_with(['.', '[']));
    let is_there =
        change.source.as_ref().is_some_and(|entry| (&entry.file, entry.line) == (&source.file, source.line));
    match (is_same, is_there) {
        (true, true) => None,
        (true, false) => Some(source.to_string()),
        (false, true) => Some(word.to_owned()),
        (false, false) => Some(format!("{word}, {source}")),
    }
}

/// Where a field comes from, unless the `whole` change comes from there. Of an element in another's place that is where
/// the one comes from that the spec asks for.
pub fn origin_beside(fields: &[Field], index: usize, whole: Origin) -> Option<&'static str> {
    let shown = if pair(fields, index).is_some() { index + 1 } else { index };
    let origin = fields.get(shown)?.origin;
    (origin != whole).then(|| origin.word())
}

/// A lone removed element followed by a lone added one at the same path, both of them structured: what differs
/// inside the two is what matters.
pub fn pair(fields: &[Field], index: usize) -> Option<(&Value, &Value)> {
    let (gone, come) = (fields.get(index)?, fields.get(index + 1)?);
    let alone = fields.iter().filter(|field| field.path == gone.path).count() == 2;
    let structured = gone.before.is_object() && come.after.is_object();
    (alone && structured && gone.path == come.path && gone.after.is_null()).then_some((&gone.before, &come.after))
}

/// `mark` stands before each line of a text: one of JSON needs none.
fn lines(mark: &str, before: &str, after: &str) -> Content {
    let diff = TextDiff::from_lines(before, after);
    let line = |change: similar::Change<&str>| {
        let tag = match change.tag() {
            ChangeTag::Delete => Mark::Gone,
            ChangeTag::Insert => Mark::Come,
            ChangeTag::Equal => Mark::Same,
        };
        (tag, format!("{mark}{}", sanitize(change.value().trim_end_matches('\n'))))
    };
    Content::Lines(diff.iter_all_changes().map(line).collect())
}

/// A value of a change's field on one line: as people say it where its kind knows how, else [`inline`].
pub fn said(kind: &str, field: &Field, value: &Value) -> String {
    in_words(kind, field, value).unwrap_or_else(|| inline(value))
}

/// The same, `None` where the kind has no words of its own. Those of a list are the words of its elements.
pub fn in_words(kind: &str, field: &Field, value: &Value) -> Option<String> {
    let kind = kinds::find(kind)?;
    let words = |value: &Value| kind.in_words(field.name(), value);
    let all = match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(words).collect::<Option<Vec<_>>>()?.join("; "),
        single => words(single)?,
    };
    Some(one_line(&all))
}

/// Structure over lines.
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A value on one line: without the quotes and braces that JSON needs and people do not, and without what is
/// empty.
pub fn inline(value: &Value) -> String {
    let mut out = String::new();
    push_inline(&mut out, value);
    out
}

fn push_inline(out: &mut String, value: &Value) {
    match value {
        Value::String(text) if text.is_empty() => out.push_str("\"\""),
        Value::String(text) => out.push_str(&one_line(text)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                push_inline(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let says = |value: &Value| !value.is_null() && value != "";
            out.push('{');
            for (index, (key, value)) in map.iter().filter(|(_, value)| says(value)).enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(&one_line(key));
                out.push_str(": ");
                push_inline(out, value);
            }
            out.push('}');
        }
        other => *out += &other.to_string(),
    }
}
