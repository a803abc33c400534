//! Time, behind a trait so that rehearsals and tests control how it passes.

mod simulated;

use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::LocalBoxFuture;
use time::OffsetDateTime;

pub use simulated::SimulatedClock;

/// A monotonic and a wall clock.
pub trait Clock {
    /// Monotonic time since some start. It may stand still while the machine sleeps.
    fn monotonic(&self) -> Duration;

    /// The wall clock. It goes on while the machine sleeps, and may be set.
    fn wall_clock(&self) -> SystemTime;

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
}

/// A point in time by both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timestamp {
    monotonic: Duration,
    wall_clock: SystemTime,
}

impl Timestamp {
    pub fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.monotonic(), wall_clock: clock.wall_clock() }
    }

    /// How long ago this was, by the clock that says more: of a laptop that slept with its lid closed, the steady
    /// one does not know.
    pub fn elapsed(&self, clock: &dyn Clock) -> Duration {
        let wall_clock = clock.wall_clock().duration_since(self.wall_clock).unwrap_or_default();
        clock.monotonic().saturating_sub(self.monotonic).max(wall_clock)
    }
}

/// The clocks of this machine. Timestamps of any two can be compared: they have the same start.
pub struct SystemClock;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

impl SystemClock {
    pub fn shared() -> Rc<dyn Clock> {
        Rc::new(Self)
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        STARTED.elapsed()
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// As in `2026-03-01T14:02:11Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let date = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let Some(date) = date else { return String::new() };
    let (hour, minute, second) = date.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", date.date())
}
