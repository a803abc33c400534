//! Several load balancers, and several routes of a service.

use crate::file_cloud::FileCloud;

const SINGLE: &str = "route = { default = true }\n";

/// Beside the load balancer of the fixture one inside the VPC, for a service of its own.
const STAFF: &str = r#"
[security-groups.staff]
ingress = [{ ports = "80", from = "10.40.0.0/16" }]
egress = [{ ports = "9090", to = "stock" }]

[security-groups.stock]
ingress = [{ ports = "9090", from = "staff" }]
egress = [{ ports = "443", to = "0.0.0.0/0" }]

[load-balancers.staff]
internal = true
security-groups = ["staff"]

[services.stock]
image = "stock:1"
cpu = 256
memory = 512
port = 9090
subnets = ["public-a", "public-b"]
public-ip = true
security-groups = ["stock"]
route = { load-balancer = "staff", default = true }
environment = { PUBLIC = "{load-balancers.main.dns}", STAFF = "{load-balancers.staff.dns}" }
"#;

fn with_staff() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    let spec = cloud.bench.read("spec.toml");
    cloud
        .bench
        .write("spec.toml", spec.replace(SINGLE, "route = { load-balancer = \"main\", default = true }\n") + STAFF);
    cloud
}

#[test]
fn a_load_balancer_is_judged_by_what_it_sends_to() {
    let cloud = with_staff();
    cloud.bench.done("check --strict spec.toml");
    // Of the one whose group lets nobody in, at its own place.
    cloud.bench.edit("spec.toml", "ingress = [{ ports = \"80\", from = \"10.40.0.0/16\" }]\n", "");
    let outcome = cloud.bench.run("check --strict spec.toml");
    let line = cloud.bench.read("spec.toml").lines().position(|line| line == "security-groups = [\"staff\"]");
    let codes: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("BP-")).collect();
    assert_eq!(codes, ["BP-NET-05"], "{outcome}");
    let place = format!("[spec.toml:{}:", line.expect("the group of the load balancer") + 1);
    assert!(outcome.stderr.contains(&place), "{outcome}");
}

#[test]
fn the_single_one_is_called_main() {
    let cloud = with_staff();
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "[load-balancer]\n", "[load-balancers.main]\n");
    cloud.assert_no_changes("spec.toml");
    cloud.bench.edit("spec.toml", "{load-balancers.main.dns}", "{load-balancer.dns}");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn what_is_wrong_is_told_once_and_where() {
    let cloud = with_staff();
    cloud.bench.edit("spec.toml", "route = { load-balancer = \"main\"", "route = { load-balancer = \"mian\"");
    let outcome = cloud.bench.run("check spec.toml");
    assert!(outcome.stderr.contains("no load balancer is named `mian`"), "{outcome}");
    assert!(outcome.stderr.contains("load balancers are: main, staff"), "{outcome}");

    let cloud = with_staff();
    cloud.bench.edit(
        "spec.toml",
        "[load-balancer]\n",
        "[load-balancers.public]\ncertificate = { request = true }\n",
    );
    cloud.bench.edit("spec.toml", "load-balancer = \"main\"", "load-balancer = \"public\"");
    cloud.bench.edit("spec.toml", "{load-balancers.main.dns}", "{load-balancers.public.dns}");
    let dns = "\n[dns]\ndomain = \"town.example\"\nzone = \"town.example\"\n";
    cloud.bench.write("spec.toml", cloud.bench.read("spec.toml") + dns);
    let outcome = cloud.bench.run("check spec.toml");
    assert!(outcome.stderr.contains("[dns] must say which of the load balancers the names lead to"), "{outcome}");
    assert!(outcome.stderr.contains("error: 1 error in the spec"), "nothing that only follows\n{outcome}");
    cloud.bench.edit(
        "spec.toml",
        "zone = \"town.example\"\n",
        "zone = \"town.example\"\nload-balancer = \"staff\"\n",
    );
    let outcome = cloud.bench.run("check spec.toml");
    assert!(outcome.stderr.contains("no name leads to this load balancer"), "{outcome}");
}

/// Only the priority says which rule is tried first.
#[test]
fn the_order_of_a_list_of_routes_is_nothing_to_its_rules() {
    let cloud = FileCloud::with_fixture("small.toml");
    let (api, shop) = (
        "{ paths = [\"/api*\"], priority = 10 }",
        "{ paths = [\"/shop*\"], hosts = [\"town.example\"], priority = 20 }",
    );
    cloud.bench.edit("spec.toml", SINGLE, &format!("route = [{{ default = true }}, {shop}, {api}]\n"));
    cloud.done("apply --yes spec.toml");
    let rules = ["test: listener_rule.web", "test: listener_rule.web.20"];
    assert!(rules.iter().all(|rule| cloud.objects().contains(*rule)), "{:#?}", cloud.objects());
    cloud.bench.edit("spec.toml", &format!("{shop}, {api}"), &format!("{api}, {shop}"));
    cloud.assert_no_changes("spec.toml");
    cloud.bench.edit("spec.toml", "\"/shop*\"", "\"/store*\"");
    let outcome = cloud.done("plan spec.toml");
    assert!(outcome.stdout.contains("~ listener_rule.web.20  outage"), "{outcome}");
    assert_eq!(cloud.changes("spec.toml"), ["update listener_rule.web.20: paths[]"]);
}

/// Until all has moved, what used to serve serves.
#[test]
fn what_moves_to_another_load_balancer_is_let_go_last() {
    let cloud = with_staff();
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit(
        "spec.toml",
        "load-balancer = \"main\", default = true",
        "load-balancer = \"staff\", paths = [\"/*\"], priority = 5",
    );
    cloud.bench.edit(
        "spec.toml",
        "egress = [{ ports = \"9090\", to = \"stock\" }]",
        "egress = [{ ports = \"9090\", to = \"stock\" }, { ports = \"8080\", to = \"app\" }]",
    );
    cloud.bench.edit(
        "spec.toml",
        "ingress = [{ ports = \"8080\", from = \"edge\" }]",
        "ingress = [{ ports = \"8080\", from = \"edge\" }, { ports = \"8080\", from = \"staff\" }]",
    );
    let outcome = cloud.done("plan spec.toml");
    assert!(outcome.stdout.contains("~ listener.http  outage"), "{outcome}");
    let outcome = cloud.done("apply --yes spec.toml");
    let place = |line: &str| outcome.stderr.find(line).unwrap_or_else(|| panic!("{line} is missing\n{outcome}"));
    assert!(place("updated ecs_service.web") < place("finished the update of listener.http"), "{outcome}");
    cloud.assert_no_changes("spec.toml");
}

/// A name that moves leads to the other load balancer when those who shall answer there do, and not if one cannot.
#[test]
fn a_name_moves_when_all_behind_the_other_load_balancer_are_ready() {
    let cloud = with_staff();
    let named = "[dns]\nzone = \"town.example\"\ndomain = \"town.example\"\nload-balancer = \"main\"\n";
    let spec = format!("{}\n{named}", cloud.bench.read("spec.toml"));
    cloud.bench.write("spec.toml", spec);
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "load-balancer = \"main\"\n", "load-balancer = \"staff\"\n");
    cloud.bench.edit("spec.toml", "image = \"stock:1\"", "image = \"stock:2\"");
    let outcome = cloud.run("apply --yes spec.toml --fail-at ecs_service.stock");
    assert_eq!(outcome.code, 1, "{outcome}");
    let skipped = "skipped updating dns_record.town.example: ecs_service.stock failed";
    assert!(outcome.stderr.contains(skipped), "{outcome}");
    let outcome = cloud.done("apply --yes spec.toml");
    let place = |line: &str| outcome.stderr.find(line).unwrap_or_else(|| panic!("{line} is missing\n{outcome}"));
    assert!(place("updated ecs_service.stock") < place("updating dns_record.town.example"), "{outcome}");
    cloud.assert_no_changes("spec.toml");
}

/// ACM proves a domain by one record, whichever certificate it is for: what serves needs nothing to be deleted first.
#[test]
fn another_key_of_a_load_balancer_keeps_the_records_that_prove_its_domain() {
    let cloud = FileCloud::with_fixture("small.toml");
    let named = "certificate = { request = true }\n\n[dns]\nzone = \"town.example\"\ndomain = \"town.example\"\n";
    let spec = cloud.bench.read("spec.toml").replace("[load-balancer]", "[load-balancers.main]");
    cloud.bench.write("spec.toml", spec + named);
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "[load-balancers.main]", "[load-balancers.edge]");
    let records: Vec<String> =
        cloud.changes("spec.toml").into_iter().filter(|change| change.contains("dns_record")).collect();
    assert_eq!(records, ["update dns_record.town.example: alias.dns_name, alias.zone_id"]);
    cloud.done("apply --yes spec.toml");
    cloud.assert_no_changes("spec.toml");
}
