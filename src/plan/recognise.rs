//! What is live and stands where the spec wants something, although its tags do not say so: a person or a tool has
//! taken them off, or somebody else made it. To take such an object for missing would delete what is around it, to
//! make room for another that AWS then refuses.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::diff::Difference;
use super::draft::compare;
use super::world::{Secrets, World, resolve_with};
use crate::cloud::{About, Found};
use crate::graph::{Graph, Wanted};
use crate::kinds::{AnyKind, Live};
use crate::spec::Owner;
use crate::value::Address;
use crate::value::walk::{Link, is_resolved, links};

/// Whose an object is by its tags; `None` where its kind has none, or they were not read.
pub(super) fn owner(about: About<'_>, Found { kind, live }: &Found) -> Option<Owner> {
    let tags = live.attrs.as_ref()?.get("tags")?.as_object()?;
    if live.unread.contains(&"tags") {
        return None;
    }
    Some(Owner::of(about.env, kind.name(), kind.shared(), |key| tags.get(key).and_then(Value::as_str)))
}

/// By address, which objects stand for what the spec wants and no tags name. More than one where it could be each.
pub fn recognise(about: About<'_>, spec: &Graph, found: &[Found]) -> HashMap<Address, Vec<usize>> {
    let wanted: HashSet<&Address> = spec.wanted.iter().map(|wanted| &wanted.address).collect();
    let mut count: HashMap<&Address, usize> = HashMap::new();
    for address in found.iter().filter_map(|one| one.live.address.as_ref()) {
        *count.entry(address).or_default() += 1;
    }
    let is_loose = |one: &Found| match &one.live.address {
        None => true,
        // One of several may bear the address of another by mistake.
        Some(address) if wanted.contains(address) => count.get(address).is_some_and(|count| *count > 1),
        // What goes by a name that is none of the spec's, since it must have one.
        Some(_) => matches!(owner(about, one), Some(Owner::Nobody | Owner::Incomplete(_))),
    };
    let mut loose: HashMap<&'static str, BTreeSet<usize>> = HashMap::new();
    let mut by_name: HashMap<(&'static str, &str), Vec<usize>> = HashMap::new();
    for (index, one) in found.iter().enumerate().filter(|(_, one)| is_loose(one)) {
        loose.entry(one.kind.name()).or_default().insert(index);
        if let Some(name) = exact_name(one.kind, one.live.attrs.as_ref()) {
            by_name.entry((one.kind.name(), name)).or_default().push(index);
        }
    }
    if loose.is_empty() {
        return HashMap::new();
    }
    let mut search = Search { about, found, loose, by_name, live: HashMap::new(), world: World::default() };
    for (index, Found { live, .. }) in found.iter().enumerate() {
        if let Some(address) = live.address.as_ref().filter(|address| wanted.contains(address)) {
            search.live.entry(address.clone()).or_insert(index);
            search.world.learn(address, &live.id, live.outputs.clone());
        }
    }
    search.run(spec)
}

/// The name by which alone such an object is recognised: of a kind in which none is made beside its predecessor, under
/// another name.
fn exact_name<'v>(kind: &dyn AnyKind, attrs: Option<&'v Value>) -> Option<&'v str> {
    let field = kind.identity().filter(|_| !kind.create_first())?;
    attrs?.get(field)?.as_str()
}

struct Search<'a> {
    about: About<'a>,
    found: &'a [Found],
    /// By kind, what no tags place.
    loose: HashMap<&'static str, BTreeSet<usize>>,
    /// By kind and name, all of that which is recognised by its exact name.
    by_name: HashMap<(&'static str, &'a str), Vec<usize>>,
    /// What is known to be at each address.
    live: HashMap<Address, usize>,
    world: World,
}

impl Search<'_> {
    /// Each object that is recognised may say more of others: an address is known by the gateway that uses it, and
    /// that by its subnet. So this goes on until nothing more is.
    fn run(&mut self, spec: &Graph) -> HashMap<Address, Vec<usize>> {
        let mut users: HashMap<&Address, Vec<&Wanted>> = HashMap::new();
        for wanted in &spec.wanted {
            for need in &wanted.needs {
                users.entry(need).or_default().push(wanted);
            }
        }
        let mut missing: Vec<&Wanted> =
            spec.wanted.iter().filter(|wanted| !self.live.contains_key(&wanted.address)).collect();
        let mut recognised = HashMap::new();
        loop {
            let before = missing.len();
            missing.retain(|wanted| {
                let candidates = self.candidates(wanted, users.get(&wanted.address).map_or(&[], Vec::as_slice));
                if candidates.is_empty() {
                    return true;
                }
                if let [one] = candidates[..] {
                    let live = &self.found[one].live;
                    self.live.insert(wanted.address.clone(), one);
                    self.world.learn(&wanted.address, &live.id, live.outputs.clone());
                }
                if let Some(loose) = self.loose.get_mut(wanted.kind.name()) {
                    candidates.iter().for_each(|index| {
                        loose.remove(index);
                    });
                }
                recognised.insert(wanted.address.clone(), candidates);
                false
            });
            if missing.len() == before || self.loose.values().all(BTreeSet::is_empty) {
                return recognised;
            }
        }
    }

    fn candidates(&self, wanted: &Wanted, users: &[&Wanted]) -> Vec<usize> {
        let kind = wanted.kind.name();
        let Some(loose) = self.loose.get(kind).filter(|loose| !loose.is_empty()) else { return Vec::new() };
        let desired = match is_resolved(&wanted.attrs) {
            true => Cow::Borrowed(&*wanted.attrs),
            false => Cow::Owned(resolve_with(&wanted.attrs, &self.world, self.about.vault, Secrets::Compare)),
        };
        let stands = |index: &usize| {
            let attrs = self.found[*index].live.attrs.as_ref();
            attrs.is_some_and(|attrs| wanted.kind.stands_for(&desired, attrs))
        };
        let by_place: Vec<usize> = match exact_name(wanted.kind, Some(&desired)) {
            Some(name) => {
                let named = self.by_name.get(&(kind, name)).into_iter().flatten().copied();
                named.filter(|index| loose.contains(index)).filter(stands).collect()
            }
            None => loose.iter().copied().filter(stands).collect(),
        };
        if !by_place.is_empty() {
            return by_place;
        }
        users.iter().find_map(|user| self.used(wanted, &desired, user)).into_iter().collect()
    }

    /// The object that `user` uses in the place of what is wanted, if it could become that without a replacement.
    fn used(&self, wanted: &Wanted, desired: &Value, user: &Wanted) -> Option<usize> {
        let live = self.found[*self.live.get(&user.address)?].live.attrs.as_ref()?;
        user.attrs.as_object()?.iter().find_map(|(field, refers)| {
            let refers = links(refers);
            let output = refers.iter().find_map(|link| match link {
                Link::To { address, output } if *address == wanted.address => Some(output),
                _ => None,
            })?;
            // In a set, what is left once the others are known.
            let others: BTreeSet<String> = refers
                .iter()
                .filter_map(|link| match link {
                    Link::To { address, output } => self.world.output(address, output),
                    Link::Id { id, .. } => Some(id.clone()),
                })
                .collect();
            let mut left = links(live.get(field)?).into_iter().filter_map(|link| match link {
                Link::Id { kind, output: of, id } => {
                    (kind == wanted.kind.name() && of == *output && !others.contains(&id)).then_some(id)
                }
                Link::To { .. } => None,
            });
            let id = left.next().filter(|_| left.next().is_none())?;
            let is_it = |live: &Live<Value>| match output.as_str() {
                "id" => live.id == id,
                output => live.outputs.get(output) == Some(&id),
            };
            let fits = |live: &Live<Value>| {
                let fixed = wanted.kind.replace_on();
                // What is not known yet is no difference: the object itself may say it.
                let differs = |one: &Difference| fixed.contains(&one.field()) && is_resolved(&one.after);
                !compare(wanted.kind, desired, live).iter().any(differs)
            };
            self.loose.get(wanted.kind.name())?.iter().copied().find(|&index| {
                let live = &self.found[index].live;
                is_it(live) && fits(live)
            })
        })
    }
}
