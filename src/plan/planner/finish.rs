use std::collections::HashMap;

use super::{Planner, unmanaged};
use crate::applied::InUse;
use crate::cloud::Context;
use crate::graph::DesiredObject;
use crate::kinds;
use crate::plan::conflict::Conflict;
use crate::plan::digest::live_digest;
use crate::plan::execution::{ExecutionPlan, LeftOut, Step, WriteMode};
use crate::plan::known_outputs::{KnownOutputs, SecretMode, resolve_with, variables};
use crate::plan::replacement::create_first;
use crate::plan::{Action, Change, Plan, guards};
use crate::value::Address;

impl Planner<'_> {
    /// The plan, once nothing is unconfirmed any more.
    pub fn finish(mut self, in_use: InUse) -> ExecutionPlan {
        self.refuse_names_of_orphans();
        if !self.conflicts.is_empty() {
            // A cloud lists its objects in any order.
            self.conflicts.sort_by_cached_key(ToString::to_string);
            if self.to_adopt.len() > 1 {
                self.conflicts.push(Conflict::AllToAdopt(std::mem::take(&mut self.to_adopt)));
            }
        }
        let place = |kind: &str| kinds::all().iter().position(|known| known.name() == kind);
        self.changes.sort_by_cached_key(|(change, step)| {
            let delete = change.action == Action::Delete;
            (change.stage, delete, place(step.kind.name()), step.place, change.address.clone(), change.id.clone())
        });
        self.kept.sort();
        let env = self.context.env;
        let (mut changes, mut steps): (Vec<Change>, Vec<Step>) =
            std::mem::take(&mut self.changes).into_iter().unzip();
        let first = create_first(&changes, &steps);
        Self::tell_replacement_orders(&mut changes, &first);
        self.tell_outages(&mut changes, &steps, &first);
        let idle_entries = self.idle_entries();
        let missing = guards::missing(&changes, self.unchanged.len(), self.options.destroy, &self.options.allow);
        // While planning, outputs that will change are left out; applying starts from all live ones. A left-over object
        // does not replace the one that is kept.
        let known_outputs = self.known_outputs;
        for (change, step) in changes.iter().zip(&steps) {
            let stays = change.action != Action::Delete;
            if let Some(live) = step.live.as_ref().filter(|_| stays || known_outputs.get(&change.address).is_none())
            {
                known_outputs.record(&change.address, &live.id, live.outputs.clone());
            }
        }
        for (change, step) in changes.iter().zip(&mut steps) {
            let live = step.live.as_ref().filter(|_| change.action != Action::Replace);
            if let Some(desired) = step.desired.as_ref().filter(|_| step.kind.two_phase_writes()) {
                let desired = resolve_with(desired, &known_outputs, self.context.secret_store, SecretMode::Compare);
                step.write_mode = WriteMode::of(step.kind, live, &desired);
            }
        }
        let renamed = match self.options.destroy {
            true => Vec::new(),
            false => renamed(&self.spec, &changes, &steps),
        };
        let mut notes = self.notes;
        notes.extend(renamed);
        notes.extend(idle_entries);
        notes.extend(unknown_values(&self.context, &known_outputs));
        notes.extend(kinds::dns_instructions(env, |address, output| known_outputs.output(address, output)));
        let plan = Plan {
            destroy: self.options.destroy,
            spec_digest: self.options.spec_digest.clone(),
            live_digest: live_digest(self.unchanged.iter().map(|&index| &self.found[index]), &changes, &steps),
            changes,
            unchanged: self.unchanged.len(),
            scheduled: self.scheduled,
            kept: self.kept,
            missing,
            left_to_aws: self.left_to_aws,
            unmanaged: unmanaged::in_order(self.unmanaged),
            notes,
            ..Plan::empty(env)
        };
        let (left, conflicts, named) = (LeftOut::default(), self.conflicts, None);
        ExecutionPlan { plan, steps, known_outputs, applied: self.applied.clone(), in_use, left, named, conflicts }
    }
}

/// What holds data and goes, where just one of its kind comes: it may be the same under another key.
fn renamed(spec: &HashMap<&Address, &DesiredObject>, changes: &[Change], steps: &[Step]) -> Vec<String> {
    let mut made: HashMap<&str, Vec<&Address>> = HashMap::new();
    for change in changes.iter().filter(|change| change.action == Action::Create) {
        made.entry(change.address.kind()).or_default().push(&change.address);
    }
    let gone = changes.iter().zip(steps).filter(|(change, step)| {
        let live = step.live.as_ref().and_then(|live| live.attrs.as_ref());
        change.action == Action::Delete && live.is_some_and(|live| step.kind.holds_data(live))
    });
    let note = |(Change { address: gone, .. }, _): (&Change, &Step)| {
        let [new] = made.get(gone.kind())?[..] else { return None };
        let path = spec.get(new)?.path();
        let section = path.strip_suffix(new.name())?;
        Some(format!(
            "{gone} goes and {new} comes: if that is the same under another key, [[moved]] keeps it and its data: from = \
             \"{section}{}\", to = \"{path}\"",
            gone.name()
        ))
    };
    gone.filter_map(note).collect()
}

/// What a variable that is not set leaves open: whether an object that is there gets another value.
fn unknown_values(context: &Context<'_>, known_outputs: &KnownOutputs) -> Vec<String> {
    let there = context.graph.objects.iter().filter(|object| known_outputs.get(&object.address).is_some());
    let unset = there.flat_map(|object| variables(&object.attrs).into_iter().map(move |name| (object, name)));
    let unset = unset.filter(|(_, name)| context.secret_store.variable(name).is_none());
    unset
        .map(|(object, name)| format!("{name} is not set here: the value of {} is not compared, and an apply where it is set may change it", object.address))
        .collect()
}
