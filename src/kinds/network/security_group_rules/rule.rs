use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::kinds::network::security_group::section::{Egress, Ingress, Protocol, canonical, is_world, parse_ports};
use crate::kinds::network::security_group::{self, SecurityGroup};
use crate::spec::Environment;
use crate::value::Ref;

#[cfg(feature = "aws")]
pub(in crate::kinds::network) use calls::flatten;

/// One rule: one protocol, one range of ports, one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, another one's number, or `-1` for all.
    pub protocol: String,
    /// The first port; for ICMP the type. -1 for all.
    pub from_port: i32,
    /// The last port; for ICMP the code. -1 for all.
    pub to_port: i32,
    #[serde(flatten, deserialize_with = "peer")]
    pub peer: Peer,
    pub description: String,
}

/// Where traffic comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// An IPv4 or IPv6 address range.
    Cidr(String),
    #[serde(rename = "security_group", alias = "group")]
    Group(Ref<SecurityGroup>),
    /// A prefix list's id, which no spec asks for.
    PrefixList(String),
}

/// Cloud files of earlier versions hold the peer under a name of its own.
fn peer<'de, D: Deserializer<'de>>(rule: D) -> Result<Peer, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Nested { peer: Peer },
        Flat(Peer),
    }
    Stored::deserialize(rule).map(|(Stored::Nested { peer } | Stored::Flat(peer))| peer)
}

/// How AWS says "all" of protocols and of ports.
const ALL: &str = "-1";

const ANY: i32 = -1;

impl Rule {
    pub(super) fn ingress(env: &Environment, group: &str, rule: &Ingress) -> Self {
        Self::wanted(env, group, rule.protocol, rule.ports.as_deref(), &rule.from, &rule.description)
    }

    pub(super) fn egress(env: &Environment, group: &str, rule: &Egress) -> Self {
        Self::wanted(env, group, rule.protocol, rule.ports.as_deref(), &rule.to, &rule.description)
    }

    fn wanted(
        env: &Environment,
        group: &str,
        protocol: Protocol,
        ports: Option<&str>,
        peer: &str,
        description: &str,
    ) -> Self {
        let peer = match peer {
            "self" => Peer::Group(Ref::to(group)),
            range if range.contains('/') => Peer::Cidr(canonical(range)),
            name => Peer::Group(security_group::reference(env, name)),
        };
        let protocol = match (protocol, &peer) {
            (Protocol::Tcp, _) => "tcp",
            (Protocol::Udp, _) => "udp",
            (Protocol::Icmp, Peer::Cidr(range)) if range.contains(':') => "icmpv6",
            (Protocol::Icmp, _) => "icmp",
            (Protocol::All, _) => ALL,
        };
        let (from_port, to_port) = match protocol {
            "tcp" | "udp" => ports.map_or((0, 65535), parse_ports),
            _ => (ANY, ANY),
        };
        Self { protocol: protocol.to_owned(), from_port, to_port, peer, description: description.to_owned() }
    }

    /// Whether the two differ in nothing but the description, which AWS holds to be one rule.
    pub(super) fn allows_the_same(&self, other: &Self) -> bool {
        (&self.protocol, self.from_port, self.to_port, &self.peer)
            == (&other.protocol, other.from_port, other.to_port, &other.peer)
    }

    /// Whether it lets through all that the other does. Which group a reference to one yet to be created leads to is
    /// not known: it may be the next one of the same.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let ports = self.from_port == ANY || (self.from_port <= other.from_port && other.to_port <= self.to_port);
        let protocol = self.protocol == ALL || (self.protocol == other.protocol && ports);
        protocol
            && match (&self.peer, &other.peer) {
                (Peer::Cidr(wide), Peer::Cidr(narrow)) => contains(wide, narrow),
                (Peer::Group(Ref::To { .. }), Peer::Group(_)) => true,
                (one, other) => one == other,
            }
    }

    /// Whether anybody on the internet is let through, or a part of it that is larger than any network's own.
    pub(in crate::kinds::network) fn is_for_everybody(&self) -> bool {
        matches!(&self.peer, Peer::Cidr(range) if is_world(range))
    }

    /// Whether it is for the same peer and protocol, on whichever ports.
    pub(super) fn is_for_same_peer(&self, other: &Self) -> bool {
        (&self.protocol, &self.peer) == (&other.protocol, &other.peer)
    }
}

/// A rule as a plan's JSON has it, in words: `tcp 443 from 0.0.0.0/0 "HTTPS"`.
pub(in crate::kinds::network) fn in_words(is_out: bool, rule: &Value) -> Option<String> {
    let protocol = rule["protocol"].as_str()?;
    let traffic = match (rule["from_port"].as_i64()?, rule["to_port"].as_i64()?) {
        (0, 65535) => format!("{protocol} all ports"),
        (from, to) => traffic(protocol, from, to),
    };
    let peer = ["cidr", "security_group", "prefix_list"].iter().find_map(|key| rule[key].as_str())?;
    let description = rule["description"].as_str().filter(|text| !text.is_empty());
    let description = description.map(|text| format!(" \"{text}\"")).unwrap_or_default();
    Some(format!("{traffic} {} {peer}{description}", if is_out { "to" } else { "from" }))
}

/// `tcp 22`, `udp 1024-2048`, `all traffic`.
fn traffic(protocol: &str, from: i64, to: i64) -> String {
    let protocol = if protocol == ALL { "all traffic" } else { protocol };
    match (from, to) {
        (from, _) if from == i64::from(ANY) => protocol.to_owned(),
        (from, to) if from == to => format!("{protocol} {from}"),
        (from, to) => format!("{protocol} {from}-{to}"),
    }
}

/// `tcp 22 from 0.0.0.0/0`; a group by its address, or its id.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&traffic(&self.protocol, self.from_port.into(), self.to_port.into()))?;
        match &self.peer {
            Peer::Cidr(peer) | Peer::PrefixList(peer) => write!(f, " from {peer}"),
            Peer::Group(group) => write!(f, " from {group:?}"),
        }
    }
}

fn contains(wide: &str, narrow: &str) -> bool {
    match (wide.parse::<IpNet>(), narrow.parse::<IpNet>()) {
        (Ok(wide), Ok(narrow)) => wide.contains(&narrow),
        _ => wide == narrow,
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::BTreeSet;

    use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};

    use super::*;

    impl Rule {
        /// The rule as calls take it. An empty description is left out, by which AWS removes one.
        pub(in crate::kinds) fn permission(&self) -> IpPermission {
            let description = (!self.description.is_empty()).then(|| self.description.clone());
            let permission =
                IpPermission::builder().ip_protocol(&self.protocol).from_port(self.from_port).to_port(self.to_port);
            let permission = match &self.peer {
                Peer::Cidr(range) if range.contains(':') => permission
                    .ipv6_ranges(Ipv6Range::builder().cidr_ipv6(range).set_description(description).build()),
                Peer::Cidr(range) => {
                    permission.ip_ranges(IpRange::builder().cidr_ip(range).set_description(description).build())
                }
                Peer::Group(group) => permission.user_id_group_pairs(
                    UserIdGroupPair::builder().group_id(group.value()).set_description(description).build(),
                ),
                Peer::PrefixList(id) => permission.prefix_list_ids(
                    PrefixListId::builder().prefix_list_id(id).set_description(description).build(),
                ),
            };
            permission.build()
        }
    }

    /// AWS groups rules that share protocol and ports into one permission with many peers: one rule each.
    pub(in crate::kinds::network) fn flatten(permissions: &[IpPermission]) -> BTreeSet<Rule> {
        permissions.iter().flat_map(rules).collect()
    }

    fn rules(permission: &IpPermission) -> Vec<Rule> {
        let protocol = permission.ip_protocol().unwrap_or(ALL);
        let rule = |peer: Peer, description: Option<&str>| Rule {
            protocol: protocol.to_owned(),
            // Left out where the protocol has no ports.
            from_port: permission.from_port().unwrap_or(ANY),
            to_port: permission.to_port().unwrap_or(ANY),
            peer,
            description: description.unwrap_or_default().to_owned(),
        };
        let mut rules = Vec::new();
        for range in permission.ip_ranges() {
            rules.extend(range.cidr_ip().map(|cidr| rule(Peer::Cidr(cidr.to_owned()), range.description())));
        }
        for range in permission.ipv6_ranges() {
            rules.extend(range.cidr_ipv6().map(|cidr| rule(Peer::Cidr(canonical(cidr)), range.description())));
        }
        for pair in permission.user_id_group_pairs() {
            rules.extend(pair.group_id().map(|id| rule(Peer::Group(Ref::id(id)), pair.description())));
        }
        for list in permission.prefix_list_ids() {
            rules.extend(list.prefix_list_id().map(|id| rule(Peer::PrefixList(id.to_owned()), list.description())));
        }
        rules
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn one_permission_with_many_peers_is_many_rules() {
            let permission = IpPermission::builder()
                .ip_protocol("tcp")
                .from_port(443)
                .to_port(443)
                .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("office").build())
                .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
                .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-1").user_id("1").build())
                .build();
            let rules = flatten(&[permission]);
            assert_eq!(rules.len(), 3);
            assert!(rules.iter().any(|rule| rule.peer == Peer::Group(Ref::id("sg-1"))));
            let again: Vec<IpPermission> = rules.iter().map(Rule::permission).collect();
            assert_eq!(flatten(&again), rules);
        }

        #[test]
        fn a_protocol_without_ports_reads_as_all() {
            let permission = IpPermission::builder()
                .ip_protocol("-1")
                .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
                .build();
            let rules = flatten(&[permission]);
            assert!(rules.iter().all(|rule| (rule.from_port, rule.to_port) == (ANY, ANY)));
            assert_eq!(rules.len(), 1);
        }

        #[test]
        fn ports_and_ranges_are_read_as_aws_stores_them() {
            assert_eq!(parse_ports("443"), (443, 443));
            assert_eq!(parse_ports("1024-2048"), (1024, 2048));
            assert_eq!(canonical("10.1.2.3/16"), "10.1.0.0/16");
            assert_eq!(canonical("2001:0db8::/32"), "2001:db8::/32");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_in_a_plan_is_said_in_words() {
        let rule = |protocol: &str, from: i32, to: i32, description: &str| json!({ "protocol": protocol, "from_port": from, "to_port": to, "cidr": "0.0.0.0/0", "description": description });
        let words = |rule| in_words(false, &rule).unwrap_or_default();
        assert_eq!(words(rule("tcp", 443, 443, "HTTPS")), "tcp 443 from 0.0.0.0/0 \"HTTPS\"");
        assert_eq!(words(rule("udp", 1024, 2048, "")), "udp 1024-2048 from 0.0.0.0/0");
        assert_eq!(words(rule("tcp", 0, 65535, "")), "tcp all ports from 0.0.0.0/0");
        assert_eq!(words(rule("-1", -1, -1, "")), "all traffic from 0.0.0.0/0");
        let out =
            json!({ "protocol": "tcp", "from_port": 80, "to_port": 80, "security_group": "security_group.web" });
        assert_eq!(in_words(true, &out).as_deref(), Some("tcp 80 to security_group.web"));
        assert_eq!(in_words(true, &json!("tcp")), None);
    }
}
