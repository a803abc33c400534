use std::collections::BTreeSet;

use serde_json::Value;

use super::impact::expected_duration;
use super::{Planner, holds_data};
use crate::cloud::Observed;
use crate::kinds::Impact;
use crate::plan::address_index::is_ownership;
use crate::plan::diff::listing;
use crate::plan::execution::{Step, WriteMode};
use crate::plan::{Action, Change, Field, Origin, guards};
use crate::value::Address;

impl Planner<'_> {
    /// A live object that is not in the spec.
    pub(super) fn orphaned(&mut self, index: usize) {
        let Observed { kind, live } = &self.found[index];
        // Without our tags, and matching nothing desired: ignored, unless it has some of them.
        let Some(address) = &live.address else { return self.unidentified(index) };
        if self.is_forgotten(address, index) {
            return self.forget(address, index, None);
        }
        let object = self.spec.get(address).copied();
        // External objects are kept when the environment is destroyed.
        if object.is_some_and(|object| object.external) {
            return;
        }
        // Another environment may use it: it is deleted only with `--shared`.
        if kind.shared() && !self.options.shared {
            self.kept.push(address.clone());
            return;
        }
        if live.unconfirmed {
            self.unconfirmed.insert(index);
            return;
        }
        self.refuse_if_protected(*kind, address, live, false);
        let attrs = live.attrs.as_ref().unwrap_or(&Value::Null);
        // What the spec leaves to AWS may change until it is deleted.
        let left_to_aws =
            |path: &str| object.is_some_and(|object| object.attrs.get(path).is_some_and(Value::is_null));
        let shown = listing(attrs).filter(|(path, _)| !is_ownership(path) && !left_to_aws(path));
        let fields: Vec<Field> =
            shown.map(|(path, before)| self.names.field(path, before, &Value::Null, &[])).collect();
        let reason = match (self.options.destroy, object) {
            (true, _) => "the environment is destroyed",
            (_, Some(_)) => "an old copy: its replacement exists",
            _ => "not in the spec",
        };
        let depends_on: BTreeSet<Address> = self.referred(address, attrs);
        let impact = match holds_data(*kind, live) {
            true => Impact::DataLoss,
            false => self.deletion_impact(*kind, address, live),
        };
        let mut change = Change {
            address: address.clone(),
            moved_from: self.moved.get(&index).map(|from| from.address.clone()),
            stage: object.map_or(kind.stage(), |object| object.stage),
            action: Action::Delete,
            reason: reason.to_owned(),
            impact,
            seconds: expected_duration(*kind, Action::Delete, impact),
            origin: match self.options.destroy || self.applied.is_empty() || self.applied.knows(address) {
                true => Origin::Requested,
                false => Origin::Unmanaged,
            },
            dangers: Vec::new(),
            guarded: false,
            id: Some(live.id.clone()),
            source: None,
            fields,
            depends_on: depends_on.iter().cloned().collect(),
        };
        let protect = object.map_or(self.context.env.protect, |object| object.protect);
        change.guarded = guards::is_guarded(&change, protect, &self.options.allow);
        let step = Step {
            kind: *kind,
            desired: None,
            live: Some(live.clone()),
            needs: BTreeSet::new(),
            follows: BTreeSet::new(),
            wave: None,
            place: object.map_or(usize::MAX, |object| object.place),
            uses: depends_on,
            create_first: false,
            write_mode: WriteMode::Single,
        };
        self.changes.push((change, step));
    }
}
