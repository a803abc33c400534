//! The executor over a scripted cloud and a clock that the tests move: hours of waiting take no time.

mod interruptions;
mod leave_out;
mod orders;
mod random;
mod replacements;
mod retries;
mod scene;
mod scripted;

use scene::Scene;
use scripted::{Answer, Call};

use crate::aws::ErrorClass;
