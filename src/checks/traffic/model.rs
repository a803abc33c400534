//! How the model is made.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net};

use super::read::{Allowed, Found, Rules, Whom, Zone, found, groups, subnets};
use super::{Edge, MOST_PAIRS, Node, Objects, Obstacle, Permit, Ports, Side, Sort, Traffic};
use crate::kinds::network::security_group::SecurityGroup;
use crate::value::Target;

/// What something with interfaces of its own may reach, and who reaches it.
struct Interface {
    id: String,
    /// Of groups that are the environment's.
    ingress: Vec<Allowed>,
    egress: Vec<Allowed>,
    groups: BTreeSet<String>,
    /// `None` for a subnet that is not the environment's.
    ranges: Vec<Option<Ipv4Net>>,
    has_other_groups: bool,
    /// What keeps the internet out.
    no_way_in: Option<Obstacle>,
    no_way_out: bool,
}

struct Model {
    nodes: BTreeMap<(Sort, String), Node>,
    interfaces: Vec<Interface>,
    /// Of each group, the indices of what has it.
    members: BTreeMap<String, Vec<usize>>,
    edges: BTreeMap<(String, String, Ports), Edge>,
}

impl Traffic {
    /// Made of attributes alone, whether they are desired or live.
    pub fn of(objects: &Objects<'_>) -> Self {
        let mut model = Model {
            nodes: BTreeMap::new(),
            interfaces: Vec::new(),
            members: BTreeMap::new(),
            edges: BTreeMap::new(),
        };
        model.add_interfaces(objects);
        model.add_peers();
        let outside_only = match model.pairs() {
            Some(pairs) => {
                model.add_pairs(pairs);
                false
            }
            None => true,
        };
        let nodes: Vec<Node> = model.nodes.into_values().collect();
        let places: BTreeMap<&str, usize> = nodes.iter().map(|node| &*node.id).zip(0..).collect();
        let mut edges: Vec<Edge> = model.edges.into_values().collect();
        edges.sort_by_cached_key(|edge| {
            (places.get(&*edge.to).copied(), places.get(&*edge.from).copied(), edge.ports.clone())
        });
        Self { nodes, edges, outside_only }
    }
}

impl Model {
    fn add_interfaces(&mut self, objects: &Objects<'_>) {
        let groups = groups(objects);
        let subnets = subnets(objects);
        for Found { address, sort, groups: own_groups, subnets: own_subnets, public } in found(objects) {
            let zones: Vec<&Zone> = own_subnets.iter().filter_map(|subnet| subnets.get(subnet)).collect();
            let is_known = |subnet: &String| subnets.contains_key(subnet);
            // Of subnets that are not the environment's, nobody knows the routes here.
            let all_known = !own_subnets.is_empty() && own_subnets.iter().all(is_known);
            let no_gateway = all_known && !zones.iter().any(|zone| zone.gateway);
            let has_way_out = |zone: &&Zone| zone.nat || zone.gateway && public;
            let (own, others): (BTreeSet<String>, BTreeSet<String>) =
                own_groups.iter().cloned().partition(|group| group.starts_with(SecurityGroup::KIND));
            let rules = |side: fn(&Rules) -> &Vec<Allowed>| {
                own.iter().filter_map(|group| groups.get(group)).flat_map(side).cloned().collect::<Vec<_>>()
            };
            let interface = Interface {
                id: address.to_string(),
                ingress: rules(|rules| &rules.ingress),
                egress: rules(|rules| &rules.egress),
                groups: own_groups.clone(),
                ranges: own_subnets.iter().map(|subnet| subnets.get(subnet)?.range).collect(),
                has_other_groups: !others.is_empty(),
                no_way_in: match public {
                    false => Some(Obstacle::NoPublicAddress),
                    true => no_gateway.then_some(Obstacle::NoGateway),
                },
                no_way_out: all_known && !zones.iter().any(has_way_out),
            };
            for group in own_groups {
                self.members.entry(group).or_default().push(self.interfaces.len());
            }
            let node = Node {
                id: interface.id.clone(),
                sort,
                subnets: zones.iter().map(|zone| zone.name.clone()).collect(),
                zones: zones.iter().map(|zone| zone.zone.clone()).collect(),
                public,
                other_groups: others,
            };
            self.nodes.insert((sort, interface.id.clone()), node);
            self.interfaces.push(interface);
        }
    }

    /// What rules let through from and to who is none of the environment's.
    fn add_peers(&mut self) {
        let mut found = Vec::new();
        for own in &self.interfaces {
            let is_outside = |rule: &&Allowed| match &rule.peer {
                Whom::Group(group) => !group.starts_with(SecurityGroup::KIND) && !self.members.contains_key(group),
                _ => true,
            };
            for rule in own.ingress.iter().filter(is_outside) {
                let blocked = own.no_way_in.filter(|_| rule.peer.is_on_the_internet());
                found.push((rule.peer.name().to_owned(), own.id.clone(), rule.clone(), blocked));
            }
            for rule in own.egress.iter().filter(is_outside) {
                let stopped = own.no_way_out && rule.peer.is_on_the_internet();
                let blocked = stopped.then_some(Obstacle::NoWayOut);
                found.push((own.id.clone(), rule.peer.name().to_owned(), rule.clone(), blocked));
            }
        }
        for (from, to, rule, blocked) in found {
            let (name, sort) = (rule.peer.name().to_owned(), rule.peer.sort());
            self.nodes.entry((sort, name.clone())).or_insert_with(|| Node {
                id: name,
                sort,
                subnets: BTreeSet::new(),
                zones: BTreeSet::new(),
                public: false,
                other_groups: BTreeSet::new(),
            });
            self.add(&from, &to, &rule.ports, [&rule], blocked);
        }
    }

    /// Which of the environment's a rule of one side allows to connect; `None` where they are too many.
    fn pairs(&self) -> Option<BTreeSet<(usize, usize)>> {
        let mut pairs = BTreeSet::new();
        for (index, own) in self.interfaces.iter().enumerate() {
            for (rule, is_ingress) in
                own.ingress.iter().map(|rule| (rule, true)).chain(own.egress.iter().map(|rule| (rule, false)))
            {
                let mut add = |other: usize| {
                    pairs.insert(if is_ingress { (other, index) } else { (index, other) });
                };
                match &rule.peer {
                    Whom::Group(group) => self.members.get(group).into_iter().flatten().for_each(|it| add(*it)),
                    Whom::PrefixList(_) => {}
                    // One rule for everybody is enough where the other side names who it means.
                    Whom::World(_) if !is_ingress || own.no_way_in.is_none() => {}
                    Whom::World(_) | Whom::Range(_) => {
                        let others = self.interfaces.iter().enumerate();
                        others.filter(|(_, other)| is_peer(&rule.peer, other)).for_each(|(it, _)| add(it));
                    }
                }
            }
            if pairs.len() > MOST_PAIRS {
                return None;
            }
        }
        Some(pairs)
    }

    /// What two of the environment's have with one another.
    fn add_pairs(&mut self, pairs: BTreeSet<(usize, usize)>) {
        for (from, to) in pairs {
            let mut found: Vec<(Ports, Vec<Allowed>, Option<Obstacle>)> = Vec::new();
            let (one, other) = (&self.interfaces[from], &self.interfaces[to]);
            let outs: Vec<&Allowed> = one.egress.iter().filter(|rule| is_peer(&rule.peer, other)).collect();
            let ins: Vec<&Allowed> = other.ingress.iter().filter(|rule| is_peer(&rule.peer, one)).collect();
            let is_world = |rule: &Allowed| matches!(rule.peer, Whom::World(_));
            let is_group = |rule: &Allowed| matches!(rule.peer, Whom::Group(_));
            let mut met = BTreeSet::new();
            for (number, rule_in) in ins.iter().enumerate() {
                for (count, rule_out) in outs.iter().enumerate() {
                    let Some(ports) = rule_out.ports.both(&rule_in.ports) else { continue };
                    met.insert((Side::Ingress, number));
                    met.insert((Side::Egress, count));
                    // The internet has the same.
                    if !(is_world(rule_in) && other.no_way_in.is_none() && is_world(rule_out)) {
                        found.push((ports, vec![(*rule_out).clone(), (*rule_in).clone()], None));
                    }
                }
            }
            for (side, rules, unknown, obstacle) in [
                (Side::Ingress, &ins, one.has_other_groups, Obstacle::Egress),
                (Side::Egress, &outs, other.has_other_groups, Obstacle::Ingress),
            ] {
                for (number, rule) in rules.iter().enumerate() {
                    // Only who is named by a group is meant for certain.
                    if is_group(rule) && (unknown || !met.contains(&(side, number))) {
                        let blocked = (!unknown).then_some(obstacle);
                        found.push((rule.ports.clone(), vec![(*rule).clone()], blocked));
                    }
                }
            }
            let (from, to) = (one.id.clone(), other.id.clone());
            for (ports, rules, blocked) in found {
                self.add(&from, &to, &ports, &rules, blocked);
            }
        }
    }

    fn add<'r>(
        &mut self,
        from: &str,
        to: &str,
        ports: &Ports,
        rules: impl IntoIterator<Item = &'r Allowed>,
        blocked: Option<Obstacle>,
    ) {
        let rules: BTreeSet<Permit> = rules.into_iter().map(|rule| rule.permit.clone()).collect();
        let edge = self.edges.entry((from.to_owned(), to.to_owned(), ports.clone())).or_insert_with(|| Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            ports: ports.clone(),
            effective: false,
            blocked: BTreeSet::new(),
            rules: BTreeSet::new(),
            change: None,
            not_in_spec: false,
            by_hand: false,
        });
        match blocked {
            // What comes about has no obstacle, whatever another rule lacks.
            Some(_) if edge.effective => {}
            Some(obstacle) => {
                edge.blocked.insert(obstacle);
                edge.rules.extend(rules);
            }
            None => {
                if !edge.effective {
                    edge.rules.clear();
                    edge.blocked.clear();
                }
                edge.effective = true;
                edge.rules.extend(rules);
            }
        }
    }
}

/// Whether the rule's peer is it, or may be.
fn is_peer(peer: &Whom, other: &Interface) -> bool {
    match peer {
        Whom::Group(group) => other.groups.contains(group),
        Whom::PrefixList(_) => false,
        Whom::World(range) | Whom::Range(range) => {
            let Ok(IpNet::V4(range)) = range.parse() else { return false };
            let overlaps = |own: &Ipv4Net| own.contains(&range) || range.contains(own);
            other.ranges.is_empty() || other.ranges.iter().any(|own| own.as_ref().is_none_or(overlaps))
        }
    }
}
