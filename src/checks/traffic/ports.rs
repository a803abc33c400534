use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::network::security_group_rules::Rule;

/// What a rule takes: one protocol, and a range of its ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Ports {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, another one's number, or `-1` for all.
    pub protocol: String,
    /// The first port; for ICMP the type. -1 for all.
    pub from_port: i32,
    /// The last port; for ICMP the code. -1 for all.
    pub to_port: i32,
}

/// How AWS says "all" of protocols and of ports.
const ALL: &str = "-1";
const ANY: i32 = -1;
const LAST: i32 = 65535;

impl Ports {
    /// Numbers of protocols that have a name are replaced by it.
    pub fn of(rule: &Rule) -> Self {
        let protocol = match rule.protocol.as_str() {
            "6" => "tcp",
            "17" => "udp",
            "1" => "icmp",
            "58" => "icmpv6",
            other => other,
        };
        let (from_port, to_port) = match (protocol, rule.from_port) {
            ("tcp" | "udp", ANY) => (0, LAST),
            ("tcp" | "udp" | "icmp" | "icmpv6", from) => (from, rule.to_port),
            _ => (ANY, ANY),
        };
        Self { protocol: protocol.to_owned(), from_port, to_port }
    }

    pub fn is_everything(&self) -> bool {
        self.protocol == ALL
    }

    fn has_ports(&self) -> bool {
        matches!(self.protocol.as_str(), "tcp" | "udp")
    }

    /// What both take.
    pub fn both(&self, other: &Self) -> Option<Self> {
        match (self.is_everything(), other.is_everything()) {
            (true, _) => return Some(other.clone()),
            (_, true) => return Some(self.clone()),
            _ => {}
        }
        if self.protocol != other.protocol {
            return None;
        }
        if !self.has_ports() {
            // The type and the code of ICMP, each of which may be any.
            let both = |one: i32, other: i32| match (one, other) {
                (ANY, other) => Some(other),
                (one, ANY) => Some(one),
                (one, other) => (one == other).then_some(one),
            };
            let (from_port, to_port) = (both(self.from_port, other.from_port)?, both(self.to_port, other.to_port)?);
            return Some(Self { protocol: self.protocol.clone(), from_port, to_port });
        }
        let (from_port, to_port) = (self.from_port.max(other.from_port), self.to_port.min(other.to_port));
        (from_port <= to_port).then(|| Self { protocol: self.protocol.clone(), from_port, to_port })
    }

    /// Whether it takes all that the other does.
    pub fn covers(&self, other: &Self) -> bool {
        self.both(other).as_ref() == Some(other)
    }

    /// What is left without those of the others.
    pub fn without<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Vec<Self> {
        let mut left = vec![self.clone()];
        for other in others {
            left = left.iter().flat_map(|one| one.minus(other)).collect();
        }
        left
    }

    fn minus(&self, other: &Self) -> Vec<Self> {
        if other.covers(self) {
            return Vec::new();
        }
        let Some(shared) = self.both(other).filter(|_| self.has_ports()) else { return vec![self.clone()] };
        let below =
            (self.from_port < shared.from_port).then(|| Self { to_port: shared.from_port - 1, ..self.clone() });
        let above = (shared.to_port < self.to_port).then(|| Self { from_port: shared.to_port + 1, ..self.clone() });
        below.into_iter().chain(above).collect()
    }
}

/// `5432`, `8000-8010`, `udp 53`, `all tcp`, `icmp`, `everything`: TCP goes without saying.
impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, from_port, to_port } = self;
        match (protocol.as_str(), *from_port, *to_port) {
            (ALL, ..) => f.write_str("everything"),
            ("tcp" | "udp", 0, LAST) => write!(f, "all {protocol}"),
            ("tcp", from, to) if from == to => write!(f, "{from}"),
            ("tcp", from, to) => write!(f, "{from}-{to}"),
            ("udp", from, to) if from == to => write!(f, "udp {from}"),
            ("udp", from, to) => write!(f, "udp {from}-{to}"),
            ("icmp" | "icmpv6", ANY, _) => f.write_str(protocol),
            ("icmp" | "icmpv6", kind, ANY) => write!(f, "{protocol} type {kind}"),
            ("icmp" | "icmpv6", kind, code) => write!(f, "{protocol} type {kind} code {code}"),
            (number, ..) => write!(f, "protocol {number}"),
        }
    }
}
