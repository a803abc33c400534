//! Tests of the whole program, through its command line. One binary: it links once, and its tests run side by side.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

mod check;
mod check_files;
mod cli;
mod file_circle;
mod inventory;
mod order;
mod plans;
mod plans_saved;
mod refusals;
mod usage;
