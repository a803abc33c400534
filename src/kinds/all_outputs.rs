//! The outputs of an environment, which each kind tells its part of, put together.

use std::collections::{HashMap, HashSet};

use super::environment_outputs::{EnvironmentOutput, Found, is_called};
use super::{AnyKind, all};
use crate::spec::Environment;

/// The outputs that live objects come to: by what they are for, then in the order of kinds and of `live`. Where several
/// would have one name, the second is called `….url-2`, and so on.
pub fn environment_outputs(env: &Environment, live: &[Found<'_>]) -> Vec<EnvironmentOutput> {
    let mut outputs = Vec::new();
    for kind in all() {
        let own = live.iter().filter(|found| found.address.kind() == kind.name());
        own.for_each(|found| outputs.extend(kind.environment_outputs(env, found, live)));
    }
    let (mut counts, mut seen) = (HashMap::<String, usize>::new(), HashSet::new());
    outputs.retain(|output| seen.insert((output.name.clone(), output.value.clone())));
    for output in &mut outputs {
        let count = counts.entry(output.name.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count > 1 {
            output.name = format!("{}-{count}", output.name);
        }
    }
    outputs.sort_by_key(|output| output.sort);
    outputs
}

/// The kinds whose objects must be read for an output of this name; for all outputs without one. Empty where no kind
/// has an output that is called so.
pub fn kinds_of_outputs(name: Option<&str>) -> Vec<&'static dyn AnyKind> {
    let tells = |kind: &&&dyn AnyKind| {
        kind.environment_output_names().iter().any(|known| name.is_none_or(|name| is_called(known, name)))
    };
    let tellers: Vec<&dyn AnyKind> = all().iter().filter(tells).copied().collect();
    let is_needed = |kind: &&&'static dyn AnyKind| {
        let is = |teller: &&dyn AnyKind| {
            teller.name() == kind.name() || teller.environment_outputs_need().contains(&kind.name())
        };
        tellers.iter().any(is)
    };
    all().iter().filter(is_needed).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_costs_no_more_reads_than_it_needs() {
        let names = |name: &str| kinds_of_outputs(Some(name)).iter().map(|kind| kind.name()).collect::<Vec<_>>();
        assert_eq!(names("network.vpc"), ["vpc"]);
        assert_eq!(names("databases.main.endpoint"), ["db_instance"]);
        assert!(names("nothing.such").is_empty());
    }

    /// An output as a variable must not be taken for an option.
    #[test]
    fn no_output_is_called_as_an_option_is() {
        for kind in all() {
            for name in kind.environment_output_names() {
                assert!(!name.starts_with("cloud") && !name.starts_with("lock"), "{name}");
            }
        }
    }
}
