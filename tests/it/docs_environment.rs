//! The page of the environment's variables holds all that there are, and each row has a test or a reason.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use regex_lite::Regex;

use crate::cli::repository;
use crate::layers;
use crate::python::PYTHON;

/// The variables that botocore reads its settings from, and every name of AWS's kind in its sources.
const OF_BOTOCORE: &str = r#"
import json, pathlib, re
import botocore
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

names = set()
for _, variables, _, _ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
    names.update([variables] if isinstance(variables, str) else variables or [])
for path in pathlib.Path(botocore.__file__).parent.glob("*.py"):
    names.update(re.findall(r"['\"](AWS_[A-Z0-9_]+)['\"]", path.read_text()))
print(json.dumps(sorted(names)))
"#;

/// A row of the page.
struct Row {
    variables: Vec<String>,
    effect: String,
    /// What shows it, or why nothing does.
    shown: String,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(repository("docs/src/environment.md")).expect("the page");
    let name = Regex::new("`([A-Z][A-Z0-9_]*[A-Z0-9](?:_<SERVICE>)?)`").expect("a pattern");
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")).map(|line| {
        let cells: Vec<&str> = line.trim_end_matches(" |").split(" | ").collect();
        let [names, effect, shown] = cells[..] else { panic!("three cells: {line}") };
        let names = format!("`{names}");
        let variables = name.captures_iter(&names).map(|found| found.extract::<1>().1[0].to_owned()).collect();
        Row { variables, effect: effect.to_owned(), shown: shown.to_owned() }
    });
    cells.collect()
}

fn documented() -> BTreeSet<String> {
    rows().into_iter().flat_map(|row| row.variables).collect()
}

/// The variables of which the page says that they have no effect.
pub fn without_effect() -> BTreeSet<String> {
    rows().into_iter().filter(|row| row.effect == "no effect").flat_map(|row| row.variables).collect()
}

#[test]
fn the_page_has_every_variable_of_botocore() {
    let output = Command::new(PYTHON.interpreter()).env_clear().args(["-c", OF_BOTOCORE]).output().expect("Python");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let names: BTreeSet<String> = serde_json::from_slice(&output.stdout).expect(&error);
    assert!(names.len() > 40, "{names:?}");
    let documented = documented();
    let missing: Vec<&String> = names.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/src/environment.md has no row for {missing:?}");
}

/// What the sources read from the environment: names in capitals on the lines that read it, or in a list of such names.
#[test]
fn the_page_has_every_variable_of_the_sources() {
    let name = Regex::new(r#""([A-Z]+(?:_[A-Z]+)*)""#).expect("a pattern");
    // What the help calls a value stands beside the variable.
    let of_the_help = Regex::new(r#"value_name = "[A-Z]+""#).expect("a pattern");
    let reads =
        Regex::new(r#"env::var(?:_os)?\(|env = "|\bvariable\(|[A-Z]_(?:PROXY|BUNDLE|URL)""#).expect("a pattern");
    let mut names = BTreeSet::new();
    for text in layers::texts().values() {
        for line in text.lines().filter(|line| reads.is_match(line)) {
            let line = of_the_help.replace_all(line, "");
            names.extend(name.captures_iter(&line).map(|found| found.extract::<1>().1[0].to_owned()));
        }
    }
    for known in ["TERM", "BASEPLATE_RUN_URL", "BASEPLATE_LOCK_LEASE"] {
        assert!(names.contains(known), "the sources are not read any more: {names:?}");
    }
    // Of an example of a spec, and of the specs that `init` writes.
    for of_a_spec in ["WEATHER_API_KEY", "DATABASE_URL"] {
        assert!(names.remove(of_a_spec), "{of_a_spec}");
    }
    let documented: BTreeSet<String> =
        documented().into_iter().map(|name| name.replace("<SERVICE>", "ECS")).collect();
    let missing: Vec<&String> = names.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/src/environment.md has no row for {missing:?}");
}

#[test]
fn each_variable_has_one_row_with_a_test_or_a_reason() {
    let test = Regex::new("`([a-z_]+)::([a-z_]+)`").expect("a pattern");
    let mut seen = BTreeSet::new();
    for Row { variables, effect, shown } in rows() {
        for variable in &variables {
            assert!(seen.insert(variable.clone()), "{variable} has two rows");
        }
        assert!(!variables.is_empty() && !effect.is_empty() && shown.len() > 10, "{variables:?}: {shown}");
        for (_, [file, function]) in test.captures_iter(&shown).map(|found| found.extract()) {
            let text = fs::read_to_string(repository(&format!("tests/it/{file}.rs"))).expect("the file of a test");
            let is_test = text.contains(&format!("#[test]\nfn {function}()"));
            assert!(is_test, "{variables:?}: tests/it/{file}.rs has no test {function}");
        }
    }
}
