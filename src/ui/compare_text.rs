use std::fmt::Write;

use serde_json::Value;

use super::Paint;
use super::plan_text::fields;
use crate::compare::{Comparison, ObjectDifference, Which};
use crate::kinds::Stage;
use crate::plan::{Field, Origin};
use crate::render::inline;
use crate::value::{one_line, prefix_lines};

/// A comparison for people: unexplained differences by documented stage, and with `all` also explained ones.
pub fn compare_text(comparison: &Comparison, all: bool, paint: Paint) -> String {
    let labels = labels(comparison);
    let mut out = String::new();
    let _ = writeln!(out, "{}", paint.bold(&one_line(&title(comparison, &labels))));
    for stage in Stage::ALL {
        let differences: Vec<&ObjectDifference> =
            comparison.unexplained.iter().filter(|difference| difference.stage == stage).collect();
        if !differences.is_empty() {
            let _ = writeln!(out, "\n{}", paint.bold(&stage.title()));
            differences.iter().for_each(|difference| object(&mut out, difference, &labels, paint));
        }
    }
    if all && !comparison.explained.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold("Explained"));
        let mut why = None;
        for explained in &comparison.explained {
            // A reason for several in a row is printed once.
            if why.replace(&explained.why) != Some(&explained.why) {
                let _ = writeln!(out, "  {}", prefix_lines(&explained.why, "  "));
            }
            for Row { path, here, there } in rows(&explained.objects, &labels) {
                let values = match (here, there) {
                    (Cell::Words(only), Cell::Nothing) | (Cell::Nothing, Cell::Words(only)) => only,
                    (here, there) => format!("{} → {}", here.text(), there.text()),
                };
                let line = format!("      {:<48} {}", one_line(&path), one_line(&values));
                let _ = writeln!(out, "{}", paint.dim(&line));
            }
        }
    }
    if !comparison.stale.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold("Notes"));
        for entry in &comparison.stale {
            let line = stale(&entry.path);
            let _ = writeln!(out, "  {}", one_line(&line));
        }
    }
    let hint = if all || comparison.explained.is_empty() { "" } else { " (--all lists them)" };
    let summary = summary(comparison, hint);
    let summary = if comparison.unexplained.is_empty() { paint.green(&summary) } else { paint.bold(&summary) };
    let _ = writeln!(out, "\n{summary}");
    out
}

fn object(out: &mut String, difference: &ObjectDifference, labels: &Labels, paint: Paint) {
    let address = difference.address.to_string();
    let address = one_line(&address);
    let head = match difference.only_in {
        Some(Which::One) => paint.red(&format!("- {address}  only in {}", labels.one)),
        Some(Which::Other) => paint.green(&format!("+ {address}  only in {}", labels.other)),
        None => paint.yellow(&format!("~ {address}")),
    };
    let _ = writeln!(out, "  {head}");
    fields(out, difference.address.kind(), &difference.fields, &[], Origin::Requested, paint);
}

pub(super) fn title(comparison: &Comparison, labels: &Labels) -> String {
    let how = if comparison.live { "live state" } else { "desired state" };
    let project = match comparison.one.project == comparison.other.project {
        true => format!("{} ", comparison.one.project),
        false => String::new(),
    };
    format!("Compare: {project}{} (-) with {} (+), {how}", labels.one, labels.other)
}

pub(super) fn summary(comparison: &Comparison, hint: &str) -> String {
    let (unexplained, explained) = (comparison.unexplained_count(), comparison.explained_count());
    let differences = |count: usize| match count {
        1 => "1 difference is".to_owned(),
        count => format!("{count} differences are"),
    };
    let equal = match comparison.equal {
        1 => "1 object is the same".to_owned(),
        count => format!("{count} objects are the same"),
    };
    match (unexplained, explained) {
        (0, 0) => format!("No differences: {equal}."),
        (0, _) => format!("No unexplained differences: {} explained{hint}; {equal}.", differences(explained)),
        (_, 0) => format!("{} unexplained; {equal}.", differences(unexplained)),
        _ => format!("{} unexplained, {explained} explained{hint}; {equal}.", differences(unexplained)),
    }
}

pub(super) fn stale(path: &str) -> String {
    format!("[[differs]] {path} matches no difference: remove it from the spec")
}

/// Labels that tell the two apart.
pub(super) struct Labels {
    pub one: String,
    pub other: String,
}

pub(super) fn labels(comparison: &Comparison) -> Labels {
    let (one, other) = (&comparison.one, &comparison.other);
    let pair = |one: String, other: String| Labels { one, other };
    if one.project != other.project {
        let name = |side: &crate::compare::Side| format!("{} {}", side.project, side.environment);
        pair(name(one), name(other))
    } else if one.environment != other.environment {
        pair(one.environment.clone(), other.environment.clone())
    } else if one.account != other.account {
        let name = |side: &crate::compare::Side| format!("{} in {}", side.environment, side.account);
        pair(name(one), name(other))
    } else {
        pair(format!("{} (first)", one.environment), format!("{} (second)", other.environment))
    }
}

/// A line for one difference.
pub(super) struct Row {
    pub path: String,
    pub here: Cell,
    pub there: Cell,
}

pub(super) enum Cell {
    /// What a field says.
    Value(String),
    /// What is said of it.
    Words(String),
    Nothing,
}

impl Cell {
    fn text(&self) -> &str {
        match self {
            Self::Value(text) | Self::Words(text) => text,
            Self::Nothing => "–",
        }
    }
}

pub(super) fn rows(differences: &[ObjectDifference], labels: &Labels) -> Vec<Row> {
    let mut rows = Vec::new();
    for difference in differences {
        let only = |label: &str| Cell::Words(format!("only in {label}"));
        let path = difference.address.to_string();
        match difference.only_in {
            Some(Which::One) => rows.push(Row { path, here: only(&labels.one), there: Cell::Nothing }),
            Some(Which::Other) => rows.push(Row { path, here: Cell::Nothing, there: only(&labels.other) }),
            None => rows.extend(difference.fields.iter().map(|field| Row {
                path: format!("{path}.{}", field.path),
                here: cell(field, &field.before),
                there: cell(field, &field.after),
            })),
        }
    }
    rows
}

fn cell(field: &Field, value: &Value) -> Cell {
    match value {
        _ if field.secret => Cell::Words("(sensitive value)".to_owned()),
        Value::Null => Cell::Nothing,
        value => Cell::Value(inline(value)),
    }
}
