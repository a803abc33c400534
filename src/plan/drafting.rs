mod foreign;
mod origin;
#[cfg(test)]
mod tests;
mod unwanted;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

use super::diff::{Difference, listing};
use super::digest::live_digest;
use super::draft::{Draft, Halves, Options, Refusal, Step, compare};
use super::guards;
use super::names::{Names, is_ownership};
use super::recognise::recognise;
use super::world::{Secrets, World, resolve_with};
use super::{Action, Change, FORMAT_VERSION, Field, LeftToAws, Origin, Plan};
use crate::applied::{Applied, InUse};
use crate::cloud::{About, Found};
use crate::graph::{Graph, Wanted};
use crate::kinds::{self, AnyKind, Impact, Live};
use crate::value::Address;
use crate::value::walk::is_resolved;

/// One attempt at a plan over one observation.
pub struct Drafting<'a> {
    about: About<'a>,
    options: &'a Options,
    found: &'a [Found],
    /// By address, indices into `found`; more than one where a replacement was cut short.
    by_address: HashMap<&'a Address, Vec<usize>>,
    /// By address, indices into `found` of what stands there without the tags that say so.
    recognised: HashMap<Address, Vec<usize>>,
    /// The same the other way round: what each of these stands for.
    stands_for: HashMap<usize, Address>,
    names: Names<'a>,
    /// All that the spec has, also where the environment goes: it says in what order, and what is protected.
    spec: HashMap<&'a Address, &'a Wanted>,
    applied: &'a Applied,
    world: World,
    changes: Vec<(Change, Step)>,
    used: BTreeSet<usize>,
    /// Which of `found` are as the spec wants them.
    unchanged: Vec<usize>,
    conflicts: Vec<String>,
    /// What may be adopted, and nobody has said that it should be.
    to_adopt: Vec<Address>,
    notes: Vec<String>,
    doubtful: BTreeSet<usize>,
    scheduled: Vec<String>,
    kept: Vec<Address>,
    left_to_aws: Vec<LeftToAws>,
    /// Where the change of each object that changes comes from.
    origins: HashMap<Address, Origin>,
}

impl<'a> Drafting<'a> {
    pub fn new(
        about: About<'a>,
        spec: &'a Graph,
        options: &'a Options,
        found: &'a [Found],
        applied: &'a Applied,
    ) -> Self {
        let mut by_address: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (index, Found { live, .. }) in found.iter().enumerate() {
            let Some(address) = &live.address else { continue };
            by_address.entry(address).or_default().push(index);
        }
        // AWS lists in any order: of two that are alike, the same one stays every time.
        by_address.values_mut().for_each(|indices| indices.sort_by_key(|&index| &found[index].live.id));
        let recognised = recognise(about, spec, found);
        let stands_for =
            recognised.iter().flat_map(|(address, all)| all.iter().map(|&index| (index, address.clone())));
        Self {
            about,
            options,
            found,
            by_address,
            stands_for: stands_for.collect(),
            recognised,
            names: Names::of(found),
            spec: spec.wanted.iter().map(|wanted| (&wanted.address, wanted)).collect(),
            applied,
            world: World::default(),
            changes: Vec::new(),
            used: BTreeSet::new(),
            unchanged: Vec::new(),
            conflicts: Vec::new(),
            to_adopt: Vec::new(),
            notes: Vec::new(),
            doubtful: BTreeSet::new(),
            scheduled: Vec::new(),
            kept: Vec::new(),
            left_to_aws: Vec::new(),
            origins: HashMap::new(),
        }
    }

    /// Plans once; answers which of `found` must be read in full before the plan can be believed.
    pub fn run(&mut self) -> BTreeSet<usize> {
        let graph = self.about.graph;
        for wanted in &graph.wanted {
            self.want(wanted);
        }
        for index in 0..self.found.len() {
            if !self.used.contains(&index) {
                self.unwanted(index);
            }
        }
        std::mem::take(&mut self.doubtful)
    }

    fn want(&mut self, wanted: &Wanted) {
        let attrs = self.with_live_fields(wanted);
        let desired = match is_resolved(&attrs) {
            true => attrs,
            false => Cow::Owned(resolve_with(&attrs, &self.world, self.about.vault, Secrets::Compare)),
        };
        let recognised = self.recognised.get(&wanted.address).cloned().unwrap_or_default();
        let candidates = match self.by_address.get(&wanted.address) {
            Some(found) => found.clone(),
            None => recognised.iter().copied().filter(|&index| foreign::is_untagged(&self.found[index])).collect(),
        };
        // More than one where a replacement was cut short: what need not be replaced again stays, and of that
        // the one that is most like what is wanted.
        let candidates =
            candidates.into_iter().map(|index| (index, compare(wanted.kind, &desired, &self.found[index].live)));
        let distance = |different: &[Difference]| {
            let replaced = different.iter().any(|one| wanted.kind.replace_on().contains(&one.field()));
            (replaced, different.len())
        };
        let Some((index, different)) = candidates.min_by_key(|(_, different)| distance(different)) else {
            return match recognised[..] {
                [index] => self.adopt(wanted, &desired, index),
                [_, _, ..] => self.ambiguous(wanted, &recognised),
                [] if wanted.external => self.conflicts.push(format!(
                    "{} is external (external = true) and does not exist: create it, then plan again",
                    wanted.address
                )),
                [] => self.create(wanted, &desired),
            };
        };
        self.used.insert(index);
        let live = &self.found[index].live;
        let different = if wanted.external { Vec::new() } else { different };
        self.leave_to_aws(wanted, live);
        self.scheduled.extend(live.scheduled.iter().map(|what| format!("{}: {what}", wanted.address)));
        // The index of tags lags, and never held what was never tagged: where it is silent, the name is not enough.
        if live.confirm && live.unread.contains(&"tags") {
            self.doubtful.insert(index);
        }
        if different.is_empty() {
            self.stays(wanted, index);
        } else if live.confirm {
            self.doubtful.insert(index);
            self.world.learn(&wanted.address, &live.id, live.outputs.clone());
        } else {
            self.change(wanted, &desired, index, &different, Action::Update);
        }
    }

    /// Leaves a live object as it is.
    fn stays(&mut self, wanted: &Wanted, index: usize) {
        let live = &self.found[index].live;
        self.unchanged.push(index);
        self.world.learn(&wanted.address, &live.id, live.outputs.clone());
    }

    /// What is wanted, with the fields that this plan carries along as they are live.
    fn with_live_fields<'w>(&mut self, wanted: &'w Wanted) -> Cow<'w, Value> {
        let carried = self.options.carry.iter().filter(|(kind, _)| *kind == wanted.kind.name());
        let mut attrs = Cow::Borrowed(&*wanted.attrs);
        let Some(&index) = self.by_address.get(&wanted.address).and_then(|found| found.first()) else {
            return attrs;
        };
        for (_, field) in carried {
            match &self.found[index].live.attrs {
                Some(live) => {
                    if let (Some(fields), Some(value)) = (attrs.to_mut().as_object_mut(), live.get(*field)) {
                        fields.insert((*field).to_owned(), value.clone());
                    }
                }
                None => {
                    self.doubtful.insert(index);
                }
            }
        }
        attrs
    }

    fn create(&mut self, wanted: &Wanted, desired: &Value) {
        let shown = listing(desired).filter(|(path, _)| !is_ownership(path));
        let mut fields: Vec<Field> =
            shown.map(|(path, after)| self.names.field(path, &Value::Null, after, &[])).collect();
        let deleted = self.applied.was_there(&wanted.address, &wanted.attrs);
        let origin = if deleted { Origin::Drift } else { Origin::Requested };
        fields.iter_mut().for_each(|field| field.origin = origin);
        let reason = if deleted { "deleted outside of Baseplate" } else { "does not exist" }.to_owned();
        self.push(wanted, Action::Create, reason, Impact::None, None, fields, true);
    }

    /// Notes what the spec leaves to AWS.
    fn leave_to_aws(&mut self, wanted: &Wanted, live: &Live<Value>) {
        let (Some(fields), Some(live)) = (wanted.attrs.as_object(), &live.attrs) else { return };
        for (path, _) in fields.iter().filter(|(_, wanted)| wanted.is_null()) {
            let value = live.get(path).map(|value| self.names.shown(value)).unwrap_or_default();
            if !value.is_null() {
                let address = wanted.address.clone();
                self.left_to_aws.push(LeftToAws { address, path: path.clone(), value });
            }
        }
    }

    fn change(&mut self, wanted: &Wanted, desired: &Value, index: usize, different: &[Difference], action: Action) {
        let live = &self.found[index].live;
        let kind = wanted.kind;
        let mut changed: Vec<String> = different.iter().map(|difference| difference.field().to_owned()).collect();
        changed.dedup();
        let replace: Vec<&str> =
            changed.iter().map(String::as_str).filter(|field| kind.replace_on().contains(field)).collect();
        let field = |difference: &Difference| {
            let Difference { path, before, after } = difference;
            let field = self.names.field(path, before, after, kind.replace_on());
            Field { origin: self.origin(wanted, desired, live, difference), ..field }
        };
        let mut fields: Vec<Field> = different.iter().map(field).collect();
        // Marks of ownership are shown only where they are all that changes.
        if fields.iter().any(|field| !is_ownership(&field.path)) {
            fields.retain(|field| !is_ownership(&field.path));
        }
        let impact =
            || live.attrs.as_ref().map_or(Impact::None, |before| kind.impact(before, &wanted.attrs, &changed));
        let (action, reason, impact) = match (replace.is_empty(), action) {
            (false, _) => {
                let reason = format!("AWS cannot change {} in place", replace.join(", "));
                self.refuse_if_protected(kind, &wanted.address, live);
                let impact = if holds_data(kind, live) { Impact::DataLoss } else { Impact::Replaced };
                (Action::Replace, reason, impact)
            }
            (true, Action::Adopt) => (Action::Adopt, "its ownership tags are incomplete".to_owned(), impact()),
            _ => (Action::Update, format!("differs in {}", changed.join(", ")), impact()),
        };
        let mut outputs = live.outputs.clone();
        if action == Action::Replace {
            outputs.retain(|name, _| kind.lasts(name));
            self.world.learn_of_successor(&wanted.address, outputs);
        } else {
            outputs.retain(|name, _| !kind.moves(name, &changed));
            self.world.learn(&wanted.address, &live.id, outputs);
        }
        self.push(wanted, action, reason, impact, Some(live), fields, kind.create_first());
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one change, put together in one place")]
    fn push(
        &mut self,
        wanted: &Wanted,
        action: Action,
        reason: String,
        impact: Impact,
        live: Option<&Live<Value>>,
        fields: Vec<Field>,
        create_first: bool,
    ) {
        let origin = origin::of_all(fields.iter().map(|field| field.origin));
        self.origins.insert(wanted.address.clone(), origin);
        let mut change = Change {
            address: wanted.address.clone(),
            stage: wanted.stage,
            action,
            reason,
            impact,
            seconds: takes(wanted.kind, action, impact),
            origin,
            guarded: false,
            id: live.map(|live| live.id.clone()),
            fields,
            depends_on: wanted.needs.iter().cloned().collect(),
        };
        change.guarded = guards::is_guarded(&change, wanted.protect, &self.options.allow);
        let attrs = match self.with_live_fields(wanted) {
            Cow::Borrowed(_) => Rc::clone(&wanted.attrs),
            Cow::Owned(attrs) => Rc::new(attrs),
        };
        let step = Step {
            kind: wanted.kind,
            desired: Some(attrs),
            live: live.cloned(),
            needs: wanted.needs.clone(),
            follows: wanted.follows.clone(),
            wave: wanted.wave,
            place: wanted.place,
            uses: live
                .and_then(|live| live.attrs.as_ref())
                .map(|attrs| self.referred(&wanted.address, attrs))
                .unwrap_or_default(),
            create_first,
            halves: Halves::One,
        };
        self.changes.push((change, step));
    }

    /// Deletion protection is only ever switched off by a change that somebody reviewed.
    fn refuse_if_protected(&mut self, kind: &dyn AnyKind, address: &Address, live: &Live<Value>) {
        let protection = kind.protected_by().and_then(|field| live.attrs.as_ref()?.get(field)?.as_bool());
        if protection == Some(true) {
            self.conflicts.push(format!(
                "{address} would be deleted, but has deletion protection: set `deletion-protection = false` in the \
                 spec and apply that, then plan again"
            ));
        }
    }

    fn referred(&self, from: &Address, attrs: &Value) -> BTreeSet<Address> {
        self.names.referred(attrs, self.spec.get(from).map(|wanted| &wanted.needs))
    }

    pub fn finish(mut self, in_use: InUse) -> Result<Draft, Refusal> {
        if !self.conflicts.is_empty() {
            // Found in the order in which a cloud lists its objects, which is any.
            self.conflicts.sort();
            if self.to_adopt.len() > 1 {
                let all: Vec<String> = self.to_adopt.iter().map(|address| format!("--adopt {address}")).collect();
                self.conflicts.push(format!("to adopt all of these: {}", all.join(" ")));
            }
            return Err(Refusal::Conflicts(self.conflicts));
        }
        let place = |kind: &str| kinds::all().iter().position(|known| known.name() == kind);
        self.changes.sort_by_cached_key(|(change, step)| {
            let delete = change.action == Action::Delete;
            (change.stage, delete, place(step.kind.name()), step.place, change.address.clone(), change.id.clone())
        });
        self.kept.sort();
        let env = self.about.env;
        let (changes, mut steps): (Vec<Change>, Vec<Step>) = self.changes.into_iter().unzip();
        let missing = guards::missing(&changes, self.unchanged.len(), self.options.destroy, &self.options.allow);
        // While planning, `world` leaves out what will move; carrying out starts from all that is live. What is left
        // over does not hide what stays.
        let world = self.world;
        for (change, step) in changes.iter().zip(&steps) {
            let stays = change.action != Action::Delete;
            if let Some(live) = step.live.as_ref().filter(|_| stays || world.known(&change.address).is_none()) {
                world.learn(&change.address, &live.id, live.outputs.clone());
            }
        }
        for (change, step) in changes.iter().zip(&mut steps) {
            let live = step.live.as_ref().filter(|_| change.action != Action::Replace);
            if let Some(desired) = step.desired.as_ref().filter(|_| step.kind.halves()) {
                let desired = resolve_with(desired, &world, self.about.vault, Secrets::Compare);
                step.halves = Halves::of(step.kind, live, &desired);
            }
        }
        let mut notes = self.notes;
        notes.extend(kinds::elsewhere(env, |address, output| world.output(address, output)));
        let plan = Plan {
            format_version: FORMAT_VERSION,
            project: env.project.clone(),
            environment: env.environment.clone(),
            account: env.account.clone(),
            region: env.region.clone(),
            destroy: self.options.destroy,
            spec_digest: self.options.spec_digest.clone(),
            live_digest: live_digest(self.unchanged.iter().map(|&index| &self.found[index]), &changes, &steps),
            changes,
            seconds: 0,
            unchanged: self.unchanged.len(),
            scheduled: self.scheduled,
            kept: self.kept,
            missing,
            left_to_aws: self.left_to_aws,
            notes,
        };
        Ok(Draft { plan, steps, world, applied: self.applied.clone(), in_use })
    }
}

/// Seconds that a change typically takes on AWS. Updates that interrupt nothing are answered at once.
fn takes(kind: &dyn AnyKind, action: Action, impact: Impact) -> u64 {
    match (action, impact) {
        (Action::Create, _) | (_, Impact::Rolling | Impact::Reboot | Impact::Failover) => kind.typical(),
        (Action::Replace, _) => kind.typical() + kind.typical_delete(),
        (Action::Delete, _) => kind.typical_delete(),
        _ => 2,
    }
}

fn is_tagged(attrs: &Value) -> bool {
    attrs.get("tags").is_some()
}

fn holds_data(kind: &dyn AnyKind, live: &Live<Value>) -> bool {
    live.attrs.as_ref().is_some_and(|attrs| kind.holds_data(attrs))
}
