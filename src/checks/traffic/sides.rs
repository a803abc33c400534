//! What is live before a plan, and what will be after it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::read::{PARTS, is_part};
use super::{Edge, Objects, Side};
use crate::graph::Graph;
use crate::kinds::network::security_group_rules::SecurityGroupRules;
use crate::plan::{Action, Change, ExecutionPlan, Origin, Step};
use crate::value::{Address, Target, tag};

/// The objects of the model before a plan and after it.
pub struct Sides<'a> {
    pub before: Objects<'a>,
    pub after: Objects<'a>,
}

/// The objects of the model that a spec asks for.
pub fn desired(graph: &Graph) -> Objects<'_> {
    let parts = graph.objects.iter().filter(|object| is_part(object.kind.name()));
    parts.map(|object| (object.address.clone(), Cow::Borrowed(&*object.attrs))).collect()
}

impl<'a> Sides<'a> {
    /// `graph` is what the plan was made against. What it does not change is live as it is desired.
    pub fn of(graph: &'a Graph, execution: &'a ExecutionPlan) -> Self {
        let (before, after) = (desired(graph), desired(graph));
        let mut sides = Self { before, after };
        let ids = Ids::of(graph, execution);
        for (index, (change, step)) in execution.plan.changes.iter().zip(&execution.steps).enumerate() {
            // What is left over of an interrupted replacement has the address of what took its place.
            if !is_part(step.kind.name()) || sides.is_left_over(change) {
                continue;
            }
            let live = ids.live(step);
            if let (true, Some(live)) = (execution.left.second_phases.contains(&index), &live) {
                let wide = sides.after.get(&change.address).and_then(|desired| step.kind.expand(live, desired));
                if let Some(wide) = wide {
                    sides.after.insert(change.address.clone(), Cow::Owned(wide));
                }
            }
            put(&mut sides.before, &change.address, live);
        }
        for (change, step) in execution.left.changes.iter().zip(&execution.left.steps) {
            if is_part(step.kind.name()) && !sides.is_left_over(change) {
                let live = ids.live(step);
                put(&mut sides.after, &change.address, live.clone());
                put(&mut sides.before, &change.address, live);
            }
        }
        sides
    }

    fn is_left_over(&self, change: &Change) -> bool {
        change.action == Action::Delete && self.before.contains_key(&change.address)
    }
}

fn put(objects: &mut Objects<'_>, address: &Address, attrs: Option<Value>) {
    match attrs {
        Some(attrs) => objects.insert(address.clone(), Cow::Owned(attrs)),
        None => objects.remove(address),
    };
}

/// Whether a plan changes anything that is a part of the model.
pub(super) fn is_touched(execution: &ExecutionPlan) -> bool {
    let touches = |change: &Change| match change.action {
        Action::Update | Action::Adopt => change.fields.iter().any(|field| PARTS.contains(&field.name())),
        Action::Create | Action::Replace | Action::Delete => true,
        // It goes on existing.
        Action::Forget => false,
    };
    execution.plan.changes.iter().any(|change| is_part(change.address.kind()) && touches(change))
}

/// The addresses of live objects, by kind and id.
struct Ids<'a>(HashMap<(&'a str, String), &'a Address>);

impl<'a> Ids<'a> {
    fn of(graph: &'a Graph, execution: &'a ExecutionPlan) -> Self {
        let known = graph.objects.iter().filter_map(|object| {
            let (id, _) = execution.known_outputs.get(&object.address)?;
            Some(((object.kind.name(), id), &object.address))
        });
        let left = execution.left.changes.iter().zip(&execution.left.steps);
        let changed =
            execution.plan.changes.iter().zip(&execution.steps).chain(left).filter_map(|(change, step)| {
                Some(((step.kind.name(), step.live.as_ref()?.id.clone()), &change.address))
            });
        Self(known.chain(changed).collect())
    }

    /// What is live of a changed object, its references by address.
    fn live(&self, step: &Step) -> Option<Value> {
        step.live.as_ref()?.attrs.as_ref().map(|attrs| self.addressed(attrs))
    }

    fn addressed(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.addressed(item)).collect(),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
                match self.0.get(&(text("kind"), text(tag::ID).to_owned())) {
                    Some(address) if text("output") == "id" => json!({ tag::TO: address, "output": "id" }),
                    _ => map.iter().map(|(key, value)| (key.clone(), self.addressed(value))).collect(),
                }
            }
            other => other.clone(),
        }
    }
}

/// What somebody changed by hand, as far as it is a part of the model.
#[derive(Default)]
pub(super) struct ByHand {
    /// Sides of `security_group_rules`.
    pub rules: BTreeSet<(Address, Side)>,
    /// Everything else.
    pub others: BTreeSet<Address>,
}

impl ByHand {
    /// Without a record of an apply nobody can tell, and it is all that a plan changes.
    pub fn of(execution: &ExecutionPlan) -> Self {
        let (is_recorded, mut by_hand) = (!execution.applied.is_empty(), Self::default());
        for change in execution.plan.changes.iter().filter(|change| is_part(change.address.kind())) {
            let is_whole = !matches!(change.action, Action::Update | Action::Adopt);
            let is_by_hand = |name: &str| {
                let mut own = change.fields.iter().filter(|field| field.name() == name);
                match is_whole {
                    true => !is_recorded || change.origin != Origin::Requested,
                    false => own.any(|field| !is_recorded || field.origin != Origin::Requested),
                }
            };
            if change.address.kind() == SecurityGroupRules::KIND {
                let sides = [Side::Egress, Side::Ingress].into_iter().filter(|side| is_by_hand(side.word()));
                by_hand.rules.extend(sides.map(|side| (change.address.clone(), side)));
            } else if PARTS.iter().any(|name| is_by_hand(name)) {
                by_hand.others.insert(change.address.clone());
            }
        }
        by_hand
    }

    /// Whether what lets this through was made by hand.
    pub fn concerns(&self, edge: &Edge) -> bool {
        // A route or a subnet concerns everybody in it.
        let is_network = |address: &Address| matches!(address.kind(), "subnet" | "route_table" | "db_subnet_group");
        let is_end = |address: &Address| [&edge.from, &edge.to].iter().any(|id| **id == address.to_string());
        edge.rules.iter().any(|rule| self.rules.contains(&(rule.address.clone(), rule.side)))
            || self.others.iter().any(|address| is_network(address) || is_end(address))
    }
}
