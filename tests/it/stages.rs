//! Applies that stop after documented stages.

use crate::assert_outcome;
use crate::file_cloud::{CLOUD, FileCloud};

fn stages_of(cloud: &FileCloud, arguments: &str) -> Vec<String> {
    let plan = cloud.done(&format!("plan --json {arguments}")).json();
    let changes = plan["changes"].as_array().expect("changes").iter();
    let mut stages: Vec<String> =
        changes.map(|change| change["stage"].as_str().expect("a stage").to_owned()).collect();
    stages.dedup();
    stages
}

#[test]
fn an_apply_stops_after_a_stage_and_goes_on_later() {
    let cloud = FileCloud::with_fixture("small.toml");
    assert_eq!(stages_of(&cloud, "spec.toml --stages 1-4"), ["network", "registries", "parameters"]);
    let outcome = cloud.run("apply --yes spec.toml --stages 1-4 --parallelism 1");
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_outcome!("stages-stopped", outcome.stderr);
    let kinds: Vec<String> = cloud.objects().into_iter().collect();
    assert!(kinds.iter().all(|object| !object.contains("ecs_") && !object.contains("load_balancer")), "{kinds:?}");

    let again = cloud.run("apply --yes spec.toml --stages 1-4");
    assert_eq!(again.code, 5, "the rest is still left\n{again}");
    assert_outcome!("stages-nothing-to-do", again);
    let rest = cloud.run("apply --yes spec.toml --stages 5-9 --json");
    assert_eq!(rest.code, 0, "nothing is left\n{rest}");
    assert_eq!(rest.json()["left"].as_array().map(Vec::len), Some(0));
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn a_stage_comes_with_what_it_needs() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.run("apply --yes spec.toml --stages 6 --json");
    assert_eq!(outcome.code, 5, "{outcome}");
    let left: Vec<String> = serde_json::from_value(outcome.json()["left"].clone()).expect("addresses");
    let objects = cloud.objects();
    let is_there = |address: &str| objects.contains(&format!("test: {address}"));
    assert!(is_there("load_balancer.main") && is_there("listener.http") && is_there("vpc.main"), "{objects:?}");
    assert!(!is_there("ecs_service.web") && left.contains(&"ecs_service.web".to_owned()), "{left:?}");
    assert!(left.contains(&"ssm_parameter.web/token".to_owned()), "{left:?}");
    cloud.done("apply --yes spec.toml");
    cloud.assert_no_changes("spec.toml");
}

/// A group that the spec has no longer is still the service's: it stays while the service is left.
#[test]
fn nothing_goes_that_something_left_still_uses() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.edit(
        "spec.toml",
        "[registries]",
        "[security-groups.extra]\ndescription = \"Extra\"\n\n[registries]",
    );
    cloud.bench.edit("spec.toml", "security-groups = [\"app\"]", "security-groups = [\"app\", \"extra\"]");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "[security-groups.extra]\ndescription = \"Extra\"\n\n", "");
    cloud.bench.edit("spec.toml", "security-groups = [\"app\", \"extra\"]", "security-groups = [\"app\"]");
    let outcome = cloud.run("apply --yes spec.toml --stages 1 --json");
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_eq!(outcome.json()["done"], serde_json::json!([]), "{outcome}");
    assert!(cloud.objects().contains("test: security_group.extra"));
    assert_eq!(cloud.changes("spec.toml").len(), 3, "all of it is still to be done");
    cloud.done("apply --yes spec.toml");
    assert!(!cloud.objects().contains("test: security_group.extra"));
}

/// A port moves: the new rule comes, and the old one stays for the tasks that still have the old port.
#[test]
fn what_is_removed_at_the_end_waits_for_the_stages_that_are_left() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    let text = cloud.bench.read("spec.toml").replace("8080", "9090");
    cloud.bench.write("spec.toml", text);
    let outcome = cloud.run("apply --yes spec.toml --stages 1");
    assert_eq!(outcome.code, 5, "{outcome}");
    let rules = |port: &str| {
        let cloud = cloud.bench.json("cloud.json");
        let objects = cloud["objects"].as_array().expect("objects");
        let rules = objects.iter().find(|object| object["address"] == "security_group_rules.app");
        rules.expect("its rules")["attrs"]["ingress"].to_string().contains(port)
    };
    assert!(rules("9090") && rules("8080"), "{outcome}");
    let again = cloud.run("apply --yes spec.toml --stages 1 --json");
    assert_eq!(again.code, 5, "{again}");
    assert_eq!(again.json()["done"], serde_json::json!([]), "nothing is done twice\n{again}");
    cloud.done("apply --yes spec.toml");
    assert!(rules("9090") && !rules("8080"));
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn a_saved_plan_and_a_hash_are_of_the_stages_that_were_planned() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("plan spec.toml --stages 1-4 --out part.plan");
    let outcome = cloud.run("apply part.plan");
    assert_eq!(outcome.code, 5, "{outcome}");
    assert!(cloud.objects().iter().all(|object| !object.contains("ecs_")), "{:?}", cloud.objects());
    let both = cloud.bench.run(&format!("apply part.plan --stages 1 {CLOUD}"));
    assert_eq!(both.code, 64, "{both}");

    let hash = |arguments: &str| {
        let plan = cloud.done(&format!("plan {arguments}")).stdout;
        plan.lines().find_map(|line| line.strip_prefix("Hash: ")).expect("a hash").to_owned()
    };
    let (part, whole) = (hash("spec.toml --stages 6"), hash("spec.toml"));
    assert_ne!(part, whole);
    let refused = cloud.run(&format!("apply --yes spec.toml --plan-hash {part}"));
    assert_eq!(refused.code, 4, "{refused}");
    let outcome = cloud.run(&format!("apply --yes spec.toml --stages 6 --plan-hash {part}"));
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_eq!(hash("spec.toml --stages 5"), hash("spec.toml"), "where nothing is left, it is the whole plan");
}

/// What was left is not recorded as applied: changed by hand, it is no drift.
#[test]
fn what_is_left_stays_as_it_was_recorded() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("log_group.web", |group| group["attrs"]["retention_days"] = 1.into());
    cloud.bench.edit("spec.toml", "Hello from", "Hi from");
    assert_eq!(cloud.run("apply --yes spec.toml --stages 4").code, 5);
    let plan = cloud.done("plan --json spec.toml").json();
    let changes = plan["changes"].as_array().expect("changes");
    let group = changes.iter().find(|change| change["address"] == "log_group.web").expect("its change");
    assert_eq!(group["origin"], "drift", "{group:#}");
}

#[test]
fn what_is_no_stage_is_wrong_usage() {
    let cloud = FileCloud::with_fixture("small.toml");
    for (stages, why) in [
        ("0", "there is no stage 0"),
        ("4-1", "ends before it begins"),
        ("8", "only verifies"),
        ("network", "is not a stage"),
    ] {
        let outcome = cloud.run(&format!("plan spec.toml --stages {stages}"));
        assert_eq!(outcome.code, 64, "{outcome}");
        assert!(outcome.stderr.contains(why), "{outcome}");
    }
    assert_eq!(cloud.run("plan spec.toml --destroy --stages 1").code, 64);
    assert_eq!(cloud.run("plan spec.toml --stages 1 --format tfplan-json").code, 64);
}

#[test]
fn some_stages_are_rehearsed() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.bench.done("rehearse spec.toml --stages 1-4");
    assert!(outcome.stdout.contains("Rehearsal passed: 13 steps succeeded"), "{outcome}");
}
