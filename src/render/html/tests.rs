use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::checks::traffic::{Edge, Line, Move, Node, Obstacle, Permit, Ports, Side, Sort, Traffic, TrafficChange};
use crate::plan::{FORMAT_VERSION, Plan};
use crate::render::{Accepted, Answer, Answered, Beside, Preflight};
use crate::spec::{Reported, Severity};
use crate::value::Address;

/// As an element, as the end of the elements that it may stand in, and as a line of its own.
const HOSTILE: &str = "</span></title></text></code>\"><img src='x' onerror=\"a()\"><!-- &lt;{{ title }} ##[error]\n::error::\u{202e}";

/// A plan that has everything, with this wherever a plan takes any text, and that in addresses, which are one line.
fn plan(text: &str, name: &str) -> Plan {
    let address = |kind: &str| format!("{kind}{name}.{name}");
    let field = |before: Value, after: Value| {
        let origin = "drift";
        json!({ "path": text, "before": before, "after": after, "forces_replacement": true, "origin": origin })
    };
    let many = json!({ text: [text, { text: text }] });
    let fields = json!([
        field(json!(text), json!(1)),
        field(json!(1), many.clone()),
        field(json!(text), json!("a\nb")),
        field(many.clone(), many.clone()),
        field(many.clone(), json!({ text: null })),
        field(many.clone(), Value::Null),
        field(Value::Null, json!({ text: text })),
        { "path": text, "before": null, "after": null, "secret": true, "known_after_apply": true },
    ]);
    let change = |kind: &str, action: &str, impact: &str, origin: &str| {
        json!({
            "address": address(kind), "stage": "database", "action": action, "reason": text, "impact": impact,
            "depends_on": [address("a"), address("b")], "seconds": 61, "guarded": true, "id": text,
            "origin": origin, "fields": fields,
        })
    };
    let plan = json!({
        "format_version": FORMAT_VERSION, "project": text, "environment": text, "account": text, "region": text,
        "destroy": false, "spec_digest": text, "live_digest": text, "unchanged": 0, "seconds": 0,
        "scheduled": [text], "kept": [address("k")], "notes": [text], "missing": [text, text],
        "left_to_aws": [{ "address": address("l"), "path": text, "value": many }],
        "changes": [
            change("a", "create", "none", "requested"),
            change("b", "update", "rolling", "drift"),
            change("c", "replace", "data_loss", "requested"),
            change("d", "delete", "replaced", "unmanaged"),
            change("e", "adopt", "reboot", "drift"),
        ],
    });
    serde_json::from_value(plan).expect("a plan")
}

/// The page of a plan with this in all that stands beside it.
fn html(plan: &Plan, text: &str) -> String {
    let warning = Reported {
        severity: Severity::Warning,
        code: Some("BP-NET-01"),
        message: text.to_owned(),
        help: text.to_owned(),
        file: Some(text.to_owned()),
        line: Some(1),
        column: Some(2),
    };
    let accepted = Accepted { warning: warning.clone(), why: text.to_owned(), until: None };
    let answer = Answer {
        code: "BP-PRE-02",
        category: "quota",
        address: text.to_owned(),
        verdict: Answered::Bad { evidence: text.to_owned(), cause: text.to_owned(), next: text.to_owned() },
        file: Some(text.to_owned()),
        line: Some(1),
        column: Some(2),
        accepted: None,
    };
    let preflight = Preflight { bad: 1, answers: vec![answer], ..Preflight::default() };
    let preflight = Some(preflight);
    let traffic = Some(traffic(text));
    super::html(
        plan,
        &Beside { warnings: vec![warning], accepted: vec![accepted], traffic, preflight, ..Beside::default() },
    )
}

/// Two that connect, and one outside, with this as their names.
fn traffic(text: &str) -> TrafficChange {
    let node = |id: String, sort| Node {
        id,
        sort,
        subnets: BTreeSet::from([text.to_owned()]),
        zones: BTreeSet::new(),
        public: true,
        other_groups: BTreeSet::from([text.to_owned()]),
    };
    let ids = ["web", "db", "outside"].map(|name| format!("{name}.{text}"));
    let edge = |from: usize, to: usize| Edge {
        from: ids[from].clone(),
        to: ids[to].clone(),
        // As long in every page: where lines end depends on it.
        ports: Ports { protocol: HOSTILE.to_owned(), from_port: 1, to_port: 1 },
        effective: false,
        blocked: BTreeSet::from([Obstacle::NoGateway]),
        rules: BTreeSet::from([Permit {
            address: Address::new("security_group_rules", text),
            side: Side::Ingress,
            ports: text.to_owned(),
            peer: text.to_owned(),
        }]),
        change: Some(Move::Opened),
        not_in_spec: false,
        by_hand: false,
    };
    let edges = vec![edge(0, 1), edge(2, 0), edge(0, 2), edge(1, 1), edge(1, 0)];
    let sorts = [Sort::Service, Sort::Database, Sort::Internet];
    let nodes = ids.iter().cloned().zip(sorts).map(|(id, sort)| node(id, sort)).collect();
    let line = Line { to_the_world: true, change: Some(Move::Opened), text: text.to_owned() };
    TrafficChange { lines: vec![line], traffic: Traffic { nodes, edges, outside_only: false } }
}

/// Everything between `<` and `>`.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag)).collect()
}

#[test]
fn nothing_from_outside_is_markup() {
    let name: String = HOSTILE.chars().filter(|c| c.is_ascii() && *c != '\n').collect();
    let (hostile, plain) = (html(&plan(HOSTILE, &name), HOSTILE), html(&plan("t\nu", "t"), "t\nu"));
    let lines = |page: &str| page.lines().count();
    assert_eq!(tags(&hostile), tags(&plain));
    assert_eq!(lines(&hostile), lines(&plain), "a line of the source is ours");
    // The empty page says some things in other words.
    let empty = |text| html(&Plan { changes: Vec::new(), ..plan(text, "t") }, text);
    assert_eq!(tags(&empty(HOSTILE)), tags(&empty("t\nu")));
    for page in [&hostile, &empty(HOSTILE)] {
        assert!(!page.contains("##[") && !page.contains('\u{202e}'), "{page}");
        assert!(page.contains("&lt;img src=&#39;x&#39; onerror=&quot;a()&quot;&gt;"), "{page}");
        assert!(page.contains("&lt;!-- &amp;lt;{{ title }} #\\u{23}[error]&#10;::error::\\u{202e}"), "{page}");
    }
}

/// What is not escaped is what is the same in every page.
#[test]
fn only_the_style_and_the_script_stand_as_they_are() {
    let templates = [
        include_str!("page.html"),
        include_str!("change.html"),
        include_str!("picture.svg"),
        include_str!("traffic.svg"),
    ];
    let raw: Vec<&str> = templates
        .iter()
        .flat_map(|template| template.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")))
        .filter(|(shown, _)| shown.contains("safe"))
        .map(|(shown, _)| shown.trim())
        .collect();
    assert_eq!(raw, ["STYLE|safe", "SCRIPT|safe", "STYLE|safe"]);
}
