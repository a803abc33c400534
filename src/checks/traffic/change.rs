//! What a plan changes in who may reach whom, and what of the live rules is not the spec's.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sides::{ByHand, Sides, desired, is_touched};
use super::{Edge, MOST_PAIRS, Move, Node, Obstacle, Ports, Sort, Traffic};
use crate::graph::Graph;
use crate::plan::ExecutionPlan;

/// So many names stand in a line.
const NAMES: usize = 4;

/// What a plan changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficChange {
    /// In words: what opens to the world first, then what else opens, then what closes. What is inside of new and of
    /// deleted objects is only counted.
    pub lines: Vec<Line>,
    /// All of the model afterwards, and what closes; `change` says what is new and what goes.
    #[serde(flatten)]
    pub traffic: Traffic,
}

/// `opens 5432 of db_instance.payload to 0.0.0.0/0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Whether it opens something to the internet.
    pub to_the_world: bool,
    /// `None` for what cannot be said.
    pub change: Option<Move>,
    pub text: String,
}

impl Line {
    /// With a sign for who sees no colour: `!` for what opens to the internet, `+` for what else opens, `-` for what closes,
    /// `?` for what cannot be said.
    pub fn marked(&self) -> String {
        format!("{} {}", self.sign(), self.text)
    }

    pub fn sign(&self) -> &'static str {
        match (self.to_the_world, self.change) {
            (true, _) => "!",
            (false, Some(Move::Opened)) => "+",
            (false, Some(Move::Closed)) => "-",
            (false, None) => "?",
        }
    }
}

impl TrafficChange {
    /// `None` where the plan changes nothing in it. `graph` is what the plan was made against.
    pub fn of(graph: &Graph, execution: &ExecutionPlan) -> Option<Self> {
        if !is_touched(execution) {
            return None;
        }
        let sides = Sides::of(graph, execution);
        Self::between(&Traffic::of(&sides.before), &Traffic::of(&sides.after))
    }

    /// `None` where the two let the same through.
    pub fn between(before: &Traffic, after: &Traffic) -> Option<Self> {
        let outside_only = before.outside_only || after.outside_only;
        if outside_only && !(before.outside_only && after.outside_only) {
            return Self::between(&before.outside(), &after.outside());
        }
        let comparison = Comparison {
            before,
            after,
            was: by_ends(before),
            is: by_ends(after),
            was_there: by_id(before),
            is_there: by_id(after),
        };
        let mut lines = comparison.lines();
        if outside_only {
            let text = format!(
                "connections of the environment's objects with one another are not compared: more than {MOST_PAIRS}"
            );
            lines.push(Line { to_the_world: false, change: None, text });
        }
        (!lines.is_empty()).then(|| Self { lines, traffic: comparison.picture() })
    }
}

impl Traffic {
    /// Without what the environment's own have with one another.
    fn outside(&self) -> Self {
        let own: BTreeSet<&str> =
            self.nodes.iter().filter(|node| node.sort.is_own()).map(|node| &*node.id).collect();
        let edges = self.edges.iter().filter(|edge| !(own.contains(&*edge.from) && own.contains(&*edge.to)));
        Self { nodes: self.nodes.clone(), edges: edges.cloned().collect(), outside_only: true }
    }

    /// What is live, by a plan that only looks. What the spec would not let through is marked.
    pub fn live(graph: &Graph, execution: &ExecutionPlan) -> Self {
        let mut live = Self::of(&Sides::of(graph, execution).before);
        let wanted = Self::of(&desired(graph));
        let (wanted, by_hand) = (by_ends(&wanted), ByHand::of(execution));
        for edge in &mut live.edges {
            let same = wanted.get(&(&*edge.from, &*edge.to)).into_iter().flatten();
            let same = same.filter(|other| other.effective || !edge.effective).map(|other| &other.ports);
            edge.not_in_spec = !edge.ports.without(same).is_empty();
            edge.by_hand = edge.not_in_spec && by_hand.concerns(edge);
        }
        live
    }
}

type Ends<'a> = (&'a str, &'a str);

/// What rules let through, by who connects to whom.
fn by_ends(traffic: &Traffic) -> BTreeMap<Ends<'_>, Vec<&Edge>> {
    let mut ends: BTreeMap<_, Vec<&Edge>> = BTreeMap::new();
    for edge in traffic.edges.iter().filter(|edge| edge.is_let_through()) {
        ends.entry((&*edge.from, &*edge.to)).or_default().push(edge);
    }
    ends
}

struct Comparison<'a> {
    before: &'a Traffic,
    after: &'a Traffic,
    was: BTreeMap<Ends<'a>, Vec<&'a Edge>>,
    is: BTreeMap<Ends<'a>, Vec<&'a Edge>>,
    was_there: BTreeMap<&'a str, &'a Node>,
    is_there: BTreeMap<&'a str, &'a Node>,
}

fn by_id(traffic: &Traffic) -> BTreeMap<&str, &Node> {
    traffic.nodes.iter().map(|node| (&*node.id, node)).collect()
}

/// What one line says of one pair.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said<'a> {
    to_the_world: bool,
    change: Move,
    from: &'a str,
    to: &'a str,
    ports: Ports,
    /// It is open, and yet something else is in the way.
    but: Option<Obstacle>,
    /// Something between the two stays open.
    keeps: Option<String>,
}

impl<'a> Comparison<'a> {
    /// What comes and goes between two. What a missing way to the internet stops is told as well, once, since that way
    /// may come.
    fn said(&self) -> Vec<Said<'a>> {
        let mut said = BTreeSet::new();
        let both: BTreeSet<&Ends<'a>> = self.was.keys().chain(self.is.keys()).collect();
        for ends in both {
            let none = Vec::new();
            let (was, is) = (self.was.get(ends).unwrap_or(&none), self.is.get(ends).unwrap_or(&none));
            let mut add = |change, own: &[&'a Edge], other: &[&'a Edge]| {
                for edge in own {
                    let others = other.iter().filter(|other| other.effective || !edge.effective);
                    let keeps = edge.ports.is_everything() && !other.is_empty();
                    for ports in edge.ports.without(others.map(|other| &other.ports)) {
                        said.insert(Said {
                            to_the_world: change == Move::Opened && self.is_internet(ends.0),
                            change,
                            from: ends.0,
                            to: ends.1,
                            ports,
                            but: edge.blocked.first().copied(),
                            keeps: keeps.then(|| {
                                list(&other.iter().map(|other| other.ports.to_string()).collect::<Vec<_>>())
                            }),
                        });
                    }
                }
            };
            add(Move::Opened, is, was);
            add(Move::Closed, was, is);
        }
        said.into_iter().collect()
    }

    fn node(&self, id: &str) -> Option<&'a Node> {
        self.is_there.get(id).or_else(|| self.was_there.get(id)).copied()
    }

    fn is_internet(&self, id: &str) -> bool {
        self.node(id).is_some_and(|node| node.sort == Sort::Internet)
    }

    fn is_own(&self, id: &str) -> bool {
        self.node(id).is_some_and(|node| node.sort.is_own())
    }

    /// Whether it is part of what comes or goes as a whole, which nobody reads one by one: all of what goes, and of what
    /// is new what nobody outside reaches.
    fn is_folded(&self, said: &Said<'_>) -> bool {
        let own = if self.is_own(said.to) { said.to } else { said.from };
        match said.change {
            Move::Closed => !self.is_there.contains_key(own),
            Move::Opened => !self.was_there.contains_key(own) && (self.is_own(said.from) || own == said.from),
        }
    }

    fn lines(&self) -> Vec<Line> {
        let (folded, told): (Vec<_>, Vec<_>) = self.said().into_iter().partition(|said| self.is_folded(said));
        // Ports of one pair in a line, and then pairs that differ in one end only.
        let mut ports: BTreeMap<_, Vec<Ports>> = BTreeMap::new();
        for said in told {
            let Said { to_the_world, change, from, to, but, keeps, ports: own } = said;
            ports.entry((to_the_world, change, from, to, but, keeps)).or_default().push(own);
        }
        let mut ends: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for ((to_the_world, change, from, to, but, keeps), mut own) in ports {
            own.sort_by_key(|ports| (ports.protocol != "tcp", ports.clone()));
            let is_in = self.is_own(to);
            let own = list(&own.iter().map(Ports::to_string).collect::<Vec<_>>());
            ends.entry((!to_the_world, change, to, own, but, keeps, is_in)).or_default().push(from);
        }
        let lines = ends.into_iter().map(|((inside, change, to, ports, but, keeps, is_in), from)| {
            let from = list(&from.into_iter().map(str::to_owned).collect::<Vec<_>>());
            let mut text = match (change, is_in) {
                (Move::Opened, true) => format!("opens {ports} of {to} to {from}"),
                (Move::Closed, true) => format!("closes {ports} of {to} from {from}"),
                (Move::Opened, false) => format!("lets {from} out to {to} on {ports}"),
                (Move::Closed, false) => format!("no longer lets {from} out to {to} on {ports}"),
            };
            // What remains of the same, such as IPv6, is no exception to it.
            if let (Some(keeps), Move::Closed) = (keeps.filter(|keeps| *keeps != ports), change) {
                text += &format!(", but for {keeps}");
            }
            if let (Some(but), Move::Opened) = (but, change) {
                text += &format!(" (not reachable from there yet: {})", but.words());
            }
            Line { to_the_world: !inside, change: Some(change), text }
        });
        lines.chain(self.counted(&folded)).collect()
    }

    fn counted(&self, folded: &[Said<'_>]) -> impl Iterator<Item = Line> {
        let pairs = |change: Move| {
            let own = folded.iter().filter(|said| said.change == change);
            own.map(|said| (said.from, said.to)).collect::<BTreeSet<_>>().len()
        };
        let say = |change, what: &str| {
            let count = pairs(change);
            let s = if count == 1 { "" } else { "s" };
            let text = format!("{count} connection{s} {what}");
            (count > 0).then_some(Line { to_the_world: false, change: Some(change), text })
        };
        let opened = say(Move::Opened, "of new objects to others and outwards, none of them from outside");
        let closed = say(Move::Closed, "of objects that are deleted");
        opened.into_iter().chain(closed)
    }

    /// Both models as one: the later, and what goes.
    fn picture(&self) -> Traffic {
        let mark = |edge: &Edge, other: &BTreeMap<Ends<'_>, Vec<&Edge>>, change: Move| {
            let same = other.get(&(&*edge.from, &*edge.to)).into_iter().flatten();
            let same = same.filter(|other| other.effective || !edge.effective).map(|other| &other.ports);
            let moves = edge.is_let_through() && !edge.ports.without(same).is_empty();
            Edge { change: moves.then_some(change), ..edge.clone() }
        };
        let mut edges: Vec<Edge> =
            self.after.edges.iter().map(|edge| mark(edge, &self.was, Move::Opened)).collect();
        let gone = self.before.edges.iter().map(|edge| mark(edge, &self.is, Move::Closed));
        let gone: Vec<Edge> = gone.filter(|edge| edge.change.is_some()).collect();
        // Of what closes, nobody needs to see that one side is still open.
        let closed: BTreeSet<Ends<'_>> = gone.iter().map(|edge| (&*edge.from, &*edge.to)).collect();
        let is_rest = |edge: &Edge| closed.contains(&(&*edge.from, &*edge.to));
        edges.retain(|edge| edge.is_let_through() || !is_rest(edge));
        edges.extend(gone);
        let mut nodes = self.after.nodes.clone();
        nodes.extend(self.before.nodes.iter().filter(|node| !self.is_there.contains_key(&*node.id)).cloned());
        let ends: BTreeSet<&str> = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]).collect();
        nodes.retain(|node| node.sort.is_own() || ends.contains(&*node.id));
        nodes.sort_by(|one, other| (one.sort, &one.id).cmp(&(other.sort, &other.id)));
        Traffic { nodes, edges, outside_only: self.after.outside_only }
    }
}

/// `a, b and c`; of many, the first and how many more.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        few if few.len() <= NAMES => {
            let (last, others) = (few.last().cloned().unwrap_or_default(), &few[..few.len() - 1]);
            format!("{} and {last}", others.join(", "))
        }
        many => format!("{} and {} more", many[..NAMES - 1].join(", "), many.len() - NAMES + 1),
    }
}
