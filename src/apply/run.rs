use std::time::Duration;

use super::order::Order;
use super::stop::Stop;
use super::{Event, Verb};
use crate::clock::Clock;
use crate::cloud::{Cloud, Context};
use crate::lock::Lock;
use crate::plan::ExecutionPlan;
use crate::value::Address;

/// How to apply.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many changes run at once, 1 at least.
    pub parallelism: usize,
    /// How long running changes may take to finish after a signal.
    pub drain: Duration,
}

/// All that applying a plan needs.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub cloud: &'a dyn Cloud,
    /// The environment's, held by this run.
    pub lock: &'a Lock,
    /// Measures waits, limits and durations.
    pub clock: &'a dyn Clock,
    pub context: Context<'a>,
    pub execution: &'a ExecutionPlan,
    pub order: &'a Order,
    pub settings: Settings,
    pub stop: &'a Stop,
    /// Receives events.
    pub emit: &'a dyn Fn(Event<'_>),
}

/// The result of an apply.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub done: Vec<(Address, Verb)>,
    pub unchanged: usize,
    pub failed: Vec<(Address, String)>,
    /// What was skipped since something that it depends on failed, and what that was.
    pub skipped: Vec<(Address, Address)>,
    /// What was still running at the end: it may or may not have taken effect.
    pub unfinished: Vec<Address>,
    /// What was not started, after a signal or a lost lock.
    pub not_begun: Vec<Address>,
    /// Why the lock was lost during the run.
    pub lock_lost: Option<String>,
    pub took: Duration,
}

impl Report {
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && self.unfinished.is_empty() && self.not_begun.is_empty()
    }

    /// Whether a signal ended it early.
    pub fn is_interrupted(&self) -> bool {
        self.lock_lost.is_none() && !(self.unfinished.is_empty() && self.not_begun.is_empty())
    }
}
