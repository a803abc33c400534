//! `[[moved]]`: another key for an entry keeps everything that was made for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::account::{Account, changes};
use crate::assert_outcome;
use crate::cli::Bench;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;

/// An entry, its other key, and what the spec says otherwise for it.
type Move = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const MOVES: &[Move] = &[
    ("network.subnets.public-a", "network.subnets.outer-a", &[("public-a  =", "outer-a  =")]),
    ("network.subnets.private-b", "network.subnets.inner-b", &[("private-b =", "inner-b =")]),
    (
        "security-groups.web",
        "security-groups.app",
        &[
            ("[security-groups.web]", "[security-groups.app]"),
            ("to = \"web\"", "to = \"app\""),
            ("from = \"web\"", "from = \"app\""),
            ("security-groups = [\"web\"]", "security-groups = [\"app\"]"),
        ],
    ),
    (
        "databases.main",
        "databases.core",
        &[
            ("[databases.main]", "[databases.core]"),
            ("{databases.main.", "{databases.core."),
            ("main/db-password", "core/db-password"),
        ],
    ),
    (
        "registries.web",
        "registries.site",
        &[
            ("[registries.web]", "[registries.site]\nname = \"shop-web\""),
            ("{registries.web.", "{registries.site."),
        ],
    ),
    (
        "parameters.key",
        "parameters.session-key",
        &[("key = {", "session-key = {"), ("= \"key\"", "= \"session-key\"")],
    ),
    (
        "parameters.plain/x",
        "parameters.plain/y",
        &[("\"plain/x\" =", "\"plain/y\" ="), ("{parameters.plain/x}", "{parameters.plain/y}")],
    ),
    (
        "topics.alarms",
        "topics.alerts",
        &[("[topics.alarms]", "[topics.alerts]"), ("{topics.alarms.", "{topics.alerts.")],
    ),
    ("services.api", "services.back", &[("[services.api]", "[services.back]")]),
    ("services.web", "services.front", &[("[services.web]", "[services.front]")]),
    (
        "load-balancers.inner",
        "load-balancers.private",
        &[("[load-balancers.inner]", "[load-balancers.private]"), ("= \"inner\"", "= \"private\"")],
    ),
];

/// `moved.toml` and the same without `[[moved]]`, `after.toml`, of `spec.toml`.
fn write(bench: &Bench, moves: &[Move]) {
    let (mut text, mut moved) = (bench.read("spec.toml"), String::new());
    for (from, to, edits) in moves {
        for (old, new) in *edits {
            assert!(text.contains(old), "`{old}` is in the fixture");
            text = text.replace(old, new);
        }
        moved += &format!("\n[[moved]]\nfrom = \"{from}\"\nto = \"{to}\"\n");
    }
    bench.write("after.toml", &text);
    bench.write("moved.toml", text + &moved);
}

/// What is not as it should be in the plan of a move: every change is an update that says where the object was, or
/// follows from one.
fn wrong(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().expect("changes");
    let is_wrong = |change: &&Value| {
        let of_tags = |field: &Value| field["path"].as_str().is_some_and(|path| path.starts_with("tags."));
        let fields = change["fields"].as_array().expect("fields");
        change["action"] != "update"
            || change["moved_from"].is_null()
            || change["impact"] != "none"
            || !fields.iter().all(|field| of_tags(field) || field["path"] == "task_definition_digest")
    };
    changes.iter().filter(is_wrong).map(|change| format!("{}: {}", change["address"], change["fields"])).collect()
}

/// By id, without addresses: those of the same objects are the same.
fn ids(cloud: &FileCloud) -> BTreeSet<String> {
    let objects = cloud.bench.json("cloud.json")["objects"].clone();
    objects.as_array().expect("objects").iter().map(|object| object["id"].to_string()).collect()
}

#[test]
fn every_entry_moves_and_nothing_is_replaced() {
    for entry in MOVES {
        let (from, _, _) = entry;
        let cloud = FileCloud::with_fixture("moved.toml");
        write(&cloud.bench, std::slice::from_ref(entry));
        cloud.done("apply --yes spec.toml");
        let before = ids(&cloud);
        let plan = cloud.done("plan --json moved.toml").json();
        assert_eq!(wrong(&plan), [""; 0], "{from}");
        let first = &plan["changes"][0];
        assert_eq!(first["reason"], format!("moved from {from}"), "{first:#}");
        cloud.bench.done("rehearse --capture cloud.json moved.toml");
        cloud.done("apply --yes moved.toml");
        assert_eq!(ids(&cloud), before, "{from}: the same objects");
        for spec in ["moved.toml", "after.toml"] {
            cloud.assert_no_changes(spec);
            assert_eq!(cloud.run(&format!("drift {spec}")).code, 0, "{from}: {spec}");
        }
        cloud.done("destroy --yes --shared after.toml");
        assert!(cloud.objects().is_empty(), "{from}: {:#?}", cloud.objects());
    }
}

/// All at once, there and back again: the last key is the first, and no name is kept any more.
#[test]
fn what_moved_moves_back() {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench, MOVES);
    cloud.done("apply --yes spec.toml");
    let before = cloud.bench.json("cloud.json")["objects"].clone();
    cloud.done("apply --yes moved.toml");
    let back: String =
        MOVES.iter().map(|(from, to, _)| format!("\n[[moved]]\nfrom = \"{to}\"\nto = \"{from}\"\n")).collect();
    let named = cloud.bench.read("spec.toml").replace("[registries.web]", "[registries.web]\nname = \"shop-web\"");
    cloud.bench.write("back.toml", named + &back);
    let plan = cloud.done("plan --json back.toml").json();
    assert_eq!(wrong(&plan), [""; 0]);
    cloud.done("apply --yes back.toml");
    cloud.assert_no_changes("spec.toml");
    let tags = |objects: &Value| -> BTreeMap<String, Value> {
        let objects = objects.as_array().expect("objects").iter();
        objects.map(|object| (object["id"].to_string(), object["attrs"]["tags"].clone())).collect()
    };
    assert_eq!(tags(&cloud.bench.json("cloud.json")["objects"]), tags(&before));
}

#[test]
fn every_entry_moves_over_http() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "moved.toml");
    write(&account.bench, MOVES);
    account.done("apply --yes spec.toml");
    let password = "answer = client('ssm').get_parameter(Name='/shop/dev/main/db-password', WithDecryption=True)\
                    ['Parameter']['Value']";
    let (there, before) = (moto.everything(), moto.boto(password));
    let plan = account.done("plan --json moved.toml").json();
    assert_eq!(wrong(&plan), [""; 0]);
    account.done("apply --yes moved.toml");
    assert_eq!(moto.boto(password), before, "nobody loses a password");
    let instance =
        "answer = [one['DBInstanceIdentifier'] for one in client('rds').describe_db_instances()['DBInstances']]";
    assert_eq!(moto.boto(instance), json!(["shop-dev-main"]));
    let count = |all: &BTreeMap<String, Vec<String>>| all.values().map(Vec::len).sum::<usize>();
    assert_eq!(count(&moto.everything()), count(&there), "{:#?}", moto.everything());
    for spec in ["moved.toml", "after.toml"] {
        account.assert_no_changes(spec);
        assert_eq!(account.run(&format!("drift {spec}")).code, 0, "{spec}");
    }
    account.done("destroy --yes --shared after.toml");
    assert_eq!(moto.boto("answer = inventory('shop', 'dev')"), json!({}), "nothing may be left");
}

#[test]
fn a_move_is_told_in_every_format() {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench, &MOVES[2..4]);
    cloud.done("apply --yes spec.toml");
    assert_outcome!("moved", cloud.done("plan moved.toml"));
    let markdown = cloud.done("plan moved.toml --format markdown");
    assert!(markdown.stdout.contains("no interruption · moved from db_instance.main"), "{markdown}");
    let html = cloud.done("plan moved.toml --format html");
    assert!(html.stdout.contains("moved from databases.main"), "{html}");
    let terraform = cloud.done("plan moved.toml --format tfplan-json").json();
    let resources = terraform["resource_changes"].as_array().expect("changes");
    let core = resources.iter().find(|one| one["address"] == "aws_db_instance.core").expect("the database");
    assert_eq!(core["previous_address"], "aws_db_instance.main", "{core:#}");
    cloud.done("plan moved.toml --out moved.plan");
    cloud.done("apply moved.plan");
    cloud.assert_no_changes("after.toml");
}

#[test]
fn what_is_wrong_with_a_move_is_said_at_its_place() {
    let bench = Bench::with_fixture("moved.toml");
    let moves = [
        ("databases.old", "databases.new"),
        ("databases.main", "databases.main"),
        ("services.a", "services.web"),
        ("services.b", "services.web"),
        ("services.a", "services.api"),
        ("topics.one", "topics.two"),
        ("topics.two", "topics.alarms"),
        ("database.a", "databases.main"),
        ("cluster", "services.web"),
        ("network.public-c", "network.subnets.public-a"),
        ("parameters.x", "topics.alarms"),
        ("registries.old", "registries.web"),
    ];
    let moved = moves.map(|(from, to)| format!("\n[[moved]]\nfrom = \"{from}\"\nto = \"{to}\"\n")).concat();
    bench.write("spec.toml", bench.read("spec.toml") + &moved);
    assert_outcome!("moved-wrong", bench.run("check spec.toml"));
}

#[test]
fn a_move_of_nothing_is_silent() {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench, MOVES);
    cloud.done("apply --yes moved.toml");
    cloud.assert_no_changes("after.toml");
    assert!(!cloud.bench.read("cloud.json").contains("baseplate:moved-from"), "it is named after its own key");
}

#[test]
fn two_live_objects_do_not_become_one() {
    let cloud = FileCloud::with_fixture("moved.toml");
    let both = cloud.bench.read("spec.toml") + "\n[topics.alerts]\n";
    cloud.bench.write("spec.toml", &both);
    cloud.done("apply --yes spec.toml");
    write(
        &cloud.bench,
        &[("topics.alarms", "topics.alerts", &[("[topics.alarms]\n", ""), ("{topics.alarms.", "{topics.alerts.")])],
    );
    let outcome = cloud.run("plan moved.toml");
    assert_outcome!("moved-onto", outcome);
}

#[test]
fn a_new_entry_cannot_have_the_name_that_another_keeps() {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench, &MOVES[7..8]);
    cloud.done("apply --yes spec.toml");
    cloud.done("apply --yes moved.toml");
    cloud.bench.write("after.toml", cloud.bench.read("after.toml") + "\n[topics.alarms]\n");
    let outcome = cloud.run("plan after.toml");
    assert!(outcome.code != 0 && outcome.stderr.contains("which that keeps from the key that it had"), "{outcome}");
}

/// What was asked for of the object by its earlier address is known by the new one: what was changed by hand is drift.
#[test]
fn a_move_hides_no_drift() {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench, &MOVES[3..4]);
    cloud.done("apply --yes spec.toml");
    cloud.touch("db_instance.main", |object| object["attrs"]["class"] = json!("db.t4g.large"));
    let outcome = cloud.run("drift moved.toml --json");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_eq!(changes(&outcome.json()["drift"][0]), ["update db_instance.core: class"], "{outcome}");
}

#[test]
fn a_move_that_failed_half_way_goes_on() {
    let cloud = FileCloud::with_fixture("moved.toml");
    write(&cloud.bench, MOVES);
    cloud.done("apply --yes spec.toml");
    let before = ids(&cloud);
    let outcome = cloud.run("apply --yes moved.toml --fail-at db_subnet_group.core");
    assert_eq!(outcome.code, 1, "{outcome}");
    let plan = cloud.done("plan --json moved.toml").json();
    assert_eq!(wrong(&plan), [""; 0]);
    cloud.done("apply --yes moved.toml");
    cloud.assert_no_changes("after.toml");
    assert_eq!(ids(&cloud), before, "the same objects");
}
