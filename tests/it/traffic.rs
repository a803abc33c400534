//! Who may reach whom: as drawings, of the spec and of what is live, and what plans change in it.

use serde_json::{Value, json};

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::{Bench, settings};
use crate::file_cloud::FileCloud;
use crate::renderings::DATABASE;
use crate::round_trip::city_with;

#[test]
fn the_shipped_environments_are_drawn() {
    let bench = Bench::new();
    for environment in ["dev", "prod"] {
        for format in ["text", "mermaid", "dot", "svg"] {
            let outcome = bench.done(&format!("graph {environment}.toml --view traffic --format {format}"));
            let name = format!("traffic-{environment}-{format}");
            settings().bind(|| insta::assert_snapshot!(name, outcome.stdout));
        }
    }
    let traffic = bench.done("graph prod.toml --view traffic --json").json();
    let edge = edge(&traffic, "ecs_service.payload", "db_instance.payload");
    let rules = json!([
        { "address": "security_group_rules.payload", "side": "egress", "ports": "5432", "peer": "security_group.rds" },
        { "address": "security_group_rules.rds", "side": "ingress", "ports": "5432", "peer": "security_group.payload" },
    ]);
    let expected = json!({
        "from": "ecs_service.payload", "to": "db_instance.payload", "protocol": "tcp", "from_port": 5432,
        "to_port": 5432, "effective": true, "rules": rules,
    });
    assert_eq!(edge, expected);
}

fn edge(traffic: &Value, from: &str, to: &str) -> Value {
    let edges = traffic["edges"].as_array().expect("edges").iter();
    let found: Vec<&Value> = edges.filter(|edge| edge["from"] == from && edge["to"] == to).collect();
    assert_eq!(found.len(), 1, "{from} to {to} in {traffic:#}");
    found[0].clone()
}

/// A rule that lets the whole internet in on this port.
fn open(port: u16) -> Value {
    json!({ "protocol": "tcp", "from_port": port, "to_port": port, "cidr": "0.0.0.0/0", "description": "" })
}

/// The small fixture with a database, applied.
fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    let spec = cloud.bench.read("spec.toml");
    let reaches = "egress = [{ ports = \"443\", to = \"0.0.0.0/0\" }, { ports = \"5432\", to = \"db\" }]";
    let spec = spec.replace("egress = [{ ports = \"443\", to = \"0.0.0.0/0\" }]", reaches);
    cloud.bench.write("spec.toml", spec + DATABASE);
    cloud.done("apply --yes spec.toml");
    cloud
}

fn open_by_hand(cloud: &FileCloud, group: &str, port: u16) {
    cloud.touch(&format!("security_group_rules.{group}"), |object| {
        object["attrs"]["ingress"].as_array_mut().expect("rules").push(open(port));
    });
}

#[test]
fn what_is_live_shows_what_was_made_by_hand() {
    let cloud = town();
    let live = |options: &str| cloud.done(&format!("graph spec.toml --view traffic --live {options}"));
    let traffic = live("--json").json();
    assert!(
        !traffic.to_string().contains("by_hand") && !traffic.to_string().contains("not_in_spec"),
        "{traffic:#}"
    );
    open_by_hand(&cloud, "app", 22);
    open_by_hand(&cloud, "db", 5432);
    assert_outcome!("traffic-live", live(""));
    let traffic = live("--json").json();
    let by_hand = edge(&traffic, "0.0.0.0/0", "ecs_service.web");
    assert_eq!((&by_hand["by_hand"], &by_hand["effective"]), (&json!(true), &json!(true)), "{by_hand}");
    let stopped = edge(&traffic, "0.0.0.0/0", "db_instance.main");
    assert_eq!((&stopped["by_hand"], &stopped["effective"]), (&json!(true), &json!(false)), "{stopped}");
    assert_eq!(stopped["blocked"], json!(["no_public_address"]));
    let svg = live("--format svg").stdout;
    assert!(svg.contains("class=\"link by-hand") && svg.contains(">22 [by hand]</text>"), "{svg}");
    assert!(live("--format mermaid").stdout.contains("stroke:#cf222e"));
    // What the spec merely had until now was nobody's doing by hand.
    cloud.bench.edit("spec.toml", "{ ports = \"5432\", from = \"app\" }", "");
    let traffic = live("--json").json();
    let left = edge(&traffic, "ecs_service.web", "db_instance.main");
    assert_eq!((&left["not_in_spec"], left.get("by_hand")), (&json!(true), None), "{left}");
}

#[test]
fn a_plan_tells_what_it_opens_and_closes() {
    let cloud = town();
    let plan = |options: &str| cloud.done(&format!("plan spec.toml {options}"));
    cloud.bench.edit("spec.toml", "memory = 512", "memory = 1024");
    let traffic =
        |text: &str| text.contains("\nTraffic\n") || text.contains("#### Traffic") || text.contains("<h2>Traffic");
    for format in ["text", "markdown", "html"] {
        let told = plan(&format!("--format {format}"));
        assert!(!traffic(&told.stdout), "nothing changes in it: {told}");
    }
    assert!(plan("--json").json().get("traffic").is_none());

    let more = "{ ports = \"5432\", from = \"app\" }, { ports = \"5432\", from = \"0.0.0.0/0\" }";
    cloud.bench.edit("spec.toml", "{ ports = \"5432\", from = \"app\" }", more);
    cloud.bench.edit("spec.toml", "{ ports = \"8080\", from = \"edge\" }", "{ ports = \"9090\", from = \"edge\" }");
    let hash = plan("").stdout.lines().last().expect("a hash").to_owned();
    assert_outcome!("traffic-plan", plan(""));
    settings().bind(|| insta::assert_snapshot!("traffic-plan-markdown", plan("--format markdown").stdout));
    let page = plan("--format html").stdout;
    let (_, drawing) = page.split_once("<svg class=\"traffic\"").expect("the drawing");
    let (drawing, _) = drawing.split_once("</svg>").expect("its end");
    settings().bind(|| insta::assert_snapshot!("traffic-plan-svg", drawing));
    let json = plan("--json").json();
    let lines = json["traffic"]["lines"].as_array().expect("lines");
    assert_eq!(lines[0]["to_the_world"], true, "{lines:#?}");
    let opened = edge(&json["traffic"], "0.0.0.0/0", "db_instance.main");
    assert_eq!(opened["change"], "opened", "{opened}");
    // It stands beside the plan, outside of its hash.
    assert!(hash.starts_with("Hash: "), "{hash}");
    let schema = jsonschema(&cloud);
    assert!(schema["properties"]["traffic"].is_object() && schema["$defs"]["Edge"].is_object(), "{schema:#}");
    // A destroy leaves nobody to reach.
    assert!(!plan("--destroy --allow-destroy *").stdout.contains("Traffic"));
}

fn jsonschema(cloud: &FileCloud) -> Value {
    cloud.bench.done("schema plan").json()
}

#[test]
fn a_part_of_a_plan_tells_of_that_part() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.write("spec.toml", cloud.bench.read("spec.toml") + DATABASE);
    let lines = |options: &str| {
        let plan = cloud.done(&format!("plan spec.toml --json {options}")).json();
        let lines = plan["traffic"]["lines"].as_array().cloned().unwrap_or_default();
        lines.iter().map(|line| line["text"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines("--stages 1"), [""; 0], "rules alone reach nobody");
    let expected = [
        "opens 80 of load_balancer.main to 0.0.0.0/0",
        "2 connections of new objects to others and outwards, none of them from outside",
    ];
    assert_eq!(lines(""), expected);
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "ingress = [{ ports = \"8080\", from = \"edge\" }]", "ingress = []");
    let closes = ["closes 8080 of ecs_service.web from load_balancer.main"];
    assert_eq!(lines("--stages 1"), closes);
    assert_eq!(lines("--stages 3"), [""; 0], "what is left stays as it is");
    // A rule goes once the services have moved: in a later stage.
    cloud.bench.edit("spec.toml", "memory = 512", "memory = 1024");
    assert_eq!(lines(""), closes);
    assert_eq!(lines("--stages 1"), [""; 0]);
}

#[test]
fn what_is_live_is_read_over_http() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    let live = || account.done("graph dev.toml --view traffic --live --json").json();
    // As the spec says, to the last rule.
    let spec = account.done("graph dev.toml --view traffic --json").json();
    assert_eq!(live(), spec);
    moto.boto(
        "ec2 = client('ec2')\n\
         groups = ec2.describe_security_groups()['SecurityGroups']\n\
         group = next(it['GroupId'] for it in groups if it['GroupName'] == 'legocity-dev-rds')\n\
         ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 5432,\n\
         \x20   'ToPort': 5432, 'IpRanges': [{'CidrIp': '0.0.0.0/0'}]}])",
    );
    let by_hand = edge(&live(), "0.0.0.0/0", "db_instance.payload");
    assert_eq!((&by_hand["by_hand"], &by_hand["not_in_spec"]), (&json!(true), &json!(true)), "{by_hand}");
    let plan = account.done("plan dev.toml");
    assert!(plan.stdout.contains("\nTraffic\n  - closes 5432 of db_instance.payload from 0.0.0.0/0\n"), "{plan}");
}

#[test]
fn what_has_no_effect_on_a_graph() {
    let bench = Bench::with_fixture("small.toml");
    for (arguments, message) in [
        ("graph spec.toml --live", "--live is for --view traffic"),
        ("graph spec.toml --format svg", "--format svg is for --view traffic"),
        ("graph spec.toml --format text", "--format text is for --view traffic"),
        ("graph spec.toml --view traffic --profile dev", "--profile has no effect with graph"),
        ("graph spec.toml --view traffic --json --format svg", "--json and --format conflict"),
        (
            "graph spec.toml --view traffic --live --cloud file:c.json --fail-at vpc.main",
            "--fail-at is for changes",
        ),
    ] {
        let outcome = bench.run(arguments);
        assert_eq!(outcome.code, 64, "{arguments}: {outcome}");
        assert!(outcome.stderr.contains(message), "{arguments}: {outcome}");
    }
}
