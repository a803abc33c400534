use std::time::Duration;

use super::order::Order;
use super::stop::Stop;
use super::{Doing, Event};
use crate::clock::Clock;
use crate::cloud::{About, Cloud};
use crate::lock::Lock;
use crate::plan::Draft;
use crate::value::Address;

/// How to apply.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many changes run at once, 1 at least.
    pub parallelism: usize,
    /// How long calls in flight may take to land after a signal.
    pub drain: Duration,
}

/// All that carrying out a plan takes.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub cloud: &'a dyn Cloud,
    /// The environment's, held by this run.
    pub lock: &'a Lock,
    /// What waits, limits and durations are measured by.
    pub clock: &'a dyn Clock,
    pub about: About<'a>,
    pub draft: &'a Draft,
    pub order: &'a Order,
    pub settings: Settings,
    pub stop: &'a Stop,
    /// Hears what happens.
    pub emit: &'a dyn Fn(Event<'_>),
}

/// What an apply came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub done: Vec<(Address, Doing)>,
    pub unchanged: usize,
    pub failed: Vec<(Address, String)>,
    /// What was not begun since something it depends on failed, and what that was.
    pub skipped: Vec<(Address, Address)>,
    /// What was running when the time to land was over: it may or may not have taken effect.
    pub unfinished: Vec<Address>,
    /// What was not begun since a signal came, or the lock was lost.
    pub not_begun: Vec<Address>,
    /// Why the lock was lost under way.
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
