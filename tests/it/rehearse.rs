//! A change tried before it is made: planned from spec to spec, and rehearsed in memory.

use serde_json::json;

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::{Bench, Outcome};
use crate::file_cloud::FileCloud;

/// Two revisions of a spec: `spec.toml` and `new.toml`.
fn revisions() -> Bench {
    let bench = Bench::with_fixture("small.toml");
    let new = bench.read("spec.toml").replace("8080", "8081").replace("cpu = 256", "cpu = 512");
    bench.write("new.toml", new.replace("memory = 512", "memory = 1024"));
    bench
}

/// Without credentials, and without the variable that a parameter is read from.
fn bare(bench: &Bench, arguments: &str) -> Outcome {
    let mut command = bench.command(arguments);
    Outcome::of(
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("WEATHER_API_KEY"),
    )
}

/// What is in the folder.
fn files(bench: &Bench) -> Vec<String> {
    let entries = std::fs::read_dir(bench.path("")).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_plan_from_spec_to_spec_needs_nothing() {
    let bench = revisions();
    let before = files(&bench);
    assert_outcome!("from-spec", bare(&bench, "plan --from spec.toml new.toml --detailed-exitcode"));
    let outcome = bare(&bench, "plan --from spec.toml spec.toml --detailed-exitcode");
    assert_eq!(outcome.code, 0, "{outcome}");
    let plan = bare(&bench, "plan --from spec.toml new.toml --json").json();
    assert_eq!(plan["changes"].as_array().expect("changes").len(), 4);
    assert_eq!(files(&bench), before, "nothing is left behind");
}

#[test]
fn the_shipped_environments_can_be_planned_from_themselves() {
    for spec in ["dev.toml", "prod.toml"] {
        let outcome = bare(&Bench::new(), &format!("plan --from {spec} {spec} --detailed-exitcode"));
        assert_eq!(outcome.code, 0, "{outcome}");
    }
}

#[test]
fn what_a_plan_from_spec_to_spec_cannot_be() {
    let bench = revisions();
    assert_outcome!("from-spec-saved", bare(&bench, "plan --from spec.toml new.toml --out new.plan"));
    assert_outcome!("from-spec-elsewhere", bare(&bench, "plan --from dev.toml prod.toml"));
    assert_eq!(bare(&bench, "plan --from nothing.toml new.toml").code, 3);
}

/// What somebody else sets is taken as given, on both sides.
#[test]
fn a_parameter_of_somebody_else_is_taken_as_given() {
    let bench = Bench::with_fixture("small.toml");
    let external = bench.read("spec.toml").replace(
        "\"web/greeting\" = \"Hello from {project}\"\n",
        "\"web/greeting\" = \"Hello from {project}\"\n\"web/key\" = { external = true }\n\"web/url\" = \"http://x/{parameters.web/key}\"\n",
    );
    bench.write("external.toml", external.replace("{ TOKEN = ", "{ KEY = \"web/key\", TOKEN = "));
    for (from, to) in [("spec", "external"), ("external", "spec"), ("external", "external")] {
        let outcome = bare(&bench, &format!("rehearse --from {from}.toml {to}.toml"));
        assert_eq!(outcome.code, 0, "{outcome}");
        assert!(!outcome.stderr.contains("ssm_parameter.web/key"), "it is not ours to touch\n{outcome}");
    }
}

#[test]
fn a_change_that_goes_through() {
    let bench = revisions();
    assert_outcome!("rehearse-from", bare(&bench, "rehearse --from spec.toml new.toml"));
    let report = bare(&bench, "rehearse new.toml --json").json();
    assert_eq!(report["done"].as_array().expect("steps").len(), 22);
    assert_eq!((&report["failed"], &report["left"]), (&json!([]), &json!([])));
    assert!(report["expected_seconds"].as_u64() > Some(60), "{report}");
    assert_outcome!("rehearse-nothing", bare(&bench, "rehearse --from spec.toml spec.toml"));
}

/// A service cannot change its name: the old one must go before the new one has its place in the load balancer.
#[test]
fn what_does_not_serve_meanwhile_is_said() {
    let bench = Bench::with_fixture("small.toml");
    bench
        .write("new.toml", bench.read("spec.toml").replace("[services.web]\n", "[services.web]\nname = \"www\"\n"));
    assert_outcome!("rehearse-interrupted", bare(&bench, "rehearse --from spec.toml new.toml"));
    let report = bare(&bench, "rehearse --from spec.toml new.toml --json").json();
    let interruptions = report["interruptions"].as_array().expect("a list");
    let of = |address: &str| interruptions.iter().find(|one| one["address"] == address).expect("an interruption");
    let service = of("ecs_service.web");
    let seconds = |name: &str| service[name].as_u64().expect("seconds");
    assert_eq!(seconds("until_seconds") - seconds("from_seconds"), 90, "as long as a new one takes: {report}");
    assert_eq!(
        of("listener.http")["from_seconds"],
        service["from_seconds"],
        "what leads there does not serve either"
    );
}

#[test]
fn every_shipped_environment_comes_about() {
    for spec in ["dev.toml", "prod.toml"] {
        let outcome = bare(&Bench::new(), &format!("rehearse {spec}"));
        assert_eq!(outcome.code, 0, "{outcome}");
    }
}

/// `spec.toml` with a security group that nothing uses, applied to `cloud.json`.
fn with_a_spare_group() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.write("new.toml", cloud.bench.read("spec.toml"));
    cloud.bench.edit("spec.toml", "[registries]\n", "[security-groups.spare]\n\n[registries]\n");
    cloud.done("apply --yes spec.toml");
    cloud
}

#[test]
fn a_captured_environment_is_rehearsed_on_a_copy() {
    let cloud = with_a_spare_group();
    let before = cloud.bench.read("cloud.json");
    assert_outcome!("rehearse-capture", bare(&cloud.bench, "rehearse --capture cloud.json new.toml"));
    assert_eq!(cloud.bench.read("cloud.json"), before, "the capture is not written");
}

#[test]
fn a_step_that_would_be_refused_is_named() {
    let cloud = with_a_spare_group();
    // Another environment has come to use the group that is to go.
    cloud.bench.edit_json("cloud.json", |file| {
        let objects = file["objects"].as_array_mut().expect("objects");
        let spare = objects.iter().find(|object| object["address"] == "security_group.spare").expect("the group");
        let peer = json!({ "$id": spare["id"], "kind": "security_group", "output": "id" });
        objects.push(json!({
            "project": "town", "environment": "other", "address": "security_group_rules.web", "id": "rules-of-other",
            "attrs": { "group": peer, "ingress": [], "egress": [] },
        }));
    });
    let outcome = bare(&cloud.bench, "rehearse --capture cloud.json new.toml");
    assert_outcome!("rehearse-in-use", outcome);
    let report = bare(&cloud.bench, "rehearse --capture cloud.json new.toml --json").json();
    assert_eq!(report["failed"][0]["address"], "security_group.spare");
}

#[test]
fn a_name_that_is_taken_is_named() {
    let cloud = with_a_spare_group();
    cloud.touch("log_group.web", |object| object["attrs"]["tags"] = json!({ "owner": "somebody else" }));
    assert_outcome!("rehearse-taken", bare(&cloud.bench, "rehearse --capture cloud.json new.toml"));
}

#[test]
fn what_somebody_else_must_set_is_missed() {
    let cloud = with_a_spare_group();
    cloud.bench.edit("new.toml", "[parameters]\n", "[parameters]\n\"web/key\" = { external = true }\n");
    assert_outcome!("rehearse-external", bare(&cloud.bench, "rehearse --capture cloud.json new.toml"));
}

#[test]
fn what_is_protected_stays() {
    let bench = Bench::new();
    bench.write("new.toml", bench.read("prod.toml"));
    let spec = bench.read("new.toml").replace("multi-az = true\n", "multi-az = true\nname = \"other\"\n");
    bench.write("new.toml", spec);
    assert_outcome!("rehearse-protected", bare(&bench, "rehearse --from prod.toml new.toml"));
}

#[test]
fn a_rehearsal_begins_with_one_thing() {
    let bench = revisions();
    assert_eq!(bare(&bench, "rehearse --from spec.toml --capture cloud.json new.toml").code, 64);
    assert_outcome!("rehearse-no-capture", bare(&bench, "rehearse --capture new.toml new.toml"));
}

/// What an account holds, somebody else's parameter included, is what a rehearsal begins with.
#[test]
fn what_an_account_tells_is_what_a_rehearsal_begins_with() {
    let moto = crate::round_trip::city();
    let account = Account::new(&moto);
    account.bench.edit(
        "legocity.toml",
        "{ env = \"WEATHER_API_KEY\", description = \"Weather source of update-env\" }",
        "{ external = true }\n\"external/weather/url\" = \"https://weather.example/{parameters.external/weather/api-key}\"",
    );
    let planned = account.run("plan dev.toml");
    assert_eq!(planned.code, 4, "the parameter is missed\n{planned}");
    moto.boto(
        r#"client("ssm").put_parameter(Name="/legocity/dev/external/weather/api-key", Value="theirs", Type="SecureString")"#,
    );
    account.done("apply --yes dev.toml");
    account.assert_no_changes("dev.toml");
    account.done("observe dev.toml --out captured.json");
    let captured = account.bench.read("captured.json");
    assert!(!captured.contains("theirs"), "a capture holds no value of a secret");

    let outcome = bare(&account.bench, "rehearse --capture captured.json dev.toml");
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stdout.contains("No changes"), "{outcome}");
    account.bench.edit(
        "legocity.toml",
        "cpu = 256\nmemory = 512\nport = 4000",
        "cpu = 512\nmemory = 1024\nport = 4100",
    );
    assert_outcome!("rehearse-account", bare(&account.bench, "rehearse --capture captured.json dev.toml"));
    assert_eq!(account.bench.read("captured.json"), captured, "the capture is not written");
    // What was rehearsed is what happens.
    let done = |outcome: Outcome| {
        let mut done = outcome.json()["done"].as_array().expect("a list").clone();
        // What runs side by side ends in no order.
        done.sort_by_key(|one| one["address"].to_string());
        done
    };
    let rehearsed = bare(&account.bench, "rehearse --capture captured.json dev.toml --json");
    assert_eq!(done(rehearsed), done(account.done("apply --yes dev.toml --json")));
}
