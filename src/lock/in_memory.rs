use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Held, Holder, LockStore, Renewal, Take, UnlockResult};
use crate::aws::CloudError;
use crate::clock::{Clock, Timestamp};

/// The lock of a cloud in memory: no other process can use it, so it is always free and never lost.
pub struct InMemoryLock {
    clock: Rc<dyn Clock>,
}

impl InMemoryLock {
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl LockStore for InMemoryLock {
    fn name(&self) -> String {
        "the memory of this process".to_owned()
    }

    fn poll_interval(&self, _lease: Duration) -> Duration {
        Duration::ZERO
    }

    fn take<'a>(&'a self, _me: &'a Holder, _lease: Duration) -> LocalBoxFuture<'a, Result<Take, CloudError>> {
        Box::pin(async { Ok(Take::Taken { at: Timestamp::now(self.clock.as_ref()), from: None }) })
    }

    fn renew<'a>(&'a self, _me: &'a Holder, _lease: Duration) -> LocalBoxFuture<'a, Result<Renewal, CloudError>> {
        Box::pin(async { Ok(Renewal::Renewed(Timestamp::now(self.clock.as_ref()))) })
    }

    fn release<'a>(&'a self, _me: &'a Holder) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn current(&self) -> LocalBoxFuture<'_, Result<Option<Held>, CloudError>> {
        Box::pin(async { Ok(None) })
    }

    fn unlock<'a>(
        &'a self,
        _held: &'a Held,
        _me: &'a Holder,
    ) -> LocalBoxFuture<'a, Result<UnlockResult, CloudError>> {
        Box::pin(async { Ok(UnlockResult::HolderChanged(None)) })
    }
}
