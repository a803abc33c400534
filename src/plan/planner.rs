mod accepted;
mod finish;
mod forgotten;
mod impact;
mod names;
mod origin;
mod orphaned;
#[cfg(test)]
mod tests;
mod unmanaged;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

use super::address_index::{AddressIndex, is_ownership, merge_renewed};
use super::conflict::Conflict;
use super::diff::{Difference, listing};
use super::execution::{Options, Step, WriteMode, compare};
use super::guards;
use super::known_outputs::{KnownOutputs, SecretMode, resolve_with};
use super::moved::{Moved, MovedFrom};
use super::recognise::recognise;
use super::{Action, Change, Field, LeftToAws, Origin, Unmanaged};
use crate::applied::Applied;
use crate::cloud::{Context, Observed};
use crate::graph::{DesiredObject, Graph};
use crate::kinds::{AnyKind, Impact, Live, Outputs};
use crate::value::Address;
use crate::value::walk::is_resolved;

pub use accepted::ENTRY;
use accepted::Met;
use impact::expected_duration;

/// Plans over one reading of the live state.
pub struct Planner<'a> {
    context: Context<'a>,
    options: &'a Options,
    found: &'a [Observed],
    /// By address, indices into `found`; more than one where a replacement was interrupted.
    by_address: HashMap<&'a Address, Vec<usize>>,
    /// By address, indices into `found` of objects that match it without having its tags.
    recognised: HashMap<Address, Vec<usize>>,
    /// By index into `found`, what still says another address.
    moved: BTreeMap<usize, MovedFrom>,
    /// The same the other way round: the address that each of these matches.
    counterpart_of: HashMap<usize, Address>,
    names: AddressIndex<'a>,
    /// All objects of the spec, also in a destroy: they give the order, and what is protected.
    spec: HashMap<&'a Address, &'a DesiredObject>,
    applied: &'a Applied,
    known_outputs: KnownOutputs,
    changes: Vec<(Change, Step)>,
    used: BTreeSet<usize>,
    /// Which of `found` are up to date.
    unchanged: Vec<usize>,
    conflicts: Vec<Conflict>,
    /// What could be adopted, and is not named by `--adopt`.
    to_adopt: Vec<Address>,
    notes: Vec<String>,
    unconfirmed: BTreeSet<usize>,
    scheduled: Vec<String>,
    kept: Vec<Address>,
    left_to_aws: Vec<LeftToAws>,
    /// By address, the fields whose live value the spec accepts.
    accepted: HashMap<Address, BTreeSet<String>>,
    /// What the entries of `[[accept]]` have met, by their places.
    accepted_entries: BTreeMap<usize, Met>,
    unmanaged: Vec<Unmanaged>,
    /// The origin of each change, by address.
    origins: HashMap<Address, Origin>,
    users: OnceCell<impact::UserIndex>,
}

impl<'a> Planner<'a> {
    pub fn new(
        context: Context<'a>,
        spec: &'a Graph,
        options: &'a Options,
        found: &'a [Observed],
        applied: &'a Applied,
    ) -> Self {
        let mut by_address: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (index, Observed { live, .. }) in found.iter().enumerate() {
            let Some(address) = &live.address else { continue };
            by_address.entry(address).or_default().push(index);
        }
        // AWS lists in any order: of two that are alike, the same one stays every time.
        by_address.values_mut().for_each(|indices| indices.sort_by_key(|&index| &found[index].live.id));
        let recognised = recognise(context, spec, found);
        let counterpart_of =
            recognised.iter().flat_map(|(address, all)| all.iter().map(|&index| (index, address.clone())));
        Self {
            context,
            options,
            found,
            by_address,
            counterpart_of: counterpart_of.collect(),
            recognised,
            moved: BTreeMap::new(),
            names: AddressIndex::of(found),
            spec: spec.objects.iter().map(|object| (&object.address, object)).collect(),
            applied,
            known_outputs: KnownOutputs::default(),
            changes: Vec::new(),
            used: BTreeSet::new(),
            unchanged: Vec::new(),
            conflicts: Vec::new(),
            to_adopt: Vec::new(),
            notes: Vec::new(),
            unconfirmed: BTreeSet::new(),
            scheduled: Vec::new(),
            kept: Vec::new(),
            left_to_aws: Vec::new(),
            accepted: HashMap::new(),
            accepted_entries: BTreeMap::new(),
            unmanaged: Vec::new(),
            origins: HashMap::new(),
            users: OnceCell::new(),
        }
    }

    /// The same with what has moved, and what stands in the way of that.
    pub fn with_moved(self, moved: &Moved, conflicts: Vec<Conflict>) -> Self {
        Self { moved: moved.clone(), conflicts, ..self }
    }

    /// Plans once; returns which of `found` must be read in full before the plan is final.
    pub fn run(&mut self) -> BTreeSet<usize> {
        let graph = self.context.graph;
        for object in &graph.objects {
            self.plan_object(object);
        }
        for index in 0..self.found.len() {
            if !self.used.contains(&index) {
                self.orphaned(index);
            }
        }
        std::mem::take(&mut self.unconfirmed)
    }

    fn plan_object(&mut self, object: &DesiredObject) {
        let desired = self.resolved(object);
        let recognised = self.recognised.get(&object.address).cloned().unwrap_or_default();
        let candidates = match self.by_address.get(&object.address) {
            Some(found) => match self.without_copies(object, &desired, found.clone()) {
                Some(found) => found,
                None => return,
            },
            None => {
                recognised.iter().copied().filter(|&index| unmanaged::is_untagged(&self.found[index])).collect()
            }
        };
        // More than one where a replacement was interrupted: keep the one that need not be replaced again, and of
        // several the one with the fewest differences.
        let candidates =
            candidates.into_iter().map(|index| (index, compare(object.kind, &desired, &self.found[index].live)));
        let distance = |different: &[Difference]| {
            let replaced = different.iter().any(|one| object.kind.replace_on().contains(&one.field()));
            (replaced, different.len())
        };
        let Some((index, different)) = candidates.min_by_key(|(_, different)| distance(different)) else {
            return match recognised[..] {
                [index] => self.adopt(object, &desired, index),
                [_, _, ..] => self.ambiguous(object, &recognised),
                [] if object.external => self.conflicts.push(Conflict::ExternalMissing(object.address.clone())),
                [] => self.create(object, &desired),
            };
        };
        self.used.insert(index);
        if object.external && self.options.forget.contains(&object.address) {
            return self.forget(&object.address, index, Some(object));
        }
        let mut different = if object.external { Vec::new() } else { different };
        let mut desired = desired;
        let accepted = self.accepted_fields(object, &desired, index, &different);
        if !accepted.is_empty() {
            different.retain(|difference| !accepted.contains(difference.field()));
            self.accepted.insert(object.address.clone(), accepted);
            desired = self.resolved(object);
        }
        if !object.external {
            self.settings(&object.address, index);
        }
        let live = &self.found[index].live;
        self.record_left_to_aws(object, live);
        let is_replaced = different.iter().any(|one| object.kind.replace_on().contains(&one.field()));
        // Most are as the spec says, word for word.
        let differs = |attrs: &&Value| !object.external && !is_replaced && **attrs != *desired;
        if let Some(attrs) = live.attrs.as_ref().filter(differs) {
            let notes = object.kind.notes(&desired, attrs);
            self.notes.extend(notes.into_iter().map(|what| format!("{}: {what}", object.address)));
        }
        self.notes.extend(live.stuck.iter().map(|what| format!("{}: {what}", object.address)));
        self.scheduled.extend(live.scheduled.iter().map(|what| format!("{}: {what}", object.address)));
        // The tag index lags behind, and lacks what was never tagged: without tags from it, a matching name is not
        // enough.
        if live.unconfirmed && live.unread.contains(&"tags") {
            self.unconfirmed.insert(index);
        }
        let is_moved = self.moved.contains_key(&index);
        if different.is_empty() && !is_moved {
            self.stays(object, index);
        } else if live.unconfirmed {
            self.unconfirmed.insert(index);
            self.known_outputs.record(&object.address, &live.id, live.outputs.clone());
        } else {
            self.change(object, &desired, index, &different, Action::Update);
        }
    }

    /// Desired attributes, as far as what they refer to is known.
    fn resolved<'w>(&mut self, object: &'w DesiredObject) -> Cow<'w, Value> {
        let attrs = self.with_live_fields(object);
        match is_resolved(&attrs) {
            true => attrs,
            false => Cow::Owned(resolve_with(
                &attrs,
                &self.known_outputs,
                self.context.secret_store,
                SecretMode::Compare,
            )),
        }
    }

    /// Leaves a live object as it is.
    fn stays(&mut self, object: &DesiredObject, index: usize) {
        let live = &self.found[index].live;
        self.unchanged.push(index);
        self.known_outputs.record(&object.address, &live.id, live.outputs.clone());
    }

    /// Desired attributes, with the live values of fields that this plan keeps.
    fn with_live_fields<'w>(&mut self, object: &'w DesiredObject) -> Cow<'w, Value> {
        let carried = self.options.keep_live.iter().filter(|(kind, _)| *kind == object.kind.name());
        let carried: BTreeSet<String> = carried
            .map(|(_, field)| (*field).to_owned())
            .chain(self.accepted.get(&object.address).into_iter().flatten().cloned())
            .collect();
        let mut attrs = Cow::Borrowed(&*object.attrs);
        let Some(&index) = self.by_address.get(&object.address).and_then(|found| found.first()) else {
            return attrs;
        };
        for field in carried {
            match &self.found[index].live.attrs {
                Some(live) => {
                    if let (Some(fields), Some(value)) = (attrs.to_mut().as_object_mut(), live.get(&field)) {
                        fields.insert(field, value.clone());
                    }
                }
                None => {
                    self.unconfirmed.insert(index);
                }
            }
        }
        attrs
    }

    fn create(&mut self, object: &DesiredObject, desired: &Value) {
        let shown = listing(desired).filter(|(path, _)| !is_ownership(path));
        let mut fields: Vec<Field> =
            shown.map(|(path, after)| self.names.field(path, &Value::Null, after, &[])).collect();
        let deleted = self.applied.existed(&object.address, &object.attrs);
        let origin = if deleted { Origin::Drift } else { Origin::Requested };
        fields.iter_mut().for_each(|field| field.origin = origin);
        let reason = if deleted { "deleted outside of Baseplate" } else { "does not exist" }.to_owned();
        let seconds = expected_duration(object.kind, Action::Create, Impact::None);
        self.known_outputs.record_replacement(&object.address, self.outputs_of_others(object.kind));
        self.push(object, Action::Create, reason, (Impact::None, seconds), None, fields, true);
    }

    /// The outputs that any object of the kind has the same values of as those that are there: so that another address
    /// for a certificate does not replace the record that proves the domain of both.
    fn outputs_of_others(&self, kind: &dyn AnyKind) -> Outputs {
        if kind.shared_outputs().is_empty() {
            return Outputs::new();
        }
        let others = self.found.iter().filter(|other| other.kind.name() == kind.name());
        let outputs = others.flat_map(|other| &other.live.outputs);
        let kept = outputs.filter(|(output, _)| kind.shares_output(output));
        kept.map(|(output, value)| (output.clone(), value.clone())).collect()
    }

    /// Records what the spec leaves to AWS.
    fn record_left_to_aws(&mut self, object: &DesiredObject, live: &Live<Value>) {
        let (Some(fields), Some(live)) = (object.attrs.as_object(), &live.attrs) else { return };
        for (path, _) in fields.iter().filter(|(_, value)| value.is_null()) {
            let value = live.get(path).map(|value| self.names.shown(value)).unwrap_or_default();
            if !value.is_null() {
                let address = object.address.clone();
                self.left_to_aws.push(LeftToAws { address, path: path.clone(), value });
            }
        }
    }

    fn change(
        &mut self,
        object: &DesiredObject,
        desired: &Value,
        index: usize,
        different: &[Difference],
        action: Action,
    ) {
        let live = &self.found[index].live;
        let kind = object.kind;
        let mut changed: Vec<String> = different.iter().map(|difference| difference.field().to_owned()).collect();
        changed.dedup();
        let replace: Vec<&str> =
            changed.iter().map(String::as_str).filter(|field| kind.replace_on().contains(field)).collect();
        let field = |difference: &Difference| {
            let Difference { path, before, after } = difference;
            let field = self.names.field(path, before, after, kind.replace_on());
            Field { origin: self.origin(object, desired, live, difference), ..field }
        };
        let mut fields: Vec<Field> = different.iter().map(field).collect();
        merge_renewed(&mut fields);
        // Ownership tags are shown only where nothing else changes.
        if fields.iter().any(|field| !is_ownership(&field.path)) {
            fields.retain(|field| !is_ownership(&field.path));
        }
        let moved = self.moved.get(&index).cloned();
        let (action, reason, impact) = if replace.is_empty() {
            let (impact, losing) = self.update_impact(object, desired, live, &changed);
            fields.iter_mut().for_each(|field| field.loses_data = losing.iter().any(|name| name == field.name()));
            match action {
                Action::Adopt => (Action::Adopt, "its ownership tags are incomplete".to_owned(), impact),
                _ => (Action::Update, format!("differs in {}", changed.join(", ")), impact),
            }
        } else {
            let reason = format!("AWS cannot change {} in place", replace.join(", "));
            self.refuse_if_protected(kind, &object.address, live, true);
            let impact = if holds_data(kind, live) { Impact::DataLoss } else { Impact::Replaced };
            (Action::Replace, reason, impact)
        };
        let reason = match &moved {
            Some(from) if action == Action::Replace => format!("moved from {}; {reason}", from.entry),
            Some(from) => format!("moved from {}", from.entry),
            None => reason,
        };
        let before = live.attrs.as_ref().filter(|_| action != Action::Replace);
        let seconds = before
            .and_then(|before| kind.update_seconds(before, desired, &changed))
            .unwrap_or_else(|| expected_duration(kind, action, impact));
        let mut outputs = live.outputs.clone();
        if action == Action::Replace {
            outputs.retain(|name, _| kind.shares_output(name));
            self.known_outputs.record_replacement(&object.address, outputs);
        } else {
            outputs.retain(|name, _| !kind.changes_output(name, &changed));
            self.known_outputs.record(&object.address, &live.id, outputs);
        }
        self.push(object, action, reason, (impact, seconds), Some(live), fields, kind.create_first());
        if let Some((change, _)) = self.changes.last_mut() {
            change.moved_from = moved.map(|from| from.address);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one change, put together in one place")]
    fn push(
        &mut self,
        object: &DesiredObject,
        action: Action,
        reason: String,
        (impact, seconds): (Impact, u64),
        live: Option<&Live<Value>>,
        fields: Vec<Field>,
        create_first: bool,
    ) {
        let origin = origin::of_all(fields.iter().map(|field| field.origin));
        self.origins.insert(object.address.clone(), origin);
        let mut change = Change {
            address: object.address.clone(),
            moved_from: None,
            stage: object.stage,
            action,
            reason,
            impact,
            seconds,
            origin,
            dangers: self.dangers(object, live, &fields),
            guarded: false,
            id: live.map(|live| live.id.clone()),
            source: None,
            fields,
            depends_on: object.needs.iter().cloned().collect(),
        };
        change.guarded = guards::is_guarded(&change, object.protect, &self.options.allow);
        let attrs = match self.with_live_fields(object) {
            Cow::Borrowed(_) => Rc::clone(&object.attrs),
            Cow::Owned(attrs) => Rc::new(attrs),
        };
        let mut needs = object.needs.clone();
        if object.kind.updates_follow() && action != Action::Create {
            needs.extend(object.follows.iter().cloned());
        }
        let step = Step {
            kind: object.kind,
            desired: Some(attrs),
            live: live.cloned(),
            needs,
            follows: object.follows.clone(),
            wave: object.wave,
            place: object.place,
            uses: live
                .and_then(|live| live.attrs.as_ref())
                .map(|attrs| self.referred(&object.address, attrs))
                .unwrap_or_default(),
            create_first,
            write_mode: WriteMode::Single,
        };
        self.changes.push((change, step));
    }

    fn refuse_if_protected(
        &mut self,
        kind: &dyn AnyKind,
        address: &Address,
        live: &Live<Value>,
        is_replaced: bool,
    ) {
        let is_on = |field: &&str| live.attrs.as_ref().and_then(|live| live.get(field)?.as_bool()) == Some(true);
        if let Some(field) = kind.protected_by().filter(is_on) {
            let spec = self.spec.get(address);
            let wanted = spec.map(|object| object.attrs.get(field).and_then(Value::as_bool).unwrap_or(true));
            let (address, field) = (address.clone(), field.to_owned());
            self.conflicts.push(Conflict::Protected { address, field, is_replaced, wanted });
        }
    }

    fn referred(&self, from: &Address, attrs: &Value) -> BTreeSet<Address> {
        self.names.referred(attrs, self.spec.get(from).map(|object| &object.needs))
    }
}

fn is_tagged(attrs: &Value) -> bool {
    attrs.get("tags").is_some()
}

fn holds_data(kind: &dyn AnyKind, live: &Live<Value>) -> bool {
    live.attrs.as_ref().is_some_and(|attrs| kind.holds_data(attrs))
}
