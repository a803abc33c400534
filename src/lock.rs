//! One run at a time for each environment: changes need its lock, which is kept where the environment is. Plans need
//! none.
//!
//! [`Lock`] is the run's side: it waits for the lock, renews it while the run works, and says before every write
//! whether it is certainly still held. Where the lock is, is behind [`LockStore`]: for an account it is a
//! [`VersionedLock`] of versions of an SSM parameter, for a cloud file an advisory lock of the operating system
//! ([`FileLock`]).
//!
//! # The chain
//! Parameter Store has no compare-and-swap. It has this: `PutParameter` with `Overwrite=false` is a create that
//! exactly one caller wins; with `Overwrite=true` it numbers the new version one higher than the last and answers
//! the number; and old versions stay readable. Reads may be stale. So the parameter is used as a log:
//!
//! - Every text that is written states the number it is meant to become: one more than the newest version of the
//!   log that the writer had read. A version *counts* only if its own number is the stated one. Numbers are given
//!   out one by one, so of two writers that saw the same log only one gets the number both stated; the other's
//!   text became a later version, does not count, and everybody who reads it passes over it to the version before.
//!   A write that counts is thus a compare-and-swap: it was decided on exactly the log before it.
//! - The lock is what the newest version that counts says: held by this run, or free. Taking, renewing, taking
//!   over, releasing and unlocking are all such writes. The parameter is made once (`Overwrite=false`) and then
//!   never deleted: its numbers only grow, so a write that was held up somewhere, or repeated by the SDK after a
//!   lost answer, cannot come true later. Where an answer is lost or is another number, the log is read, which
//!   says what became of it, unless nothing shows of it yet.
//! - A loser's text, although it lies on top, takes nothing from the winner: the winner is found below it, and its
//!   next renewal is stated on top of both.
//!
//! # The lease
//! A lock is held for one lease, renewed at every third of it. Nobody compares clocks of two machines: who waits
//! takes the lock over when the version that counts has not moved for a whole lease *as measured by who waits*,
//! from after it read that version. The holder measures from before it sent that version, so by the time that
//! anybody takes over, the holder's own lease has run out, as long as both clocks run at the same pace. A quarter
//! of the lease is kept in hand: past three quarters without a renewal nothing more is begun unless a renewal
//! succeeds first ([`Lock::fence`]), which, being a compare-and-swap, proves that nobody was there in between.
//! What is in flight may land until the lease ends and is then cut off. The end of the lease by the clock on
//! the wall is only shown to people.
//!
//! What stays: a request that AWS holds up on its own side for longer than the quarter that is kept in hand can
//! take effect under the next holder. No lock outside of the services that are written to can exclude that.

mod entry;
mod error;
mod file;
mod holder;
mod in_memory;
mod lease;
#[cfg(feature = "aws")]
mod ssm;
#[cfg(test)]
mod tests;
mod versioned;

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::aws::CloudError;
use crate::clock::Timestamp;
use crate::spec::Environment;

pub use error::{LockError, LockLost, NotStarted, RenewalError};
pub use file::FileLock;
pub use holder::Holder;
pub use in_memory::InMemoryLock;
pub use lease::{Lock, LockOptions};
#[cfg(feature = "aws")]
pub use ssm::ParameterVersions;
pub use versioned::{VersionedLock, Versions};

/// The parameter that an environment's lock is.
pub fn parameter(env: &Environment) -> String {
    format!("/baseplate/{}/lock", env.path())
}

/// A lock that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub holder: Holder,
    /// How long it is held without renewal; `None` where it ends with the holder's process.
    pub lease: Option<Duration>,
    /// When that is over, RFC 3339; by the holder's clock.
    pub expires: Option<String>,
    /// For how long this process has seen it not renewed.
    pub idle: Duration,
}

/// The result of an attempt to acquire the lock.
#[derive(Debug)]
pub enum Take {
    /// Acquired, counted from before that was written; and who held it before, if that lock had expired.
    Taken {
        at: Timestamp,
        from: Option<Held>,
    },
    Busy(Held),
}

/// The result of a renewal.
#[derive(Debug)]
pub enum Renewal {
    /// Renewed, counted from before that was written.
    Renewed(Timestamp),
    /// Lost, and why.
    Lost(LockLost),
}

/// The result of releasing somebody else's lock.
#[derive(Debug)]
pub enum UnlockResult {
    Unlocked,
    /// Another run holds it now, or none.
    HolderChanged(Option<Held>),
    /// It ends with the holder's process, which is alive.
    HolderAlive,
}

/// Where a lock is stored.
pub trait LockStore {
    /// Its name in errors.
    fn name(&self) -> String;

    /// How often to look again while somebody else holds a lock of this lease.
    fn poll_interval(&self, lease: Duration) -> Duration;

    /// Acquires the lock if it is free or has expired.
    fn take<'a>(&'a self, me: &'a Holder, lease: Duration) -> LocalBoxFuture<'a, Result<Take, CloudError>>;

    /// Holds it for another lease. An error says nothing about whether it is still held.
    fn renew<'a>(&'a self, me: &'a Holder, lease: Duration) -> LocalBoxFuture<'a, Result<Renewal, CloudError>>;

    /// Releases it, if it is still ours.
    fn release<'a>(&'a self, me: &'a Holder) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// Told for how long after a moment the lock is certain to be held, so that it can be checked right before each
    /// write is sent; zero once it is lost or released.
    fn valid_for(&self, _from: Timestamp, _lasts: Duration) {}

    /// Who holds it.
    fn current(&self) -> LocalBoxFuture<'_, Result<Option<Held>, CloudError>>;

    /// Releases it, if this is still its holder.
    fn unlock<'a>(&'a self, held: &'a Held, me: &'a Holder)
    -> LocalBoxFuture<'a, Result<UnlockResult, CloudError>>;
}
