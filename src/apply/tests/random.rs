//! Random plans over a cloud in which random calls fail: what must hold for every one of them. As many as
//! `PROPTEST_CASES` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::algo::{has_path_connecting, is_cyclic_directed};
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;

use super::super::{Operation, Order, Phase};
use super::scene::Outcome;
use super::*;
use crate::kinds::find;
use crate::plan::Action;

/// Kinds of which replacements create first, and of which they delete first; those that serve and those that do not.
const KINDS: [&str; 8] = [
    "security_group",
    "subnet",
    "target_group",
    "dns_record",
    "db_instance",
    "nat_gateway",
    "ecs_service",
    "ecr_repository",
];

#[derive(Clone, Debug)]
struct Node {
    kind: usize,
    action: Action,
    /// Of the nodes before it, which the desired object refers to, and which the live one.
    needs: Vec<bool>,
    uses: Vec<bool>,
    follows: Vec<bool>,
    wave: Option<u32>,
    /// What its calls come to, in turn.
    write: Vec<Answer>,
    delete: Vec<Answer>,
    poll: Vec<Answer>,
}

#[derive(Clone)]
pub(super) struct Case {
    nodes: Vec<Node>,
    parallelism: usize,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} at a time:", self.parallelism)?;
        for (index, node) in self.nodes.iter().enumerate() {
            let (needs, uses, follows) = (self.needs(index), self.uses(index), self.follows(index));
            let (wave, Node { action, write, delete, poll, .. }) = (self.wave(index), node);
            write!(f, "  {action:?} {}: needs {needs:?}, uses {uses:?}, ", address(index, node))?;
            writeln!(f, "follows {follows:?}, {wave:?}; {write:?} {delete:?} {poll:?}")?;
        }
        Ok(())
    }
}

fn address(index: usize, node: &Node) -> String {
    format!("{}.n{index}", KINDS[node.kind])
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![
        4 => Just(Answer::Succeeds),
        1 => Just(Answer::Fails(ErrorClass::Throttled)),
        1 => Just(Answer::Fails(ErrorClass::Ambiguous)),
        1 => Just(Answer::Fails(ErrorClass::Rejected)),
        1 => Just(Answer::Lost),
        1 => Just(Answer::Half(ErrorClass::Throttled)),
        1 => Just(Answer::Half(ErrorClass::Rejected)),
    ];
    proptest::collection::vec(answer, 0..3)
}

fn polls() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![
        4 => Just(Answer::Waits),
        4 => Just(Answer::Succeeds),
        1 => Just(Answer::Hopeless),
        1 => Just(Answer::Fails(ErrorClass::Ambiguous)),
    ];
    proptest::collection::vec(answer, 0..3)
}

fn node() -> impl Strategy<Value = Node> {
    let action = prop_oneof![
        2 => Just(Action::Create),
        2 => Just(Action::Update),
        3 => Just(Action::Replace),
        2 => Just(Action::Delete),
    ];
    let some = || proptest::collection::vec(proptest::bool::weighted(0.3), 9);
    let edges = (some(), some(), some());
    let wave = proptest::option::weighted(0.3, 0..3_u32);
    (0..KINDS.len(), action, edges, wave, answers(), answers(), polls()).prop_map(
        |(kind, action, (needs, uses, follows), wave, write, delete, poll)| Node {
            kind,
            action,
            needs,
            uses,
            follows,
            wave,
            write,
            delete,
            poll,
        },
    )
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    (proptest::collection::vec(node(), 1..9), 1..5_usize)
        .prop_map(|(nodes, parallelism)| Case { nodes, parallelism })
}

impl Case {
    /// Whom a node refers to: as desired, whoever is wanted before it; as live, whoever is live before it. To what has
    /// waves nothing refers.
    fn needs(&self, index: usize) -> Vec<usize> {
        let needs = self.pick(index, &self.nodes[index].needs, |action| action != Action::Delete);
        needs.into_iter().filter(|&need| self.wave(need).is_none()).collect()
    }

    fn wave(&self, index: usize) -> Option<u32> {
        self.nodes[index].wave.filter(|_| KINDS[self.nodes[index].kind] == "ecs_service")
    }

    fn uses(&self, index: usize) -> Vec<usize> {
        self.pick(index, &self.nodes[index].uses, |action| action != Action::Create)
    }

    fn follows(&self, index: usize) -> Vec<usize> {
        self.pick(index, &self.nodes[index].follows, |action| action == Action::Create)
    }

    fn pick(&self, index: usize, chosen: &[bool], is_it: impl Fn(Action) -> bool) -> Vec<usize> {
        (0..index).filter(|&other| chosen[other] && is_it(self.nodes[other].action)).collect()
    }

    pub(super) fn scene(&self) -> Scene {
        let mut scene = Scene::with(self.parallelism);
        for (index, node) in self.nodes.iter().enumerate() {
            let name = |index: &usize| address(*index, &self.nodes[*index]);
            let own = address(index, node);
            let mut said = scene.change(&own, node.action);
            if node.action != Action::Delete {
                let needs: Vec<String> = self.needs(index).iter().map(name).collect();
                said = said.needs(&needs.iter().map(String::as_str).collect::<Vec<_>>());
                let follows: Vec<String> = self.follows(index).iter().map(name).collect();
                said = said.follows(&follows.iter().map(String::as_str).collect::<Vec<_>>());
                if let Some(wave) = self.wave(index) {
                    said = said.wave(wave);
                }
            }
            if node.action != Action::Create {
                let uses: Vec<String> = self.uses(index).iter().map(name).collect();
                said.uses(&uses.iter().map(String::as_str).collect::<Vec<_>>());
            }
            let write = if node.action == Action::Update { Call::Update } else { Call::Create };
            scene.cloud.script(write, &own, node.write.iter().copied());
            scene.cloud.script(Call::Delete, &own, node.delete.iter().copied());
            scene.cloud.script(Call::Poll, &own, node.poll.iter().copied());
        }
        scene
    }

    fn run(&self) -> (Order, Outcome) {
        let mut scene = self.scene();
        let execution = scene.execution();
        let order = Order::of(&execution).expect("no cycle");
        let outcome = scene.carry_out(&execution, &order);
        (order, outcome)
    }

    /// Whether a replacement must delete first, since its kind must or since it uses something that does.
    fn deletes_first(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        node.action == Action::Replace
            && (!find(KINDS[node.kind]).expect("a kind").create_first()
                || self.uses(index).iter().any(|&used| self.deletes_first(used)))
    }
}

/// What AWS forces, worked out anew: for each node its write and its removal, with an edge to each that must come
/// later.
struct Forced {
    graph: DiGraph<(), ()>,
    nodes: Vec<[NodeIndex; 2]>,
}

impl Forced {
    fn of(case: &Case) -> Self {
        let mut graph = DiGraph::<(), ()>::new();
        let nodes: Vec<[NodeIndex; 2]> =
            case.nodes.iter().map(|_| [graph.add_node(()), graph.add_node(())]).collect();
        for (index, node) in case.nodes.iter().enumerate() {
            let [write, remove] = nodes[index];
            if node.action != Action::Delete {
                for need in case.needs(index) {
                    graph.add_edge(nodes[need][0], write, ());
                }
            }
            let goes = |used: &usize| matches!(case.nodes[*used].action, Action::Replace | Action::Delete);
            let uses = if node.action == Action::Create { Vec::new() } else { case.uses(index) };
            for used in uses.into_iter().filter(goes) {
                graph.add_edge(remove, nodes[used][1], ());
                if !case.deletes_first(used) {
                    graph.add_edge(write, nodes[used][1], ());
                }
            }
            if node.action != Action::Replace {
                continue;
            }
            if case.deletes_first(index) {
                graph.add_edge(remove, write, ());
                continue;
            }
            graph.add_edge(write, remove, ());
            let wanted = |other: &usize| case.nodes[*other].action != Action::Delete;
            for other in (index + 1..case.nodes.len()).filter(wanted) {
                if case.needs(other).contains(&index) {
                    graph.add_edge(nodes[other][0], remove, ());
                }
            }
        }
        Self { graph, nodes }
    }

    /// Whether there is an order at all: what must go first may be held by what waits for its successor. Then no
    /// order of these steps is possible, and the plan is refused.
    fn is_possible(&self) -> bool {
        !is_cyclic_directed(&self.graph)
    }

    /// Whether one node can only be written once another one's old object is gone.
    fn waits_for_removal(&self, node: usize, of: usize) -> bool {
        has_path_connecting(&self.graph, self.nodes[of][1], self.nodes[node][0], None)
    }
}

/// What began and what ended well, in order.
struct Story<'a> {
    outcome: &'a Outcome,
}

impl Story<'_> {
    fn place(&self, words: &[&str], address: &str) -> Option<usize> {
        let is_it = |event: &String| words.iter().any(|word| *event == format!("{word} {address}"));
        self.outcome.events.iter().position(is_it)
    }

    fn write_began(&self, address: &str) -> Option<usize> {
        self.place(&["creating", "updating"], address)
    }

    fn write_ended(&self, address: &str) -> Option<usize> {
        let unchanged = format!("{address} is unchanged");
        let unchanged = self.outcome.events.iter().position(|event| *event == unchanged);
        self.place(&["created", "updated"], address).or(unchanged)
    }
}

fn check(case: &Case, forced: &Forced, order: &Order, outcome: &Outcome) -> Result<(), TestCaseError> {
    let story = Story { outcome };
    let deletions = (0..case.nodes.len()).filter(|&index| case.deletes_first(index)).count();
    let name = |index: usize| address(index, &case.nodes[index]);
    for (index, node) in case.nodes.iter().enumerate() {
        let own = name(index);
        // Nothing runs before its needs.
        if let Some(began) = story.write_began(&own) {
            for need in case.needs(index) {
                let ended = story.write_ended(&name(need));
                prop_assert!(ended.is_some_and(|ended| ended < began), "{own} before {}", name(need));
            }
        }
        // Nothing is deleted that the spec wants and whose successor is not there, or as near as AWS lets it be.
        let removed = story.place(&["deleting"], &own);
        if let (Action::Replace, Some(removed)) = (node.action, removed) {
            if case.deletes_first(index) {
                let removal = Operation { step: index, phase: Phase::Remove };
                // Where many delete first, two can each wait for what the other one needs: then one of them must do
                // without.
                let is_forced = |need: usize| match deletions > 3 {
                    true => order.waits_for(Operation { step: need, phase: Phase::Write }, removal),
                    false => forced.waits_for_removal(need, index),
                };
                for need in case.needs(index).into_iter().filter(|&need| !is_forced(need)) {
                    let ended = story.write_ended(&name(need));
                    prop_assert!(ended.is_some_and(|ended| ended < removed), "{own} goes before {}", name(need));
                }
            } else {
                let made = story.write_ended(&own);
                prop_assert!(made.is_some_and(|made| made < removed), "{own} goes before its successor is there");
            }
        }
        // Nothing goes that something live still refers to.
        if let Some(removed) = removed {
            for (user, other) in case.nodes.iter().enumerate().skip(index + 1) {
                if case.uses(user).contains(&index) && matches!(other.action, Action::Replace | Action::Delete) {
                    let gone = story.place(&["deleted"], &name(user));
                    prop_assert!(gone.is_some_and(|gone| gone < removed), "{own} goes before {}", name(user));
                }
            }
        }
        // Nothing is made twice.
        let made = outcome.cloud.ids(&own).len();
        let old = usize::from(node.action == Action::Replace && !case.deletes_first(index));
        prop_assert!(made <= 1 + old, "{own} is there {made} times");
    }
    check_complete(case, outcome)
}

/// Everything that can be done is done: each operation ended, and was skipped only for one that failed and that it
/// waits for, directly or by way of others that were skipped.
fn check_complete(case: &Case, outcome: &Outcome) -> Result<(), TestCaseError> {
    let report = &outcome.report;
    prop_assert!(report.unfinished.is_empty() && report.not_begun.is_empty() && report.lock_lost.is_none());
    let operations: usize = case.nodes.iter().map(|node| if node.action == Action::Replace { 2 } else { 1 }).sum();
    let ended = report.done.len() + report.unchanged + report.failed.len() + report.skipped.len();
    prop_assert_eq!(ended, operations);
    let failed: BTreeSet<String> = report.failed.iter().map(|(address, _)| address.to_string()).collect();
    let mut skipped: BTreeMap<String, String> = BTreeMap::new();
    for (address, because) in &report.skipped {
        prop_assert!(failed.contains(&because.to_string()), "{address} was skipped for {because}");
        skipped.insert(address.to_string(), because.to_string());
    }
    // With nothing that failed, everything is as it was planned.
    if failed.is_empty() {
        prop_assert!(skipped.is_empty());
        for (index, node) in case.nodes.iter().enumerate() {
            let there = outcome.cloud.ids(&address(index, node)).len();
            prop_assert_eq!(there, usize::from(node.action != Action::Delete));
        }
    }
    // What has nothing to do with any failure was not skipped.
    for (index, node) in case.nodes.iter().enumerate() {
        let own = address(index, node);
        if node.action == Action::Create && skipped.contains_key(&own) {
            let lost = |need: &usize| {
                let need = address(*need, &case.nodes[*need]);
                failed.contains(&need) || skipped.contains_key(&need)
            };
            prop_assert!(case.needs(index).iter().any(lost), "{} was skipped for nothing", own);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_nothing_is_lost_and_all_that_can_be_done_is_done(case in case()) {
        let forced = Forced::of(&case);
        if !forced.is_possible() {
            prop_assert!(Order::of(&case.scene().execution()).is_err(), "an order that cannot be");
            return Ok(());
        }
        let (order, outcome) = case.run();
        check(&case, &forced, &order, &outcome).map_err(|why| TestCaseError::fail(format!("{why}: {:#?}", outcome.events)))?;
    }
}
