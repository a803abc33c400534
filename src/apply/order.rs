use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::plan::{Action, Change, Draft, Step};
use crate::value::Address;

/// What a step of the plan does: make the desired object, or take the live one away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Write,
    Remove,
}

/// One call or a few to the cloud, on one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Index into the plan's changes.
    pub step: usize,
    pub part: Part,
}

/// Smaller goes first: stage (reversed for removals, which come last), then the longest remaining path, then the
/// place in the plan.
pub type Priority = (usize, Reverse<u64>, usize);

/// What may run when, and what goes first among that.
pub struct Order {
    graph: DiGraph<Operation, ()>,
    priority: Vec<Priority>,
    seconds: u64,
}

impl Order {
    /// # Errors
    /// The changes depend on one another in a ring.
    pub fn of(draft: &Draft) -> Result<Self, String> {
        let changes = &draft.plan.changes;
        let create_first = create_first(changes, &draft.steps);
        let mut graph = DiGraph::new();
        let mut nodes: HashMap<Operation, NodeIndex> = HashMap::new();
        for (step, change) in changes.iter().enumerate() {
            let parts: &[Part] = match change.action {
                Action::Replace => &[Part::Write, Part::Remove],
                Action::Delete => &[Part::Remove],
                _ => &[Part::Write],
            };
            for &part in parts {
                let operation = Operation { step, part };
                nodes.insert(operation, graph.add_node(operation));
            }
        }
        let node = |step, part| nodes.get(&Operation { step, part }).copied();
        let writes: HashMap<&Address, usize> = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.action != Action::Delete)
            .map(|(index, change)| (&change.address, index))
            .collect();
        let mut removes: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (index, change) in changes.iter().enumerate() {
            if node(index, Part::Remove).is_some() {
                removes.entry(&change.address).or_default().push(index);
            }
        }

        let mut by_kind: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, step) in draft.steps.iter().enumerate() {
            by_kind.entry(step.kind.name()).or_default().push(index);
        }

        let mut edges: HashSet<(NodeIndex, NodeIndex)> = HashSet::new();
        let mut first = |before: Option<NodeIndex>, after: Option<NodeIndex>| {
            if let (Some(before), Some(after)) = (before, after)
                && before != after
            {
                edges.insert((before, after));
            }
        };
        for (index, step) in draft.steps.iter().enumerate() {
            let (write, remove) = (node(index, Part::Write), node(index, Part::Remove));
            for need in &step.needs {
                first(writes.get(need).and_then(|&other| node(other, Part::Write)), write);
            }
            // What the live object refers to goes after it: after its own removal, or after it let go.
            for &used in step.uses.iter().filter_map(|address| removes.get(address)).flatten() {
                let gone = node(used, Part::Remove);
                first(remove, gone);
                if changes[used].action == Action::Delete || create_first[used] {
                    first(write, gone);
                }
            }
            if create_first[index] {
                first(write, remove);
            } else {
                first(remove, write);
            }
            // Whoever needs the new object must have it before the old one goes.
            if create_first[index] && remove.is_some() {
                let address = &changes[index].address;
                for (other, dependent) in draft.steps.iter().enumerate() {
                    if dependent.needs.contains(address) {
                        first(node(other, Part::Write), remove);
                    }
                }
            }
            for kind in step.kind.delete_after() {
                for &other in by_kind.get(kind).into_iter().flatten() {
                    first(node(other, Part::Remove), remove);
                }
            }
        }
        for (before, after) in edges {
            graph.add_edge(before, after, ());
        }
        let remaining = remaining(&graph, draft)?;
        let priority = priorities(&graph, changes, &remaining);
        let seconds = remaining.into_iter().max().unwrap_or(0);
        Ok(Self { graph, priority, seconds })
    }

    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn operation(&self, index: usize) -> Operation {
        self.graph[NodeIndex::new(index)]
    }

    /// What must be done before.
    pub fn before(&self, index: usize) -> impl Iterator<Item = usize> {
        self.graph.neighbors_directed(NodeIndex::new(index), Direction::Incoming).map(NodeIndex::index)
    }

    /// What waits for it.
    pub fn after(&self, index: usize) -> impl Iterator<Item = usize> {
        self.graph.neighbors(NodeIndex::new(index)).map(NodeIndex::index)
    }

    /// Seconds that all of it typically takes on AWS: those of the longest chain.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    pub fn priority(&self, index: usize) -> Priority {
        self.priority[index]
    }
}

/// Whether each replacement makes the new object first. One that cannot forces those of its dependents that are
/// replaced too: they must be gone before it can go.
fn create_first(changes: &[Change], steps: &[Step]) -> Vec<bool> {
    let mut first: Vec<bool> = steps.iter().map(|step| step.create_first).collect();
    loop {
        let late: HashSet<&Address> = changes
            .iter()
            .zip(&first)
            .filter(|(change, first)| change.action == Action::Replace && !**first)
            .map(|(change, _)| &change.address)
            .collect();
        let mut settled = true;
        for (index, step) in steps.iter().enumerate() {
            if first[index] && step.uses.iter().any(|address| late.contains(address)) {
                first[index] = false;
                settled = false;
            }
        }
        if settled {
            return first;
        }
    }
}

/// By operation, the typical seconds from its start to the end of the longest chain that waits for it.
fn remaining(graph: &DiGraph<Operation, ()>, draft: &Draft) -> Result<Vec<u64>, String> {
    let changes = &draft.plan.changes;
    let order = toposort(graph, None).map_err(|ring| {
        let address = &changes[graph[ring.node_id()].step].address;
        format!("the changes depend on one another in a ring around {address}; apply them in two steps")
    })?;
    let mut remaining = vec![0_u64; graph.node_count()];
    for node in order.into_iter().rev() {
        let Operation { step, part } = graph[node];
        let kind = draft.steps[step].kind;
        let own = match (part, changes[step].action) {
            (Part::Remove, _) => kind.typical_delete(),
            (Part::Write, Action::Replace) => kind.typical(),
            (Part::Write, _) => changes[step].seconds,
        };
        let longest = graph.neighbors(node).map(|next| remaining[next.index()]).max().unwrap_or(0);
        remaining[node.index()] = longest + own;
    }
    Ok(remaining)
}

fn priorities(graph: &DiGraph<Operation, ()>, changes: &[Change], remaining: &[u64]) -> Vec<Priority> {
    let priority = graph.node_indices().map(|node| {
        let Operation { step, part } = graph[node];
        let stage = changes[step].stage.number();
        let place = if part == Part::Write { stage } else { 20 - stage };
        (place, Reverse(remaining[node.index()]), step)
    });
    priority.collect()
}
