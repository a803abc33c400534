//! What an environment tells people: `outputs`, the end of an apply, and `list`.

use std::collections::BTreeSet;
use std::process::Command;

use baseplate::kinds;
use baseplate::kinds::environment_outputs::is_called;
use serde_json::json;

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::WEATHER_API_KEY;
use crate::examples::{for_each, write};
use crate::file_cloud::FileCloud;
use crate::moto::Moto;
use crate::renderings::DATABASE;

/// An environment with a database, applied.
fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    let spec = cloud.bench.read("spec.toml") + DATABASE;
    cloud.bench.write("spec.toml", spec);
    cloud.done("apply --yes spec.toml");
    cloud
}

#[test]
fn outputs_are_listed_by_what_they_are_for() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes dev.toml");
    assert_outcome!("outputs-dev", cloud.done("outputs dev.toml"));
    assert_outcome!("outputs-dev-json", cloud.done("outputs dev.toml --json"));
}

#[test]
fn an_apply_ends_with_the_few_that_people_open() {
    let cloud = FileCloud::with_fixture("small.toml");
    let spec = cloud.bench.read("spec.toml") + DATABASE;
    cloud.bench.write("spec.toml", spec);
    let outcome = cloud.done("apply --yes spec.toml");
    let at = outcome.stdout.find("\nOutputs\n").expect("outputs");
    assert_outcome!("outputs-apply", &outcome.stdout[at..]);
    // The report has all of them, also where nothing is to do.
    let listed = cloud.done("outputs spec.toml --json").json();
    assert_eq!(cloud.done("apply --yes spec.toml --json").json()["outputs"], listed);
    let destroyed = cloud.done("destroy --yes --allow-destroy * spec.toml --json").json();
    assert_eq!(destroyed["outputs"], json!({}));
}

#[test]
fn what_an_apply_leaves_is_no_output_yet() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.run("apply --yes spec.toml --json --stages 1-3");
    assert_eq!(outcome.code, 5, "{outcome}");
    let outputs = outcome.json()["outputs"].clone();
    assert!(outputs["registries.web.url"].is_string() && outputs["services.web.url"].is_null(), "{outputs}");
    assert_eq!(cloud.done("outputs spec.toml --json").json(), outputs);
}

#[test]
fn one_output_is_printed_for_a_shell() {
    let cloud = town();
    assert_eq!(cloud.done("outputs spec.toml databases.main.port").stdout, "5432\n");
    assert_eq!(cloud.done("outputs spec.toml databases.main.port --json").json(), json!("5432"));
    assert_outcome!("outputs-unknown", {
        let outcome = cloud.run("outputs spec.toml services.web.urll");
        assert_eq!(outcome.code, 3, "{outcome}");
        outcome
    });
    let outcome = cloud.run("outputs spec.toml services.wep.url");
    assert_eq!(outcome.code, 3, "{outcome}");
    assert!(outcome.stderr.contains("did you mean `services.web.url`?"), "{outcome}");
    let outcome = cloud.run("outputs spec.toml --env --json");
    assert_eq!(outcome.code, 64, "{outcome}");
}

#[test]
fn a_shell_reads_what_env_prints() {
    let cloud = town();
    let lines = cloud.done("outputs spec.toml --env").stdout;
    let script = format!("{lines}\nprintf %s \"$BASEPLATE_REGISTRIES_WEB_PUSH\"");
    let output = Command::new("sh").args(["-eu", "-c", &script]).output().expect("a shell");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim_end(),
        cloud.done("outputs spec.toml registries.web.push").stdout.trim_end()
    );
    assert_eq!(
        cloud.done("outputs spec.toml databases.main.port --env").stdout,
        "export BASEPLATE_DATABASES_MAIN_PORT=5432\n"
    );
}

#[test]
fn where_nothing_is_live_it_says_so() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.run("outputs spec.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_outcome!("outputs-nothing", outcome);
    let outcome = cloud.run("outputs spec.toml services.web.url");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_outcome!("outputs-not-yet", outcome);
    assert_outcome!("list-nothing", cloud.done("list spec.toml"));
}

/// The URLs are those that answer, by hosts, paths and names.
#[test]
fn urls_are_as_the_rules_live_say() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.edit(
        "spec.toml",
        "route = { default = true }",
        "route = [{ default = true }, { hosts = [\"a.town.example\", \"*.town.example\"], priority = 1 }, \
         { paths = [\"/api/*\", \"/v2*\"], priority = 2 }]",
    );
    cloud.done("apply --yes spec.toml");
    let url = |name: &str| cloud.done(&format!("outputs spec.toml services.web.{name}")).stdout.trim().to_owned();
    let own = cloud.done("outputs spec.toml load-balancer.dns").stdout.trim().to_owned();
    assert_eq!(url("url"), format!("http://{own}/"));
    assert_eq!(url("url-2"), "http://a.town.example/");
    assert_eq!(url("url-3"), format!("http://{own}/api/"));
    assert_eq!(url("url-4"), format!("http://{own}/v2"));
    // What the spec wants by now is not what is live.
    cloud.bench.edit("spec.toml", "a.town.example", "b.town.example");
    assert_eq!(url("url-2"), "http://a.town.example/");
    // A name leads there once the DNS that Baseplate does not write says so.
    let spec = cloud.bench.read("spec.toml") + "[dns]\ndomain = \"town.example\"\n";
    cloud.bench.write("spec.toml", spec);
    assert_eq!(url("url"), "http://town.example/");
}

/// Nothing that may be secret is told: neither a value nor a fingerprint.
#[test]
fn no_output_is_a_secret() {
    let cloud = town();
    let file = cloud.bench.json("cloud.json").to_string();
    let fingerprints: Vec<&str> =
        file.split("\"fingerprint\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(fingerprints.len() > 1, "the file has secrets");
    for command in
        ["outputs spec.toml", "outputs spec.toml --json", "outputs spec.toml --env", "list spec.toml --json"]
    {
        let outcome = cloud.done(command);
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!text.contains(WEATHER_API_KEY), "{command}");
        assert!(!fingerprints.iter().any(|fingerprint| text.contains(fingerprint)), "{command}");
    }
}

/// Values that somebody put into the account reach a terminal, a log and a shell as text.
#[test]
fn hostile_values_are_only_text() {
    let cloud = town();
    let hostile = "a\u{1b}[31m\n::error::x $(id) 'q'\u{202e}";
    cloud.touch("db_instance.main", |object| {
        object["attrs"]["username"] = hostile.into();
        object["outputs"]["endpoint"] = hostile.into();
    });
    cloud.touch("log_group.web", |object| object["attrs"]["name"] = "/ecs/x; rm -rf ~".into());
    for command in ["outputs spec.toml", "outputs spec.toml databases.main.username", "outputs spec.toml --env"] {
        let text = cloud.done(command).stdout;
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
    }
    let logs = cloud.done("outputs spec.toml services.web.logs").stdout;
    assert_eq!(logs, "aws logs tail '/ecs/x; rm -rf ~' --follow --region eu-central-1\n");
    let lines = cloud.done("outputs spec.toml --env").stdout;
    let output = Command::new("sh").args(["-eu", "-c", &lines]).output().expect("a shell");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// Each kind tells what it lists, and lists what it tells.
#[test]
fn every_output_is_listed_by_its_kind() {
    let told = std::sync::Mutex::new(BTreeSet::new());
    for_each(|_, example| {
        let cloud = FileCloud::new();
        write(&cloud.bench, example);
        let outcome = cloud.done("apply --yes --json spec.toml").json();
        let names = outcome["outputs"].as_object().expect("an object").keys().cloned();
        told.lock().expect("no panic").extend(names);
        Vec::new()
    });
    let told = told.into_inner().expect("no panic");
    let listed: BTreeSet<&str> =
        kinds::all().iter().flat_map(|kind| kind.environment_output_names().iter().copied()).collect();
    for name in &told {
        assert!(listed.iter().any(|known| is_called(known, name)), "{name} is not listed");
    }
    for known in listed {
        assert!(told.iter().any(|name| is_called(known, name)), "no example tells {known}");
    }
}

#[test]
fn what_is_live_is_listed() {
    let cloud = town();
    assert_outcome!("list", cloud.done("list spec.toml"));
    let services = cloud.done("list spec.toml ecs_service --json").json();
    assert_eq!(services["objects"][0]["address"], "ecs_service.web");
    assert_eq!(services["objects"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        cloud.done("list spec.toml *.web* --json").json()["objects"][0]["address"],
        "ssm_parameter.web/greeting"
    );
    assert_outcome!("list-unknown", {
        let outcome = cloud.run("list spec.toml ecs_servce");
        assert_eq!(outcome.code, 64, "{outcome}");
        outcome
    });
    // What the spec has no longer is live until an apply.
    cloud.bench.edit("spec.toml", DATABASE, "");
    let left = cloud.done("list spec.toml db_instance --json").json();
    assert_eq!(left["objects"][0]["in_spec"], false);
    let text = cloud.done("list spec.toml").stdout;
    assert!(text.contains("not in the spec"), "{text}");
}

/// An account says what a cloud file says, with as few calls as that takes.
#[test]
fn an_account_tells_the_same_names() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let applied = account.done("apply --yes --json spec.toml").json();
    moto.reset_counts();
    let outputs = account.done("outputs spec.toml --json").json();
    assert_eq!(applied["outputs"], outputs);
    let counts = moto.counts();
    assert!(counts.repeated.is_empty(), "{counts:#?}");
    let on_file = FileCloud::with_fixture("small.toml");
    let on_file = on_file.done("apply --yes --json spec.toml").json();
    let names = |outputs: &serde_json::Value| -> Vec<String> {
        outputs.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(names(&outputs), names(&on_file["outputs"]));
    assert!(outputs["services.web.url"].as_str().is_some_and(|url| url.ends_with(".amazonaws.com/")), "{outputs}");
    // One output, one kind.
    moto.reset_counts();
    assert!(account.done("outputs spec.toml network.vpc").stdout.starts_with("vpc-"));
    let counts = moto.counts();
    let called: Vec<&str> = counts.by_action.keys().map(String::as_str).collect();
    assert!(called.iter().all(|action| action.starts_with("sts:") || action.starts_with("ec2:")), "{counts:#?}");
    let listed = account.done("list spec.toml --json").json();
    let live = listed["objects"].as_array().expect("objects").len();
    assert_eq!(live, account.bench.wanted("spec.toml"), "{listed}");
}
