//! From TOML files to a typed, checked [`Environment`].

mod model;
pub mod names;
mod template;

pub use model::*;
pub use template::{TemplateError, password_parameter};
