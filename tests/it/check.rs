//! Every file of `fixtures/bad` marks its bad lines with `# wrong`. `check` must report exactly those, all at once;
//! the snapshots show how.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

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
        let marked = text.lines().enumerate().filter(|(_, line)| line.ends_with("# wrong"));
        let marked: BTreeSet<u64> = marked.map(|(index, _)| index as u64 + 1).collect();
        let outcome = check(&["--json", &name]);
        assert_eq!(outcome.code, 3, "{name}\n{outcome}");
        let problems = outcome.json();
        let problems = problems.as_array().expect("a list");
        let reported: BTreeSet<u64> = problems.iter().filter_map(|problem| problem["line"].as_u64()).collect();
        if reported != marked {
            let missed: Vec<&u64> = marked.difference(&reported).collect();
            let extra: Vec<&u64> = reported.difference(&marked).collect();
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
            let steers = |c: char| c.is_control() && c != '\n';
            assert!(!stdout.contains(steers) && !stderr.contains(steers), "{name}: {stdout:?} {stderr:?}");
        }
    }
}

#[test]
fn several_specs_are_checked_in_one_go() {
    let outcome = check(&["good/town.toml", "network-size.toml", "zones-too-few.toml"]);
    assert_outcome!("check-several", outcome);
}
