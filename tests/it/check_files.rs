//! Files that are no specs at all, and `extends` that leads nowhere good.

use crate::assert_outcome;
use crate::cli::Bench;

const BASE: &str = "project = \"town\"\n";

#[test]
fn a_missing_file() {
    assert_outcome!("file-missing", Bench::new().run("check nowhere.toml"));
}

#[test]
fn a_folder() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("folder.toml")).expect("a folder");
    assert_outcome!("file-folder", bench.run("check folder.toml"));
}

#[test]
fn an_empty_file_lacks_everything_that_is_required() {
    let bench = Bench::new();
    bench.write("empty.toml", "");
    assert_outcome!("file-empty", bench.run("check empty.toml"));
}

#[test]
fn bytes_that_are_no_text() {
    let bench = Bench::new();
    bench.write("latin.toml", b"project = \"caf\xe9\"\n");
    assert_outcome!("file-not-utf8", bench.run("check latin.toml"));
}

#[test]
fn raw_control_characters() {
    let bench = Bench::new();
    bench.write("raw.toml", "project = \"to\u{0}wn\"\nregion = \"\u{1b}[31meu\u{9b}1m\"\n# \u{1b}]0;title\u{7}\n");
    let outcome = bench.run("check raw.toml");
    assert!(!outcome.stderr.contains(|c: char| c.is_control() && c != '\n'), "{:?}", outcome.stderr);
    assert_outcome!("file-control-characters", outcome);
}

#[test]
fn a_file_name_that_steers_the_terminal() {
    let bench = Bench::new();
    let outcome = bench.run("check \u{1b}[31mred.toml");
    assert!(!outcome.stderr.contains('\u{1b}'), "{:?}", outcome.stderr);
    assert_outcome!("file-name-steers", outcome);
}

#[test]
fn a_file_far_too_large() {
    let bench = Bench::new();
    bench.write("large.toml", "# much\n".repeat(1 << 20));
    assert_outcome!("file-oversized", bench.run("check large.toml"));
}

#[test]
fn extends_of_what_is_not_there() {
    let bench = Bench::new();
    bench.write("spec.toml", format!("{BASE}extends = \"nowhere.toml\"\n"));
    assert_outcome!("extends-missing", bench.run("check spec.toml"));
}

#[test]
fn extends_out_of_the_folder() {
    let bench = Bench::new();
    for base in ["../secret.toml", "/etc/passwd", "below/../../up.toml"] {
        bench.write("spec.toml", format!("{BASE}extends = \"{base}\"\n"));
        let outcome = bench.run("check spec.toml");
        assert_eq!(outcome.code, 3, "{base}\n{outcome}");
        assert!(outcome.stderr.contains("may not leave the folder"), "{outcome}");
    }
    assert_outcome!("extends-outside", bench.run("check spec.toml"));
}

#[test]
fn extends_in_a_ring() {
    let bench = Bench::new();
    bench.write("a.toml", "extends = \"b.toml\"\n");
    bench.write("b.toml", "extends = \"./a.toml\"\n");
    assert_outcome!("extends-ring", bench.run("check a.toml"));
    bench.write("self.toml", "extends = \"self.toml\"\n");
    assert_outcome!("extends-itself", bench.run("check self.toml"));
}

#[test]
fn errors_in_what_is_extended_name_that_file() {
    let bench = Bench::new();
    bench.edit("legocity.toml", "cpu = 256\nmemory = 512\nport = 3001", "cpu = 256\nmemory = 700\nport = 3001");
    assert_outcome!("extends-with-an-error", bench.run("check dev.toml"));
}

/// A spec of which nothing is missing.
const WHOLE: &str = "project = \"town\"\nenvironment = \"test\"\naccount = \"123456789012\"\n\
                     region = \"eu-central-1\"\n[network]\ncidr = \"10.20.0.0/16\"\n\
                     [network.subnets]\nprivate-a = { tier = \"private\", zone = \"eu-central-1a\", cidr = \"10.20.0.0/20\" }\n";

/// A repository with what two environments share above their folders.
fn repository() -> Bench {
    let bench = Bench::new();
    for folder in ["repo/.git", "repo/eu/dev", "repo/shared"] {
        std::fs::create_dir_all(bench.path(folder)).expect("a folder");
    }
    bench.write("repo/shared/common.toml", WHOLE);
    bench.write("repo/shared/more.toml", "[topics.orders]\ndisplay-name = \"Orders\"\n[topics.mail]\n");
    bench
}

#[test]
fn in_a_repository_extends_leads_to_other_folders() {
    let bench = repository();
    let spec = "extends = [\"../../shared/common.toml\", \"../../shared/more.toml\"]\n[topics]\nmail = false\n";
    bench.write("repo/eu/dev/spec.toml", spec);
    let shown = bench.done("show repo/eu/dev/spec.toml");
    assert!(shown.stdout.contains("[topics.orders]"), "{shown}");
    assert!(!shown.stdout.contains("mail"), "{shown}");

    // Neither by its path nor by a link does it lead out of it.
    bench.write("outside.toml", "this is private = and no TOML\n");
    std::os::unix::fs::symlink(bench.path("outside.toml"), bench.path("repo/eu/link.toml")).expect("a link");
    for base in ["../../../outside.toml", "../link.toml"] {
        bench.write("repo/eu/dev/spec.toml", format!("extends = \"{base}\"\n"));
        let outcome = bench.run("check repo/eu/dev/spec.toml");
        assert_eq!(outcome.code, 3, "{outcome}");
        assert!(outcome.stderr.contains("may not leave the repository"), "{outcome}");
        assert!(!outcome.to_string().contains("this is private"), "{outcome}");
    }
    bench.write("repo/eu/dev/spec.toml", "extends = \"../dev/spec.toml\"\n");
    let outcome = bench.run("check repo/eu/dev/spec.toml");
    assert!(outcome.stderr.contains("`extends` is a cycle"), "{outcome}");
}

#[test]
fn false_takes_away_only_what_is_inherited() {
    let bench = Bench::new();
    bench.write("spec.toml", format!("{WHOLE}[topics]\nmail = false\n"));
    assert_outcome!("false-inherits-nothing", bench.run("check spec.toml"));
}

/// The same spec from a checkout with other line ends, in another time zone and locale, and by way of a link.
#[test]
fn a_plan_does_not_depend_on_the_checkout() {
    let bench = Bench::new();
    let more = "[parameters]\nmotd = \"\"\"\none\ntwo\n\"\"\"\n";
    bench.write("base.toml", format!("{WHOLE}{more}"));
    bench.write("spec.toml", "extends = \"base.toml\"\n[topics.orders]\n");
    std::fs::create_dir(bench.path("windows")).expect("a folder");
    for name in ["base.toml", "spec.toml"] {
        bench.write(&format!("windows/{name}"), bench.read(name).replace('\n', "\r\n"));
    }
    std::os::unix::fs::symlink(bench.path("windows"), bench.path("link")).expect("a link");
    let plan = |spec: &str, variables: &[(&str, &str)]| {
        let mut command = bench.command(&format!("plan --json {spec} --cloud file:cloud.json"));
        command.envs(variables.iter().copied());
        let plan = crate::cli::Outcome::of(&mut command).json();
        assert!(plan.to_string().contains("one\\ntwo\\n"), "{plan}");
        // Files are named as the command line names them; their lines are the same.
        plan.to_string().replace("\"windows/", "\"").replace("\"link/", "\"")
    };
    let first = plan("spec.toml", &[]);
    assert_eq!(plan("windows/spec.toml", &[]), first);
    assert_eq!(
        plan("link/spec.toml", &[("TZ", "Asia/Tokyo"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")]),
        first
    );
}
