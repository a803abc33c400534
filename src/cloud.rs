//! Where live state comes from and changes go to: an AWS account, or a file that stands in for one.

mod aws;
mod error;
mod reader;

pub use aws::Aws;
pub use error::{Class, CloudError, During};
pub use reader::{Reader, Scope};
