//! `forget` and `adopt`: whose an object is changes, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::{Bench, Outcome};
use crate::file_cloud::FileCloud;
use crate::moto::Moto;
use crate::round_trip::city_with;

const EXTRA: &str = r#"
[topics.extra]

[security-groups.extra]
ingress = [{ ports = "22", from = "10.0.0.0/8" }]
"#;

const EXTRA_KEY: &str = "\"extra/key\" = { generate = { length = 40 } }\n";

/// The fixture as `spec.toml`, with more in it as `more.toml`.
fn write(bench: &Bench) {
    let text = bench.read("spec.toml");
    let more = text.replace("[parameters]\n", &format!("[parameters]\n{EXTRA_KEY}")) + EXTRA;
    bench.write("more.toml", more);
}

fn forgotten() -> FileCloud {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench);
    cloud.done("apply --yes more.toml");
    cloud
}

const ADDRESSES: &str = "sns_topic.extra security_group.extra ssm_parameter.extra/key";

fn actions(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().expect("changes").iter();
    let mut all: Vec<String> = changes
        .map(|change| {
            format!("{} {}", change["action"].as_str().unwrap_or("?"), change["address"].as_str().unwrap_or("?"))
        })
        .collect();
    all.sort();
    all
}

/// What is nobody's any more is told as such, and nothing else is.
fn assert_unmanaged(outcome: &Outcome) {
    assert_eq!(outcome.code, 2, "{outcome}");
    let drift = &outcome.json()["drift"][0];
    assert_eq!(drift["changes"], json!([]), "{outcome}");
    let names: BTreeSet<&str> =
        drift["unmanaged"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["security_group", "sns_topic", "ssm_parameter"]), "{outcome}");
}

#[test]
fn what_is_forgotten_goes_on_existing() {
    let cloud = forgotten();
    let before = cloud.bench.json("cloud.json")["objects"].as_array().map(Vec::len);
    let outcome = cloud.run(&format!("forget spec.toml {ADDRESSES}"));
    assert_eq!(outcome.code, 4, "without a terminal it must be confirmed: {outcome}");
    let outcome = cloud.done(&format!("forget spec.toml {ADDRESSES} --yes"));
    assert_outcome!("forget", outcome);
    assert_eq!(cloud.bench.json("cloud.json")["objects"].as_array().map(Vec::len), before);
    cloud.assert_no_changes("spec.toml");
    assert_unmanaged(&cloud.run("drift spec.toml --json"));
    let record = cloud.bench.json("cloud.json")["applied"].to_string();
    assert!(!record.contains("extra"), "nor is it remembered: {record}");
    let outcome = cloud.run("plan more.toml");
    assert!(outcome.code == 4 && outcome.stderr.contains("--adopt sns_topic.extra"), "{outcome}");
    let adopted = cloud.done("adopt more.toml sns_topic.extra ssm_parameter.extra/key --yes --json").json();
    assert_eq!(actions(&adopted["plan"]), ["adopt sns_topic.extra", "adopt ssm_parameter.extra/key"]);
    let outcome = cloud.done("adopt more.toml sns_topic.extra --yes");
    assert!(outcome.stdout.contains("sns_topic.extra: it has all ownership tags already"), "{outcome}");
    cloud.done("adopt more.toml security_group.extra --yes");
    cloud.assert_no_changes("more.toml");
}

#[test]
fn a_plan_of_forgetting_is_told_in_every_format() {
    let cloud = forgotten();
    let done = cloud.done("forget spec.toml sns_topic.extra --yes --json").json();
    let change = &done["plan"]["changes"][0];
    assert_eq!(change["action"], "forget", "{change:#}");
    assert_eq!(done["done"], json!([{ "address": "sns_topic.extra", "action": "forgot" }]));
    let left = done["left"].as_array().expect("what is left");
    assert!(left.contains(&json!("ssm_parameter.extra/key")), "{left:?}");
}

#[test]
fn what_cannot_be_forgotten_says_why() {
    let cloud = forgotten();
    let refused = |arguments: &str, code: i32, why: &str| {
        let before = cloud.bench.read("cloud.json");
        let outcome = cloud.run(&format!("{arguments} --yes"));
        assert_eq!(outcome.code, code, "{outcome}");
        assert!(outcome.stderr.contains(why), "{outcome}");
        assert_eq!(cloud.bench.read("cloud.json"), before, "nothing is changed");
    };
    refused("forget spec.toml db_instance.main", 4, "the spec still asks for it (`databases.main`)");
    refused(
        "forget spec.toml security_group_rules.extra",
        4,
        "has no tags of its own, and follows security_group.extra",
    );
    refused("forget spec.toml sns_topic.extr", 64, "no live object of this environment has that address");
    refused("forget spec.toml topic.extra", 64, "no object of this address, and no entry at this path");
    refused("adopt spec.toml sns_topic.extra", 64, "the spec has no object of this address");
    cloud.done("apply --yes --allow-destroy ssm_parameter.* spec.toml");
    refused("adopt more.toml sns_topic.extra", 4, "sns_topic.extra does not exist");
}

#[test]
fn a_run_that_failed_half_way_goes_on() {
    let cloud = forgotten();
    let outcome = cloud.run(&format!("forget spec.toml {ADDRESSES} --yes --fail-at sns_topic.extra"));
    assert_eq!(outcome.code, 1, "{outcome}");
    cloud.done(&format!("forget spec.toml {ADDRESSES} --yes"));
    cloud.assert_no_changes("spec.toml");
}

/// What the spec names as somebody else's may have been made for it.
#[test]
fn what_became_external_is_forgotten() {
    let cloud = forgotten();
    let external = cloud
        .bench
        .read("spec.toml")
        .replace("[parameters]\n", "[parameters]\n\"extra/key\" = { external = true }\n");
    cloud.bench.write("spec.toml", external + EXTRA);
    cloud.done("forget spec.toml ssm_parameter.extra/key --yes");
    cloud.assert_no_changes("spec.toml");
    let parameter = cloud.bench.json("cloud.json")["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .find(|object| object["attrs"]["name"] == "/shop/dev/extra/key")
        .cloned()
        .expect("it goes on existing");
    assert_eq!(parameter["attrs"]["tags"], json!({}), "{parameter:#}");
}

/// An environment in which nothing is wanted.
fn nothing(project: &str, environment: &str) -> String {
    format!(
        "project = \"{project}\"\nenvironment = \"{environment}\"\naccount = \"123456789012\"\n\
         region = \"eu-central-1\"\n[network]\nvpc = \"vpc-00000000000000000\"\nsubnets = {{}}\n"
    )
}

fn is_untagged(address: &Value) -> bool {
    let starts = |kind: &str| address.as_str().is_some_and(|address| address.starts_with(kind));
    starts("default_security_group.") || starts("security_group_rules.") || starts("certificate_validation.")
}

/// The addresses of all objects of a spec that have tags, but for records in Route 53.
fn tagged(bench: &Bench, spec: &str) -> String {
    let objects = bench.done(&format!("graph --json {spec}")).json();
    let addresses = objects.as_array().expect("objects").iter().filter_map(|object| object["address"].as_str());
    // Those are found in the zone that the spec names.
    let is_record = |address: &str| address.starts_with("dns_record.");
    let tagged: Vec<&str> =
        addresses.filter(|address| !is_untagged(&json!(address)) && !is_record(address)).collect();
    assert!(tagged.len() > 40, "{tagged:?}");
    tagged.join(" ")
}

#[test]
fn everything_is_forgotten_and_adopted() {
    let cloud = FileCloud::with_fixture("moved.toml");
    cloud.bench.write("nothing.toml", nothing("shop", "dev"));
    cloud.done("apply --yes spec.toml");
    let all = tagged(&cloud.bench, "spec.toml");
    cloud.done(&format!("forget nothing.toml {all} --yes"));
    cloud.assert_no_changes("nothing.toml");
    cloud.done(&format!("adopt spec.toml {all} --yes"));
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn everything_is_forgotten_and_adopted_over_http() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    account.bench.write("nothing.toml", nothing("legocity", "prod"));
    let (all, before) = (tagged(&account.bench, "prod.toml"), moto.everything());
    let count = all.split(' ').count();
    let of = |outcome: &Value, action: &str| {
        let changes = outcome["plan"]["changes"].as_array().expect("changes").iter();
        changes.filter(|change| change["action"] == action && !is_untagged(&change["address"])).count()
    };
    let done = account.done(&format!("forget nothing.toml {all} --yes --json")).json();
    assert_eq!(of(&done, "forget"), count);
    account.assert_no_changes("nothing.toml");
    let done = account.done(&format!("adopt prod.toml {all} --yes --json")).json();
    assert_eq!(of(&done, "adopt"), count);
    account.assert_no_changes("prod.toml");
    assert_eq!(moto.everything(), before, "it is all there, and as it was");
}

/// Nothing is left beside a record that says whose it is, and the record stays.
#[test]
fn a_record_is_forgotten_over_http() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    account.bench.edit("legocity.toml", "aliases = [\"admin.{dns.domain}\"]", "aliases = []");
    let record = "dns_record.admin.legocity.example";
    account.done(&format!("forget prod.toml {record} --yes"));
    let names = moto.boto("answer = sorted(one['Name'] for one in pages('route53', 'list_resource_record_sets', \
                           'ResourceRecordSets', HostedZoneId=client('route53').list_hosted_zones()['HostedZones'][0]['Id']))");
    let names = names.to_string();
    assert!(
        names.contains("\"admin.legocity.example.\"") && !names.contains("_baseplate.admin.legocity.example."),
        "{names}"
    );
}

#[test]
fn what_is_forgotten_and_adopted_over_http_is_the_same() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "moved.toml");
    write(&account.bench);
    account.done("apply --yes more.toml");
    let key = "answer = client('ssm').get_parameter(Name='/shop/dev/extra/key', WithDecryption=True)['Parameter']['Value']";
    let tags = "answer = sorted(tag['Key'] for tag in client('ssm').list_tags_for_resource(ResourceType='Parameter', \
                ResourceId='/shop/dev/extra/key')['TagList'])";
    let before = moto.boto(key);
    let done = account.done(&format!("forget spec.toml {ADDRESSES} --yes --json")).json();
    assert_eq!(
        actions(&done["plan"]),
        [
            "forget security_group.extra",
            "forget security_group_rules.extra",
            "forget sns_topic.extra",
            "forget ssm_parameter.extra/key",
        ]
    );
    assert_eq!(moto.boto(tags), json!([]));
    account.assert_no_changes("spec.toml");
    assert_unmanaged(&account.run("drift spec.toml --json"));
    let outcome = account.run("plan more.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    let done = account.done(&format!("adopt more.toml {ADDRESSES} --yes --json")).json();
    assert_eq!(
        actions(&done["plan"]),
        ["adopt security_group.extra", "adopt sns_topic.extra", "adopt ssm_parameter.extra/key"]
    );
    assert_eq!(moto.boto(key), before, "its value is kept");
    account.assert_no_changes("more.toml");
}
