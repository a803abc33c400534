//! Live objects that match a desired one without its ownership tags: a person or a tool removed them, or the object
//! was created elsewhere. Planning a creation beside such an object would replace what depends on it, only for AWS to
//! reject the new object.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::diff::Difference;
use super::execution::compare;
use super::known_outputs::{KnownOutputs, SecretMode, resolve_with};
use crate::cloud::{Context, Observed};
use crate::graph::{DesiredObject, Graph};
use crate::kinds::{AnyKind, Live};
use crate::spec::Owner;
use crate::value::Address;
use crate::value::walk::{Link, is_resolved, links};

/// Whose an object is by its tags; `None` where its kind has none, or they were not read.
pub(super) fn owner(context: Context<'_>, Observed { kind, live }: &Observed) -> Option<Owner> {
    let tags = live.attrs.as_ref()?.get("tags")?.as_object()?;
    if live.unread.contains(&"tags") {
        return None;
    }
    Some(Owner::of(context.env, kind.name(), kind.shared(), |key| tags.get(key).and_then(Value::as_str)))
}

/// By address, which objects match a desired one that no tags name. More than one where it is ambiguous.
pub fn recognise(context: Context<'_>, spec: &Graph, found: &[Observed]) -> HashMap<Address, Vec<usize>> {
    let in_spec: HashSet<&Address> = spec.objects.iter().map(|object| &object.address).collect();
    let mut count: HashMap<&Address, usize> = HashMap::new();
    for address in found.iter().filter_map(|one| one.live.address.as_ref()) {
        *count.entry(address).or_default() += 1;
    }
    let is_loose = |one: &Observed| match &one.live.address {
        None => true,
        // One of several may have the address of another by mistake.
        Some(address) if in_spec.contains(address) => count.get(address).is_some_and(|count| *count > 1),
        // Captured under an address that is not in the spec.
        Some(_) => matches!(owner(context, one), Some(Owner::Untagged | Owner::PartlyTagged(_))),
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
    let mut search =
        Search { context, found, loose, by_name, live: HashMap::new(), known_outputs: KnownOutputs::default() };
    for (index, Observed { live, .. }) in found.iter().enumerate() {
        if let Some(address) = live.address.as_ref().filter(|address| in_spec.contains(address)) {
            search.live.entry(address.clone()).or_insert(index);
            search.known_outputs.record(address, &live.id, live.outputs.clone());
        }
    }
    search.run(spec)
}

/// The name that alone identifies such an object: only for kinds whose replacements keep their name.
fn exact_name<'v>(kind: &dyn AnyKind, attrs: Option<&'v Value>) -> Option<&'v str> {
    let field = kind.identity().filter(|_| !kind.create_first())?;
    attrs?.get(field)?.as_str()
}

struct Search<'a> {
    context: Context<'a>,
    found: &'a [Observed],
    /// By kind, objects without a valid address in their tags.
    loose: HashMap<&'static str, BTreeSet<usize>>,
    /// By kind and name, those of them that are identified by their name.
    by_name: HashMap<(&'static str, &'a str), Vec<usize>>,
    /// What is known to be at each address.
    live: HashMap<Address, usize>,
    known_outputs: KnownOutputs,
}

impl Search<'_> {
    /// Each recognised object may help to recognise others (an elastic IP by its NAT gateway, that by its subnet), so
    /// this repeats until nothing is added.
    fn run(&mut self, spec: &Graph) -> HashMap<Address, Vec<usize>> {
        let mut users: HashMap<&Address, Vec<&DesiredObject>> = HashMap::new();
        for object in &spec.objects {
            for need in &object.needs {
                users.entry(need).or_default().push(object);
            }
        }
        let mut missing: Vec<&DesiredObject> =
            spec.objects.iter().filter(|object| !self.live.contains_key(&object.address)).collect();
        let mut recognised = HashMap::new();
        loop {
            let before = missing.len();
            missing.retain(|object| {
                let candidates = self.candidates(object, users.get(&object.address).map_or(&[], Vec::as_slice));
                if candidates.is_empty() {
                    return true;
                }
                if let [one] = candidates[..] {
                    let live = &self.found[one].live;
                    self.live.insert(object.address.clone(), one);
                    self.known_outputs.record(&object.address, &live.id, live.outputs.clone());
                }
                if let Some(loose) = self.loose.get_mut(object.kind.name()) {
                    candidates.iter().for_each(|index| {
                        loose.remove(index);
                    });
                }
                recognised.insert(object.address.clone(), candidates);
                false
            });
            if missing.len() == before || self.loose.values().all(BTreeSet::is_empty) {
                return recognised;
            }
        }
    }

    fn candidates(&self, object: &DesiredObject, users: &[&DesiredObject]) -> Vec<usize> {
        let kind = object.kind.name();
        let Some(loose) = self.loose.get(kind).filter(|loose| !loose.is_empty()) else { return Vec::new() };
        let desired = match is_resolved(&object.attrs) {
            true => Cow::Borrowed(&*object.attrs),
            false => Cow::Owned(resolve_with(
                &object.attrs,
                &self.known_outputs,
                self.context.secret_store,
                SecretMode::Compare,
            )),
        };
        let stands = |index: &usize| {
            let attrs = self.found[*index].live.attrs.as_ref();
            attrs.is_some_and(|attrs| object.kind.is_counterpart(&desired, attrs))
        };
        let by_place: Vec<usize> = match exact_name(object.kind, Some(&desired)) {
            Some(name) => {
                let named = self.by_name.get(&(kind, name)).into_iter().flatten().copied();
                named.filter(|index| loose.contains(index)).filter(stands).collect()
            }
            None => loose.iter().copied().filter(stands).collect(),
        };
        if !by_place.is_empty() {
            return by_place;
        }
        users.iter().find_map(|user| self.used(object, &desired, user)).into_iter().collect()
    }

    /// The object that `user` refers to instead of the desired one, if it could become that without a replacement.
    fn used(&self, object: &DesiredObject, desired: &Value, user: &DesiredObject) -> Option<usize> {
        let live = self.found[*self.live.get(&user.address)?].live.attrs.as_ref()?;
        user.attrs.as_object()?.iter().find_map(|(field, refers)| {
            let refers = links(refers);
            let output = refers.iter().find_map(|link| match link {
                Link::To { address, output } if *address == object.address => Some(output),
                _ => None,
            })?;
            // In a set, what is left once the others are known.
            let others: BTreeSet<String> = refers
                .iter()
                .filter_map(|link| match link {
                    Link::To { address, output } => self.known_outputs.output(address, output),
                    Link::Id { id, .. } => Some(id.clone()),
                })
                .collect();
            let mut left = links(live.get(field)?).into_iter().filter_map(|link| match link {
                Link::Id { kind, output: of, id } => {
                    (kind == object.kind.name() && of == *output && !others.contains(&id)).then_some(id)
                }
                Link::To { .. } => None,
            });
            let id = left.next().filter(|_| left.next().is_none())?;
            let is_it = |live: &Live<Value>| match output.as_str() {
                "id" => live.id == id,
                output => live.outputs.get(output) == Some(&id),
            };
            let fits = |live: &Live<Value>| {
                let fixed = object.kind.replace_on();
                // What is not known yet does not count as a difference.
                let differs = |one: &Difference| fixed.contains(&one.field()) && is_resolved(&one.after);
                !compare(object.kind, desired, live).iter().any(differs)
            };
            self.loose.get(object.kind.name())?.iter().copied().find(|&index| {
                let live = &self.found[index].live;
                is_it(live) && fits(live)
            })
        })
    }
}
