use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::Plan;
use super::diff::{Difference, differences};
use super::guards::Allowances;
use super::world::World;
use crate::applied::{Applied, InUse};
use crate::aws::CloudError;
use crate::kinds::{AnyKind, Live, seal};
use crate::value::Address;

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
    pub allow: Allowances,
    pub spec_digest: String,
}

/// A plan, and beside it what carrying it out needs.
pub struct Draft {
    pub plan: Plan,
    /// One for each change, in the same order.
    pub steps: Vec<Step>,
    /// Ids and outputs of all that is live.
    pub world: World,
    /// What the spec asked for when it was last applied, in so far as that is still there.
    pub applied: Applied,
    /// Of which kinds there are objects or will be, for the environment's list of kinds.
    pub in_use: InUse,
}

/// How one change is carried out.
pub struct Step {
    pub kind: &'static dyn AnyKind,
    /// As the spec wants it, nothing resolved; `None` for a delete.
    pub desired: Option<Rc<Value>>,
    pub live: Option<Live<Value>>,
    /// What the desired object needs: changes of these addresses come first.
    pub needs: BTreeSet<Address>,
    /// Creations of these come first, if nothing forbids: a preference, and never a cycle.
    pub follows: BTreeSet<Address>,
    /// Updates go wave by wave.
    pub wave: Option<u32>,
    /// Its place among those of its kind in the spec.
    pub place: usize,
    /// What the live object refers to: these go only after it.
    pub uses: BTreeSet<Address>,
    /// Whether the new object of a replacement is made before the old one goes.
    pub create_first: bool,
    pub halves: Halves,
}

/// Whether the desired object is written in one go, or in two between which others are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halves {
    One,
    /// First what is live and what is desired together (`Kind::widen`); what goes is removed when all that serves has
    /// changed.
    Widen,
    /// Something only goes: there is nothing to do but at the end.
    Narrow,
    /// First so that no request goes to what is not ready yet (`Kind::hold_back`); as desired when all that needs the
    /// object is.
    HoldBack,
}

impl Halves {
    /// How attributes, with everything resolved that is known, are written over what is live, if anything is.
    pub(crate) fn of(kind: &dyn AnyKind, live: Option<&Live<Value>>, desired: &Value) -> Self {
        let before = live.and_then(|live| live.attrs.as_ref());
        if live.is_some() && before.is_none() {
            return Self::One;
        }
        if let (Some(live), Some(wide)) = (live, before.and_then(|before| kind.widen(before, desired))) {
            return if field_changes(kind, &wide, live).is_empty() { Self::Narrow } else { Self::Widen };
        }
        if kind.hold_back(before, desired).is_some() { Self::HoldBack } else { Self::One }
    }
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Refusal {
    Cloud(Vec<CloudError>),
    /// Something is in the way that a person must decide.
    Conflicts(Vec<String>),
}

/// Names of the top-level fields in which resolved desired attributes differ from what is live.
pub fn field_changes(kind: &dyn AnyKind, desired: &Value, live: &Live<Value>) -> Vec<String> {
    let mut changed: Vec<String> =
        compare(kind, desired, live).iter().map(|difference| difference.field().to_owned()).collect();
    changed.dedup();
    changed
}

/// How a live object differs from what is wanted.
pub(super) fn compare(kind: &dyn AnyKind, desired: &Value, live: &Live<Value>) -> Vec<Difference> {
    if live.seal.as_ref().is_some_and(|sealed| *sealed == seal(desired)) {
        return Vec::new();
    }
    match &live.attrs {
        Some(attrs) => {
            let found = differences(desired, attrs, &live.unread);
            if found.is_empty() {
                return found;
            }
            // Most of what is live is as it should be, word for word, and spared the way through its kind's types.
            let mut attrs = attrs.clone();
            kind.settle(desired, &mut attrs);
            differences(desired, &attrs, &live.unread)
        }
        None => differences(desired, &Value::Null, &[]),
    }
}
