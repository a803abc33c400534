use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Held, Holder, LockStore, Renewal, Take, Unlocking};
use crate::aws::CloudError;
use crate::clock::{Clock, Moment};

/// The lock of what lives in the memory of one process: nobody else can come, so it is always free and never lost.
pub struct Alone {
    clock: Rc<dyn Clock>,
}

impl Alone {
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl LockStore for Alone {
    fn name(&self) -> String {
        "the memory of this process".to_owned()
    }

    fn patience(&self, _lease: Duration) -> Duration {
        Duration::ZERO
    }

    fn take<'a>(&'a self, _me: &'a Holder, _lease: Duration) -> LocalBoxFuture<'a, Result<Take, CloudError>> {
        Box::pin(async { Ok(Take::Taken { at: Moment::now(self.clock.as_ref()), from: None }) })
    }

    fn renew<'a>(&'a self, _me: &'a Holder, _lease: Duration) -> LocalBoxFuture<'a, Result<Renewal, CloudError>> {
        Box::pin(async { Ok(Renewal::Renewed(Moment::now(self.clock.as_ref()))) })
    }

    fn release<'a>(&'a self, _me: &'a Holder) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn look(&self) -> LocalBoxFuture<'_, Result<Option<Held>, CloudError>> {
        Box::pin(async { Ok(None) })
    }

    fn unlock<'a>(&'a self, _held: &'a Held, _me: &'a Holder) -> LocalBoxFuture<'a, Result<Unlocking, CloudError>> {
        Box::pin(async { Ok(Unlocking::Moved(None)) })
    }
}
