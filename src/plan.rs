//! Desired against live: the [`Plan`], a value that is shown, saved and applied.

mod address_index;
mod conflict;
mod diff;
mod digest;
mod execution;
mod guards;
mod known_outputs;
mod make;
mod moved;
mod planner;
mod recognise;
mod recording;
mod replacement;
mod source;
mod unmanaged;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::kinds::{Impact, Stage};
use crate::spec::Environment;
use crate::value::{Address, sha256};

pub use address_index::{AddressIndex, is_ownership};
pub use conflict::Conflict;
pub use diff::{Difference, between};
pub use execution::{ExecutionPlan, LeftOut, Options, PlanError, Step, WriteMode, field_changes};
pub use guards::{AddressPattern, Allowances, PatternError, going};
pub use known_outputs::{KnownOutputs, SecretMode, resolve_with, variables};
pub use make::make;
pub use recognise::recognise;
pub use replacement::create_first;
pub use source::{Refusal, Source, Sources};
pub use unmanaged::{Unmanaged, UnmanagedSort, lines as unmanaged_lines};

/// The version of the plan's JSON. Others are refused.
pub const FORMAT_VERSION: u32 = 1;

/// Every change that makes an environment match its spec, in documented order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format. It changes when fields do.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: u32,
    pub project: String,
    pub environment: String,
    /// The AWS account's number.
    pub account: String,
    pub region: String,
    /// Whether this is a plan to destroy the environment.
    pub destroy: bool,
    /// SHA-256 of the merged spec, hex.
    pub spec_digest: String,
    /// SHA-256 of what the plan manages of the live state, hex; secrets by version, not by value.
    pub live_digest: String,
    /// By stage and kind; what goes comes after what is made.
    pub changes: Vec<Change>,
    /// Seconds that all changes typically take on AWS, along the longest chain of those that wait for one another.
    pub seconds: u64,
    /// How many objects stay as they are.
    pub unchanged: usize,
    /// What AWS has accepted already and will do later.
    pub scheduled: Vec<String>,
    /// What is not destroyed, because the project's other environments use it.
    pub kept: Vec<Address>,
    /// What the spec leaves to AWS, as it is live. Never a difference.
    pub left_to_aws: Vec<LeftToAws>,
    /// What somebody made by hand that no spec asks for: an apply leaves it as it is. Dangerous things come first, and what
    /// the spec accepts last. Not part of the hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<Unmanaged>,
    /// Options without which `apply` refuses this plan, since it would lose data or take much away.
    pub missing: Vec<String>,
    /// What stands in the way of an apply: as long as there is anything, none of the plan is applied. Not part of the hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// What a person should know that is no change.
    pub notes: Vec<String>,
}

/// The JSON Schema of a plan, as generated from the types.
pub fn schema() -> Value {
    schemars::schema_for!(Plan).to_value()
}

impl Plan {
    /// Without changes.
    pub fn empty(env: &Environment) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            project: env.project.clone(),
            environment: env.environment.clone(),
            account: env.account.clone(),
            region: env.region.clone(),
            destroy: false,
            spec_digest: String::new(),
            live_digest: String::new(),
            changes: Vec::new(),
            seconds: 0,
            unchanged: 0,
            scheduled: Vec::new(),
            kept: Vec::new(),
            left_to_aws: Vec::new(),
            unmanaged: Vec::new(),
            missing: Vec::new(),
            refused: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What of it was changed by hand: without what the spec asks for, and without what only follows from the rest of it.
    /// A secret that differs stays: nobody can tell whether it was changed or its variable has another value here.
    pub fn drift(mut self) -> Self {
        for change in &mut self.changes {
            if change.action == Action::Update {
                change.fields.retain(|field| {
                    (field.secret || field.origin != Origin::Requested) && !field.known_after_apply
                });
                let origins =
                    change.fields.iter().map(|field| if field.secret { Origin::Drift } else { field.origin });
                change.origin = origins.min().unwrap_or_default();
            } else if change.action == Action::Replace && change.fields.iter().all(|field| field.known_after_apply)
            {
                change.origin = Origin::Requested;
            }
        }
        let (kept, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.changes).into_iter().partition(|change| change.origin != Origin::Requested);
        self.changes = kept;
        // What is said of no object, or of one that only the spec changes, is a plan's to say.
        let is_of = |note: &str, change: &Change| note.starts_with(&format!("{}: ", change.address));
        self.notes.retain(|note| {
            let of_kind = note.split_once('.').is_some_and(|(kind, _)| crate::kinds::find(kind).is_some());
            let of_drift = note.starts_with(planner::ENTRY);
            of_drift || of_kind && !others.iter().any(|change| is_of(note, change))
        });
        self
    }

    /// What the plan would do, as a SHA-256 in hex: of the spec and every change, not of what stays as it is. Two
    /// plans with the same hash do the same.
    pub fn hash(&self) -> String {
        let Self { project, environment, account, region, destroy, spec_digest, .. } = self;
        let changes: Vec<Hashed> = self.changes.iter().map(Hashed).collect();
        sha256(&(self.format_version, [project, environment, account, region, spec_digest], destroy, changes))
    }

    /// How many changes of each action.
    pub fn counts(&self) -> [(Action, usize); Action::ALL.len()] {
        Action::ALL.map(|action| (action, self.changes.iter().filter(|change| change.action == action).count()))
    }
}

/// What the plan's hash takes in of a change.
struct Hashed<'a>(&'a Change);

impl Serialize for Hashed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Change { address, moved_from, action, id, fields, .. } = self.0;
        let fields: Vec<_> =
            fields.iter().map(|field| (&field.path, &field.before, &field.after, field.secret)).collect();
        match moved_from {
            None => (address, action, id, fields).serialize(serializer),
            Some(from) => (address, action, id, fields, from).serialize(serializer),
        }
    }
}

/// What happens to one object, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub address: Address,
    /// The address that the live object has until then, where its entry in the spec has another key (`[[moved]]`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
    pub stage: Stage,
    pub action: Action,
    pub reason: String,
    pub impact: Impact,
    /// Seconds that it typically takes on AWS.
    pub seconds: u64,
    /// Where it comes from: from the spec as soon as one of its fields does.
    #[serde(default, skip_serializing_if = "Origin::is_requested")]
    pub origin: Origin,
    /// What it means that somebody changed this by hand, where that is dangerous: what is open to the world, who has
    /// administrator rights, what is no longer encrypted, backed up or protected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dangers: Vec<String>,
    /// Whether it would lose data and nobody has allowed that: such a plan is refused when it is applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guarded: bool,
    /// The live object's id, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The entry of the spec that the object derives from; left out of what the spec has no longer, and of what it has
    /// without an entry. Not part of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    pub fields: Vec<Field>,
    /// What the object refers to or must wait for; not all of it changes.
    pub depends_on: Vec<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Update,
    Replace,
    Delete,
    /// An update that also takes ownership of an object made elsewhere.
    Adopt,
    /// Only its ownership tags are taken off: it goes on existing, and is nobody's.
    Forget,
}

impl Action {
    /// In the order in which they are counted.
    pub const ALL: [Self; 6] = [Self::Create, Self::Update, Self::Replace, Self::Delete, Self::Adopt, Self::Forget];

    /// The mark before an address in the plan's text.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "±",
            Self::Delete => "-",
            Self::Adopt => "^",
            Self::Forget => "v",
        }
    }

    pub fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
        }
    }
}

/// One field that changes. References are shown by address; an element that enters or leaves a set has a path
/// that ends in `[]` and only an `after` or a `before`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub path: String,
    /// Null where there is nothing.
    pub before: Value,
    pub after: Value,
    /// Then `before` and `after` say nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Whether part of `after` is an output that is known only once something else was made or changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known_after_apply: bool,
    /// Whether AWS cannot change it in place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Whether what the object holds is lost by this change of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loses_data: bool,
    #[serde(default, skip_serializing_if = "Origin::is_requested")]
    pub origin: Origin,
    /// Where the spec writes it; left out where it follows from something else. Not part of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

impl Change {
    /// The fields that make it what it is: those for which AWS must replace the object or by which data is lost.
    pub fn causes(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.forces_replacement || field.loses_data)
    }
}

impl Field {
    /// The name of the top-level field.
    pub fn name(&self) -> &str {
        top_level(&self.path)
    }
}

fn top_level(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// Where a difference between what is wanted and what is live comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The spec changed, or what it takes its values from; or it was never applied.
    #[default]
    Requested,
    /// What the spec manages was changed by hand.
    Drift,
    /// Somebody added it by hand inside what the environment owns; the spec never had it.
    Unmanaged,
}

impl Origin {
    fn is_requested(&self) -> bool {
        *self == Self::Requested
    }

    /// One word for a line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Drift => "drift",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// The live value of a field that the spec leaves to AWS.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LeftToAws {
    pub address: Address,
    pub path: String,
    pub value: Value,
}
