//! Why a plan, or part of it, is not applied: in one line each, with the fields that bring it about and their lines in
//! the spec.

use std::collections::HashMap;

use super::rows::inline;
use crate::plan::{Action, Change, Field, Plan, Refusal, Source, going};
use crate::value::Address;

/// Characters of a value; it stands whole at the change.
const VALUE: usize = 60;

/// Fields of one change.
const FIELDS: usize = 3;

/// What stands in the way of an apply: `db_instance.main would be replaced, but has deletion protection: … (because of
/// `username` parcel → boss, environments/prod.toml:41)`.
pub fn refusals(plan: &Plan) -> Vec<String> {
    let entries: HashMap<&Address, Option<&Source>> =
        plan.changes.iter().rev().map(|change| (&change.address, change.source.as_ref())).collect();
    let line = |refusal: &Refusal| {
        let Refusal { message, fields, source, address } = refusal;
        let entry = address.as_ref().and_then(|address| *entries.get(address)?);
        match (&fields[..], source) {
            ([], None) => message.clone(),
            ([], Some(source)) => format!("{message} (`{}`, {source})", source.path),
            (fields, _) => format!("{message} (because of {})", causes(fields.iter(), entry)),
        }
    };
    plan.refused.iter().map(line).collect()
}

/// The options that a plan requires, each with what for: `--allow-destroy db_instance.main: it would be replaced and its
/// data lost: `username` parcel → boss, environments/prod.toml:41`.
pub fn approvals(plan: &Plan) -> Vec<String> {
    let guarded = plan.changes.iter().rev().filter(|change| change.guarded);
    let guarded: HashMap<String, &Change> = guarded.map(|change| (change.address.to_string(), change)).collect();
    let reason = |option: &String| {
        if let Some(change) = option.strip_prefix("--allow-destroy ").and_then(|address| guarded.get(address)) {
            return format!("{option}: it would be {}", loss(change, plan.destroy));
        }
        let (go, there) = going(&plan.changes, plan.unchanged);
        format!("{option}: {go} of {there} objects would be deleted or replaced")
    };
    plan.missing.iter().map(reason).collect()
}

/// The losses that nobody has allowed, as sentences without a full stop.
pub fn losses(plan: &Plan) -> Vec<String> {
    let guarded = plan.changes.iter().filter(|change| change.guarded);
    guarded.map(|change| format!("{} would be {}", change.address, loss(change, plan.destroy))).collect()
}

/// "replaced and its data lost: `username` parcel → boss, environments/prod.toml:41".
fn loss(change: &Change, is_end: bool) -> String {
    let what = match change.action {
        Action::Delete => "deleted and its data lost",
        Action::Replace => "replaced and its data lost",
        _ => "changed and data lost",
    };
    let causes: Vec<&Field> = change.causes().collect();
    match causes.is_empty() {
        // Why goes without saying where everything goes.
        true if is_end => what.to_owned(),
        true => format!("{what}: {}", change.reason),
        false => format!("{what}: {}", self::causes(causes.into_iter(), change.source.as_ref())),
    }
}

/// "`username` parcel → boss, environments/prod.toml:41", one after the other.
fn causes<'a>(fields: impl ExactSizeIterator<Item = &'a Field>, entry: Option<&Source>) -> String {
    let more = fields.len().saturating_sub(FIELDS);
    let mut said: Vec<String> = fields.take(FIELDS).map(|field| cause(field, entry)).collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    said.join("; ")
}

fn cause(field: &Field, entry: Option<&Source>) -> String {
    let name = field.source.as_ref().map_or(field.path.as_str(), |source| source.within(entry));
    let place = field.source.as_ref().or(entry).map(|source| format!(", {source}")).unwrap_or_default();
    let value = |value: &serde_json::Value| match value.is_null() {
        true => "nothing".to_owned(),
        false => shortened(&inline(value)),
    };
    let change = match field {
        Field { secret: true, .. } => "(sensitive value)".to_owned(),
        Field { before, after, .. } if before == after => format!("{} (known after apply)", value(after)),
        Field { before, after, .. } => format!("{} → {}", value(before), value(after)),
    };
    format!("`{name}` {change}{place}")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
