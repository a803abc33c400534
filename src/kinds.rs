//! The AWS kinds: one file each, one struct of attributes that is both the desired and the live shape.
//!
//! A kind says what an [`Environment`] wants of it and what a change means, without AWS ([`Kind`]); beside that, in
//! one part of its file that is there with the feature `aws` only, it reads everything of its sort that is live, and
//! creates, updates and deletes one object (`Calls`). Everything else (diff, graph, order, retries, waiting,
//! rendering) is written once, over the serialised attributes.

mod all_outputs;
#[cfg(feature = "aws")]
mod calls;
mod catalog;
pub mod compute;
pub mod config;
pub mod data;
mod dns_instructions;
pub mod edge;
pub mod environment_outputs;
mod erased;
pub mod example;
pub mod identity;
#[cfg(feature = "aws")]
pub mod members;
pub mod monitoring;
pub mod network;
pub mod origin;
#[cfg(feature = "aws")]
mod ownership;
pub mod preflight;
pub mod registry;
mod resource_policy;
pub mod rules;
mod stage;
pub mod terraform;
mod users;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[cfg(feature = "aws")]
use crate::aws::{Aws, CloudError, OwnError, Reader};
use crate::spec::{AnySection, Environment};
use crate::value::{Address, SecretStore, Target};

use environment_outputs::{EnvironmentOutput, LiveObject};
use example::Example;
#[cfg(feature = "aws")]
use members::Members;
use preflight::Question;
#[cfg(feature = "aws")]
use preflight::{Answer, Coming};
use rules::{Rule, TagCharacters};
use terraform::{Block, This};

pub use all_outputs::{environment_outputs, kinds_of_outputs};
pub use catalog::{all_rules, broken_rules, catalog, places, questions};
pub use dns_instructions::dns_instructions;
#[cfg(feature = "aws")]
pub use erased::tag_index;
pub use erased::{AnyKind, all, find};
pub use stage::{Impact, Stage, StageRange, StageRangeError};
pub use users::{FindUsers, User, Users};

/// What others may refer to besides the id: `"arn"`, `"dns_name"`, …
pub type Outputs = BTreeMap<String, String>;

/// One AWS kind. See the module's own words for who calls what.
pub trait Kind: Target + Sized + 'static {
    /// The sections of the spec that this kind brings. What several kinds derive from is brought by one of them.
    const SECTIONS: &'static [&'static dyn AnySection] = &[];
    /// Specs that want objects of this kind, together with every field of its sections, and changes of them. Of kinds
    /// that derive from one section, the one that brings it has them.
    const EXAMPLES: &'static [Example] = &[];
    /// AWS's rules on the attributes, each held against every desired object.
    const RULES: &'static [Rule<Self::Attrs>] = &[];
    /// What AWS takes in its tags.
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Letters;
    /// Fields of `Attrs` with where the object's entry in the spec ([`Desired::origin`]) has them, with dots; for those
    /// that it does not write the same in kebab case.
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[];
    /// What is asked of AWS before objects of this kind are made or changed.
    const PREFLIGHT: &'static [&'static Question] = &[];
    /// The outputs of an environment that its objects tell, as in `databases.….endpoint`, where `…` is an entry's key.
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &[];
    /// Other kinds whose live objects those are made of, too.
    const ENVIRONMENT_OUTPUTS_NEED: &'static [&'static str] = &[];
    /// Fields of a new object that a reader asks about first, in that order: where a plan is short, it shows these.
    const SUMMARY: &'static [&'static str] = &[];
    /// Its place in the documented order. A single object may be told to come at another (`Desired::stage`).
    const STAGE: Stage;
    /// Fields of `Attrs` that AWS cannot change in place.
    const REPLACE_ON: &'static [&'static str];
    /// The outputs besides `id`. All are known once the object is ready.
    const OUTPUTS: &'static [&'static str] = &[];
    /// Outputs that an update changes: who refers to one of them changes too.
    const CHANGING_OUTPUTS: &'static [&'static str] = &[];
    /// Whether an update waits for what its creation only prefers to follow, and is skipped if that fails.
    const UPDATES_FOLLOW: bool = false;
    /// How the names of those outputs begin of which any object of the kind that has one has the same value: a
    /// replacement, too, and one under another address.
    const SHARED_OUTPUTS: &'static [&'static str] = &[];
    /// The field that holds the object's unique physical name, where AWS has such: how an object that has our
    /// name but not our tags is recognised. Where it has none, [`Kind::is_counterpart`] says how.
    const IDENTITY: Option<&'static str> = None;
    /// The field whose value no two objects of a spec may share: where a name is unique only within something that all
    /// of them are in, such as a VPC, [`Kind::IDENTITY`] does not say so.
    const UNIQUE: Option<&'static str> = Self::IDENTITY;
    /// The type under which the Resource Groups Tagging API lists it, as in ARNs: `ec2:vpc`; of what has no tags of
    /// ours, the type of what it is part of. By it an object is found of which neither the spec nor the environment's
    /// list of kinds tells. `None` for what that API does not list (IAM roles, records in Route 53).
    const TAG_INDEX: Option<&'static str> = None;
    /// Whether its tags are read from there, for want of a batch call for tags.
    const TAGS_FROM_INDEX: bool = false;
    /// Fields of `Attrs` that refer to what the object is inside of: one that somebody makes by hand inside what is ours is
    /// told. Where there are none, an object whose name begins as ours do is.
    const INSIDE: &'static [&'static str] = &[];
    /// Fields of `Attrs` that AWS never tells of an object that is there; they are not compared.
    const UNREAD: &'static [&'static str] = &[];
    /// Whether CloudTrail has its events in the partition's global region, and not in the environment's.
    const GLOBAL_EVENTS: bool = false;
    /// The field of its deletion protection: while it is on, AWS rejects a deletion.
    const PROTECTED_BY: Option<&'static str> = None;
    /// Whether AWS deletes one that others still refer to: a route may lead to a NAT gateway that is gone. A cloud file
    /// refuses what AWS would.
    const DELETED_IN_USE: bool = false;
    /// Kinds whose objects must be deleted before this kind's, although no reference says so.
    const DELETE_AFTER: &'static [&'static str] = &[];
    /// Whether traffic passes through it, or running tasks use it. Such an object is deleted only after everything that
    /// replaces it is ready.
    const SERVES_TRAFFIC: bool = false;
    /// The kind of its backend: an object of that kind must refer to it before it can serve requests.
    const BACKED_BY: Option<&'static str> = None;
    /// Whether a write may have two phases: for kinds that have [`Kind::expand`] or [`Kind::without_traffic`]. The
    /// others are not asked, which would deserialize each object's attributes.
    const TWO_PHASE_WRITES: bool = false;
    /// Whether a replacement is created before the old object is deleted. A kind with a unique name must either say no,
    /// or use `Create::alternate` for its name.
    const CREATE_FIRST: bool = true;
    /// How long, in seconds, `poll` may return `Poll::Waiting` before the change fails.
    const DEADLINE: u64 = 300;
    /// Expected seconds of a create on AWS, and of an update that interrupts: for scheduling by longest path, estimates
    /// and rehearsals. Other updates take a moment.
    const EXPECTED_SECONDS: u64 = 2;
    /// Expected seconds until a deleted object is gone.
    const EXPECTED_DELETE_SECONDS: u64 = 2;

    /// Desired and live shape in one. Every managed field is serialised with its default; `None` in a desired
    /// field means "leave it to AWS"; sets are `BTreeSet` or sorted; other objects are `Ref`s.
    type Attrs: Clone + Serialize + DeserializeOwned;

    fn desired(env: &Environment) -> Vec<Desired<Self::Attrs>>;

    /// Whether a live object is the counterpart of the desired one, because AWS allows only one of them: how it is
    /// recognised without its ownership tags. References are resolved as far as they are known. An object with the name
    /// in [`Kind::IDENTITY`] is recognised in any case.
    fn is_counterpart(_desired: &Self::Attrs, _live: &Self::Attrs) -> bool {
        false
    }

    /// Normalizes `live` to `desired` where both mean the same to AWS (`16` and `16.3`).
    fn normalize(_desired: &Self::Attrs, _live: &mut Self::Attrs) {}

    /// What a person should know of a difference that neither its fields nor its impact say, in words for the plan: that
    /// AWS cannot make it ([`Kind::normalize`] makes it none then), or cannot take it back.
    fn notes(_desired: &Self::Attrs, _live: &Self::Attrs) -> Vec<String> {
        Vec::new()
    }

    /// Why AWS would refuse this update of an object that is used so, and what to do instead. A plan is refused with
    /// it, and so is the call on a cloud file. While planning, `desired` has references to what is yet to be created.
    fn refusal(_live: &Self::Attrs, _desired: &Self::Attrs, _users: &Users<'_>) -> Option<String> {
        None
    }

    /// Where an update removes what may still be in use (expand and contract): attributes with old and new values
    /// together. The engine writes these in the object's turn, and `desired` at the end, once everything that serves
    /// traffic has changed. `None` where nothing is removed, or where both together exceed a quota. While planning,
    /// `desired` has references to what is yet to be created.
    fn expand(_live: &Self::Attrs, _desired: &Self::Attrs) -> Option<Self::Attrs> {
        None
    }

    /// Where a write would send traffic to what is not ready yet: attributes with which the object exists without
    /// traffic. The engine writes these in the object's turn, and `desired` once everything that depends on the
    /// object is ready, before what served until then is deleted. `live` is `None` for a creation; while planning,
    /// `desired` has references to what is yet to be created.
    fn without_traffic(_live: Option<&Self::Attrs>, _desired: &Self::Attrs) -> Option<Self::Attrs> {
        None
    }

    /// The impact of an update of these fields on those who use the object. `desired` has references to what is yet to
    /// be created. What is out because something else is replaced is not asked here: the planner passes that on.
    fn impact(_live: &Self::Attrs, _desired: &Self::Attrs, _changed: &[String], _users: &Users<'_>) -> Impact {
        Impact::None
    }

    /// What is dangerous in how it is live, where the spec wants it otherwise: each with the attribute that says so, in
    /// words for a plan. It is told of what somebody changed by hand.
    fn dangers(_desired: &Self::Attrs, _live: &Self::Attrs) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What is dangerous in a setting that somebody gave the object ([`Live::settings`]), in words for a plan.
    fn setting_danger(_name: &str, _value: &str) -> Option<String> {
        None
    }

    /// What it means to others that this object goes: [`Impact::Outage`] or [`Impact::None`]. Asked for a deletion, and
    /// for a replacement that deletes before it creates. Unless a kind knows better, an outage where traffic passes
    /// through an object that something uses, and where AWS deletes what something goes on using; what AWS keeps as
    /// long as it is used interrupts nobody when it goes.
    fn deletion_impact(_live: &Self::Attrs, users: &Users<'_>) -> Impact {
        let interrupts = if Self::SERVES_TRAFFIC { users.lose() } else { Self::DELETED_IN_USE && users.stay() };
        if interrupts { Impact::Outage } else { Impact::None }
    }

    /// Expected seconds of an update of these fields on AWS, where they are not those that its impact implies: as for a
    /// creation if it interrupts, else a moment.
    fn update_seconds(_live: &Self::Attrs, _desired: &Self::Attrs, _changed: &[String]) -> Option<u64> {
        None
    }

    /// Whether deleting this object loses data that cannot be recreated.
    fn holds_data(_live: &Self::Attrs) -> bool {
        false
    }

    /// Whether an update of these fields changes this one of the `CHANGING_OUTPUTS` outputs.
    fn changes_output(_output: &str, _changed: &[String]) -> bool {
        true
    }

    /// Kinds whose deletions must be over before this object, which is no longer in the spec, is deleted.
    fn deleted_after(_live: &Self::Attrs) -> &'static [&'static str] {
        Self::DELETE_AFTER
    }

    /// What CloudTrail's events may call the object with this id (`resources` in its records), the likeliest first.
    fn event_names(id: &str, outputs: &Outputs) -> Vec<String> {
        let mut names = vec![id.to_owned()];
        names.extend(outputs.get("arn").filter(|arn| *arn != id).cloned());
        names
    }

    /// A text that stands in each of the object's events, where others have their events under the same name.
    fn event_text(_id: &str) -> Option<String> {
        None
    }

    /// What people open, call or run of this object. Nothing that is secret: of what is, the command that reads it.
    fn environment_outputs(_live: &LiveObject<'_, Self::Attrs>) -> Vec<EnvironmentOutput> {
        Vec::new()
    }

    /// A value of this field of a plan, or one element of it, as people say it: `tcp 443 from 0.0.0.0/0 "HTTPS"`. References
    /// stand there by address. `None` where the value reads well as it is.
    fn in_words(_field: &str, _value: &Value) -> Option<String> {
        None
    }

    /// The object as Terraform's resources: the object itself first, then what Terraform has as resources of their
    /// own. References are by address.
    fn terraform(attrs: &Self::Attrs, this: &This<'_>) -> Vec<Block>;
}

/// The side of a kind that calls AWS.
#[cfg(feature = "aws")]
pub trait Calls: Kind {
    /// The errors that mean something of their own in this kind's calls. Whoever calls it sees them with that meaning.
    const ERRORS: &'static [OwnError] = &[];

    /// What becomes of all that AWS answers about its objects.
    fn members() -> Vec<Members>;

    /// Every live object of this kind that has all or some of our tags, and those that may be the counterpart of a
    /// desired one. Calls grow with pages, not with objects.
    async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Self::Attrs>>, CloudError>;

    /// Saves what makes the next read cheaper, if it has changed: under the lock, after all changes.
    async fn save_cache(_aws: &Aws, _env: &Environment) -> Result<(), CloudError> {
        Ok(())
    }

    /// Reads one object in full whose `Live` is unconfirmed: called only for objects that seem to differ or are to be
    /// deleted.
    async fn refresh(_read: &Reader<'_>, _live: &mut Live<Self::Attrs>) -> Result<(), CloudError> {
        Ok(())
    }

    /// Answers what [`Kind::PREFLIGHT`] asks of these objects, which a plan makes or changes: in few calls, at once, and
    /// none for what the changes do not touch. A call that fails makes its answers unknown ([`preflight::Verdict::failed`]).
    async fn preflight(_read: &Reader<'_>, _coming: &[Coming<'_, Self::Attrs>]) -> Vec<Answer> {
        Vec::new()
    }

    async fn create(aws: &Aws, new: &Create<'_, Self::Attrs>) -> Result<WriteResult, CloudError>;
    async fn update(aws: &Aws, change: &Update<'_, Self::Attrs>) -> Result<WriteResult, CloudError>;
    async fn delete(aws: &Aws, gone: &Delete<'_, Self::Attrs>) -> Result<(), CloudError>;

    /// Checks once whether the object is ready (or gone). Called until it returns something other than waiting.
    async fn poll(_aws: &Aws, _look: &PollTarget<'_, Self::Attrs>) -> Result<Poll, CloudError> {
        Ok(Poll::Done(Outputs::new()))
    }
}

/// One desired object.
pub struct Desired<A> {
    /// The name part of the address.
    pub name: String,
    /// The path of the entry of the spec that it is derived from: `["databases", "main"]`.
    pub origin: Vec<String>,
    pub attrs: A,
    /// Where it comes in the documented order, if not where its kind does.
    pub stage: Option<Stage>,
    /// What must exist first although no reference says so.
    pub after: Vec<Address>,
    /// What is created before it where possible: a preference.
    pub follows: Vec<Address>,
    /// Updates of objects with waves run wave by wave: the next starts when the one before is steady.
    pub wave: Option<u32>,
    /// Whether it is external: it must exist, and is never written.
    pub external: bool,
    /// Whether deleting or replacing it requires approval, in case it holds data.
    pub protect: bool,
}

impl<A> Desired<A> {
    /// `origin` is the path of the entry of the spec that it is derived from.
    pub fn new(name: impl Into<String>, origin: &[&str], attrs: A) -> Self {
        Self {
            name: name.into(),
            origin: origin.iter().map(|&step| step.to_owned()).collect(),
            attrs,
            stage: None,
            after: Vec::new(),
            follows: Vec::new(),
            wave: None,
            external: false,
            protect: true,
        }
    }
}

/// One object as it is in AWS.
#[derive(Clone, Debug)]
pub struct Live<A> {
    /// From the ownership tags; `None` for an object that has our name but not our tags. Where it is unconfirmed and
    /// the tags were not read: the address that the name implies, or `None`.
    pub address: Option<Address>,
    /// The value of references to it.
    pub id: String,
    pub outputs: Outputs,
    /// `None` while only `content_digest` is known.
    pub attrs: Option<A>,
    /// Fields of `attrs` that AWS does not tell of this object at this time, besides [`Kind::UNREAD`]: they are not
    /// compared.
    pub unread: Vec<&'static str>,
    /// Whether part of it is unconfirmed: the engine calls `refresh` before it acts on a difference.
    pub unconfirmed: bool,
    /// [`content_digest`] of the attributes, where that is known without reading them.
    pub content_digest: Option<String>,
    /// A state in which AWS refuses changes and that does not end by itself, and what ends it ("it is stopped: …").
    pub stuck: Option<String>,
    /// Changes that AWS has accepted and will make later ("class → db.t4g.small in the maintenance window").
    pub scheduled: Vec<String>,
    /// What somebody has set that no spec asks for, by AWS's names: members of its answer that no attribute holds and that
    /// are not AWS's defaults. It is told, and left as it is.
    pub settings: BTreeMap<String, String>,
}

impl<A> Live<A> {
    pub fn new(address: Option<Address>, id: impl Into<String>, attrs: A) -> Self {
        Self {
            address,
            id: id.into(),
            outputs: Outputs::new(),
            attrs: Some(attrs),
            unread: Vec::new(),
            unconfirmed: false,
            content_digest: None,
            stuck: None,
            scheduled: Vec::new(),
            settings: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn output(mut self, name: &str, value: impl Into<String>) -> Self {
        self.outputs.insert(name.to_owned(), value.into());
        self
    }
}

/// A digest of attributes (SHA-256 of their JSON, 16 hex digits), by which an immutable object is known to be
/// equal without being read.
pub fn content_digest<A: Serialize>(attrs: &A) -> String {
    use sha2::Digest;
    // By way of `Value`, whose keys are sorted: the order of a struct's fields is not part of its meaning.
    let json = serde_json::to_value(attrs).unwrap_or_default().to_string();
    hex::encode(&sha2::Sha256::digest(&json)[..8])
}

/// The arguments of `create`. `attrs` is resolved: no `Ref::To`, no text with references, secrets by fingerprint.
pub struct Create<'a, A> {
    pub address: &'a Address,
    pub attrs: &'a A,
    pub secret_store: &'a SecretStore,
    /// An idempotency token for the calls that take one: the same in a retry, another in another run.
    pub token: &'a str,
    /// Set when the object replaces one that still has the name: use `names::alternate` of it.
    pub alternate: bool,
}

pub struct Update<'a, A> {
    pub address: &'a Address,
    pub id: &'a str,
    pub outputs: &'a Outputs,
    pub before: &'a A,
    pub attrs: &'a A,
    /// Names of the top-level fields that differ.
    pub changed: &'a [String],
    pub secret_store: &'a SecretStore,
    pub token: &'a str,
}

impl<A> Update<'_, A> {
    pub fn changes(&self, field: &str) -> bool {
        self.changed.iter().any(|changed| changed == field)
    }
}

pub struct Delete<'a, A> {
    pub address: &'a Address,
    pub id: &'a str,
    pub outputs: &'a Outputs,
    pub attrs: &'a A,
}

/// The result of `create` and `update`: the id, and the outputs known so far (`poll` may add more).
#[derive(Clone, Debug, Default)]
pub struct WriteResult {
    pub id: String,
    pub outputs: Outputs,
}

impl WriteResult {
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), outputs: Outputs::new() }
    }

    #[must_use]
    pub fn output(mut self, name: &str, value: impl Into<String>) -> Self {
        self.outputs.insert(name.to_owned(), value.into());
        self
    }
}

pub struct PollTarget<'a, A> {
    pub id: &'a str,
    pub attrs: &'a A,
    pub outputs: &'a Outputs,
    pub goal: Goal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    Ready,
    Gone,
}

pub enum Poll {
    /// It is, with outputs that were not known before.
    Done(Outputs),
    /// Not yet; what is being waited for, in a few words ("state: pending").
    Waiting(String),
    /// It never will be, and why, with what to do next.
    Failed(String),
}
