//! Everything that is there, or will be: what changes from the execution plan, what stays from the graph.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::graph::{DesiredObject, Graph};
use crate::kinds::{Live, Outputs};
use crate::plan::{Action, Change, ExecutionPlan, KnownOutputs, Step};
use crate::value::walk::Lookup;
use crate::value::{Address, tag};

/// One object before and after, references by address as far as they are known.
pub struct Object {
    pub address: Address,
    pub moved_from: Option<Address>,
    /// `None` for one that stays as it is.
    pub action: Option<Action>,
    pub create_first: bool,
    pub id: Option<String>,
    /// Whether it goes because another object has its place.
    pub left_over: bool,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub struct Objects<'a> {
    pub list: Vec<Object>,
    execution: &'a ExecutionPlan,
    /// What will still be so once everything is carried out.
    then: KnownOutputs,
}

impl<'a> Objects<'a> {
    /// What somebody else sets is left out: in Terraform's words it is data, not a resource.
    pub fn of(graph: &Graph, execution: &'a ExecutionPlan) -> Self {
        let changes: HashMap<&Address, (&Change, &Step)> = execution
            .plan
            .changes
            .iter()
            .zip(&execution.steps)
            .filter(|(change, _)| !matches!(change.action, Action::Delete | Action::Forget))
            .map(|(change, step)| (&change.address, (change, step)))
            .collect();
        let back = Addresses::of(graph, execution);
        let mut list = Vec::new();
        let then = KnownOutputs::default();
        for wanted in &graph.objects {
            let change = changes.get(&wanted.address);
            if let Some((id, outputs)) =
                outlasting(&execution.known_outputs, wanted, change.map(|(change, _)| *change))
            {
                then.record(&wanted.address, &id, outputs);
            }
            if !wanted.external {
                list.push(object(wanted, change.copied(), &back));
            }
        }
        let wanted: HashSet<&Address> = graph.objects.iter().map(|wanted| &wanted.address).collect();
        for (change, step) in execution.plan.changes.iter().zip(&execution.steps) {
            if matches!(change.action, Action::Delete | Action::Forget) {
                list.push(Object {
                    address: change.address.clone(),
                    moved_from: None,
                    action: Some(change.action),
                    create_first: false,
                    id: change.id.clone(),
                    left_over: wanted.contains(&change.address),
                    before: step
                        .live
                        .as_ref()
                        .and_then(|live| live.attrs.as_ref())
                        .map(|attrs| back.in_place(attrs)),
                    after: None,
                });
            }
        }
        Self { list, execution, then }
    }

    /// What references come to now.
    pub fn now(&self) -> Known<'_> {
        Known(&self.execution.known_outputs)
    }

    /// What references come to afterwards, as far as that is known before.
    pub fn then(&self) -> Known<'_> {
        Known(&self.then)
    }
}

/// The id and outputs that an object has now and keeps.
fn outlasting(
    known_outputs: &KnownOutputs,
    wanted: &DesiredObject,
    change: Option<&Change>,
) -> Option<(String, Outputs)> {
    let (id, mut outputs) = known_outputs.get(&wanted.address)?;
    match change {
        None => {}
        Some(change) if matches!(change.action, Action::Create | Action::Replace) => return None,
        Some(change) => {
            let changed: Vec<String> = changed(change).into_iter().map(str::to_owned).collect();
            outputs.retain(|name, _| !wanted.kind.changes_output(name, &changed));
        }
    }
    Some((id, outputs))
}

/// Names of the top-level fields that change.
fn changed(change: &Change) -> BTreeSet<&str> {
    change.fields.iter().filter_map(|field| field.path.split(['.', '[']).next()).collect()
}

fn object(wanted: &DesiredObject, change: Option<(&Change, &Step)>, back: &Addresses<'_>) -> Object {
    let desired = change.and_then(|(_, step)| step.desired.as_ref()).unwrap_or(&wanted.attrs);
    let live = change.and_then(|(_, step)| step.live.as_ref());
    let before = live.and_then(|live: &Live<Value>| live.attrs.as_ref()).map(|attrs| back.in_place(attrs));
    let after = match (&before, change) {
        (Some(before), Some((change, _))) => overlaid(before, desired, &changed(change)),
        _ => Value::clone(desired),
    };
    let (before, action) = match change {
        None => (Some(after.clone()), None),
        Some((change, _)) => (before, Some(change.action)),
    };
    Object {
        address: wanted.address.clone(),
        moved_from: change.and_then(|(change, _)| change.moved_from.clone()),
        action,
        create_first: change.is_some_and(|(_, step)| step.create_first),
        id: live.map(|live| live.id.clone()),
        left_over: false,
        before,
        after: Some(after),
    }
}

/// What is live, with the fields that change as they are wanted: what AWS says in other words, or the spec
/// leaves to it, is no difference.
fn overlaid(live: &Value, desired: &Value, changed: &BTreeSet<&str>) -> Value {
    let mut after = live.clone();
    if let (Some(after), Some(desired)) = (after.as_object_mut(), desired.as_object()) {
        for (name, value) in
            desired.iter().filter(|(name, value)| changed.contains(name.as_str()) && !value.is_null())
        {
            after.insert(name.clone(), value.clone());
        }
    }
    after
}

/// The way back from ids and outputs to the one address that has them.
struct Addresses<'a> {
    by_value: HashMap<(String, String, String), Vec<&'a Address>>,
}

impl<'a> Addresses<'a> {
    fn of(graph: &'a Graph, execution: &'a ExecutionPlan) -> Self {
        let mut by_value: HashMap<_, Vec<&Address>> = HashMap::new();
        let wanted = graph.objects.iter().map(|wanted| &wanted.address);
        let changing = execution.plan.changes.iter().map(|change| &change.address);
        for address in wanted.chain(changing).collect::<BTreeSet<_>>() {
            let Some((id, outputs)) = execution.known_outputs.get(address) else { continue };
            let key = |output: &str, value: String| (address.kind().to_owned(), output.to_owned(), value);
            by_value.entry(key("id", id)).or_default().push(address);
            for (output, value) in outputs {
                by_value.entry(key(&output, value)).or_default().push(address);
            }
        }
        Self { by_value }
    }

    fn in_place(&self, attrs: &Value) -> Value {
        match attrs {
            Value::Array(items) => items.iter().map(|item| self.in_place(item)).collect(),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
                let reference = text("kind").zip(text("output")).zip(text(tag::ID));
                if let Some(((kind, output), id)) = reference {
                    return match self.by_value.get(&(kind, output.clone(), id)).map(Vec::as_slice) {
                        Some([address]) => json!({ tag::TO: address, "output": output }),
                        _ => attrs.clone(),
                    };
                }
                map.iter().map(|(key, value)| (key.clone(), self.in_place(value))).collect()
            }
            _ => attrs.clone(),
        }
    }
}

/// Outputs; never a secret.
pub struct Known<'a>(&'a KnownOutputs);

impl Lookup for Known<'_> {
    fn output(&self, address: &Address, output: &str) -> Option<Zeroizing<String>> {
        self.0.output(address, output).map(Zeroizing::new)
    }

    fn secret(&self, _source: &Value) -> Option<Value> {
        None
    }
}
