use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text_part::TextPart;
use super::{Accept, Differs, Moved, Names, Unknown};
use crate::value::Part;

/// One environment of one project, in one account and region.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Environment {
    /// The spec that this one builds on, or several, of which later ones override earlier ones: paths from this file's
    /// folder to others in the same Git repository (outside of one: beside this file or below). Tables merge by key,
    /// arrays replace, and `false` in place of an inherited table takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-placeholders" = "none"))]
    pub extends: Option<Extends>,
    /// The project's name: the first part of every name and parameter path.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"), extend("x-placeholders" = "none"))]
    pub project: String,
    /// The environment's name: the second part of every name and parameter path.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,14}[a-z0-9]$"), extend("x-placeholders" = "none"))]
    pub environment: String,
    /// The AWS account, 12 digits. Nothing is written to any other.
    #[schemars(regex(pattern = r"^[0-9]{12}$"), extend("x-placeholders" = "none"))]
    pub account: String,
    /// The AWS region, as in `eu-central-1`.
    #[schemars(regex(pattern = r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$"), extend("x-placeholders" = "none"))]
    pub region: String,
    /// Whether what holds data (databases, registries, secret parameters, logs) is deleted or replaced only if
    /// `--allow-destroy` names it. A database, registry, parameter or service can say otherwise for itself. It is
    /// Baseplate that refuses then; with `deletion-protection`, which databases and load balancers have besides, AWS does.
    #[serde(default = "yes")]
    pub protect: bool,
    /// All environments of the project. It belongs in the base that they extend: what they share is derived from it, such
    /// as which images a registry keeps for each. Unless set: `dev` and `prod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(inner(regex(pattern = r"^[a-z][a-z0-9-]{0,14}[a-z0-9]$")))]
    pub environments: Option<Vec<String>>,
    /// Tags of what the environments of the project share. They belong in the base that these extend.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub project_tags: BTreeMap<String, String>,
    /// Tags of every object that belongs to this environment.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How this environment differs from the project's others on purpose: `compare` shows these only with `--all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-placeholders" = "none"))]
    pub differs: Vec<Differs>,
    /// Findings of checks that are intended: they are accepted, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-placeholders" = "none"))]
    pub accept: Vec<Accept>,
    /// Entries that have another key than before, so that nothing is replaced for it. It may be removed once every
    /// environment was applied with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-placeholders" = "none"))]
    pub moved: Vec<Moved>,
    /// The earlier keys after which live objects are named: no spec says that.
    #[serde(skip)]
    pub(super) names: Names,
    /// All else that the spec says, which the kinds read by type ([`Environment::section`]).
    #[serde(skip)]
    sections: Sections,
}

/// What a spec builds on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Extends {
    One(String),
    Several(Vec<String>),
}

fn yes() -> bool {
    true
}

/// What one section of a spec says, whatever its type.
pub trait Held: Send + Sync {
    fn key(&self) -> &'static str;
    /// What texts may refer to in it, as a message lists it.
    fn texts(&self) -> &'static [TextPart];
    fn value(&self) -> &dyn Any;
    /// What `{<key>.<path>}` in a text stands for.
    fn part(&self, env: &Environment, path: &str) -> Result<Part, Unknown>;
    /// Names that are this environment's own, each with what stands for it in a comparison.
    fn own_names(&self) -> Vec<(String, &'static str)>;
    /// Where the table of its entries stands in it; empty where it is the section itself, `None` where it has none.
    fn entry_table(&self) -> Option<&'static str>;
    fn entry_keys(&self) -> Vec<String>;
    /// As [`super::Section::refer_anew`].
    fn refer_anew(&self, env: &mut Environment, from: &str, to: &str);
    /// Whether names are made of the keys of its entries.
    fn named_by_key(&self) -> bool;
    /// The same with another key for an entry, at its place. `None` where there is no such entry.
    fn with_key(&self, from: &str, to: &str) -> Option<Arc<dyn Held>>;
    /// The same with every text put through `rename`, but for those that environments may have in common; as it is
    /// where that would make no sense any more.
    fn renamed(&self, rename: Rename<'_>) -> Arc<dyn Held>;
}

/// Puts other texts into a JSON value.
pub type Rename<'a> = &'a dyn Fn(&Value) -> Value;

/// In the order in which the catalog lists them.
#[derive(Clone, Default)]
struct Sections(Vec<Arc<dyn Held>>);

impl fmt::Debug for Sections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|held| held.key())).finish()
    }
}

impl Environment {
    pub(super) fn held(&self, key: &str) -> Option<&Arc<dyn Held>> {
        self.sections.0.iter().find(|held| held.key() == key)
    }

    pub(super) fn all_held(&self) -> impl Iterator<Item = &Arc<dyn Held>> {
        self.sections.0.iter()
    }

    /// Puts a section in the place of the one with its key, or after all others.
    pub(super) fn hold(&mut self, section: Arc<dyn Held>) {
        match self.sections.0.iter_mut().find(|held| held.key() == section.key()) {
            Some(held) => *held = section,
            None => self.sections.0.push(section),
        }
    }

    /// What texts may refer to in the sections, as a message lists it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.sections.0.iter().flat_map(|held| held.texts()).map(|(name, _)| *name)
    }

    /// The same sections with every text in them put through `rename`, but for what environments may have in common.
    pub fn renamed(&self, rename: Rename<'_>) -> Self {
        let sections = self.sections.0.iter().map(|held| held.renamed(rename)).collect();
        Self { sections: Sections(sections), ..self.clone() }
    }

    /// Names that only this environment has, each with what stands for it in a comparison.
    pub fn own_names(&self) -> Vec<(String, &'static str)> {
        self.sections.0.iter().flat_map(|held| held.own_names()).collect()
    }
}
