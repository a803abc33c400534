//! The pages of `docs/src/reference` are written by this file from the program itself: from its command line, the types
//! of the spec, and the kinds. `UPDATE_DOCS=1 cargo test --test it docs` writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use baseplate::cli::Cli;
use baseplate::kinds::terraform::This;
use baseplate::kinds::{self, AnyKind, Stage};
use baseplate::spec::{self, Environment};
use baseplate::value::Address;
use clap::{Arg, ArgAction, CommandFactory};
use serde_json::Value;

use crate::cli::{Bench, repository};
use crate::docs::is_update;
use crate::examples::{examples, write};

const WRITTEN_BY: &str =
    "<!-- Written by tests/it/docs_reference.rs: `UPDATE_DOCS=1 cargo test --test it docs` -->";

fn assert_written(name: &str, text: &str) {
    let path = repository("docs/src/reference").join(name);
    let text = format!("{WRITTEN_BY}\n\n{}\n", text.trim());
    if is_update() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("docs/src/reference");
        fs::write(&path, &text).expect("the page is written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept != text {
        let differs = kept.lines().zip(text.lines()).position(|(kept, new)| kept != new);
        let line = differs.unwrap_or_else(|| kept.lines().count().min(text.lines().count()));
        let [kept, new] = [&kept, &text].map(|text| text.lines().nth(line).unwrap_or_default());
        let help = "run `UPDATE_DOCS=1 cargo test --test it docs` and read what changes";
        panic!("{name}:{}: it is not what the program says\n- {kept}\n+ {new}\n{help}", line + 1);
    }
}

/// A cell of a table: one line, and no end of the cell.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// Text of the program within Markdown: what looks like a tag outside of code would be taken for one.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(part, text)| if part % 2 == 0 { text.replace('<', "\\<") } else { text.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

/// A sentence that ends with a full stop.
fn sentence(text: &str) -> String {
    let text = prose(text);
    if text.is_empty() || text.ends_with(['.', '…']) { text } else { format!("{text}.") }
}

fn code(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}

// Commands

#[test]
fn commands() {
    let mut root = Cli::command();
    root.build();
    let mut text = String::from("# Commands\n\n");
    let context =
        |command: &clap::Command| sentence(&command.get_about().map(ToString::to_string).unwrap_or_default());
    let _ = writeln!(text, "{}\n\n| command | |\n|---|---|", context(&root));
    let commands: Vec<&clap::Command> =
        root.get_subcommands().filter(|command| command.get_name() != "help").collect();
    for command in &commands {
        let name = command.get_name();
        let _ = writeln!(text, "| [`baseplate {name}`](#baseplate-{name}) | {} |", cell(&context(command)));
    }
    let _ = writeln!(text, "\n## Options of every command\n");
    let is_global = |arg: &&Arg| arg.is_global_set();
    root.get_arguments().filter(is_global).for_each(|arg| argument(&mut text, arg));
    text += "- `--help`, `-h`: Print help.\n- `--version`, `-V`: Print the version (without a command).\n";
    for command in commands {
        let _ = writeln!(text, "\n## baseplate {}\n\n{}", command.get_name(), context(command));
        let usage = command.clone().render_usage().to_string();
        let _ = writeln!(text, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: ").trim());
        let own = command.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help");
        own.for_each(|arg| argument(&mut text, arg));
    }
    let codes = root.get_after_help().expect("the exit codes").to_string();
    let codes = codes.strip_prefix("Exit codes: ").expect("nothing but the exit codes");
    let _ = writeln!(text, "\n## Exit codes\n\n| code | |\n|---|---|");
    for code in codes.split('·') {
        let (code, meaning) = code.trim().split_once(' ').expect("a code and what it means");
        let _ = writeln!(text, "| {code} | {} |", cell(meaning));
    }
    assert_written("commands.md", &text);
}

fn argument(text: &mut String, arg: &Arg) {
    let takes_values = !matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Count);
    let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let is_repeated = matches!(arg.get_action(), ArgAction::Append);
    let more = if is_repeated && arg.is_positional() { "…" } else { "" };
    let mut head = match arg.get_long() {
        Some(long) if takes_values => format!("`--{long} {value}`"),
        Some(long) => format!("`--{long}`"),
        None => format!("`{value}{more}`"),
    };
    if let Some(short) = arg.get_short() {
        let _ = write!(head, ", `-{short}`");
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // Some say their default themselves, because it is not the same for all that they are used with.
    let (help, default) = match help.rsplit_once(" [default: ").map(|(help, rest)| (help, rest.strip_suffix(']'))) {
        Some((help, Some(default))) => (help.to_owned(), Some(default.to_owned())),
        _ => (help, None),
    };
    let mut said = Vec::new();
    if !help.is_empty() {
        said.push(sentence(&help));
    }
    let values = arg.get_possible_values();
    if takes_values && !values.is_empty() {
        let one = |value: &clap::builder::PossibleValue| match value.get_help() {
            Some(help) => {
                let help = help.to_string();
                let (first, rest) = help.split_at(1);
                let help = first.to_lowercase() + rest.trim_end_matches('.');
                format!("`{}` ({})", value.get_name(), prose(&help))
            }
            None => format!("`{}`", value.get_name()),
        };
        said.push(format!("One of: {}.", values.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    if is_repeated && !arg.is_positional() {
        said.push("May be given more than once.".to_owned());
    }
    let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let defaults: Vec<String> = defaults.chain(default).collect();
    if takes_values && !defaults.is_empty() {
        said.push(format!("Default: {}.", code(defaults)));
    }
    if let Some(variable) = arg.get_env() {
        said.push(format!("Environment variable: `{}`.", variable.to_string_lossy()));
    }
    let colon = if said.is_empty() { "" } else { ": " };
    let _ = writeln!(text, "- {head}{colon}{}", said.join(" "));
}

// Placeholders

#[test]
fn placeholders() {
    let catalog = kinds::catalog();
    let mut text = String::from(
        "# Placeholders\n\nA string of a spec refers to something else in braces. `…` is the key of an entry; `{{` and `}}` are \
         braces. `baseplate help placeholders` prints this, too.\n\n| | |\n|---|---|\n",
    );
    for (name, what) in spec::text_parts(&catalog) {
        let _ = writeln!(text, "| `{{{name}}}` | {} |", cell(what));
    }
    let mut list = |before: &str, paths: Vec<String>| {
        let _ = writeln!(text, "\n{before}\n");
        paths.iter().for_each(|path| text += &format!("- `{path}`\n"));
    };
    list(
        "These strings take all of them, also what is known only once an object is there:",
        spec::texts_with_outputs(&catalog),
    );
    list(
        "Every other string takes what the spec says itself. In these, braces are only braces:",
        spec::texts_as_they_are(&catalog),
    );
    let _ = writeln!(text, "\nFor example:\n\n```toml\n{}\n```", baseplate::ui::EXAMPLE);
    assert_written("placeholders.md", &text);
}

/// What is listed can be written so: in the examples of kinds, with the keys of their entries.
#[test]
fn every_placeholder_that_is_listed_means_something() {
    let environments = environments();
    for (name, _) in spec::text_parts(&kinds::catalog()) {
        let means_something = |env: &Environment| match name.split_once("….") {
            None if !name.ends_with('…') => env.parse_template(&format!("{{{name}}}")).is_ok(),
            split => {
                let (section, field) = match split {
                    Some((section, field)) => (section.trim_end_matches('.'), format!(".{field}")),
                    None => (name.trim_end_matches(".…"), String::new()),
                };
                let keys = baseplate::graph::Graph::of(env).expect("no cycle").objects.into_iter();
                let keys = keys.filter(|object| object.origin.first().is_some_and(|first| first == section));
                let mut keys = keys.filter_map(|object| object.origin.get(1).cloned());
                keys.any(|key| env.parse_template(&format!("{{{section}.{key}{field}}}")).is_ok())
            }
        };
        assert!(environments.iter().any(means_something), "{name}");
    }
}

// The spec

#[test]
fn spec() {
    let schema = spec::schema(&kinds::catalog());
    let mut text = String::from(
        "# Spec\n\nEvery section and key of a spec. `<key>` is a name of your own. A required key may also \
         come from the file that the spec extends. If a key without a default is left out, AWS chooses the value, or the \
         feature is off. \
         [Spec by example](../spec.md) explains how the parts fit together.\n",
    );
    Sections { schema: &schema, text: &mut text }.section("", "Top level", &schema);
    assert_written("spec.md", &text);
}

struct Sections<'a> {
    schema: &'a Value,
    text: &'a mut String,
}

impl<'a> Sections<'a> {
    /// What a schema is, behind references and the choice of leaving it out, with its own description if it has one.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        if let Some(target) = schema["$ref"].as_str() {
            return self.resolved(self.schema.pointer(target.trim_start_matches('#')).expect("a definition"));
        }
        let choices = schema["anyOf"].as_array().into_iter().flatten();
        let mut choices = choices.filter(|choice| choice["type"] != "null");
        match (choices.next(), choices.next()) {
            (Some(one), None) => self.resolved(one),
            _ => schema,
        }
    }

    /// The table that a value is or holds, and what its key is called below `path`.
    fn tables(&self, path: &str, schema: &'a Value) -> Vec<(String, &'a Value)> {
        let schema = self.resolved(schema);
        if schema["properties"].is_object() {
            return vec![(format!("[{path}]"), schema)];
        }
        if schema["items"].is_object() {
            let item = self.resolved(&schema["items"]);
            return if item["properties"].is_object() { vec![(format!("[[{path}]]"), item)] } else { Vec::new() };
        }
        if schema["additionalProperties"].is_object() {
            return self.tables(&format!("{path}.<key>"), &schema["additionalProperties"]);
        }
        let choices = schema["anyOf"].as_array().into_iter().flatten();
        choices.flat_map(|choice| self.tables(path, choice)).collect()
    }

    fn section(&mut self, path: &str, title: &str, schema: &'a Value) {
        let level = if path.matches(['.']).count() > path.matches(".<key>").count() { "###" } else { "##" };
        let _ = writeln!(self.text, "\n{level} {}\n", title.replace('<', "\\<"));
        if let Some(description) = schema["description"].as_str() {
            let _ = writeln!(self.text, "{}\n", prose(&description.replace('\n', " ")));
        }
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().expect("keys");
        *self.text += "| key | type | default | |\n|---|---|---|---|\n";
        for (key, property) in properties {
            let default = match (&property["default"], required.contains(key.as_str())) {
                (_, true) => "required".to_owned(),
                (Value::Null, false) => String::new(),
                (Value::Object(table), _) if table.is_empty() => String::new(),
                (Value::Object(_), _) => "as below".to_owned(),
                (value, _) => format!("`{value}`"),
            };
            let described = property["description"].as_str();
            let context = described.or_else(|| self.resolved(property)["description"].as_str()).unwrap_or_default();
            let (kind, context) = (cell(&self.kind(property)), cell(&prose(context)));
            let _ = writeln!(self.text, "| `{key}` | {kind} | {} | {context} |", cell(&default));
        }
        for (key, property) in properties {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let mut tables = self.tables(&path, property);
            // One table, or a list of such.
            tables.dedup_by(|a, b| std::ptr::eq(a.1, b.1));
            for (title, table) in tables {
                let path = title.trim_matches(['[', ']']).to_owned();
                self.section(&path, &title, table);
            }
        }
    }

    fn kind(&self, schema: &'a Value) -> String {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            return choices.iter().map(|choice| self.kind(choice)).collect::<Vec<_>>().join(" or ");
        }
        let constants = schema["enum"].as_array().into_iter().flatten().chain(
            schema["oneOf"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|choice| choice["enum"].as_array().into_iter().flatten().chain(choice.get("const"))),
        );
        let constants: Vec<&str> = constants.filter_map(Value::as_str).collect();
        if !constants.is_empty() {
            return code(constants);
        }
        let named = match &schema["type"] {
            Value::Array(names) => names.iter().find(|name| *name != "null"),
            name => Some(name),
        };
        match named.and_then(Value::as_str) {
            Some("integer") => match (&schema["minimum"], &schema["maximum"]) {
                (Value::Number(least), Value::Number(most)) if most.as_u64() != Some(i32::MAX as u64) => {
                    format!("integer, {least} to {most}")
                }
                (Value::Number(least), _) => format!("integer, {least} or more"),
                _ => "integer".to_owned(),
            },
            Some("string") => match (schema["pattern"].as_str(), schema["format"].as_str()) {
                (Some(pattern), _) => format!("string like `{pattern}`"),
                (None, Some("ipv4-cidr")) => "CIDR".to_owned(),
                (None, _) => "string".to_owned(),
            },
            Some("array") => format!("list of {}", plural(&self.kind(&schema["items"]))),
            Some("object") if schema["additionalProperties"].is_object() => {
                format!("{} by key", plural(&self.kind(&schema["additionalProperties"])))
            }
            Some("object") => "table".to_owned(),
            Some(other) => other.to_owned(),
            None => "any".to_owned(),
        }
    }
}

/// `string or table` as many.
fn plural(kind: &str) -> String {
    kind.split(" or ").map(|kind| format!("{kind}s")).collect::<Vec<_>>().join(" or ")
}

// The kinds

/// Specs that together have every kind, and every field of the spec.
fn environments() -> Vec<Environment> {
    let environment = |example| {
        let bench = Bench::new();
        write(&bench, example);
        spec::load(&bench.path("spec.toml"), &kinds::catalog()).expect("a valid spec").env
    };
    examples().into_iter().map(|(_, example)| environment(example)).collect()
}

/// What the specs have of one kind.
#[derive(Default)]
struct Seen {
    attributes: BTreeSet<String>,
    resources: Vec<&'static str>,
    holds_data: BTreeSet<bool>,
}

impl Seen {
    fn of(kind: &dyn AnyKind, environments: &[Environment]) -> Self {
        let mut seen = Self::default();
        for environment in environments {
            for desired in kind.desired(environment) {
                seen.attributes.extend(desired.attrs.as_object().expect("attributes").keys().cloned());
                seen.holds_data.insert(kind.holds_data(&desired.attrs));
                let address = Address::new(kind.name(), &desired.name);
                let this = This { address: &address, region: &environment.region };
                for block in kind.terraform(&desired.attrs, &this).expect("its own attributes") {
                    if !seen.resources.contains(&block.kind) {
                        seen.resources.push(block.kind);
                    }
                }
            }
        }
        assert!(!seen.attributes.is_empty(), "no example wants a {}", kind.name());
        for field in kind.unread().iter().chain(kind.replace_on()).chain(kind.summary()) {
            assert!(seen.attributes.contains(*field), "{} has no attribute `{field}`", kind.name());
        }
        seen
    }

    fn data(&self) -> &'static str {
        match (self.holds_data.contains(&true), self.holds_data.contains(&false)) {
            (true, false) => "yes",
            (true, true) => "some",
            _ => "",
        }
    }
}

/// Seconds of what is not worth to be told, and until a change is given up where a kind says nothing else.
const QUICK: u64 = 2;
const DEADLINE: u64 = 300;

fn duration(seconds: u64) -> String {
    if seconds >= 120 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

#[test]
fn kinds() {
    let environments = environments();
    let mut text = String::from(
        "# Kinds\n\nWhat Baseplate manages, in the order in which a plan lists it. A kind is the first part of an \
         address: `db_instance.main` is the object `main` of the kind `db_instance`.\n\n\
         *Holds data* says whether an object is deleted or replaced only if it is \
         [named](../plans.md#what-holds-data) (*some*: it depends on the object). Changes are quick, and given up after \
         5 minutes, unless a kind says how long they take.\n\n\
         | kind | stage | Terraform | holds data |\n|---|---|---|---|\n",
    );
    let seen: Vec<Seen> = kinds::all().iter().map(|kind| Seen::of(*kind, &environments)).collect();
    for stage in Stage::ALL {
        for (kind, seen) in kinds::all().iter().zip(&seen).filter(|(kind, _)| kind.stage() == stage) {
            let (name, terraform) = (kind.name(), code(&seen.resources));
            let _ = writeln!(text, "| [`{name}`](#{name}) | {} | {terraform} | {} |", stage.number(), seen.data());
        }
    }
    for stage in Stage::ALL {
        let _ = writeln!(text, "\n## Stage {}", stage.title());
        for (kind, seen) in kinds::all().iter().zip(&seen).filter(|(kind, _)| kind.stage() == stage) {
            let _ = writeln!(text, "\n### {}\n", kind.name());
            let _ = writeln!(text, "- Manages: {}.", code(&seen.attributes));
            let replaced = kind.replace_on();
            if replaced.is_empty() {
                text += "- Replaced: never; every attribute changes in place.\n";
            } else {
                let _ = writeln!(text, "- Replaced when one of these changes: {}.", code(replaced));
            }
            let _ = writeln!(text, "- Outputs: {}.", code(["id"].iter().chain(kind.outputs())));
            if !kind.unread().is_empty() {
                let _ = writeln!(text, "- Not compared, because AWS does not tell it: {}.", code(kind.unread()));
            }
            let members = kind.members();
            if !members.is_empty() {
                let reported: Vec<&str> = members.iter().flat_map(|members| members.reported.clone()).collect();
                let told = if reported.is_empty() { "nothing".to_owned() } else { code(&reported) };
                let _ = writeln!(
                    text,
                    "- Told where somebody has [set it by hand](members.md#{}): {told}.",
                    kind.name()
                );
            }
            if let Some(field) = kind.protected_by() {
                let _ = writeln!(text, "- AWS refuses to delete it while `{field}` is on.");
            }
            let (create, delete) = (duration(kind.expected_seconds()), duration(kind.expected_delete_seconds()));
            if kind.expected_seconds().max(kind.expected_delete_seconds()) > QUICK {
                let _ = writeln!(text, "- Takes about {create} to create and {delete} to delete.");
            }
            if kind.deadline() != DEADLINE {
                let _ = writeln!(text, "- A change is given up after {}.", duration(kind.deadline()));
            }
        }
    }
    assert_written("kinds.md", &text);
}

#[test]
fn members() {
    let mut text = String::from(
        "# What AWS tells\n\nWhat becomes of each member of AWS's answers, by its path in the objects that an operation \
         answers with. A path stands for all below it, unless a longer one is listed.\n\n\
         - *Managed*: an attribute is made of it, or Baseplate works by it.\n\
         - *Reported*: no spec asks for it; a plan and `drift` tell it where it is not AWS's default, and an apply leaves it \
         as it is.\n\
         - *Ignored*: for the reason that is said.\n",
    );
    for kind in kinds::all() {
        let tables = kind.members();
        if tables.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n## {}", kind.name());
        for members in tables {
            let place = if members.at.is_empty() { String::new() } else { format!(", `{}`", members.at) };
            let _ = writeln!(text, "\n`{}`{place}\n", members.operation);
            for (title, paths) in [("Managed", members.managed), ("Reported", &members.reported)] {
                if !paths.is_empty() {
                    let _ = writeln!(text, "- {title}: {}.", code(paths));
                }
            }
            for (reason, paths) in members.ignored {
                let _ = writeln!(text, "- Ignored ({reason}): {}.", code(*paths));
            }
        }
    }
    assert_written("members.md", &text);
}

#[test]
fn rules() {
    let mut text = String::from(
        "# Rules\n\nWhat AWS takes of what Baseplate sends. `check`, `plan` and `apply` hold every object that a spec wants \
         against these rules, names that are derived and tags that are merged included, and report each value that \
         breaks one at its line, with the code of the rule (`code` in `--json`). Codes are stable.\n\n\
         | code | kind | AWS takes | source |\n|---|---|---|---|\n",
    );
    for (kind, rule) in kinds::all_rules() {
        let kind = kind.map_or("all".to_owned(), |kind| format!("[`{0}`](kinds.md#{0})", kind.name()));
        let (takes, source) = (cell(&prose(rule.takes)), cell(&prose(rule.source)));
        let source = if source.starts_with("https://") { format!("<{source}>") } else { format!("API: {source}") };
        let _ = writeln!(text, "| `{}` | {kind} | {takes} | {source} |", rule.code);
    }
    assert_written("rules.md", &text);
}

#[test]
fn checks() {
    let mut text = String::from(
        "# Checks\n\nWhat AWS takes although it cannot work, found in the spec alone. `check` and `plan` show it; \
         `check --strict` fails. [`[[accept]]`](../spec.md#accepting-a-warning) accepts a finding by its code, which is \
         stable.\n\n| code | warns of |\n|---|---|\n",
    );
    for check in baseplate::checks::ALL {
        let _ = writeln!(text, "| `{}` | {} |", check.code, cell(&prose(check.warns)));
    }
    text += "\n## Preflight\n\nWhat AWS is asked before a plan is applied, about what the plan makes and changes: see \
             [Preflight](../preflight.md). The answers are `ok`, `bad` and `unknown`. Whoever lacks a permission gets \
             `unknown` for what it is needed for.\n\n| code | asks whether | about | permissions |\n|---|---|---|---|\n";
    for (code, (question, kinds)) in baseplate::kinds::questions() {
        let names = kinds.iter().map(|kind| format!("[`{0}`](kinds.md#{0})", kind.name()));
        let names: Vec<String> = names.collect();
        let (asks, names) = (cell(&prose(question.asks)), names.join(", "));
        let _ = writeln!(text, "| `{code}` | {asks} | {names} | {} |", self::code(question.permissions));
    }
    assert_written("checks.md", &text);
}
