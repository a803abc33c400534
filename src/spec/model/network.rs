use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::Keyed;

/// The VPC and what belongs to it: a new one by `cidr`, or an existing one by `vpc`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Network {
    /// The address range of a VPC to create, /16 to /28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "ipv4-cidr"))]
    pub cidr: Option<Ipv4Net>,
    /// The id of an existing VPC. Its gateways and route tables are left alone, and its subnets are named by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^vpc-[0-9a-f]+$"))]
    pub vpc: Option<String>,
    /// The VPC's name; `<project>-<environment>` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How private subnets reach the internet.
    #[serde(default)]
    pub nat: Nat,
    /// Whether instances get DNS host names; private DNS names need it.
    #[serde(default = "yes")]
    pub dns_hostnames: bool,
    /// Whether the Amazon resolver answers; private DNS names need it.
    #[serde(default = "yes")]
    pub dns_support: bool,
    /// Where things run, by tier and zone.
    pub subnets: Keyed<Subnet>,
}

fn yes() -> bool {
    true
}

/// NAT gateways: they cost by the hour, so there may be none, one, or one a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    #[default]
    None,
    Single,
    PerZone,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subnet {
    pub tier: Tier,
    /// The availability zone, as in `eu-central-1a`.
    pub zone: String,
    /// The address range of a subnet to create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "ipv4-cidr"))]
    pub cidr: Option<Ipv4Net>,
    /// The id of an existing subnet, in an existing VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^subnet-[0-9a-f]+$"))]
    pub id: Option<String>,
}

/// A public subnet's default route is the internet gateway; a private one's is a NAT gateway, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    Public,
    Private,
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
