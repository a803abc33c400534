//! The record of the last apply: before the first write of a run, and after its last.

use std::collections::{BTreeSet, HashSet};
use std::time::SystemTime;

use crate::applied::{Applied, ListChange, Requested, written};
use crate::cloud::Context;
use crate::plan::known_outputs::{SecretMode, resolve_with};
use crate::plan::{Action, ExecutionPlan, Field, Origin};
use crate::value::Address;

impl ExecutionPlan {
    /// The record while changes run: without what they change, so that a plan made meanwhile, or after the run has
    /// died, does not show its changes as drift.
    pub fn begun(&self, context: Context<'_>) -> Applied {
        let mut begun = self.applied.clone();
        let in_spec: HashSet<&Address> = context.graph.objects.iter().map(|object| &object.address).collect();
        for (change, step) in self.plan.changes.iter().zip(&self.steps) {
            match change.action {
                // It was deleted outside of Baseplate: that stays true until it is created.
                Action::Create if change.origin == Origin::Drift => {}
                // A left-over object has the same address as the one that is kept.
                Action::Delete if in_spec.contains(&change.address) => {}
                Action::Create | Action::Delete | Action::Forget => begun.forget(&change.address),
                Action::Update | Action::Replace | Action::Adopt => {
                    let names = step.desired.iter().filter_map(|desired| desired.as_object()).flatten();
                    let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
                    let asked = change.fields.iter().filter(|field| field.origin == Origin::Requested);
                    let asked = asked.map(Field::name).collect();
                    begun.begin(&change.address, &names, &asked, change.action == Action::Replace);
                }
            }
        }
        begun
    }

    /// What is to change on the environment's list of kinds before anything is written.
    pub fn list_change(&self) -> ListChange {
        let change = self.in_use.change(SystemTime::now());
        match (self.plan.destroy, self.plan.is_empty()) {
            // It makes nothing.
            (true, _) => ListChange { remove: change.remove, ..ListChange::default() },
            (false, true) => ListChange { renew: BTreeSet::new(), ..change },
            (false, false) => change,
        }
    }

    /// The record after the run, but for what is still `open` or was left for later.
    pub fn done(&self, context: Context<'_>, begun: &Applied, open: &BTreeSet<&Address>) -> Applied {
        let mut applied = begun.clone();
        let open: BTreeSet<&Address> = open.iter().copied().chain(self.open()).collect();
        applied.retain(|address| open.contains(address));
        for object in context.graph.objects.iter().filter(|object| !open.contains(&object.address)) {
            let resolved =
                resolve_with(&object.attrs, &self.known_outputs, context.secret_store, SecretMode::Compare);
            let outputs = self.known_outputs.get(&object.address).map(|(_, outputs)| outputs).unwrap_or_default();
            let written = written(object.kind, &outputs);
            applied
                .record(&object.address, Requested { spec: &object.attrs, resolved: &resolved, written: &written });
            applied.keep_unwritten(&object.address, &resolved, begun);
        }
        applied
    }
}
