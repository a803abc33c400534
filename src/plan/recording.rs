//! The record of what was applied, over one run: before its first write and after its last.

use std::collections::{BTreeSet, HashSet};
use std::time::SystemTime;

use crate::applied::{Applied, Asked, ListChange, written};
use crate::cloud::About;
use crate::plan::world::{Secrets, resolve_with};
use crate::plan::{Action, Draft, Field, Origin};
use crate::value::Address;

impl Draft {
    /// The record while the changes are made: nothing is known of what they change, so that whoever plans meanwhile,
    /// or after the run has died, does not take what it did for somebody else's doing.
    pub fn begun(&self, about: About<'_>) -> Applied {
        let mut begun = self.applied.clone();
        let wanted: HashSet<&Address> = about.graph.wanted.iter().map(|wanted| &wanted.address).collect();
        for (change, step) in self.plan.changes.iter().zip(&self.steps) {
            match change.action {
                // Somebody deleted it: that stays true until it is made.
                Action::Create if change.origin == Origin::Drift => {}
                // What is left over has the address of what stays.
                Action::Delete if wanted.contains(&change.address) => {}
                Action::Create | Action::Delete => begun.forget(&change.address),
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

    /// The record once all is done but what is `open`.
    pub fn done(&self, about: About<'_>, begun: &Applied, open: &BTreeSet<&Address>) -> Applied {
        let mut applied = begun.clone();
        applied.retain(|address| open.contains(address));
        for wanted in about.graph.wanted.iter().filter(|wanted| !open.contains(&wanted.address)) {
            let resolved = resolve_with(&wanted.attrs, &self.world, about.vault, Secrets::Compare);
            let outputs = self.world.known(&wanted.address).map(|(_, outputs)| outputs).unwrap_or_default();
            let written = written(wanted.kind, &outputs);
            applied.learn(&wanted.address, Asked { words: &wanted.attrs, resolved: &resolved, written: &written });
        }
        applied
    }
}
