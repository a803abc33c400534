//! Names that AWS would have to take twice.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::Planner;
use crate::graph::DesiredObject;
use crate::kinds::AnyKind;
use crate::plan::Action;
use crate::plan::conflict::Conflict;
use crate::value::Address;

impl Planner<'_> {
    /// Refuses what AWS would: a new object that has the name of one that goes only after it.
    pub(super) fn refuse_names_of_orphans(&mut self) {
        let name = |kind: &dyn AnyKind, attrs: &Value| attrs.get(kind.unique()?)?.as_str().map(str::to_owned);
        let deleted = self.changes.iter().filter(|(change, _)| change.action == Action::Delete);
        let going: HashMap<(&str, String), &Address> = deleted
            .filter_map(|(change, step)| {
                let name = name(step.kind, step.live.as_ref()?.attrs.as_ref()?)?;
                Some(((step.kind.name(), name), &change.address))
            })
            .collect();
        let created = self.changes.iter().filter(|(change, _)| change.action == Action::Create);
        let taken = created.filter_map(|(change, step)| {
            let name = name(step.kind, step.desired.as_ref()?)?;
            let holder = (*going.get(&(step.kind.name(), name.clone()))?).clone();
            (holder != change.address).then(|| Conflict::NameTaken {
                address: change.address.clone(),
                holder,
                name,
            })
        });
        let mut taken: Vec<Conflict> = taken.collect();
        taken.extend(self.kept_names());
        self.conflicts.extend(taken);
    }

    /// New objects that have the name that another of the spec keeps from an earlier key.
    fn kept_names(&self) -> Vec<Conflict> {
        if !self.context.env.keeps_names() {
            return Vec::new();
        }
        let name = |object: &DesiredObject| object.attrs.get(object.kind.unique()?)?.as_str().map(str::to_owned);
        let created: BTreeSet<&Address> = self
            .changes
            .iter()
            .filter(|(change, _)| change.action == Action::Create)
            .map(|(change, _)| &change.address)
            .collect();
        let objects = &self.context.graph.objects;
        let kept: HashMap<(&str, String), &Address> = objects
            .iter()
            .filter(|object| !created.contains(&object.address))
            .filter_map(|object| Some(((object.kind.name(), name(object)?), &object.address)))
            .collect();
        let new = objects.iter().filter(|object| created.contains(&object.address));
        let conflict = |object: &DesiredObject| {
            let name = name(object)?;
            let holder = (*kept.get(&(object.kind.name(), name.clone()))?).clone();
            Some(Conflict::NameKept { address: object.address.clone(), holder, name })
        };
        new.filter_map(conflict).collect()
    }
}
