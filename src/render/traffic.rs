//! Who may reach whom, as a drawing: what its forms have in common.

mod dot;
mod mermaid;

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::traffic::{Edge, Move, Node, Obstacle, Sort, Traffic};

pub use dot::dot;
pub use mermaid::mermaid;

/// More connections than this make no drawing that anybody can read, and GitHub draws no Mermaid with more than 500.
const MOST: usize = 400;
/// From so many objects on, a plan's drawing leaves out those that it changes nothing of.
const MANY: usize = 40;

/// All connections between two that are in the same state.
pub struct Link<'a> {
    pub from: &'a Node,
    pub to: &'a Node,
    pub state: State,
    /// Whether the internet connects.
    pub world: bool,
    edges: Vec<&'a Edge>,
}

/// In the order in which they are drawn, one over the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Blocked,
    Open,
    NotInSpec,
    Closed,
    Opened,
    ByHand,
}

impl State {
    fn of(edge: &Edge) -> Self {
        match edge.change {
            _ if edge.by_hand => Self::ByHand,
            _ if edge.not_in_spec => Self::NotInSpec,
            Some(Move::Opened) => Self::Opened,
            Some(Move::Closed) => Self::Closed,
            None if !edge.effective => Self::Blocked,
            None => Self::Open,
        }
    }

    /// The class in the style of the drawing.
    pub fn class(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Open => "open",
            Self::NotInSpec => "not-in-spec",
            Self::Closed => "closed",
            Self::Opened => "opened",
            Self::ByHand => "by-hand",
        }
    }

    /// What the legend says of it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Blocked => "(blocked): one side or a route does not let it through",
            Self::Open => "may connect",
            Self::NotInSpec => "[not in the spec]: an apply closes it",
            Self::Closed => "− closed by the plan",
            Self::Opened => "+ opened by the plan",
            Self::ByHand => "[by hand]: somebody made it, an apply closes it",
        }
    }
}

impl Link<'_> {
    /// `80, 443`, with what tells its state without a colour.
    pub fn label(&self) -> String {
        let ports = self.edges.iter().map(|edge| edge.ports.to_string()).collect::<Vec<_>>().join(", ");
        let blocked = if self.edges.iter().any(|edge| edge.effective) { "" } else { " (blocked)" };
        match self.state {
            State::Open => ports,
            State::Blocked => format!("{ports} (blocked)"),
            State::NotInSpec => format!("{ports} [not in the spec]{blocked}"),
            State::Closed => format!("− {ports}"),
            State::Opened => format!("+ {ports}{blocked}"),
            State::ByHand => format!("{ports} [by hand]{blocked}"),
        }
    }

    /// The rules that bring it about: `security_group_rules.alb egress, security_group_rules.web ingress`.
    pub fn rules(&self) -> String {
        let rules = self.edges.iter().flat_map(|edge| &edge.rules);
        let rules: BTreeSet<String> = rules.map(|rule| format!("{} {}", rule.address, rule.side.word())).collect();
        rules.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// What is in the way, if anything is.
    pub fn obstacles(&self) -> Option<String> {
        let found: BTreeSet<Obstacle> = self.edges.iter().flat_map(|edge| edge.blocked.iter().copied()).collect();
        let words = found.into_iter().map(Obstacle::words).collect::<Vec<_>>().join(", ");
        (!words.is_empty()).then_some(words)
    }

    /// All that is to say of it: who, on which ports, by which rules, and what is in the way.
    pub fn title(&self) -> String {
        let but = self.obstacles().map(|words| format!("; {words}")).unwrap_or_default();
        format!("{} to {}: {}, by {}{but}", self.from.id, self.to.id, self.label(), self.rules())
    }
}

/// The connections, those of one pair and one state together, in the order of the model.
pub fn links(traffic: &Traffic) -> Vec<Link<'_>> {
    let nodes: BTreeMap<&str, (usize, &Node)> =
        traffic.nodes.iter().enumerate().map(|(place, node)| (&*node.id, (place, node))).collect();
    let mut links: BTreeMap<(usize, usize, State), Link<'_>> = BTreeMap::new();
    for edge in &traffic.edges {
        let (Some((from, one)), Some((to, other))) = (nodes.get(&*edge.from), nodes.get(&*edge.to)) else {
            continue;
        };
        let state = State::of(edge);
        let link = links.entry((*to, *from, state)).or_insert_with(|| Link {
            from: one,
            to: other,
            state,
            world: one.sort == Sort::Internet,
            edges: Vec::new(),
        });
        link.edges.push(edge);
    }
    links.into_values().collect()
}

/// The parts of a drawing from left to right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Outside,
    LoadBalancers,
    Services,
    Databases,
}

impl Tier {
    pub const ALL: [Self; 4] = [Self::Outside, Self::LoadBalancers, Self::Services, Self::Databases];

    pub fn of(sort: Sort) -> Self {
        match sort {
            Sort::LoadBalancer => Self::LoadBalancers,
            Sort::Service => Self::Services,
            Sort::Database => Self::Databases,
            Sort::Internet | Sort::Range | Sort::PrefixList | Sort::Group => Self::Outside,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Outside => "from outside",
            Self::LoadBalancers => "load balancers",
            Self::Services => "services",
            Self::Databases => "databases",
        }
    }
}

/// What stands above a peer's name.
pub fn sort_words(sort: Sort) -> &'static str {
    match sort {
        Sort::Internet => "the internet",
        Sort::Range => "address range",
        Sort::PrefixList => "prefix list",
        Sort::Group => "other security group",
        Sort::LoadBalancer => "load balancer",
        Sort::Service => "service",
        Sort::Database => "database",
    }
}

/// The name of a node in its tier.
pub fn name(node: &Node) -> &str {
    match node.id.split_once('.') {
        Some((_, name)) if node.sort.is_own() => name,
        _ => &node.id,
    }
}

/// What of a plan's model is drawn: all of a small one, and of a large one those that something changes of. `None` where
/// that is more than anybody can read.
pub fn drawn(traffic: &Traffic) -> Option<Traffic> {
    let mut traffic = traffic.clone();
    if traffic.nodes.len() > MANY {
        let changed: Vec<&Edge> = traffic.edges.iter().filter(|edge| edge.change.is_some()).collect();
        let ends: BTreeSet<String> = changed.iter().flat_map(|edge| [edge.from.clone(), edge.to.clone()]).collect();
        traffic.nodes.retain(|node| ends.contains(&node.id));
        traffic.edges.retain(|edge| ends.contains(&edge.from) && ends.contains(&edge.to));
    }
    (traffic.edges.len() <= MOST).then_some(traffic)
}
