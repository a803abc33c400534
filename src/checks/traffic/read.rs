//! What the model is made of, as attributes have it.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::Deserialize;

use super::super::reach::is_public;
use super::{Objects, Permit, Ports, Side, Sort};
use crate::kinds::Kind;
use crate::kinds::compute::ecs_service::EcsService;
use crate::kinds::data::db_instance::DbInstance;
use crate::kinds::data::db_subnet_group::DbSubnetGroup;
use crate::kinds::edge::load_balancer::LoadBalancer;
use crate::kinds::network::route_table::{RouteTable, Via};
use crate::kinds::network::security_group::SecurityGroup;
use crate::kinds::network::security_group::section::is_world;
use crate::kinds::network::security_group_rules::{Peer, Rule, SecurityGroupRules};
use crate::kinds::network::subnet::Subnet;
use crate::value::{Address, Ref, Target};

/// One rule of a group.
#[derive(Clone)]
pub struct Allowed {
    pub permit: Permit,
    pub ports: Ports,
    pub peer: Whom,
}

/// Whom a rule names.
#[derive(Clone, PartialEq)]
pub enum Whom {
    World(String),
    Range(String),
    PrefixList(String),
    Group(String),
}

impl Whom {
    fn of(peer: &Peer) -> Self {
        match peer {
            Peer::Cidr(range) if is_world(range) => Self::World(range.clone()),
            Peer::Cidr(range) => Self::Range(range.clone()),
            Peer::PrefixList(id) => Self::PrefixList(id.clone()),
            Peer::Group(group) => Self::Group(id(group)),
        }
    }

    pub fn name(&self) -> &str {
        let (Self::World(name) | Self::Range(name) | Self::PrefixList(name) | Self::Group(name)) = self;
        name
    }

    pub fn sort(&self) -> Sort {
        match self {
            Self::World(_) => Sort::Internet,
            Self::Range(_) => Sort::Range,
            Self::PrefixList(_) => Sort::PrefixList,
            Self::Group(_) => Sort::Group,
        }
    }

    /// Whether the way to it is the internet.
    pub fn is_on_the_internet(&self) -> bool {
        match self {
            Self::World(_) => true,
            Self::Range(range) => is_public(range),
            Self::PrefixList(_) | Self::Group(_) => false,
        }
    }
}

/// The address of what is referred to, or the id of what is not the environment's.
fn id<K: Target>(reference: &Ref<K>) -> String {
    match reference {
        Ref::To { address, .. } => address.to_string(),
        Ref::Id { id, .. } => id.clone(),
    }
}

fn all<'a, K: Kind>(objects: &'a Objects<'_>) -> impl Iterator<Item = (&'a Address, K::Attrs)> {
    let of_kind = objects.iter().filter(|(address, _)| address.kind() == K::KIND);
    of_kind.filter_map(|(address, attrs)| Some((address, K::Attrs::deserialize(&**attrs).ok()?)))
}

/// A subnet, and whether its route table leads to the internet by a gateway or by NAT.
pub struct Zone {
    pub name: String,
    pub zone: String,
    pub range: Option<Ipv4Net>,
    pub gateway: bool,
    pub nat: bool,
}

/// What has interfaces, with the ids of its groups and subnets.
pub struct Found<'a> {
    pub address: &'a Address,
    pub sort: Sort,
    pub groups: BTreeSet<String>,
    pub subnets: BTreeSet<String>,
    /// Whether it has a public address.
    pub public: bool,
}

impl<'a> Found<'a> {
    fn new(
        address: &'a Address,
        sort: Sort,
        groups: &BTreeSet<Ref<SecurityGroup>>,
        subnets: &BTreeSet<Ref<Subnet>>,
        public: bool,
    ) -> Self {
        let (groups, subnets) = (groups.iter().map(id).collect(), subnets.iter().map(id).collect());
        Self { address, sort, groups, subnets, public }
    }
}

pub fn found<'a>(objects: &'a Objects<'_>) -> Vec<Found<'a>> {
    let subnet_groups: BTreeMap<String, BTreeSet<Ref<Subnet>>> =
        all::<DbSubnetGroup>(objects).map(|(address, attrs)| (address.to_string(), attrs.subnets)).collect();
    let balancers = all::<LoadBalancer>(objects).map(|(address, attrs)| {
        let public = attrs.scheme != "internal";
        Found::new(address, Sort::LoadBalancer, &attrs.security_groups, &attrs.subnets, public)
    });
    let services = all::<EcsService>(objects).map(|(address, attrs)| {
        Found::new(address, Sort::Service, &attrs.security_groups, &attrs.subnets, attrs.public_ip)
    });
    let databases = all::<DbInstance>(objects).map(|(address, attrs)| {
        let subnets = subnet_groups.get(&id(&attrs.subnet_group)).cloned().unwrap_or_default();
        Found::new(address, Sort::Database, &attrs.security_groups, &subnets, attrs.publicly_accessible)
    });
    balancers.chain(services).chain(databases).collect()
}

pub struct Rules {
    pub ingress: Vec<Allowed>,
    pub egress: Vec<Allowed>,
}

/// The rules of each group, by its address.
pub fn groups(objects: &Objects<'_>) -> BTreeMap<String, Rules> {
    let rules = all::<SecurityGroupRules>(objects).map(|(address, attrs)| {
        let allowed = |side: Side, rules: &BTreeSet<Rule>| {
            let one = |rule: &Rule| {
                let (ports, peer) = (Ports::of(rule), Whom::of(&rule.peer));
                let permit = Permit {
                    address: address.clone(),
                    side,
                    ports: ports.to_string(),
                    peer: peer.name().to_owned(),
                };
                Allowed { permit, ports, peer }
            };
            rules.iter().map(one).collect()
        };
        let (ingress, egress) = (allowed(Side::Ingress, &attrs.ingress), allowed(Side::Egress, &attrs.egress));
        (Address::new(SecurityGroup::KIND, address.name()).to_string(), Rules { ingress, egress })
    });
    rules.collect()
}

/// Subnets by address, with what their route tables lead to.
pub fn subnets(objects: &Objects<'_>) -> BTreeMap<String, Zone> {
    let mut subnets: BTreeMap<String, Zone> = all::<Subnet>(objects)
        .map(|(address, attrs)| {
            let (name, range) = (address.name().to_owned(), attrs.cidr.parse().ok());
            (address.to_string(), Zone { name, zone: attrs.zone, range, gateway: false, nat: false })
        })
        .collect();
    for (_, table) in all::<RouteTable>(objects) {
        for subnet in &table.subnets {
            let Some(zone) = subnets.get_mut(&id(subnet)) else { continue };
            zone.gateway |= table.routes.iter().any(|route| matches!(route.via, Via::Gateway(_)));
            zone.nat |= table.routes.iter().any(|route| matches!(route.via, Via::Nat(_) | Via::Other(_)));
        }
    }
    subnets
}

/// Whether attributes of this kind are a part of the model.
pub fn is_part(kind: &str) -> bool {
    let parts = [
        LoadBalancer::KIND,
        EcsService::KIND,
        DbInstance::KIND,
        DbSubnetGroup::KIND,
        SecurityGroupRules::KIND,
        Subnet::KIND,
        RouteTable::KIND,
    ];
    parts.contains(&kind)
}

/// The attributes of these kinds that are.
pub const PARTS: [&str; 12] = [
    "cidr",
    "egress",
    "group",
    "ingress",
    "public_ip",
    "publicly_accessible",
    "routes",
    "scheme",
    "security_groups",
    "subnet_group",
    "subnets",
    "zone",
];
