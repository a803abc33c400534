//! What holds for every kind, by the examples that each brings: it comes, changes as it says, and goes, in a file and
//! over HTTP.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use baseplate::graph::Graph;
use baseplate::kinds::example::{BASE, Change, Example};
use baseplate::kinds::{self, AnyKind};
use baseplate::spec;
use serde_json::{Value, json};

use crate::account::Account;
use crate::cli::Bench;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;

/// Every example, with the kind that brings it.
pub fn examples() -> Vec<(&'static dyn AnyKind, &'static Example)> {
    kinds::all().iter().flat_map(|kind| kind.examples().iter().map(|example| (*kind, example))).collect()
}

/// Puts an example's spec in a folder, as `spec.toml`.
pub fn write(bench: &Bench, example: &Example) {
    bench.write("base.toml", BASE);
    bench.write("spec.toml", format!("extends = \"base.toml\"\n{}", example.spec));
}

fn sorted(changes: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    let mut changes: Vec<String> = changes.into_iter().map(|change| change.to_string()).collect();
    changes.sort_unstable();
    changes
}

/// Runs `check` for every example, a few side by side, and fails with all that it says.
pub fn for_each(check: impl Fn(&'static dyn AnyKind, &'static Example) -> Vec<String> + Sync) {
    let (examples, next, wrong) = (examples(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((kind, example)) = examples.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = check(*kind, example).into_iter().map(|one| format!("{}: {one}", kind.name()));
                    wrong.lock().expect("no panic").extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes the changes of an example one after the other. `plan` tells the changes of a plan, `apply` makes them.
fn changed(bench: &Bench, changes: &[Change], plan: &dyn Fn() -> Vec<String>, apply: &dyn Fn()) -> Vec<String> {
    let mut wrong = Vec::new();
    for Change { from, to, plan: due } in changes {
        bench.edit("spec.toml", from, to);
        let planned = sorted(plan());
        if planned != sorted(*due) {
            wrong.push(format!("{from} → {to}\n  planned {planned:#?}\n  due {due:#?}"));
        }
        apply();
        let left = plan();
        if !left.is_empty() {
            wrong.push(format!("{from} → {to}, left after an apply: {left:#?}"));
        }
    }
    wrong
}

#[test]
fn every_kind_comes_changes_and_goes_in_a_file() {
    for_each(|_, example| {
        let cloud = FileCloud::new();
        write(&cloud.bench, example);
        cloud.done("apply --yes spec.toml");
        cloud.assert_no_changes("spec.toml");
        let plan = || cloud.changes("spec.toml");
        let wrong = changed(&cloud.bench, example.changes, &plan, &|| {
            cloud.done("apply --yes spec.toml");
        });
        cloud.done("destroy --yes --shared spec.toml");
        assert!(cloud.objects().is_empty(), "{:#?}", cloud.objects());
        wrong
    });
}

#[test]
fn every_kind_comes_changes_and_goes_over_http() {
    over_http();
}

/// That, once for all tests, and the operations of AWS that it called.
pub fn over_http() -> &'static BTreeSet<String> {
    static CALLED: OnceLock<BTreeSet<String>> = OnceLock::new();
    CALLED.get_or_init(|| {
        let left = |moto: &Moto| moto.boto("answer = inventory('town', 'test')");
        let (zoned, called) = (Moto::start(), Mutex::new(BTreeSet::new()));
        zoned.boto(r#"client("route53").create_hosted_zone(Name="town.example", CallerReference="town")"#);
        for_each(|_, example| {
            let moto = zoned.fork();
            let account = Account::new(&moto);
            write(&account.bench, example);
            let applied = account.done("apply --yes --json spec.toml").json();
            assert_eq!(untold(&applied, &moto), BTreeSet::new(), "the judge sees nothing of these");
            account.assert_no_changes("spec.toml");
            let plan = || account.changes("spec.toml");
            let wrong = changed(&account.bench, example.changes, &plan, &|| {
                account.done("apply --yes spec.toml");
            });
            assert!(left(&moto)["vpc"].is_array(), "the judge sees what is there");
            account.done("destroy --yes --shared spec.toml");
            assert_eq!(left(&moto), json!({}), "nothing may be left");
            called.lock().expect("no panic").append(&mut moto.operations());
            wrong
        });
        called.into_inner().expect("no panic")
    })
}

/// The kinds of what an apply made of which `tests/python/inventory.py` sees no object: they need a file in
/// `tests/python/kinds`. A validated certificate is a state of the certificate.
fn untold(applied: &Value, moto: &Moto) -> BTreeSet<String> {
    let changes = applied["plan"]["changes"].as_array().expect("changes");
    let made = changes.iter().filter_map(|change| change["address"].as_str()?.split('.').next());
    let told = moto.everything();
    let is_told =
        |kind: &&str| *kind == "certificate_validation" || told.get(*kind).is_some_and(|all| !all.is_empty());
    made.filter(|kind| !is_told(kind)).map(str::to_owned).collect()
}

/// A tag that somebody adds shows as such, whatever it is added to, and is taken away.
#[test]
fn a_tag_added_by_hand_is_seen_on_every_kind() {
    for_each(|kind, example| {
        let cloud = FileCloud::new();
        write(&cloud.bench, example);
        cloud.done("apply --yes spec.toml");
        let mut tagged = Vec::new();
        cloud.bench.edit_json("cloud.json", |file| {
            for object in file["objects"].as_array_mut().expect("objects") {
                let address = object["address"].as_str().unwrap_or_default().to_owned();
                let Some(tags) = object["attrs"].get_mut("tags").and_then(Value::as_object_mut) else { continue };
                tags.insert("by".to_owned(), "hand".into());
                tagged.push(format!("update {address}: tags.by"));
            }
        });
        assert!(!tagged.is_empty(), "{}: something has tags", kind.name());
        let planned = sorted(cloud.changes("spec.toml"));
        let mut wrong = Vec::new();
        if planned != sorted(&tagged) {
            wrong.push(format!("planned {planned:#?}\n  due {tagged:#?}"));
        }
        cloud.done("apply --yes spec.toml");
        cloud.assert_no_changes("spec.toml");
        wrong
    });
}

/// For what reads Terraform's plans, each object is a resource of the provider's.
#[test]
fn every_kind_is_rendered_for_terraforms_readers() {
    for_each(|_, example| {
        let cloud = FileCloud::new();
        write(&cloud.bench, example);
        let plan = cloud.done("plan spec.toml --json").json();
        let rendered = cloud.done("plan spec.toml --format tfplan-json").json();
        let resources = rendered["resource_changes"].as_array().expect("resources");
        let is_made = |one: &&Value| one["change"]["actions"] == json!(["create"]);
        let made = resources.iter().filter(is_made).count();
        let wanted = plan["changes"].as_array().expect("changes").len();
        let foreign = resources.iter().filter(|one| !one["type"].as_str().unwrap_or_default().starts_with("aws_"));
        let mut wrong: Vec<String> = foreign.map(|one| format!("no resource of AWS's: {one}")).collect();
        if made < wanted {
            wrong.push(format!("{wanted} objects are {made} resources"));
        }
        wrong
    });
}

/// References name kinds and outputs by text where a kind's own type is out of reach.
#[test]
fn every_reference_leads_to_an_output() {
    let bench = Bench::new();
    let mut graphs = vec!["dev.toml", "prod.toml"].into_iter().map(|name| graph(&bench, name)).collect::<Vec<_>>();
    for (_, example) in examples() {
        write(&bench, example);
        graphs.push(graph(&bench, "spec.toml"));
    }
    let mut wrong = BTreeSet::new();
    for (address, outputs) in graphs.iter().flat_map(|graph| &graph.outputs) {
        let kind = kinds::find(address.kind()).unwrap_or_else(|| panic!("{address} is of no kind"));
        // A parameter's value is no output: a vault resolves it. A certificate has two for each of its names.
        let is_there = |output: &&String| match (address.kind(), output.as_str()) {
            (_, "id") | ("ssm_parameter", "value") => true,
            ("certificate", output) if output.starts_with("validation_") => true,
            (_, output) => kind.outputs().contains(&output),
        };
        wrong.extend(outputs.iter().filter(|output| !is_there(output)).map(|output| format!("{address} {output}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn graph(bench: &Bench, spec: &str) -> Graph {
    let spec = spec::load(&bench.path(spec), &kinds::catalog()).expect("a sound spec");
    Graph::of(&spec.env).expect("no cycle")
}

/// What an example cannot have: it must be there before.
const ELSEWHERE: [&str; 6] = [
    "network.vpc",
    "network.subnets.*.id",
    "load-balancer.certificate.arn",
    "load-balancers.*.certificate.arn",
    "dns.zone-id",
    "parameters.*.external",
];

#[test]
fn the_examples_set_every_field_and_want_every_kind() {
    let schema = Bench::new().done("schema").json();
    let (mut said, mut wanted) = (BTreeSet::new(), BTreeSet::new());
    for (_, example) in examples() {
        let bench = Bench::new();
        write(&bench, example);
        paths(&bench.done("show --json spec.toml").json(), &schema, &schema, "", &mut said);
        let graph = bench.done("graph --json spec.toml").json();
        let addresses = graph.as_array().expect("objects").iter().filter_map(|one| one["address"].as_str());
        wanted.extend(addresses.filter_map(|address| address.split('.').next()).map(str::to_owned));
    }
    let mut fields = BTreeSet::new();
    let sections = schema["properties"].as_object().expect("sections").iter();
    for (key, section) in sections.filter(|(_, section)| is_table(resolve(&schema, section))) {
        known(section, &schema, key, &mut fields);
    }
    let missing: Vec<&String> =
        fields.iter().filter(|path| !said.contains(*path) && !ELSEWHERE.contains(&path.as_str())).collect();
    assert!(missing.is_empty(), "no example sets these fields: {missing:#?}");
    let all: BTreeSet<String> = kinds::all().iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(wanted, all, "kinds that examples want on the left, all on the right");
}

/// What a schema stands for: the other end of a reference, the one of several that is a table.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(target) = schema["$ref"].as_str() {
        return resolve(root, root.pointer(target.trim_start_matches('#')).expect("a definition"));
    }
    match schema["anyOf"].as_array() {
        Some(choices) => {
            let choices = choices.iter().map(|choice| resolve(root, choice));
            choices.clone().find(|choice| is_table(choice)).or(choices.clone().next()).expect("a choice")
        }
        None => schema,
    }
}

fn is_table(schema: &Value) -> bool {
    schema["properties"].is_object() || schema["additionalProperties"].is_object()
}

/// The paths of all fields that the schema knows below `path`. `*` stands for any key.
fn known(schema: &Value, root: &Value, path: &str, fields: &mut BTreeSet<String>) {
    let schema = resolve(root, schema);
    let items = &schema["items"];
    if items.is_object() && is_table(resolve(root, items)) {
        return known(items, root, &format!("{path}.*"), fields);
    }
    if let Some(any) = schema.get("additionalProperties").filter(|any| any.is_object()) {
        return known(any, root, &format!("{path}.*"), fields);
    }
    match schema["properties"].as_object() {
        Some(properties) => {
            properties.iter().for_each(|(key, schema)| known(schema, root, &format!("{path}.{key}"), fields));
        }
        None => {
            fields.insert(path.to_owned());
        }
    }
}

/// The paths of all that a spec says, in the same form.
fn paths(value: &Value, schema: &Value, root: &Value, path: &str, said: &mut BTreeSet<String>) {
    let schema = resolve(root, schema);
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Array(items) if is_table(resolve(root, &schema["items"])) => {
            items.iter().for_each(|item| paths(item, &schema["items"], root, &below("*"), said));
        }
        // One table, or a list of such.
        Value::Array(items) if is_table(schema) => {
            items.iter().for_each(|item| paths(item, schema, root, path, said));
        }
        Value::Object(map) if is_table(schema) => {
            for (key, value) in map {
                match schema["properties"].get(key) {
                    Some(property) => paths(value, property, root, &below(key), said),
                    None => paths(value, &schema["additionalProperties"], root, &below("*"), said),
                }
            }
        }
        _ => {
            said.insert(path.to_owned());
        }
    }
}
