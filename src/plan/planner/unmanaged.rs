//! Unmanaged objects that conflict with the spec: they match a desired object or have some of our tags, but not all
//! ownership tags. Nothing is changed before a person has decided whose they are.

use serde_json::Value;

use super::{Planner, is_tagged};
use crate::cloud::Observed;
use crate::graph::DesiredObject;
use crate::plan::Action;
use crate::plan::diff::Difference;
use crate::plan::execution::compare;
use crate::plan::recognise::owner;
use crate::spec::Owner;

impl Planner<'_> {
    /// Uses it where the spec has it as external, and adopts it only where `--adopt` names it.
    pub(super) fn adopt(&mut self, object: &DesiredObject, desired: &Value, index: usize) {
        self.used.insert(index);
        let found = &self.found[index];
        let live = &found.live;
        // Until that is decided, references to it resolve as before.
        self.known_outputs.record(&object.address, &live.id, live.outputs.clone());
        if object.external {
            self.stays(object, index);
            return;
        }
        if live.unconfirmed {
            self.unconfirmed.insert(index);
            return;
        }
        let (id, address) = (&live.id, &object.address);
        let owner = owner(self.context, found).unwrap_or(Owner::Untagged);
        if let Owner::Another(who) = owner {
            self.conflicts.push(format!(
                "{id} exists where {address} would be, and belongs to {who}: rename or move one of the two. Only if \
                 {who} no longer uses it: remove its tags baseplate:* by hand, then plan again"
            ));
            return;
        }
        let different = compare(object.kind, desired, live);
        let fixed = object.kind.replace_on();
        let fixed: Vec<&str> =
            different.iter().map(Difference::field).filter(|field| fixed.contains(field)).collect();
        if !fixed.is_empty() {
            self.conflicts.push(format!(
                "{id} exists where {address} would be, {}. It cannot be adopted, since AWS cannot change {} in \
                 place: delete it by hand if it is not needed, or rename or move one of the two",
                lost(&owner),
                fixed.join(", ")
            ));
        } else if self.options.adopt.contains(address) {
            self.change(object, desired, index, &different, Action::Adopt);
        } else {
            self.to_adopt.push(address.clone());
            self.conflicts.push(format!(
                "{id} exists where {address} would be, {}. Adopt it with --adopt {address}, or rename or move one \
                 of the two",
                lost(&owner)
            ));
        }
    }

    /// More than one object matches.
    pub(super) fn ambiguous(&mut self, object: &DesiredObject, candidates: &[usize]) {
        self.used.extend(candidates);
        let ids: Vec<&str> = candidates.iter().map(|&index| self.found[index].live.id.as_str()).collect();
        self.conflicts.push(format!(
            "{} could each be {}, since none of them has all ownership tags: give the right one the tags \
             baseplate:project = {}, baseplate:environment = {} and baseplate:address = {}, then plan again",
            ids.join(" and "),
            object.address,
            self.context.env.project,
            self.context.env.environment,
            object.address
        ));
    }

    /// An object without a valid address in its tags that matches nothing desired.
    pub(super) fn unidentified(&mut self, index: usize) {
        let found = &self.found[index];
        let Some(owner) = owner(self.context, found) else {
            // It has a name of ours, and the tag index does not know it yet: its service knows whose it is.
            if found.live.unconfirmed && found.live.unread.contains(&"tags") {
                self.unconfirmed.insert(index);
            }
            return;
        };
        if found.live.unconfirmed && !matches!(owner, Owner::Another(_)) {
            self.unconfirmed.insert(index);
            return;
        }
        let counterpart_of = self.counterpart_of.get(&index);
        let (id, kind) = (&found.live.id, found.kind.name());
        match (owner, counterpart_of) {
            (Owner::PartlyTagged(missing), Some(address)) => self.conflicts.push(format!(
                "{id} exists where {address} would be, but lacks {}, and would be left behind. Restore its tags \
                 first (apply --adopt {address}), or remove the others to keep it",
                missing.join(", ")
            )),
            (Owner::Untagged, Some(address)) => self.notes.push(format!(
                "{id} exists where {address} would be, has none of this environment's tags, and is kept. To delete \
                 it: apply --adopt {address}, then destroy again"
            )),
            // What the project's environments share is deleted only with `--shared`.
            (owner, None) if owner.is_this_environment() && (!found.kind.shared() || self.options.shared) => {
                self.conflicts.push(format!(
                    "{id} has the tags of this environment but no valid baseplate:address: set that tag to the \
                     address it had, to any other {kind}.NAME to have it deleted, or remove the other tags"
                ));
            }
            _ => {}
        }
    }
}

/// What is wrong with its tags.
fn lost(owner: &Owner) -> String {
    match owner {
        Owner::PartlyTagged(missing) => format!("but lacks the tags {}", missing.join(" and ")),
        Owner::Ours(other) => format!("but is tagged as {other}"),
        _ => "but has none of this environment's tags: they were removed, or it was created elsewhere".to_owned(),
    }
}

/// What AWS cannot tag belongs to its parent, and is recognised with it.
pub(super) fn is_untagged(Observed { live, .. }: &Observed) -> bool {
    live.attrs.as_ref().is_some_and(|attrs| !is_tagged(attrs))
}
