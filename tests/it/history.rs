//! Who last changed what `drift` shows, from CloudTrail's event history.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::account::Account;
use crate::cli::Outcome;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;
use crate::round_trip::city_with;
use crate::round_trip_drift::around;

const ALICE: &str = "last changed by arn:aws:sts::123456789012:assumed-role/admin/alice, 2026-11-28T01:20:33Z";

/// The calls of this sort that the account has answered.
fn lookups(moto: &Moto) -> usize {
    moto.counts().by_action.get("cloudtrail:LookupEvents").copied().unwrap_or_default()
}

/// Somebody opens a port to the world, gives a role more than it needs, and makes a group.
fn changed(moto: &Moto) {
    moto.boto(&format!(
        r#"{}
client("ec2").authorize_security_group_ingress(GroupId=group("rds"), IpPermissions=[
    {{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{{"CidrIp": "0.0.0.0/0"}}]}}])
client("iam").attach_role_policy(RoleName="legocity-dev-proxy-task",
    PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{{"Name": "tag:baseplate:project", "Values": ["legocity"]}}])[0]
client("ec2").create_security_group(GroupName="by-hand", Description="by hand", VpcId=vpc["VpcId"])"#,
        around("dev")
    ));
}

/// What CloudTrail has of it, with much besides that did not change them.
fn recorded(moto: &Moto) {
    moto.boto(&format!(
        r#"{}
from kinds.history import record
rds = group("rds")
record("eu-central-1", rds, "AuthorizeSecurityGroupIngress", eventTime="2026-11-28T01:20:33Z")
record("eu-central-1", rds, "RevokeSecurityGroupIngress", eventTime="2026-11-27T08:00:00Z")
record("eu-central-1", rds, "CreateSecurityGroup", eventTime="2026-11-26T00:00:00Z", sessionCredentialFromConsole=None,
    userAgent="aws-sdk-rust/1.4.1 ua/2.1 api/ec2/1.246.0 os/linux lang/rust/1.94.1 app/baseplate")
record("eu-central-1", rds, "AuthorizeSecurityGroupIngress", eventTime="2026-11-25T00:00:00Z")
record("eu-central-1", rds, "RevokeSecurityGroupIngress", eventTime="2026-11-28T02:00:00Z",
    errorCode="Client.UnauthorizedOperation")
# More than a page of readers, newer than all others.
for minute in range(59):
    record("eu-central-1", rds, "DescribeSecurityGroupReferences", eventTime=f"2026-11-28T03:{{minute:02}}:00Z",
        readOnly=True)
# A global service, and another region of no account to it.
record("us-east-1", "legocity-dev-proxy-task", "AttachRolePolicy", sessionCredentialFromConsole=None,
    userAgent="aws-cli/2.31.0 ua/2.1")
record("eu-central-1", "legocity-dev-proxy-task", "DetachRolePolicy")
made = by_name("ec2", "describe_security_groups", "SecurityGroups", "GroupName", "by-hand")["GroupId"]
record("eu-central-1", made, "CreateSecurityGroup", userIdentity={{"type": "AWSService", "invokedBy": "rds.amazonaws.com"}})"#,
        around("dev")
    ));
}

/// What was called over HTTP.
pub fn asked() -> BTreeSet<String> {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    changed(&moto);
    assert_eq!(account.run("drift dev.toml").code, 2);
    moto.operations()
}

fn change<'v>(drift: &'v Value, address: &str) -> &'v Value {
    let changes = drift["changes"].as_array().expect("changes");
    changes.iter().find(|change| change["address"] == address).unwrap_or_else(|| panic!("no {address}: {drift:#}"))
}

fn drift(account: &Account<'_>) -> Outcome {
    let outcome = account.run("drift dev.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    outcome
}

#[test]
fn who_changed_something_stands_below_it() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    changed(&moto);
    recorded(&moto);
    let outcome = drift(&account);
    let opened = format!("{ALICE}, AuthorizeSecurityGroupIngress (console); one earlier change");
    let attached = format!("{ALICE}, AttachRolePolicy (AWS CLI)");
    let made = "last changed by rds.amazonaws.com, 2026-11-28T01:20:33Z, CreateSecurityGroup";
    for (head, who) in [
        ("~ security_group_rules.rds", &*opened),
        ("~ iam_role.proxy-task", &attached),
        ("security_group sg-", made),
    ] {
        let mut lines = outcome.stdout.lines().skip_while(|line| !line.contains(head)).skip(1);
        let who = lines.find(|line| !line.contains("! now: ")).filter(|line| line.trim().starts_with(who));
        assert!(who.is_some(), "{head}\n{outcome}");
    }
    assert!(!outcome.stdout.contains("is not known"), "{outcome}");

    let markdown = account.run("drift dev.toml --format markdown");
    let line = format!("- `security_group_rules.rds: {opened}`");
    assert!(
        markdown.stdout.contains("#### Who last changed what") && markdown.stdout.contains(&line),
        "{markdown}"
    );

    let json = account.run("drift dev.toml --json").json();
    let environment = &json["drift"][0];
    let who = json!({
        "by": "arn:aws:sts::123456789012:assumed-role/admin/alice",
        "at": "2026-11-28T01:20:33Z",
        "event": "AuthorizeSecurityGroupIngress",
        "with": "console",
        "from": "203.0.113.7",
        "earlier": 1,
    });
    assert_eq!(change(environment, "security_group_rules.rds")["who"], who);
    assert_eq!(change(environment, "iam_role.proxy-task")["who"]["event"], "AttachRolePolicy");
    let unmanaged = environment["unmanaged"].as_array().expect("a list");
    let group = unmanaged.iter().find(|one| one["name"] == "security_group").expect("the group");
    assert_eq!(group["who"]["by"], "rds.amazonaws.com", "{group}");

    // A plan asks nobody, and its value says nothing of it.
    moto.reset_counts();
    let plan = account.done("plan dev.toml --json");
    assert!(!plan.stdout.contains("\"who\"") && !plan.stdout.contains("alice"), "{plan}");
    assert_eq!(lookups(&moto), 0);
}

/// An account whose history has nothing of it: a change of the last minutes, or one of more than 90 days ago.
#[test]
fn without_events_nobody_is_named() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    moto.reset_counts();
    account.done("drift dev.toml");
    assert_eq!(lookups(&moto), 0, "nothing was changed, and nobody is looked for");
    changed(&moto);
    let outcome = drift(&account);
    assert!(!outcome.stdout.contains("last changed by") && !outcome.stdout.contains("is not known"), "{outcome}");
    // The role is looked up by its name and its ARN.
    assert_eq!(lookups(&moto), 4, "{outcome}");
    let json = account.run("drift dev.toml --json").json();
    assert_eq!(change(&json["drift"][0], "security_group_rules.rds").get("who"), None);
}

#[test]
fn who_may_not_look_is_told_once_and_sees_the_drift() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    changed(&moto);
    recorded(&moto);
    for (code, note) in [
        (
            "AccessDeniedException",
            "who changed it is not known: these credentials may not call cloudtrail:LookupEvents",
        ),
        ("OperationNotPermittedException", "who changed it is not known: cloudtrail:LookupEvents: Operation"),
    ] {
        moto.fail("cloudtrail:LookupEvents", 400, code);
        moto.reset_counts();
        let outcome = drift(&account);
        assert_eq!(outcome.stdout.matches("who changed it is not known").count(), 1, "{outcome}");
        assert!(outcome.stdout.contains(note), "{outcome}");
        assert!(outcome.stdout.contains("~ security_group_rules.rds"), "{outcome}");
        assert!(!outcome.stdout.contains("last changed by"), "{outcome}");
        assert_eq!(lookups(&moto), 2, "one in each of the two regions: {outcome}");
        let notes = account.run("drift dev.toml --json").json()["drift"][0]["notes"].to_string();
        assert!(notes.contains("who changed it is not known"), "{notes}");
        let markdown = account.run("drift dev.toml --format markdown");
        assert!(markdown.stdout.contains("who changed it is not known"), "{markdown}");
        moto.heal();
    }
    assert!(drift(&account).stdout.contains(ALICE));
}

#[test]
fn a_cloud_file_records_nobody() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("vpc.main", |object| object["attrs"]["dns_support"] = json!(false));
    let outcome = cloud.run("drift spec.toml");
    assert!(!outcome.stdout.contains("last changed by") && !outcome.stdout.contains("is not known"), "{outcome}");
}
