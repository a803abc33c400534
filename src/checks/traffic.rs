//! Who may reach whom on which ports: a value made from the attributes of an environment's objects, desired or live. A
//! connection between two needs both sides: the egress of one and the ingress of the other.

mod change;
mod model;
mod ports;
mod read;
mod sides;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value::Address;

pub use change::{Line, TrafficChange};
pub use ports::Ports;
pub use sides::{Sides, desired};

/// Objects by address, their references by address where it is known. What is no part of the model is ignored.
pub type Objects<'a> = BTreeMap<Address, Cow<'a, Value>>;

/// The model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// By sort, then by name: those of the environment, and the peers that their rules name.
    pub nodes: Vec<Node>,
    /// In the order of the nodes that they lead to. What two have only because each is open to everybody is left out
    /// where the internet has the same.
    pub edges: Vec<Edge>,
    /// Whether what the environment's own have with one another is left out, since it is more than [`MOST_PAIRS`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_only: bool,
}

/// As many pairs of the environment's own are looked at. Nobody reads more, and where all share a group that lets its
/// members in, they grow with the square of what there is.
pub const MOST_PAIRS: usize = 10_000;

/// Somebody who may connect, or be connected to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// An address, a CIDR range, or the id of a prefix list or of a security group.
    pub id: String,
    pub sort: Sort,
    /// The subnets that it is in, by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub subnets: BTreeSet<String>,
    /// The availability zones of those.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub zones: BTreeSet<String>,
    /// Whether it has a public address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
    /// Security groups that it has and that are not of this environment: what their rules let through is not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub other_groups: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// `0.0.0.0/0`, `::/0`, or a part of the internet that is larger than any network's own.
    Internet,
    /// Another range of addresses.
    Range,
    PrefixList,
    /// A security group that is none of this environment's, or that nothing of it has.
    Group,
    LoadBalancer,
    Service,
    Database,
}

impl Sort {
    /// Whether it is an object of the environment.
    pub fn is_own(self) -> bool {
        matches!(self, Self::LoadBalancer | Self::Service | Self::Database)
    }
}

/// Rules that let somebody through, or would if nothing else were in the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The id of the node that connects.
    pub from: String,
    /// The id of the node that is connected to.
    pub to: String,
    #[serde(flatten)]
    pub ports: Ports,
    /// Whether the connection comes about.
    pub effective: bool,
    /// What is in the way, if it does not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub blocked: BTreeSet<Obstacle>,
    /// The rules that bring it about.
    pub rules: BTreeSet<Permit>,
    /// What a plan does to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Move>,
    /// Live, and not in the spec.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_in_spec: bool,
    /// Of what is not in the spec: whether somebody made it by hand, and the spec did not merely have it before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

impl Edge {
    /// Whether the rules of both sides let it through, although the way to or from the internet may be missing.
    pub fn is_let_through(&self) -> bool {
        !self.blocked.iter().any(|obstacle| matches!(obstacle, Obstacle::Egress | Obstacle::Ingress))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    Opened,
    Closed,
}

/// What is in the way of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// The security groups of who connects let nothing out to there.
    Egress,
    /// The security groups of who is connected to let nothing in from there.
    Ingress,
    /// Who is connected to has no public address.
    NoPublicAddress,
    /// No subnet of it has a route to an internet gateway.
    NoGateway,
    /// No subnet of who connects has a way out: NAT, or an internet gateway for what has a public address.
    NoWayOut,
}

impl Obstacle {
    /// In words, after "but": "it has no public address".
    pub fn words(self) -> &'static str {
        match self {
            Self::Egress => "the egress rules of who connects do not let it out",
            Self::Ingress => "the ingress rules of the other side do not let it in",
            Self::NoPublicAddress => "it has no public address",
            Self::NoGateway => "its subnets have no route to an internet gateway",
            Self::NoWayOut => "its subnets have no way out to the internet",
        }
    }
}

/// One rule of one side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Permit {
    /// The `security_group_rules` that it is one of.
    pub address: Address,
    pub side: Side,
    /// `tcp 5432`, and whom the rule names: `0.0.0.0/0`, `security_group.web`.
    pub ports: String,
    pub peer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Egress,
    Ingress,
}

impl Side {
    /// As the attribute is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }
}

impl Traffic {
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
