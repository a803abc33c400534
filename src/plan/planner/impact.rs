//! What changes mean to those who use what changes.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::Planner;
use crate::cloud::Observed;
use crate::graph::DesiredObject;
use crate::kinds::{AnyKind, FindUsers, Impact, Live, User, Users};
use crate::plan::conflict::Conflict;
use crate::plan::execution::Step;
use crate::plan::{Action, Change};
use crate::value::walk::links;
use crate::value::{Address, tag};

/// By address, the indices of the live objects that use what is there.
pub(super) type UserIndex = HashMap<Address, BTreeSet<usize>>;

/// The fields of which one alone brings something about that all of them do; all, where none does alone.
fn culprits(
    before: &Value,
    desired: &Value,
    changed: &[String],
    brings_about: impl Fn(&Value, &[String]) -> bool,
) -> Vec<String> {
    let alone = |field: &&String| {
        let mut one = before.clone();
        if let (Some(fields), Some(value)) = (one.as_object_mut(), desired.get(field.as_str())) {
            fields.insert((*field).clone(), value.clone());
        }
        brings_about(&one, std::slice::from_ref(*field))
    };
    let found: Vec<String> = changed.iter().filter(alone).cloned().collect();
    if found.is_empty() { changed.to_vec() } else { found }
}

impl FindUsers for Planner<'_> {
    fn find(&self, kind: &str, id: &str) -> Option<Users<'_>> {
        self.names.addresses(kind, "id", id).first().map(|address| self.users(address))
    }

    fn attributes(&self, kind: &str, output: &str, value: &str) -> Option<&Value> {
        let address = *self.names.addresses(kind, output, value).first()?;
        let live = || self.found[*self.by_address.get(address)?.first()?].live.attrs.as_ref();
        self.spec.get(address).map(|object| &*object.attrs).or_else(live)
    }

    fn wants(&self, kind: &str) -> bool {
        !self.options.destroy && self.spec.keys().any(|address| address.kind() == kind)
    }
}

impl Planner<'_> {
    /// The live objects that refer to what is live at this address, and those whose entry in the spec needs it.
    pub(super) fn users(&self, of: &Address) -> Users<'_> {
        let index = self.users.get_or_init(|| self.index_users());
        let user = |&user: &usize| {
            let live = &self.found[user].live;
            let address = live.address.as_ref()?;
            let needs = self.spec.get(address).filter(|_| !self.options.destroy).map(|object| &object.needs);
            let stays = needs.is_some_and(|needs| needs.contains(of));
            let is_other = |need: &Address| need.kind() == of.kind();
            Some(User {
                address,
                attrs: live.attrs.as_ref().unwrap_or(&Value::Null),
                stays,
                moves_on: !stays && needs.is_some_and(|needs| needs.iter().any(is_other)),
            })
        };
        Users::new(index.get(of).into_iter().flatten().filter_map(user).collect(), Some(self))
    }

    fn index_users(&self) -> UserIndex {
        let mut users = UserIndex::new();
        for (index, Observed { live, .. }) in self.found.iter().enumerate() {
            let Some(address) = &live.address else { continue };
            let mut used = live.attrs.as_ref().map(|attrs| self.referred(address, attrs)).unwrap_or_default();
            used.extend(self.spec.get(address).into_iter().flat_map(|object| object.needs.iter().cloned()));
            used.remove(address);
            for used in used {
                users.entry(used).or_default().insert(index);
            }
        }
        users
    }

    /// The impact of an update of these fields, whose differences may also overwrite what was generated once, and those by
    /// which data is lost. A refusal of AWS that is known beforehand is a conflict.
    pub(super) fn update_impact(
        &mut self,
        object: &DesiredObject,
        desired: &Value,
        live: &Live<Value>,
        changed: &[String],
    ) -> (Impact, Vec<String>) {
        let Some(before) = &live.attrs else { return (Impact::None, Vec::new()) };
        let users = self.users(&object.address);
        let impact = |desired: &Value, changed: &[String]| object.kind.impact(before, desired, changed, &users);
        let whole = impact(desired, changed);
        let mut losing = match whole {
            Impact::DataLoss => {
                culprits(before, desired, changed, |desired, changed| impact(desired, changed) == Impact::DataLoss)
            }
            _ => Vec::new(),
        };
        // What AWS has yet to do may still be taken back.
        let refusal = object.kind.refusal(before, desired, &users).filter(|_| live.scheduled.is_empty());
        let refused = refusal.map(|why| {
            let is_refused = |desired: &Value, _: &[String]| object.kind.refusal(before, desired, &users).is_some();
            let fields = culprits(before, desired, changed, is_refused);
            Conflict::Refused { address: object.address.clone(), fields, why }
        });
        self.conflicts.extend(refused);
        if !self.overwrites_generated(object, before, changed) {
            return (whole, losing);
        }
        self.notes.push(format!(
            "{}: what was generated is kept nowhere else, and another value takes its place",
            object.address
        ));
        let overwrites = |_: &Value, changed: &[String]| self.overwrites_generated(object, before, changed);
        losing.extend(culprits(before, desired, changed, overwrites));
        (Impact::DataLoss, losing)
    }

    /// Whether a secret that was generated, or may have been, gets a value from elsewhere.
    fn overwrites_generated(&self, object: &DesiredObject, before: &Value, changed: &[String]) -> bool {
        let fields = before.as_object().into_iter().flatten();
        fields.filter(|(_, value)| value.get(tag::SECRET).is_some()).any(|(name, _)| {
            let wanted = object.attrs.get(name).unwrap_or(&Value::Null);
            let source = wanted.get(tag::SECRET);
            let is_generated = source.is_some_and(|source| source.get("generate").is_some());
            // What is put together from other objects can be put together again.
            let is_composed = !links(wanted).is_empty();
            // Where no secret is wanted any more, a plain value takes its place in another field.
            let is_written = match wanted.is_null() {
                true => changed.iter().any(|field| before.get(field).is_some_and(Value::is_null)),
                false => changed.contains(name),
            };
            let was_generated = || self.applied.was_generated(&object.address, &object.attrs, name);
            is_written && !is_generated && was_generated().unwrap_or(!is_composed)
        })
    }

    pub(super) fn deletion_impact(&self, kind: &dyn AnyKind, address: &Address, live: &Live<Value>) -> Impact {
        let attrs = live.attrs.as_ref().unwrap_or(&Value::Null);
        kind.deletion_impact(attrs, &self.users(address))
    }

    /// Which of the two is first, a replacement's creation or its deletion; `first` is by change, as in [`create_first`].
    ///
    /// [`create_first`]: crate::plan::create_first
    pub(super) fn tell_replacement_orders(changes: &mut [Change], first: &[bool]) {
        for (change, first) in changes.iter_mut().zip(first).filter(|(change, _)| change.action == Action::Replace)
        {
            change.reason += if *first {
                ": the new one is created before the old one is deleted"
            } else {
                ": the old one is deleted before the new one is created"
            };
        }
    }

    /// A replacement that deletes first is an outage for those who use the object, until they have the new one: told
    /// of itself and of the changes by which they get it.
    pub(super) fn tell_outages(&self, changes: &mut [Change], steps: &[Step], first: &[bool]) {
        let mut out = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let change = &mut changes[index];
            let Some(live) = step.live.as_ref().filter(|_| change.action == Action::Replace && !first[index])
            else {
                continue;
            };
            if self.deletion_impact(step.kind, &change.address, live) == Impact::Outage {
                out.push(change.address.clone());
                if change.impact != Impact::DataLoss {
                    change.impact = Impact::Outage;
                }
            }
        }
        let mut told = BTreeSet::new();
        while let Some(gone) = out.pop() {
            for (index, step) in steps.iter().enumerate() {
                let change = &mut changes[index];
                let uses = step.uses.contains(&gone) || step.needs.contains(&gone);
                let is_update = matches!(change.action, Action::Update | Action::Adopt);
                let Some(live) = step.live.as_ref().filter(|_| uses && is_update) else { continue };
                if !told.insert(index) {
                    continue;
                }
                // What nobody would miss by itself, such as the revision that a service runs, hands it on.
                match self.deletion_impact(step.kind, &change.address, live) {
                    Impact::Outage => change.impact = change.impact.max(Impact::Outage),
                    _ => out.push(change.address.clone()),
                }
            }
        }
    }
}

/// Seconds that a change typically takes on AWS. Updates that interrupt nothing are answered at once.
pub(super) fn expected_duration(kind: &dyn AnyKind, action: Action, impact: Impact) -> u64 {
    match (action, impact) {
        (Action::Replace, _) => kind.expected_seconds() + kind.expected_delete_seconds(),
        (Action::Delete, _) => kind.expected_delete_seconds(),
        (Action::Create, _) | (_, Impact::Rolling | Impact::Reboot | Impact::Failover | Impact::Outage) => {
            kind.expected_seconds()
        }
        _ => 2,
    }
}
