//! The layout of specs.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::assert_outcome;
use crate::cli::{Bench, repository};

#[test]
fn the_shipped_specs_are_laid_out() {
    let bench = Bench::new();
    for folder in ["environments", "fixtures"] {
        for entry in fs::read_dir(repository(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            bench.write("copy.toml", &text);
            bench.done("fmt copy.toml");
            let once = bench.read("copy.toml");
            if folder == "environments" {
                assert_eq!(once, text, "{}", path.display());
            }
            let again = bench.done("fmt --check copy.toml");
            assert!(again.stdout.is_empty() && bench.read("copy.toml") == once, "{}", path.display());
        }
    }
}

const UNTIDY: &str = "project=\"town\"\n\n\n\n[tags]   # a\n  team   =\"x\"  \n";
const TIDY: &str = "project = \"town\"\n\n[tags]   # a\nteam = \"x\"\n";

#[test]
fn a_check_writes_nothing() {
    let bench = Bench::new();
    bench.write("a.toml", UNTIDY);
    bench.write("b.toml", TIDY);
    let outcome = bench.run("fmt --check a.toml b.toml");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, "a.toml\n"), "{outcome}");
    assert_eq!(bench.read("a.toml"), UNTIDY);
    assert_eq!(bench.done("fmt --json a.toml b.toml").json()["changed"], serde_json::json!(["a.toml"]));
    assert_eq!((bench.read("a.toml"), bench.read("b.toml")), (TIDY.to_owned(), TIDY.to_owned()));
    assert_eq!(bench.done("fmt --check a.toml b.toml").stdout, "");
}

#[test]
fn where_one_is_broken_none_is_written() {
    let bench = Bench::new();
    bench.write("a.toml", UNTIDY);
    bench.write("broken.toml", "project = \"town\"\n[tags\nteam = \n");
    let outcome = bench.run("fmt a.toml broken.toml none.toml");
    assert_eq!(outcome.code, 3, "{outcome}");
    assert_outcome!("fmt-broken", outcome);
    assert_eq!(bench.read("a.toml"), UNTIDY);
    assert_eq!(bench.run("fmt a.toml -").code, 64);
}

#[test]
fn standard_input_is_printed() {
    let bench = Bench::new();
    let fmt = |text: &str, arguments: &str| {
        let mut command = bench.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
        crate::cli::Outcome::from(child.wait_with_output().expect("it ends"))
    };
    let outcome = fmt(UNTIDY, "fmt -");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, TIDY), "{outcome}");
    assert_eq!(fmt(UNTIDY, "fmt --check -").code, 2);
    assert_eq!(fmt(TIDY, "fmt --check -").code, 0);
    assert_eq!(fmt("[tags", "fmt -").code, 3);
    // What would not be printed as it is would be lost.
    let outcome = fmt("# \u{202e}\nproject = \"town\"\n", "fmt -");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""), "{outcome}");
}
