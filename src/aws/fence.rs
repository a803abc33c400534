//! No write is sent by a run whose lock may have expired, not even the second call of one operation, or an attempt
//! that the SDK retries by itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::clock::{SystemClock, Timestamp};

/// Until when this run may write: the lock extends it with each renewal, and the clients of AWS check it right before
/// each attempt of a write. A process that was suspended and continues later finds it closed. Without a lock it is
/// closed, too.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<Mutex<Option<(Timestamp, Duration)>>>);

impl Fence {
    /// Allows writes for this long after that moment.
    pub fn open(&self, from: Timestamp, lasts: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((from, lasts));
    }

    fn is_open(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|(from, lasts)| from.elapsed(&SystemClock) < lasts)
    }

    /// Whether the lock has run out altogether: writes begin in three quarters of its lease, and have the fourth to
    /// arrive. A request that waits for its connection when the process is stopped is not sent on waking.
    pub(super) fn is_over(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|(from, lasts)| !lasts.is_zero() && from.elapsed(&SystemClock) >= lasts * 4 / 3)
    }
}

/// The error of a call that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("not sent: the lock may have expired")]
pub struct LockExpired;

impl Intercept for Fence {
    fn name(&self) -> &'static str {
        "Fence"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if config.load::<Metadata>().is_some_and(|call| is_read(call.name())) {
            return Ok(());
        }
        context.request_mut().add_extension(self.clone());
        if self.is_open() { Ok(()) } else { Err(LockExpired.into()) }
    }
}

/// By the names that AWS gives its operations. What is not known to read is taken for a write.
pub(super) fn is_read(operation: &str) -> bool {
    ["BatchGet", "Describe", "Get", "List", "Lookup"].iter().any(|prefix| operation.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_open_for_as_long_as_the_lock_is_certain() {
        let fence = Fence::default();
        assert!(!fence.is_open(), "there is no lock yet");
        fence.open(Timestamp::now(&SystemClock), Duration::from_secs(60));
        assert!(fence.is_open());
        assert!(!fence.is_over());
        fence.open(Timestamp::now(&SystemClock), Duration::ZERO);
        assert!(!fence.is_open() && !fence.is_over(), "it was released or lost, and what is on its way may arrive");
        fence.open(Timestamp::now(&SystemClock), Duration::from_nanos(1));
        assert!(fence.is_over(), "the whole lease has passed");
    }

    #[test]
    fn what_changes_nothing_is_let_through() {
        for read in ["DescribeVpcs", "GetParameters", "ListServices", "BatchGetImage", "LookupEvents"] {
            assert!(is_read(read), "{read}");
        }
        for write in
            ["CreateVpc", "PutParameter", "AddTagsToResource", "RegisterTaskDefinition", "SetRulePriorities"]
        {
            assert!(!is_read(write), "{write}");
        }
    }
}
