//! Whether the plan is still the one that was reviewed, and if not, what has moved.

use std::collections::BTreeSet;
use std::path::Path;

use super::Failure;
use crate::cli::Exit;
use crate::graph::Graph;
use crate::plan::{Change, Origin, Plan, variables};
use crate::value::Address;

/// What moved since a plan was reviewed. `variables` are those whose value the reviewed plan did not know.
pub fn other_hash(now: &Plan, variables: &[String]) -> Failure {
    let hash = now.hash();
    let (why, help) = match variables {
        [] => (
            "The spec, the live state or the options (--stages, --image) have changed since".to_owned(),
            "plan again, review it, and apply with its hash".to_owned(),
        ),
        variables => (
            format!("It was planned without {}, and the live value is another", variables.join(", ")),
            "plan where the variable is set, review that plan, and apply with its hash".to_owned(),
        ),
    };
    let message = format!("the plan now has another hash: {hash}. {why}; nothing was changed");
    Failure::new(Exit::Refused, message, help)
}

/// The environment variables that bring about changes which a plan without them does not have.
pub fn new_values(graph: &Graph, now: &Plan, blind: &Plan) -> Vec<String> {
    let is_new = |address: &Address| {
        let of = |plan: &Plan| plan.changes.iter().find(|change| change.address == *address).cloned();
        of(now) != of(blind)
    };
    let objects = graph.objects.iter().filter(|object| is_new(&object.address));
    let names: BTreeSet<String> = objects.flat_map(|object| variables(&object.attrs)).collect();
    names.into_iter().collect()
}

/// The path comes from the plan, which may have been written by somebody else: nothing of that file is shown.
pub fn unusable_spec(spec: &Path) -> Failure {
    let spec = spec.display();
    let message = format!("the spec of this plan, {spec}, cannot be used; nothing was changed");
    Failure::new(Exit::Refused, message, format!("if it is one of your specs, `baseplate check {spec}` says why"))
}

/// What must be equal for a saved plan to be applied: not values left to AWS, nor where the spec writes it, since a comment may move that; nor the reasons of changes, since a run that died leaves less to
/// detect drift by. More deletions may be allowed by now.
fn comparable(plan: &Plan, is_more_allowed: bool) -> Plan {
    let mut plan = Plan {
        live_digest: String::new(),
        left_to_aws: Vec::new(),
        unmanaged: Vec::new(),
        scheduled: Vec::new(),
        refused: Vec::new(),
        ..plan.clone()
    };
    if is_more_allowed {
        plan.missing.clear();
    }
    for change in &mut plan.changes {
        change.guarded &= !is_more_allowed;
        change.origin = Origin::default();
        change.reason.clear();
        change.source = None;
        for field in &mut change.fields {
            (field.origin, field.source) = (Origin::default(), None);
        }
    }
    plan
}

/// The names of the fields, but for the changes, in which two plans differ.
fn differing(one: &Plan, other: &Plan) -> Vec<String> {
    let fields = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    let (one, other) = (fields(one), fields(other));
    let differs = |name: &&String| *name != "changes" && one.get(*name) != other.get(*name);
    one.as_object().into_iter().flat_map(serde_json::Map::keys).filter(differs).cloned().collect()
}

pub fn check_unchanged(saved: &Plan, now: &Plan, is_more_allowed: bool) -> Result<(), Failure> {
    let help = "plan again, review it, and apply that";
    if saved.spec_digest != now.spec_digest {
        let message = "the spec has changed since the plan was saved; nothing was changed";
        return Err(Failure::new(Exit::Refused, message, help));
    }
    let (before, after) = (comparable(saved, is_more_allowed), comparable(now, is_more_allowed));
    if saved.live_digest == now.live_digest && before == after {
        return Ok(());
    }
    let moved = |a: &[Change], b: &[Change]| -> BTreeSet<String> {
        let missing = a.iter().filter(|change| !b.contains(change));
        missing.map(|change| format!("{} {}", change.action.verb(), change.address)).collect()
    };
    let (then, today) = (moved(&before.changes, &after.changes), moved(&after.changes, &before.changes));
    let mut message = match saved.live_digest == now.live_digest {
        true => {
            "the plan differs from a new plan of the same state: it was edited, or made by another version of \
                 Baseplate"
        }
        false => "the live state has changed since the plan was saved",
    }
    .to_owned();
    message += "; nothing was changed";
    let differences = [
        ("planned, no longer needed", &then - &today),
        ("needed now, not planned", &today - &then),
        ("planned, now different", &then & &today),
    ];
    let fields = differing(&before, &after);
    if saved.live_digest == now.live_digest && !fields.is_empty() {
        message += &format!("\nfields that differ: {}", fields.join(", "));
    }
    for (what, changes) in differences.into_iter().filter(|(_, changes)| !changes.is_empty()) {
        message += &format!("\n{what}: {}", changes.into_iter().collect::<Vec<_>>().join(", "));
    }
    Err(Failure::new(Exit::Refused, message, help))
}
