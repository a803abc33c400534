//! The time that is waited and measured by, so that rehearsals and tests decide how it passes.

mod simulated;

use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::LocalBoxFuture;

pub use simulated::SimulatedClock;

/// The time that leases are measured in. A seam, so that tests decide how it passes.
pub trait Clock {
    /// Since some moment, never going back. It may stand still while the machine sleeps.
    fn steady(&self) -> Duration;

    /// The time of day. It goes on while the machine sleeps, and may be set.
    fn of_day(&self) -> SystemTime;

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    steady: Duration,
    of_day: SystemTime,
}

impl Moment {
    pub fn now(clock: &dyn Clock) -> Self {
        Self { steady: clock.steady(), of_day: clock.of_day() }
    }

    /// How long ago this was, by the clock that says more: of a laptop that slept with its lid closed, the steady
    /// one does not know.
    pub fn elapsed(&self, clock: &dyn Clock) -> Duration {
        let of_day = clock.of_day().duration_since(self.of_day).unwrap_or_default();
        clock.steady().saturating_sub(self.steady).max(of_day)
    }
}

/// The clocks of this machine. Moments of any two of them can be compared: there is one beginning for all.
pub struct MachineClock;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

impl MachineClock {
    pub fn shared() -> Rc<dyn Clock> {
        Rc::new(Self)
    }
}

impl Clock for MachineClock {
    fn steady(&self) -> Duration {
        STARTED.elapsed()
    }

    fn of_day(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
