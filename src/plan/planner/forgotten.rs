use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::Planner;
use super::unmanaged::is_untagged;
use crate::cloud::Observed;
use crate::graph::DesiredObject;
use crate::kinds::{Impact, Live};
use crate::plan::address_index::is_ownership;
use crate::plan::conflict::Conflict;
use crate::plan::diff::listing;
use crate::plan::execution::{Step, WriteMode};
use crate::plan::{Action, Change, Field, Origin};
use crate::spec::{MOVED_FROM, OWNERSHIP};
use crate::value::Address;

impl Planner<'_> {
    /// Whether a live object that the spec does not have is to be forgotten: it is named, or has no tags and is part of
    /// one that is.
    pub(super) fn is_forgotten(&mut self, address: &Address, index: usize) -> bool {
        if self.options.forget.is_empty() {
            return false;
        }
        let found = &self.found[index];
        let is_named = self.options.forget.contains(address);
        if !is_untagged(found) {
            return is_named;
        }
        let parents = self.parents(found);
        let follows = parents.iter().any(|parent| self.options.forget.contains(parent));
        if is_named && !follows && !parents.is_empty() {
            let parents = parents.into_iter().collect();
            self.conflicts.push(Conflict::FollowsParent { address: address.clone(), parents });
        }
        follows || is_named
    }

    /// What an object is part of: it cannot change that.
    fn parents(&self, Observed { kind, live }: &Observed) -> BTreeSet<Address> {
        let attrs = live.attrs.as_ref();
        let fixed = kind.replace_on().iter().filter_map(|field| attrs?.get(field));
        fixed.flat_map(|value| self.names.referred(value, None)).collect()
    }

    /// Takes the ownership tags off an object, and changes nothing else of it.
    pub(super) fn forget(&mut self, address: &Address, index: usize, external: Option<&DesiredObject>) {
        let Observed { kind, live } = &self.found[index];
        if live.unconfirmed {
            self.unconfirmed.insert(index);
            return;
        }
        let mut live: Live<Value> = live.clone();
        // What somebody else sets is not asked for our tags: those that it was made with are taken off.
        if let Some(made) = external.and_then(|object| object.attrs.get("tags")?.as_object())
            && let Some(tags) = live.attrs.as_mut().and_then(|attrs| attrs.get_mut("tags")?.as_object_mut())
        {
            let own = made.iter().filter(|(key, _)| OWNERSHIP.contains(&key.as_str()));
            tags.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        }
        let attrs = live.attrs.clone().unwrap_or_default();
        let fields: Vec<Field> = listing(&attrs)
            .filter(|(path, _)| path.starts_with("tags.") && is_ownership(path))
            .map(|(path, before)| self.names.field(path, before, &Value::Null, &[]))
            .collect();
        let change = Change {
            address: address.clone(),
            moved_from: None,
            stage: external.map_or(kind.stage(), |object| object.stage),
            action: Action::Forget,
            reason: match is_untagged(&self.found[index]) {
                true => "it goes on existing, with what it is part of",
                false => "its ownership tags are taken off, and it goes on existing",
            }
            .to_owned(),
            impact: Impact::None,
            seconds: 2,
            origin: Origin::Requested,
            dangers: Vec::new(),
            guarded: false,
            id: Some(live.id.clone()),
            source: None,
            fields,
            depends_on: Vec::new(),
        };
        let step = Step {
            kind: *kind,
            desired: Some(Rc::new(without_ownership(attrs))),
            live: Some(live),
            needs: BTreeSet::new(),
            follows: BTreeSet::new(),
            wave: None,
            place: usize::MAX,
            uses: BTreeSet::new(),
            create_first: false,
            write_mode: WriteMode::Single,
        };
        self.changes.push((change, step));
    }
}

fn without_ownership(mut attrs: Value) -> Value {
    if let Some(tags) = attrs.get_mut("tags").and_then(Value::as_object_mut) {
        tags.retain(|key, _| !OWNERSHIP.contains(&key.as_str()) && key != MOVED_FROM);
    }
    attrs
}
