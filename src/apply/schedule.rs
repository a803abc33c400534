//! Tracks which operations are done, which may start next, and which are skipped.

use std::collections::BTreeSet;
use std::time::Duration;

use super::execute::Outcome;
use super::order::{Edge, Operation, Order, Phase, Priority};
use super::{Event, Report, Verb};
use crate::plan::ExecutionPlan;
use crate::value::Address;

pub struct Schedule<'a> {
    order: &'a Order,
    execution: &'a ExecutionPlan,
    emit: &'a dyn Fn(Event<'_>),
    parallelism: usize,
    /// By node, how many others it still waits for.
    waits_for: Vec<usize>,
    ended: Vec<bool>,
    ready: BTreeSet<(Priority, usize)>,
    report: Report,
}

impl<'a> Schedule<'a> {
    pub fn new(
        order: &'a Order,
        execution: &'a ExecutionPlan,
        parallelism: usize,
        emit: &'a dyn Fn(Event<'_>),
    ) -> Self {
        let waits_for: Vec<usize> = order.nodes().map(|node| order.before(node).count()).collect();
        let ended = vec![false; waits_for.len()];
        let (ready, report) = (BTreeSet::new(), Report::default());
        let mut schedule = Self { order, execution, emit, parallelism, waits_for, ended, ready, report };
        let first: Vec<usize> = order.nodes().filter(|&node| schedule.waits_for[node] == 0).collect();
        for node in first {
            if !schedule.may_start(node) {
                schedule.release(node);
            }
        }
        schedule
    }

    /// The operation to start next, if one may.
    pub fn next(&mut self) -> Option<(usize, Operation)> {
        let (_, node) = self.ready.pop_first()?;
        self.order.operation(node).map(|operation| (node, operation))
    }

    pub fn address(&self, operation: Operation) -> &'a Address {
        &self.execution.plan.changes[operation.step].address
    }

    pub fn verb(&self, operation: Operation) -> Verb {
        match operation.phase {
            Phase::Remove => Verb::Delete,
            Phase::Finish => Verb::Finish,
            Phase::Write => Verb::writing(self.execution.plan.changes[operation.step].action),
        }
    }

    pub fn lock_lost(&mut self, why: String) {
        self.report.lock_lost.get_or_insert(why);
    }

    pub fn succeeded(&mut self, node: usize, operation: Operation, outcome: &Outcome, took: Duration) {
        let (address, verb) = (self.address(operation), self.verb(operation));
        match outcome {
            Outcome::Unchanged => {
                (self.emit)(Event::Unchanged { address });
                self.report.unchanged += 1;
            }
            Outcome::Changed => {
                (self.emit)(Event::Finished { address, verb, took });
                self.report.done.push((address.clone(), verb));
            }
        }
        self.ended[node] = true;
        self.release(node);
    }

    pub fn failed(&mut self, node: usize, operation: Operation, why: String) {
        let (address, verb) = (self.address(operation), self.verb(operation));
        (self.emit)(Event::Failed { address, verb, why: why.clone() });
        self.report.failed.push((address.clone(), why));
        self.ended[node] = true;
        let skipped = self.skipped_after(node);
        // In the order of the plan, whatever way led there.
        for &node in &skipped {
            if let Some(operation) = self.order.operation(node) {
                let skipped = self.address(operation);
                (self.emit)(Event::Skipped { address: skipped, verb: self.verb(operation), because: address });
                self.report.skipped.push((skipped.clone(), address.clone()));
            }
        }
        for node in std::iter::once(node).chain(skipped) {
            self.release(node);
        }
    }

    /// Marks everything that needs this as ended, and returns it.
    fn skipped_after(&mut self, node: usize) -> BTreeSet<usize> {
        let (mut skipped, mut open) = (BTreeSet::new(), vec![node]);
        while let Some(node) = open.pop() {
            for (next, edge) in self.order.after(node) {
                if edge == Edge::Needs && !self.ended[next] {
                    self.ended[next] = true;
                    skipped.insert(next);
                    open.push(next);
                }
            }
        }
        skipped
    }

    /// Releases what waits for this one, whether it succeeded or not.
    fn release(&mut self, node: usize) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for (next, _) in self.order.after(node) {
                self.waits_for[next] -= 1;
                if self.waits_for[next] == 0 && !self.ended[next] && !self.may_start(next) {
                    open.push(next);
                }
            }
        }
    }

    /// Lets an operation start; a mere point between operations is passed at once, and `false` the answer.
    fn may_start(&mut self, node: usize) -> bool {
        if self.order.operation(node).is_some() {
            return self.ready.insert((self.order.priority(node, self.parallelism), node));
        }
        self.ended[node] = true;
        false
    }

    /// The result; of a run that was stopped, with what was still running and what was not started.
    pub fn report(mut self, in_flight: &BTreeSet<usize>, is_stopped: bool, took: Duration) -> Report {
        self.report.took = took;
        if is_stopped {
            let rest = self.order.nodes().filter(|&node| !self.ended[node] && !in_flight.contains(&node));
            let addresses = |nodes: &mut dyn Iterator<Item = usize>| -> Vec<Address> {
                nodes.filter_map(|node| self.order.operation(node)).map(|one| self.address(one).clone()).collect()
            };
            let not_begun = addresses(&mut rest.into_iter());
            self.report.unfinished = addresses(&mut in_flight.iter().copied());
            self.report.not_begun = not_begun;
        }
        self.report
    }
}
