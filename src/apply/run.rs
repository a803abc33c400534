use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::execute::{Executor, Interrupted};
use super::order::Order;
use super::schedule::Schedule;
use super::stop::Stop;
use super::{Doing, Event};
use crate::cloud::{About, Cloud};
use crate::lock::{Clock, Lock};
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

/// Carries out a plan. Running it again finishes what this run could not.
pub async fn apply(run: Run<'_>) -> Report {
    let Run { lock, clock, order, settings, stop, emit, .. } = run;
    let started = clock.steady();
    let executor = Executor::new(run);
    let parallelism = settings.parallelism.max(1);
    let mut schedule = Schedule::new(order, run.draft, parallelism, emit);
    let mut running = FuturesUnordered::new();
    let mut in_flight = BTreeMap::new();
    let mut is_lost = false;
    // By the clock, when what is still in flight is given up: nothing is started any more once this is set.
    let mut deadline: Option<Duration> = None;
    loop {
        while deadline.is_none() && running.len() < parallelism {
            let Some((node, operation)) = schedule.next() else { break };
            emit(Event::Started { address: schedule.address(operation), doing: schedule.doing(operation) });
            in_flight.insert(node, operation);
            let executor = &executor;
            running.push(async move {
                let begun = clock.steady();
                (node, executor.run(operation).await, clock.steady().saturating_sub(begun))
            });
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            () = stop.wait(), if deadline.is_none() => {
                emit(Event::Stopping { running: running.len() });
                deadline = Some(clock.steady() + settings.drain);
            }
            why = lock.lost(), if !is_lost => {
                emit(Event::LockLost { why: why.clone(), running: running.len() });
                schedule.lock_lost(why);
                is_lost = true;
                let end = clock.steady() + lock.left();
                deadline = Some(deadline.map_or(end, |deadline| deadline.min(end)));
            }
            () = until(clock, deadline), if deadline.is_some() => break,
            Some((node, result, took)) = running.next() => {
                match result {
                    // It stays among what is unfinished.
                    Err(Interrupted::Stopped) => {}
                    Err(Interrupted::Failed(why)) => {
                        if let Some(operation) = in_flight.remove(&node) {
                            schedule.failed(node, operation, why);
                        }
                    }
                    Ok(outcome) => {
                        if let Some(operation) = in_flight.remove(&node) {
                            schedule.succeeded(node, operation, &outcome, took);
                        }
                    }
                }
            }
        }
    }
    drop(running);
    let in_flight = in_flight.into_keys().collect();
    schedule.report(&in_flight, deadline.is_some(), clock.steady().saturating_sub(started))
}

async fn until(clock: &dyn Clock, deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => clock.sleep(deadline.saturating_sub(clock.steady())).await,
        None => std::future::pending().await,
    }
}
