//! Renderings of a plan as documents: values made from values. They have a place of their own because they print
//! nothing and know no terminal; what knows one is in [`crate::ui`], which also prints these.

mod beside;
mod html;
mod markdown;
mod preflight;
mod rows;
mod tfplan;
pub mod traffic;
mod view;

pub use beside::{Accepted, Beside};
pub use html::{html, traffic_svg};
pub use markdown::markdown;
pub(crate) use markdown::{changes as changes_markdown, list as markdown_list, text as markdown_text};
pub use preflight::{Answer, Answered, Preflight};
pub(crate) use rows::{inline, origin_beside, pair, pretty};
pub use tfplan::{NoCounterpart, tfplan};
pub(crate) use view::{UNMANAGED, danger, duration, heading, needs_reason};
