//! Compares two environments: their differences with names anonymized, and which of them the specs explain.

mod anonymizer;
mod view;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::kinds::{self, Stage};
use crate::plan::{AddressIndex, Field, between, is_ownership};
use crate::spec::{Differs, Environment};
use crate::value::Address;

pub use view::View;

/// The version of a comparison's JSON.
pub const FORMAT_VERSION: u32 = 1;

/// What differs between two environments: of a field, `before` is what the one has, `after` what the other has.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub format_version: u32,
    pub one: Side,
    pub other: Side,
    /// Whether live state is compared, and not what the specs ask for.
    pub live: bool,
    /// By documented stage, then address.
    pub unexplained: Vec<ObjectDifference>,
    /// What the specs explain, by entry.
    pub explained: Vec<Explained>,
    /// How many objects are the same.
    pub equal: usize,
    /// Entries that match no difference. Unknown, hence empty, where live state is compared.
    pub stale: Vec<Differs>,
}

/// Which environment.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    pub project: String,
    pub environment: String,
    pub account: String,
    pub region: String,
}

impl Side {
    fn of(env: &Environment) -> Self {
        Self {
            project: env.project.clone(),
            environment: env.environment.clone(),
            account: env.account.clone(),
            region: env.region.clone(),
        }
    }
}

/// One object that differs, or exists in only one of the two.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectDifference {
    pub address: Address,
    pub stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_in: Option<Which>,
    /// Empty where the object is only in one of the two.
    pub fields: Vec<Field>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    One,
    Other,
}

/// What one `[[differs]]` explains.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    pub path: String,
    pub why: String,
    pub objects: Vec<ObjectDifference>,
}

impl Comparison {
    /// Compares field by field, and folds what the entries of the specs cover: of several, the first.
    pub fn of(one: &View, other: &View, entries: &[Differs], live: bool) -> Self {
        let mut comparison = Self {
            format_version: FORMAT_VERSION,
            one: one.side.clone(),
            other: other.side.clone(),
            live,
            unexplained: Vec::new(),
            explained: Vec::new(),
            equal: 0,
            stale: Vec::new(),
        };
        let mut folded: Vec<Vec<ObjectDifference>> = vec![Vec::new(); entries.len()];
        let entry = |path: &str| entries.iter().position(|entry| entry.covers(path));
        for difference in differences(one, other) {
            if difference.only_in.is_some() {
                match entry(&difference.address.to_string()) {
                    Some(index) => folded[index].push(difference),
                    None => comparison.unexplained.push(difference),
                }
                continue;
            }
            if difference.fields.is_empty() {
                comparison.equal += 1;
                continue;
            }
            let entry_of = |field: &Field| entry(&format!("{}.{}", difference.address, field.path));
            let which: Vec<Option<usize>> = difference.fields.iter().map(entry_of).collect();
            for entry in which.iter().collect::<BTreeSet<_>>() {
                let fields = difference.fields.iter().zip(&which).filter(|(_, which)| *which == entry);
                let fields = fields.map(|(field, _)| field.clone()).collect();
                let part = ObjectDifference { address: difference.address.clone(), fields, ..difference };
                match entry {
                    Some(index) => folded[*index].push(part),
                    None => comparison.unexplained.push(part),
                }
            }
        }
        for (entry, objects) in entries.iter().cloned().zip(folded) {
            match objects.is_empty() {
                true if live => {}
                true => comparison.stale.push(entry),
                false => comparison.explained.push(Explained { path: entry.path, why: entry.why, objects }),
            }
        }
        comparison
    }

    pub fn unexplained_count(&self) -> usize {
        count(&self.unexplained)
    }

    pub fn explained_count(&self) -> usize {
        self.explained.iter().map(|explained| count(&explained.objects)).sum()
    }
}

/// How many differences: fields, and objects that only one of the two has.
fn count(differences: &[ObjectDifference]) -> usize {
    differences.iter().map(|difference| difference.fields.len().max(1)).sum()
}

/// Every object of either, by documented stage, with the fields that differ.
fn differences(one: &View, other: &View) -> Vec<ObjectDifference> {
    let names = AddressIndex::of(&[]);
    let addresses: BTreeSet<&Address> = one.objects.keys().chain(other.objects.keys()).collect();
    let mut differences: Vec<ObjectDifference> = addresses
        .into_iter()
        .filter_map(|address| {
            let (here, there) = (one.objects.get(address), other.objects.get(address));
            let only_in = match (here, there) {
                (Some(_), Some(_)) => None,
                (_, None) => Some(Which::One),
                (None, _) => Some(Which::Other),
            };
            let fields = match (here, there) {
                (Some(here), Some(there)) => between(&here.attrs, &there.attrs)
                    .iter()
                    .filter(|difference| !is_the_same(address, difference.field(), &here.attrs, &there.attrs))
                    .map(|difference| Field {
                        known_after_apply: false,
                        ..names.field(&difference.path, &difference.before, &difference.after, &[])
                    })
                    .filter(|field| !is_ownership(&field.path))
                    .collect(),
                _ => Vec::new(),
            };
            let stage = here.or(there)?.stage;
            Some(ObjectDifference { address: address.clone(), stage, only_in, fields })
        })
        .collect();
    let place = |kind: &str| kinds::all().iter().position(|known| known.name() == kind);
    differences.sort_by_cached_key(|difference| {
        (difference.stage, place(difference.address.kind()), difference.address.clone())
    });
    differences
}

/// Whether the kind regards both values of a field as equal: of one that matters only to a create, for instance.
fn is_the_same(address: &Address, field: &str, one: &Value, other: &Value) -> bool {
    let Some(kind) = kinds::find(address.kind()) else { return false };
    let normalizes = |desired: &Value, live: &Value| {
        let mut live = live.clone();
        kind.normalize(desired, &mut live);
        live.get(field) == desired.get(field)
    };
    normalizes(one, other) && normalizes(other, one)
}

/// The entries of both specs, each once: the two may have them from what both extend.
pub fn entries(one: &Environment, other: &Environment) -> Vec<Differs> {
    let mut entries = one.differs.clone();
    entries.extend(other.differs.iter().filter(|entry| !one.differs.contains(entry)).cloned());
    entries
}
