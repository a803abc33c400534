//! From TOML files to a typed, checked [`Environment`]: read, merge, check the structure against the schema,
//! then check what the values mean. Every error comes with its place, and all of them at once.

mod model;
pub mod names;
mod problem;
mod source;
mod structure;
mod template;
mod validate;

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use model::*;
pub use problem::{Problem, Problems};
pub use source::{Data, Entry, Node, Place, Source, Tree};
pub use template::{TemplateError, password_parameter};

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
pub fn load(path: &Path) -> Result<Spec, Problems> {
    match Tree::read(path) {
        Ok(tree) => typed(tree),
        Err((sources, list)) => Err(Problems::new(sources, list)),
    }
}

/// Checks the text of a spec that extends nothing. `name` is what messages call it.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<Spec, Problems> {
    match Tree::of(name, text) {
        Ok(tree) => typed(tree),
        Err((sources, list)) => Err(Problems::new(sources, list)),
    }
}

fn typed(mut tree: Tree) -> Result<Spec, Problems> {
    let schema = schema();
    let mut checked = tree.root.clone();
    let findings = structure::check(&mut checked, &schema);
    std::mem::swap(&mut tree.root, &mut checked);
    let json = tree.root.json();
    let mut list = findings.problems;
    let env = if findings.typed {
        Environment::deserialize(&json).map_err(|error| error.to_string())
    } else {
        Err(String::new())
    };
    match &env {
        Ok(env) => {
            let missed = |problem: &Problem| {
                let around = findings.unreadable.iter().filter_map(|path| path.split_last());
                around.into_iter().any(|(_, around)| *around == problem.path[..])
            };
            list.extend(validate::validate(env).into_iter().filter(|problem| !missed(problem)));
        }
        Err(message) if list.is_empty() => list.push(Problem::new(message.clone(), "")),
        Err(_) => {}
    }
    // Places come from the tree as written, with the keys that the check took out.
    std::mem::swap(&mut tree.root, &mut checked);
    for problem in &mut list {
        problem.locate(&tree);
    }
    match env {
        Ok(env) if list.is_empty() => {
            let digest = Sha256::digest(json.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Spec { env, tree, digest })
        }
        _ => Err(Problems::new(tree.sources, list)),
    }
}

/// The JSON Schema of a merged spec, as generated from the types.
fn schema() -> Value {
    schemars::schema_for!(Environment).to_value()
}

/// The JSON Schema of one spec file: nothing is required in it, since what it extends may hold the rest.
pub fn file_schema() -> Value {
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
    let mut schema = schema();
    relax(&mut schema);
    schema
}
