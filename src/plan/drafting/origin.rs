use std::collections::BTreeSet;

use serde_json::Value;

use super::Drafting;
use crate::applied::{Asked, written};
use crate::graph::Wanted;
use crate::kinds::Live;
use crate::plan::Origin;
use crate::plan::diff::Difference;
use crate::value::walk::{Link, links};

impl Drafting<'_> {
    /// Where a difference comes from. What moves with another change of this plan comes from where that one does; what
    /// the spec asks for in the same words, and which comes to the same, was changed by hand.
    pub(super) fn origin(
        &self,
        wanted: &Wanted,
        desired: &Value,
        live: &Live<Value>,
        difference: &Difference,
    ) -> Origin {
        let field = difference.field();
        let before = links(&difference.before);
        let whole = self.causes(&desired.get(field).map(links).unwrap_or_default());
        let mut causes = self.causes(&links(&difference.after));
        causes.extend(self.causes(&before));
        // A text does not say what it came from.
        if causes.is_empty() && before.is_empty() {
            causes.clone_from(&whole);
        }
        if !causes.is_empty() {
            return if causes.contains(&Origin::Requested) { Origin::Requested } else { Origin::Drift };
        }
        let written = written(wanted.kind, &live.outputs);
        let asked = Asked { words: &wanted.attrs, resolved: desired, written: &written };
        let same = self.applied.same_words(&wanted.address, asked.words, field)
            && (!whole.is_empty() || self.applied.same_source(&wanted.address, asked, field));
        match (same, difference.after.is_null()) {
            (false, _) => Origin::Requested,
            (true, true) => Origin::Unmanaged,
            (true, false) => Origin::Drift,
        }
    }

    /// Where those changes come from with which what is referred to moves.
    fn causes(&self, links: &BTreeSet<Link>) -> BTreeSet<Origin> {
        let mut causes = BTreeSet::new();
        for link in links {
            match link {
                // Only what is not known yet is still a reference to an address.
                Link::To { address, .. } => {
                    causes.insert(self.origins.get(address).copied().unwrap_or_default());
                }
                Link::Id { kind, output, id } => {
                    let all = self.names.addresses(kind, output, id).iter();
                    let moved = all.filter(|address| self.world.output(address, output).is_none());
                    causes.extend(moved.filter_map(|address| self.origins.get(*address).copied()));
                }
            }
        }
        causes
    }
}

/// Where a change comes from as a whole: from the spec as soon as part of it does.
pub(super) fn of_all(fields: impl Iterator<Item = Origin>) -> Origin {
    fields.min().unwrap_or_default()
}
