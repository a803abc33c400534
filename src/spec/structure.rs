//! Checks a tree against the schema generated from the types: unknown and missing keys, types, ranges and
//! patterns, all at once and each with its place. (Serde would stop at the first.)

mod placeholder;

use std::collections::BTreeMap;

use serde_json::Value;

use super::place::Place;
use super::problem::{MOST, Problem};
use super::source::{Data, Entry, Node};
pub use placeholder::Placeholder;

pub struct Findings {
    pub problems: Vec<Problem>,
    /// Paths of values that cannot be read, or are not there.
    pub unreadable: Vec<Vec<String>>,
}

impl Findings {
    /// Whether what cannot be read leaves room to show what is wrong besides.
    pub fn is_readable(&self) -> bool {
        self.unreadable.len() < MOST
    }
}

/// Checks `root` and makes it fit the types, so that the rest can be looked at: what they do not know is taken out,
/// and what cannot be read or is missing gets a placeholder, unless that is too much.
pub fn check(root: &mut Node, schema: &Value, placeholder: Placeholder) -> Findings {
    let findings = Findings { problems: Vec::new(), unreadable: Vec::new() };
    let mut walk = Walk { schema, placeholder, findings, path: Vec::new() };
    walk.node(root, schema);
    walk.findings
}

struct Walk<'a> {
    schema: &'a Value,
    placeholder: Placeholder,
    findings: Findings,
    path: Vec<String>,
}

impl<'a> Walk<'a> {
    fn report(&mut self, message: String, help: String) {
        let path = self.path.clone();
        self.findings.problems.push(Problem { path, ..Problem::new(message, help) });
    }

    /// Puts a placeholder in the place of what cannot be read.
    fn replace(&mut self, node: &mut Node, schema: &Value) {
        if self.findings.is_readable() {
            *node = self.placeholder.node(self.schema, schema, &node.place);
        }
        self.findings.unreadable.push(self.path.clone());
    }

    /// Puts a placeholder where nothing is.
    fn supply(&mut self, entries: &mut BTreeMap<String, Entry>, key: &str, schema: &Value, place: &Place) {
        if self.findings.is_readable() {
            let node = self.placeholder.node(self.schema, schema, place);
            entries.insert(key.to_owned(), Entry { key: place.clone(), order: entries.len(), node });
        }
        let path = self.path.iter().cloned().chain([key.to_owned()]).collect();
        self.findings.unreadable.push(path);
    }

    fn node(&mut self, node: &mut Node, schema: &'a Value) {
        let outer = resolve(self.schema, schema);
        let schema = alternative(self.schema, outer, node);
        if let Some(names) = constants(schema) {
            let ok = matches!(&node.data, Data::String(text) if names.contains(&text.as_str()));
            if !ok {
                let help = match &node.data {
                    Data::String(text) => match nearest(text, names.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("allowed values: {}", names.join(", ")),
                    },
                    _ => format!("allowed values: {}", names.join(", ")),
                };
                self.report(format!("{} is not an allowed value", shown(node)), help);
                self.replace(node, outer);
            }
            return;
        }
        if !accepts(schema, node) {
            let written = || match node.data {
                // It takes away what is inherited.
                Data::Boolean(false) if expected(outer) == "a table" => {
                    "`false` takes an inherited entry away, and none of this name is inherited".to_owned()
                }
                _ => written(expected(outer).as_str()).to_owned(),
            };
            let described = describe(schema).or_else(|| describe(outer));
            let help = described.map_or_else(written, |text| format!("`{}`: {text}", self.name()));
            self.report(format!("expected {}, found {}", expected(outer), named(node)), help);
            self.replace(node, outer);
            return;
        }
        match &mut node.data {
            Data::Table(_) => self.table(node, schema),
            Data::Array(items) => {
                if let Some(item_schema) = schema.get("items") {
                    for (index, item) in items.iter_mut().enumerate() {
                        self.path.push(index.to_string());
                        self.node(item, item_schema);
                        self.path.pop();
                    }
                }
            }
            _ => self.scalar(node, schema),
        }
    }

    fn table(&mut self, node: &mut Node, schema: &'a Value) {
        let Data::Table(entries) = &mut node.data else { return };
        let known: Vec<(&'a String, &'a Value)> =
            schema.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
        let rest = schema.get("additionalProperties").filter(|rest| rest.is_object());
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let keys: Vec<String> = entries.keys().cloned().collect();
        let mut meant = Vec::new();
        for key in keys {
            self.path.push(key.clone());
            let property = known.iter().find(|(name, _)| **name == key).map(|(_, schema)| *schema);
            match property.or(rest) {
                Some(schema) => {
                    if let Some(entry) = entries.get_mut(&key) {
                        self.node(&mut entry.node, schema);
                    }
                }
                None if closed => {
                    let help = match nearest(&key, known.iter().map(|(name, _)| name.as_str())) {
                        Some(near) => {
                            meant.push(near.to_owned());
                            format!("did you mean `{near}`?")
                        }
                        None => {
                            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                            format!("allowed keys: {}", names.join(", "))
                        }
                    };
                    let mut problem = Problem::new(format!("unknown key `{key}`"), help);
                    problem.place = entries.get(&key).map(|entry| entry.key.clone());
                    self.findings.problems.push(problem);
                    entries.remove(&key);
                }
                None => {}
            }
            self.path.pop();
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let mut missing: Vec<&str> = required.filter_map(Value::as_str).collect();
        missing.retain(|name| !entries.contains_key(*name));
        for (name, schema) in &known {
            // What stands there under a name that is not known is not missing.
            if meant.contains(*name) && !entries.contains_key(*name) {
                missing.retain(|missing| missing != name);
                self.supply(entries, name, schema, &node.place);
            }
        }
        let missing: Vec<_> = known.iter().filter(|(name, _)| missing.contains(&name.as_str())).collect();
        // One error for one table, however much of it is missing: its key may be another than that of a base.
        let names: Vec<String> = missing.iter().map(|(name, _)| format!("`{name}`")).collect();
        let help = missing.iter().map(|(name, schema)| what_is(name, schema));
        match names.len() {
            0 => {}
            1 => self.report(format!("{} is missing", names[0]), help.collect::<String>()),
            _ => self.report(format!("{} are missing", names.join(", ")), help.collect::<Vec<_>>().join(" ")),
        }
        for (name, schema) in missing {
            self.supply(entries, name, schema, &node.place);
        }
    }

    /// The name of the field that is looked at, also within a list.
    fn name(&self) -> String {
        self.path.iter().rev().find(|step| step.parse::<usize>().is_err()).cloned().unwrap_or_default()
    }

    fn scalar(&mut self, node: &mut Node, schema: &'a Value) {
        let name = self.name();
        let help = || what_is(&name, schema);
        if let Data::Integer(number) = node.data {
            let (least, most) = range(schema);
            if !(least..=most).contains(&number) {
                let range =
                    if most == i64::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
                self.report(format!("{number} is out of range: {range}"), help());
                self.replace(node, schema);
            }
        }
        if let Data::String(text) = &node.data {
            let pattern = schema.get("pattern").and_then(Value::as_str);
            if let Some(pattern) = pattern
                && !regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
            {
                self.report(format!("{} is invalid: it must match {pattern}", shown(node)), help());
                return self.replace(node, schema);
            }
            let cidr = schema.get("format").and_then(Value::as_str) == Some("ipv4-cidr");
            if cidr && text.parse::<ipnet::Ipv4Net>().is_err() {
                self.report(
                    format!("`{text}` is not a CIDR"),
                    "write an IPv4 range, as in 10.20.0.0/16".to_owned(),
                );
                self.replace(node, schema);
            }
        }
    }
}

/// The alternative of an `anyOf` that takes values of this node's type, the first where none does.
pub fn alternative<'a>(root: &'a Value, schema: &'a Value, node: &Node) -> &'a Value {
    let choices = choices(root, schema);
    let fits = choices.iter().find(|choice| accepts(choice, node));
    fits.or(choices.first()).copied().unwrap_or(schema)
}

/// The schemas of which a value must fit one: one may have alternatives itself.
fn choices<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolve(root, schema);
    match schema.get("anyOf").and_then(Value::as_array) {
        Some(alternatives) => alternatives.iter().flat_map(|choice| choices(root, choice)).collect(),
        None => vec![schema],
    }
}

fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        match root.pointer(target.trim_start_matches('#')) {
            Some(found) => schema = found,
            None => break,
        }
    }
    schema
}

/// The numbers that a schema of whole numbers takes. For many it tells their size only.
fn range(schema: &Value) -> (i64, i64) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint" | "uint64") => (0, i64::MAX),
        _ => (i64::MIN, i64::MAX),
    };
    (bound("minimum").unwrap_or(least), bound("maximum").unwrap_or(most))
}

/// The strings an enum takes: `enum`, or `oneOf` of `const`s where variants have docs of their own.
fn constants(schema: &Value) -> Option<Vec<&str>> {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return Some(names.iter().filter_map(Value::as_str).collect());
    }
    let choices = schema.get("oneOf").and_then(Value::as_array)?;
    choices
        .iter()
        .map(|choice| match choice.get("const") {
            Some(name) => Some(vec![name.as_str()?]),
            None => choice.get("enum")?.as_array()?.iter().map(Value::as_str).collect(),
        })
        .collect::<Option<Vec<_>>>()
        .map(|names| names.concat())
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn accepts(schema: &Value, node: &Node) -> bool {
    if constants(schema).is_some() {
        return matches!(node.data, Data::String(_));
    }
    let types = types(schema);
    let is = |name: &str| types.contains(&name);
    types.is_empty()
        || match node.data {
            Data::Table(_) => is("object"),
            Data::Array(_) => is("array"),
            Data::String(_) => is("string"),
            Data::Integer(_) => is("integer") || is("number"),
            Data::Float(_) => is("number"),
            Data::Boolean(_) => is("boolean"),
            Data::Datetime(_) => false,
        }
}

fn expected(schema: &Value) -> String {
    let own = types(schema);
    let names = match schema.get("anyOf").and_then(Value::as_array) {
        Some(choices) => choices.iter().map(|choice| types(choice).first().copied().unwrap_or("object")).collect(),
        None => own,
    };
    let plain = |name: &str| match name {
        "object" => "a table",
        "array" => "an array",
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "",
    };
    let names: Vec<&str> = names.into_iter().map(plain).filter(|name| !name.is_empty()).collect();
    names.join(" or ")
}

/// How a value of the expected type is written.
fn written(expected: &str) -> &'static str {
    match expected {
        "a string" => "write a string in quotes",
        "an array" => "write an array in brackets",
        "a table" => "write a table in braces, or under a [heading] of its own",
        _ => "write it without quotes",
    }
}

fn named(node: &Node) -> &'static str {
    match node.data {
        Data::Table(_) => "a table",
        Data::Array(_) => "an array",
        Data::String(_) => "a string",
        Data::Integer(_) => "a whole number",
        Data::Float(_) => "a number that is not whole or too large",
        Data::Boolean(_) => "true or false",
        Data::Datetime(_) => "a date",
    }
}

fn shown(node: &Node) -> String {
    match &node.data {
        Data::String(text) => format!("`{text}`"),
        _ => named(node).to_owned(),
    }
}

fn describe(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(|text| text.replace('\n', " "))
}

/// What a field is, in the words of its documentation.
fn what_is(name: &str, schema: &Value) -> String {
    describe(schema).map_or_else(|| format!("`{name}` has no default"), |text| format!("`{name}`: {text}"))
}

/// The known name that is most like `key`, if any is alike.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(name, key), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
