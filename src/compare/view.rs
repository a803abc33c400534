use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::Side;
use super::nameless::Nameless;
use crate::cloud::Found;
use crate::graph::{Graph, Wanted};
use crate::kinds::{Live, Stage};
use crate::plan::{Names, Secrets, World, resolve_with};
use crate::spec::Environment;
use crate::value::{Address, Vault, tag};

/// One of the two environments: its objects by address, under no name.
pub struct View {
    pub(super) side: Side,
    pub(super) objects: BTreeMap<Address, Seen>,
}

pub(super) struct Seen {
    pub stage: Stage,
    /// References by address, secrets by source.
    pub attrs: Value,
}

impl View {
    /// The environment as its spec wants it.
    ///
    /// # Errors
    /// A ring of references, by name.
    pub fn wanted(env: &Environment) -> Result<Self, String> {
        let wanted = Graph::of(&Nameless::of(env).environment(env))?.wanted;
        let seen = |wanted: Wanted| {
            (wanted.address, Seen { stage: wanted.stage, attrs: Rc::unwrap_or_clone(wanted.attrs) })
        };
        Ok(Self { side: Side::of(env), objects: wanted.into_iter().map(seen).collect() })
    }

    /// The environment as it is. Everything `found` must have been read in full.
    ///
    /// # Errors
    /// A ring of references, by name.
    pub fn live(env: &Environment, found: &[Found], vault: &Vault) -> Result<Self, String> {
        let nameless = Nameless::of(env);
        let wanted: BTreeMap<Address, Wanted> =
            Graph::of(env)?.wanted.into_iter().map(|wanted| (wanted.address.clone(), wanted)).collect();
        let mut unnamed = Self::wanted(env)?.objects;
        let (names, world) = (Names::of(found), World::default());
        for live in found.iter().map(|found| &found.live) {
            if let Some(address) = &live.address {
                world.learn(address, &live.id, live.outputs.clone());
            }
        }
        let mut objects = BTreeMap::new();
        for Found { kind, live } in found {
            let Some(address) = &live.address else { continue };
            let known = nameless.address(address);
            let mut attrs = nameless.value(&names.addressed(live.attrs.as_ref().unwrap_or(&Value::Null)));
            let mut stage = kind.stage();
            if let (Some(wanted), Some(unnamed)) = (wanted.get(address), unnamed.remove(&known)) {
                stage = wanted.stage;
                let resolved = resolve_with(&wanted.attrs, &world, vault, Secrets::Compare);
                as_wanted(&mut attrs, wanted, live, &resolved, &unnamed.attrs);
            }
            attrs.as_object_mut().into_iter().flatten().for_each(|(_, value)| hide(value));
            objects.entry(known).or_insert(Seen { stage, attrs });
        }
        Ok(Self { side: Side::of(env), objects })
    }
}

/// A field that is as the spec wants it is seen as the spec says it, which knows what is a name and what refers
/// to something; so is one that AWS does not tell. The rest stays as it is live.
fn as_wanted(attrs: &mut Value, wanted: &Wanted, live: &Live<Value>, resolved: &Value, unnamed: &Value) {
    let mut settled = live.attrs.clone().unwrap_or_default();
    wanted.kind.settle(resolved, &mut settled);
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
