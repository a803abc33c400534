//! Why a lock was not acquired, or is not held any more.

use std::path::PathBuf;
use std::time::Duration;

use super::{Held, Holder};
use crate::aws::CloudError;

/// Why the lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run held it until the timeout.
    #[error("the lock is held by {}", who(&.0.holder))]
    Held(Held),
    #[error(transparent)]
    Cloud(CloudError),
    /// The wait was cancelled.
    #[error("the wait for the lock was cancelled")]
    Cancelled,
}

/// Why this run does not hold the lock any more.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockLost {
    /// Another run took it over.
    #[error("the lock was lost: {} holds it", who(.0))]
    HeldBy(Holder),
    /// Somebody freed it by hand.
    #[error("the lock was lost: {} released it with `unlock`", who(.0))]
    Unlocked(Holder),
    /// What is in its parameter now is no lock.
    #[error("the lock was lost: its parameter was overwritten")]
    Overwritten,
    /// The file that it was is gone.
    #[error("the lock was lost: {} was removed", .0.display())]
    Removed(PathBuf),
    /// It may still be held, but for so long there was no proof of it that another run may have taken it over.
    #[error("the lock could not be renewed for {} s: {source}", since.as_secs())]
    NotRenewed { since: Duration, source: RenewalError },
}

/// Why a renewal did not succeed. It says nothing about whether the lock is still held.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RenewalError {
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error("no response within {} s", .0.as_secs_f64())]
    NoResponse(Duration),
}

/// Why a write is not begun: the lock is lost.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not started: {0}")]
pub struct NotStarted(#[from] pub LockLost);

fn who(holder: &Holder) -> String {
    format!("{} ({}, process {})", holder.by, holder.command, holder.pid)
}
