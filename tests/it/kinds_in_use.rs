//! Only kinds in use are read: those that the spec wants, that the tag index knows objects of, and that are on the
//! environment's list. An unused kind costs a plan no call, and nothing is lost for that.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::account::Account;
use crate::assert_outcome;
use crate::calls::{calls_of_a_plan, head};
use crate::cli::Run;
use crate::moto::{Counts, Moto};
use crate::round_trip::city_with;

/// A kind that no other uses, in a spec that has few.
const GROUP: &str = "[security-groups.late]\ningress = [{ ports = \"443\", from = \"10.0.0.0/8\" }]\n";

/// What a plan asks where nothing but a network is wanted, listed or there.
const FEW: [&str; 9] = [
    "ec2:DescribeInternetGateways",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcs",
    "ssm:GetParametersByPath",
    "sts:GetCallerIdentity",
    "tagging:GetResources",
];

fn few(account: &Account<'_>, more: &str) {
    account.bench.write("few.toml", format!("{}{more}", head("few")));
}

fn asked(counts: &Counts) -> BTreeSet<&str> {
    counts.by_action.keys().map(String::as_str).collect()
}

/// Whether every kind was read.
fn asked_for_all(counts: &Counts) -> bool {
    ["rds:DescribeDBInstances", "iam:GetAccountAuthorizationDetails", "ec2:DescribeNatGateways"]
        .iter()
        .all(|call| counts.by_action.contains_key(*call))
}

/// The kinds on the list of an environment of `legocity`.
fn list(moto: &Moto, environment: &str) -> Value {
    moto.boto(&format!(
        r#"
import json
try:
    answer = json.loads(client("ssm").get_parameter(Name="{}")["Parameter"]["Value"])["kinds"]
except client("ssm").exceptions.ParameterNotFound:
    answer = None"#,
        name(environment)
    ))
}

fn name(environment: &str) -> String {
    format!("/baseplate/legocity/{environment}/applied/kinds")
}

fn write_list(moto: &Moto, environment: &str, text: &str) {
    let name = name(environment);
    moto.boto(&format!(
        r#"client("ssm").put_parameter(Name="{name}", Value='{text}', Type="String", Overwrite=True)"#
    ));
}

/// Lets the list seem to have stood for two hours.
fn age_list(moto: &Moto, environment: &str) {
    moto.boto(&format!(
        r#"
from datetime import timedelta
from moto.ssm.models import ssm_backends
ssm_backends["123456789012"]["eu-central-1"]._parameters["{}"][-1].last_modified_date -= timedelta(hours=2)"#,
        name(environment)
    ));
}

/// Lets the tag index know of nothing.
fn silence(moto: &Moto) {
    moto.boto("import tag_index\ntag_index.silence()");
}

/// Without the port, which differs from server to server.
fn anywhere(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"127.0.0.1:\d+", "127.0.0.1:[port]");
    settings.bind(check);
}

const NETWORK: [&str; 5] = ["default_security_group", "internet_gateway", "route_table", "subnet", "vpc"];

#[test]
fn unused_kinds_cost_no_call() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, "");
    account.done("apply --yes few.toml");
    let counts = calls_of_a_plan(&account, &moto, "few.toml");
    assert_eq!(asked(&counts), BTreeSet::from(FEW), "{counts:#?}");
    assert!(counts.repeated.is_empty(), "{counts:#?}");
    let (all, few) = (calls_of_a_plan_without_list(&account, &moto), counts.total);
    assert!(asked_for_all(&all) && few + 12 < all.total, "{few} calls, and without a list {all:#?}");
}

fn calls_of_a_plan_without_list(account: &Account<'_>, moto: &Moto) -> Counts {
    moto.boto(&format!(r#"client("ssm").delete_parameter(Name="{}")"#, name("few")));
    calls_of_a_plan(account, moto, "few.toml")
}

/// What an earlier version applied has no list. The next apply makes one, be it that nothing is to be changed.
#[test]
fn without_a_list_every_kind_is_read() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, GROUP);
    account.done("apply --yes few.toml");
    moto.boto(&format!(r#"client("ssm").delete_parameter(Name="{}")"#, name("few")));
    silence(&moto);
    few(&account, "");
    moto.reset_counts();
    let gone = account.changes("few.toml");
    assert_eq!(gone, ["delete security_group.late", "delete security_group_rules.late"]);
    assert!(asked_for_all(&moto.counts()), "{:#?}", moto.counts());
    assert_eq!(list(&moto, "few"), json!(null), "a plan writes nothing");
    few(&account, GROUP);
    account.done("apply --yes few.toml");
    let listed = list(&moto, "few");
    assert_eq!(listed.as_array().map(Vec::len), Some(NETWORK.len() + 2), "{listed}");
    assert!(!asked_for_all(&calls_of_a_plan(&account, &moto, "few.toml")));
}

#[test]
fn where_list_or_index_cannot_be_read_every_kind_is_read() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, "");
    account.done("apply --yes few.toml");
    for (call, code) in [
        ("ssm:GetParametersByPath", "AccessDeniedException"),
        ("ssm:GetParametersByPath", "ValidationException"),
        ("tagging:GetResources", "AccessDeniedException"),
        ("tagging:GetResources", "UnknownOperationException"),
    ] {
        moto.fail(call, 400, code);
        let counts = calls_of_a_plan(&account, &moto, "few.toml");
        moto.heal();
        assert!(asked_for_all(&counts), "{call}: {code}\n{counts:#?}");
    }
    // What may not be read by its path is extended all the same, and loses nothing.
    write_list(&moto, "few", r#"{"list_format": 1, "kinds": ["nat_gateway"]}"#);
    few(&account, GROUP);
    moto.fail("ssm:GetParametersByPath", 400, "AccessDeniedException");
    account.done("apply --yes few.toml");
    let listed = list(&moto, "few");
    assert!(["nat_gateway", "security_group", "vpc"].iter().all(|kind| has(&listed, kind)), "{listed}");
}

fn has(list: &Value, kind: &str) -> bool {
    list.as_array().is_some_and(|list| list.contains(&json!(kind)))
}

/// Killed right after the first object of a kind, which the spec then does not want any more and the index does not
/// know yet: it is found by the list alone.
#[test]
fn the_first_object_of_a_kind_is_found_whatever_becomes_of_its_run() {
    const SERVICE: &str = "[services.late]\nimage = \"nginx:1\"\ncpu = 256\nmemory = 512\nport = 80\n\
                           subnets = [\"public-a\"]\nsecurity-groups = [\"late\"]\n[security-groups.late]\n";
    for (more, call, found) in [
        (GROUP, "ec2:CreateSecurityGroup", "delete security_group.late"),
        ("[parameters]\nlate = \"x\"\n", "ssm:PutParameter", "delete ssm_parameter.late"),
        (SERVICE, "iam:CreateRole", "delete iam_role."),
        (SERVICE, "logs:CreateLogGroup", "delete log_group.late"),
    ] {
        let moto = Moto::start();
        let account = Account::new(&moto);
        few(&account, "");
        account.done("apply --yes few.toml");
        few(&account, more);
        moto.fault(&format!("how=hang-after&calls=write&match={call}&nth=1"));
        hanging(&account, "apply --yes --parallelism 1 few.toml").kill();
        moto.heal();
        silence(&moto);
        account.done("unlock --yes few.toml");
        few(&account, "");
        let changes = account.changes("few.toml");
        assert!(changes.iter().any(|change| change.starts_with(found)), "{call}: {changes:#?}");
        account.done("apply --yes --allow-destroy * few.toml");
        account.assert_no_changes("few.toml");
        let left = moto.boto("answer = inventory('legocity', 'few')");
        let left: BTreeSet<&str> = left.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(left, BTreeSet::from(NETWORK), "{call}");
    }
}

/// A run that waits for a call which hangs.
fn hanging(account: &Account<'_>, command: &str) -> Run {
    let mut run = Run::begin(&mut account.command(command));
    while account.moto.struck().held == 0 {
        assert!(!run.is_over(), "{}", run.end());
        std::thread::sleep(Duration::from_millis(5));
    }
    run
}

/// The index alone tells, too, of every kind that it knows.
#[test]
fn what_the_index_knows_is_found_without_the_list() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    let listed = list(&moto, "dev");
    write_list(&moto, "dev", r#"{"list_format": 1, "kinds": []}"#);
    account.bench.write("dev.toml", head("dev"));
    moto.reset_counts();
    let plan = account.done("plan --json dev.toml").json();
    let kept = plan["kept"].as_array().into_iter().flatten();
    let gone = plan["changes"].as_array().into_iter().flatten().map(|change| &change["address"]);
    let kind = |address: &Value| address.as_str().and_then(|address| Some(address.split_once('.')?.0.to_owned()));
    let found: BTreeSet<String> = kept.chain(gone).filter_map(kind).collect();
    let listed: BTreeSet<String> =
        listed.as_array().into_iter().flatten().filter_map(|kind| Some(kind.as_str()?.to_owned())).collect();
    // That API knows no roles, and no records in Route 53.
    let unknown = BTreeSet::from(["dns_record".to_owned(), "iam_role".to_owned()]);
    assert_eq!(&listed - &found, unknown);
    assert!(!asked(&moto.counts()).iter().any(|call| call.starts_with("iam:") || call.starts_with("route53:")));
}

#[test]
fn a_kind_is_listed_before_anything_is_made() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, "");
    moto.fault("how=hang&calls=write&nth=1");
    let run = hanging(&account, "apply --yes few.toml");
    assert_eq!(list(&moto, "few"), json!(NETWORK));
    run.kill();
    moto.heal();
    account.done("unlock --yes few.toml");
    account.done("apply --yes few.toml");
    // Where it cannot be listed, nothing is made.
    few(&account, GROUP);
    moto.reset_counts();
    moto.fault("how=error&match=ssm:PutParameter&calls=list&status=400&code=AccessDeniedException");
    let refused = account.run("apply --yes few.toml");
    assert_eq!(refused.code, 1, "{refused}");
    anywhere(|| assert_outcome!("kinds-not-listed", refused.stderr));
    assert_eq!(moto.writes(), []);
}

#[test]
fn a_kind_leaves_the_list_only_after_a_read_that_found_none() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, GROUP);
    account.done("apply --yes few.toml");
    few(&account, "");
    age_list(&moto, "few");
    account.done("apply --yes few.toml");
    assert!(has(&list(&moto, "few"), "security_group"), "it was there when the run read it");
    write_list(&moto, "few", &json!({ "list_format": 1, "kinds": list(&moto, "few") }).to_string());
    account.done("apply --yes few.toml");
    assert!(has(&list(&moto, "few"), "security_group"), "AWS need not show yet what a run that died has made");
    age_list(&moto, "few");
    moto.fail("ec2:DescribeSecurityGroups", 400, "InternalError");
    assert_eq!(account.run("apply --yes few.toml").code, 1);
    moto.heal();
    assert!(has(&list(&moto, "few"), "security_group"), "nobody knows");
    account.done("apply --yes few.toml");
    assert_eq!(list(&moto, "few"), json!(NETWORK));
    account.done("destroy --yes few.toml");
    assert_eq!(list(&moto, "few"), json!(NETWORK));
    age_list(&moto, "few");
    account.done("destroy --yes few.toml");
    assert_eq!(list(&moto, "few"), json!(null));
}

/// What a run that died has made of a kind that is listed for long is as new as of any other.
#[test]
fn the_first_object_of_a_listed_kind_keeps_it_listed() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, "");
    account.done("apply --yes few.toml");
    let listed = [&NETWORK[..], &["security_group", "security_group_rules"]].concat();
    write_list(&moto, "few", &json!({ "list_format": 1, "kinds": listed }).to_string());
    age_list(&moto, "few");
    few(&account, GROUP);
    moto.fail("ec2:CreateSecurityGroup", 400, "SecurityGroupLimitExceeded");
    assert_eq!(account.run("apply --yes few.toml").code, 1);
    moto.heal();
    few(&account, "");
    account.done("apply --yes few.toml");
    assert!(has(&list(&moto, "few"), "security_group"));
}

#[test]
fn a_kind_that_only_a_newer_version_knows_is_an_error() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, "");
    account.done("apply --yes few.toml");
    write_list(&moto, "few", r#"{"list_format": 1, "kinds": ["moon_base", "vpc"]}"#);
    moto.reset_counts();
    for command in ["plan", "apply --yes", "destroy --yes"] {
        let refused = account.run(&format!("{command} few.toml"));
        assert_eq!(refused.code, 4, "{refused}");
        anywhere(|| assert_outcome!("kinds-of-a-newer-version", refused.stderr));
    }
    assert_eq!(moto.writes(), []);
    // Nor is it overwritten where it may not be read by its path.
    few(&account, GROUP);
    moto.fail("ssm:GetParametersByPath", 400, "AccessDeniedException");
    let refused = account.run("apply --yes few.toml");
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("moon_base"), "{refused}");
    assert_eq!(moto.writes(), []);
    assert_eq!(list(&moto, "few"), json!(["moon_base", "vpc"]));
}

/// What environments share is on the list of each, and none loses sight of it when another goes.
#[test]
fn environments_share_registries_in_turn() {
    const REGISTRY: &str = "[registries.web]\n";
    let moto = Moto::start();
    let account = Account::new(&moto);
    for environment in ["one", "two"] {
        account.bench.write(&format!("{environment}.toml"), format!("{}{REGISTRY}", head(environment)));
        account.done(&format!("apply --yes {environment}.toml"));
        assert!(has(&list(&moto, environment), "ecr_repository"));
    }
    for _ in 0..2 {
        account.assert_no_changes("one.toml");
        account.assert_no_changes("two.toml");
    }
    // Who does not want it hears of it by the list, or by the index.
    account.bench.write("one.toml", head("one"));
    few(&account, "");
    account.done("apply --yes few.toml");
    for spec in ["one.toml", "few.toml"] {
        let plan = account.done(&format!("plan --json {spec}")).json();
        assert_eq!((&plan["kept"], &plan["changes"]), (&json!(["ecr_repository.web"]), &json!([])), "{spec}");
    }
    account.done("destroy --yes two.toml");
    assert_eq!(
        account.changes("two.toml").iter().filter(|change| change.contains("ecr_repository")).count(),
        0,
        "it stays for the others"
    );
}

#[test]
fn who_has_lost_the_lock_writes_no_list() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    few(&account, "");
    // Longer than a third of the lease, when the lock is renewed.
    moto.fault("how=slow&match=ec2:DescribeVpcs&delay=6&times=1");
    let run = Run::begin(&mut account.command("apply --yes few.toml --lock-lease 9"));
    while moto.struck().broken.is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    account.done("unlock --yes few.toml");
    let outcome = run.end();
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("the lock was lost"), "{outcome}");
    assert_eq!((list(&moto, "few"), moto.writes()), (json!(null), vec![]));
}
