//! `[security-groups]`: the groups with their rules, which are two kinds in AWS.

use ipnet::{IpNet, Ipv4Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::example::{Example, change};
use crate::spec::{Check, Entries, Keyed, Section, one_of};

/// `[security-groups]`.
pub struct SecurityGroups;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[security-groups.door]
name = "front-door"
description = "What the internet reaches"
ingress = [
    { ports = "443", from = "0.0.0.0/0", description = "HTTPS" },
    { ports = "443", from = "::/0", description = "HTTPS" },
    { protocol = "icmp", from = "10.40.0.0/16" },
]
egress = [{ protocol = "tcp", ports = "8000-8010", to = "shop", description = "Requests" }]

[security-groups.shop]
ingress = [{ ports = "8000-8010", from = "door" }, { protocol = "all", from = "self" }]
egress = [{ protocol = "udp", ports = "53", to = "10.40.0.2/32" }]
"#,
    changes: &[
        change(
            "{ protocol = \"icmp\", from = \"10.40.0.0/16\" },\n",
            "",
            &["update security_group_rules.door: ingress[]"],
        ),
        change(
            "\"0.0.0.0/0\", description = \"HTTPS\"",
            "\"0.0.0.0/0\", description = \"Web\"",
            &["update security_group_rules.door: ingress[]"],
        ),
        change(
            "What the internet reaches",
            "What everybody reaches",
            &[
                "replace security_group.door: description",
                "replace security_group_rules.door: group",
                "update security_group_rules.shop: ingress[]",
            ],
        ),
        change(
            "name = \"front-door\"",
            "name = \"side-door\"",
            &[
                "replace security_group.door: name",
                "replace security_group_rules.door: group",
                "update security_group_rules.shop: ingress[]",
            ],
        ),
    ],
}];

impl Section for SecurityGroups {
    const KEY: &'static str = "security-groups";
    const ENTRY_TABLE: Option<&'static str> = Some("");

    type Value = Keyed<SecurityGroup>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    fn validate(check: &mut Check<'_>) {
        validate(check);
    }
}

/// A security group. Its rules are exactly those listed: whatever else is there is taken away.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecurityGroup {
    /// The group's name; `<project>-<environment>-<key>` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// AWS cannot change it afterwards: another description means another group.
    #[serde(default = "managed")]
    pub description: String,
    #[serde(default)]
    pub ingress: Vec<Ingress>,
    #[serde(default)]
    pub egress: Vec<Egress>,
}

fn managed() -> String {
    "Managed by Baseplate".to_owned()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Icmp,
    All,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ingress {
    #[serde(default)]
    pub protocol: Protocol,
    /// A port (`"443"`) or a range (`"1024-2048"`); not for `icmp` and `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<String>,
    /// A CIDR, `self`, a security group of this spec by its key, or one that exists by its id (`sg-…`).
    pub from: String,
    #[serde(default)]
    pub description: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Egress {
    #[serde(default)]
    pub protocol: Protocol,
    /// A port (`"443"`) or a range (`"1024-2048"`); not for `icmp` and `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<String>,
    /// A CIDR, `self`, a security group of this spec by its key, or one that exists by its id (`sg-…`).
    pub to: String,
    #[serde(default)]
    pub description: String,
}

/// Reports names of security groups that are neither keys of this spec nor ids.
pub fn check_groups(check: &mut Check<'_>, path: &[&str], names: &[String]) {
    let groups = check.env.section::<SecurityGroups>();
    if names.is_empty() {
        let help = "without one AWS uses the VPC's default group: name at least one";
        check.report(path, "no security group", help);
    }
    for (index, name) in names.iter().enumerate() {
        if !groups.contains_key(name) && !name.starts_with("sg-") {
            let (help, index) = (one_of("security groups", groups.keys()), index.to_string());
            check.report(&[path, &[&index]].concat(), format!("no security group is named `{name}`"), help);
        }
    }
}

fn validate(check: &mut Check<'_>) {
    let groups = check.env.section::<SecurityGroups>();
    check.keys(&["security-groups"], groups.keys());
    for (key, group) in groups {
        if key == "self" || key.starts_with("sg-") {
            let help = "in rules `self` is the group itself, and `sg-…` the id of an existing group";
            check.report_key(&["security-groups", key], format!("`{key}` cannot be the key of a group"), help);
        }
        let ingress = group.ingress.iter().enumerate().map(|(index, rule)| {
            (index, "ingress", "from", &rule.from, rule.protocol, rule.ports.as_deref(), &rule.description)
        });
        let egress = group.egress.iter().enumerate().map(|(index, rule)| {
            (index, "egress", "to", &rule.to, rule.protocol, rule.ports.as_deref(), &rule.description)
        });
        let mut seen = Vec::new();
        for (index, way, field, peer, protocol, ports, description) in ingress.chain(egress) {
            let index = index.to_string();
            let at = |field| ["security-groups", key.as_str(), way, index.as_str(), field];
            peer_exists(check, &at(field), peer);
            if let Some((message, help)) = bad_ports(protocol, ports) {
                check.report(&at("ports"), message, help);
                continue;
            }
            // As AWS has it, whatever the spelling. Those that differ in the description alone are the rules' matter.
            let peer = if peer == "self" { key.clone() } else { canonical(peer) };
            let rule = (way, peer, protocol, ports.map(parse_ports), description);
            if seen.contains(&rule) {
                check.report(&at(field), "the same rule is listed twice", "remove one of them");
            }
            seen.push(rule);
        }
    }
}

/// A range as AWS stores it: in short form and without host bits. Other peers are as they are.
pub fn canonical(peer: &str) -> String {
    peer.parse::<IpNet>().map_or_else(|_| peer.to_owned(), |net| net.trunc().to_string())
}

/// `"443"` or `"1024-2048"`; checking the spec has refused anything else.
pub fn parse_ports(ports: &str) -> (i32, i32) {
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let port = |text: &str| text.trim().parse().unwrap_or_default();
    (port(first), port(last))
}

/// Whether it is the whole internet or a large part of it: no private range is as large, those of IPv4 have 8 bits and
/// more, those of IPv6 7.
pub fn is_world(range: &str) -> bool {
    match range.parse::<IpNet>() {
        Ok(IpNet::V4(net)) => net.prefix_len() < 8,
        Ok(IpNet::V6(net)) => net.prefix_len() < 7,
        Err(_) => false,
    }
}

fn peer_exists(check: &mut Check<'_>, path: &[&str], peer: &str) {
    if peer == "self" || peer.starts_with("sg-") || check.env.section::<SecurityGroups>().contains_key(peer) {
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
        one_of("security groups", check.env.section::<SecurityGroups>().keys())
    );
    check.report(path, format!("no security group is named `{peer}`"), help);
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
