use ipnet::Ipv4Net;

use super::{Check, one_of};
use crate::spec::{Nat, Problem, Protocol, Tier};

pub fn network(check: &mut Check<'_>) {
    let network = &check.env.network;
    match (&network.cidr, &network.vpc) {
        (None, None) => check.report(
            &["network"],
            "the network has neither `cidr` nor `vpc`",
            "give the range of a new VPC (cidr = \"10.20.0.0/16\") or the id of an existing one (vpc = \"vpc-…\")",
        ),
        (Some(_), Some(_)) => check.report(
            &["network", "vpc"],
            "the network has both `cidr` and `vpc`",
            "`cidr` makes a new VPC, `vpc` uses an existing one: keep one of them",
        ),
        _ => {}
    }
    if let Some(cidr) = network.cidr
        && !(16..=28).contains(&cidr.prefix_len())
    {
        check.report(&["network", "cidr"], format!("{cidr} is not a VPC's size"), "AWS takes /16 to /28");
    }
    if network.vpc.is_some() && network.nat != Nat::None {
        check.report(
            &["network", "nat"],
            "NAT gateways of an existing VPC are left alone",
            "leave `nat` out: the subnets' own route tables decide",
        );
    }
    subnets(check);
    zones(check);
}

fn subnets(check: &mut Check<'_>) {
    let network = &check.env.network;
    let mut placed: Vec<(&str, Ipv4Net)> = Vec::new();
    for (key, subnet) in &network.subnets {
        let path = ["network", "subnets", key.as_str()];
        let at = |field| ["network", "subnets", key.as_str(), field];
        if !subnet.zone.starts_with(&check.env.region) || subnet.zone.len() != check.env.region.len() + 1 {
            let message = format!("zone `{}` is not in region {}", subnet.zone, check.env.region);
            check.report(&at("zone"), message, format!("as in {}a", check.env.region));
        }
        match (subnet.cidr, &subnet.id, &network.vpc) {
            (None, None, None) => {
                check.report(&path, "the subnet has no `cidr`", "give its range within the VPC's");
            }
            (_, None, Some(_)) => check.report(
                &path,
                "a subnet of an existing VPC needs its `id`",
                "Baseplate creates no subnets in a VPC that it did not make",
            ),
            (_, Some(_), None) => check.report(
                &at("id"),
                "an existing subnet needs an existing VPC",
                "set `network.vpc` to the VPC it lies in, or give the subnet a `cidr`",
            ),
            (Some(_), Some(_), Some(_)) => {
                check.report(&at("cidr"), "an existing subnet has its range already", "leave `cidr` out");
            }
            _ => {}
        }
        let Some(cidr) = subnet.cidr else { continue };
        if cidr.trunc() != cidr {
            check.report(
                &at("cidr"),
                format!("{cidr} has host bits set"),
                format!("did you mean {}?", cidr.trunc()),
            );
        }
        if !(16..=28).contains(&cidr.prefix_len()) {
            check.report(&at("cidr"), format!("{cidr} is not a subnet's size"), "AWS takes /16 to /28");
        }
        if let Some(vpc) = network.cidr.filter(|vpc| !vpc.contains(&cidr)) {
            check.report(&at("cidr"), format!("{cidr} lies outside the VPC's {vpc}"), "take a range within it");
        }
        if let Some((other, range)) = placed.iter().find(|(_, range)| range.contains(&cidr) || cidr.contains(range))
        {
            let message = format!("{cidr} overlaps {range} of subnet `{other}`");
            check.report(&at("cidr"), message, "give each subnet a range of its own");
        }
        placed.push((key, cidr));
    }
}

fn zones(check: &mut Check<'_>) {
    let count = |tier| {
        let subnets = check.env.network.subnets.values().filter(|subnet| subnet.tier == tier);
        subnets.map(|subnet| subnet.zone.as_str()).collect::<std::collections::BTreeSet<_>>().len()
    };
    let (public, private) = (count(Tier::Public), count(Tier::Private));
    let needs_public = check.env.load_balancer.as_ref().is_some_and(|lb| lb.subnets.is_none() && !lb.internal);
    if needs_public && public < 2 {
        let message = format!("public subnets lie in {public} zone(s), a load balancer needs two");
        check.report(&["network", "subnets"], message, "add a public subnet in another zone");
    }
    if private < 2 && check.env.databases.values().any(|database| database.subnets.is_none()) {
        let message = format!("private subnets lie in {private} zone(s), a database needs two");
        check.report(&["network", "subnets"], message, "add a private subnet in another zone");
    }
    if check.env.network.nat != Nat::None && public == 0 {
        check.report(&["network", "nat"], "a NAT gateway needs a public subnet", "add one, or set nat = \"none\"");
    }
}

pub fn security_groups(check: &mut Check<'_>) {
    for (key, group) in &check.env.security_groups {
        if key == "self" || key.starts_with("sg-") {
            let help = "in rules `self` is the group itself, and `sg-…` the id of an existing group";
            check.report_key(&["security-groups", key], format!("`{key}` cannot be the key of a group"), help);
        }
        check.name(&["security-groups", key, "name"], group.name.as_ref(), 255);
        if group.name.as_ref().is_some_and(|name| name.starts_with("sg-")) {
            check.report(
                &["security-groups", key, "name"],
                "a group's name may not begin with `sg-`",
                "AWS keeps that for ids",
            );
        }
        let rules = group.ingress.iter().map(|rule| ("ingress", "from", &rule.from, rule.protocol, &rule.ports));
        let mut seen = Vec::new();
        for (index, (way, field, peer, protocol, ports)) in rules.enumerate().chain(
            group.egress.iter().map(|rule| ("egress", "to", &rule.to, rule.protocol, &rule.ports)).enumerate(),
        ) {
            let index = index.to_string();
            let at = |field| ["security-groups", key.as_str(), way, index.as_str(), field];
            peer_exists(check, &at(field), peer);
            if let Some((message, help)) = bad_ports(protocol, ports.as_deref()) {
                check.report(&at("ports"), message, help);
            }
            if seen.contains(&(way, peer, protocol, ports)) {
                check.report(&at(field), "the same rule stands here twice", "take one of them out");
            }
            seen.push((way, peer, protocol, ports));
        }
        if group.ingress.len().max(group.egress.len()) > 60 {
            check.report(&["security-groups", key], "more than 60 rules one way", "AWS takes 60 a group: split it");
        }
    }
}

fn peer_exists(check: &mut Check<'_>, path: &[&str], peer: &str) {
    if peer == "self" || peer.starts_with("sg-") || check.env.security_groups.contains_key(peer) {
        return;
    }
    if peer.contains('/') {
        match peer.parse::<Ipv4Net>() {
            Err(_) if peer.parse::<ipnet::Ipv6Net>().is_err() => {
                check.report(path, format!("`{peer}` is not a CIDR"), "as in 10.20.0.0/16 or 0.0.0.0/0");
            }
            Ok(net) if net.trunc() != net => {
                check.report(path, format!("{net} has host bits set"), format!("did you mean {}?", net.trunc()));
            }
            _ => {}
        }
        return;
    }
    let help = format!(
        "a CIDR, `self`, `sg-…`, or a key; {}",
        one_of("security groups", check.env.security_groups.keys())
    );
    let problem = Problem::at(path, format!("no security group is called `{peer}`"), help);
    check.problems.push(problem);
}

fn bad_ports(protocol: Protocol, ports: Option<&str>) -> Option<(String, &'static str)> {
    let numbered = matches!(protocol, Protocol::Tcp | Protocol::Udp);
    match (numbered, ports) {
        (true, None) => Some(("the rule has no ports".to_owned(), "add ports = \"443\" or ports = \"1024-2048\"")),
        (false, Some(_)) => Some(("this protocol has no ports".to_owned(), "leave `ports` out")),
        (false, None) => None,
        (true, Some(text)) => {
            let (low, high) = text.split_once('-').unwrap_or((text, text));
            match (low.parse::<u16>(), high.parse::<u16>()) {
                (Ok(low), Ok(high)) if low <= high => None,
                _ => Some((
                    format!("`{text}` is not a port or a range"),
                    "as in \"443\" or \"1024-2048\", up to 65535",
                )),
            }
        }
    }
}
