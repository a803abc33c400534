//! What somebody else made: found by the name that the spec says it has, since it carries none of our tags.

use serde_json::Value;

use super::Drafting;
use crate::cloud::Found;
use crate::graph::Wanted;
use crate::plan::Action;
use crate::plan::draft::compare;

/// An object with the name that this one must have, but without our tags.
pub(super) fn namesake(found: &[Found], wanted: &Wanted, desired: &Value) -> Option<usize> {
    let name = desired.get(wanted.kind.identity()?)?;
    found.iter().position(|Found { kind, live }| {
        kind.name() == wanted.kind.name()
            && live.address.is_none()
            && live.attrs.as_ref().and_then(|attrs| attrs.get(kind.identity()?)) == Some(name)
    })
}

impl Drafting<'_> {
    /// Uses it where the spec says that it is somebody else's, and takes it over only where that was asked for.
    pub(super) fn adopt(&mut self, wanted: &Wanted, desired: &Value, index: usize) {
        self.used.insert(index);
        let live = &self.found[index].live;
        if wanted.external {
            self.stays(wanted, index);
        } else if live.confirm {
            self.doubtful.insert(index);
        } else if self.options.adopt.contains(&wanted.address) {
            let different = compare(wanted.kind, desired, live);
            self.change(wanted, desired, index, &different, Action::Adopt);
        } else {
            self.conflicts.push(format!(
                "{} has the name that {} must have, but not this environment's tags: somebody else made it. \
                 Take it over with --adopt {}, or give one of the two another name",
                live.id, wanted.address, wanted.address
            ));
        }
    }
}
