//! When a call that failed is made again, and for how long.

use std::time::Duration;

use crate::aws::{Class, CloudError};
use crate::clock::Clock;
use crate::kinds::AnyKind;

/// What has just been made may be unknown for this long to another part of AWS.
const PROPAGATION: Duration = Duration::from_secs(120);
/// What is in use may stay so for this long, or as long as its kind takes at most.
const IN_USE: Duration = Duration::from_secs(900);
const THROTTLED: Duration = Duration::from_secs(300);
const UNANSWERED: Duration = Duration::from_secs(60);

/// The trouble that one operation has with AWS, and since when. Each sort of trouble has a limit of its own, which
/// counts from when it began and not from when the operation did: a wait of an hour may end with a minute without
/// answers all the same.
pub struct Retry<'a> {
    clock: &'a dyn Clock,
    in_use: Duration,
    /// At most one entry a class.
    since: Vec<(Class, Duration)>,
    next: Duration,
}

impl<'a> Retry<'a> {
    pub fn new(clock: &'a dyn Clock, kind: &dyn AnyKind) -> Self {
        let in_use = Duration::from_secs(kind.deadline()).max(IN_USE);
        Self { clock, in_use, since: Vec::new(), next: FIRST }
    }

    /// Whether the error is one that goes away by itself and may last longer yet.
    pub fn may_repeat(&mut self, error: &CloudError) -> bool {
        let limit = match error.class {
            Class::Propagating => PROPAGATION,
            Class::InUse => self.in_use,
            Class::Throttled => THROTTLED,
            Class::Unanswered => UNANSWERED,
            // The lock itself says when there is no use in asking again.
            Class::Fenced => return true,
            _ => return false,
        };
        let now = self.clock.steady();
        let since = match self.since.iter().find(|(class, _)| *class == error.class) {
            Some((_, since)) => *since,
            None => {
                self.since.push((error.class, now));
                now
            }
        };
        now.saturating_sub(since) < limit
    }

    /// An answer came: whatever trouble there was is over.
    pub fn answered(&mut self) {
        self.since.clear();
    }

    /// How long to wait before the next attempt: dense at first, since most things take a moment, then ever rarer.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 3 / 2).min(LONGEST);
        pause
    }
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);
