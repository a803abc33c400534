//! What a plan looks like, for each thing that it may have to say.

use serde_json::json;

use crate::assert_outcome;
use crate::cli::Outcome;
use crate::file_cloud::{CLOUD, FileCloud};

/// A small environment, as its spec wants it.
fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud
}

#[test]
fn everything_is_new() {
    assert_outcome!("plan-create-all", FileCloud::with_fixture("small.toml").run("plan spec.toml"));
}

#[test]
fn nothing_to_do() {
    assert_outcome!("plan-nothing", town().run("plan spec.toml --detailed-exitcode"));
}

#[test]
fn an_image() {
    let cloud = town();
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    assert_outcome!("plan-image", cloud.run("plan spec.toml --detailed-exitcode"));
    assert_outcome!("apply-image", cloud.run("apply spec.toml --yes --parallelism 1"));
}

#[test]
fn an_image_from_the_command_line() {
    let cloud = town();
    let outcome = cloud.run("plan spec.toml --image web=nginx:1.27");
    assert!(outcome.stdout.contains("→ nginx:1.27"), "{outcome}");
    assert_outcome!("plan-image-of-nothing", cloud.run("plan spec.toml --image wbe=nginx:1.27"));
    assert_outcome!("plan-image-malformed", cloud.run("plan spec.toml --image nginx:1.27"));
}

#[test]
fn a_replacement() {
    let cloud = town();
    let spec = cloud.bench.read("spec.toml").replace("8080", "8081");
    cloud.bench.write("spec.toml", spec);
    assert_outcome!("plan-replace", cloud.run("plan spec.toml"));
    assert_outcome!("apply-replace", cloud.run("apply spec.toml --yes --parallelism 1"));
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn the_end() {
    let cloud = town();
    assert_outcome!("plan-destroy", cloud.run("plan spec.toml --destroy"));
    cloud.done("destroy spec.toml --yes --allow-destroy *");
    assert_outcome!("plan-destroy-nothing", cloud.run("plan spec.toml --destroy --detailed-exitcode"));
}

#[test]
fn a_protected_database_is_not_destroyed() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes prod.toml");
    let before = cloud.bench.read("cloud.json");
    assert_outcome!("destroy-protected", cloud.run("destroy --yes prod.toml"));
    assert_eq!(cloud.bench.read("cloud.json"), before);
}

#[test]
fn a_secret() {
    let cloud = town();
    let mut command = cloud.bench.command(&format!("plan spec.toml {}", crate::file_cloud::CLOUD));
    assert_outcome!("plan-secret", Outcome::of(command.env("WEATHER_API_KEY", "another")));
    // Whoever does not know the secret cannot tell whether it changed, and changes nothing.
    let mut command =
        cloud.bench.command(&format!("plan spec.toml --detailed-exitcode {}", crate::file_cloud::CLOUD));
    let outcome = Outcome::of(command.env_remove("WEATHER_API_KEY"));
    assert_eq!(outcome.code, 0, "{outcome}");
}

#[test]
fn drift_is_shown_and_put_right() {
    let cloud = town();
    cloud.touch("security_group_rules.edge", |object| {
        object["attrs"]["ingress"].as_array_mut().expect("rules")[0]["cidr"] = json!("10.0.0.0/8");
    });
    cloud.touch("ecs_service.web", |object| object["attrs"]["desired_count"] = json!(0));
    cloud.touch("vpc.main", |object| object["attrs"]["tags"]["by"] = json!("hand"));
    cloud.bench.edit_json("cloud.json", |file| {
        file["objects"].as_array_mut().expect("objects").retain(|object| object["address"] != "log_group.web");
    });
    assert_outcome!("plan-drift", cloud.run("plan spec.toml"));
    // What was asked for at the same time is told apart, also within one object.
    cloud.bench.edit("spec.toml", "wave = 1\n", "wave = 1\ncount = 2\n");
    cloud.bench.edit("spec.toml", "from = \"edge\" }", "from = \"edge\", description = \"web\" }");
    assert_outcome!("plan-drift-and-asked", cloud.run("plan spec.toml"));
    cloud.done("apply spec.toml --yes");
    cloud.assert_no_changes("spec.toml");
}

/// What an apply did, or began and could not finish, nobody else did.
#[test]
fn a_run_that_failed_or_died_leaves_no_drift() {
    for fault in ["ecs_service.web", "task_definition.web", "crash-before:2", "crash-after:2", "crash-after:3"] {
        let cloud = town();
        cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
        let killed = cloud.bench.command(&format!("apply spec.toml --yes --fail-at {fault} {CLOUD}")).output();
        assert!(!killed.expect("it starts").status.success(), "{fault}");
        let plan = cloud.done("plan spec.toml").stdout;
        assert!(!plan.contains("Drift") && !plan.contains("Unmanaged"), "{fault}: {plan}");
        // Back to what was there before.
        cloud.bench.edit("spec.toml", ".url}:2", ".url}:1");
        let plan = cloud.done("plan spec.toml").stdout;
        assert!(!plan.contains("Drift") && !plan.contains("Unmanaged"), "{fault}: {plan}");
        cloud.done("apply spec.toml --yes");
        cloud.assert_no_changes("spec.toml");
    }
}

#[test]
fn what_the_spec_no_longer_has_goes() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "\"web/greeting\" = \"Hello from {project}\"\n", "");
    cloud.bench.edit("spec.toml", "environment = { GREETING = \"{parameters.web/greeting}\" }\n", "");
    assert_outcome!("plan-removed", cloud.run("plan spec.toml"));
}

#[test]
fn a_failure_is_told_with_what_it_stopped() {
    let cloud = FileCloud::with_fixture("small.toml");
    assert_outcome!(
        "apply-failed",
        cloud.run("apply spec.toml --yes --parallelism 1 --fail-at load_balancer.main")
    );
}

#[test]
fn detailed_exit_codes() {
    let cloud = FileCloud::with_fixture("small.toml");
    assert_eq!(cloud.run("plan spec.toml").code, 0, "without the option a plan that can be made is a success");
    assert_eq!(cloud.run("plan spec.toml --detailed-exitcode").code, 2);
    assert_eq!(cloud.run("plan spec.toml --detailed-exitcode --json").code, 2);
    cloud.done("apply spec.toml --yes");
    assert_eq!(cloud.run("plan spec.toml --detailed-exitcode").code, 0);
}

/// Text and JSON are two renderings of one plan.
#[test]
fn the_json_says_what_the_text_says() {
    let cloud = town();
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    let plan = cloud.done("plan spec.toml --json").json();
    let text = cloud.done("plan spec.toml").stdout;
    assert_eq!(plan["format_version"], 1);
    assert_eq!(plan["environment"], "test");
    assert_eq!(plan["destroy"], false);
    for change in plan["changes"].as_array().expect("changes") {
        let address = change["address"].as_str().expect("an address");
        assert!(text.contains(&format!("~ {address}")), "{address} is in\n{text}");
        for field in change["fields"].as_array().expect("fields") {
            let path = field["path"].as_str().expect("a path");
            assert!(text.contains(path), "{path} is in\n{text}");
        }
    }
    assert_eq!(plan["changes"].as_array().expect("changes").len(), text.matches("  ~ ").count(), "{text}");
}
