//! Who may reach whom: what the rules of security groups let through, and which subnets have a way out. Where something
//! is not the spec's (an existing group, VPC or prefix list), it is taken to let through what it may let through.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;

use crate::graph::{DesiredObject, Graph};
use crate::kinds::Kind;
use crate::kinds::compute::ecs_service::EcsService;
use crate::kinds::data::db_instance::DbInstance;
use crate::kinds::data::db_subnet_group::DbSubnetGroup;
use crate::kinds::edge::listener::{Action, Listener};
use crate::kinds::edge::listener_rule::ListenerRule;
use crate::kinds::edge::load_balancer::LoadBalancer;
use crate::kinds::network::route_table::{RouteTable, Via};
use crate::kinds::network::security_group::SecurityGroup;
use crate::kinds::network::security_group_rules::{Peer, Rule, SecurityGroupRules};
use crate::kinds::network::subnet::Subnet;
use crate::value::{Address, Ref, Target};

/// The model: interfaces by address, and what the groups let through.
pub struct Reach<'a> {
    graph: &'a Graph,
    by_address: HashMap<&'a Address, &'a DesiredObject>,
    groups: BTreeMap<String, Rules>,
    subnets: BTreeMap<String, Zone>,
}

struct Rules {
    ingress: BTreeSet<Rule>,
    egress: BTreeSet<Rule>,
}

/// A subnet: its range, and whether its route table leads to the internet by a gateway or by NAT.
struct Zone {
    range: Option<Ipv4Net>,
    gateway: bool,
    nat: bool,
}

/// Something with network interfaces of its own.
pub struct Interface {
    groups: BTreeSet<Ref<SecurityGroup>>,
    subnets: BTreeSet<Ref<Subnet>>,
}

/// One side of what may be in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The groups of who connects let nothing out to there.
    Egress,
    /// The groups of who is connected to let nothing in from there.
    Ingress,
}

impl<'a> Reach<'a> {
    pub fn of(graph: &'a Graph) -> Self {
        let rules = all::<SecurityGroupRules>(graph).map(|(object, attrs)| {
            (object.address.name().to_owned(), Rules { ingress: attrs.ingress, egress: attrs.egress })
        });
        let mut subnets: BTreeMap<String, Zone> = all::<Subnet>(graph)
            .map(|(object, attrs)| {
                (
                    object.address.name().to_owned(),
                    Zone { range: attrs.cidr.parse().ok(), gateway: false, nat: false },
                )
            })
            .collect();
        for (_, table) in all::<RouteTable>(graph) {
            for subnet in &table.subnets {
                let Some(zone) = key(subnet).and_then(|key| subnets.get_mut(key)) else { continue };
                zone.gateway |= table.routes.iter().any(|route| matches!(route.via, Via::Gateway(_)));
                zone.nat |= table.routes.iter().any(|route| matches!(route.via, Via::Nat(_) | Via::Other(_)));
            }
        }
        let by_address = graph.objects.iter().map(|object| (&object.address, object)).collect();
        Self { graph, by_address, groups: rules.collect(), subnets }
    }

    /// The object at an address.
    pub fn object(&self, address: &Address) -> Option<&'a DesiredObject> {
        self.by_address.get(address).copied()
    }

    /// The attributes of the object of this kind and name.
    fn attrs<K: Kind>(&self, name: &str) -> Option<K::Attrs> {
        K::Attrs::deserialize(&*self.object(&Address::new(K::KIND, name))?.attrs).ok()
    }

    /// A service's interface.
    pub fn service(&self, name: &str) -> Option<Interface> {
        self.attrs::<EcsService>(name).map(|attrs| Interface::of_service(&attrs))
    }

    /// Every service with its address and attributes.
    pub fn services(&self) -> impl Iterator<Item = (&'a Address, <EcsService as Kind>::Attrs)> {
        all::<EcsService>(self.graph).map(|(object, attrs)| (&object.address, attrs))
    }

    pub fn load_balancers(&self) -> impl Iterator<Item = (&'a Address, <LoadBalancer as Kind>::Attrs)> {
        all::<LoadBalancer>(self.graph).map(|(object, attrs)| (&object.address, attrs))
    }

    /// The names of the target groups that a load balancer sends to, by its listeners and their rules.
    pub fn targets(&self, balancer: &Address) -> BTreeSet<String> {
        let own =
            all::<Listener>(self.graph).filter(|(_, attrs)| key(&attrs.load_balancer) == Some(balancer.name()));
        let listeners: BTreeMap<&str, Action> =
            own.map(|(object, attrs)| (object.address.name(), attrs.default_action)).collect();
        let rules = all::<ListenerRule>(self.graph)
            .filter(|(_, attrs)| key(&attrs.listener).is_some_and(|name| listeners.contains_key(name)))
            .map(|(_, attrs)| attrs.action);
        let target = |action: Action| match action {
            Action::Forward { target_group, .. } => key(&target_group).map(str::to_owned),
            _ => None,
        };
        rules.chain(listeners.values().cloned()).filter_map(target).collect()
    }

    /// A database's interface and port.
    pub fn database(&self, name: &str) -> Option<(Interface, i32)> {
        let attrs = self.attrs::<DbInstance>(name)?;
        let group = key(&attrs.subnet_group).and_then(|key| self.attrs::<DbSubnetGroup>(key));
        let subnets = group.map(|group| group.subnets).unwrap_or_default();
        Some((Interface { groups: attrs.security_groups, subnets }, attrs.port))
    }

    /// What is in the way of TCP connections from one to the other.
    pub fn blocked(&self, from: &Interface, to: &Interface, port: i32) -> Vec<Blocked> {
        let lets = |own: &Interface, peer: &Interface, side: fn(&Rules) -> &BTreeSet<Rule>| {
            self.any(own, side, |rule| takes(rule, port) && self.is_peer(&rule.peer, peer))
        };
        let egress = (!lets(from, to, |rules| &rules.egress)).then_some(Blocked::Egress);
        let ingress = (!lets(to, from, |rules| &rules.ingress)).then_some(Blocked::Ingress);
        egress.into_iter().chain(ingress).collect()
    }

    /// Whether the groups let something out on this port to addresses that are nobody's own.
    pub fn leaves(&self, from: &Interface, port: i32) -> bool {
        self.any(from, |rules| &rules.egress, |rule| takes(rule, port) && is_on_the_internet(&rule.peer))
    }

    /// Whether the groups let anybody in on this port.
    pub fn is_entered(&self, to: &Interface, port: i32) -> bool {
        self.any(to, |rules| &rules.ingress, |rule| takes(rule, port))
    }

    /// The first of its subnets that has no way to the internet: by NAT, or by a gateway for what has a public address.
    pub fn cut_off(&self, own: &Interface, has_public_address: bool) -> Option<&str> {
        let mut subnets = own.subnets.iter().filter_map(|subnet| self.subnets.get_key_value(key(subnet)?));
        let cut = subnets.find(|(_, zone)| !(zone.nat || zone.gateway && has_public_address))?;
        Some(cut.0)
    }

    /// Whether a rule of one of the groups is as `holds` asks. Of an existing group nothing is known: it may have one.
    fn any(&self, own: &Interface, side: fn(&Rules) -> &BTreeSet<Rule>, holds: impl Fn(&Rule) -> bool) -> bool {
        own.groups.iter().any(|group| match key(group).and_then(|key| self.groups.get(key)) {
            Some(rules) => side(rules).iter().any(&holds),
            None => true,
        })
    }

    fn is_peer(&self, peer: &Peer, interface: &Interface) -> bool {
        match peer {
            Peer::Group(group) => interface.groups.contains(group),
            Peer::PrefixList(_) => true,
            Peer::Cidr(range) => {
                let Ok(IpNet::V4(range)) = range.parse() else { return false };
                let overlaps = |own: &Ipv4Net| own.contains(&range) || range.contains(own);
                let known = interface
                    .subnets
                    .iter()
                    .map(|subnet| self.subnets.get(key(subnet).unwrap_or_default()).and_then(|zone| zone.range));
                let known: Vec<Option<Ipv4Net>> = known.collect();
                known.is_empty() || known.iter().any(|own| own.as_ref().is_none_or(overlaps))
            }
        }
    }
}

impl Interface {
    pub fn of_service(attrs: &<EcsService as Kind>::Attrs) -> Self {
        Self { groups: attrs.security_groups.clone(), subnets: attrs.subnets.clone() }
    }

    pub fn of_load_balancer(attrs: &<LoadBalancer as Kind>::Attrs) -> Self {
        Self { groups: attrs.security_groups.clone(), subnets: attrs.subnets.clone() }
    }
}

/// Whether a rule takes TCP on this port.
fn takes(rule: &Rule, port: i32) -> bool {
    match rule.protocol.as_str() {
        "-1" => true,
        "tcp" | "6" => (rule.from_port..=rule.to_port).contains(&port),
        _ => false,
    }
}

/// Whether a rule's peer may be on the internet.
fn is_on_the_internet(peer: &Peer) -> bool {
    match peer {
        Peer::PrefixList(_) => true,
        Peer::Group(_) => false,
        Peer::Cidr(range) => is_public(range),
    }
}

/// Whether a range of addresses has some that are nobody's own.
pub fn is_public(range: &str) -> bool {
    match range.parse() {
        Ok(IpNet::V4(range)) => !(range.network().is_private() && range.broadcast().is_private()),
        Ok(IpNet::V6(_)) => true,
        Err(_) => false,
    }
}

/// The key of the spec that a reference leads to; `None` for an existing object.
pub fn key<K: Target>(reference: &Ref<K>) -> Option<&str> {
    match reference {
        Ref::To { address, .. } => Some(address.name()),
        _ => None,
    }
}

/// The objects of a kind with their attributes.
pub fn all<K: Kind>(graph: &Graph) -> impl Iterator<Item = (&DesiredObject, K::Attrs)> {
    let of_kind = graph.objects.iter().filter(|object| object.kind.name() == K::KIND);
    of_kind.filter_map(|object| Some((object, K::Attrs::deserialize(&*object.attrs).ok()?)))
}
