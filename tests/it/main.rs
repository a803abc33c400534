//! Tests of the whole program, through its command line. One binary: it links once, and its tests run side by side.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

mod account;
mod calls;
mod check;
mod check_files;
mod checkov;
mod circle;
mod circle_drift;
mod circle_edits;
mod circle_replacements;
mod cli;
mod compare;
mod crash;
mod crash_file;
mod examples;
mod failures;
mod faults;
mod file_circle;
mod file_cloud;
mod guards;
mod hostile;
mod inventory;
mod layers;
mod lock;
mod many_parameters;
mod moto;
mod options;
mod order;
mod ownership;
mod parameters;
mod plans;
mod plans_saved;
mod properties;
mod python;
mod refusals;
mod rehearse;
mod renderings;
mod scenes;
mod schema;
mod secrets;
mod serving;
mod signals;
mod upgrades;
mod usage;
