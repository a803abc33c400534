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
                "{id} is in the place of {address}, and belongs to {who}: give one of the two another name or place. \
                 Only if it is {who}'s no more: take its tags baseplate:* off by hand, and plan again"
            ));
            return;
        }
        let different = compare(wanted.kind, desired, live);
        let fixed = wanted.kind.replace_on();
        let fixed: Vec<&str> =
            different.iter().map(Difference::field).filter(|field| fixed.contains(field)).collect();
        if !fixed.is_empty() {
            self.conflicts.push(format!(
                "{id} is in the place of {address}, {}. It cannot become it, since AWS does not change {} in place: \
                 delete it by hand if nobody needs it, or give one of the two another name or place",
                lost(&owner),
                fixed.join(", ")
            ));
        } else if self.options.adopt.contains(address) {
            self.change(wanted, desired, index, &different, Action::Adopt);
        } else {
            self.to_adopt.push(address.clone());
            self.conflicts.push(format!(
                "{id} is in the place of {address}, {}. Take it over with --adopt {address}, or give one of the two \
                 another name or place",
                lost(&owner)
            ));
        }
    }

    /// Nobody can tell which of these is meant.
    pub(super) fn ambiguous(&mut self, wanted: &Wanted, candidates: &[usize]) {
        self.used.extend(candidates);
        let ids: Vec<&str> = candidates.iter().map(|&index| self.found[index].live.id.as_str()).collect();
        self.conflicts.push(format!(
            "{} could each be {}, for neither has all of its tags: give the right one the tags baseplate:project = {}, \
             baseplate:environment = {} and baseplate:address = {}, and plan again",
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
                "{id} is in the place of {address}, but lacks {}, and would be left behind. Give it its tags back first (apply --adopt \
                 {address}), or take the others off if it is to stay",
                missing.join(", ")
            )),
            (Owner::Nobody, Some(address)) => self.notes.push(format!(
                "{id} is in the place of {address}, has none of this environment's tags, and stays. If it is to go: \
                 apply --adopt {address}, then destroy again"
            )),
            // What the project's environments share goes only on an explicit word.
            (owner, None) if owner.is_this_environment() && (!found.kind.shared() || self.options.shared) => {
                self.conflicts.push(format!(
                    "{id} carries the tags of this environment but no readable baseplate:address, so nobody can tell \
                     whether it should stay: set the tag again, to the address it had or to any other as \
                     {kind}.NAME if it is to go, or take the others off"
                ));
            }
            _ => {}
        }
    }
}

/// What its tags do not say, in words.
fn lost(owner: &Owner) -> String {
    match owner {
        Owner::Incomplete(missing) => format!("but lacks {}: somebody took that off", missing.join(" and ")),
        Owner::Ours(other) => format!("but is tagged as {other}"),
        _ => "but has none of this environment's tags: somebody took them off, or somebody else made it".to_owned(),
    }
}

/// What AWS cannot tag belongs to its parent: where that is recognised, so is this.
pub(super) fn is_untagged(Found { live, .. }: &Found) -> bool {
    live.attrs.as_ref().is_some_and(|attrs| !is_tagged(attrs))
}
