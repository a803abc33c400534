//! Changes of what serves, over HTTP: what comes is ready before what goes is gone. Read from the progress lines.

use crate::account::Account;
use crate::cli::Outcome;
use crate::round_trip::city_with;

/// What began and ended, in order: `updating ecs_service.web`, `updated ecs_service.web`.
struct Story(Vec<String>);

impl Story {
    fn of(outcome: &Outcome) -> Self {
        const VERBS: [&str; 8] =
            ["creating", "created", "updating", "updated", "finishing", "finished", "deleting", "deleted"];
        let lines = outcome.stderr.lines().filter_map(|line| {
            let mut words = line.rsplit(']').next()?.split_whitespace();
            let verb = words.next().filter(|verb| VERBS.contains(verb))?;
            // "finishing the update of listener.http".
            Some(format!("{verb} {}", words.find(|word| word.contains('.'))?))
        });
        Self(lines.collect())
    }

    /// Each of these after the one before it.
    fn assert_order(&self, expected: &[&str]) {
        let at = |what: &&str| self.0.iter().position(|line| line == what);
        let places: Vec<Option<usize>> = expected.iter().map(at).collect();
        assert!(places.iter().all(Option::is_some), "{expected:?}: {places:?}\n{:#?}", self.0);
        assert!(places.is_sorted(), "{expected:?}: {places:?}\n{:#?}", self.0);
    }

    fn assert_nothing_of(&self, address: &str) {
        let found = self.0.iter().find(|line| line.ends_with(&format!(" {address}")));
        assert!(found.is_none(), "{found:?}\n{:#?}", self.0);
    }
}

/// Applies dev with these edits of files, and answers what happened. Nothing is left to change then.
fn story(edits: &[(&str, &str, &str)]) -> Story {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    for (file, from, to) in edits {
        account.bench.edit(file, from, to);
    }
    let outcome = account.done("apply --yes dev.toml --parallelism 16");
    account.assert_no_changes("dev.toml");
    Story::of(&outcome)
}

#[test]
fn a_changed_port_is_a_rolling_deployment_between_two_rules() {
    let story = story(&[
        ("legocity.toml", "port = 4000", "port = 4100"),
        ("legocity.toml", "\"4000\", to = \"proxy\", description = \"API\"", "\"4100\", to = \"proxy\""),
        (
            "legocity.toml",
            "\"4000\", to = \"proxy\", description = \"the API",
            "\"4100\", to = \"proxy\", description = \"the API",
        ),
        ("legocity.toml", "\"4000\", from = \"alb\"", "\"4100\", from = \"alb\""),
        ("legocity.toml", "\"4000\", from = \"dashboard\"", "\"4100\", from = \"dashboard\""),
    ]);
    for group in ["alb", "proxy"] {
        story.assert_order(&[
            &format!("updated security_group_rules.{group}"),
            "updating ecs_service.proxy",
            "updated ecs_service.proxy",
            &format!("finishing security_group_rules.{group}"),
        ]);
    }
    story.assert_nothing_of("target_group.proxy");
    story.assert_nothing_of("listener_rule.proxy");
}

#[test]
fn a_changed_domain_serves_by_its_old_name_until_the_new_certificate_is_there() {
    let story = story(&[("dev.toml", "domain = \"dev.legocity.example\"", "domain = \"city.legocity.example\"")]);
    story.assert_order(&[
        "created certificate.main",
        "created dns_record.validation-city.legocity.example",
        "created certificate_validation.main",
        "updating listener.https",
        "updated listener.https",
        "creating dns_record.city.legocity.example",
        "created dns_record.city.legocity.example",
        "deleting dns_record.dev.legocity.example",
    ]);
    story.assert_order(&["updated listener.https", "deleting certificate.main", "deleted certificate.main"]);
    story.assert_order(&["deleted certificate.main", "deleting dns_record.validation-dev.legocity.example"]);
}

#[test]
fn a_new_alias_leaves_the_records_of_the_other_names_alone() {
    let aliases = "aliases = [\"admin.{dns.domain}\"]";
    let story = story(&[("legocity.toml", aliases, "aliases = [\"admin.{dns.domain}\", \"cms.{dns.domain}\"]")]);
    story.assert_order(&[
        "created certificate_validation.main",
        "updated listener.https",
        "creating dns_record.cms.dev.legocity.example",
    ]);
    story.assert_order(&["updated listener.https", "deleting certificate.main"]);
    story.assert_nothing_of("dns_record.validation-dev.legocity.example");
    story.assert_nothing_of("dns_record.dev.legocity.example");
}

const ADMIN: &str = r#"route = [
  { hosts = ["admin.{dns.domain}"], source-ips = ["203.0.113.0/24"], priority = 5, deregistration-delay = 30 },
  { paths = ["/admin*"], source-ips = ["203.0.113.0/24"], priority = 10 },
]
"#;

#[test]
fn a_route_moves_to_another_service_once_that_is_steady() {
    let cms = format!(
        "[services.cms]\nimage = \"cms:1\"\ncpu = 256\nmemory = 512\nport = 3100\nsecurity-groups = [\"payload\"]\n{ADMIN}\n"
    );
    let story = story(&[
        ("legocity.toml", ADMIN, ""),
        ("legocity.toml", "[services.proxy]\n", &format!("{cms}[services.proxy]\n")),
    ]);
    story.assert_order(&[
        "created listener_rule.cms",
        "creating ecs_service.cms",
        "created ecs_service.cms",
        "finishing listener_rule.cms",
        "finished listener_rule.cms",
        "deleting listener_rule.payload",
        "deleted listener_rule.payload",
        "finishing ecs_service.payload",
        "finished ecs_service.payload",
        "deleting target_group.payload",
    ]);
}

#[test]
fn the_default_route_moves_to_another_service_once_that_is_steady() {
    let route = "route = { default = true, deregistration-delay = 30 }\n";
    let site = format!(
        "[services.site]\nimage = \"site:1\"\ncpu = 256\nmemory = 512\nport = 3100\nsecurity-groups = [\"dashboard\"]\n{route}\n"
    );
    let story = story(&[
        ("legocity.toml", route, ""),
        ("legocity.toml", "[services.proxy]\n", &format!("{site}[services.proxy]\n")),
    ]);
    story.assert_order(&[
        "updated listener.https",
        "creating ecs_service.site",
        "created ecs_service.site",
        "finishing listener.https",
        "finished listener.https",
        "finishing ecs_service.dashboard",
        "deleting target_group.dashboard",
    ]);
}

#[test]
fn services_wait_for_a_nat_gateway_that_appears_later() {
    let moto = crate::round_trip::city();
    let account = Account::new(&moto);
    account.bench.edit("dev.toml", "nat = \"single\"", "nat = \"none\"");
    account.done("apply --yes dev.toml");
    account.bench.edit("dev.toml", "nat = \"none\"", "nat = \"single\"");
    account.bench.edit("legocity.toml", "[services.broker]\n", "[services.broker]\ncount = 3\n");
    let story = Story::of(&account.done("apply --yes dev.toml --parallelism 16"));
    story.assert_order(&[
        "created nat_gateway.public-a",
        "updating route_table.private",
        "updated route_table.private",
        "updating ecs_service.broker",
    ]);
    // And the way back: the route goes at the end, and the gateway after it.
    account.bench.edit("dev.toml", "nat = \"single\"", "nat = \"none\"");
    account.bench.edit("legocity.toml", "count = 3\n", "count = 2\n");
    let story = Story::of(&account.done("apply --yes dev.toml --parallelism 16"));
    story.assert_order(&[
        "updated ecs_service.broker",
        "finishing route_table.private",
        "finished route_table.private",
        "deleting nat_gateway.public-a",
    ]);
    account.assert_no_changes("dev.toml");
}

#[test]
fn a_database_keeps_its_old_group_until_all_has_changed() {
    let story = story(&[
        ("legocity.toml", "security-groups = [\"rds\"]", "security-groups = [\"data\"]"),
        ("legocity.toml", "[security-groups.rds]", "[security-groups.data]"),
        ("legocity.toml", "to = \"rds\"", "to = \"data\""),
    ]);
    story.assert_order(&[
        "created security_group_rules.data",
        "updating db_instance.payload",
        "updated db_instance.payload",
        "finishing db_instance.payload",
        "finished db_instance.payload",
        "deleting security_group.rds",
    ]);
}
