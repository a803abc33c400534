use std::collections::BTreeSet;

use serde_json::Value;

use super::Planner;
use crate::applied::{Requested, written};
use crate::graph::DesiredObject;
use crate::kinds::Live;
use crate::plan::diff::Difference;
use crate::plan::{Field, Origin, top_level};
use crate::value::walk::{Link, links};

impl Planner<'_> {
    /// The origin of a difference. One that follows from another change of this plan has the origin of that change; one
    /// for which the spec asks the same as before is drift.
    pub(super) fn origin(
        &self,
        object: &DesiredObject,
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
        let written = written(object.kind, &live.outputs);
        let asked = Requested { spec: &object.attrs, resolved: desired, written: &written };
        // What no spec can ask for.
        let same = match object.attrs.get(field) {
            None => self.applied.knows(&object.address),
            Some(_) => {
                self.applied.same_spec(&object.address, asked.spec, field)
                    && (!whole.is_empty() || self.applied.same_source(&object.address, asked, field))
            }
        };
        match (same, difference.after.is_null()) {
            (false, _) => Origin::Requested,
            (true, true) => Origin::Unmanaged,
            (true, false) => Origin::Drift,
        }
    }

    /// What is dangerous in what somebody changed by hand.
    pub(super) fn dangers(
        &self,
        object: &DesiredObject,
        live: Option<&Live<Value>>,
        fields: &[Field],
    ) -> Vec<String> {
        if live.is_none() && fields.iter().any(|field| field.origin == Origin::Drift) {
            let lost = "what it held is lost: an apply makes it empty; restore a backup or snapshot first";
            let holds_data = object.kind.holds_data(&object.attrs);
            return holds_data.then(|| lost.to_owned()).into_iter().collect();
        }
        let Some(live) = live.and_then(|live| live.attrs.as_ref()) else { return Vec::new() };
        let is_by_hand = |attribute: &str| {
            let mut own = fields.iter().filter(|field| top_level(&field.path) == attribute);
            // What follows from another change was nobody's doing.
            own.any(|field| field.origin != Origin::Requested && !field.known_after_apply)
        };
        let found = object.kind.dangers(&object.attrs, live).into_iter();
        found.filter(|(attribute, _)| is_by_hand(attribute)).map(|(_, danger)| danger).collect()
    }

    /// The origins of the changes that these references follow.
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
                    let moved = all.filter(|address| self.known_outputs.output(address, output).is_none());
                    causes.extend(moved.filter_map(|address| self.origins.get(*address).copied()));
                }
            }
        }
        causes
    }
}

/// The origin of a change as a whole: the spec, as soon as one field comes from there.
pub(super) fn of_all(fields: impl Iterator<Item = Origin>) -> Origin {
    fields.min().unwrap_or_default()
}
