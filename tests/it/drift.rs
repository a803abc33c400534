//! `drift`: what was changed by hand, of one environment and of several.

use serde_json::json;

use crate::account::{Account, change};
use crate::assert_outcome;
use crate::file_cloud::FileCloud;
use crate::round_trip::city_with;

/// The fixture, applied, and then changed by hand in ways of every sort.
fn changed_by_hand() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("security_group_rules.app", |object| {
        object["attrs"]["ingress"].as_array_mut().expect("rules").push(json!({
            "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "0.0.0.0/0", "description": "for a moment",
        }));
    });
    cloud.touch("iam_role.web-task", |object| {
        object["attrs"]["managed_policies"] = json!(["arn:aws:iam::aws:policy/AdministratorAccess"]);
        let anybody = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        object["attrs"]["inline_policies"]["more"] = json!({ "Version": "2012-10-17", "Statement": [anybody] });
    });
    cloud.touch("ssm_parameter.web/token", |object| object["attrs"]["type"] = json!("String"));
    cloud.touch("ecs_service.web", |object| object["attrs"]["desired_count"] = json!(5));
    // What the spec asks for besides is no drift.
    cloud.bench.edit("spec.toml", "memory = 512", "memory = 1024");
    cloud
}

#[test]
fn what_was_changed_by_hand_is_shown_and_no_more() {
    let cloud = changed_by_hand();
    let outcome = cloud.run("drift spec.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_outcome!("drift", outcome);
    assert_outcome!("drift-markdown", cloud.run("drift spec.toml --format markdown"));
    let outcome = cloud.run("drift spec.toml --json");
    assert_eq!(outcome.code, 2, "{outcome}");
    let environment = &outcome.json()["drift"][0];
    assert_eq!(environment["others"], 1, "the task definition: {outcome}");
    let mut changes: Vec<String> = environment["changes"].as_array().expect("changes").iter().map(change).collect();
    changes.sort();
    let expected = [
        "update ecs_service.web: desired_count",
        "update iam_role.web-task: inline_policies.more, managed_policies[]",
        "update security_group_rules.app: ingress[]",
        "update ssm_parameter.web/token: type",
    ];
    assert_eq!(changes, expected, "{outcome}");
    cloud.done("apply --yes spec.toml");
    assert_eq!(cloud.run("drift spec.toml").code, 0);
}

#[test]
fn what_stands_in_the_way_of_a_plan_is_shown_too() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("log_group.web", |object| {
        object["project"] = json!("other");
        object["attrs"]["tags"] = json!({});
    });
    cloud.touch("vpc.main", |object| object["attrs"]["dns_support"] = json!(false));
    let outcome = cloud.run("drift spec.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stdout.contains("~ vpc.main"), "nor does it hide what else was changed: {outcome}");
    assert!(outcome.stdout.contains("In the way of an apply\n  log_group.web: "), "{outcome}");
}

#[test]
fn what_was_deleted_with_its_data_is_dangerous() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit_json("cloud.json", |cloud| {
        let objects = cloud["objects"].as_array_mut().expect("objects");
        objects.retain(|object| object["address"] != "log_group.web");
    });
    let outcome = cloud.run("drift spec.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(
        outcome.stdout.contains("+ log_group.web") && outcome.stdout.contains("! now: what it held is lost"),
        "{outcome}"
    );
}

#[test]
fn without_a_record_everything_that_differs_is_shown() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.run("drift spec.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stdout.contains("No record of an apply, and 22 objects do not exist."), "{outcome}");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit_json("cloud.json", |cloud| cloud["applied"] = json!({}));
    let outcome = cloud.done("drift spec.toml");
    assert!(outcome.stdout.contains("No drift: all 22 objects are as the spec says."), "{outcome}");
}

/// Nobody keeps a secret's value: whose doing a difference is cannot be told, but it is never called none.
#[test]
fn a_secret_that_differs_is_drift() {
    let cloud = FileCloud::with_fixture("small.toml");
    let run = |arguments: &str, token: &str| {
        let mut command = cloud.bench.command(&format!("{arguments} --cloud file:cloud.json"));
        crate::cli::Outcome::of(command.env("WEATHER_API_KEY", token))
    };
    assert_eq!(run("apply --yes spec.toml", "one-token-of-many").code, 0);
    assert_eq!(run("drift spec.toml", "one-token-of-many").code, 0);
    let outcome = run("drift spec.toml", "another-token-of-many");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stdout.contains("~ ssm_parameter.web/token"), "{outcome}");
}

/// Of several environments each is told, and the end is that of the worst.
#[test]
fn several_environments_are_looked_at_over_http() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    let outcome = account.done("drift dev.toml dev.toml");
    assert_eq!(outcome.stdout.matches("No drift: all ").count(), 2, "{outcome}");
    let role = "legocity-dev-proxy-task";
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    moto.boto(&format!("client('iam').attach_role_policy(RoleName='{role}', PolicyArn='{admin}')"));
    let outcome = account.run("drift dev.toml --json");
    assert_eq!(outcome.code, 2, "{outcome}");
    let change = &outcome.json()["drift"][0]["changes"][0];
    assert_eq!(change["origin"], "unmanaged", "{outcome}");
    assert_eq!(change["dangers"], json!(["administrator rights: AdministratorAccess is attached"]), "{outcome}");
}
