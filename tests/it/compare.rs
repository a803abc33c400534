//! Two environments against one another: what differs once names are away, and what of it the specs explain.

use serde_json::{Value, json};

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::{Bench, Outcome};
use crate::file_cloud::FileCloud;

/// Takes the reason away for which production's database is in two zones.
fn forget_why_two_zones(bench: &Bench) {
    let entry =
        "[[differs]]\npath = \"db_instance.payload.multi_az\"\nwhy = \"prod survives the loss of a zone\"\n";
    bench.edit("prod.toml", entry, "");
}

/// Changes in production that nobody explains, and in development what an entry was about.
fn drifting_apart() -> Bench {
    let bench = Bench::new();
    forget_why_two_zones(&bench);
    bench.edit("prod.toml", "retention = 14\n", "retention = 1\n");
    bench.edit(
        "prod.toml",
        "[services.payload]\n",
        "[services.payload]\nhealth-check = { path = \"/health|`x`\" }\nenvironment = { NODE_ENV = \"production\", DEBUG = \"*\" }\n",
    );
    bench.edit(
        "dev.toml",
        "[databases.payload]\n",
        "[parameters]\n\"payload/trace\" = { generate = { length = 20 } }\n\"payload/secret\" = { generate = { length = 32 } }\n\n[databases.payload]\n",
    );
    bench
}

#[test]
fn the_shipped_environments_differ_only_as_they_say() {
    let bench = Bench::new();
    assert_outcome!("compare-explained", bench.run("compare dev.toml prod.toml --detailed-exitcode"));
    assert_outcome!("compare-explained-all", bench.run("compare dev.toml prod.toml --all"));
    assert_eq!(bench.run("compare prod.toml dev.toml --detailed-exitcode").code, 0, "also the other way round");
}

#[test]
fn what_nobody_explains_stands_out() {
    let bench = drifting_apart();
    assert_outcome!("compare-unexplained", bench.run("compare dev.toml prod.toml --detailed-exitcode"));
    assert_outcome!("compare-markdown", bench.run("compare dev.toml prod.toml --format markdown"));
}

#[test]
fn the_json_says_the_same() {
    let bench = drifting_apart();
    let outcome = bench.run("compare dev.toml prod.toml --detailed-exitcode --json");
    assert_eq!(outcome.code, 2, "{outcome}");
    let comparison = outcome.json();
    assert_eq!(comparison["format_version"], 1);
    assert_eq!(comparison["live"], false);
    assert_eq!(
        (&comparison["one"]["environment"], &comparison["other"]["environment"]),
        (&json!("dev"), &json!("prod"))
    );
    let objects = comparison["unexplained"].as_array().expect("a list");
    let at = |address: &str| objects.iter().find(|object| object["address"] == address).unwrap_or(&Value::Null);
    let field = json!([{ "path": "multi_az", "before": false, "after": true }]);
    assert_eq!(at("db_instance.payload")["fields"], field);
    assert_eq!(at("ssm_parameter.payload/trace")["only_in"], "one");
    assert_eq!(at("ssm_parameter.payload/secret")["fields"][0]["secret"], true);
    assert_eq!(comparison["stale"][0]["path"], "db_instance.payload.backup_retention");
}

/// Every derived name holds project and environment, and the long ones are cut and hashed.
#[test]
fn an_environment_under_another_name_is_the_same() {
    let bench = Bench::with_fixture("small.toml");
    bench.edit("spec.toml", "[services.web]", "[services.a-service-with-a-long-name]");
    bench.edit(
        "spec.toml",
        "Hello from {project}",
        "/town/test/key of town-test in 123456789012, {account} {region}",
    );
    let renamed = [
        ("\"town\"\nenvironment", "\"metropolis-of-the-north\"\nenvironment"),
        ("\"test\"", "\"staging\""),
        ("\"123456789012\"", "\"210987654321\""),
        ("/town/test/", "/metropolis-of-the-north/staging/"),
        ("town-test", "metropolis-of-the-north-staging"),
        ("in 123456789012", "in 210987654321"),
    ];
    let other = renamed.iter().fold(bench.read("spec.toml"), |text, (from, to)| text.replacen(from, to, 1));
    bench.write("other.toml", other);
    let outcome = bench.done("compare spec.toml other.toml --detailed-exitcode");
    assert_outcome!("compare-renamed", outcome);
}

/// What a spec does not own up to is not hidden by an entry that is about something else.
#[test]
fn an_entry_is_about_what_it_names_only() {
    let bench = Bench::with_fixture("small.toml");
    let entries = "\n[[differs]]\npath = \"*.web.cpu\"\nwhy = \"more load\"\n";
    let other = bench.read("spec.toml").replace("cpu = 256\nmemory = 512", "cpu = 512\nmemory = 1024");
    bench.write("other.toml", other + entries);
    let outcome = bench.run("compare spec.toml other.toml --all --detailed-exitcode");
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stdout.contains("512 → 1024"), "{outcome}");
    assert_outcome!("compare-entry", outcome);
    bench.edit("other.toml", "\"*.web.cpu\"", "\"task_definition.web\"");
    assert_eq!(bench.run("compare spec.toml other.toml --detailed-exitcode").code, 0);
}

#[test]
fn live_ones_are_compared_as_they_are() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes dev.toml");
    cloud.done("apply --yes prod.toml");
    let outcome = cloud.run("compare --live dev.toml prod.toml --detailed-exitcode");
    assert_outcome!("compare-live", outcome);

    cloud.bench.edit_json("cloud.json", |file| {
        let objects = file["objects"].as_array_mut().expect("objects");
        let in_prod = |object: &&mut Value| object["environment"] == "prod";
        for object in objects.iter_mut().filter(in_prod) {
            match object["address"].as_str().expect("an address") {
                "vpc.main" => object["attrs"]["tags"]["by"] = json!("hand on legocity-prod"),
                "db_instance.payload" => object["attrs"]["version"] = json!("16.4"),
                _ => {}
            }
        }
        objects.retain(|object| object["environment"] != "prod" || object["address"] != "listener_rule.proxy");
    });
    let outcome = cloud.run("compare --live dev.toml prod.toml --detailed-exitcode");
    assert_outcome!("compare-live-drift", outcome);
    let outcome = cloud.bench.run("compare dev.toml prod.toml --detailed-exitcode");
    assert_eq!(outcome.code, 0, "the specs are as they were\n{outcome}");
}

#[test]
fn captured_ones_are_compared_like_live_ones() {
    let moto = crate::round_trip::city();
    let account = Account::new(&moto);
    for environment in ["dev", "prod"] {
        account.done(&format!("apply --yes {environment}.toml"));
        account.done(&format!("observe {environment}.toml --out {environment}.json"));
    }
    let unexplained = |outcome: &Outcome| {
        let unexplained = outcome.json()["unexplained"].clone();
        let lines = unexplained.as_array().expect("a list").iter().map(|object| {
            let fields = object["fields"].as_array().expect("fields").iter();
            let paths: Vec<&str> = fields.filter_map(|field| field["path"].as_str()).collect();
            format!("{}: {}", object["address"].as_str().expect("an address"), paths.join(", "))
        });
        lines.collect::<Vec<_>>()
    };
    let live = account.run("compare --live dev.toml prod.toml --json");
    assert_eq!(unexplained(&live), [""; 0], "{live}");
    let captured = "compare --live dev.toml prod.toml --json --cloud file:dev.json --other-cloud file:prod.json";
    let captured = account.bench.run(captured);
    assert_eq!(unexplained(&captured), [""; 0], "{captured}");
}

#[test]
fn the_other_cloud_is_for_live_ones() {
    let bench = Bench::new();
    assert_eq!(bench.run("compare dev.toml prod.toml --other-cloud file:x.json").code, 64);
    assert_eq!(bench.run("compare dev.toml").code, 64);
}
