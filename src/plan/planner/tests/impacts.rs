//! What changes mean to those who use what changes: nothing that AWS interrupts is called harmless, and nothing that it
//! does not is called an outage.

use serde_json::json;

use super::Town;
use super::actions::{DATABASE, change};
use crate::kinds::Impact;
use crate::plan::{Action, Plan};

fn impact(plan: &Plan, at: &str) -> Impact {
    change(plan, at).impact
}

/// Each of these, and no other change of the plan that is worse than a deployment.
fn assert_outages(plan: &Plan, expected: &[&str]) {
    let mut out: Vec<String> = plan
        .changes
        .iter()
        .filter(|change| matches!(change.impact, Impact::Outage | Impact::Failover))
        .map(|change| format!("{} {}: {}", change.action.verb(), change.address, change.impact))
        .collect();
    out.sort();
    assert_eq!(out, expected);
}

impl Town {
    /// Takes these lines out of the spec: from the one that begins so to the one before the other.
    fn cut(&mut self, from: &str, to: &str) {
        let start = self.text.find(from).unwrap_or_else(|| panic!("`{from}` is in the spec"));
        let length = self.text[start..].find(to).unwrap_or(self.text.len() - start);
        let text = format!("{}{}", &self.text[..start], &self.text[start + length..]);
        self.become_spec(text);
    }

    /// With a NAT gateway, and the service in private subnets.
    fn behind_nat() -> Self {
        let mut town = Self::new();
        town.edit("[network]\n", "[network]\nnat = \"single\"\n");
        town.edit(
            "[security-groups.edge]",
            "private-a = { tier = \"private\", zone = \"eu-central-1a\", cidr = \"10.40.128.0/20\" }\n\
             private-b = { tier = \"private\", zone = \"eu-central-1b\", cidr = \"10.40.144.0/20\" }\n\n\
             [security-groups.edge]",
        );
        town.edit("subnets = [\"public-a\", \"public-b\"]\npublic-ip = true\n", "");
        town.build();
        town
    }
}

#[test]
fn a_service_that_is_routed_is_missed() {
    let mut town = Town::new();
    town.cut("[services.web]", "[load-balancer]");
    let plan = town.plan();
    let outages =
        ["delete ecs_service.web: outage", "delete target_group.web: outage", "update listener.http: outage"];
    assert_outages(&plan, &outages);
    for harmless in ["task_definition.web", "iam_role.web-task", "iam_role.web-execution", "ecs_cluster.main"] {
        assert_eq!((change(&plan, harmless).action, impact(&plan, harmless)), (Action::Delete, Impact::None));
    }
}

#[test]
fn a_service_that_nobody_calls_is_not_missed() {
    let mut town = Town::new();
    town.edit("route = { default = true }\n", "");
    town.build();
    town.cut("[services.web]", "[load-balancer]");
    assert_outages(&town.plan(), &[]);

    let mut town = Town::with("[cluster]\nprivate-domain = \"town.internal\"\n");
    town.edit("route = { default = true }\n", "dns-name = \"web\"\n");
    town.build();
    town.cut("[services.web]", "[load-balancer]");
    assert_outages(&town.plan(), &["delete discovery_service.web: outage", "delete ecs_service.web: outage"]);

    let mut town = Town::new();
    town.edit("wave = 1\n", "wave = 1\ncount = 0\n");
    town.build();
    town.cut("[services.web]", "[load-balancer]");
    assert_ne!(impact(&town.plan(), "ecs_service.web"), Impact::Outage, "nothing runs");
}

#[test]
fn a_service_without_tasks_is_out() {
    let mut town = Town::new();
    town.edit("wave = 1\n", "wave = 1\ncount = 0\n");
    assert_outages(&town.plan(), &["update ecs_service.web: outage"]);
}

/// ECS stops the old task before the new one runs.
#[test]
fn a_rollout_that_keeps_nothing_running_is_an_outage() {
    for (keeps, count, expected) in [(0, 2, Impact::Outage), (50, 1, Impact::Rolling), (100, 1, Impact::Rolling)] {
        let mut town = Town::new();
        let deployment = format!("deployment = {{ minimum-healthy-percent = {keeps}, maximum-percent = 200 }}");
        town.edit("wave = 1\n", &format!("wave = 1\ncount = {count}\n{deployment}\n"));
        town.build();
        town.edit("{registries.web.url}:1", "{registries.web.url}:2");
        assert_eq!(impact(&town.plan(), "ecs_service.web"), expected, "{keeps} % of {count}");
    }
}

#[test]
fn a_name_that_people_ask_for_is_missed() {
    let mut town = Town::with(
        "certificate = { request = true }\n\n[dns]\ndomain = \"town.example\"\nzone = \"town.example\"\n",
    );
    town.cut("certificate = {", "nothing");
    assert_outages(&town.plan(), &["delete dns_record.town.example: outage", "delete listener.https: outage"]);
    assert_eq!(impact(&town.plan(), "dns_record.validation-town.example"), Impact::None, "ACM alone asks for it");
    let notes = town.plan().notes;
    assert!(notes.iter().any(|note| note.contains("no longer redirected to HTTPS")), "{notes:?}");
}

#[test]
fn a_listener_that_gets_another_certificate_serves_on() {
    let mut town = Town::with(
        "certificate = { request = true }\n\n[dns]\ndomain = \"town.example\"\nzone = \"town.example\"\n",
    );
    town.edit(
        "certificate = { request = true }",
        "certificate = { arn = \"arn:aws:acm:eu-central-1:123456789012:certificate/12345678\" }",
    );
    let plan = town.plan();
    assert_outages(&plan, &[]);
    assert_eq!(change(&plan, "certificate.main").action, Action::Delete);
}

/// ACM has one record for a domain and an account, whichever certificate it was asked for.
#[test]
fn the_record_that_proves_a_domain_outlives_the_address_of_its_certificate() {
    let mut town = Town::with(
        "certificate = { request = true }\n\n[dns]\ndomain = \"town.example\"\nzone = \"town.example\"\n",
    );
    town.edit("[load-balancer]", "[load-balancers.main]");
    town.build();
    town.edit("[load-balancers.main]", "[load-balancers.edge]");
    let plan = town.plan();
    assert_eq!(change(&plan, "certificate.edge").action, Action::Create);
    let records = plan.changes.iter().filter(|change| change.address.kind() == "dns_record");
    let records: Vec<String> =
        records.map(|change| format!("{} {}", change.action.verb(), change.address)).collect();
    assert_eq!(records, ["update dns_record.town.example"]);
}

#[test]
fn a_load_balancer_that_listens_is_missed() {
    let mut town = Town::new();
    town.edit("route = { default = true }\n", "route = { paths = [\"/web\"], priority = 7 }\n");
    town.build();
    town.edit("route = { paths = [\"/web\"], priority = 7 }\n", "");
    town.edit("[load-balancer]\nsecurity-groups = [\"edge\"]\n", "");
    let plan = town.plan();
    for gone in ["load_balancer.main", "listener.http", "listener_rule.web", "target_group.web"] {
        assert_eq!((change(&plan, gone).action, impact(&plan, gone)), (Action::Delete, Impact::Outage), "{gone}");
    }
}

#[test]
fn what_goes_out_by_a_nat_gateway_is_cut_off_without_it() {
    let mut town = Town::behind_nat();
    town.edit("nat = \"single\"", "nat = \"none\"");
    assert_outages(&town.plan(), &["delete nat_gateway.public-a: outage", "update route_table.private: outage"]);
    assert_eq!(impact(&town.plan(), "elastic_ip.nat-public-a"), Impact::None);
}

/// The gateway keeps its address, which the old one holds until it is gone.
/// Only open connections break: each table is led to the gateway that stays before the others go.
#[test]
fn who_gets_another_nat_gateway_is_not_cut_off() {
    let mut town = Town::behind_nat();
    town.edit("nat = \"single\"", "nat = \"per-zone\"");
    town.build();
    town.edit("nat = \"per-zone\"", "nat = \"single\"");
    let plan = town.plan();
    assert_eq!(impact(&plan, "nat_gateway.public-b"), Impact::None);
    assert_eq!(change(&plan, "nat_gateway.public-b").action, Action::Delete);
}

#[test]
fn a_nat_gateway_that_moves_is_an_outage_for_all_behind_it() {
    let mut town = Town::behind_nat();
    town.edit("cidr = \"10.40.0.0/20\"", "cidr = \"10.40.32.0/20\"");
    let plan = town.plan();
    assert_eq!(change(&plan, "nat_gateway.public-a").action, Action::Replace);
    assert_outages(
        &plan,
        &[
            "replace nat_gateway.public-a: outage",
            // It stands in that subnet, too.
            "update load_balancer.main: failover",
            "update route_table.private: outage",
        ],
    );
}

#[test]
fn a_way_out_that_nobody_takes_may_change() {
    let mut town = Town::behind_nat();
    town.edit(
        "security-groups = [\"app\"]\n",
        "security-groups = [\"app\"]\nsubnets = [\"public-a\", \"public-b\"]\n",
    );
    town.build();
    town.edit("nat = \"single\"", "nat = \"none\"");
    assert_eq!(impact(&town.plan(), "route_table.private"), Impact::None);
}

/// One call puts the other gateway in place of the first, which knows nothing of what is open.
#[test]
fn another_way_out_breaks_what_is_open() {
    let mut town = Town::behind_nat();
    town.touch("route_table.private", |table| {
        table["routes"][0]["via"]["nat"]["$id"] = json!("nat-by-hand");
    });
    assert_outages(&town.plan(), &["update route_table.private: failover"]);
}

#[test]
fn a_role_that_is_made_anew_is_missed_by_its_service() {
    let mut town = Town::new();
    town.touch("iam_role.web-task", |role| role["path"] = json!("/other/"));
    let plan = town.plan();
    assert_eq!(change(&plan, "iam_role.web-task").action, Action::Replace);
    assert_outages(&plan, &["replace iam_role.web-task: outage", "update ecs_service.web: outage"]);
    assert_eq!(impact(&plan, "task_definition.web"), Impact::None, "it is what runs that is out");
}

#[test]
fn what_is_made_before_the_old_one_goes_is_told_as_replaced() {
    let mut town = Town::new();
    town.edit("description = \"Services\"", "description = \"Applications\"");
    let plan = town.plan();
    assert_eq!(impact(&plan, "security_group.app"), Impact::Replaced);
    assert_outages(&plan, &[]);
}

#[test]
fn a_rule_that_goes_cuts_off_whom_it_let_through() {
    const RULE: &str = "ingress = [{ ports = \"8080\", from = \"edge\" }]";
    let rules = |to: &str| {
        let mut town = Town::new();
        town.edit(RULE, to);
        impact(&town.plan(), "security_group_rules.app")
    };
    assert_eq!(rules("ingress = []"), Impact::Outage);
    assert_eq!(
        rules("ingress = [{ ports = \"8080\", from = \"10.40.0.0/20\" }]"),
        Impact::Outage,
        "who, nobody knows"
    );
    assert_eq!(rules("ingress = [{ ports = \"9090\", from = \"edge\" }]"), Impact::None, "it moves");
    assert_eq!(rules("ingress = [{ ports = \"8000-9000\", from = \"edge\" }]"), Impact::None, "it grows");
    let described = "ingress = [{ ports = \"8080\", from = \"edge\", description = \"Pages\" }]";
    assert_eq!(rules(described), Impact::None);
    let both = "ingress = [{ ports = \"8080\", from = \"edge\" }, { ports = \"22\", from = \"self\" }]";
    assert_eq!(rules(both), Impact::None, "it comes");
}

/// A hole that somebody left is closed, and who came by it is cut off only if somebody answered there.
#[test]
fn a_rule_for_ports_on_which_nobody_listens_cuts_nobody_off() {
    for (port, expected) in [(22, Impact::None), (8080, Impact::Outage)] {
        let mut town = Town::new();
        town.touch("security_group_rules.app", |rules| {
            let mut rule = rules["ingress"][0].clone();
            rule.as_object_mut().expect("a rule").remove("security_group");
            rule["cidr"] = json!("0.0.0.0/0");
            rule["from_port"] = json!(port);
            rule["to_port"] = json!(port);
            rules["ingress"].as_array_mut().expect("rules").push(rule);
        });
        assert_eq!(impact(&town.plan(), "security_group_rules.app"), expected, "{port}");
    }
    let mut town = Town::with(DATABASE);
    town.edit("{ ports = \"5432\", from = \"app\" }", "{ ports = \"80\", from = \"app\" }");
    town.build();
    town.edit("{ ports = \"80\", from = \"app\" }", "");
    assert_eq!(impact(&town.plan(), "security_group_rules.db"), Impact::None);
}

#[test]
fn a_rule_between_two_of_whom_one_is_not_there_cuts_nobody_off() {
    let mut town = Town::with("[security-groups.idle]\n");
    town.edit(
        "ingress = [{ ports = \"8080\", from = \"edge\" }]",
        "ingress = [{ ports = \"8080\", from = \"edge\" }, { ports = \"8080\", from = \"idle\" }]",
    );
    town.build();
    town.edit(", { ports = \"8080\", from = \"idle\" }", "");
    assert_eq!(impact(&town.plan(), "security_group_rules.app"), Impact::None);
    town.cut("[security-groups.idle]", "nothing");
    assert_outages(&town.plan(), &[]);
}

#[test]
fn without_its_resolver_a_vpc_finds_nobody() {
    let mut town = Town::new();
    town.edit("[network]\n", "[network]\ndns-support = false\ndns-hostnames = false\n");
    assert_eq!(impact(&town.plan(), "vpc.main"), Impact::Outage);
}

#[test]
fn what_cannot_interrupt_anybody_has_no_label() {
    let mut town = Town::new();
    town.edit("team = \"town\"", "team = \"city\"");
    town.edit("Hello from {project}", "Hello");
    let plan = town.plan();
    assert!(plan.changes.len() > 10);
    let labelled = plan.changes.iter().filter(|change| change.impact != Impact::None);
    let labelled: Vec<String> = labelled.map(|change| format!("{}: {}", change.address, change.impact)).collect();
    assert_eq!(labelled, ["ecs_service.web: rolling restart"], "its parameter makes a new revision");
}

/// The whole goes, and who used it from outside has nothing.
#[test]
fn the_end_of_an_environment_is_an_outage_where_it_serves() {
    let plan = Town::new().end();
    for at in ["ecs_service.web", "target_group.web", "listener.http", "load_balancer.main"] {
        assert_eq!(impact(&plan, at), Impact::Outage, "{at}");
    }
    for at in ["vpc.main", "subnet.public-a", "security_group.app", "task_definition.web", "iam_role.web-task"] {
        assert_eq!(impact(&plan, at), Impact::None, "{at}");
    }
}

#[test]
fn the_last_backup_goes_only_if_it_is_named() {
    let mut town = Town::with(DATABASE);
    town.edit("deletion-protection = false", "deletion-protection = false\nbackup-retention = 0");
    let plan = town.plan();
    let database = change(&plan, "db_instance.main");
    assert_eq!((database.impact, database.guarded, database.seconds), (Impact::DataLoss, true, 420));
    assert_eq!(plan.missing, ["--allow-destroy db_instance.main"]);
    assert!(plan.notes.iter().any(|note| note.contains("automated backups of 1 day")), "{:?}", plan.notes);
    town.edit("backup-retention = 0", "backup-retention = 0\nprotect = false");
    assert_eq!(town.plan().missing, [""; 0]);
}

#[test]
fn a_major_version_tells_its_minutes_and_that_it_is_final() {
    let mut town = Town::with(DATABASE);
    town.edit("version = \"16\"", "version = \"17\"");
    let plan = town.plan();
    let database = change(&plan, "db_instance.main");
    assert_eq!((database.impact, database.seconds, database.guarded), (Impact::Outage, 1800, false));
    let told = plan.notes.iter().find(|note| note.starts_with("db_instance.main: 16 → 17 is a major version"));
    assert!(told.is_some_and(|note| note.contains("aws rds create-db-snapshot")), "{:?}", plan.notes);
}

const GENERATED: &str = "{ generate = { length = 40 } }";

/// The secret parameter of the town, generated and applied; then from elsewhere.
fn overwritten(by: &str, is_recorded: bool) -> Plan {
    let mut town = Town::new();
    town.edit("{ env = \"WEATHER_API_KEY\" }", GENERATED);
    town.build();
    if is_recorded {
        town.apply();
    }
    town.edit(GENERATED, by);
    town.plan()
}

#[test]
fn what_was_generated_is_data() {
    for by in ["\"plain\"", "{ value = \"x\", secret = true }", "{ value = \"of {project}\", secret = true }"] {
        for is_recorded in [true, false] {
            let plan = overwritten(by, is_recorded);
            let token = change(&plan, "ssm_parameter.web/token");
            assert_eq!(
                (token.action, token.impact, token.guarded),
                (Action::Update, Impact::DataLoss, true),
                "{by}"
            );
            assert_eq!(plan.missing, ["--allow-destroy ssm_parameter.web/token"], "{by}");
            let told = plan.notes.iter().any(|note| note.contains("what was generated is kept nowhere else"));
            assert!(told, "{:?}", plan.notes);
        }
    }
}

#[test]
fn what_is_generated_still_is_left_alone() {
    for length in [40, 64] {
        let plan = overwritten(&format!("{{ generate = {{ length = {length} }} }}"), true);
        assert_eq!(plan.changes, [], "{length}");
    }
    let described = overwritten("{ generate = { length = 40 }, description = \"Of the session\" }", true);
    assert_eq!(impact(&described, "ssm_parameter.web/token"), Impact::None);
}

#[test]
fn what_was_given_may_be_given_anew() {
    let mut town = Town::new();
    town.edit("{ env = \"WEATHER_API_KEY\" }", "{ value = \"one\", secret = true }");
    town.build();
    town.apply();
    town.edit("{ value = \"one\", secret = true }", "{ value = \"two\", secret = true }");
    let plan = town.plan();
    let token = change(&plan, "ssm_parameter.web/token");
    assert_eq!((token.impact, token.guarded), (Impact::None, false));
}
