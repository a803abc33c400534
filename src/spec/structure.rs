//! Checks a tree against the schema generated from the types: unknown and missing keys, types, ranges and
//! patterns, all at once and each with its place. (Serde would stop at the first.)

use serde_json::Value;

use super::problem::Problem;
use super::source::{Data, Node};

/// What the check leaves: its findings, and whether the tree still fits the types well enough to look further.
pub struct Findings {
    pub problems: Vec<Problem>,
    pub typed: bool,
    /// Paths of values that were taken out because they cannot be read. They are not missing.
    pub unreadable: Vec<Vec<String>>,
}

/// Checks `root` and takes out of it what the types do not know, so that the rest can still be read.
pub fn check(root: &mut Node, schema: &Value) -> Findings {
    let mut walk = Walk {
        schema,
        findings: Findings { problems: Vec::new(), typed: true, unreadable: Vec::new() },
        path: Vec::new(),
    };
    walk.node(root, schema);
    walk.findings
}

struct Walk<'a> {
    schema: &'a Value,
    findings: Findings,
    path: Vec<String>,
}

impl<'a> Walk<'a> {
    fn report(&mut self, message: String, help: String) {
        let path = self.path.clone();
        self.findings.problems.push(Problem { path, ..Problem::new(message, help) });
    }

    fn resolve(&self, mut schema: &'a Value) -> &'a Value {
        while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            match self.schema.pointer(target.trim_start_matches('#')) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    /// The alternative of an `anyOf` or `oneOf` that takes values of this node's type.
    fn alternative(&self, schema: &'a Value, node: &Node) -> &'a Value {
        let schema = self.resolve(schema);
        let Some(choices) = schema.get("anyOf").and_then(Value::as_array) else { return schema };
        let choices = || choices.iter().map(|choice| self.resolve(choice));
        choices().find(|choice| accepts(choice, node)).or_else(|| choices().next()).unwrap_or(schema)
    }

    fn node(&mut self, node: &mut Node, schema: &'a Value) {
        let outer = self.resolve(schema);
        let schema = self.alternative(outer, node);
        if let Some(names) = constants(schema) {
            let ok = matches!(&node.data, Data::String(text) if names.contains(&text.as_str()));
            if !ok {
                self.findings.typed = false;
                let help = match &node.data {
                    Data::String(text) => match nearest(text, names.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("it is one of: {}", names.join(", ")),
                    },
                    _ => format!("it is one of: {}", names.join(", ")),
                };
                self.report(format!("{} is not one of the values it can have", shown(node)), help);
            }
            return;
        }
        if !accepts(schema, node) {
            self.findings.typed = false;
            let written = || written(expected(outer).as_str()).to_owned();
            let help = describe(schema).or_else(|| describe(outer)).unwrap_or_else(written);
            self.report(format!("expected {}, found {}", expected(outer), named(node)), help);
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
        for key in keys {
            self.path.push(key.clone());
            let property = known.iter().find(|(name, _)| **name == key).map(|(_, schema)| *schema);
            match property.or(rest) {
                Some(schema) => {
                    if let Some(entry) = entries.get_mut(&key) {
                        let before = self.findings.problems.len();
                        self.node(&mut entry.node, schema);
                        // An address range that cannot be read is as good as none: the rest can still be checked.
                        let unreadable = self.findings.problems[before..]
                            .iter()
                            .any(|problem| problem.path == self.path && problem.message.contains("not a CIDR"));
                        if unreadable {
                            entries.remove(&key);
                            self.findings.unreadable.push(self.path.clone());
                        }
                    }
                }
                None if closed => {
                    let help = match nearest(&key, known.iter().map(|(name, _)| name.as_str())) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                            format!("known here: {}", names.join(", "))
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
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = required.as_str().filter(|name| !entries.contains_key(*name)) else { continue };
            self.findings.typed = false;
            let known = known.iter().find(|(key, _)| *key == name).map(|(_, schema)| *schema);
            let help = known.and_then(describe).unwrap_or_else(|| "it has no default".to_owned());
            self.report(format!("`{name}` is missing"), help);
        }
    }

    fn scalar(&mut self, node: &Node, schema: &'a Value) {
        let help = || describe(schema).unwrap_or_default();
        let number = match node.data {
            Data::Integer(number) => Some(number),
            _ => None,
        };
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        if let Some(number) = number {
            let (low, high) = (bound("minimum"), bound("maximum"));
            let value = number as f64;
            if low.is_some_and(|low| value < low) || high.is_some_and(|high| value > high) {
                let range = match (low, high) {
                    (Some(low), Some(high)) => format!("{low} to {high}"),
                    (Some(low), None) => format!("{low} or more"),
                    (_, high) => format!("{} or less", high.unwrap_or_default()),
                };
                self.findings.typed &= i32::try_from(number).is_ok_and(|number| number >= 0);
                self.report(format!("{number} is out of range: {range}"), help());
            }
        }
        if let Data::String(text) = &node.data {
            let pattern = schema.get("pattern").and_then(Value::as_str);
            if let Some(pattern) = pattern
                && !regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
            {
                self.report(format!("{} does not look right: it must match {pattern}", shown(node)), help());
            }
            let cidr = schema.get("format").and_then(Value::as_str) == Some("ipv4-cidr");
            if cidr && text.parse::<ipnet::Ipv4Net>().is_err() {
                self.report(
                    format!("`{text}` is not a CIDR"),
                    "write an IPv4 range, as in 10.20.0.0/16".to_owned(),
                );
            }
        }
    }
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
        "a string" => "a string stands in quotes",
        "an array" => "an array stands in brackets",
        "a table" => "a table stands in braces, or under a [heading] of its own",
        _ => "it stands without quotes",
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

/// The known name that is most like `key`, if any is alike.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(name, key), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
