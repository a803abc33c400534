//! Each member of what AWS answers about objects is managed, reported or ignored with a reason, as the models of the API
//! list them.

use std::collections::{BTreeMap, BTreeSet};

use baseplate::kinds;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::layers;
use crate::moto::Moto;

/// Reads of kinds that answer about no object of theirs.
const OF_NO_OBJECT: &[(&str, &str)] = &[
    ("acm:ListCertificates", "names of what `DescribeCertificate` tells"),
    ("acm:ListTagsForCertificate", "tags"),
    ("ecr:DescribeImages", "images, which are of no kind"),
    ("ecr:DescribePullThroughCacheRules", "where images come from"),
    ("ecr:ListTagsForResource", "tags"),
    ("ecs:DescribeTasks", "what runs, once a rollout fails"),
    ("ecs:ListServices", "names of what `DescribeServices` tells"),
    ("ecs:ListTaskDefinitionFamilies", "names of what `DescribeTaskDefinition` tells"),
    ("ecs:ListTasks", "names of what `DescribeTasks` tells"),
    ("elasticloadbalancing:DescribeTags", "tags"),
    ("elasticloadbalancing:DescribeTargetHealth", "what runs, once a rollout fails"),
    ("iam:GetRole", "whether a role is there yet"),
    ("iam:ListRoleTags", "tags"),
    ("logs:GetLogEvents", "why a task stopped"),
    ("logs:ListTagsForResource", "tags"),
    ("rds:DescribeOrderableDBInstanceOptions", "what RDS offers, before an apply"),
    ("rds:ListTagsForResource", "tags"),
    ("route53:GetHostedZone", "the zone, before an apply"),
    ("route53:ListHostedZones", "the zone above, before an apply"),
    ("route53:ListHostedZonesByName", "the zone, which is not ours"),
    ("servicediscovery:GetNamespace", "whether what `ListNamespaces` tells is there yet"),
    ("servicediscovery:GetOperation", "whether a change is done"),
    ("servicediscovery:ListTagsForResource", "tags"),
    ("sns:ListTagsForResource", "tags"),
    ("sns:ListTopics", "names of what `GetTopicAttributes` tells"),
    ("ssm:GetParameter", "the version of what `DescribeParameters` tells"),
    ("ssm:ListTagsForResource", "tags"),
];

/// The paths of all members that an operation may answer with, from the models that the SDKs are made of: below a path of
/// the answer, without what structures hold of themselves.
const PATHS: &str = r#"
import botocore.session
SERVICES = {"elasticloadbalancing": "elbv2"}
session = botocore.session.get_session()

def leaves(shape, path, around):
    while shape.type_name in ("list", "map"):
        shape = shape.member if shape.type_name == "list" else shape.value
    if shape.type_name != "structure" or not shape.members or shape.name in around:
        return [path]
    below = ((f"{path}.{name}" if path else name, member) for name, member in shape.members.items())
    return [leaf for name, member in below for leaf in leaves(member, name, around | {shape.name})]

def paths(operation, at):
    service, name = operation.split(":")
    shape = session.get_service_model(SERVICES.get(service, service)).operation_model(name).output_shape
    for step in filter(None, at.split(".")):
        shape = shape.members[step]
        while shape.type_name == "list":
            shape = shape.member
    return leaves(shape, "", frozenset())

answer = [paths(*one) for one in asked]"#;

/// What leads from page to page.
const OF_PAGES: [&str; 4] = ["NextToken", "nextToken", "Marker", "NextMarker"];

fn covers(entry: &str, path: &str) -> bool {
    path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[test]
fn every_member_of_an_answer_is_managed_reported_or_ignored() {
    let tables: Vec<_> = kinds::all()
        .iter()
        .flat_map(|kind| kind.members().into_iter().map(move |members| (kind.name(), members)))
        .filter(|(_, members)| !members.are_keys)
        .collect();
    let asked: Vec<Value> = tables.iter().map(|(_, members)| json!([members.operation, members.at])).collect();
    let models = Moto::start().boto(&format!("asked = {}\n{PATHS}", Value::from(asked)));
    let models: Vec<Vec<String>> = serde_json::from_value(models).expect("paths");
    let (mut unknown, mut gone, mut total) = (Vec::new(), Vec::new(), 0);
    // Several kinds are made of one answer: each takes its part.
    let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, members) in &tables {
        let ignored = members.ignored.iter().flat_map(|(_, paths)| *paths);
        let all = members.managed.iter().chain(&members.reported).chain(ignored).copied();
        entries.entry(members.operation).or_default().extend(all);
    }
    for ((kind, members), paths) in tables.iter().zip(&models) {
        let entries = &entries[members.operation];
        total += paths.len();
        let open = paths.iter().filter(|path| !entries.iter().any(|entry| covers(entry, path)));
        let open = open.filter(|path| !OF_PAGES.contains(&path.as_str()));
        unknown.extend(open.map(|path| format!("{kind}: {} {path}", members.operation)));
        let named = members.managed.iter().chain(&members.reported);
        let stale = named.filter(|entry| !paths.iter().any(|path| covers(entry, path)));
        gone.extend(stale.map(|entry| format!("{kind}: {} {entry}", members.operation)));
    }
    assert!(total > 800, "the models are not read any more: {total}");
    assert!(unknown.is_empty(), "AWS answers these, and nothing says what becomes of them: {unknown:#?}");
    assert!(gone.is_empty(), "the models do not have these: {gone:#?}");
}

#[test]
fn every_read_of_a_kind_is_in_a_table() {
    let tables: BTreeSet<&str> =
        kinds::all().iter().flat_map(|kind| kind.members()).map(|members| members.operation).collect();
    let read = Regex::new(r#""([a-z0-9]+:(?:Describe|Get|List)[A-Za-z]+)""#).expect("a pattern");
    let mut named = BTreeSet::new();
    for (module, text) in layers::texts() {
        let is_kind = module.first().is_some_and(|name| name == "kinds");
        if is_kind && !module.iter().any(|name| ["access", "policy", "preflight"].contains(&name.as_str())) {
            let all = read.captures_iter(&text).map(|found| found[1].to_owned());
            // What a policy of an example allows.
            named.extend(all.filter(|name| !name.starts_with("s3:")));
        }
    }
    let of_none: BTreeSet<&str> = OF_NO_OBJECT.iter().map(|(operation, _)| *operation).collect();
    let open = named.iter().filter(|name| !tables.contains(name.as_str()) && !of_none.contains(name.as_str()));
    let open: Vec<_> = open.collect();
    assert!(named.len() > 30, "the operations are not read any more: {named:?}");
    assert!(open.is_empty(), "no kind says what becomes of what these answer: {open:?}");
    let stale: Vec<_> = of_none.iter().filter(|name| !named.contains(**name)).collect();
    assert!(stale.is_empty(), "no kind reads these: {stale:?}");
}

#[test]
fn a_member_is_in_one_list_and_a_reason_is_said() {
    for kind in kinds::all() {
        for members in kind.members() {
            let place = format!("{}: {}", kind.name(), members.operation);
            let ignored = members.ignored.iter().flat_map(|(_, paths)| *paths);
            let all: Vec<&str> = members.managed.iter().chain(&members.reported).chain(ignored).copied().collect();
            let once: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(all.len(), once.len(), "{place}: {all:?}");
            assert!(members.ignored.iter().all(|(reason, _)| reason.len() > 4), "{place}");
        }
    }
}
