use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::conflict::Conflict;
use super::diff::{Difference, differences};
use super::guards::Allowances;
use super::known_outputs::KnownOutputs;
use super::{Change, Plan, guards};
use crate::applied::{Applied, InUse, NewerList};
use crate::aws::CloudError;
use crate::cloud::Context;
use crate::graph::{DependencyCycle, Graph};
use crate::kinds::{AnyKind, Live, content_digest};
use crate::spec::Environment;
use crate::value::Address;

/// Options of a plan.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Objects created elsewhere that may be adopted.
    pub adopt: BTreeSet<Address>,
    /// Objects that the spec has no longer and that shall go on existing, as nobody's.
    pub forget: BTreeSet<Address>,
    pub destroy: bool,
    /// Whether it is only looked at: every kind is read, not only those in use.
    pub looks_only: bool,
    /// Whether objects shared by the project's environments are deleted too, once the spec has them no longer.
    pub shared: bool,
    /// Kinds and fields that keep their live value whatever the spec says, such as an image that another tool deploys.
    pub keep_live: Vec<(&'static str, &'static str)>,
    pub allow: Allowances,
    pub spec_digest: String,
    /// The day (`2026-11-27`, UTC) that decides which entries of `[[accept]]` still hold.
    pub today: String,
    /// Whether nothing that was changed by hand is accepted: to see what is live.
    pub accepts_nothing: bool,
}

/// A plan with what is needed to apply it.
pub struct ExecutionPlan {
    pub plan: Plan,
    /// One for each change, in the same order.
    pub steps: Vec<Step>,
    /// Ids and outputs of all live objects.
    pub known_outputs: KnownOutputs,
    /// The record of the last apply.
    pub applied: Applied,
    /// Of which kinds there are objects or will be, for the environment's list of kinds.
    pub in_use: InUse,
    pub left: LeftOut,
    /// The environment and its objects as they were planned, where entries keep the names of earlier keys.
    pub named: Option<Box<(Environment, Graph)>>,
    /// What stands in the way of an apply: with any of these, nothing is carried out.
    pub conflicts: Vec<Conflict>,
}

/// What was due and is left for a later apply.
#[derive(Default)]
pub struct LeftOut {
    pub changes: Vec<Change>,
    /// One for each change, in the same order.
    pub steps: Vec<Step>,
    /// Indices of steps whose second phase is left: they make the first only.
    pub second_phases: BTreeSet<usize>,
}

impl LeftOut {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.second_phases.is_empty()
    }
}

impl ExecutionPlan {
    /// The plan with these of its changes only; of `first_phase_only`, no more than the first phase. Both are by step.
    /// What a person must approve is only what is still done.
    #[must_use]
    pub fn keep(mut self, keep: &[bool], first_phase_only: &[bool], allow: &Allowances) -> Self {
        let all = std::mem::take(&mut self.plan.changes).into_iter().zip(std::mem::take(&mut self.steps));
        for (index, (change, step)) in all.enumerate() {
            if !keep[index] {
                self.left.changes.push(change);
                self.left.steps.push(step);
                continue;
            }
            if first_phase_only[index] {
                self.left.second_phases.insert(self.steps.len());
            }
            self.plan.changes.push(change);
            self.steps.push(step);
        }
        self.plan.missing = guards::missing(&self.plan.changes, self.plan.unchanged, self.plan.destroy, allow);
        self
    }

    /// The plan, if nothing stands in the way of an apply.
    ///
    /// # Errors
    /// [`PlanError::Conflicts`].
    pub fn without_conflicts(self) -> Result<Self, PlanError> {
        if self.conflicts.is_empty() { Ok(self) } else { Err(PlanError::Conflicts(self.conflicts)) }
    }

    /// What the plan is of: the context that it was made in, with the names that live objects keep.
    pub fn context<'a>(&'a self, context: Context<'a>) -> Context<'a> {
        match self.named.as_deref() {
            Some((env, graph)) => Context { env, graph, ..context },
            None => context,
        }
    }

    /// The addresses of what is left, and of what is only half done.
    pub fn open(&self) -> impl Iterator<Item = &Address> {
        let half_done = self.left.second_phases.iter().filter_map(|&step| self.plan.changes.get(step));
        let open = self.left.changes.iter().chain(half_done).map(|change| &change.address);
        // What is in conflict is not planned.
        open.chain(self.conflicts.iter().filter_map(Conflict::address))
    }
}

/// How one change is applied.
pub struct Step {
    pub kind: &'static dyn AnyKind,
    /// Desired attributes with references unresolved; `None` for a delete.
    pub desired: Option<Rc<Value>>,
    pub live: Option<Live<Value>>,
    /// What the desired object refers to: changes of these addresses come first.
    pub needs: BTreeSet<Address>,
    /// Creations of these come first where possible: a preference that never makes a cycle.
    pub follows: BTreeSet<Address>,
    /// Updates run wave by wave.
    pub wave: Option<u32>,
    /// Its position among those of its kind in the spec.
    pub place: usize,
    /// What the live object refers to: these are deleted only after it.
    pub uses: BTreeSet<Address>,
    /// Whether a replacement creates the new object before it deletes the old one.
    pub create_first: bool,
    pub write_mode: WriteMode,
}

/// Whether the desired object is written at once, or in two phases with other changes between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    Single,
    /// First live and desired attributes together (`Kind::expand`, as in expand and contract); what is removed goes
    /// once everything that serves traffic has changed.
    ExpandContract,
    /// Something is only removed: there is just the second phase.
    ContractOnly,
    /// First without traffic to what is not ready yet (`Kind::without_traffic`); as desired once everything that
    /// depends on the object is ready.
    TrafficLast,
}

impl WriteMode {
    /// How to write these attributes, resolved as far as is known, over the live object, if there is one.
    pub(crate) fn of(kind: &dyn AnyKind, live: Option<&Live<Value>>, desired: &Value) -> Self {
        let before = live.and_then(|live| live.attrs.as_ref());
        if live.is_some() && before.is_none() {
            return Self::Single;
        }
        if let (Some(live), Some(wide)) = (live, before.and_then(|before| kind.expand(before, desired))) {
            return if field_changes(kind, &wide, live).is_empty() {
                Self::ContractOnly
            } else {
                Self::ExpandContract
            };
        }
        if kind.without_traffic(before, desired).is_some() { Self::TrafficLast } else { Self::Single }
    }
}

/// Why planning failed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Calls that failed.
    #[error("{}", lines(.0))]
    Cloud(Vec<CloudError>),
    #[error(transparent)]
    Cycle(#[from] DependencyCycle),
    #[error(transparent)]
    Newer(#[from] NewerList),
    /// Conflicts that a person must resolve.
    #[error("{}", lines(.0))]
    Conflicts(Vec<Conflict>),
}

fn lines(errors: &[impl ToString]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Names of the top-level fields in which resolved desired attributes differ from what is live.
pub fn field_changes(kind: &dyn AnyKind, desired: &Value, live: &Live<Value>) -> Vec<String> {
    let mut changed: Vec<String> =
        compare(kind, desired, live).iter().map(|difference| difference.field().to_owned()).collect();
    changed.dedup();
    changed
}

/// How a live object differs from the desired one.
pub(super) fn compare(kind: &dyn AnyKind, desired: &Value, live: &Live<Value>) -> Vec<Difference> {
    if live.content_digest.as_ref().is_some_and(|digest| *digest == content_digest(desired)) {
        return Vec::new();
    }
    match &live.attrs {
        Some(attrs) => {
            let found = differences(desired, attrs, &live.unread);
            if found.is_empty() {
                return found;
            }
            // Most objects are up to date as they are, and need not be deserialized into their kind's types.
            let mut attrs = attrs.clone();
            kind.normalize(desired, &mut attrs);
            differences(desired, &attrs, &live.unread)
        }
        None => differences(desired, &Value::Null, &[]),
    }
}
