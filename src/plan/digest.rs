use serde_json::{Value, json};

use super::Change;
use super::execution::Step;
use crate::cloud::Observed;
use crate::value::sha256;

/// SHA-256 of what a plan manages of the live state. An object that stays counts by its id: what the spec asks of it
/// is there, and the spec has a digest of its own. Of one that changes count its id and what is live of the fields that
/// differ. So what is left to AWS (an autoscaled count), and what AWS writes in other words, may move.
pub fn live_digest<'a>(stay: impl Iterator<Item = &'a Observed>, changes: &[Change], steps: &[Step]) -> String {
    let stay = stay.map(|Observed { kind, live }| json!([kind.name(), live.id]));
    let change = changes.iter().zip(steps).filter_map(|(change, step)| {
        let live = step.live.as_ref()?;
        let fields: Value = change.fields.iter().map(|field| json!([field.path, field.before])).collect();
        // A secret shows nothing of itself, but each one that is written has another version.
        let versions = change.fields.iter().any(|field| field.secret).then_some(&live.outputs);
        Some(json!([step.kind.name(), live.id, fields, versions]))
    });
    // AWS lists in any order.
    let mut objects: Vec<String> = stay.chain(change).map(|object| object.to_string()).collect();
    objects.sort_unstable();
    sha256(&objects)
}
