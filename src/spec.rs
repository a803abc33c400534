//! From TOML files to a typed, checked [`Environment`]: read, merge, check the structure against the schema,
//! then check what the values mean. Every error comes with its place, and all of them at once.

mod accept;
mod check;
mod differs;
mod entries;
mod environment;
mod fill;
mod format;
mod keyed;
mod moved;
pub mod names;
mod owner;
mod partition;
mod place;
mod problem;
mod references;
mod section;
mod source;
mod structure;
mod template;
mod text_part;
mod unknown;
mod validate;

use std::collections::HashSet;
use std::path::Path;

use schemars::SchemaGenerator;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use accept::{Accept, Subject, is_within};
pub use check::Check;
pub use differs::Differs;
pub use environment::Environment;
pub use format::{Layout, layout, layout_of};
pub use keyed::{Entries, Keyed};
pub use moved::{EntryKey, MOVED_FROM, Moved, Names};
pub use owner::{OWNERSHIP, Owner, same_other_tags};
pub use partition::{Partition, dns_suffix, global_region, partition, partitions};
pub use place::{Place, Source};
pub use problem::{Problem, Problems, Reported, Severity, one_of};
pub use references::{text_parts, texts_as_they_are, texts_with_outputs};
pub use section::{AnySection, Section, section};
pub use source::{Data, Drafts, Entry, MAX_BYTES, Node, Tree};
use structure::Placeholder;
pub use template::{TemplateError, placeholders};
pub use text_part::TextPart;
pub use unknown::{Unknown, entry};

/// What a spec may speak of that is defined above it.
#[derive(Clone, Default)]
pub struct Catalog {
    /// The names of all kinds, as addresses begin with them.
    pub kinds: Vec<&'static str>,
    /// The sections that it may have besides what every environment is made of.
    pub sections: Vec<&'static dyn AnySection>,
    /// What AWS would refuse of what an environment wants.
    pub rules: Option<fn(&Environment, &Tree) -> Vec<Problem>>,
}

/// A spec that passed every check.
#[derive(Debug)]
pub struct Spec {
    pub env: Environment,
    pub tree: Tree,
    /// SHA-256 of the merged values, in hex: comments and layout do not change it.
    pub digest: String,
}

/// Reads and checks a spec.
///
/// # Errors
/// All that is wrong with it, each with file, line, column and help.
pub fn load(path: &Path, catalog: &Catalog) -> Result<Spec, Problems> {
    load_drafts(path, &Drafts::new(), catalog)
}

/// Checks a spec whose files, or some of them, are not written yet.
///
/// # Errors
/// As [`load`].
pub fn load_drafts(path: &Path, drafts: &Drafts, catalog: &Catalog) -> Result<Spec, Problems> {
    let schema = schema(catalog);
    typed(Tree::read(path, drafts, &schema)?, catalog, &schema)
}

/// Checks the text of a spec that extends nothing. `name` is what messages call it.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str, catalog: &Catalog) -> Result<Spec, Problems> {
    let schema = schema(catalog);
    typed(Tree::of(name, text, &schema)?, catalog, &schema)
}

fn typed(tree: Tree, catalog: &Catalog, schema: &Value) -> Result<Spec, Problems> {
    let (filled, unfilled) = filled(&tree, catalog, schema, Placeholder::Least);
    let mut root = filled;
    let findings = structure::check(&mut root, schema, Placeholder::Least);
    let env = environment(&root, catalog);
    let is_readable = findings.is_readable();
    let mut list = unfilled;
    let unfilled = list.len();
    list.extend(findings.problems);
    match &env {
        Ok(env) if is_readable => list.extend(meaning(env, &tree, catalog, schema, &findings.unreadable)),
        Ok(_) => {}
        Err(error) if list.is_empty() => list.push(Problem::new(error.to_string(), "")),
        Err(_) => {}
    }
    // Places come from the tree as written, with the keys that the check took out.
    for problem in &mut list {
        tree.locate(problem);
    }
    // A rule does not judge braces that are not filled in.
    let places: Vec<Place> = list[..unfilled].iter().filter_map(|problem| problem.place.clone()).collect();
    list.retain(|problem| problem.code.is_none() || !places.iter().any(|place| problem.holds(place)));
    match env {
        Ok(env) if list.is_empty() => {
            let digest = hex::encode(Sha256::digest(root.json().to_string()));
            Ok(Spec { env, tree, digest })
        }
        _ => Err(Problems::new(tree.sources, list)),
    }
}

/// The tree with its strings filled in, and what is wrong with those; `placeholder` stands for what cannot be read.
fn filled(tree: &Tree, catalog: &Catalog, schema: &Value, placeholder: Placeholder) -> (Node, Vec<Problem>) {
    let mut filled = tree.root.clone();
    let unfilled = fill::fill(&mut filled, schema, |root| {
        let mut root = root.clone();
        structure::check(&mut root, schema, placeholder);
        environment(&root, catalog).ok()
    });
    (filled, unfilled)
}

/// What is wrong with the meaning of `env`, in which the least placeholders are: only what would be with others too,
/// and not what is said of a placeholder itself.
fn meaning(
    env: &Environment,
    tree: &Tree,
    catalog: &Catalog,
    schema: &Value,
    unreadable: &[Vec<String>],
) -> Vec<Problem> {
    let mut problems = wrong(env, tree, catalog);
    if unreadable.is_empty() {
        return problems;
    }
    // What names a placeholder's value is filled in with that.
    let (mut root, _) = filled(tree, catalog, schema, Placeholder::Most);
    structure::check(&mut root, schema, Placeholder::Most);
    let Ok(other) = environment(&root, catalog) else { return Vec::new() };
    let other: HashSet<Problem> = wrong(&other, tree, catalog).into_iter().collect();
    let unreadable: HashSet<&[String]> = unreadable.iter().map(Vec::as_slice).collect();
    let is_of_stand_in = |path: &[String]| (0..=path.len()).any(|length| unreadable.contains(&path[..length]));
    problems.retain(|problem| other.contains(problem) && !is_of_stand_in(&problem.path));
    problems
}

/// What its sections say is wrong with a spec, and AWS's rules: of two that say so of one place, the first.
fn wrong(env: &Environment, tree: &Tree, catalog: &Catalog) -> Vec<Problem> {
    let mut problems = validate::validate(env, catalog);
    let Some(rules) = catalog.rules else { return problems };
    let located = |problem: &Problem| {
        let mut problem = problem.clone();
        tree.locate(&mut problem);
        problem.place
    };
    let known: HashSet<Option<Place>> = problems.iter().map(located).collect();
    problems.extend(rules(env, tree).into_iter().filter(|problem| !known.contains(&problem.place)));
    problems
}

fn environment(root: &Node, catalog: &Catalog) -> Result<Environment, serde::de::value::Error> {
    let mut env = Environment::deserialize(root)?;
    let entries = if let Data::Table(entries) = &root.data { Some(entries) } else { None };
    for section in &catalog.sections {
        let entry = entries.and_then(|entries| entries.get(section.key()));
        env.hold(section.read(entry.map(|entry| &entry.node))?);
    }
    Ok(env)
}

/// The JSON Schema of a merged spec, as generated from the types.
pub fn schema(catalog: &Catalog) -> Value {
    let mut generator = SchemaGenerator::default();
    let sections: Vec<(&str, Value)> =
        catalog.sections.iter().map(|section| (section.key(), section.schema(&mut generator).to_value())).collect();
    let mut schema = generator.into_root_schema_for::<Environment>().to_value();
    for (key, section) in sections {
        schema["properties"][key] = section;
    }
    let required = catalog.sections.iter().filter(|section| section.is_required()).map(|section| section.key());
    if let Some(all) = schema["required"].as_array_mut() {
        all.extend(required.map(Value::from));
    }
    schema["additionalProperties"] = false.into();
    schema
}

/// The JSON Schema of one spec file: nothing is required in it, since what it extends may hold the rest.
pub fn file_schema(catalog: &Catalog) -> Value {
    fn relax(schema: &mut Value) {
        match schema {
            Value::Object(map) => {
                if map.get("required").is_some_and(Value::is_array) {
                    map.remove("required");
                }
                map.values_mut().for_each(relax);
            }
            Value::Array(items) => items.iter_mut().for_each(relax),
            _ => {}
        }
    }
    let mut schema = schema(catalog);
    relax(&mut schema);
    schema
}
