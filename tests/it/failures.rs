//! Calls that AWS refuses, over HTTP: what can be done is done, the rest is named, and running again converges.

use serde_json::json;

use crate::account::Account;
use crate::moto::Moto;
use crate::round_trip::city;

#[test]
fn a_refused_call_stops_only_what_needs_it() {
    let moto = city();
    let account = Account::new(&moto);
    moto.fail("CreateDBInstance", 403, "AccessDenied");
    let outcome = account.run("apply --yes --json dev.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    let report = outcome.json();
    let failed = report["failed"].as_array().expect("what failed");
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0]["address"], "db_instance.payload");
    let error = failed[0]["error"].as_str().expect("why");
    assert!(error.contains("rds:CreateDBInstance") && error.contains("AccessDenied"), "{error}");
    let of = |list: &str| -> Vec<String> {
        let list = report[list].as_array().expect(list);
        let mut addresses: Vec<_> =
            list.iter().filter_map(|one| one["address"].as_str().map(str::to_owned)).collect();
        addresses.sort_unstable();
        addresses
    };
    let skipped = of("skipped");
    assert!(skipped.contains(&"ssm_parameter.payload/db-url".to_owned()), "it holds the endpoint: {skipped:#?}");
    assert!(skipped.contains(&"task_definition.payload".to_owned()), "{skipped:#?}");
    assert!(of("done").contains(&"ecs_service.dashboard".to_owned()), "{report:#}");

    moto.heal();
    account.done("apply --yes dev.toml");
    account.assert_no_changes("dev.toml");
}

#[test]
fn a_plan_without_leave_to_read_says_which() {
    let moto = city();
    let account = Account::new(&moto);
    moto.fail("DescribeVpcs", 403, "UnauthorizedOperation");
    let outcome = account.run("plan dev.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("ec2:DescribeVpcs") && outcome.stderr.contains("policy"), "{outcome}");
}

#[test]
fn without_the_index_of_tags_each_object_is_asked() {
    let moto = city();
    let account = Account::new(&moto);
    moto.fail("tagging:GetResources", 403, "AccessDeniedException");
    account.done("apply --yes dev.toml");
    account.assert_no_changes("dev.toml");
}

#[test]
fn a_server_error_is_tried_again() {
    let moto = city();
    let account = Account::new(&moto);
    moto.fail_times("CreateVpc", 500, "InternalError", 2);
    account.done("apply --yes dev.toml");
    account.assert_no_changes("dev.toml");
    let vpcs = moto.boto(
        r#"answer = len(pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:team", "Values": ["city"]}]))"#,
    );
    assert_eq!(vpcs, json!(1));
}

#[test]
fn another_account_is_never_written_to() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    account.bench.edit("legocity.toml", "123456789012", "210987654321");
    moto.reset_counts();
    let outcome = account.run("apply --yes dev.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    let counts = moto.counts();
    assert_eq!(counts.by_action.keys().collect::<Vec<_>>(), ["sts:GetCallerIdentity"], "{counts:#?}");
}

/// An object with our name and not our tags is somebody else's, until `--adopt` says otherwise.
#[test]
fn what_somebody_else_made_is_adopted_only_when_told() {
    let moto = city();
    let account = Account::new(&moto);
    moto.boto(
        r#"
client("logs").create_log_group(logGroupName="/ecs/legocity-dev/proxy")
client("iam").create_role(RoleName="legocity-dev-proxy-task", AssumeRolePolicyDocument="{}")"#,
    );
    let outcome = account.run("apply --yes dev.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    for adopt in ["--adopt log_group.proxy", "--adopt iam_role.proxy-task"] {
        assert!(outcome.stderr.contains(adopt), "{outcome}");
    }
    account.done("apply --yes dev.toml --adopt log_group.proxy --adopt iam_role.proxy-task");
    account.assert_no_changes("dev.toml");
}

#[test]
fn what_somebody_else_sets_is_used_and_never_taken_away() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.bench.edit("spec.toml", "{ env = \"WEATHER_API_KEY\" }", "{ external = true }");
    moto.boto(r#"client("ssm").put_parameter(Name="/town/test/web/token", Value="theirs", Type="SecureString")"#);
    account.done("apply --yes spec.toml");
    account.assert_no_changes("spec.toml");
    // Nor once the spec does not name it any more.
    account.bench.edit("spec.toml", "\"web/token\" = { external = true }\n", "");
    account.bench.edit("spec.toml", "secrets = { TOKEN = \"web/token\" }\n", "");
    account.assert_changes(
        "spec.toml",
        "without it",
        &[
            "update ecs_service.web: task_definition",
            "update iam_role.web-execution: policies.execution.Statement[]",
            "update task_definition.web: parameter_versions.web/token, secrets.TOKEN",
        ],
    );
    account.bench.edit("spec.toml", "[parameters]\n", "[parameters]\n\"web/token\" = { external = true }\n");
    account.done("destroy --yes spec.toml --allow-destroy *");
    let left =
        moto.boto(r#"answer = client("ssm").get_parameter(Name="/town/test/web/token")["Parameter"]["Version"]"#);
    assert_eq!(left, json!(1));
}
