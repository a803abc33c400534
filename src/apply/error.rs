use std::time::Duration;

use crate::aws::CloudError;
use crate::lock::NotStarted;
use crate::value::Address;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// A call was rejected, or its retries have come to their limit.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// What was written will not become ready, or not go, for a reason that the cloud gives.
    #[error("{0}")]
    GoalMissed(String),
    /// It was not ready, or not gone, within its kind's deadline.
    #[error("timed out after {} s: {waiting_for}", after.as_secs())]
    TimedOut { after: Duration, waiting_for: String },
    /// A create failed, and so did the look for what it may have made.
    #[error("{error}; whether it was created all the same could not be checked: {unchecked}")]
    MayExist {
        error: CloudError,
        #[source]
        unchecked: Box<Self>,
    },
    /// A create could be retried, but for the look for what it may have made, which failed.
    #[error("not retried, since it could not be checked whether the first attempt created it: {0}")]
    NotRetried(#[source] Box<Self>),
}

/// A value that a write needs and that is not known when its turn comes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error("{address} has no output `{output}`: apply again, and report a bug if this persists")]
    Output { address: Address, output: String },
    #[error("a value that this depends on is not known: apply again, and report a bug if this persists")]
    Value,
}
