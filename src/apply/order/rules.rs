//! The rules of the order, one function each.
//!
//! Two hold throughout: what serves goes last, after what replaces it is ready; and nothing is deleted for the sake
//! of something that cannot be made yet.

use std::collections::{BTreeMap, HashMap, HashSet};

use petgraph::Direction;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef};
use serde_json::Value;

use super::{Edge, Node, Operation, Phase};
use crate::plan::{Action, Change, ExecutionPlan, Step, WriteMode};
use crate::value::Address;

pub(super) fn graph(execution: &ExecutionPlan, create_first: &[bool]) -> DiGraph<Node, Edge> {
    let mut rules = Rules::new(execution, create_first);
    rules.dependencies_first();
    rules.users_let_go();
    let dependents = rules.dependents();
    rules.replacements(&dependents);
    rules.second_phases(&dependents);
    rules.unreferenced_users_first();
    // In this order, since each gives way to those before it: that no object is lost counts for more than that requests
    // are served meanwhile, and that for more than a preference.
    rules.nothing_goes_too_early();
    rules.updates_in_waves();
    rules.what_serves_goes_last();
    rules.creations_follow();
    rules.graph
}

/// The operations of one step.
#[derive(Clone, Copy, Default)]
struct Nodes {
    write: Option<NodeIndex>,
    finish: Option<NodeIndex>,
    remove: Option<NodeIndex>,
}

impl Nodes {
    /// The operation after which the object refers to nothing any more but what its spec names.
    fn last_write(self) -> Option<NodeIndex> {
        self.finish.or(self.write)
    }
}

struct Rules<'a> {
    changes: &'a [Change],
    steps: &'a [Step],
    /// By step, whether a replacement makes the new object first.
    create_first: &'a [bool],
    nodes: Vec<Nodes>,
    /// By address, the step that makes it what it should be.
    writes: HashMap<&'a Address, usize>,
    /// By address, the steps that delete a live object of it.
    removes: HashMap<&'a Address, Vec<usize>>,
    graph: DiGraph<Node, Edge>,
    edges: HashMap<(NodeIndex, NodeIndex), EdgeIndex>,
}

impl<'a> Rules<'a> {
    fn new(execution: &'a ExecutionPlan, create_first: &'a [bool]) -> Self {
        let (changes, steps) = (execution.plan.changes.as_slice(), execution.steps.as_slice());
        let mut graph = DiGraph::new();
        let mut nodes = Vec::new();
        let (mut writes, mut removes) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for (index, (change, step)) in changes.iter().zip(steps).enumerate() {
            let mut node = |phase| Some(graph.add_node(Some(Operation { step: index, phase })));
            let mut own = Nodes::default();
            if change.action != Action::Delete {
                if step.write_mode != WriteMode::ContractOnly {
                    own.write = node(Phase::Write);
                }
                if step.write_mode != WriteMode::Single && !execution.left.second_phases.contains(&index) {
                    own.finish = node(Phase::Finish);
                }
                writes.insert(&change.address, index);
            }
            if matches!(change.action, Action::Delete | Action::Replace) {
                own.remove = node(Phase::Remove);
                removes.entry(&change.address).or_default().push(index);
            }
            nodes.push(own);
        }
        Self { changes, steps, create_first, nodes, writes, removes, graph, edges: HashMap::new() }
    }

    /// `after` waits for `before`. Where both sorts of edge are asked for, the stricter one holds.
    fn edge(&mut self, before: Option<NodeIndex>, after: Option<NodeIndex>, edge: Edge) {
        let (Some(before), Some(after)) = (before, after) else { return };
        if before == after {
            return;
        }
        let known = self.edges.entry((before, after)).or_insert_with(|| self.graph.add_edge(before, after, edge));
        if edge == Edge::Needs {
            self.graph[*known] = Edge::Needs;
        }
    }

    fn needs(&mut self, after: Option<NodeIndex>, before: Option<NodeIndex>) {
        self.edge(before, after, Edge::Needs);
    }

    /// Everything that waits for one of these, and they themselves.
    fn descendants(&self, of: impl IntoIterator<Item = NodeIndex>) -> HashSet<NodeIndex> {
        let mut search = Dfs::empty(&self.graph);
        search.stack = of.into_iter().collect();
        std::iter::from_fn(|| search.next(&self.graph)).collect()
    }

    /// By address, the steps whose desired object refers to it.
    fn dependents(&self) -> HashMap<&'a Address, Vec<usize>> {
        let mut dependents: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            step.needs.iter().for_each(|need| dependents.entry(need).or_default().push(index));
        }
        dependents
    }

    /// An object is written after what it refers to.
    fn dependencies_first(&mut self) {
        for (index, step) in self.steps.iter().enumerate() {
            for need in &step.needs {
                let need = self.writes.get(need).and_then(|&need| self.nodes[need].write);
                self.needs(self.nodes[index].write, need);
            }
        }
    }

    /// What a live object refers to goes after it: after its own removal, or after it let go.
    fn users_let_go(&mut self) {
        for (index, step) in self.steps.iter().enumerate() {
            let user = self.nodes[index];
            let used = step.uses.iter().filter_map(|address| self.removes.get(address)).flatten();
            for used in used.copied().collect::<Vec<_>>() {
                let gone = self.nodes[used].remove;
                self.needs(gone, user.remove);
                if self.changes[used].action == Action::Delete || self.create_first[used] {
                    self.needs(gone, user.last_write());
                }
            }
        }
    }

    /// One half of a replacement waits for the other, and whoever refers to the object must have the new one before
    /// the old one goes.
    fn replacements(&mut self, dependents: &HashMap<&Address, Vec<usize>>) {
        for index in 0..self.steps.len() {
            let Nodes { write, remove, .. } = self.nodes[index];
            if !self.create_first[index] {
                self.needs(write, remove);
                continue;
            }
            self.needs(remove, write);
            if remove.is_some() {
                for &dependent in dependents.get(&self.changes[index].address).into_iter().flatten() {
                    self.needs(remove, self.nodes[dependent].last_write());
                }
            }
        }
    }

    /// Some kinds must be gone before another may go, or may give up what it has, although no reference says so.
    fn unreferenced_users_first(&mut self) {
        let mut removes: BTreeMap<&str, Vec<NodeIndex>> = BTreeMap::new();
        let mut waiting: BTreeMap<&str, Vec<NodeIndex>> = BTreeMap::new();
        for (step, nodes) in self.steps.iter().zip(&self.nodes) {
            removes.entry(step.kind.name()).or_default().extend(nodes.remove);
            let gives_up = nodes
                .finish
                .filter(|_| matches!(step.write_mode, WriteMode::ExpandContract | WriteMode::ContractOnly));
            let live = step.live.as_ref().and_then(|live| live.attrs.as_ref()).unwrap_or(&Value::Null);
            for kind in step.kind.deleted_after(live) {
                waiting.entry(kind).or_default().extend(nodes.remove.into_iter().chain(gives_up));
            }
        }
        for (kind, gone) in waiting {
            // What itself refers to one of these goes first, whatever its kind.
            let beyond = self.descendants(gone.iter().copied());
            let users = removes.get(kind).into_iter().flatten().filter(|user| !beyond.contains(user));
            self.all_before(users.copied().collect(), &gone);
        }
    }

    /// All of `before` come before any of `after`, by way of a point between them.
    fn all_before(&mut self, before: Vec<NodeIndex>, after: &[NodeIndex]) {
        if before.is_empty() || after.is_empty() {
            return;
        }
        let point = self.graph.add_node(None);
        for node in before {
            self.needs(Some(point), Some(node));
        }
        for &node in after {
            self.needs(Some(node), Some(point));
        }
    }

    /// What is new comes after what it mentions, if that is new too. That is a preference: two that mention one
    /// another come in the order of the plan, and one whose other fails is made all the same.
    fn creations_follow(&mut self) {
        let created = |index: usize| self.changes[index].action == Action::Create;
        let mut pairs = Vec::new();
        for (index, step) in self.steps.iter().enumerate().filter(|(index, _)| created(*index)) {
            let mentioned = step.follows.iter().filter_map(|address| self.writes.get(address).copied());
            pairs.extend(mentioned.filter(|&other| created(other)).map(|other| (index, other)));
        }
        for (index, mentioned) in pairs {
            let (Some(after), Some(before)) = (self.nodes[index].write, self.nodes[mentioned].write) else {
                continue;
            };
            if !self.descendants([after]).contains(&before) {
                self.edge(Some(before), Some(after), Edge::Follows);
            }
        }
    }

    /// Updates that have a wave wait for all of the waves before, and are skipped if one of those failed.
    fn updates_in_waves(&mut self) {
        let mut waves: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(wave) = step.wave.filter(|_| self.changes[index].action != Action::Create) {
                waves.entry(wave).or_default().push(index);
            }
        }
        // What must be deleted first is deleted when its wave comes.
        let starts = |rules: &Self, index: usize| {
            let Nodes { write, remove, .. } = rules.nodes[index];
            remove.filter(|_| !rules.create_first[index]).into_iter().chain(write).collect::<Vec<_>>()
        };
        let mut passed: Option<NodeIndex> = None;
        let waves: Vec<Vec<usize>> = waves.into_values().collect();
        for (number, wave) in waves.iter().enumerate() {
            for start in wave.iter().flat_map(|&index| starts(self, index)).collect::<Vec<_>>() {
                self.needs(Some(start), passed);
            }
            let own: Vec<NodeIndex> = wave.iter().filter_map(|&index| self.nodes[index].write).collect();
            let later: Vec<NodeIndex> =
                waves[number + 1..].iter().flatten().flat_map(|&index| starts(self, index)).collect();
            if later.is_empty() {
                break;
            }
            let beyond = self.descendants(later);
            let point = self.graph.add_node(None);
            self.needs(Some(point), passed);
            for write in own.into_iter().filter(|write| !beyond.contains(write)) {
                self.needs(Some(point), Some(write));
            }
            passed = Some(point);
        }
    }

    /// The second phase of a write waits for the first, and for what it waits for. One that holds requests back ends
    /// when all that needs the object is there.
    fn second_phases(&mut self, dependents: &HashMap<&Address, Vec<usize>>) {
        for index in 0..self.steps.len() {
            let Nodes { write, finish, .. } = self.nodes[index];
            self.needs(finish, write);
            if self.steps[index].write_mode == WriteMode::TrafficLast {
                for &dependent in dependents.get(&self.changes[index].address).into_iter().flatten() {
                    self.needs(finish, self.nodes[dependent].write);
                }
            }
        }
    }

    /// What serves goes only when everything that shall serve instead is there: objects that the spec no longer has,
    /// old objects of replacements, and what an update removes.
    fn what_serves_goes_last(&mut self) {
        let (mut goes, mut comes) = (Vec::new(), Vec::new());
        for (index, (step, nodes)) in self.steps.iter().zip(&self.nodes).enumerate() {
            let is_late = self.changes[index].action == Action::Delete || self.create_first[index];
            if step.kind.serves_traffic() {
                goes.extend(nodes.remove.filter(|_| is_late));
                comes.extend(nodes.write);
            }
            match step.write_mode {
                WriteMode::ExpandContract | WriteMode::ContractOnly => goes.extend(nodes.finish),
                WriteMode::TrafficLast => comes.extend(nodes.finish),
                WriteMode::Single => {}
            }
        }
        if goes.is_empty() || comes.is_empty() {
            return;
        }
        let beyond = self.descendants(goes.iter().copied());
        self.all_before(comes.iter().copied().filter(|write| !beyond.contains(write)).collect(), &goes);
        // What itself waits for one thing that goes can still come before another one.
        for &write in comes.iter().filter(|write| beyond.contains(write)) {
            let after = self.descendants([write]);
            for &gone in &goes {
                if !after.contains(&gone) && !self.descendants([gone]).contains(&write) {
                    self.needs(Some(gone), Some(write));
                }
            }
        }
    }

    /// A replacement that deletes first deletes only once everything is there that the new object waits for, so that
    /// the old one stays if the new one cannot be made. What itself waits for this deletion cannot be waited for; what
    /// that needs can.
    fn nothing_goes_too_early(&mut self) {
        for index in 0..self.steps.len() {
            let Nodes { write: Some(write), remove: Some(remove), .. } = self.nodes[index] else { continue };
            if self.create_first[index] {
                continue;
            }
            let beyond = self.descendants([remove]);
            let mut seen = HashSet::from([write]);
            let mut open = vec![write];
            let mut found = Vec::new();
            while let Some(node) = open.pop() {
                for edge in self.graph.edges_directed(node, Direction::Incoming) {
                    let before = edge.source();
                    let is_removal = self.graph[before].is_some_and(|operation| operation.phase == Phase::Remove);
                    if is_removal || !seen.insert(before) {
                        continue;
                    }
                    match beyond.contains(&before) {
                        true => open.push(before),
                        false => found.push((before, *edge.weight())),
                    }
                }
            }
            for (before, edge) in found {
                self.edge(Some(before), Some(remove), edge);
            }
        }
    }
}
