use std::collections::BTreeSet;

use serde_json::Value;

use super::{Drafting, holds_data, takes};
use crate::cloud::Found;
use crate::kinds::Impact;
use crate::plan::diff::listing;
use crate::plan::draft::{Halves, Step};
use crate::plan::names::is_ownership;
use crate::plan::{Action, Change, Field, Origin, guards};
use crate::value::Address;

impl Drafting<'_> {
    /// A live object that nothing wants.
    pub(super) fn unwanted(&mut self, index: usize) {
        let Found { kind, live } = &self.found[index];
        // Not ours by its tags, and where nobody wants anything: left alone, unless some of them are ours.
        let Some(address) = &live.address else { return self.unplaced(index) };
        let wanted = self.spec.get(address).copied();
        // Somebody else sets it, and it stays when the environment goes.
        if wanted.is_some_and(|wanted| wanted.external) {
            return;
        }
        // Another environment may use it: only an explicit word takes it away.
        if kind.shared() && !self.options.shared {
            self.kept.push(address.clone());
            return;
        }
        if live.confirm {
            self.doubtful.insert(index);
            return;
        }
        self.refuse_if_protected(*kind, address, live);
        let attrs = live.attrs.as_ref().unwrap_or(&Value::Null);
        // What the spec leaves to AWS may move until it goes.
        let left_to_aws =
            |path: &str| wanted.is_some_and(|wanted| wanted.attrs.get(path).is_some_and(Value::is_null));
        let shown = listing(attrs).filter(|(path, _)| !is_ownership(path) && !left_to_aws(path));
        let fields: Vec<Field> =
            shown.map(|(path, before)| self.names.field(path, before, &Value::Null, &[])).collect();
        let reason = match (self.options.destroy, wanted) {
            (true, _) => "the environment is destroyed",
            (_, Some(_)) => "left over: another object has this address",
            _ => "not in the spec",
        };
        let depends_on: BTreeSet<Address> = self.referred(address, attrs);
        let impact = if holds_data(*kind, live) { Impact::DataLoss } else { Impact::None };
        let mut change = Change {
            address: address.clone(),
            stage: wanted.map_or(kind.stage(), |wanted| wanted.stage),
            action: Action::Delete,
            reason: reason.to_owned(),
            impact,
            seconds: takes(*kind, Action::Delete, impact),
            origin: Origin::Requested,
            guarded: false,
            id: Some(live.id.clone()),
            fields,
            depends_on: depends_on.iter().cloned().collect(),
        };
        let protect = wanted.map_or(self.about.env.protect, |wanted| wanted.protect);
        change.guarded = guards::is_guarded(&change, protect, &self.options.allow);
        let step = Step {
            kind: *kind,
            desired: None,
            live: Some(live.clone()),
            needs: BTreeSet::new(),
            follows: BTreeSet::new(),
            wave: None,
            place: wanted.map_or(usize::MAX, |wanted| wanted.place),
            uses: depends_on,
            create_first: false,
            halves: Halves::One,
        };
        self.changes.push((change, step));
    }
}
