//! Unmanaged objects that conflict with the spec: they match a desired object or have some of our tags, but not all
//! ownership tags. Nothing is changed before a person has decided whose they are. And what conflicts with nothing: settings
//! of our objects that no spec asks for, and objects that somebody made inside what is ours.

use serde_json::Value;

use super::{Planner, is_tagged};
use crate::cloud::Observed;
use crate::graph::DesiredObject;
use crate::kinds::AnyKind;
use crate::plan::Action;
use crate::plan::conflict::Conflict;
use crate::plan::diff::Difference;
use crate::plan::execution::compare;
use crate::plan::recognise::owner;
use crate::plan::{Unmanaged, UnmanagedSort};
use crate::spec::Owner;
use crate::value::Address;
use crate::value::walk::{Link, links};

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
        let (id, address) = (live.id.clone(), object.address.clone());
        let owner = owner(self.context, found).unwrap_or(Owner::Untagged);
        if let Owner::Another(owner) = owner {
            self.conflicts.push(Conflict::OfAnother { id, address, owner });
            return;
        }
        let different = compare(object.kind, desired, live);
        let fixed = object.kind.replace_on();
        let fixed = different.iter().map(Difference::field).filter(|field| fixed.contains(field));
        let fixed: Vec<String> = fixed.map(str::to_owned).collect();
        if !fixed.is_empty() {
            self.conflicts.push(Conflict::NotAdoptable { id, address, owner, fixed });
        } else if self.options.adopt.contains(&address) {
            self.change(object, desired, index, &different, Action::Adopt);
        } else {
            self.to_adopt.push(address.clone());
            self.conflicts.push(Conflict::ToAdopt { id, address, owner });
        }
    }

    /// More than one object matches.
    pub(super) fn ambiguous(&mut self, object: &DesiredObject, candidates: &[usize]) {
        self.used.extend(candidates);
        let ids = candidates.iter().map(|&index| self.found[index].live.id.clone()).collect();
        let (address, env) = (object.address.clone(), self.context.env);
        let (project, environment) = (env.project.clone(), env.environment.clone());
        self.conflicts.push(Conflict::Ambiguous { ids, address, project, environment });
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
            (Owner::PartlyTagged(missing), Some(address)) => {
                let (id, address) = (id.clone(), address.clone());
                self.conflicts.push(Conflict::LeftBehind { id, address, missing });
            }
            (Owner::Untagged, Some(address)) => self.notes.push(format!(
                "{address}: {id} already exists in its place, has none of this environment's tags, and is kept. To delete \
                 it: apply --adopt {address}, then destroy again"
            )),
            // What the project's environments share is deleted only with `--shared`.
            (Owner::Untagged, None) => self.stray(index),
            (owner, None) if owner.is_this_environment() && (!found.kind.shared() || self.options.shared) => {
                self.conflicts.push(Conflict::NoAddress { id: id.clone(), kind });
            }
            _ => {}
        }
    }
}

impl Planner<'_> {
    /// Tells the settings of an object that no spec asks for.
    pub(super) fn settings(&mut self, address: &Address, index: usize) {
        let Observed { kind, live } = &self.found[index];
        for (name, value) in &live.settings {
            let accepted = self.accepts(&address.to_string(), Some(name));
            self.unmanaged.push(Unmanaged {
                address: Some(address.clone()),
                sort: UnmanagedSort::Setting,
                name: name.clone(),
                value: value.clone(),
                danger: kind.setting_danger(name, value),
                accepted,
            });
        }
    }

    /// Of several live objects at one address those that may be the desired one. Where a replacement deletes first, Baseplate
    /// leaves no old copy: somebody has made the others with the tags of this one, as a restored database or a read replica
    /// has them, and they are told and left alone. `None` where nobody can tell which it is.
    pub(super) fn without_copies(
        &mut self,
        object: &DesiredObject,
        desired: &Value,
        found: Vec<usize>,
    ) -> Option<Vec<usize>> {
        let Some(name) = object.kind.identity().filter(|_| !object.kind.create_first() && found.len() > 1) else {
            return Some(found);
        };
        let has_name = |index: &usize| {
            let attrs = self.found[*index].live.attrs.as_ref();
            attrs.is_some_and(|attrs| attrs.get(name).is_some() && attrs.get(name) == desired.get(name))
        };
        let (named, copies): (Vec<usize>, Vec<usize>) = found.into_iter().partition(has_name);
        self.used.extend(&copies);
        let id = |index: usize| self.found[index].live.id.clone();
        if named.is_empty() {
            let (address, ids) = (object.address.clone(), copies.into_iter().map(id).collect());
            self.conflicts.push(Conflict::Copies { address, ids });
            return None;
        }
        for index in copies {
            let (address, id) = (&object.address, id(index));
            let accepted = self.accepts(&format!("{}.{id}", object.kind.name()), None);
            self.unmanaged.push(Unmanaged {
                address: Some(address.clone()),
                sort: UnmanagedSort::Object,
                name: object.kind.name().to_owned(),
                value: format!("{id} (a copy with the tags of {address})"),
                danger: None,
                accepted,
            });
        }
        Some(named)
    }

    /// Tells an object that somebody made inside what is ours, or under a name like ours.
    fn stray(&mut self, index: usize) {
        let Observed { kind, live } = &self.found[index];
        let inside = self.container(index);
        if inside.is_none() && (kind.identity().is_none() || !kind.inside().is_empty()) {
            return;
        }
        let accepted = self.accepts(&format!("{}.{}", kind.name(), live.id), None);
        self.unmanaged.push(Unmanaged {
            address: inside,
            sort: UnmanagedSort::Object,
            name: kind.name().to_owned(),
            value: identified(*kind, &live.id, live.attrs.as_ref()),
            danger: None,
            accepted,
        });
    }

    /// The object of ours that another is inside of.
    fn container(&self, index: usize) -> Option<Address> {
        let Observed { kind, live } = &self.found[index];
        let attrs = live.attrs.as_ref()?;
        let outer = kind.inside().iter().filter_map(|field| attrs.get(*field)).flat_map(links);
        outer.into_iter().find_map(|link| {
            let Link::Id { kind, output, id } = link else { return None };
            let all = self.names.addresses(&kind, &output, &id).iter();
            let ours = all.filter(|address| self.spec.get(*address).is_none_or(|object| !object.external));
            ours.min().map(|address| (*address).clone())
        })
    }
}

/// Its id, with what a person calls it where the id does not say it.
fn identified(kind: &dyn AnyKind, id: &str, attrs: Option<&Value>) -> String {
    let field = |name: &str| attrs.and_then(|attrs| attrs.get(name)).filter(|value| !value.is_object());
    let name = [kind.unique(), Some("cidr"), Some("port"), Some("name")].into_iter().flatten().find_map(field);
    match name {
        Some(Value::String(name)) if !id.contains(name.as_str()) => format!("{id} ({name})"),
        Some(Value::Number(number)) => format!("{id} ({number})"),
        _ => id.to_owned(),
    }
}

/// Dangerous things first, and what the spec accepts last.
pub(super) fn in_order(mut unmanaged: Vec<Unmanaged>) -> Vec<Unmanaged> {
    unmanaged.sort_by_cached_key(|one| (one.accepted.is_some(), one.danger.is_none(), one.line()));
    unmanaged.dedup();
    unmanaged
}

/// What AWS cannot tag belongs to its parent, and is recognised with it.
pub(super) fn is_untagged(Observed { live, .. }: &Observed) -> bool {
    live.attrs.as_ref().is_some_and(|attrs| !is_tagged(attrs))
}
