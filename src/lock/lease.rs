use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};

use super::{Held, Holder, LockError, LockLost, LockStore, NotStarted, Renewal, RenewalError, Take};
use crate::aws::{CloudError, ErrorClass};
use crate::clock::{Clock, Timestamp};

/// How long a lock is held and waited for.
#[derive(Clone, Copy, Debug)]
pub struct LockOptions {
    /// How long it is held without renewal.
    pub lease: Duration,
    /// How long to wait while somebody else holds it.
    pub timeout: Duration,
}

/// The lock of an environment, held by this run.
pub struct Lock {
    store: Box<dyn LockStore>,
    me: Holder,
    clock: Rc<dyn Clock>,
    lease: Duration,
    /// Before the write that holds it was sent.
    renewed: Cell<Timestamp>,
    lost: RefCell<Option<LockLost>>,
    notify: Notify,
    renewing: Mutex<()>,
}

impl Lock {
    /// Waits for the lock and acquires it. `on_wait` is called with its holder after each attempt; the wait is
    /// cancelled when `enough` is ready. A running attempt is never interrupted, and after one without a response it
    /// is checked whether it acquired the lock all the same.
    ///
    /// # Errors
    /// Another run holds it for too long, or the store does not respond.
    pub async fn acquire(
        store: Box<dyn LockStore>,
        me: Holder,
        terms: LockOptions,
        clock: Rc<dyn Clock>,
        on_wait: &dyn Fn(&Held),
        enough: impl Future<Output = ()>,
    ) -> Result<(Self, Option<Held>), LockError> {
        let begun = clock.monotonic();
        let lease = terms.lease;
        let mut enough = std::pin::pin!(enough);
        let mut is_unknown;
        let taken = loop {
            let left = terms.timeout.saturating_sub(clock.monotonic().saturating_sub(begun));
            let take = store.take(&me, lease).await;
            is_unknown = take.as_ref().is_err_and(passes);
            let pause = match take {
                Ok(Take::Taken { at, from }) => break Ok((at, from)),
                Ok(Take::Busy(held)) if left.is_zero() => break Err(LockError::Held(held)),
                Ok(Take::Busy(held)) => {
                    on_wait(&held);
                    store.poll_interval(held.lease.unwrap_or_default())
                }
                Err(error) if !left.is_zero() && passes(&error) => store.poll_interval(lease),
                Err(error) => break Err(LockError::Cloud(error)),
            };
            tokio::select! {
                biased;
                () = &mut enough => break Err(LockError::Cancelled),
                () = clock.sleep(pause.min(left)) => {}
            }
        };
        if taken.is_err() && is_unknown {
            tokio::select! {
                () = let_go(store.as_ref(), &me) => {}
                () = clock.sleep(RELEASE_TIMEOUT) => {}
            }
        }
        let (renewed, from) = taken?;
        store.valid_for(renewed, safe_share(lease));
        let (lost, notify, renewing) = (RefCell::default(), Notify::new(), Mutex::new(()));
        Ok((Self { store, me, clock, lease, renewed: Cell::new(renewed), lost, notify, renewing }, from))
    }

    /// Renews it for as long as this is polled. It never returns; see [`Self::lost`].
    pub async fn keep(&self) -> ! {
        let mut pause = self.lease / 3;
        while self.lost.borrow().is_none() {
            self.clock.sleep(pause).await;
            let before = self.renewed.get();
            self.renew().await;
            // One that failed is tried again soon: there is time left for a few attempts.
            pause = if self.renewed.get() == before { self.lease / 12 } else { self.lease / 3 };
        }
        std::future::pending().await
    }

    /// Makes certain, before a write, that the lock is still ours. Costs a call only when renewals are overdue.
    ///
    /// # Errors
    /// It is lost. Nothing more may be written.
    pub async fn fence(&self) -> Result<(), NotStarted> {
        while !self.is_certain() {
            if let Some(why) = self.lost.borrow().as_ref() {
                return Err(why.clone().into());
            }
            self.renew().await;
        }
        Ok(())
    }

    /// Waits until the lock is lost, and answers why.
    pub async fn lost(&self) -> LockLost {
        loop {
            if let Some(why) = self.lost.borrow().as_ref() {
                return why.clone();
            }
            self.notify.notified().await;
        }
    }

    /// How long no other run can acquire the lock.
    pub fn left(&self) -> Duration {
        self.lease.saturating_sub(self.age())
    }

    /// Releases it. Where that fails, it expires with its lease.
    ///
    /// # Errors
    /// It could not be freed, and holds until its lease ends.
    pub async fn release(&self) -> Result<(), CloudError> {
        // A renewal that was cut off half way must not land on top of the release.
        let _alone = self.renewing.lock().await;
        self.store.valid_for(self.renewed.get(), Duration::ZERO);
        self.retrying(async || self.store.release(&self.me).await, || !self.left().is_zero()).await
    }

    /// Retries for as long as there is no response and there is time.
    async fn retrying<T>(
        &self,
        ask: impl AsyncFn() -> Result<T, CloudError>,
        has_time: impl Fn() -> bool,
    ) -> Result<T, CloudError> {
        loop {
            match ask().await {
                Err(error) if passes(&error) && has_time() => {
                    self.clock.sleep(self.store.poll_interval(self.lease)).await;
                }
                done => return done,
            }
        }
    }

    fn age(&self) -> Duration {
        self.renewed.get().elapsed(self.clock.as_ref())
    }

    fn is_certain(&self) -> bool {
        self.lost.borrow().is_none() && self.age() < safe_share(self.lease)
    }

    /// Renews, for a limited time. Without success the lock is lost once it is no longer certain to be held.
    async fn renew(&self) {
        let before = self.renewed.get();
        let _alone = self.renewing.lock().await;
        if self.renewed.get() != before || self.lost.borrow().is_some() {
            return;
        }
        let limit = safe_share(self.lease).saturating_sub(self.age()).max(self.lease / 4);
        // The limit ends it.
        let renewal = self.retrying(async || self.store.renew(&self.me, self.lease).await, || true);
        let outcome = tokio::select! {
            biased;
            outcome = renewal => outcome.map_err(RenewalError::from),
            () = self.clock.sleep(limit) => Err(RenewalError::NoResponse(limit)),
        };
        match outcome {
            Ok(Renewal::Renewed(at)) => {
                self.renewed.set(at);
                self.store.valid_for(at, safe_share(self.lease));
            }
            Ok(Renewal::Lost(why)) => self.lose(why),
            Err(source) if !self.is_certain() => self.lose(LockLost::NotRenewed { since: self.age(), source }),
            Err(_) => {}
        }
    }

    fn lose(&self, why: LockLost) {
        self.store.valid_for(self.renewed.get(), Duration::ZERO);
        self.lost.borrow_mut().get_or_insert(why);
        self.notify.notify_waiters();
    }
}

/// How much of a lease writes may begin in: what is sent just before has the rest of it to take effect.
fn safe_share(lease: Duration) -> Duration {
    lease * 3 / 4
}

/// How long a cancelled run checks whether it acquired the lock all the same.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// Releases the lock if it is ours. Where that fails, it expires with its lease.
async fn let_go(store: &dyn LockStore, me: &Holder) {
    if let Ok(Some(held)) = store.current().await
        && held.holder.id == me.id
    {
        let _ = store.unlock(&held, me).await;
    }
}

/// Whether a retry may help.
fn passes(error: &CloudError) -> bool {
    error.is(ErrorClass::Throttled) || error.is(ErrorClass::Ambiguous)
}
