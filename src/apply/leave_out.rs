//! A plan without some of its changes, which are left for a later apply.
//!
//! What is left counts as a change that failed would: whatever waits for it is left, too, by the same rules of order.
//! So nothing is deleted that something else still uses, and nothing that serves goes before what replaces it.

use std::collections::{BTreeSet, HashSet};

use super::order::{ChangeCycle, Edge, Operation, Order, Phase};
use crate::plan::{Action, Allowances, Change, ExecutionPlan};
use crate::value::Address;

/// The plan with only the changes that are `asked` for, and with those that these refer to or wait for, whichever they
/// are. Of the latter, second phases are left.
///
/// # Errors
/// The changes depend on one another in a cycle.
pub fn only(
    execution: ExecutionPlan,
    allow: &Allowances,
    asked: impl Fn(&Change) -> bool,
) -> Result<ExecutionPlan, ChangeCycle> {
    let order = Order::of(&execution)?;
    let asked: Vec<bool> = execution.plan.changes.iter().map(asked).collect();
    let mut selection = Selection { order: &order, kept: asked.clone(), asked, execution: &execution };
    selection.take_in_needs();
    let Kept { changes, first_phase_only } = selection.settled();
    Ok(execution.keep(&changes, &first_phase_only, allow))
}

/// The plan without these changes, and without what waits for them.
///
/// # Errors
/// The changes depend on one another in a cycle.
pub fn without(
    execution: ExecutionPlan,
    allow: &Allowances,
    left: impl Fn(&Change) -> bool,
) -> Result<ExecutionPlan, ChangeCycle> {
    let order = Order::of(&execution)?;
    let asked: Vec<bool> = execution.plan.changes.iter().map(|change| !left(change)).collect();
    let selection = Selection { order: &order, kept: asked.clone(), asked, execution: &execution };
    let Kept { changes, first_phase_only } = selection.settled();
    Ok(execution.keep(&changes, &first_phase_only, allow))
}

/// By step.
struct Kept {
    changes: Vec<bool>,
    first_phase_only: Vec<bool>,
}

struct Selection<'a> {
    order: &'a Order,
    execution: &'a ExecutionPlan,
    /// By step, whether it was asked for …
    asked: Vec<bool>,
    /// … and whether it is kept.
    kept: Vec<bool>,
}

impl Selection<'_> {
    fn operations(&self) -> impl Iterator<Item = (usize, Operation)> {
        self.order.nodes().filter_map(|node| Some((node, self.order.operation(node)?)))
    }

    /// Takes in the writes that those of kept changes wait for. A deletion is not taken in: what waits for one that was
    /// not asked for is left.
    fn take_in_needs(&mut self) {
        let is_write = |(_, operation): &(usize, Operation)| operation.phase == Phase::Write;
        let first = self.operations().filter(is_write).filter(|(_, operation)| self.kept[operation.step]);
        let mut open: Vec<usize> = first.map(|(node, _)| node).collect();
        let mut seen: BTreeSet<usize> = open.iter().copied().collect();
        while let Some(node) = open.pop() {
            for (before, _) in self.order.before(node).filter(|(_, edge)| *edge == Edge::Needs) {
                match self.order.operation(before) {
                    Some(Operation { step, phase: Phase::Write }) => self.kept[step] = true,
                    // A point between two sets of operations.
                    None => {}
                    Some(_) => continue,
                }
                if seen.insert(before) {
                    open.push(before);
                }
            }
        }
    }

    /// The operations that are left, with all that wait for them.
    fn left(&self) -> BTreeSet<usize> {
        let is_left = |operation: &Operation| {
            let second = operation.phase == Phase::Finish && !self.asked[operation.step];
            second || !self.kept[operation.step]
        };
        let first = self.operations().filter(|(_, operation)| is_left(operation));
        let mut open: Vec<usize> = first.map(|(node, _)| node).collect();
        let mut left: BTreeSet<usize> = open.iter().copied().collect();
        while let Some(node) = open.pop() {
            for (after, edge) in self.order.after(node) {
                if edge == Edge::Needs && left.insert(after) {
                    open.push(after);
                }
            }
        }
        left
    }

    /// Leaves whatever waits for what is left, until nothing does. Of a change with two phases, the first can be made
    /// alone; of a replacement, neither half.
    fn settled(mut self) -> Kept {
        loop {
            let mut first_phase_only = vec![false; self.kept.len()];
            let left = self.left();
            let is_due = |(node, operation): &(usize, Operation)| self.kept[operation.step] && left.contains(node);
            let due: Vec<Operation> = self.operations().filter(is_due).map(|(_, operation)| operation).collect();
            let mut is_settled = true;
            for Operation { step, phase } in due {
                let is_replaced = self.execution.plan.changes[step].action == Action::Replace;
                if phase == Phase::Finish && !is_replaced && self.has_write(step) {
                    first_phase_only[step] = true;
                } else {
                    self.kept[step] = false;
                    is_settled = false;
                }
            }
            for step in self.still_used(&first_phase_only) {
                self.kept[step] = false;
                is_settled = false;
            }
            if is_settled {
                return Kept { changes: self.kept, first_phase_only };
            }
        }
    }

    /// Kept changes that take away what something still refers to that is left as it is. A replacement that deletes first
    /// does not wait for who lets go, but may not leave them without either.
    fn still_used(&self, first_phase_only: &[bool]) -> Vec<usize> {
        let steps = self.execution.steps.iter().enumerate();
        let stays = steps.filter(|(index, _)| !self.kept[*index] || first_phase_only[*index]);
        let used: HashSet<&Address> = stays.flat_map(|(_, step)| &step.uses).collect();
        let changes = self.execution.plan.changes.iter().enumerate();
        let goes = changes.filter(|(_, change)| matches!(change.action, Action::Delete | Action::Replace));
        goes.filter(|(index, change)| self.kept[*index] && used.contains(&change.address))
            .map(|(index, _)| index)
            .collect()
    }

    fn has_write(&self, step: usize) -> bool {
        self.operations().any(|(_, operation)| operation == Operation { step, phase: Phase::Write })
    }
}
