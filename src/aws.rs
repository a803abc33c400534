//! Calls to AWS: the clients of an account, the classes of their errors, reads that kinds share, and limits of calls.

#[cfg(feature = "aws")]
mod call;
#[cfg(feature = "aws")]
mod clients;
mod error;
#[cfg(feature = "aws")]
mod fence;
#[cfg(feature = "aws")]
mod https;
#[cfg(feature = "aws")]
pub mod pages;
#[cfg(feature = "aws")]
mod reader;
#[cfg(feature = "aws")]
mod response;
#[cfg(feature = "aws")]
mod trace;
#[cfg(feature = "aws")]
mod transport;
#[cfg(feature = "aws")]
mod versions;

#[cfg(feature = "aws")]
pub use call::SdkResult;
#[cfg(feature = "aws")]
pub(crate) use clients::service;
#[cfg(feature = "aws")]
pub use clients::{Aws, CALL_SECONDS, Service, Setup};
pub use error::{CloudError, ErrorClass, NO_CREDENTIALS, NOT_SENT, OwnError};
#[cfg(feature = "aws")]
pub use fence::Fence;
#[cfg(feature = "aws")]
pub use https::Unusable;
#[cfg(feature = "aws")]
pub use reader::{Reader, Scope, TagIndex, is_of_type};
#[cfg(feature = "aws")]
pub use trace::{Detail, Trace};
#[cfg(feature = "aws")]
pub use versions::{Entries, Versions};
