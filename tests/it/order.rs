//! The documented order, read from the progress lines: what begins when, and what has ended by then.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cli::{Bench, Outcome};

/// When each object's operation began and ended, counted in progress lines.
struct Timeline {
    began: BTreeMap<String, usize>,
    ended: BTreeMap<String, usize>,
    /// Addresses in the order they began in.
    order: Vec<String>,
}

impl Timeline {
    fn of(outcome: &Outcome) -> Self {
        let (mut began, mut ended, mut order) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (index, line) in outcome.stderr.lines().enumerate() {
            let words: Vec<&str> = line.rsplit(']').next().unwrap_or_default().split_whitespace().collect();
            match words[..] {
                ["creating" | "deleting", address] => {
                    began.insert(address.to_owned(), index);
                    order.push(address.to_owned());
                }
                ["created" | "deleted", address, "in", ..] => {
                    ended.insert(address.to_owned(), index);
                }
                _ => {}
            }
        }
        assert_eq!(began.len(), ended.len(), "whatever begins ends\n{outcome}");
        Self { began, ended, order }
    }

    /// Whether `first` has ended before `second` begins.
    fn follows(&self, first: &str, second: &str) -> bool {
        let at = |times: &BTreeMap<String, usize>, address: &str| {
            *times.get(address).unwrap_or_else(|| panic!("{address} is in the progress"))
        };
        at(&self.ended, first) < at(&self.began, second)
    }
}

/// What `graph --format dot` draws.
struct Drawing {
    stage: BTreeMap<String, usize>,
    /// Each object, and what it needs.
    edges: Vec<(String, String)>,
}

impl Drawing {
    fn of(bench: &Bench, spec: &str) -> Self {
        let (mut stage, mut edges, mut current) = (BTreeMap::new(), Vec::new(), 0);
        for line in bench.done(&format!("graph {spec} --format dot")).stdout.lines() {
            let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            if let Some(number) = line.trim().strip_prefix("subgraph cluster_") {
                current = number.trim_end_matches(" {").parse().expect("a stage's number");
            } else if let [from, to] = quoted[..] {
                edges.push((from.to_owned(), to.to_owned()));
            } else if line.starts_with("    \"") {
                stage.insert(quoted[0].to_owned(), current);
            }
        }
        assert!(stage.len() > 60 && edges.len() > 100, "the whole environment is drawn");
        Self { stage, edges }
    }
}

/// One at a time there is nothing to overlap, so nothing needs to take any time.
fn scale(parallelism: usize) -> &'static str {
    if parallelism == 1 { "--time-scale 0 --parallelism 1" } else { "--parallelism 16" }
}

fn apply(bench: &Bench, spec: &str, parallelism: usize) -> Timeline {
    Timeline::of(&bench.done(&format!("apply {spec} --cloud file:cloud.json --yes {}", scale(parallelism))))
}

fn destroy(bench: &Bench, spec: &str, parallelism: usize) -> Timeline {
    let command = format!("destroy {spec} --shared --cloud file:cloud.json --yes {}", scale(parallelism));
    Timeline::of(&bench.done(&command))
}

/// Production without what protects it from being destroyed.
fn unprotected() -> Bench {
    let bench = Bench::new();
    bench.write("prod.toml", bench.read("prod.toml").replace("deletion-protection = true\n", ""));
    bench.edit("prod.toml", "environment = \"prod\"\n", "environment = \"prod\"\nprotect = false\n");
    bench
}

#[test]
fn everything_is_made_after_what_it_needs() {
    for spec in ["dev.toml", "prod.toml"] {
        let bench = Bench::new();
        let drawing = Drawing::of(&bench, spec);
        for parallelism in [1, 16] {
            let timeline = apply(&bench, spec, parallelism);
            let early = drawing.edges.iter().filter(|(from, to)| !timeline.follows(to, from));
            assert_eq!(early.collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "{spec} at {parallelism}");
            assert_eq!(timeline.order.len(), drawing.stage.len(), "each once");
            std::fs::remove_file(bench.path("cloud.json")).expect("a cloud file");
        }
    }
}

/// The kinds in the documented order, as a plan of everything lists them.
fn documented(bench: &Bench, spec: &str) -> Vec<(usize, String)> {
    let plan = bench.done(&format!("plan {spec} --cloud file:nothing.json --json")).json();
    let drawing = Drawing::of(bench, spec);
    let changes = plan["changes"].as_array().expect("changes").iter();
    let addresses = changes.map(|change| change["address"].as_str().expect("an address").to_owned());
    addresses.map(|address| (drawing.stage[&address], address)).collect()
}

const KINDS: [&str; 27] = [
    "vpc",
    "subnet",
    "internet_gateway",
    "elastic_ip",
    "nat_gateway",
    "route_table",
    "security_group",
    "security_group_rules",
    "default_security_group",
    "db_subnet_group",
    "ssm_parameter",
    "db_instance",
    "ecr_repository",
    "ecs_cluster",
    "discovery_namespace",
    "discovery_service",
    "iam_role",
    "log_group",
    "task_definition",
    "ecs_service",
    "load_balancer",
    "target_group",
    "certificate",
    "dns_record",
    "certificate_validation",
    "listener",
    "listener_rule",
];

#[test]
fn one_at_a_time_follows_the_documented_order() {
    for spec in ["dev.toml", "prod.toml"] {
        let bench = Bench::new();
        let documented = documented(&bench, spec);
        let kind = |address: &str| {
            let name = address.split('.').next().unwrap_or_default();
            KINDS.iter().position(|known| *known == name).expect("a known kind")
        };
        let places: Vec<(usize, usize)> =
            documented.iter().map(|(stage, address)| (*stage, kind(address))).collect();
        assert!(places.is_sorted(), "a plan lists by stage and kind: {documented:#?}");
        // AWS refuses a service whose target group no listener knows: it comes as soon as one does, and after the
        // services that it calls.
        let knows = |address: &str| match address.strip_prefix("ecs_service.")? {
            "dashboard" => Some("ecs_service.proxy".to_owned()),
            key @ ("payload" | "proxy") => Some(format!("listener_rule.{key}")),
            _ => None,
        };
        let timeline = apply(&bench, spec, 1);
        let early: Vec<&String> =
            documented.iter().map(|(_, address)| address).filter(|address| knows(address).is_none()).collect();
        let order = || timeline.order.iter();
        assert_eq!(order().filter(|address| knows(address).is_none()).collect::<Vec<_>>(), early, "{spec}");
        for (before, service) in order().zip(order().skip(1)) {
            assert!(knows(service).is_none_or(|rule| rule == *before), "{service} after {before}");
        }
    }
}

#[test]
fn equals_come_in_the_order_of_the_spec() {
    let bench = Bench::new();
    let order = apply(&bench, "dev.toml", 1).order;
    let of = |kind: &str| -> Vec<String> {
        order.iter().filter_map(|address| address.strip_prefix(&format!("{kind}."))).map(str::to_owned).collect()
    };
    assert_eq!(of("security_group"), ["alb", "dashboard", "proxy", "payload", "update-env", "broker", "rds"]);
    assert_eq!(of("subnet"), ["public-a", "public-b", "private-a", "private-b"]);
    assert_eq!(of("task_definition"), ["broker", "payload", "proxy", "dashboard", "update-env"]);
    assert_eq!(of("listener"), ["http", "https"]);
}

/// What live objects refer to, as the cloud file holds it: pairs of user and used.
fn live_references(bench: &Bench) -> Vec<(String, String)> {
    fn ids(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
            Value::Object(map) => {
                if map.get("output").and_then(Value::as_str) == Some("id") {
                    found.extend(map.get("$id").and_then(Value::as_str).map(str::to_owned));
                }
                map.values().for_each(|value| ids(value, found));
            }
            _ => {}
        }
    }
    let cloud = bench.json("cloud.json");
    let objects = cloud["objects"].as_array().expect("objects");
    let text = |object: &Value, key: &str| object[key].as_str().expect("a text").to_owned();
    let addresses: BTreeMap<String, String> =
        objects.iter().map(|object| (text(object, "id"), text(object, "address"))).collect();
    let mut references = Vec::new();
    for object in objects {
        let mut found = BTreeSet::new();
        ids(&object["attrs"], &mut found);
        let used = found.iter().filter_map(|id| addresses.get(id).cloned());
        references.extend(used.map(|used| (text(object, "address"), used)));
    }
    references.retain(|(user, used)| user != used);
    assert!(references.len() > 60, "objects refer to one another");
    references
}

#[test]
fn everything_goes_before_what_it_refers_to() {
    for spec in ["dev.toml", "prod.toml"] {
        let bench = unprotected();
        for parallelism in [1, 16] {
            apply(&bench, spec, 16);
            let references = live_references(&bench);
            let timeline = destroy(&bench, spec, parallelism);
            let late = references.iter().filter(|(user, used)| !timeline.follows(user, used));
            assert_eq!(late.collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "{spec} at {parallelism}");
            // AWS detaches no internet gateway while public addresses are mapped, though nothing refers to it.
            let gateway = "internet_gateway.main";
            for user in timeline.order.iter().filter(|address| {
                ["nat_gateway.", "elastic_ip.", "load_balancer."].iter().any(|kind| address.starts_with(kind))
            }) {
                assert!(timeline.follows(user, gateway), "{user} before {gateway}");
            }
            // A database that stays because its removal failed needs its password.
            assert!(timeline.follows("db_instance.payload", "ssm_parameter.payload/db-password"));
        }
    }
}

#[test]
fn one_at_a_time_is_destroyed_in_reverse() {
    for spec in ["dev.toml", "prod.toml"] {
        let bench = unprotected();
        let drawing = Drawing::of(&bench, spec);
        apply(&bench, spec, 16);
        let timeline = destroy(&bench, spec, 1);
        let mut lowest = usize::MAX;
        for address in &timeline.order {
            let stage = drawing.stage[address];
            // AWS deletes no target group that a service still uses.
            let waits_for_its_service = address.starts_with("target_group.");
            assert!(stage <= lowest || waits_for_its_service, "{address} comes late: {:#?}", timeline.order);
            lowest = lowest.min(stage);
        }
    }
}

#[test]
fn a_new_alias_leaves_the_records_of_the_other_names_alone() {
    let bench = unprotected();
    apply(&bench, "prod.toml", 16);
    bench.edit(
        "legocity.toml",
        "aliases = [\"admin.{dns.domain}\"]",
        "aliases = [\"admin.{dns.domain}\", \"cms.{dns.domain}\"]",
    );
    let plan = bench.done("plan prod.toml --cloud file:cloud.json --json").json();
    let changes = plan["changes"].as_array().expect("changes").iter();
    let text = |change: &Value, key: &str| change[key].as_str().expect("a text").to_owned();
    let changes: BTreeSet<String> =
        changes.map(|change| format!("{} {}", text(change, "action"), text(change, "address"))).collect();
    let expected = [
        "create dns_record.cms.legocity.example",
        "create dns_record.validation-cms.legocity.example",
        "replace certificate.main",
        "replace certificate_validation.main",
        "update listener.https",
    ];
    assert_eq!(changes, expected.map(str::to_owned).into());
    bench.done("apply prod.toml --cloud file:cloud.json --yes --time-scale 0");
    bench.done("plan prod.toml --cloud file:cloud.json --detailed-exitcode");
}
