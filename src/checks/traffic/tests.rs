use std::borrow::Cow;

use serde_json::{Value, json};

use super::*;

/// Objects of one small network: a load balancer, two services and a database, each with a group of its own name.
struct Town {
    objects: Vec<(Address, Value)>,
}

fn to(kind: &str, name: &str) -> Value {
    json!({ "$to": format!("{kind}.{name}"), "output": "id" })
}

fn group(name: &str) -> Value {
    to("security_group", name)
}

/// `tcp 5432 web`, `-1 0.0.0.0/0`, `udp 50-60 10.0.0.0/8`; the peer is a group, a range, `pl-…` or `sg-…`.
fn rule(text: &str) -> Value {
    let parts: Vec<&str> = text.split(' ').collect();
    let (protocol, ports, peer) = match parts[..] {
        [protocol, ports, peer] => (protocol, ports, peer),
        [protocol, peer] => (protocol, "", peer),
        _ => panic!("{text} is no rule"),
    };
    let (from, to) = match ports.split_once('-') {
        Some((from, to)) => (from.parse().expect("a port"), to.parse().expect("a port")),
        None => ports.parse().map_or((-1, -1), |port: i32| (port, port)),
    };
    let mut rule = json!({ "protocol": protocol, "from_port": from, "to_port": to, "description": "" });
    let (key, value) = match peer {
        range if range.contains('/') => ("cidr", json!(range)),
        list if list.starts_with("pl-") => ("prefix_list", json!(list)),
        id if id.starts_with("sg-") => {
            ("security_group", json!({ "$id": id, "kind": "security_group", "output": "id" }))
        }
        name => ("security_group", group(name)),
    };
    rule[key] = value;
    rule
}

impl Town {
    fn new() -> Self {
        let mut town = Self { objects: Vec::new() };
        for (name, tier, cidr) in [("public", "igw", "10.0.0.0/24"), ("private", "nat", "10.0.1.0/24")] {
            let vpc = to("vpc", "main");
            town.put(
                &format!("subnet.{name}"),
                json!({ "vpc": vpc, "cidr": cidr, "zone": "eu-central-1a", "map_public_ip_on_launch": false, "tags": {} }),
            );
            let via = match tier {
                "igw" => json!({ "gateway": to("internet_gateway", "main") }),
                _ => json!({ "nat": to("nat_gateway", "main") }),
            };
            town.put(
                &format!("route_table.{name}"),
                json!({ "vpc": vpc, "routes": [{ "destination": "0.0.0.0/0", "via": via }],
                    "subnets": [to("subnet", name)], "tags": {} }),
            );
        }
        town.put(
            "load_balancer.main",
            json!({ "name": "m", "type": "application", "scheme": "internet-facing", "vpc": to("vpc", "main"),
                "subnets": [to("subnet", "public")], "security_groups": [group("alb")], "idle_timeout": 60,
                "deletion_protection": false, "drop_invalid_headers": true, "tags": {} }),
        );
        for name in ["web", "api"] {
            town.put(
                &format!("ecs_service.{name}"),
                json!({ "name": name, "cluster": to("ecs_cluster", "main"),
                    "task_definition": to("task_definition", name), "task_definition_digest": to("task_definition", name),
                    "desired_count": 1, "initial_count": null, "subnets": [to("subnet", "private")],
                    "security_groups": [group(name)], "public_ip": false, "load_balancers": [],
                    "service_registries": [], "minimum_healthy_percent": 100, "maximum_percent": 200,
                    "circuit_breaker": true, "rollback": true, "grace_period": 0, "execute_command": false,
                    "propagate_tags": "SERVICE", "deadline": 600, "tags": {} }),
            );
        }
        town.put(
            "db_subnet_group.main",
            json!({ "name": "d", "description": "", "vpc": to("vpc", "main"),
                "subnets": [to("subnet", "private")], "tags": {} }),
        );
        town.put(
            "db_instance.main",
            json!({ "identifier": "d", "engine": "postgres", "version": "16", "class": "db.t4g.micro", "storage": 20,
                "max_storage": 0, "storage_type": "gp3", "database": "d", "username": "d", "port": 5432,
                "subnet_group": to("db_subnet_group", "main"), "security_groups": [group("db")], "multi_az": false,
                "backup_retention": 1, "backup_window": null, "maintenance_window": null, "deletion_protection": false,
                "encrypted": true, "auto_minor_upgrades": true, "final_snapshot": true,
                "apply_changes": "immediately", "performance_insights": false, "copy_tags_to_snapshot": true,
                "publicly_accessible": false, "password": { "$secret": { "fingerprint": "" } },
                "password_version": { "$to": "ssm_parameter.d", "output": "version" }, "tags": {} }),
        );
        for name in ["alb", "web", "api", "db"] {
            town.rules(name, &[], &[]);
        }
        town
    }

    fn put(&mut self, address: &str, attrs: Value) {
        let address: Address = address.parse().expect("an address");
        self.objects.retain(|(other, _)| *other != address);
        self.objects.push((address, attrs));
    }

    fn rules(&mut self, name: &str, ingress: &[&str], egress: &[&str]) {
        let rules = |texts: &[&str]| texts.iter().map(|text| rule(text)).collect::<Value>();
        let attrs = json!({ "group": group(name), "ingress": rules(ingress), "egress": rules(egress) });
        self.put(&format!("security_group_rules.{name}"), attrs);
    }

    fn touch(&mut self, address: &str, field: &str, value: Value) {
        let found = self.objects.iter_mut().find(|(other, _)| other.to_string() == address);
        found.expect("it is there").1[field] = value;
    }

    fn without(mut self, address: &str) -> Self {
        self.objects.retain(|(other, _)| other.to_string() != address);
        self
    }

    fn traffic(&self) -> Traffic {
        Traffic::of(&self.objects.iter().map(|(address, attrs)| (address.clone(), Cow::Borrowed(attrs))).collect())
    }

    /// `web -> db 5432`, and what is in the way.
    fn edges(&self) -> Vec<String> {
        let name =
            |id: &str| id.rsplit_once('.').filter(|_| !id.contains('/')).map_or(id, |(_, name)| name).to_owned();
        let line = |edge: &Edge| {
            let blocked: Vec<&str> = edge.blocked.iter().map(|obstacle| obstacle.words()).collect();
            assert_eq!(edge.effective, blocked.is_empty());
            let blocked = if blocked.is_empty() { String::new() } else { format!(": {}", blocked.join(", ")) };
            let kind = |id: &str| if id == "db_instance.main" { "db".to_owned() } else { name(id) };
            format!("{} -> {} {}{blocked}", kind(&edge.from), kind(&edge.to), edge.ports)
        };
        self.traffic().edges.iter().map(line).collect()
    }
}

/// The lines of what comes and goes between the two, with their signs.
fn lines(before: &Town, after: &Town) -> Vec<String> {
    let change = TrafficChange::between(&before.traffic(), &after.traffic());
    change.iter().flat_map(|change| change.lines.iter().map(Line::marked)).collect()
}

#[test]
fn a_connection_needs_both_sides() {
    let mut town = Town::new();
    assert_eq!(town.edges(), [""; 0]);
    town.rules("db", &["tcp 5432 web"], &[]);
    assert_eq!(town.edges(), ["web -> db 5432: the egress rules of who connects do not let it out"]);
    town.rules("web", &[], &["tcp 5432 db"]);
    assert_eq!(town.edges(), ["web -> db 5432"]);
    town.rules("db", &[], &[]);
    assert_eq!(town.edges(), ["web -> db 5432: the ingress rules of the other side do not let it in"]);
    // What both let through is what the narrower of the two does.
    town.rules("db", &["tcp 5000-6000 web"], &[]);
    town.rules("web", &[], &["-1 0.0.0.0/0"]);
    assert_eq!(town.edges(), ["web -> 0.0.0.0/0 everything", "web -> db 5000-6000"]);
    town.rules("web", &[], &["udp 5432 db"]);
    assert_eq!(town.edges().len(), 2, "another protocol is no way: {:?}", town.edges());
    assert!(town.edges().iter().all(|edge| edge.contains(": ")));
}

#[test]
fn an_edge_says_by_which_rules() {
    let mut town = Town::new();
    town.rules("db", &["tcp 5432 web"], &[]);
    town.rules("web", &[], &["-1 10.0.0.0/16"]);
    let traffic = town.traffic();
    let edge = traffic.edges.iter().find(|edge| edge.to == "db_instance.main").expect("the connection");
    let rules: Vec<String> = edge
        .rules
        .iter()
        .map(|rule| format!("{} {} {} {}", rule.address, rule.side.word(), rule.ports, rule.peer))
        .collect();
    assert_eq!(
        rules,
        [
            "security_group_rules.db ingress 5432 security_group.web",
            "security_group_rules.web egress everything 10.0.0.0/16",
        ]
    );
}

#[test]
fn a_range_is_who_is_in_it() {
    let mut town = Town::new();
    town.rules("db", &["tcp 5432 10.0.1.0/24"], &[]);
    for name in ["alb", "web"] {
        town.rules(name, &[], &["tcp 5432 db"]);
    }
    // The load balancer is in the other subnet.
    assert_eq!(
        town.edges(),
        [
            "10.0.1.0/24 -> db 5432",
            "main -> db 5432: the ingress rules of the other side do not let it in",
            "web -> db 5432",
        ]
    );
}

#[test]
fn a_rule_for_itself_connects_the_members_of_a_group() {
    let mut town = Town::new();
    town.rules("web", &["tcp 7946 web"], &["tcp 7946 web"]);
    assert_eq!(town.edges(), ["web -> web 7946"]);
    town.touch("ecs_service.api", "security_groups", json!([group("web")]));
    assert_eq!(town.edges(), ["api -> api 7946", "web -> api 7946", "api -> web 7946", "web -> web 7946"]);
}

#[test]
fn lists_and_groups_of_others_are_peers() {
    let mut town = Town::new();
    town.rules("web", &["tcp 8080 sg-0123"], &["tcp 443 pl-0123"]);
    assert_eq!(town.edges(), ["web -> pl-0123 443", "sg-0123 -> web 8080"]);
    let sorts: Vec<Sort> = town.traffic().nodes.iter().map(|node| node.sort).collect();
    assert_eq!(&sorts[..2], [Sort::PrefixList, Sort::Group]);
    // What somebody else's group lets through is not known: it may be all.
    town.rules("db", &["tcp 5432 web"], &[]);
    town.touch("ecs_service.web", "security_groups", json!([group("web"), rule("-1 sg-9")["security_group"]]));
    assert!(town.edges().contains(&"web -> db 5432".to_owned()), "{:?}", town.edges());
    let web = town.traffic().node("ecs_service.web").cloned().expect("the service");
    assert_eq!(web.other_groups, BTreeSet::from(["sg-9".to_owned()]));
}

#[test]
fn the_internet_comes_in_by_a_public_address_and_a_gateway() {
    let mut town = Town::new();
    town.rules("alb", &["tcp 443 0.0.0.0/0"], &[]);
    town.rules("db", &["tcp 5432 0.0.0.0/0"], &[]);
    assert_eq!(town.edges(), ["0.0.0.0/0 -> main 443", "0.0.0.0/0 -> db 5432: it has no public address"]);
    town.touch("db_instance.main", "publicly_accessible", json!(true));
    assert_eq!(town.edges()[1], "0.0.0.0/0 -> db 5432: its subnets have no route to an internet gateway");
    town.touch("db_subnet_group.main", "subnets", json!([to("subnet", "public")]));
    assert_eq!(town.edges()[1], "0.0.0.0/0 -> db 5432");
    // Subnets of an existing VPC have routes that nobody here knows.
    town.touch("load_balancer.main", "subnets", json!([{ "$id": "subnet-1", "kind": "subnet", "output": "id" }]));
    assert_eq!(town.edges()[0], "0.0.0.0/0 -> main 443");
    town.touch("load_balancer.main", "scheme", json!("internal"));
    assert_eq!(town.edges()[0], "0.0.0.0/0 -> main 443: it has no public address");
}

/// Where the internet does not come in, a rule for everybody is one for everybody in the network.
#[test]
fn a_rule_for_everybody_is_for_the_network_too() {
    let mut town = Town::new();
    town.rules("web", &[], &["-1 0.0.0.0/0"]);
    town.rules("alb", &["tcp 443 0.0.0.0/0"], &[]);
    assert_eq!(town.edges(), ["web -> 0.0.0.0/0 everything", "0.0.0.0/0 -> main 443"], "the internet has the same");
    town.rules("db", &["tcp 5432 0.0.0.0/0"], &[]);
    assert!(town.edges().contains(&"web -> db 5432".to_owned()), "{:?}", town.edges());
}

#[test]
fn the_way_out_is_a_route() {
    let mut town = Town::new();
    town.rules("web", &[], &["tcp 443 0.0.0.0/0"]);
    assert_eq!(town.edges(), ["web -> 0.0.0.0/0 443"]);
    let town = town.without("route_table.private");
    assert_eq!(town.edges(), ["web -> 0.0.0.0/0 443: its subnets have no way out to the internet"]);
}

#[test]
fn ports_are_taken_apart() {
    let ports = |text: &str| {
        let rule: crate::kinds::network::security_group_rules::Rule =
            serde_json::from_value(rule(&format!("{text} 10.0.0.0/8"))).expect("a rule");
        Ports::of(&rule)
    };
    let left = |one: &str, others: &[&str]| {
        let others: Vec<Ports> = others.iter().map(|text| ports(text)).collect();
        ports(one).without(&others).iter().map(Ports::to_string).collect::<Vec<_>>()
    };
    assert_eq!(left("tcp 80-90", &["tcp 85"]), ["80-84", "86-90"]);
    assert_eq!(left("tcp 80", &["tcp 1-100"]), [""; 0]);
    assert_eq!(left("tcp 80", &["udp 80"]), ["80"]);
    assert_eq!(left("tcp 80", &["-1"]), [""; 0]);
    assert_eq!(left("-1", &["tcp 80"]), ["everything"]);
    let said =
        ["tcp 0-65535", "tcp", "6 443", "udp 53", "icmp", "icmp 8", "50", "58"].map(|text| ports(text).to_string());
    let expected = ["all tcp", "all tcp", "443", "udp 53", "icmp", "icmp type 8 code 8", "protocol 50", "icmpv6"]
        .map(str::to_owned);
    assert_eq!(said, expected);
    assert_eq!(ports("icmp").both(&ports("icmp 8")), Some(ports("icmp 8")));
}

#[test]
fn a_change_is_told_by_what_it_opens_and_closes() {
    let (mut before, mut after) = (Town::new(), Town::new());
    assert_eq!(lines(&before, &after), [""; 0], "nothing is said where nothing changes");
    before.rules("alb", &[], &["tcp 8080 web"]);
    before.rules("web", &["tcp 8080 alb"], &["tcp 443 0.0.0.0/0"]);
    after.rules("db", &["tcp 5432 0.0.0.0/0", "tcp 5432 web", "tcp 5432 api"], &[]);
    after.rules("web", &[], &["tcp 5432 db", "tcp 443 0.0.0.0/0", "tcp 80 0.0.0.0/0"]);
    after.rules("api", &[], &["tcp 5432 db", "tcp 80 0.0.0.0/0"]);
    assert_eq!(
        lines(&before, &after),
        [
            "! opens 5432 of db_instance.main to 0.0.0.0/0 (not reachable from there yet: it has no public address)",
            "+ lets ecs_service.api and ecs_service.web out to 0.0.0.0/0 on 80",
            "+ opens 5432 of db_instance.main to ecs_service.api and ecs_service.web",
            "- closes 8080 of ecs_service.web from load_balancer.main",
        ]
    );
    assert_eq!(lines(&after, &after), [""; 0]);
    // The address alone opens it.
    let mut public = Town { objects: after.objects.clone() };
    public.touch("db_instance.main", "publicly_accessible", json!(true));
    public.touch("db_subnet_group.main", "subnets", json!([to("subnet", "public")]));
    assert_eq!(lines(&after, &public), ["! opens 5432 of db_instance.main to 0.0.0.0/0"]);
}

#[test]
fn less_than_everything_is_told_as_what_is_kept() {
    let (mut before, mut after) = (Town::new(), Town::new());
    before.rules("web", &[], &["-1 0.0.0.0/0"]);
    after.rules("web", &[], &["tcp 443 0.0.0.0/0"]);
    assert_eq!(
        lines(&before, &after),
        ["- no longer lets ecs_service.web out to 0.0.0.0/0 on everything, but for 443"]
    );
    assert_eq!(lines(&after, &before), ["+ lets ecs_service.web out to 0.0.0.0/0 on everything"]);
}

/// What is new is told as far as somebody outside reaches it.
#[test]
fn a_new_environment_is_told_in_a_few_lines() {
    let mut town = Town::new();
    town.rules("alb", &["tcp 80 0.0.0.0/0", "tcp 443 0.0.0.0/0"], &["tcp 8080 web"]);
    town.rules("web", &["tcp 8080 alb"], &["tcp 443 0.0.0.0/0"]);
    let nothing = Town { objects: Vec::new() };
    assert_eq!(
        lines(&nothing, &town),
        [
            "! opens 80 and 443 of load_balancer.main to 0.0.0.0/0",
            "+ 2 connections of new objects to others and outwards, none of them from outside",
        ]
    );
    assert_eq!(lines(&town, &nothing), ["- 3 connections of objects that are deleted"]);
    // A new object that connects to one that is there opens that.
    let mut before = Town { objects: town.objects.clone() }.without("ecs_service.web");
    before.rules("web", &["tcp 8080 alb"], &["tcp 443 0.0.0.0/0", "tcp 5432 db"]);
    before.rules("db", &["tcp 5432 web"], &[]);
    let mut after = Town { objects: before.objects.clone() };
    after.objects.extend(
        town.objects
            .iter()
            .filter(|(address, _)| address.name() == "web" && address.kind() == "ecs_service")
            .cloned(),
    );
    assert_eq!(
        lines(&before, &after),
        [
            "+ opens 5432 of db_instance.main to ecs_service.web",
            "+ 2 connections of new objects to others and outwards, none of them from outside",
        ]
    );
}

/// A group whose members all let one another in grows with the square of them.
#[test]
fn too_many_to_read_are_left_out() {
    let crowd = |port: &str| {
        let mut town = Town::new();
        town.rules("web", &[&format!("tcp {port} web"), "tcp 22 0.0.0.0/0"], &[&format!("tcp {port} web")]);
        let web = town
            .objects
            .iter()
            .find(|(address, _)| address.to_string() == "ecs_service.web")
            .expect("web")
            .1
            .clone();
        for number in 0..100 {
            town.put(&format!("ecs_service.s{number}"), web.clone());
        }
        town
    };
    let (before, after) = (crowd("8080"), crowd("9090"));
    let traffic = before.traffic();
    assert!(traffic.outside_only);
    assert_eq!(traffic.edges.len(), 101, "the internet to each");
    let unsaid = "? connections of the environment's objects with one another are not compared: more than 10000";
    assert_eq!(lines(&before, &after), [unsaid]);
    let few = Town::new();
    let told = lines(&few, &after);
    assert!(told.iter().any(|line| line.starts_with("! opens 22 of ecs_service.web")), "{told:#?}");
    assert_eq!(told.last().map(String::as_str), Some(unsaid));
}
