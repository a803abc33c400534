use std::collections::HashSet;

use super::execution::Step;
use super::{Action, Change};
use crate::value::Address;

/// By step, whether a replacement makes the new object before the old one goes. One that cannot forces those of its
/// dependents that are replaced too: they must be gone before it can go.
pub fn create_first(changes: &[Change], steps: &[Step]) -> Vec<bool> {
    let mut first: Vec<bool> = steps.iter().map(|step| step.create_first).collect();
    loop {
        let late: HashSet<&Address> = changes
            .iter()
            .zip(&first)
            .filter(|(change, first)| change.action == Action::Replace && !**first)
            .map(|(change, _)| &change.address)
            .collect();
        let mut is_final = true;
        for (index, step) in steps.iter().enumerate() {
            if first[index] && step.uses.iter().any(|address| late.contains(address)) {
                first[index] = false;
                is_final = false;
            }
        }
        if is_final {
            return first;
        }
    }
}
