//! The images that services need, on a cloud file: looked for before services are made.

use serde_json::{Value, json};

use crate::assert_outcome;
use crate::file_cloud::{CLOUD, FileCloud};

const APPLY: &str = "apply --yes spec.toml --parallelism 1";

fn addresses(outcome: &Value, key: &str) -> Vec<String> {
    serde_json::from_value(outcome[key].clone()).expect("addresses")
}

#[test]
fn every_image_is_there_but_those_that_a_fault_takes() {
    let cloud = FileCloud::with_fixture("small.toml");
    assert_outcome!("images-there", cloud.done("images spec.toml"));
    let outcome = cloud.run("images spec.toml --fail-at missing-image:web");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_outcome!("images-missing", outcome);
    let outcome = cloud.run("images spec.toml --json --fail-at missing-image:*");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_outcome!("images-missing-json", outcome);
    assert!(!cloud.bench.path("cloud.json").exists(), "it only looks");
}

#[test]
fn images_elsewhere_are_not_looked_for() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.edit("spec.toml", "{registries.web.url}:1", "ghcr.io/town/web:1");
    assert_outcome!("images-elsewhere", cloud.done("images spec.toml --fail-at missing-image:web"));
    cloud.done("apply --yes spec.toml --fail-at missing-image:web");
}

#[test]
fn an_apply_stops_before_services_whose_image_is_missing() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.run(&format!("{APPLY} --fail-at missing-image:web"));
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_outcome!("images-apply-stopped", outcome.stderr);
    let objects = cloud.objects();
    assert!(objects.contains("test: listener.http") && objects.contains("test: iam_role.web-task"), "{objects:?}");
    assert!(!objects.iter().any(|object| object.contains("ecs_service") || object.contains("task_definition")));

    let again = cloud.run("apply --yes spec.toml --json --fail-at missing-image:web");
    assert_eq!(again.code, 5, "{again}");
    assert_eq!(addresses(&again.json(), "left"), ["task_definition.web", "ecs_service.web"]);
    assert_eq!(again.json()["missing_images"][0]["service"], "web");
    assert_eq!(again.json()["done"], json!([]));
    // It was pushed.
    cloud.done("apply --yes spec.toml");
    cloud.assert_no_changes("spec.toml");
}

/// Its rule is there, and sends no requests to what is not.
#[test]
fn a_service_that_is_left_gets_no_requests() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    let api = r#"
[services.api]
image = "{registries.web.url}:api"
cpu = 256
memory = 512
port = 8080
subnets = ["public-a", "public-b"]
public-ip = true
security-groups = ["app"]
route = { paths = ["/api/*"], priority = 10 }
"#;
    let spec = cloud.bench.read("spec.toml");
    cloud.bench.write("spec.toml", spec + api);
    let rule = || {
        let cloud = cloud.bench.json("cloud.json");
        let objects = cloud["objects"].as_array().expect("objects");
        let rule = objects.iter().find(|object| object["address"] == "listener_rule.api").expect("the rule");
        rule["attrs"]["paths"].clone()
    };
    // However often it is tried.
    for _ in 0..2 {
        let outcome = cloud.run("apply --yes spec.toml --json --fail-at missing-image:api");
        assert_eq!(outcome.code, 5, "{outcome}");
        let left = ["task_definition.api", "ecs_service.api", "listener_rule.api"];
        assert_eq!(addresses(&outcome.json(), "left"), left);
        assert_eq!(rule(), json!([]));
    }
    cloud.done("apply --yes spec.toml");
    assert_eq!(rule(), json!(["/api/*"]));
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn a_service_whose_new_image_is_missing_stays_as_it_is() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    cloud.bench.edit("spec.toml", "Hello from", "Hi from");
    let outcome = cloud.run("apply --yes spec.toml --json --fail-at missing-image:web");
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_eq!(addresses(&outcome.json(), "left"), ["task_definition.web", "ecs_service.web"]);
    let parameter = json!([{ "address": "ssm_parameter.web/greeting", "action": "updated" }]);
    assert_eq!(outcome.json()["done"], parameter, "{outcome}");
    assert_eq!(
        cloud.changes("spec.toml"),
        ["update task_definition.web: environment.GREETING, image", "update ecs_service.web: task_definition"]
    );
    cloud.done("apply --yes spec.toml --missing-images ignore --fail-at missing-image:web");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn only_what_starts_tasks_needs_an_image() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "cpu = 256", "count = 0\ncpu = 256");
    cloud.done("apply --yes spec.toml --fail-at missing-image:web");
    cloud.bench.edit("spec.toml", "count = 0", "count = 3");
    assert_eq!(cloud.run("apply --yes spec.toml --fail-at missing-image:web").code, 5);
    cloud.bench.edit("spec.toml", "team = \"town\"", "team = \"city\"");
    cloud.bench.edit("spec.toml", "count = 3", "count = 0");
    cloud.done("apply --yes spec.toml --fail-at missing-image:web");
}

/// What was reviewed is the whole plan; what is left of it for want of an image changes no hash.
#[test]
fn a_reviewed_plan_stops_before_missing_images_too() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("plan spec.toml --out saved.plan");
    let outcome = cloud.run("apply saved.plan --fail-at missing-image:web");
    assert_eq!(outcome.code, 5, "{outcome}");
    let hash = cloud.done("plan spec.toml").stdout;
    let hash = hash.lines().find_map(|line| line.strip_prefix("Hash: ")).expect("a hash");
    let outcome = cloud.run(&format!("apply --yes spec.toml --plan-hash {hash} --fail-at missing-image:web"));
    assert_eq!(outcome.code, 5, "{outcome}");
    cloud.done(&format!("apply --yes spec.toml --plan-hash {hash}"));
}

#[test]
fn a_fault_takes_the_image_of_a_service_that_there_is() {
    let cloud = FileCloud::with_fixture("small.toml");
    for (arguments, words) in [
        ("images spec.toml --fail-at missing-image:wbe", "the spec has no such service"),
        ("apply --yes spec.toml --fail-at missing-image:wbe", "the spec has no such service"),
        ("images spec.toml --fail-at ecs_service.web", "this command makes none"),
        ("plan spec.toml --fail-at missing-image:web", "this command makes none"),
        ("destroy --yes spec.toml --fail-at missing-image:web", "starts no tasks"),
        ("images spec.toml --fail-at missing-image:", "takes the key of a service"),
    ] {
        let outcome = cloud.bench.run(&format!("{arguments} {CLOUD}"));
        assert_eq!(outcome.code, 64, "`{arguments}`\n{outcome}");
        assert!(outcome.stderr.contains(words), "`{arguments}`\n{outcome}");
    }
}

/// Its images would be kept as those in use are.
#[test]
fn no_environment_is_called_as_the_tags_begin() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.edit("spec.toml", "environment = \"test\"", "environment = \"in-use\"");
    cloud.bench.edit("spec.toml", "environments = [\"test\",", "environments = [\"in-use\",");
    let outcome = cloud.bench.run("check spec.toml");
    assert_eq!(outcome.code, 3, "{outcome}");
    assert!(outcome.stderr.contains("an environment that has registries cannot be called `in-use`"), "{outcome}");
}
