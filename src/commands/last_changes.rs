//! What `drift` looks up of the objects that it shows: by which names who changed them may be recorded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cloud::{History, Subject};
use crate::kinds::{self, AnyKind, Outputs};
use crate::plan::{Action, Change, ExecutionPlan, Plan, Unmanaged, UnmanagedSort};
use crate::value::Address;

/// The ids and outputs of live objects.
pub struct Known(BTreeMap<Address, (String, Outputs)>);

impl Known {
    /// Those of a plan's changes, and of what it shows besides.
    pub fn of(execution: &ExecutionPlan) -> Self {
        let ExecutionPlan { plan, steps, known_outputs, .. } = execution;
        let changed = plan.changes.iter().zip(steps).filter_map(|(change, step)| {
            let live = step.live.as_ref()?;
            Some((change.address.clone(), (live.id.clone(), live.outputs.clone())))
        });
        let others = plan.unmanaged.iter().filter_map(|one| one.address.as_ref());
        let others = others.filter_map(|address| Some((address.clone(), known_outputs.get(address)?)));
        Self(others.chain(changed).collect())
    }
}

/// The objects that a report shows and the spec does not accept, each once, the dangerous first.
pub fn subjects(plan: &Plan, known: &Known) -> Vec<Subject> {
    let changed = plan.changes.iter().map(|change| (change.dangers.is_empty(), of_change(change, known)));
    let open = plan.unmanaged.iter().filter(|one| one.accepted.is_none());
    let unmanaged = open.map(|one| (one.danger.is_none(), of_unmanaged(one, known)));
    let mut subjects: Vec<(bool, Subject)> =
        changed.chain(unmanaged).filter_map(|(is_harmless, subject)| Some((is_harmless, subject?))).collect();
    subjects.sort_by_key(|(is_harmless, _)| *is_harmless);
    let mut seen = BTreeSet::new();
    let subjects = subjects.into_iter().map(|(_, subject)| subject);
    subjects.filter(|subject| !subject.names.is_empty() && seen.insert(subject.key.clone())).collect()
}

/// What was deleted has no id any more; a unique name of its own is that of the one that will take its place.
fn of_change(change: &Change, known: &Known) -> Option<Subject> {
    let kind = kinds::find(change.address.kind())?;
    if let Some((id, outputs)) = known.0.get(&change.address) {
        let is_by_hand = change.action == Action::Delete;
        return Some(subject(change.address.to_string(), kind, id, outputs, is_by_hand));
    }
    let field = change.fields.iter().find(|field| Some(field.path.as_str()) == kind.identity())?;
    Some(subject(change.address.to_string(), kind, field.after.as_str()?, &Outputs::new(), false))
}

fn of_unmanaged(one: &Unmanaged, known: &Known) -> Option<Subject> {
    match one.sort {
        UnmanagedSort::Setting => {
            let address = one.address.as_ref()?;
            let (id, outputs) = known.0.get(address)?;
            Some(subject(one.object()?, kinds::find(address.kind())?, id, outputs, false))
        }
        UnmanagedSort::Object => {
            Some(subject(one.object()?, kinds::find(&one.name)?, one.id(), &Outputs::new(), true))
        }
    }
}

fn subject(key: String, kind: &dyn AnyKind, id: &str, outputs: &Outputs, is_by_hand: bool) -> Subject {
    Subject {
        key,
        names: kind.event_names(id, outputs),
        text: kind.event_text(id),
        is_global: kind.global_events(),
        is_by_hand,
    }
}

/// A change or something unmanaged as JSON, with `who` last changed it, where that is known.
pub fn with_who(mut one: Value, object: Option<String>, history: &History) -> Value {
    let who = object.and_then(|object| history.found.get(&object));
    if let (Some(members), Some(who)) = (one.as_object_mut(), who) {
        members.insert("who".to_owned(), json!(who));
    }
    one
}
