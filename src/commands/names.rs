//! The objects that options and arguments name, by address or by a path of the spec.

use std::collections::BTreeSet;

use super::Failure;
use super::options::{EVERY_ADDRESS, EVERY_LIVE_ADDRESS, nearest};
use crate::cli::{Choices, Exit};
use crate::graph::{DesiredObject, Graph, of_gone_entry};
use crate::kinds;
use crate::plan::AddressPattern;
use crate::spec::Environment;
use crate::value::Address;

/// The same choices with the objects that they name. What paths lead to is looked up before anything is read.
pub fn resolved(choices: &Choices, env: &Environment, graph: &Graph) -> Result<Choices, Failure> {
    let mut choices = choices.clone();
    for pattern in &mut choices.adopt {
        *pattern = adoptable("--adopt", pattern, graph)?;
    }
    for pattern in &mut choices.losses.allow_destroy {
        if let AddressPattern::Path { text, .. } = pattern {
            let mut addresses: BTreeSet<Address> = addresses(graph.derived(entry(text)));
            if addresses.is_empty() {
                addresses = of_gone_entry(env, text);
            }
            *pattern = path("--allow-destroy", text, addresses, graph, EVERY_ADDRESS)?;
        }
    }
    Ok(choices)
}

/// Only objects of the spec can be adopted. `asked` is how the command line names one.
pub fn adoptable(asked: &str, pattern: &AddressPattern, graph: &Graph) -> Result<AddressPattern, Failure> {
    let external = |what: &dyn std::fmt::Display| {
        let message = format!("{asked} {what}: it is external (external = true)");
        Failure::new(Exit::Usage, message, "external objects are never adopted; omit it")
    };
    match pattern {
        AddressPattern::One(address) => {
            let Some(object) = graph.objects.iter().find(|object| object.address == *address) else {
                return Err(unknown(asked, &address.to_string(), graph, EVERY_ADDRESS));
            };
            if object.external { Err(external(address)) } else { Ok(pattern.clone()) }
        }
        AddressPattern::Path { text, .. } => {
            let derived: Vec<&DesiredObject> = graph.derived(entry(text)).collect();
            if !derived.is_empty() && derived.iter().all(|object| object.external) {
                return Err(external(text));
            }
            let own = derived.into_iter().filter(|object| !object.external);
            path(asked, text, addresses(own), graph, EVERY_ADDRESS)
        }
        AddressPattern::Kind(_) | AddressPattern::All => Err(too_many(asked, pattern)),
    }
}

/// What the spec wants would only be found in its own way by the next plan.
pub fn forgettable(pattern: &AddressPattern, graph: &Graph, env: &Environment) -> Result<AddressPattern, Failure> {
    let wanted = match pattern {
        AddressPattern::One(address) => graph.objects.iter().filter(|object| object.address == *address).collect(),
        AddressPattern::Path { text, .. } => graph.derived(entry(text)).collect(),
        AddressPattern::Kind(_) | AddressPattern::All => return Err(too_many("forget", pattern)),
    };
    let wanted: Vec<&DesiredObject> = wanted;
    if let Some(object) = wanted.iter().find(|object| !object.external) {
        let entry = env.entry_of(&object.origin).map(|entry| env.entry_path(&entry));
        let entry = entry.unwrap_or_else(|| object.path());
        let message = format!(
            "forget {pattern}: the spec still asks for it (`{entry}`), and the next plan would find it in the way; \
             nothing was changed"
        );
        let help = "remove it from the spec first, and do not apply that: then forget it. A parameter may instead \
                    become external (external = true)";
        return Err(Failure::new(Exit::Refused, message, help));
    }
    match pattern {
        AddressPattern::Path { text, .. } => {
            let mut addresses = addresses(wanted.into_iter());
            if addresses.is_empty() {
                addresses = of_gone_entry(env, text);
            }
            path("forget", text, addresses, graph, EVERY_LIVE_ADDRESS)
        }
        _ => Ok(pattern.clone()),
    }
}

/// `databases.*` says the same as `databases`.
fn entry(path: &str) -> &str {
    path.strip_suffix(".*").unwrap_or(path)
}

fn addresses<'a>(objects: impl Iterator<Item = &'a DesiredObject>) -> BTreeSet<Address> {
    objects.map(|object| object.address.clone()).collect()
}

fn path(
    asked: &str,
    text: &str,
    addresses: BTreeSet<Address>,
    graph: &Graph,
    help: &str,
) -> Result<AddressPattern, Failure> {
    match addresses.is_empty() {
        true => Err(unknown(asked, text, graph, help)),
        false => Ok(AddressPattern::Path { text: text.to_owned(), addresses }),
    }
}

/// No object is called so, by neither name.
pub fn unknown(asked: &str, name: &str, graph: &Graph, help: &str) -> Failure {
    let of_kind = name.strip_suffix(".*").and_then(|kind| {
        let near = nearest(kind, kinds::all().iter().map(|kind| kind.name().to_owned()))?;
        Some(format!("did you mean `{near}.*`?"))
    });
    let question = of_kind.or_else(|| graph.meant(name).question());
    let message = format!("{asked} {name}: the spec has no object of this address, and no entry at this path");
    Failure::new(Exit::Usage, message, question.unwrap_or_else(|| help.to_owned()))
}

fn too_many(asked: &str, pattern: &AddressPattern) -> Failure {
    let message =
        format!("{asked} {pattern}: name each object by its address, or an entry of the spec by its path");
    Failure::new(Exit::Usage, message, EVERY_ADDRESS)
}
