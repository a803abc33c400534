//! Renderings of a plan as documents: values made from values. They have a place of their own because they print
//! nothing and know no terminal; what knows one is in [`crate::ui`], which also prints these.

mod beside;
mod html;
mod links;
mod markdown;
mod preflight;
mod refused;
mod rows;
mod tfplan;
pub mod traffic;
mod view;

pub use beside::{Accepted, Beside, Need};
pub use html::{html, traffic_svg};
pub use links::Links;
pub use markdown::markdown;
pub(crate) use markdown::{changes as changes_markdown, list as markdown_list, text as markdown_text};
pub use preflight::{Answer, Answered, Preflight};
pub(crate) use refused::{approvals, losses, refusals};
pub(crate) use rows::{in_words, inline, origin_beside, pair, place_beside, pretty, said};
pub use tfplan::{NoCounterpart, tfplan};
pub(crate) use view::{NEEDS, REFUSED, UNMANAGED, counts, danger, duration, heading, needs_reason, warnings};
