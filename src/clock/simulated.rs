use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime};

use futures_util::future::LocalBoxFuture;

use super::Clock;

/// A clock that stands still while anything can happen, and then goes on to the next moment that somebody waits for:
/// hours pass at once, and always in the same order. For what waits for nothing else than this clock: rehearsals and
/// tests.
#[derive(Clone, Default)]
pub struct SimulatedClock(Rc<State>);

#[derive(Default)]
struct State {
    now: Cell<Duration>,
    /// Who waits, by when and in the order in which they began to.
    sleepers: RefCell<BTreeMap<(Duration, u64), Waker>>,
    slept: Cell<u64>,
}

impl SimulatedClock {
    /// Carries the work out, and time with it. `None` if it waits for something that never comes.
    pub async fn drive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut is_idle = false;
        std::future::poll_fn(|context| {
            if let Poll::Ready(value) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Some(value));
            }
            // By way of the runtime, which gives its own primitives a new budget for each round, and wakes who only let
            // the others go first: time goes on when nothing has happened for a whole round.
            let was_idle = std::mem::replace(&mut is_idle, !woken.0.swap(false, Ordering::Relaxed));
            if is_idle && was_idle {
                if !self.advance() {
                    return Poll::Ready(None);
                }
                is_idle = false;
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    fn advance(&self) -> bool {
        let Some(((until, _), waker)) = self.0.sleepers.borrow_mut().pop_first() else { return false };
        self.0.now.set(until.max(self.0.now.get()));
        waker.wake();
        true
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn monotonic(&self) -> Duration {
        self.0.now.get()
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.now.get()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let state = Rc::clone(&self.0);
        let key = (state.now.get() + duration, state.slept.get());
        state.slept.set(key.1 + 1);
        Box::pin(Sleep { state, key })
    }
}

struct Sleep {
    state: Rc<State>,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.state.now.get() >= self.key.0 {
            return Poll::Ready(());
        }
        self.state.sleepers.borrow_mut().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    /// Time need not stop for who waits no longer.
    fn drop(&mut self) {
        self.state.sleepers.borrow_mut().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;

    use super::*;

    fn driven<T>(clock: &SimulatedClock, work: impl Future<Output = T>) -> Option<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(clock.drive(work))
    }

    #[test]
    fn who_waits_for_less_goes_first_and_an_hour_passes_at_once() {
        let (clock, order) = (SimulatedClock::default(), RefCell::new(Vec::new()));
        let wait = async |seconds: u64| {
            clock.sleep(Duration::from_secs(seconds)).await;
            order.borrow_mut().push(seconds);
        };
        assert!(driven(&clock, join(join(wait(3600), wait(60)), wait(0))).is_some());
        assert_eq!(order.take(), [0, 60, 3600]);
        assert_eq!(clock.monotonic(), Duration::from_secs(3600));
    }

    #[test]
    fn what_nobody_will_ever_end_is_seen() {
        let clock = SimulatedClock::default();
        assert_eq!(driven(&clock, std::future::pending::<()>()), None);
        let cut_short = async {
            tokio::select! {
                biased;
                () = clock.sleep(Duration::from_secs(60)) => {}
                () = clock.sleep(Duration::from_secs(1)) => {}
            }
        };
        assert!(driven(&clock, cut_short).is_some());
        assert_eq!(clock.monotonic(), Duration::from_secs(1), "the longer wait was given up");
    }
}
