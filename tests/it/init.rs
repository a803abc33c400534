//! `init`: what it writes is valid, laid out, and applies; what is there stays; wrong answers are told at once.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;

use crate::assert_outcome;
use crate::cli::{Bench, Outcome};
use crate::python::{PYTHON, script};

const ANSWERS: &str = "--project shop --account 123456789012 --region eu-central-1";

/// The outcome, and after it every file that was written.
fn with_files(bench: &Bench, folder: &str, outcome: &Outcome) -> String {
    let mut text = outcome.to_string();
    for name in ["base.toml", "dev.toml", "prod.toml", ".gitignore"] {
        text += &format!("\n──── {folder}/{name}\n{}", bench.read(&format!("{folder}/{name}")).trim_end());
    }
    text
}

#[test]
fn a_project_with_a_domain() {
    let bench = Bench::new();
    let parts = "--components web,web:blog,worker:mailer,postgres,topic:orders --domain shop.example";
    let outcome = bench.run(&format!("init shop {ANSWERS} {parts}"));
    assert_outcome!("init-domain", with_files(&bench, "shop", &outcome));
}

#[test]
fn a_project_in_two_accounts_without_a_domain() {
    let bench = Bench::new();
    let accounts = "--account dev=111111111111,prod=222222222222";
    let outcome = bench
        .run(&format!("init deep/shop --project shop {accounts} --region us-west-1 --components web,worker,mysql"));
    assert_outcome!("init-two-accounts", with_files(&bench, "deep/shop", &outcome));
}

/// What `init` wrote to `folder` is laid out, has no warnings, applies, and is then up to date.
fn assert_sound(bench: &Bench, folder: &str, what: &str) {
    let of = |name: &str| format!("{folder}/{name}.toml");
    let (base, dev, prod) = (of("base"), of("dev"), of("prod"));
    bench.done(&format!("fmt --check {base} {dev} {prod}"));
    bench.done(&format!("check --strict {dev} {prod}"));
    for (name, spec) in [("dev", &dev), ("prod", &prod)] {
        let cloud = format!("--cloud file:{folder}/{name}-cloud.json --time-scale 0");
        bench.done(&format!("apply {spec} {cloud} --yes"));
        let again = bench.run(&format!("plan {spec} {cloud} --detailed-exitcode"));
        assert_eq!(again.code, 0, "{what}\n{again}");
        assert!(again.stdout.contains("No changes: all "), "{what}\n{again}");
    }
}

#[test]
fn every_combination_of_components_applies() {
    let bench = Bench::new();
    let types = ["web", "worker", "postgres", "mysql", "topic"];
    let mut seen = BTreeSet::new();
    for chosen in 1..1_u32 << types.len() {
        let is_chosen = |index: &usize| chosen & (1 << index) != 0;
        let parts: Vec<&str> = (0..types.len()).filter(is_chosen).map(|index| types[index]).collect();
        let parts = parts.join(",");
        let domains: &[&str] = if chosen & 1 != 0 { &["", " --domain shop.example"] } else { &[""] };
        for domain in domains {
            let folder = format!("at-{}", seen.len());
            let outcome =
                bench.done(&format!("init {folder} {ANSWERS} --components {parts}{domain} --json")).json();
            let wanted = bench.wanted(&format!("{folder}/dev.toml"));
            assert_eq!(outcome["environments"][0]["objects"], wanted, "{parts}{domain}");
            assert_sound(&bench, &folder, &format!("{parts}{domain}"));
            seen.insert(format!("{parts}{domain}"));
        }
    }
    assert_eq!(seen.len(), 47);
}

#[test]
fn several_of_each_sort_apply() {
    let bench = Bench::new();
    let parts = "web:front,web:blog,worker:mailer,worker:a-twenty-letter-name,postgres:orders,postgres:stock,\
                 mysql:old-shop,topic:orders-made,topic:paid";
    let project = "a-project-with-a-name-as-long-as".get(..32).expect("its letters");
    for (folder, region) in [("town", "ap-northeast-1"), ("china", "cn-north-1")] {
        let accounts = "--account dev=111111111111,prod=222222222222";
        bench.done(&format!(
            "init {folder} --project {project} {accounts} --region {region} --components {parts} --domain shop.example"
        ));
        assert_sound(&bench, folder, folder);
    }
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let bench = Bench::new();
    let before = bench.read("dev.toml");
    // The folder with the shipped specs.
    assert_outcome!("init-in-the-way", bench.run(&format!("init {ANSWERS} --components web")));
    assert!(bench.read("dev.toml") == before && !bench.path("base.toml").exists());

    fs::create_dir(bench.path("links")).expect("a folder");
    symlink("nowhere", bench.path("links/prod.toml")).expect("a link");
    let outcome = bench.run(&format!("init links {ANSWERS} --components web"));
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("links/prod.toml already exists"), "{outcome}");
    assert_eq!(fs::read_dir(bench.path("links")).expect("the folder").count(), 1);

    bench.write("file", "kept");
    let outcome = bench.run(&format!("init file {ANSWERS} --components web"));
    assert!(outcome.code == 4 && outcome.stderr.contains("file is not a folder"), "{outcome}");
    assert_eq!(bench.read("file"), "kept");
}

#[test]
fn a_gitignore_that_is_there_stays() {
    let bench = Bench::new();
    fs::create_dir(bench.path("shop")).expect("a folder");
    bench.write("shop/.gitignore", "mine\n");
    let outcome = bench.done(&format!("init shop {ANSWERS} --components worker"));
    assert_eq!(bench.read("shop/.gitignore"), "mine\n");
    let says = "shop/.gitignore is as it was; it should have *-cloud.json .*-cloud.json.lock *.plan";
    assert!(outcome.stdout.contains(says), "{outcome}");
    let json = bench.done(&format!("init other {ANSWERS} --components worker --json")).json();
    assert_eq!(
        json["written"],
        json!(["other/base.toml", "other/dev.toml", "other/prod.toml", "other/.gitignore"])
    );
}

/// What Git shows of a folder in which somebody tried the specs: the specs.
#[test]
fn what_a_trial_leaves_is_not_for_git() {
    let bench = Bench::new();
    bench.done(&format!("init shop {ANSWERS} --components web,postgres"));
    bench.done("apply shop/dev.toml --cloud file:shop/dev-cloud.json --time-scale 0 --yes");
    bench.done("plan shop/dev.toml --cloud file:shop/dev-cloud.json --out shop/dev.plan");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(bench.path("shop")).output().expect("git");
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    git(&["init", "--quiet"]);
    let shown = git(&["status", "--porcelain", "--untracked-files=all"]);
    assert_eq!(shown, "?? .gitignore\n?? base.toml\n?? dev.toml\n?? prod.toml\n");
}

#[test]
fn all_wrong_answers_are_told_at_once() {
    let bench = Bench::new();
    let wrong = "--project Shop --account 12345 --region moon --components web,cache,worker:web --domain bad_d";
    assert_outcome!("init-wrong", bench.run(&format!("init shop {wrong}")));
    assert_outcome!(
        "init-wrong-and-missing",
        bench.run("init shop --account dev=1 --components topic --domain a.example")
    );
    let both = "--project shop --account dev=1,prod=2 --region eu-central-1 --components worker --domain a_b";
    assert_outcome!("init-wrong-accounts", bench.run(&format!("init shop {both}")));
    let outcome =
        bench.run("init shop --project baseplate --account 123456789012 --region eu-central-1 --components web");
    assert!(outcome.code == 64 && outcome.stderr.contains("`baseplate` is reserved"), "{outcome}");
    assert!(!bench.path("shop").exists());
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let bench = Bench::new();
    assert_outcome!("init-no-terminal", bench.run("init shop"));
    let outcome = bench.run("init shop --project shop --region eu-central-1");
    assert!(outcome.code == 64 && outcome.stderr.contains("missing: --account, --components\n"), "{outcome}");
    assert!(!bench.path("shop").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let bench = Bench::new();
    bench.write("file", "");
    let outcome = bench.run(&format!("init file/shop {ANSWERS} --components web"));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("cannot write file/shop: ") && outcome.stdout.is_empty(), "{outcome}");
}

/// Answers, each typed when the program asks.
fn on_terminal(bench: &Bench, answers: &[&str], arguments: &str) -> Outcome {
    let program = bench.command(arguments);
    let mut command = Command::new(PYTHON.interpreter());
    command
        .arg(script("terminal.py"))
        .arg(json!(answers).to_string())
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(bench.path(""))
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Outcome::of(&mut command)
}

#[test]
fn a_person_is_asked() {
    let bench = Bench::new();
    // What is wrong is asked for again, and an empty line takes the default.
    let answers = ["", "1234", "123456789012", "", "web,cache", "web", "shop_example", "shop.example"];
    let outcome = on_terminal(&bench, &answers, "init shop");
    assert_outcome!("init-asks", outcome);
    let asked = bench.read("shop/base.toml");
    bench.done(&format!("init same {ANSWERS} --components web --domain shop.example"));
    assert_eq!(asked, bench.read("same/base.toml"));

    // Only for what was not given.
    let outcome =
        on_terminal(&bench, &["123456789012"], "init half --project half --region eu-west-1 --components topic");
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(bench.read("half/base.toml").contains("project = \"half\""));
}

#[test]
fn who_stops_changes_nothing() {
    let bench = Bench::new();
    for (key, code) in [("\u{3}", 130), ("\u{4}", 4)] {
        let outcome = on_terminal(&bench, &["", "123456789012", key], "init shop");
        assert_eq!(outcome.code, code, "{outcome}");
        assert!(!bench.path("shop").exists());
    }
}
