//! Whether and for how long a failed call is retried.

use std::time::Duration;

use crate::aws::{CloudError, ErrorClass};
use crate::clock::Clock;
use crate::kinds::AnyKind;

/// Eventual consistency: how long a new object may be unknown to another part of AWS.
const CONSISTENCY: Duration = Duration::from_secs(120);
/// How long an object may stay in use, or as long as its kind's deadline.
const IN_USE: Duration = Duration::from_secs(900);
const THROTTLED: Duration = Duration::from_secs(300);
const AMBIGUOUS: Duration = Duration::from_secs(60);

/// The retries of one operation. Each class of errors has its own limit, which counts from its first error and not from
/// the start of the operation: after an hour of waiting, a minute of failed calls is still retried.
pub struct Retry<'a> {
    clock: &'a dyn Clock,
    in_use: Duration,
    /// At most one entry a class.
    since: Vec<(ErrorClass, Duration)>,
    next: Duration,
}

impl<'a> Retry<'a> {
    pub fn new(clock: &'a dyn Clock, kind: &dyn AnyKind) -> Self {
        let in_use = Duration::from_secs(kind.deadline()).max(IN_USE);
        Self { clock, in_use, since: Vec::new(), next: FIRST }
    }

    /// Whether the error is temporary, and its limit not reached.
    pub fn should_retry(&mut self, error: &CloudError) -> bool {
        let limit = match error.class {
            ErrorClass::EventuallyConsistent => CONSISTENCY,
            ErrorClass::InUse => self.in_use,
            ErrorClass::Throttled => THROTTLED,
            ErrorClass::Ambiguous => AMBIGUOUS,
            // The lock itself reports when it is lost.
            ErrorClass::Fenced => return true,
            _ => return false,
        };
        let now = self.clock.monotonic();
        let since = match self.since.iter().find(|(class, _)| *class == error.class) {
            Some((_, since)) => *since,
            None => {
                self.since.push((error.class, now));
                now
            }
        };
        now.saturating_sub(since) < limit
    }

    /// A call succeeded: limits start anew.
    pub fn reset(&mut self) {
        self.since.clear();
    }

    /// How long to wait before the next attempt: exponential backoff.
    pub fn backoff(&mut self) -> Duration {
        let delay = self.next;
        self.next = (self.next * 3 / 2).min(LONGEST);
        delay
    }
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);
