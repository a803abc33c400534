//! `[network]`: the VPC and its subnets, from which everything in this folder but the groups derives.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::example::{Example, change};
use crate::spec::{Check, Entries, Environment, Keyed, Section, TextPart, Unknown, one_of};
use crate::value::Part;

/// The VPC and what belongs to it: a new one by `cidr`, or an existing one by `vpc`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
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

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[network]
name = "town"
nat = "single"
dns-support = true
dns-hostnames = true
"#,
    changes: &[
        change(
            "\"single\"",
            "\"per-zone\"",
            &[
                "create elastic_ip.nat-public-b",
                "create nat_gateway.public-b",
                "create route_table.private-eu-central-1a",
                "create route_table.private-eu-central-1b",
                "delete route_table.private",
            ],
        ),
        change("dns-hostnames = true", "dns-hostnames = false", &["update vpc.main: dns_hostnames"]),
        change(
            "\"per-zone\"",
            "\"none\"",
            &[
                "create route_table.private",
                "delete elastic_ip.nat-public-a",
                "delete elastic_ip.nat-public-b",
                "delete nat_gateway.public-a",
                "delete nat_gateway.public-b",
                "delete route_table.private-eu-central-1a",
                "delete route_table.private-eu-central-1b",
            ],
        ),
        change("name = \"town\"", "name = \"village\"", &["update vpc.main: tags.Name"]),
    ],
}];

impl Section for Network {
    const KEY: &'static str = "network";
    const REQUIRED: bool = true;
    const TEXTS: &'static [TextPart] = &[("network.vpc", "the id of the VPC")];
    const ENTRY_TABLE: Option<&'static str> = Some("subnets");
    /// A subnet has no name but what a tag says.
    const NAMED_BY_KEY: bool = false;

    type Value = Self;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(&mut value.subnets)
    }

    fn validate(check: &mut Check<'_>) {
        network(check);
        subnets(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        match (path, &env.section::<Self>().vpc) {
            ("vpc", Some(id)) => Ok(Part::Literal(id.clone())),
            ("vpc", None) => Ok(Part::output("vpc", "main", "id")),
            _ => Err(Unknown::field(Self::KEY, path, "vpc")),
        }
    }
}

impl Network {
    /// The zones that the subnets of a tier lie in.
    pub fn zones(&self, tier: Tier) -> BTreeSet<&str> {
        let subnets = self.subnets.values().filter(|subnet| subnet.tier == tier);
        subnets.map(|subnet| subnet.zone.as_str()).collect()
    }

    /// The zones that the subnets of these keys lie in.
    fn zones_of<'a>(&'a self, keys: &'a [String]) -> BTreeSet<&'a str> {
        keys.iter().filter_map(|key| self.subnets.get(key)).map(|subnet| subnet.zone.as_str()).collect()
    }
}

/// Reports subnets named by key that are not there.
pub fn check_subnets(check: &mut Check<'_>, path: &[&str], keys: Option<&Vec<String>>) {
    let subnets = &check.env.section::<Network>().subnets;
    for (index, key) in keys.into_iter().flatten().enumerate().filter(|(_, key)| !subnets.contains_key(key)) {
        let (help, index) = (one_of("subnets", subnets.keys()), index.to_string());
        check.report(&[path, &[&index]].concat(), format!("no subnet is named `{key}`"), help);
    }
}

/// Reports named subnets that are not there, and that they lie in fewer than the two zones which `user` ("a database")
/// needs.
pub fn check_two_zones(check: &mut Check<'_>, path: &[&str], keys: &Vec<String>, user: &str) {
    check_subnets(check, path, Some(keys));
    if check.env.section::<Network>().zones_of(keys).len() < 2 {
        check.report(path, format!("{user} needs subnets in two zones"), "add one in another zone");
    }
}

/// Reports that all subnets of a tier lie in fewer than the two zones which `user` ("a database") needs.
pub fn check_tier(check: &mut Check<'_>, tier: Tier, user: &str) {
    let zones = check.env.section::<Network>().zones(tier).len();
    if zones < 2 {
        let tier = if tier == Tier::Public { "public" } else { "private" };
        let zones = if zones == 1 { "only one zone" } else { "no zone" };
        let message = format!("the {tier} subnets are in {zones}; {user} needs two");
        check.report(&["network", "subnets"], message, format!("add a {tier} subnet in another zone"));
    }
}

fn network(check: &mut Check<'_>) {
    let network = check.env.section::<Network>();
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
    let public = network.zones(Tier::Public).len();
    if network.nat != Nat::None && public == 0 {
        check.report(&["network", "nat"], "a NAT gateway needs a public subnet", "add one, or set nat = \"none\"");
    }
    if network.vpc.is_some() && network.nat != Nat::None {
        check.report(
            &["network", "nat"],
            "NAT gateways of an existing VPC are not managed",
            "leave `nat` out: the subnets' own route tables decide",
        );
    }
}

fn subnets(check: &mut Check<'_>) {
    let network = check.env.section::<Network>();
    check.keys(&["network", "subnets"], network.subnets.keys());
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
                "set `network.vpc` to the VPC that it is in, or give the subnet a `cidr`",
            ),
            (Some(_), Some(_), Some(_)) => {
                check.report(&at("cidr"), "an existing subnet already has its range", "leave `cidr` out");
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
        if let Some(vpc) = network.cidr.filter(|vpc| !vpc.contains(&cidr)) {
            check.report(&at("cidr"), format!("{cidr} is outside the VPC's {vpc}"), "choose a range within it");
        }
        if let Some((other, range)) = placed.iter().find(|(_, range)| range.contains(&cidr) || cidr.contains(range))
        {
            let message = format!("{cidr} overlaps {range} of subnet `{other}`");
            check.report(&at("cidr"), message, "give each subnet a range of its own");
        }
        placed.push((key, cidr));
    }
}
