use std::collections::BTreeSet;
use std::fmt::Write;

use anstream::adapter::strip_str;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::new_object::{self, Summary};
use super::traffic_text::traffic_lines;
use super::{Paint, sanitized};
use crate::kinds::{Impact, Stage};
use crate::plan::{Action, Change, Field, Origin, Plan, unmanaged_lines};
use crate::render::{
    Beside, NEEDS, REFUSED, UNMANAGED, approvals, counts, danger, duration, heading, in_words, inline,
    needs_reason, origin_beside, pair, place_beside, pretty, refusals, said, warnings,
};
use crate::value::{Address, LINE_PREFIX, one_line, prefix_lines, sanitize};

/// Stands in the place of the hash.
const REFUSED_PLAN: &str = "Refused: see the top.";

/// Where the places of fields stand at the farthest; beside longer lines they follow these.
const COLUMN: usize = 72;

/// What loses data, stops or replaces something, or was made dangerous by hand comes before all else.
const DANGEROUS: u8 = 1;

/// How much a plan says of what is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line an object, with what a reader asks about first.
    Short,
    /// Every field.
    Full,
}

/// A plan for people: by documented stage, only what changes, references by address.
pub fn plan_text(plan: &Plan, beside: &Beside, place: &str, detail: Detail, paint: Paint) -> String {
    let plan = &*sanitized(plan);
    let mut out = String::new();
    let what = if plan.destroy { "Destroy" } else { "Plan" };
    let title = format!("{what}: {} {} on {place}", plan.project, plan.environment);
    let _ = writeln!(out, "{}", paint.bold(&one_line(&title)));
    if !plan.refused.is_empty() {
        section(&mut out, paint, &paint.red(REFUSED), &refusals(plan));
    }
    let counted = warnings(plan);
    if !counted.is_empty() {
        let _ = writeln!(out, "\n{}", paint.red(&format!("{}.", counted.join(", "))));
    }
    let (dangerous, others): (Vec<&Change>, Vec<&Change>) =
        plan.changes.iter().partition(|change| danger(change) <= DANGEROUS && !plan.destroy);
    if !dangerous.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold(&paint.red("Dangerous")));
        let mut dangerous = dangerous;
        dangerous.sort_by_key(|change| danger(change));
        dangerous.iter().for_each(|change| one(&mut out, change, detail, paint, origin_below(change)));
    }
    changes_by_origin(&mut out, &others, plan.destroy, detail, paint, &|_| None);
    let traffic = beside.traffic.as_ref().map(|change| traffic_lines(change, paint)).unwrap_or_default();
    section(&mut out, paint, "Traffic", &traffic);
    section(&mut out, paint, UNMANAGED, &unmanaged_lines(&plan.unmanaged));
    section(&mut out, paint, "Scheduled by AWS", &plan.scheduled);
    let kept: Vec<String> =
        plan.kept.iter().map(|address| format!("{address} is shared by the project's environments")).collect();
    section(&mut out, paint, "Kept", &kept);
    section(&mut out, paint, "Notes", &plan.notes);
    section(&mut out, paint, NEEDS, &beside.needs_lines());
    section(&mut out, paint, "Preflight", &beside.preflight_lines());
    section(&mut out, paint, "Warnings", &beside.lines());
    let command = if plan.destroy { "destroy" } else { "apply" };
    let title = format!("Add these options to {command}: it is refused without them");
    section(&mut out, paint, &title, &approvals(plan));
    if !plan.left_to_aws.is_empty() {
        let objects: BTreeSet<&Address> = plan.left_to_aws.iter().map(|left| &left.address).collect();
        let (values, objects) = (plan.left_to_aws.len(), objects.len());
        let text = match (values, objects) {
            (1, _) => "Left to AWS: one value; --json shows it.".to_owned(),
            (_, 1) => format!("Left to AWS: {values} values of one object; --json lists them."),
            _ => format!("Left to AWS: {values} values of {objects} objects; --json lists them."),
        };
        let _ = writeln!(out, "\n{}", paint.dim(&text));
    }
    if detail == Detail::Short && plan.changes.iter().any(|change| change.action == Action::Create) {
        let _ = writeln!(out, "\n{}", paint.dim("What is created is shown in short: --full shows every field."));
    }
    let _ = writeln!(out, "\n{}", summary(plan, paint));
    out
}

/// Where a change comes from that stands under no heading which says so.
fn origin_below(change: &Change) -> Option<String> {
    match change.origin {
        Origin::Requested => None,
        origin => Some(heading(origin, false).to_owned()),
    }
}

/// What was changed by hand before what the spec asks for. `below` says what stands under a change's head.
pub(super) fn changes_by_origin(
    out: &mut String,
    changes: &[&Change],
    destroy: bool,
    detail: Detail,
    paint: Paint,
    below: &dyn Fn(&Change) -> Option<String>,
) {
    let mut above = false;
    for origin in [Origin::Drift, Origin::Unmanaged, Origin::Requested] {
        let own: Vec<&Change> = changes.iter().filter(|change| change.origin == origin).copied().collect();
        // Where all is asked for, that goes without saying.
        if !own.is_empty() && (above || origin != Origin::Requested) {
            let _ = writeln!(out, "\n{}", paint.bold(heading(origin, destroy)));
            above = true;
        }
        stages(out, &own, detail, paint, below);
    }
}

/// Changes in documented order, and within a stage the most dangerous first.
fn stages(
    out: &mut String,
    changes: &[&Change],
    detail: Detail,
    paint: Paint,
    below: &dyn Fn(&Change) -> Option<String>,
) {
    for stage in Stage::ALL {
        let mut changes: Vec<&Change> = changes.iter().filter(|change| change.stage == stage).copied().collect();
        changes.sort_by_key(|change| danger(change));
        if !changes.is_empty() {
            let _ = writeln!(out, "\n{}", paint.bold(&stage.title()));
            changes.iter().for_each(|change| one(out, change, detail, paint, below(change)));
        }
    }
}

pub(super) fn section(out: &mut String, paint: Paint, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold(title));
        lines.iter().for_each(|line| {
            let _ = writeln!(out, "  {}", prefix_lines(line, "  "));
        });
    }
}

fn summary(plan: &Plan, paint: Paint) -> String {
    let is_refused = !plan.refused.is_empty();
    let hash = || paint.dim(&format!("Hash: {}", plan.hash()));
    if plan.is_empty() {
        let text = counts(plan);
        return if is_refused { paint.red(&text) } else { format!("{}\n{}", paint.green(&text), hash()) };
    }
    let is_said = |action: &Action| !matches!(action, Action::Adopt | Action::Forget);
    let counts = plan.counts().into_iter().filter(|(action, count)| *count > 0 || is_said(action));
    let counts: Vec<String> = counts.map(|(action, count)| format!("{count} to {}", action.verb())).collect();
    let what = if plan.destroy { "Destroy" } else { "Plan" };
    let (counts, unchanged, time) = (counts.join(", "), plan.unchanged, duration(plan.seconds));
    let summary = paint.bold(&format!("{what}: {counts}; {unchanged} unchanged. Takes about {time} on AWS."));
    // Nobody can approve what cannot be applied.
    let end = if is_refused { paint.red(REFUSED_PLAN) } else { hash() };
    format!("{summary}\n{end}")
}

fn one(out: &mut String, change: &Change, detail: Detail, paint: Paint, below: Option<String>) {
    let is_short = change.action == Action::Create && detail == Detail::Short;
    let color = |text: &str| match change.action {
        Action::Create => paint.green(text),
        Action::Update | Action::Adopt | Action::Forget => paint.yellow(text),
        Action::Replace | Action::Delete => paint.red(text),
    };
    let address = change.address.to_string();
    let mut head = format!("  {} {}", color(change.action.mark()), color(&one_line(&address)));
    let impact = change.impact.to_string();
    let impact = match change.impact {
        Impact::None => paint.dim(&impact),
        Impact::Outage | Impact::Replaced | Impact::DataLoss => paint.red(&impact),
        _ => paint.yellow(&impact),
    };
    // What waits for the window takes its time there.
    let time = match change.impact {
        Impact::InWindow => String::new(),
        _ => paint.dim(&format!(", {}", duration(change.seconds))),
    };
    let summary = if is_short { new_object::summary(change) } else { Summary::default() };
    if let Some(line) = &summary.line {
        let _ = write!(head, "  {line}");
    }
    // What is made anew interrupts nobody, and what takes a moment goes without saying.
    let is_usual = is_short && change.impact == Impact::None;
    if !is_usual {
        let _ = write!(head, "  {impact}{time}");
    } else if change.seconds >= 60 {
        let _ = write!(head, "  {}", paint.dim(&duration(change.seconds)));
    }
    if needs_reason(change) {
        let _ = write!(head, "  {}", paint.dim(&change.reason));
    }
    if let Some(source) = &change.source {
        let _ = write!(head, "  {}", paint.dim(&source.to_string()));
    }
    let _ = writeln!(out, "{head}");
    for danger in &change.dangers {
        let _ = writeln!(out, "      {}", paint.red(&format!("! now: {}", one_line(danger))));
    }
    if let Some(below) = below {
        let _ = writeln!(out, "      {}", paint.dim(&one_line(&below)));
    }
    match change.action {
        Action::Delete => {}
        Action::Create if is_short => summary.below.iter().for_each(|line| {
            let _ = writeln!(out, "      {line}");
        }),
        Action::Create => new_object::fields(out, change),
        _ => {
            let places: Vec<String> =
                change.fields.iter().map(|field| place_beside(change, field).unwrap_or_default()).collect();
            fields(out, change.address.kind(), &change.fields, &places, change.origin, paint);
        }
    }
}

/// Fields that differ, each with its place. Where one comes from is said unless the `whole` change comes from there.
pub(super) fn fields(
    out: &mut String,
    kind: &str,
    fields: &[Field],
    places: &[String],
    whole: Origin,
    paint: Paint,
) {
    let mut rows = Vec::new();
    // Where the kind has words for an element, these say better what differs.
    let one_for_another =
        |index| pair(fields, index).filter(|(before, _)| in_words(kind, &fields[index], before).is_none());
    for (index, field) in fields.iter().enumerate() {
        let place = places.get(index).map_or("", String::as_str);
        let mut why = if field.forces_replacement { paint.red("  forces replacement") } else { String::new() };
        if let Some(origin) = origin_beside(fields, index, whole) {
            why += &paint.dim(&format!("  ({origin})"));
        }
        let line = |line: String| Row { line, place, below: String::new() };
        if field.secret {
            rows.push(line(format!("      {:<22} (sensitive value, changed){why}", field.path)));
            continue;
        }
        // One element of a set that takes another's place: what differs inside the two is what matters.
        if let Some((before, after)) = one_for_another(index) {
            let below = lines("", &pretty(before), &pretty(after), paint);
            let place = places.get(index + 1).map_or("", String::as_str);
            rows.push(Row { line: format!("      {}{why}", field.path), place, below });
            continue;
        }
        if index > 0 && one_for_another(index - 1).is_some() {
            continue;
        }
        rows.push(match (&field.before, &field.after) {
            (Value::String(before), Value::String(after)) if before.contains('\n') || after.contains('\n') => {
                let below = lines(LINE_PREFIX, before, after, paint);
                Row { line: format!("      {}{why}", field.path), place, below }
            }
            (Value::Null, _) => {
                line(format!("    {} {:<22} {}{why}", paint.green("+"), field.path, after(kind, field, paint)))
            }
            (before, Value::Null) => {
                line(format!("    {} {:<22} {}{why}", paint.red("-"), field.path, said(kind, field, before)))
            }
            (before, after) if before == after => {
                // The same address: what it stands for, a revision or an id, is another one afterwards.
                line(format!("      {:<22} {} (known after apply){why}", field.path, inline(before)))
            }
            (before, _) => {
                let arrow = paint.dim("→");
                let (before, after) = (said(kind, field, before), after(kind, field, paint));
                line(format!("      {:<22} {before} {arrow} {after}{why}", field.path))
            }
        });
    }
    in_columns(out, &rows, paint);
}

/// A field's line, where the spec writes it, and what stands under it.
struct Row<'a> {
    line: String,
    place: &'a str,
    below: String,
}

/// Lines with their places under one another, as far as they are short enough.
fn in_columns(out: &mut String, rows: &[Row<'_>], paint: Paint) {
    let width = |row: &Row<'_>| strip_str(&row.line).to_string().chars().count();
    let placed = rows.iter().filter(|row| !row.place.is_empty());
    let column = placed.map(width).filter(|width| *width <= COLUMN).max().unwrap_or_default();
    for row in rows {
        let _ = match row.place {
            "" => writeln!(out, "{}", row.line),
            place => {
                let gap = " ".repeat(column.saturating_sub(width(row)) + 2);
                writeln!(out, "{}{gap}{}", row.line, paint.dim(place))
            }
        };
        out.push_str(&row.below);
    }
}

fn after(kind: &str, field: &Field, paint: Paint) -> String {
    if field.secret {
        return "(sensitive value)".to_owned();
    }
    let later = if field.known_after_apply { paint.dim(" (known after apply)") } else { String::new() };
    format!("{}{later}", said(kind, field, &field.after))
}

/// What differs within a value of several lines. `mark` stands before those of a text: a line of JSON needs none.
fn lines(mark: &str, before: &str, after: &str, paint: Paint) -> String {
    let mut out = String::new();
    for change in TextDiff::from_lines(before, after).iter_all_changes() {
        let line = sanitize(change.value().trim_end_matches('\n')).into_owned();
        let line = match change.tag() {
            ChangeTag::Delete => paint.red(&format!("- {mark}{line}")),
            ChangeTag::Insert => paint.green(&format!("+ {mark}{line}")),
            ChangeTag::Equal => format!("  {mark}{line}"),
        };
        let _ = writeln!(out, "        {line}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that AWS or a file may have put into a plan, on a terminal with colour.
    #[test]
    fn nothing_in_a_plan_steers_the_terminal() {
        let evil = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\r\u{202e}\u{e0041} ##[error]\n  - vpc.main\n::error::x\n";
        let source = serde_json::json!({ "path": evil, "file": evil, "line": 1 });
        let change = |action: &str| {
            serde_json::json!({
                "address": "vpc.main", "stage": "network", "action": action, "reason": evil, "impact": "none",
                "id": evil, "depends_on": [], "seconds": 1, "source": source, "guarded": true,
                "fields": [
                    { "path": evil, "before": evil, "after": { evil: evil }, "source": source, "loses_data": true },
                    { "path": "list[]", "before": null, "after": [evil] },
                    { "path": "gone", "before": { evil: [evil] }, "after": null },
                    { "path": "lines", "before": "a\nb", "after": evil },
                ],
            })
        };
        let changes = ["create", "update", "replace", "delete", "adopt", "forget"].map(change);
        let plan: Plan = serde_json::from_value(serde_json::json!({
            "format_version": crate::plan::FORMAT_VERSION, "project": evil, "environment": evil, "account": evil,
            "region": evil, "destroy": false, "spec_digest": "", "live_digest": "", "unchanged": 0, "seconds": 0,
            "scheduled": [evil], "kept": [], "notes": [evil], "left_to_aws": [], "missing": [evil, "--allow-destroy vpc.main"],
            "changes": changes, "refused": [{ "message": evil, "source": source, "fields": [
                { "path": evil, "before": evil, "after": evil, "source": source },
            ] }],
        }))
        .expect("a plan");
        let paints = [Paint::new(true), Paint::new(false)];
        for (paint, detail) in paints.into_iter().flat_map(|paint| [(paint, Detail::Short), (paint, Detail::Full)])
        {
            let text = plan_text(&plan, &Beside::default(), evil, detail, paint);
            let mut rest = text.as_str();
            while let Some((_, after)) = rest.split_once('\u{1b}') {
                let known = ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m"];
                assert!(known.iter().any(|code| after.starts_with(code)), "{after:?}");
                rest = after;
            }
            let steering = text.chars().filter(|&c| crate::value::is_unsafe(c) && c != '\u{1b}');
            assert_eq!(steering.collect::<String>(), "", "{text}");
            let forged = text.lines().filter(|line| line.starts_with("  - vpc.main")).count();
            // Its own line for the delete.
            let own = usize::from(!paint.is_on());
            assert_eq!(forged, own, "{text}");
            assert!(!text.contains("##["), "{text}");
            let commands = text.lines().filter(|line| line.trim_start().starts_with("::"));
            assert_eq!(commands.collect::<String>(), "", "{text}");
        }
    }
}
