use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::diff::{Difference, differences, listing};
use super::world::{Secrets, World, resolve_with};
use super::{Action, Change, FORMAT_VERSION, Field, Plan};
use crate::cloud::{About, Cloud, CloudError, Found};
use crate::graph::{Graph, Wanted};
use crate::kinds::{self, AnyKind, Impact, Live, Stage, seal};
use crate::value::walk::{Link, is_resolved, links};
use crate::value::{Address, tag};

/// What the caller of a plan decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Objects made elsewhere that may be taken over.
    pub adopt: BTreeSet<Address>,
    pub destroy: bool,
    /// Whether what belongs to the project goes too, once nothing wants it.
    pub shared: bool,
    /// Kinds and fields that stay as they are live whatever the spec says, as an image that another tool rolls out.
    pub carry: Vec<(&'static str, &'static str)>,
    pub spec_digest: String,
}

/// A plan, and beside it what carrying it out needs.
pub struct Draft {
    pub plan: Plan,
    /// One for each change, in the same order.
    pub steps: Vec<Step>,
    /// Ids and outputs of all that is live.
    pub world: World,
}

/// How one change is carried out.
pub struct Step {
    pub kind: &'static dyn AnyKind,
    /// As the spec wants it, nothing resolved; `None` for a delete.
    pub desired: Option<Value>,
    pub live: Option<Live<Value>>,
    /// What the desired object needs: changes of these addresses come first.
    pub needs: BTreeSet<Address>,
    /// What the live object refers to: these go only after it.
    pub uses: BTreeSet<Address>,
    /// Whether the new object of a replacement is made before the old one goes.
    pub create_first: bool,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Refusal {
    Cloud(Vec<CloudError>),
    /// Something is in the way that a person must decide.
    Conflicts(Vec<String>),
}

/// Reads what is live and plans.
///
/// # Errors
/// Calls that failed; objects that have our names but not our tags; externals that are missing.
pub async fn make(cloud: &dyn Cloud, about: About<'_>, options: &Options) -> Result<Draft, Refusal> {
    let mut found = cloud.observe(about).await.map_err(Refusal::Cloud)?;
    let mut drafting = Drafting::new(about, options, &found);
    let mut doubtful = drafting.run();
    // What was taken on trust and seems to differ is read in full, and everything planned again.
    while !doubtful.is_empty() {
        let mut errors = Vec::new();
        let reads = found.iter_mut().enumerate().filter(|(index, _)| doubtful.contains(index));
        let answers = futures_util::future::join_all(reads.map(|(_, found)| cloud.complete(about, found))).await;
        errors.extend(answers.into_iter().filter_map(Result::err));
        if !errors.is_empty() {
            return Err(Refusal::Cloud(errors));
        }
        drafting = Drafting::new(about, options, &found);
        doubtful = drafting.run();
    }
    drafting.finish()
}

/// Names of the top-level fields in which resolved desired attributes differ from what is live.
pub fn field_changes(kind: &dyn AnyKind, desired: &Value, live: &Live<Value>) -> Vec<String> {
    let mut changed: Vec<String> =
        compare(kind, desired, live).iter().map(|difference| difference.field().to_owned()).collect();
    changed.dedup();
    changed
}

/// How a live object differs from what is wanted.
fn compare(kind: &dyn AnyKind, desired: &Value, live: &Live<Value>) -> Vec<Difference> {
    if live.seal.as_ref().is_some_and(|sealed| *sealed == seal(desired)) {
        return Vec::new();
    }
    match &live.attrs {
        Some(attrs) => {
            let mut attrs = attrs.clone();
            kind.settle(desired, &mut attrs);
            differences(desired, &attrs, &live.unread)
        }
        None => differences(desired, &Value::Null, &[]),
    }
}

struct Drafting<'a> {
    about: About<'a>,
    options: &'a Options,
    found: &'a [Found],
    /// By address, indices into `found`; more than one where a replacement was cut short.
    by_address: HashMap<&'a Address, Vec<usize>>,
    /// By kind, output and value, whose it may be: ids are unique, versions are not.
    names: HashMap<(&'static str, &'a str, &'a str), Vec<&'a Address>>,
    /// What the spec would have each object need, and at which stage; also for one that goes.
    spec: HashMap<Address, (Stage, BTreeSet<Address>)>,
    world: World,
    changes: Vec<(Change, Step)>,
    used: BTreeSet<usize>,
    unchanged: usize,
    conflicts: Vec<String>,
    doubtful: BTreeSet<usize>,
    scheduled: Vec<String>,
    kept: Vec<Address>,
}

impl<'a> Drafting<'a> {
    fn new(about: About<'a>, options: &'a Options, found: &'a [Found]) -> Self {
        let mut by_address: HashMap<&Address, Vec<usize>> = HashMap::new();
        let mut names: HashMap<_, Vec<&Address>> = HashMap::new();
        for (index, Found { kind, live }) in found.iter().enumerate() {
            let Some(address) = &live.address else { continue };
            by_address.entry(address).or_default().push(index);
            names.entry((kind.name(), "id", live.id.as_str())).or_default().push(address);
            for (output, value) in &live.outputs {
                names.entry((kind.name(), output.as_str(), value.as_str())).or_default().push(address);
            }
        }
        // A destroy plans against nothing; what the spec says of order holds for it too.
        let whole = about.graph.wanted.is_empty().then(|| Graph::of(about.env).ok()).flatten();
        let wanted = whole.as_ref().unwrap_or(about.graph).wanted.iter();
        let spec = wanted.map(|wanted| (wanted.address.clone(), (wanted.stage, wanted.needs.clone()))).collect();
        Self {
            about,
            options,
            found,
            by_address,
            names,
            spec,
            world: World::default(),
            changes: Vec::new(),
            used: BTreeSet::new(),
            unchanged: 0,
            conflicts: Vec::new(),
            doubtful: BTreeSet::new(),
            scheduled: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Plans once; answers which of `found` must be read in full before the plan can be believed.
    fn run(&mut self) -> BTreeSet<usize> {
        let graph = self.about.graph;
        for wanted in &graph.wanted {
            self.want(wanted);
        }
        for index in 0..self.found.len() {
            if !self.used.contains(&index) {
                self.unwanted(index);
            }
        }
        self.doubt_tags();
        std::mem::take(&mut self.doubtful)
    }

    /// Where the tags of one object change, so may those of others that were not read: the index of tags is
    /// silent about what it has not seen yet.
    fn doubt_tags(&mut self) {
        let is_tag = |field: &Field| field.path.starts_with("tags.");
        if self
            .changes
            .iter()
            .any(|(change, _)| change.action == Action::Update && change.fields.iter().any(is_tag))
        {
            let unread = |live: &Live<Value>| live.confirm && live.unread.contains(&"tags");
            self.doubtful.extend((0..self.found.len()).filter(|&index| unread(&self.found[index].live)));
        }
    }

    fn want(&mut self, wanted: &Wanted) {
        let attrs = self.with_live_fields(wanted);
        let desired = resolve_with(&attrs, &self.world, self.about.vault, Secrets::Compare);
        let candidates = self.by_address.get(&wanted.address).map(Vec::as_slice).unwrap_or_default();
        // More than one where a replacement was cut short: the one that is most like what is wanted stays.
        let candidates =
            candidates.iter().map(|&index| (index, compare(wanted.kind, &desired, &self.found[index].live)));
        let Some((index, different)) = candidates.min_by_key(|(_, different)| different.len()) else {
            return match self.namesake(wanted, &desired) {
                Some(index) => self.adopt(wanted, &desired, index),
                None if wanted.external => self.conflicts.push(format!(
                    "{} is set by somebody else (external = true) and is not there: set it, then plan again",
                    wanted.address
                )),
                None => self.create(wanted, &desired),
            };
        };
        self.used.insert(index);
        let live = &self.found[index].live;
        let different = if wanted.external { Vec::new() } else { different };
        self.scheduled.extend(live.scheduled.iter().map(|what| format!("{}: {what}", wanted.address)));
        if different.is_empty() {
            self.unchanged += 1;
            self.world.learn(&wanted.address, &live.id, live.outputs.clone());
        } else if live.confirm {
            self.doubtful.insert(index);
            self.world.learn(&wanted.address, &live.id, live.outputs.clone());
        } else {
            self.change(wanted, index, &different, Action::Update);
        }
    }

    /// What is wanted, with the fields that this plan carries along as they are live.
    fn with_live_fields<'w>(&mut self, wanted: &'w Wanted) -> Cow<'w, Value> {
        let carried = self.options.carry.iter().filter(|(kind, _)| *kind == wanted.kind.name());
        let mut attrs = Cow::Borrowed(&wanted.attrs);
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

    /// An object with the name that this one must have, but without our tags.
    fn namesake(&self, wanted: &Wanted, desired: &Value) -> Option<usize> {
        let name = desired.get(wanted.kind.identity()?)?;
        self.found.iter().position(|Found { kind, live }| {
            kind.name() == wanted.kind.name()
                && live.address.is_none()
                && live.attrs.as_ref().and_then(|attrs| attrs.get(kind.identity()?)) == Some(name)
        })
    }

    fn adopt(&mut self, wanted: &Wanted, desired: &Value, index: usize) {
        self.used.insert(index);
        let live = &self.found[index].live;
        if wanted.external {
            self.unchanged += 1;
            self.world.learn(&wanted.address, &live.id, live.outputs.clone());
        } else if live.confirm {
            self.doubtful.insert(index);
        } else if self.options.adopt.contains(&wanted.address) {
            let different = compare(wanted.kind, desired, live);
            self.change(wanted, index, &different, Action::Adopt);
        } else {
            self.conflicts.push(format!(
                "{} has the name that {} must have, but not this environment's tags: somebody else made it. \
                 Take it over with --adopt {}, or give one of the two another name",
                live.id, wanted.address, wanted.address
            ));
        }
    }

    fn create(&mut self, wanted: &Wanted, desired: &Value) {
        let mut fields: Vec<Field> = listing(desired)
            .into_iter()
            .map(|(path, after)| self.field(&Difference { path, before: Value::Null, after }, &[]))
            .collect();
        fields.retain(|field| !is_ownership(&field.path));
        let reason = "it is not there".to_owned();
        self.push(wanted, Action::Create, reason, Impact::None, None, fields, true);
    }

    fn change(&mut self, wanted: &Wanted, index: usize, different: &[Difference], action: Action) {
        let live = &self.found[index].live;
        let kind = wanted.kind;
        let mut changed: Vec<String> = different.iter().map(|difference| difference.field().to_owned()).collect();
        changed.dedup();
        let replace: Vec<&str> =
            changed.iter().map(String::as_str).filter(|field| kind.replace_on().contains(field)).collect();
        let mut fields: Vec<Field> =
            different.iter().map(|difference| self.field(difference, kind.replace_on())).collect();
        // Marks of ownership are shown only where they are all that changes.
        if fields.iter().any(|field| !is_ownership(&field.path)) {
            fields.retain(|field| !is_ownership(&field.path));
        }
        let (action, reason, impact) = match (replace.is_empty(), action) {
            (false, _) => {
                let reason = format!("AWS cannot change {} in place", replace.join(", "));
                self.refuse_if_protected(kind, &wanted.address, live);
                let impact = if kind.holds_data() { Impact::DataLoss } else { Impact::Replaced };
                (Action::Replace, reason, impact)
            }
            (true, Action::Adopt) => (Action::Adopt, "somebody else made it".to_owned(), kind.impact(&changed)),
            _ => (Action::Update, format!("{} differ", changed.join(", ")), kind.impact(&changed)),
        };
        if action != Action::Replace {
            let mut outputs = live.outputs.clone();
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
        let change = Change {
            address: wanted.address.clone(),
            stage: wanted.stage,
            action,
            reason,
            impact,
            id: live.map(|live| live.id.clone()),
            fields,
            depends_on: wanted.needs.iter().cloned().collect(),
        };
        let attrs = self.with_live_fields(wanted).into_owned();
        let step = Step {
            kind: wanted.kind,
            desired: Some(attrs),
            live: live.cloned(),
            needs: wanted.needs.clone(),
            uses: live
                .and_then(|live| live.attrs.as_ref())
                .map(|attrs| self.referred(&wanted.address, attrs))
                .unwrap_or_default(),
            create_first,
        };
        self.changes.push((change, step));
    }

    /// A live object that nothing wants.
    fn unwanted(&mut self, index: usize) {
        let Found { kind, live } = &self.found[index];
        // Not ours, and not in the way: left alone.
        let Some(address) = &live.address else { return };
        if live.confirm {
            self.doubtful.insert(index);
            return;
        }
        // Another environment may use it: only an explicit word takes it away.
        if is_shared(live) && !self.options.shared {
            self.kept.push(address.clone());
            return;
        }
        self.refuse_if_protected(*kind, address, live);
        let attrs = live.attrs.clone().unwrap_or_default();
        let mut fields: Vec<Field> = listing(&attrs)
            .into_iter()
            .map(|(path, before)| self.field(&Difference { path, before, after: Value::Null }, &[]))
            .collect();
        fields.retain(|field| !is_ownership(&field.path));
        let duplicate = self.about.graph.wanted.iter().any(|wanted| wanted.address == *address);
        let reason = match (self.options.destroy, duplicate) {
            (true, _) => "the environment goes",
            (_, true) => "left over: another object has its place",
            _ => "the spec does not have it",
        };
        let depends_on: BTreeSet<Address> = self.referred(address, &attrs);
        let change = Change {
            address: address.clone(),
            stage: self.spec.get(address).map_or(kind.stage(), |(stage, _)| *stage),
            action: Action::Delete,
            reason: reason.to_owned(),
            impact: if kind.holds_data() { Impact::DataLoss } else { Impact::None },
            id: Some(live.id.clone()),
            fields,
            depends_on: depends_on.iter().cloned().collect(),
        };
        let step = Step {
            kind: *kind,
            desired: None,
            live: Some(live.clone()),
            needs: BTreeSet::new(),
            uses: depends_on,
            create_first: false,
        };
        self.changes.push((change, step));
    }

    /// Deletion protection is only ever switched off by a change that somebody reviewed.
    fn refuse_if_protected(&mut self, kind: &dyn AnyKind, address: &Address, live: &Live<Value>) {
        let protection = kind.protected_by().and_then(|field| live.attrs.as_ref()?.get(field)?.as_bool());
        if protection == Some(true) {
            self.conflicts.push(format!(
                "{address} would be deleted and is protected from it: set `deletion-protection = false` in the \
                 spec, apply that, and then go on"
            ));
        }
    }

    /// The addresses of what an object's live attributes refer to.
    fn referred(&self, from: &Address, attrs: &Value) -> BTreeSet<Address> {
        let needs = self.spec.get(from).map(|(_, needs)| needs);
        let addresses = |link| match link {
            Link::Id { kind, output, id } => {
                let kind = crate::kinds::find(&kind).map_or("", AnyKind::name);
                let all = self.names.get(&(kind, output.as_str(), id.as_str())).map_or(&[][..], Vec::as_slice);
                // Of several that it may be, those that the spec knows it to need, if any.
                let needed = |address: &&&Address| needs.is_some_and(|needs| needs.contains(**address));
                let narrow = if all.len() > 1 { all.iter().filter(needed).count() } else { 0 };
                all.iter()
                    .filter(|address| narrow == 0 || needed(address))
                    .map(|&address| address.clone())
                    .collect()
            }
            Link::To { address, .. } => vec![address],
        };
        links(attrs).into_iter().flat_map(addresses).collect()
    }

    fn field(&self, difference: &Difference, replace_on: &[&str]) -> Field {
        let secret = is_secret(&difference.before) || is_secret(&difference.after);
        let hide = |value: &Value| if secret { Value::Null } else { self.shown(value) };
        Field {
            path: difference.path.clone(),
            before: hide(&difference.before),
            after: hide(&difference.after),
            secret,
            known_after_apply: !secret && !is_resolved(&difference.after),
            forces_replacement: replace_on.contains(&difference.field()),
        }
    }

    /// A value for people and machines: references by address, texts as they read.
    fn shown(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.shown(item)).collect(),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
                if let Some(parts) = map.get(tag::TEXT).and_then(Value::as_array) {
                    let part = |part: &Value| match part {
                        Value::String(literal) => literal.clone(),
                        other => format!("{{{}}}", self.shown(other).as_str().unwrap_or_default()),
                    };
                    return parts.iter().map(part).collect::<String>().into();
                }
                let suffix = match text("output") {
                    "id" | "arn" | "" => String::new(),
                    output => format!("#{output}"),
                };
                if map.contains_key(tag::TO) {
                    return format!("{}{suffix}", text(tag::TO)).into();
                }
                if map.contains_key(tag::ID) {
                    let kind = crate::kinds::find(text("kind")).map_or("", AnyKind::name);
                    let known = self.names.get(&(kind, text("output"), text(tag::ID)));
                    return match (known.and_then(|known| known.first()), text("output")) {
                        (Some(address), "id" | "arn") => address.to_string().into(),
                        _ => text(tag::ID).into(),
                    };
                }
                if map.contains_key(tag::SECRET) {
                    return Value::Null;
                }
                map.iter().map(|(key, value)| (key.clone(), self.shown(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn finish(mut self) -> Result<Draft, Refusal> {
        if !self.conflicts.is_empty() {
            return Err(Refusal::Conflicts(self.conflicts));
        }
        let place = |kind: &str| kinds::all().iter().position(|known| known.name() == kind);
        self.changes.sort_by_cached_key(|(change, step)| {
            let delete = change.action == Action::Delete;
            (change.stage, delete, place(step.kind.name()), change.address.clone(), change.id.clone())
        });
        self.kept.sort();
        let env = self.about.env;
        let (changes, steps) = self.changes.into_iter().unzip();
        // While planning, `world` leaves out what will move; carrying out starts from all that is live.
        let world = World::default();
        for Found { live, .. } in self.found {
            if let Some(address) = &live.address {
                world.learn(address, &live.id, live.outputs.clone());
            }
        }
        let plan = Plan {
            format_version: FORMAT_VERSION,
            project: env.project.clone(),
            environment: env.environment.clone(),
            account: env.account.clone(),
            region: env.region.clone(),
            destroy: self.options.destroy,
            spec_digest: self.options.spec_digest.clone(),
            live_digest: live_digest(self.found),
            changes,
            unchanged: self.unchanged,
            scheduled: self.scheduled,
            kept: self.kept,
            notes: Vec::new(),
        };
        Ok(Draft { plan, steps, world })
    }
}

/// An object that carries the project's tag but no environment's.
fn is_shared(live: &Live<Value>) -> bool {
    let tags = live.attrs.as_ref().and_then(|attrs| attrs.get("tags")?.as_object());
    tags.is_some_and(|tags| tags.contains_key("baseplate:project") && !tags.contains_key("baseplate:environment"))
}

fn is_ownership(path: &str) -> bool {
    path.starts_with("tags.baseplate:") || path == "task_definition_seal"
}

fn is_secret(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_secret),
        Value::Object(map) => map.contains_key(tag::SECRET) || map.values().any(is_secret),
        _ => false,
    }
}

/// SHA-256 of everything live. Secrets count by their version (an output), since their fingerprints are under
/// a key of this run; tags taken on trust do not count, since the index that they come from lags.
fn live_digest(found: &[Found]) -> String {
    let mut lines: Vec<String> = found
        .iter()
        .map(|Found { kind, live }| {
            let mut attrs = live.attrs.clone().unwrap_or_else(|| live.seal.clone().into());
            mask(&mut attrs);
            if let Some(map) = attrs.as_object_mut() {
                map.remove("tags");
            }
            format!("{} {} {:?} {attrs}", kind.name(), live.id, live.outputs)
        })
        .collect();
    lines.sort_unstable();
    Sha256::digest(lines.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) if map.contains_key(tag::SECRET) => map.clear(),
        Value::Object(map) => map.values_mut().for_each(mask),
        _ => {}
    }
}
