use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::Side;
use super::anonymizer::Anonymizer;
use crate::cloud::Observed;
use crate::graph::{DependencyCycle, DesiredObject, Graph};
use crate::kinds::{Live, Stage};
use crate::plan::{AddressIndex, KnownOutputs, SecretMode, resolve_with};
use crate::spec::Environment;
use crate::value::{Address, SecretStore, tag};

/// One of the two environments: its objects by address, anonymized.
pub struct View {
    pub(super) side: Side,
    pub(super) objects: BTreeMap<Address, ComparedObject>,
}

pub(super) struct ComparedObject {
    pub stage: Stage,
    /// References by address, secrets by source.
    pub attrs: Value,
}

impl View {
    /// The environment as its spec describes it.
    ///
    /// # Errors
    /// A cycle of references.
    pub fn of_spec(env: &Environment) -> Result<Self, DependencyCycle> {
        let wanted = Graph::of(&Anonymizer::of(env).environment(env))?.objects;
        let compared = |wanted: DesiredObject| {
            (wanted.address, ComparedObject { stage: wanted.stage, attrs: Rc::unwrap_or_clone(wanted.attrs) })
        };
        Ok(Self { side: Side::of(env), objects: wanted.into_iter().map(compared).collect() })
    }

    /// The environment as it is live. Everything in `found` must have been read in full.
    ///
    /// # Errors
    /// A cycle of references.
    pub fn live(
        env: &Environment,
        found: &[Observed],
        secret_store: &SecretStore,
    ) -> Result<Self, DependencyCycle> {
        let anonymizer = Anonymizer::of(env);
        let wanted: BTreeMap<Address, DesiredObject> =
            Graph::of(env)?.objects.into_iter().map(|wanted| (wanted.address.clone(), wanted)).collect();
        let mut unnamed = Self::of_spec(env)?.objects;
        let (names, known_outputs) = (AddressIndex::of(found), KnownOutputs::default());
        for live in found.iter().map(|found| &found.live) {
            if let Some(address) = &live.address {
                known_outputs.record(address, &live.id, live.outputs.clone());
            }
        }
        let mut objects = BTreeMap::new();
        for Observed { kind, live } in found {
            let Some(address) = &live.address else { continue };
            let known = anonymizer.address(address);
            let mut attrs = anonymizer.value(&names.addressed(live.attrs.as_ref().unwrap_or(&Value::Null)));
            let mut stage = kind.stage();
            if let (Some(wanted), Some(unnamed)) = (wanted.get(address), unnamed.remove(&known)) {
                stage = wanted.stage;
                let resolved = resolve_with(&wanted.attrs, &known_outputs, secret_store, SecretMode::Compare);
                as_wanted(&mut attrs, wanted, live, &resolved, &unnamed.attrs);
            }
            attrs.as_object_mut().into_iter().flatten().for_each(|(_, value)| hide(value));
            objects.entry(known).or_insert(ComparedObject { stage, attrs });
        }
        Ok(Self { side: Side::of(env), objects })
    }
}

/// A field that matches the spec is compared as the spec has it, which knows names and references; so is one that AWS
/// does not return. The others are compared as they are live.
fn as_wanted(attrs: &mut Value, wanted: &DesiredObject, live: &Live<Value>, resolved: &Value, unnamed: &Value) {
    let mut settled = live.attrs.clone().unwrap_or_default();
    wanted.kind.normalize(resolved, &mut settled);
    for (name, value) in attrs.as_object_mut().into_iter().flatten() {
        let field = |of: &Value| of.get(name).cloned().unwrap_or_default();
        // A replacement that lives beside what it replaces has another name for the same thing.
        let there = if wanted.kind.identity() == Some(name) {
            field(&settled)
        } else {
            field(live.attrs.as_ref().unwrap_or(&Value::Null))
        };
        if live.unread.contains(&name.as_str()) || there == field(resolved) {
            *value = field(unnamed);
        }
    }
}

/// Secrets of two environments should differ, and their fingerprints do so in any case.
fn hide(value: &mut Value) {
    if value.get(tag::SECRET).is_some() {
        *value = json!({ tag::SECRET: {} });
    }
}
