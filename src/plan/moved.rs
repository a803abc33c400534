//! Entries that have another key than before: which objects are theirs now, and which names these keep.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::conflict::Conflict;
use crate::applied::Applied;
use crate::cloud::{Context, Observed, secrets};
use crate::graph::{DependencyCycle, DesiredObject, Graph};
use crate::kinds::{self, Desired};
use crate::spec::{self, EntryKey, Environment, MOVED_FROM, Names};
use crate::value::Address;

/// What `[[moved]]` says of addresses.
pub(super) struct Moves {
    /// By the address that an object had.
    by_address: BTreeMap<Address, Move>,
}

/// Where an object has moved to.
struct Move {
    to: Address,
    /// The path of the entry, as it was.
    from: String,
    /// The entry as it is now, and its key then.
    entry: EntryKey,
    key: String,
}

/// A live object that has moved, and still says its earlier address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedFrom {
    pub address: Address,
    /// The path of its entry in the spec, as it was.
    pub entry: String,
}

/// By index of what was found.
pub(super) type Moved = BTreeMap<usize, MovedFrom>;

impl Moves {
    /// An entry is derived twice, by each of its keys: what comes out at the same place is the same object. What is called
    /// by two entries, as the target group of a service and a load balancer is, may have moved with either before, or
    /// with both now.
    pub fn of(env: &Environment) -> Self {
        let mut moves = Self { by_address: BTreeMap::new() };
        if env.moved.is_empty() {
            return moves;
        }
        let mut before_all = env.clone();
        for moved in &env.moved {
            let (Ok(from), Ok(to)) = (env.entry(&moved.from), env.entry(&moved.to)) else { continue };
            if let Some(before) = env.with_key(&to, &from.key) {
                moves.take_in(moved, (&before, &from), (env, &to));
            }
            if let Some(before) = before_all.with_key(&to, &from.key) {
                moves.take_in(moved, (&before, &from), (&before_all, &to));
                before_all = before;
            }
        }
        moves
    }

    fn take_in(&mut self, moved: &spec::Moved, then: (&Environment, &EntryKey), now: (&Environment, &EntryKey)) {
        let ((before, from), (after, to)) = (then, now);
        for kind in kinds::all() {
            let (then, now) = (kind.desired(before), kind.desired(after));
            let own = pairs(own(before, &then, from), own(after, &now, to));
            // What is called by the entry and derived from another, such as the address of a NAT gateway.
            let others = pairs(new_names(&then, &now), new_names(&now, &then));
            for (then, now) in own.into_iter().chain(others).filter(|(then, now)| then != now) {
                let (from, key) = (moved.from.clone(), from.key.clone());
                let moved = Move { to: Address::new(kind.name(), now), from, entry: to.clone(), key };
                self.by_address.entry(Address::new(kind.name(), then)).or_insert(moved);
            }
        }
    }

    /// Where what was at this address is now. `None` where it has not moved.
    fn last(&self, from: &Address) -> Option<&Move> {
        let mut last = self.by_address.get(from)?;
        // Each move is made once.
        for _ in 0..self.by_address.len() {
            match self.by_address.get(&last.to) {
                Some(next) => last = next,
                None => break,
            }
        }
        Some(last)
    }

    /// The record of what was applied, by the addresses of now.
    pub fn carry(&self, applied: &mut Applied) {
        let moved = self.by_address.keys().filter_map(|from| Some((from, self.last(from)?)));
        moved.for_each(|(from, last)| applied.rename(from, &last.to));
    }

    /// Gives live objects the addresses of now, and notes which have another still. Both live is a conflict.
    pub fn settle(&self, context: Context<'_>, found: &mut [Observed], moved: &mut Moved) -> Vec<Conflict> {
        if self.by_address.is_empty() {
            return Vec::new();
        }
        let is_there = |(index, one): (usize, &Observed)| {
            let address = one.live.address.clone().filter(|_| !moved.contains_key(&index))?;
            Some((address, one.live.id.clone()))
        };
        let there: HashMap<Address, String> = found.iter().enumerate().filter_map(is_there).collect();
        let mut conflicts = Vec::new();
        for (index, Observed { live, .. }) in found.iter_mut().enumerate() {
            let Some(from) = live.address.clone().filter(|_| !moved.contains_key(&index)) else { continue };
            let Some(Move { to, from: entry, .. }) = self.last(&from) else { continue };
            if let Some(other) = there.get(to) {
                let (id, other, to) = (live.id.clone(), other.clone(), to.clone());
                conflicts.push(Conflict::MovedOnto { from, id, to, other });
                continue;
            }
            for secret in live.attrs.as_ref().map(secrets).unwrap_or_default() {
                context.secret_store.assign(to.clone(), &secret);
            }
            live.address = Some(to.clone());
            moved.insert(index, MovedFrom { address: from, entry: entry.clone() });
        }
        conflicts
    }

    /// The environment with the earlier keys that its live objects are named after. `None` where there are none.
    ///
    /// # Errors
    /// As [`Graph::of`].
    pub fn named(
        &self,
        env: &Environment,
        spec: &Graph,
        found: &[Observed],
        moved: &Moved,
    ) -> Result<Option<(Environment, Graph)>, DependencyCycle> {
        let marked: HashMap<usize, &str> =
            found.iter().enumerate().filter_map(|(index, one)| Some((index, mark(one)?))).collect();
        if marked.is_empty() && moved.is_empty() {
            return Ok(None);
        }
        let objects: HashMap<&Address, &DesiredObject> =
            spec.objects.iter().map(|object| (&object.address, object)).collect();
        let entry = |address: &Address| {
            let entry = env.entry_of(&objects.get(address)?.origin)?;
            env.is_named_by_key(entry.section).then_some(entry)
        };
        // AWS lists in any order.
        let mut by_mark: Vec<(&Address, EntryKey, EntryKey)> = Vec::new();
        for (index, path) in marked {
            let Some(address) = &found[index].live.address else { continue };
            let (Some(entry), Ok(earlier)) = (entry(address), env.entry(path)) else { continue };
            if entry.section == earlier.section {
                by_mark.push((address, entry, earlier));
            }
        }
        by_mark.sort();
        let mut names = Names::default();
        for (_, entry, earlier) in by_mark {
            names.keep(entry, &earlier.key);
        }
        for from in moved.values() {
            let known = self.by_address.get(&from.address);
            if let Some(Move { entry, key, .. }) = known.filter(|known| env.is_named_by_key(known.entry.section)) {
                names.keep(entry.clone(), key);
            }
        }
        let names = names.earlier();
        if names.is_empty() {
            return Ok(None);
        }
        let env = env.with_names(names);
        let graph = Graph::of(&env)?;
        Ok(Some((env, graph)))
    }
}

/// What an object says that it is named after.
fn mark(Observed { live, .. }: &Observed) -> Option<&str> {
    live.attrs.as_ref()?.get("tags")?.get(MOVED_FROM)?.as_str()
}

/// The names of what is derived from one entry.
fn own(env: &Environment, objects: &[Desired<Value>], entry: &EntryKey) -> Vec<String> {
    let own = objects.iter().filter(|object| env.entry_of(&object.origin).as_ref() == Some(entry));
    own.map(|object| object.name.clone()).collect()
}

/// Names that are not among the others'.
fn new_names(objects: &[Desired<Value>], others: &[Desired<Value>]) -> Vec<String> {
    let others: HashSet<&str> = others.iter().map(|other| other.name.as_str()).collect();
    let names = objects.iter().map(|object| &object.name).filter(|name| !others.contains(name.as_str()));
    names.cloned().collect()
}

/// Nothing, where there are not as many of one as of the other.
fn pairs(then: Vec<String>, now: Vec<String>) -> Vec<(String, String)> {
    if then.len() == now.len() { then.into_iter().zip(now).collect() } else { Vec::new() }
}
