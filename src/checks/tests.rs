use super::*;

/// A service behind a load balancer with a database, that lacks nothing.
const SOUND: &str = r#"
project = "town"
environment = "test"
account = "123456789012"
region = "eu-central-1"

[network]
cidr = "10.40.0.0/16"
nat = "single"
[network.subnets]
public-a = { tier = "public", zone = "eu-central-1a", cidr = "10.40.0.0/20" }
public-b = { tier = "public", zone = "eu-central-1b", cidr = "10.40.16.0/20" }
private-a = { tier = "private", zone = "eu-central-1a", cidr = "10.40.128.0/20" }
private-b = { tier = "private", zone = "eu-central-1b", cidr = "10.40.144.0/20" }

[security-groups.alb]
ingress = [{ ports = "80", from = "0.0.0.0/0" }]
egress = [{ ports = "8080", to = "web" }]
[security-groups.web]
ingress = [{ ports = "8080", from = "alb" }]
egress = [{ ports = "443", to = "0.0.0.0/0" }, { ports = "5432", to = "10.40.128.0/17" }, { ports = "9000", to = "api" }]
[security-groups.api]
ingress = [{ ports = "9000-9001", from = "web" }]
egress = [{ ports = "443", to = "0.0.0.0/0" }]
[security-groups.db]
ingress = [{ ports = "5432", from = "web" }]

[databases.main]
engine = "postgres"
version = "16"
class = "db.t4g.micro"
storage = 20
database = "shop"
username = "shop"
security-groups = ["db"]

[parameters]
"db-url" = "postgres://{databases.main.username}:{databases.main.password}@{databases.main.endpoint}/shop"

[services.web]
image = "nginx:1.27"
cpu = 256
memory = 512
port = 8080
security-groups = ["web"]
secrets = { DATABASE_URL = "db-url" }
environment = { API = "http://{services.api.dns}:9000" }
route = { paths = ["/*"], priority = 10 }

[services.api]
image = "nginx:1.27"
cpu = 256
memory = 512
port = 9000
security-groups = ["api"]
dns-name = "api"

[load-balancer]
security-groups = ["alb"]

[cluster]
private-domain = "test.town.internal"
"#;

const TODAY: &str = "2026-11-27";

fn warnings(text: &str) -> (Spec, Warnings) {
    let spec = crate::spec::parse("spec.toml", text, &crate::kinds::catalog())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let graph = Graph::of(&spec.env).expect("no cycle");
    let warnings = super::warnings(&spec, &graph, TODAY);
    (spec, warnings)
}

/// Code, line and message of each warning of the spec with texts replaced.
fn found(changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = SOUND.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let (spec, warnings) = warnings(&text);
    let one = |problem: &Problem| {
        let reported = problem.reported(&spec.tree.sources);
        let line = reported.line.map_or("", |line| text.lines().nth(line - 1).unwrap_or_default());
        format!("{} [{line}] {}", reported.code.unwrap_or_default(), reported.message)
    };
    warnings.open.iter().map(one).collect()
}

#[test]
fn what_lacks_nothing_is_not_warned_of() {
    assert_eq!(found(&[]), [""; 0]);
    // Of what is not the spec's, nothing is known.
    let (own, existing) = ("security-groups = [\"web\"]", "security-groups = [\"web\", \"sg-0123456789abcdef0\"]");
    assert_eq!(found(&[("{ ports = \"5432\", to = \"10.40.128.0/17\" }, ", ""), (own, existing)]), [""; 0]);
}

#[test]
fn a_load_balancer_must_reach_the_port_that_it_routes_to() {
    assert_eq!(
        found(&[("port = 8080", "port = 3000")]),
        [
            "BP-NET-01 [port = 3000] ecs_service.web: the security groups of load_balancer.main let nothing out to \
             ecs_service.web on 3000",
            "BP-NET-01 [port = 3000] ecs_service.web: the security groups of ecs_service.web let nothing in from \
             load_balancer.main on 3000",
        ]
    );
    // UDP on the same port is no way.
    let udp = "egress = [{ ports = \"8080\", protocol = \"udp\", to = \"web\" }]";
    assert_eq!(found(&[("egress = [{ ports = \"8080\", to = \"web\" }]", udp)]).len(), 1);
}

#[test]
fn a_service_must_reach_the_database_whose_address_it_has() {
    let refused = found(&[(
        "ingress = [{ ports = \"5432\", from = \"web\" }]",
        "ingress = [{ ports = \"5432\", from = \"api\" }]",
    )]);
    assert_eq!(
        refused,
        [
            "BP-NET-02 [security-groups = [\"web\"]] ecs_service.web: the security groups of db_instance.main let nothing in \
          from ecs_service.web on 5432"
        ]
    );
    // A range that the database's subnets are not in.
    assert_eq!(found(&[("10.40.128.0/17", "10.40.0.0/17")]).len(), 1);
}

#[test]
fn a_service_must_reach_the_services_that_it_names() {
    let refused = found(&[("{ ports = \"9000\", to = \"api\" }", "{ ports = \"9001\", to = \"api\" }")]);
    assert_eq!(
        refused,
        [
            "BP-NET-03 [security-groups = [\"web\"]] ecs_service.web: the security groups of ecs_service.web let nothing out to \
          ecs_service.api on 9000"
        ]
    );
}

#[test]
fn tasks_need_a_way_out_to_start() {
    let no_route = found(&[("nat = \"single\"", "nat = \"none\"")]);
    assert_eq!(no_route.len(), 2, "{no_route:#?}");
    assert!(no_route[0].contains("subnet `private-a` has no way to the internet"), "{no_route:#?}");
    let no_rule = found(&[(
        "egress = [{ ports = \"443\", to = \"0.0.0.0/0\" }]\n[security-groups.db]",
        "[security-groups.db]",
    )]);
    assert_eq!(no_rule.len(), 1, "{no_rule:#?}");
    assert!(no_rule[0].starts_with("BP-NET-04 [security-groups = [\"api\"]] ecs_service.api"), "{no_rule:#?}");
}

#[test]
fn somebody_must_reach_the_load_balancer() {
    let refused = found(&[(
        "ingress = [{ ports = \"80\", from = \"0.0.0.0/0\" }]",
        "ingress = [{ ports = \"8080\", from = \"0.0.0.0/0\" }]",
    )]);
    assert_eq!(
        refused,
        [
            "BP-NET-05 [security-groups = [\"alb\"]] load_balancer.main: its security groups let nobody in on 80, where it \
          listens"
        ]
    );
}

#[test]
fn a_secret_is_there_to_be_read() {
    let unread = found(&[("[parameters]\n", "[parameters]\n\"web/token\" = { generate = { length = 32 } }\n")]);
    assert_eq!(unread.len(), 1, "{unread:#?}");
    assert!(unread[0].starts_with("BP-SECRET-01 [\"web/token\" ="), "{unread:#?}");
}

#[test]
fn the_images_of_each_environment_are_counted_by_themselves() {
    let registries = ("[databases.main]", "[registries.web]\n[databases.main]");
    let unnamed = found(&[registries]);
    assert_eq!(unnamed.len(), 1, "{unnamed:#?}");
    assert!(unnamed[0].starts_with("BP-IMAGE-01 "), "{unnamed:#?}");
    let named = ("environment = \"test\"", "environment = \"test\"\nenvironments = [\"test\", \"prod\"]");
    assert_eq!(found(&[registries, named]), [""; 0]);
    assert_eq!(found(&[registries, ("environment = \"test\"", "environment = \"prod\"")]), [""; 0]);
}

/// The base with something to warn of, and an entry that accepts it.
fn accepting(entry: &str) -> Warnings {
    let text = SOUND.replace("port = 8080", "port = 3000") + "[[accept]]\nwhy = \"moved next week\"\n" + entry;
    warnings(&text).1
}

#[test]
fn what_the_spec_accepts_is_folded_until_its_day() {
    for what in ["BP-NET-01", "BP-NET-01 ecs_service.web", "BP-NET-01 *.web"] {
        let warnings = accepting(&format!("what = \"{what}\"\nuntil = \"{TODAY}\"\n"));
        assert_eq!((warnings.open.len(), warnings.accepted.len()), (0, 2), "{what}");
        assert_eq!(warnings.accepted[0].1.why, "moved next week");
    }
    let ended = accepting("what = \"BP-NET-01\"\nuntil = \"2026-11-26\"\n");
    assert_eq!((ended.open.len(), ended.accepted.len()), (2, 0));
}

#[test]
fn an_entry_without_effect_is_reported() {
    let other = accepting("what = \"BP-NET-01 ecs_service.api\"\n");
    let codes: Vec<_> = other.open.iter().map(|problem| problem.code.expect("a code")).collect();
    assert_eq!(codes, ["BP-NET-01", "BP-NET-01", "BP-ACCEPT-01"]);
    let unknown = accepting("what = \"BP-NOT-99\"\n");
    let last = unknown.open.last().expect("a warning");
    assert_eq!(last.message, "no check has the code `BP-NOT-99`");
}

#[test]
fn codes_are_unique() {
    let codes: std::collections::BTreeSet<_> = ALL.iter().map(|check| check.code).collect();
    assert_eq!(codes.len(), ALL.len());
}
