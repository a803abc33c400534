//! What cannot be applied is shown all the same, with what stands in the way and where the spec asks for it.

use serde_json::json;

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::Outcome;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;
use crate::renderings::DATABASE;

const REFUSED: &str = "db_instance.main would be replaced, but has deletion protection";
const CAUSE: &str = "(because of `username` town → boss, spec.toml:60)";

/// A protected database, whose replacement the spec then asks for, beside another change.
fn edits(spec: &str) -> [String; 2] {
    let protected = format!("{spec}{DATABASE}deletion-protection = true\n");
    let edited = protected.replace("username = \"town\"", "username = \"boss\"").replace(".url}:1", ".url}:2");
    [protected, edited]
}

fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    let [applied, edited] = edits(&cloud.bench.read("spec.toml"));
    cloud.bench.write("spec.toml", applied);
    cloud.done("apply --yes spec.toml");
    cloud.bench.write("spec.toml", edited);
    cloud
}

#[test]
fn a_plan_that_is_refused_is_shown_in_every_format() {
    let cloud = town();
    let before = cloud.bench.read("cloud.json");
    assert_outcome!("refused-plan", cloud.run("plan spec.toml"));
    for format in ["text", "markdown", "html", "json", "tfplan-json"] {
        let outcome = cloud.run(&format!("plan spec.toml --format {format}"));
        assert_eq!(outcome.code, 4, "{outcome}");
        assert!(outcome.stdout.contains("boss") && outcome.stdout.contains("task_definition"), "{outcome}");
        assert!(outcome.stderr.contains(REFUSED) && outcome.stderr.contains(CAUSE), "{outcome}");
    }
    assert_outcome!("refused-plan-markdown", cloud.run("plan spec.toml --format markdown"));
    let plan = cloud.run("plan spec.toml --json").json();
    let [refused] = &plan["refused"].as_array().expect("refusals")[..] else { panic!("{}", plan["refused"]) };
    assert_eq!(refused["address"], "db_instance.main");
    assert_eq!(refused["source"]["path"], "databases.main.username");
    assert_eq!((&refused["source"]["file"], &refused["source"]["line"]), (&"spec.toml".into(), &60.into()));
    assert_eq!(cloud.run("plan spec.toml --format tfplan-json").json()["errored"], true);
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
}

#[test]
fn an_apply_shows_it_and_refuses_before_anybody_is_asked() {
    let cloud = town();
    let before = cloud.bench.read("cloud.json");
    for command in
        ["apply", "apply --yes", "apply --yes --allow-destroy db_instance.main", "destroy", "destroy --yes"]
    {
        let outcome = cloud.run(&format!("{command} spec.toml"));
        assert_eq!(outcome.code, 4, "{outcome}");
        assert!(outcome.stdout.contains("\nRefused: ") && outcome.stdout.contains("db_instance.main"), "{outcome}");
        assert!(outcome.stderr.contains("but has deletion protection"), "{outcome}");
        assert!(outcome.stderr.contains("spec.toml:6"), "its line is said: {outcome}");
        assert!(!outcome.stderr.contains("confirmation"), "{outcome}");
    }
    let outcome = cloud.run("apply --yes --json spec.toml");
    let said = outcome.json();
    assert_eq!((outcome.code, said["plan"]["refused"].as_array().map(Vec::len)), (4, Some(1)), "{outcome}");
    assert_eq!(said["done"], json!([]));
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
}

#[test]
fn it_is_not_saved() {
    let cloud = town();
    let outcome = cloud.run("plan spec.toml --out saved.plan");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stdout.contains("Refused: "), "it is shown: {outcome}");
    assert!(
        outcome.stderr.contains("saved.plan was not written: a plan that is refused cannot be applied"),
        "{outcome}"
    );
    assert!(!cloud.bench.path("saved.plan").exists());
}

#[test]
fn what_must_be_allowed_says_its_field_and_line() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.write("spec.toml", cloud.bench.read("spec.toml") + DATABASE);
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "username = \"town\"", "username = \"boss\"");
    let loss = "it would be replaced and its data lost: `username` town → boss, spec.toml:60";
    let planned = cloud.done("plan spec.toml");
    assert!(planned.stdout.contains(&format!("--allow-destroy db_instance.main: {loss}")), "{planned}");
    let outcome = cloud.run("apply --yes spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains(&format!("error: db_instance.main would {}", &loss[9..])), "{outcome}");
}

/// An object that somebody made in the place of ours.
#[test]
fn what_would_have_to_be_adopted_is_shown_beside_the_rest() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "username = \"boss\"", "username = \"town\"");
    cloud.touch("log_group.web", |object| object["attrs"]["tags"] = json!({}));
    let outcome = cloud.run("plan spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stdout.contains("Adopt it with --adopt log_group.web"), "{outcome}");
    assert!(outcome.stdout.contains("(`services.web`, spec.toml:35)"), "{outcome}");
    assert!(outcome.stdout.contains("~ task_definition.web"), "{outcome}");
}

#[test]
fn a_plan_is_refused_over_http_too() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let [applied, edited] = edits(&account.bench.read("spec.toml"));
    account.bench.write("spec.toml", applied);
    account.done("apply --yes spec.toml");
    account.bench.write("spec.toml", edited);
    let writes = moto.writes().len();
    let outcome = account.run("plan spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stdout.contains(REFUSED) && outcome.stdout.contains("~ task_definition.web"), "{outcome}");
    assert!(outcome.stderr.contains(CAUSE), "{outcome}");
    assert_eq!(moto.writes().len(), writes, "a plan writes nothing");
    let outcome = account.run("apply --yes spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stdout.contains(REFUSED) && outcome.stderr.contains(CAUSE), "{outcome}");
    account.bench.edit("spec.toml", "username = \"boss\"", "username = \"town\"");
    account.done("apply --yes spec.toml");
    account.assert_no_changes("spec.toml");
}

#[test]
fn in_github_actions_lines_are_links() {
    let cloud = town();
    let folder = cloud.bench.path("").canonicalize().expect("its folder");
    let mut command =
        cloud.bench.command(&format!("plan spec.toml --format markdown {}", crate::file_cloud::CLOUD));
    let outcome = Outcome::of(
        command
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_REPOSITORY", "town/infra")
            .env("GITHUB_SHA", "0a1b2c")
            .env("GITHUB_WORKSPACE", folder),
    );
    let link = "<a href=\"https://github.com/town/infra/blob/0a1b2c/spec.toml#L54\">spec.toml:54</a></summary>";
    assert!(outcome.stdout.contains(link), "{outcome}");
}

/// A saved plan may come from anybody, and say what it likes of its places.
#[test]
fn no_place_is_markup() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "memory = 512", "memory = 1024");
    cloud.done("plan spec.toml --out saved.plan");
    let evil = "x\n\n</code></details><script>alert(1)</script>```\n::error::\u{1b}[2J\u{202e}";
    cloud.bench.edit_json("saved.plan", |saved| {
        for change in saved["plan"]["changes"].as_array_mut().expect("changes") {
            change["source"] = json!({ "path": evil, "file": evil, "line": 1 });
            for field in change["fields"].as_array_mut().expect("fields") {
                field["source"] = json!({ "path": evil, "file": evil, "line": 2 });
            }
        }
        let source = json!({ "path": evil, "file": evil, "line": 3 });
        saved["plan"]["refused"] = json!([{ "message": evil, "source": source }]);
    });
    for format in ["text", "markdown", "html"] {
        let outcome = cloud.bench.done(&format!("show saved.plan --format {format}"));
        let shown = &outcome.stdout;
        assert!(shown.contains("alert(1)"), "{outcome}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{outcome}");
        assert!(shown.lines().all(|line| !line.trim_start().starts_with("::")), "{outcome}");
        if format != "text" {
            let outside = |line: &&str| !line.starts_with(['-', '+', '!', ' ']);
            let markup: Vec<&str> =
                shown.lines().filter(outside).filter(|line| line.contains("<script>alert")).collect();
            assert_eq!(markup, [""; 0], "{outcome}");
        }
    }
}
