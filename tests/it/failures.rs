//! Calls that AWS refuses, over HTTP: what can be done is done, the rest is named, and running again converges.

use std::collections::BTreeSet;
use std::sync::OnceLock;

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
            "update iam_role.web-execution: inline_policies.execution.Statement[]",
            "update task_definition.web: parameter_versions.web/token, secrets.TOKEN",
        ],
    );
    account.bench.edit("spec.toml", "[parameters]\n", "[parameters]\n\"web/token\" = { external = true }\n");
    account.done("destroy --yes spec.toml --allow-destroy *");
    let left =
        moto.boto(r#"answer = client("ssm").get_parameter(Name="/town/test/web/token")["Parameter"]["Version"]"#);
    assert_eq!(left, json!(1));
}

/// Each of these, once for all tests; the operations of AWS that they called.
pub fn overcome() -> &'static BTreeSet<String> {
    static CALLED: OnceLock<BTreeSet<String>> = OnceLock::new();
    CALLED.get_or_init(|| {
        let moto = Moto::start();
        let account = Account::with_fixture(&moto, "small.toml");
        finds_the_role_whose_answer_was_lost(&account);
        tells_what_stopped_the_tasks(&account);
        names_what_is_in_use(&account);
        moto.operations()
    })
}

#[test]
fn failures_are_explained_and_overcome() {
    overcome();
}

/// And takes over the registry that was there before.
fn finds_the_role_whose_answer_was_lost(account: &Account<'_>) {
    account.moto.boto(r#"client("ecr").create_repository(repositoryName="town-web")"#);
    account.moto.fault("how=drop-after&match=iam:CreateRole&times=1");
    account.done("apply --yes spec.toml --adopt ecr_repository.web");
    account.moto.heal();
    account.assert_no_changes("spec.toml");
}

fn tells_what_stopped_the_tasks(account: &Account<'_>) {
    // moto runs no tasks of a service, and rolls nothing out.
    account.moto.boto(
        r#"
from time import time
from moto.ecs.models import ecs_backends

backend = ecs_backends["123456789012"]["eu-central-1"]
service = next(iter(backend.services.values()))
rollout = service.deployments[0]
rollout |= {"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start"}
container = backend.describe_task_definition(service.task_definition).container_definitions[0]
where = {"cluster": "town-test", "taskDefinition": service.task_definition, "launchType": "FARGATE"}
where |= {"networkConfiguration": service.network_configuration, "startedBy": rollout["id"]}
# moto adds it up, though on Fargate a container need not have one.
container["memory"] = 512
task = client("ecs").run_task(**where)["tasks"][0]["taskArn"]
del container["memory"]
client("ecs").stop_task(cluster="town-test", task=task, reason="Essential container in task exited")
next(iter(backend.tasks["town-test"].values())).containers[0].exitCode = 3
stream = {"logGroupName": "/ecs/town-test/web", "logStreamName": f"web/web/{task.rsplit('/')[-1]}"}
client("logs").create_log_stream(**stream)
client("logs").put_log_events(**stream, logEvents=[{"timestamp": int(time() * 1000), "message": "no such table"}])"#,
    );
    account.bench.edit("spec.toml", "wave = 1\n", "wave = 1\ncount = 2\n");
    let outcome = account.run("apply --yes --wait always spec.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    for due in ["tasks failed to start", "Essential container in task exited", "exit code 3", "no such table"] {
        assert!(outcome.stderr.contains(due), "{due}: {outcome}");
    }
}

fn names_what_is_in_use(account: &Account<'_>) {
    let interface = account.moto.boto(
        r#"
subnet = pages("ec2", "describe_subnets", "Subnets", Filters=[{"Name": "cidr-block", "Values": ["10.40.0.0/20"]}])[0]
answer = client("ec2").create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]"#,
    );
    // moto deletes a subnet with all that is in it.
    account.moto.fail_times("ec2:DeleteSubnet", 400, "DependencyViolation", 2);
    let outcome = account.done("destroy --yes --shared --allow-destroy * spec.toml");
    let interface = interface.as_str().expect("its id");
    assert!(outcome.stderr.contains(interface), "{interface} is named: {outcome}");
}

/// A database that was stopped for the night does not start by itself, however long one waits.
#[test]
fn a_stopped_database_is_told_in_the_plan_and_not_waited_for() {
    let moto = city();
    let account = Account::new(&moto);
    account.done("apply --yes dev.toml");
    moto.boto(r#"client("rds").stop_db_instance(DBInstanceIdentifier="legocity-dev-payload"); answer = None"#);
    account.bench.edit("legocity.toml", "db.t4g.micro", "db.t4g.small");
    let plan = account.done("plan dev.toml");
    let advice = "database legocity-dev-payload is stopped: start it (aws rds start-db-instance";
    assert!(plan.stdout.contains(advice), "{plan}");

    moto.fail("ModifyDBInstance", 400, "InvalidDBInstanceState");
    let outcome = account.run("apply --yes dev.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains(advice), "{outcome}");
    assert!(!outcome.stderr.contains("waiting for db_instance"), "{outcome}");
    assert_eq!(moto.struck().broken, ["rds:ModifyDBInstance"], "what is rejected is asked for once");
}

/// RDS says in which zone the database is; moto's is in the first.
#[test]
fn what_rds_refuses_is_not_planned() {
    let moto = city();
    let account = Account::new(&moto);
    account.done("apply --yes dev.toml");
    for (file, from, to, said) in [
        ("dev.toml", "10.20.128.0/20", "10.20.160.0/20", "database legocity-dev-payload runs in subnet-"),
        ("legocity.toml", "version = \"16\"", "version = \"15\"", "AWS has no downgrade"),
    ] {
        account.bench.edit(file, from, to);
        let outcome = account.run("plan dev.toml");
        assert!(outcome.code == 4 && outcome.stderr.contains(said), "{outcome}");
        account.bench.edit(file, to, from);
    }
    account.assert_no_changes("dev.toml");
    account.bench.edit("dev.toml", "10.20.144.0/20", "10.20.160.0/20");
    let plan = account.done("plan dev.toml");
    assert!(plan.stdout.contains("± subnet.private-b"), "{plan}");
}
