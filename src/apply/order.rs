//! The order of a plan's operations: what waits for what, and which of those that may run goes first.

mod rules;

use std::cmp::Reverse;

use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::plan::{Action, Change, ExecutionPlan, create_first};
use crate::value::Address;

/// What a step of the plan does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Creates or updates the object, or the first phase of that (`WriteMode`).
    Write,
    /// The second phase.
    Finish,
    /// Deletes the live object.
    Remove,
}

/// One call or a few to the cloud, on one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operation {
    /// Index into the plan's changes.
    pub step: usize,
    pub phase: Phase,
}

/// How an operation depends on one that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It is skipped if the other one fails.
    Needs,
    /// It runs after the other one, even if that failed.
    Follows,
}

/// An operation, or a point that all of one set must have passed before any of another may start: so that the two
/// sets have m + n edges between them, and not m × n.
type Node = Option<Operation>;

/// Smaller goes first.
pub type Priority = (usize, Reverse<u64>, usize, Phase);

/// The operations of a plan, and which wait for which.
pub struct Order {
    graph: DiGraph<Node, Edge>,
    /// By step, whether a replacement makes the new object before the old one goes.
    create_first: Vec<bool>,
    /// By node, its stage: second phases and removals come last, in reverse.
    stage: Vec<usize>,
    /// By node, the expected seconds from its start to the end of the longest chain that waits for it.
    remaining: Vec<u64>,
    operations: usize,
}

/// Changes that wait for one another in a cycle, so that none of them can be the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "dependency cycle among the changes, at {}; apply them in two steps",
    at.as_ref().map_or_else(|| "an unnamed step".to_owned(), Address::to_string)
)]
pub struct ChangeCycle {
    /// One of the changes; `None` where only a point between two sets of them is known to be in the cycle.
    pub at: Option<Address>,
}

impl Order {
    /// # Errors
    /// The changes depend on one another in a cycle.
    pub fn of(execution: &ExecutionPlan) -> Result<Self, ChangeCycle> {
        let changes = &execution.plan.changes;
        let create_first = create_first(changes, &execution.steps);
        let graph = rules::graph(execution, &create_first);
        let remaining = remaining(&graph, execution)?;
        let stage = |operation: Operation| stage(&changes[operation.step], operation, &create_first);
        let stage = graph.node_weights().map(|node| node.map_or(0, stage)).collect();
        let operations = graph.node_weights().flatten().count();
        Ok(Self { graph, create_first, stage, remaining, operations })
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.operations
    }

    pub fn is_empty(&self) -> bool {
        self.operations == 0
    }

    /// Expected seconds of all of it on AWS: those of the longest chain.
    pub fn seconds(&self) -> u64 {
        self.remaining.iter().copied().max().unwrap_or(0)
    }

    /// Whether a replacement makes the new object before the old one goes.
    pub(super) fn is_create_first(&self, step: usize) -> bool {
        self.create_first[step]
    }

    /// Every node's index; the operations among them come in the order of the plan.
    pub(super) fn nodes(&self) -> std::ops::Range<usize> {
        0..self.graph.node_count()
    }

    /// `None` for a point between two sets of operations.
    pub(super) fn operation(&self, node: usize) -> Option<Operation> {
        self.graph[NodeIndex::new(node)]
    }

    /// What it waits for.
    pub(super) fn before(&self, node: usize) -> impl Iterator<Item = (usize, Edge)> {
        let edges = self.graph.edges_directed(NodeIndex::new(node), Direction::Incoming);
        edges.map(|edge| (edge.source().index(), *edge.weight()))
    }

    /// What waits for it.
    pub(super) fn after(&self, node: usize) -> impl Iterator<Item = (usize, Edge)> {
        let edges = self.graph.edges(NodeIndex::new(node));
        edges.map(|edge| (edge.target().index(), *edge.weight()))
    }

    #[cfg(test)]
    pub(super) fn waits_for(&self, after: Operation, before: Operation) -> bool {
        let node = |operation| self.graph.node_indices().find(|&node| self.graph[node] == Some(operation));
        let (Some(after), Some(before)) = (node(after), node(before)) else { return false };
        petgraph::algo::has_path_connecting(&self.graph, before, after, None)
    }

    /// By stage and then by the longest chain that waits; one at a time (`parallelism` 1) nothing can be gained by
    /// haste, and the order is that of the documents: by stage, and then as the plan lists.
    pub(super) fn priority(&self, node: usize, parallelism: usize) -> Priority {
        let haste = if parallelism > 1 { self.remaining[node] } else { 0 };
        let (step, phase) = self.operation(node).map_or((0, Phase::Write), |one| (one.step, one.phase));
        (self.stage[node], Reverse(haste), step, phase)
    }
}

/// More than any stage's number.
const LAST: usize = 20;

fn stage(change: &Change, Operation { step, phase }: Operation, create_first: &[bool]) -> usize {
    let stage = change.stage.number();
    match phase {
        Phase::Write => stage,
        // The first phase of a replacement.
        Phase::Remove if change.action == Action::Replace && !create_first[step] => stage,
        Phase::Finish | Phase::Remove => LAST - stage,
    }
}

fn remaining(graph: &DiGraph<Node, Edge>, execution: &ExecutionPlan) -> Result<Vec<u64>, ChangeCycle> {
    let changes = &execution.plan.changes;
    let order = toposort(graph, None).map_err(|cycle| ChangeCycle {
        at: graph[cycle.node_id()].map(|operation| changes[operation.step].address.clone()),
    })?;
    let mut remaining = vec![0_u64; graph.node_count()];
    for node in order.into_iter().rev() {
        let own = graph[node].map_or(0, |operation| seconds(execution, operation));
        let longest = graph.neighbors(node).map(|next| remaining[next.index()]).max().unwrap_or(0);
        remaining[node.index()] = longest + own;
    }
    Ok(remaining)
}

/// Expected seconds of one operation on AWS.
fn seconds(execution: &ExecutionPlan, Operation { step, phase }: Operation) -> u64 {
    let (change, kind) = (&execution.plan.changes[step], execution.steps[step].kind);
    match (phase, change.action) {
        (Phase::Remove, _) => kind.expected_delete_seconds(),
        (Phase::Write, Action::Replace) => kind.expected_seconds(),
        (Phase::Write | Phase::Finish, _) => change.seconds,
    }
}
