//! What stands in the place of something that the spec wants, or carries part of our tags, without all that say whose
//! it is: nothing of it is changed, nor anything around it, before a person has said what it is.

use serde_json::Value;

use super::{Drafting, is_tagged};
use crate::cloud::Found;
use crate::graph::Wanted;
use crate::plan::Action;
use crate::plan::diff::Difference;
use crate::plan::draft::compare;
use crate::plan::recognise::owner;
use crate::spec::Owner;

impl Drafting<'_> {
    /// Uses it where the spec says that it is somebody else's, and takes it over only where that was asked for.
    pub(super) fn adopt(&mut self, wanted: &Wanted, desired: &Value, index: usize) {
        self.used.insert(index);
        let found = &self.found[index];
        let live = &found.live;
        // While it is not decided whose it is, what refers to it is as well off as it was.
        self.world.learn(&wanted.address, &live.id, live.outputs.clone());
        if wanted.external {
            self.stays(wanted, index);
            return;
        }
        if live.confirm {
            self.doubtful.insert(index);
            return;
        }
        let (id, address) = (&live.id, &wanted.address);
        let owner = owner(self.about, found).unwrap_or(Owner::Nobody);
        if let Owner::Another(who) = owner {
            self.conflicts.push(format!(
                "{id} exists where {address} would be, and belongs to {who}: rename or move one of the two. Only if \
                 {who} no longer uses it: remove its tags baseplate:* by hand, then plan again"
            ));
            return;
        }
        let different = compare(wanted.kind, desired, live);
        let fixed = wanted.kind.replace_on();
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
            self.change(wanted, desired, index, &different, Action::Adopt);
        } else {
            self.to_adopt.push(address.clone());
            self.conflicts.push(format!(
                "{id} exists where {address} would be, {}. Adopt it with --adopt {address}, or rename or move one \
                 of the two",
                lost(&owner)
            ));
        }
    }

    /// Nobody can tell which of these is meant.
    pub(super) fn ambiguous(&mut self, wanted: &Wanted, candidates: &[usize]) {
        self.used.extend(candidates);
        let ids: Vec<&str> = candidates.iter().map(|&index| self.found[index].live.id.as_str()).collect();
        self.conflicts.push(format!(
            "{} could each be {}, since none of them has all ownership tags: give the right one the tags \
             baseplate:project = {}, baseplate:environment = {} and baseplate:address = {}, then plan again",
            ids.join(" and "),
            wanted.address,
            self.about.env.project,
            self.about.env.environment,
            wanted.address
        ));
    }

    /// An object that no tags place, and that nothing which is wanted explains.
    pub(super) fn unplaced(&mut self, index: usize) {
        let found = &self.found[index];
        let Some(owner) = owner(self.about, found) else {
            // It has a name of ours, and the tag index does not know it yet: its service knows whose it is.
            if found.live.confirm && found.live.unread.contains(&"tags") {
                self.doubtful.insert(index);
            }
            return;
        };
        if found.live.confirm && !matches!(owner, Owner::Another(_)) {
            self.doubtful.insert(index);
            return;
        }
        let stands_for = self.stands_for.get(&index);
        let (id, kind) = (&found.live.id, found.kind.name());
        match (owner, stands_for) {
            (Owner::Incomplete(missing), Some(address)) => self.conflicts.push(format!(
                "{id} exists where {address} would be, but lacks {}, and would be left behind. Restore its tags \
                 first (apply --adopt {address}), or remove the others to keep it",
                missing.join(", ")
            )),
            (Owner::Nobody, Some(address)) => self.notes.push(format!(
                "{id} exists where {address} would be, has none of this environment's tags, and is kept. To delete \
                 it: apply --adopt {address}, then destroy again"
            )),
            // What the project's environments share goes only on an explicit word.
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

/// What its tags do not say, in words.
fn lost(owner: &Owner) -> String {
    match owner {
        Owner::Incomplete(missing) => format!("but lacks the tags {}", missing.join(" and ")),
        Owner::Ours(other) => format!("but is tagged as {other}"),
        _ => "but has none of this environment's tags: they were removed, or it was created elsewhere".to_owned(),
    }
}

/// What AWS cannot tag belongs to its parent: where that is recognised, so is this.
pub(super) fn is_untagged(Found { live, .. }: &Found) -> bool {
    live.attrs.as_ref().is_some_and(|attrs| !is_tagged(attrs))
}
