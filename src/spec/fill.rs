//! Fills placeholders in where a string takes no outputs: names, ARNs, tags, commands, domains. What they stand for is
//! in the spec itself. Where a string may hold outputs (the schema says so), its section reads it as a text.

use std::collections::HashSet;

use serde_json::Value;

use super::problem::Problem;
use super::source::{Data, Node};
use super::structure::alternative;
use super::template::{TemplateError, expand};
use super::{Environment, Unknown};
use crate::value::Part;

/// What the schema says of a string that is not filled in: `outputs` where it is a text that may hold outputs of objects,
/// `none` where braces are braces.
pub const PLACEHOLDERS: &str = "x-placeholders";

/// Fills in the strings of `root`. `read` reads the environment of a tree of which not all is filled in yet.
pub fn fill(root: &mut Node, schema: &Value, read: impl Fn(&Node) -> Option<Environment>) -> Vec<Problem> {
    let core = CORE.map(|name| (name, top(root, name)));
    let mut left = HashSet::new();
    let mut problems = Vec::new();
    strings(root, schema, schema, &mut Vec::new(), &mut |text, path| {
        if !text.contains(['{', '}']) {
            return;
        }
        let known = |name: &str| core.iter().find_map(|(known, value)| (*known == name).then(|| value.clone())?);
        match expand(text, |name| known(name).map(Part::Literal).ok_or_else(|| Unknown::new("", ""))) {
            Ok(filled) => *text = filled.plain(),
            Err(_) => {
                left.insert(path.to_vec());
            }
        }
    });
    // The others name something of a section.
    if left.is_empty() {
        return problems;
    }
    let env = read(root);
    strings(root, schema, schema, &mut Vec::new(), &mut |text, path| {
        if !left.contains(path) {
            return;
        }
        match expand(text, |name| {
            env.as_ref().map_or_else(|| Ok(Part::Literal(String::new())), |env| literal(env, name))
        }) {
            Ok(filled) => *text = filled.plain(),
            Err(errors) => problems.extend(errors.into_iter().map(|error| problem(path, error))),
        }
    });
    problems
}

/// Keys at the top that every spec has, and whose values any string may name.
const CORE: [&str; 4] = ["project", "environment", "account", "region"];

fn top(root: &Node, key: &str) -> Option<String> {
    let Data::Table(entries) = &root.data else { return None };
    match &entries.get(key)?.node.data {
        Data::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// What a placeholder stands for where only what the spec itself says can be filled in.
fn literal(env: &Environment, name: &str) -> Result<Part, Unknown> {
    match env.placeholder(name)? {
        Part::Literal(text) if text.contains(['{', '}']) => {
            let message = format!("`{name}` has placeholders itself, and is not filled in yet");
            Err(Unknown::new(message, "write out what it stands for"))
        }
        Part::Literal(text) => Ok(Part::Literal(text)),
        Part::Output { address, .. } => {
            let message = format!("`{name}` is known only once {address} is there: it cannot be filled in here");
            Err(Unknown::new(message, "images, variables, hosts and the values of parameters take it"))
        }
    }
}

fn problem(path: &[String], error: TemplateError) -> Problem {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    Problem { part: Some(error.placeholder), ..Problem::at(&path, error.message, error.help) }
}

/// Every string that takes no outputs, with its path.
fn strings(
    node: &mut Node,
    root: &Value,
    schema: &Value,
    path: &mut Vec<String>,
    each: &mut dyn FnMut(&mut String, &[String]),
) {
    // A schema may refer to another, and say this beside the reference.
    let own = alternative(root, schema, node);
    if schema.get(PLACEHOLDERS).or_else(|| own.get(PLACEHOLDERS)).is_some() {
        return;
    }
    match &mut node.data {
        Data::String(text) => each(text, path),
        Data::Table(entries) => {
            for (key, entry) in entries {
                let property = own.get("properties").and_then(|properties| properties.get(key));
                // What the spec does not know is reported as such.
                let Some(schema) = property.or_else(|| own.get("additionalProperties")) else { continue };
                path.push(key.clone());
                strings(&mut entry.node, root, schema, path, each);
                path.pop();
            }
        }
        Data::Array(items) => {
            let Some(schema) = own.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                strings(item, root, schema, path, each);
                path.pop();
            }
        }
        Data::Integer(_) | Data::Float(_) | Data::Boolean(_) | Data::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{Problems, Spec};

    fn parse(more: &str) -> Result<Spec, Problems> {
        let text = format!(
            "project = \"town\"\nenvironment = \"test\"\naccount = \"123456789012\"\nregion = \"eu-central-1\"\n\
             [network]\ncidr = \"10.40.0.0/16\"\n[network.subnets]\n\
             private-a = {{ tier = \"private\", zone = \"{{region}}a\", cidr = \"10.40.128.0/20\" }}\n{more}"
        );
        crate::spec::parse("spec.toml", &text, &crate::kinds::catalog())
    }

    #[test]
    fn every_string_takes_what_the_spec_says_itself() {
        let spec = parse(
            "[tags]\ncosts = \"{project}/{environment} {{x}}\"\n\
             [topics.orders]\ndisplay-name = \"{topics-name}\"\n",
        );
        let problems = spec.expect_err("nothing is called so").render(false);
        assert!(problems.contains("unknown placeholder `{topics-name}`"), "{problems}");
        assert!(problems.contains("[spec.toml:12:"), "{problems}");

        let spec = parse("[tags]\ncosts = \"{project}/{environment} {{x}}\"\n").expect("a valid spec");
        assert_eq!(spec.env.tags["costs"], "town/test {x}");
    }

    #[test]
    fn what_is_known_only_later_is_refused_where_a_string_takes_no_outputs() {
        let problems = parse("[topics.orders]\n[tags]\ntopic = \"{topics.orders.arn}\"\n").expect_err("an output");
        let problems = problems.render(false);
        assert!(problems.contains("known only once sns_topic.orders is there"), "{problems}");
    }

    #[test]
    fn json_is_told_about_doubled_braces() {
        let json = "[parameters]\nflags = '{\"beta\": true, \"min\": {\"a\": 1}}'\n";
        let problems = parse(json).expect_err("JSON").render(false);
        assert!(problems.contains("write every brace that is meant as such twice"), "{problems}");
        parse("[parameters]\nflags = '{{\"beta\": true}}'\n").expect("braces twice");
    }
}
