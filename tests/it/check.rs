//! Every file of `fixtures/bad` marks its bad lines with `# wrong`. `check` must report exactly those, all at once;
//! the snapshots show how.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use toml::{Table, Value};

use crate::assert_outcome;
use crate::cli::{Bench, Outcome, repository};

fn fixtures() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(repository("fixtures/bad")).expect("fixtures/bad");
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() > 10, "the fixtures are there");
    files
}

/// Runs `check` beside the fixtures, so that messages name them without any folder.
fn check(arguments: &[&str]) -> Outcome {
    let mut command: Command = Bench::new().command("check");
    Outcome::of(command.args(arguments).current_dir(repository("fixtures/bad")))
}

#[test]
fn what_the_bad_specs_build_on_is_good() {
    let outcome = check(&["good/town.toml"]);
    assert_eq!(outcome.code, 0, "{outcome}");
}

#[test]
fn every_bad_line_is_reported_and_no_other() {
    let mut wrong = String::new();
    for path in fixtures() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let prefix_lines = text.lines().enumerate().filter(|(_, line)| line.ends_with("# wrong"));
        let prefix_lines: BTreeSet<u64> = prefix_lines.map(|(index, _)| index as u64 + 1).collect();
        let outcome = check(&["--json", &name]);
        assert_eq!(outcome.code, 3, "{name}\n{outcome}");
        let problems = outcome.json();
        let problems = problems.as_array().expect("a list");
        let reported: BTreeSet<u64> = problems.iter().filter_map(|problem| problem["line"].as_u64()).collect();
        if reported != prefix_lines {
            let missed: Vec<&u64> = prefix_lines.difference(&reported).collect();
            let extra: Vec<&u64> = reported.difference(&prefix_lines).collect();
            wrong += &format!("{name}: not reported {missed:?}, reported without a mark {extra:?}\n");
        }
        for problem in problems {
            let says = |field: &str| problem[field].as_str().is_some_and(|text| !text.is_empty());
            let placed = problem["column"].as_u64() >= Some(1) && problem["file"] == name.as_str();
            if !says("message") || !says("help") || !placed {
                wrong += &format!("{name}: no message, help or place: {problem}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn bad_specs_are_shown_as_in_the_snapshots() {
    for path in fixtures() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert_outcome!(format!("bad-{}", name.trim_end_matches(".toml")), check(&[&name]));
    }
}

/// A spec is not always written by who reads the message: a terminal must not obey it.
#[test]
fn control_characters_of_a_spec_reach_no_terminal() {
    for path in fixtures() {
        let name = path.to_string_lossy().into_owned();
        for arguments in [&["--json", &name][..], &[&name]] {
            let Outcome { stdout, stderr, .. } = check(arguments);
            let is_unsafe = |c: char| c.is_control() && c != '\n';
            assert!(!stdout.contains(is_unsafe) && !stderr.contains(is_unsafe), "{name}: {stdout:?} {stderr:?}");
        }
    }
}

#[test]
fn several_specs_are_checked_in_one_go() {
    let outcome = check(&["good/town.toml", "network-size.toml", "zones-too-few.toml"]);
    assert_outcome!("check-several", outcome);
}

/// Every value and table of a spec in turn is made something that cannot be read.
#[test]
fn nothing_is_told_that_only_follows_from_what_cannot_be_read() {
    let spec = baseplate::spec::load(&repository("environments/prod.toml"), &baseplate::kinds::catalog())
        .expect("a shipped spec");
    let spec = Table::try_from(spec.tree.root.json()).expect("a table");
    let paths = paths(&spec);
    assert!(paths.len() > 200, "{paths:?}");
    for path in paths {
        let mut broken = Value::Table(spec.clone());
        let value = path.iter().fold(&mut broken, |value, step| match value {
            Value::Array(items) => &mut items[step.parse::<usize>().expect("an index")],
            table => &mut table[step.as_str()],
        });
        *value = Value::Datetime("2026-11-21".parse().expect("a date"));
        let problems = baseplate::spec::parse(
            "spec.toml",
            &toml::to_string(&broken).expect("a spec"),
            &baseplate::kinds::catalog(),
        );
        let list = problems.expect_err("it cannot be read").list;
        assert_eq!(list.len(), 1, "{path:?}: {list:#?}");
        assert_eq!(list[0].path, path, "{list:#?}");
    }
}

fn paths(table: &Table) -> Vec<Vec<String>> {
    fn walk(value: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
        if !path.is_empty() {
            paths.push(path.clone());
        }
        let entries: Vec<(String, &Value)> = match value {
            Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (step, value) in entries {
            path.push(step);
            walk(value, path, paths);
            path.pop();
        }
    }
    let mut paths = Vec::new();
    walk(&Value::Table(table.clone()), &mut Vec::new(), &mut paths);
    paths
}
