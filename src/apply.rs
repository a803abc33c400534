//! Carries a plan out: every change starts when its own dependencies are done. Nothing here prints; what
//! happens is emitted as [`Event`]s.

mod event_loop;
mod execute;
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
pub use order::Order;
#[cfg(test)]
use order::{Operation, Phase};
pub use run::{Report, Run, Settings};
pub use stop::Stop;

/// What happens while a plan is carried out.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    Started {
        address: &'a Address,
        doing: Doing,
    },
    /// What a change that runs is waiting for.
    Waiting {
        address: &'a Address,
        what: String,
    },
    Finished {
        address: &'a Address,
        doing: Doing,
        took: Duration,
    },
    /// It turned out that nothing differs.
    Unchanged {
        address: &'a Address,
    },
    Failed {
        address: &'a Address,
        doing: Doing,
        why: String,
    },
    Skipped {
        address: &'a Address,
        doing: Doing,
        because: &'a Address,
    },
    /// A signal came: nothing more is started.
    Stopping {
        running: usize,
    },
    /// The lock is lost: nothing more is started.
    LockLost {
        why: String,
        running: usize,
    },
}

/// What an operation does: a replacement both creates and deletes, and some writes go in two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Create,
    Update,
    /// The second half of a write that goes in two.
    Finish,
    Delete,
}

impl Doing {
    pub(crate) fn writing(action: Action) -> Self {
        match action {
            Action::Update | Action::Adopt => Self::Update,
            _ => Self::Create,
        }
    }

    pub fn present(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Finish => "finishing",
            Self::Delete => "deleting",
        }
    }

    pub fn past(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Finish => "finished",
            Self::Delete => "deleted",
        }
    }
}
