//! The commands that look at no cloud, and the command line itself.

use crate::assert_outcome;
use crate::cli::{Bench, Outcome};

#[test]
fn help_lists_commands_and_exit_codes() {
    assert_outcome!("help", Bench::new().run("--help"));
    assert_outcome!("help-apply", Bench::new().run("apply --help"));
}

#[test]
fn help_is_on_commands_and_on_placeholders() {
    let bench = Bench::new();
    assert_eq!(bench.done("help").stdout, bench.done("--help").stdout);
    assert_eq!(bench.done("help apply").stdout.lines().next(), bench.done("apply --help").stdout.lines().next());
    assert_outcome!("help-placeholders", bench.done("help placeholders"));
    let outcome = bench.run("help aply");
    assert_eq!(outcome.code, 64, "{outcome}");
    assert!(outcome.stderr.contains("did you mean `apply`?"), "{outcome}");
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    let bench = Bench::new();
    for wrong in [
        "",
        "deploy",
        "plan",
        "plan dev.toml --nonsense",
        "check",
        "completions tcl",
        "graph dev.toml --format png",
    ] {
        let outcome = bench.run(wrong);
        assert_eq!(outcome.code, 64, "`{wrong}`\n{outcome}");
        assert!(outcome.stdout.is_empty() && !outcome.stderr.is_empty(), "`{wrong}`\n{outcome}");
    }
    for wrong in
        ["apply dev.toml --parallelism 0", "apply dev.toml --parallelism 257", "apply dev.toml --parallelism x"]
    {
        assert_eq!(bench.run(wrong).code, 64, "`{wrong}`");
    }
    assert_outcome!("usage-terraform-command", bench.run("state list"));
    assert_outcome!("usage-terraform-option", bench.run("plan dev.toml -target=vpc.main"));
    assert_outcome!("usage-terraform-out", bench.run("plan dev.toml -out=plan.tfplan"));
    assert!(!bench.path("ut=plan.tfplan").exists());
    assert_outcome!("usage-show", bench.run("show"));
    assert_outcome!("usage-unknown-command", bench.run("plna dev.toml"));
}

#[test]
fn show_prints_the_merged_spec_with_its_origins() {
    assert_outcome!("show-dev", Bench::new().run("show dev.toml"));
}

#[test]
fn what_show_prints_is_the_same_spec() {
    let bench = Bench::new();
    for environment in ["dev", "prod"] {
        let shown = bench.done(&format!("show {environment}.toml")).stdout;
        let whole: String =
            shown.lines().filter(|line| !line.starts_with("extends ")).map(|line| format!("{line}\n")).collect();
        bench.write("whole.toml", whole);
        let merged = bench.done("show --json whole.toml").json();
        let mut original = bench.done(&format!("show --json {environment}.toml")).json();
        original.as_object_mut().expect("a table").remove("extends");
        assert_eq!(merged, original);
    }
}

#[test]
fn graphs_in_both_languages() {
    let bench = Bench::with_fixture("small.toml");
    assert_outcome!("graph-mermaid", bench.run("graph spec.toml"));
    assert_outcome!("graph-dot", bench.run("graph spec.toml --format dot"));
}

#[test]
fn completions() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let outcome = bench.done(&format!("completions {shell}"));
        assert!(outcome.stdout.contains("baseplate") && outcome.stdout.contains("detailed-exitcode"), "{shell}");
    }
    bench.write("completions.bash", bench.done("completions bash").stdout);
    let parsed = std::process::Command::new("bash").arg("-n").arg(bench.path("completions.bash")).status();
    assert!(parsed.expect("bash is needed to check its completions").success());
}

#[test]
fn schema_describes_every_section() {
    let schema = Bench::new().done("schema").json();
    for section in ["network", "security-groups", "databases", "registries", "parameters", "services", "dns"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}

/// `baseplate … | head` is no error.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let bench = Bench::new();
    let mut child =
        bench.command("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

/// A full disk: half a plan must not count as done, and nothing is changed that was not shown.
#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let bench = Bench::with_fixture("small.toml");
    let commands = [
        "--version",
        "--help",
        "check spec.toml",
        "show spec.toml",
        "graph spec.toml",
        "schema",
        "completions bash",
        "compare spec.toml spec.toml",
        "rehearse spec.toml",
        "plan spec.toml --cloud file:cloud.json",
        "plan spec.toml --json --cloud file:cloud.json",
        "plan spec.toml --format html --cloud file:cloud.json",
        "apply spec.toml --yes --cloud file:cloud.json",
    ];
    for arguments in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let outcome = Outcome::from(bench.command(arguments).stdout(full).output().expect("the program starts"));
        assert_eq!(outcome.code, 1, "{arguments}\n{outcome}");
        assert!(outcome.stderr.contains("error: cannot write to standard output: No space left"), "{outcome}");
    }
    assert!(!bench.path("cloud.json").exists(), "nothing was changed");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let bench = Bench::with_fixture("small.toml");
    for arguments in ["schema", "plan spec.toml --json --cloud file:cloud.json"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let outcome = Outcome::from(bench.command(arguments).stdout(writer).output().expect("the program starts"));
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments}");
    }
}

/// The rules that most tools go by: <https://no-color.org/> and <https://bixense.com/clicolors/>.
#[test]
fn colour_is_where_the_environment_wants_it() {
    let bench = Bench::new();
    let is_coloured = |variables: &[(&str, &str)]| {
        let mut command = bench.command("plan dev.toml --cloud file:cloud.json");
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 0, "{outcome}");
        outcome.stdout.contains('\u{1b}')
    };
    assert!(!is_coloured(&[]), "without a terminal");
    assert!(is_coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}
