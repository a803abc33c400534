//! What AWS accepts although it will not work, found in the spec alone, and what AWS says before a plan is applied
//! ([`preflight()`]): each finding has a stable code, a place, and a way out, and can be accepted in the spec
//! (`[[accept]]`). Beside them, [`traffic`] is who may reach whom, desired or live.

mod accept;
mod network;
mod preflight;
mod reach;
mod registries;
mod secrets;
pub mod traffic;

use crate::graph::Graph;
use crate::spec::{Accept, Place, Problem, Severity, Spec};
use crate::value::Address;
use reach::Reach;

pub use preflight::{Finding, Preflight, preflight};

/// One check.
pub struct Check {
    /// Stable: `BP-`, the area, a number.
    pub code: &'static str,
    /// What it warns of, in a sentence without a full stop.
    pub warns: &'static str,
    find: fn(&Subject<'_>, &mut Findings),
}

/// Every check, in the order of its codes.
pub const ALL: &[&Check] = &[
    &network::BALANCER_TO_SERVICE,
    &network::SERVICE_TO_DATABASE,
    &network::SERVICE_TO_SERVICE,
    &network::WAY_OUT,
    &network::INTERNET_TO_BALANCER,
    &registries::UNCOUNTED_IMAGES,
    &secrets::UNREAD_SECRET,
];

/// What is looked at.
struct Subject<'a> {
    spec: &'a Spec,
    graph: &'a Graph,
    reach: Reach<'a>,
}

/// What one check has found.
#[derive(Default)]
struct Findings(Vec<Found>);

struct Found {
    /// What it is about.
    address: Address,
    /// Keys and indices that lead to the value of the spec that brings it about.
    path: Vec<String>,
    message: String,
    help: String,
}

impl Findings {
    fn report(&mut self, address: &Address, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let path = path.iter().map(|&step| step.to_owned()).collect();
        self.0.push(Found { address: address.clone(), path, message: message.into(), help: help.into() });
    }
}

/// What the checks say of a spec.
#[derive(Debug, Default)]
pub struct Warnings {
    /// In the order of the spec, with their places.
    pub open: Vec<Problem>,
    /// What the spec accepts, with the entry that does.
    pub accepted: Vec<(Problem, Accept)>,
}

/// Holds every check against a spec. `today` (`2026-11-27`, UTC) decides which entries of `[[accept]]` still hold.
pub fn warnings(spec: &Spec, graph: &Graph, today: &str) -> Warnings {
    let subject = Subject { spec, graph, reach: Reach::of(graph) };
    let mut accepting = accept::Accepting::new(spec, graph, today);
    let mut warnings = Warnings::default();
    for check in ALL {
        let mut found = Findings::default();
        (check.find)(&subject, &mut found);
        for Found { address, path, message, help } in found.0 {
            let place = place(spec, &path);
            let message = format!("{address}: {message}");
            let warning = Problem {
                place,
                code: Some(check.code),
                severity: Severity::Warning,
                ..Problem::new(message, help)
            };
            match accepting.entry(check.code, &address) {
                Some(entry) => warnings.accepted.push((warning, entry.clone())),
                None => warnings.open.push(warning),
            }
        }
    }
    warnings.open.extend(accepting.left_over());
    warnings.open.sort_by_key(|warning| warning.place.as_ref().map(|place| (place.file, place.span.start)));
    warnings
}

fn place(spec: &Spec, path: &[String]) -> Option<Place> {
    (!path.is_empty()).then(|| spec.tree.place(path))
}

#[cfg(test)]
mod tests;
