//! Applies a plan: every change starts when its own dependencies are done. Nothing here prints; progress is emitted as
//! [`Event`]s.

mod error;
mod event_loop;
mod execute;
mod leave_out;
mod order;
mod retry;
mod run;
mod schedule;
mod stop;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::plan::Action;
use crate::value::Address;

pub use event_loop::apply;
pub use leave_out::{only, without};
pub use order::{ChangeCycle, Order};
#[cfg(test)]
use order::{Operation, Phase};
pub use run::{Report, Run, Settings};
pub use stop::Stop;

/// What happens while a plan is applied.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    Started {
        address: &'a Address,
        verb: Verb,
    },
    /// What a change that runs is waiting for.
    Waiting {
        address: &'a Address,
        what: String,
    },
    Finished {
        address: &'a Address,
        verb: Verb,
        took: Duration,
    },
    /// The object was already up to date.
    Unchanged {
        address: &'a Address,
    },
    Failed {
        address: &'a Address,
        verb: Verb,
        why: String,
    },
    Skipped {
        address: &'a Address,
        verb: Verb,
        because: &'a Address,
    },
    /// A signal was received: no more changes are started.
    Stopping {
        running: usize,
    },
    /// The lock is lost: no more changes are started.
    LockLost {
        why: String,
        running: usize,
    },
}

/// What an operation does: a replacement both creates and deletes, and some writes have two phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Create,
    Update,
    /// The second phase of a write that has two.
    Finish,
    Delete,
    Forget,
}

impl Verb {
    pub(crate) fn writing(action: Action) -> Self {
        match action {
            Action::Update | Action::Adopt => Self::Update,
            Action::Forget => Self::Forget,
            _ => Self::Create,
        }
    }

    pub fn present(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Finish => "finishing the update of",
            Self::Delete => "deleting",
            Self::Forget => "forgetting",
        }
    }

    pub fn past(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Finish => "finished the update of",
            Self::Delete => "deleted",
            Self::Forget => "forgot",
        }
    }
}
