use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::order::{Order, Part, Priority};
use super::step::{Broken, Doer, Done};
use super::stop::Stop;
use super::{Doing, Event};
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

/// Carries out a plan, holding the environment's lock. Running it again finishes what this run could not.
///
/// # Errors
/// The changes cannot be brought into an order; nothing was done then.
pub async fn apply(
    cloud: &dyn Cloud,
    lock: &Lock,
    about: About<'_>,
    draft: &Draft,
    settings: Settings,
    stop: &Stop,
    tell: &dyn Fn(Event<'_>),
) -> Result<Report, String> {
    let order = Order::of(draft)?;
    let started = Instant::now();
    let run = format!("bp{:x}", std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis());
    let doer = Doer { cloud, lock, about, draft, run, stop, tell };
    let mut state = State::new(&order, draft, tell);
    let mut running = FuturesUnordered::new();
    let mut in_flight: BTreeSet<usize> = BTreeSet::new();
    let mut deadline: Option<tokio::time::Instant> = None;
    loop {
        while deadline.is_none() && running.len() < settings.parallelism.max(1) {
            let Some(next) = state.ready.pop_first() else { break };
            let index = next.1;
            tell(Event::Started { address: state.address(index), doing: state.doing(index) });
            in_flight.insert(index);
            let doer = &doer;
            let operation = order.operation(index);
            running.push(async move {
                let begun = Instant::now();
                (index, doer.run(operation).await, begun.elapsed())
            });
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            () = stop.wait(), if deadline.is_none() => {
                tell(Event::Stopping { running: running.len() });
                deadline = Some(tokio::time::Instant::now() + settings.drain);
            }
            why = lock.lost(), if state.report.lock_lost.is_none() => {
                tell(Event::LockLost { why: why.clone(), running: running.len() });
                state.report.lock_lost = Some(why);
                let end = tokio::time::Instant::now() + lock.left();
                deadline = Some(deadline.map_or(end, |deadline| deadline.min(end)));
            }
            () = sleep_until(deadline), if deadline.is_some() => break,
            Some((index, result, took)) = running.next() => {
                match result {
                    // It stays among what is unfinished.
                    Err(Broken::Stopped) => {}
                    Err(Broken::Failed(why)) => {
                        in_flight.remove(&index);
                        state.failed(index, why);
                    }
                    Ok(done) => {
                        in_flight.remove(&index);
                        state.landed(index, &done, took);
                    }
                }
            }
        }
    }
    drop(running);
    Ok(state.report(&in_flight, deadline.is_some(), started.elapsed()))
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

struct State<'a> {
    order: &'a Order,
    draft: &'a Draft,
    tell: &'a dyn Fn(Event<'_>),
    /// How many operations each one still waits for.
    waits_for: Vec<usize>,
    ready: BTreeSet<(Priority, usize)>,
    ended: Vec<bool>,
    report: Report,
}

impl<'a> State<'a> {
    fn new(order: &'a Order, draft: &'a Draft, tell: &'a dyn Fn(Event<'_>)) -> Self {
        let waits_for: Vec<usize> = (0..order.len()).map(|index| order.before(index).count()).collect();
        let ready = (0..order.len()).filter(|&index| waits_for[index] == 0);
        let ready = ready.map(|index| (order.priority(index), index)).collect();
        let ended = vec![false; order.len()];
        Self { order, draft, tell, waits_for, ready, ended, report: Report::default() }
    }

    fn address(&self, index: usize) -> &'a Address {
        &self.draft.plan.changes[self.order.operation(index).step].address
    }

    fn doing(&self, index: usize) -> Doing {
        let operation = self.order.operation(index);
        match operation.part {
            Part::Remove => Doing::Delete,
            Part::Write => Doing::writing(self.draft.plan.changes[operation.step].action),
        }
    }

    fn failed(&mut self, index: usize, why: String) {
        let (address, doing) = (self.address(index), self.doing(index));
        self.ended[index] = true;
        (self.tell)(Event::Failed { address, doing, why: why.clone() });
        self.report.failed.push((address.clone(), why));
        self.skip_after(index, address);
    }

    fn landed(&mut self, index: usize, done: &Done, took: Duration) {
        let (address, doing) = (self.address(index), self.doing(index));
        self.ended[index] = true;
        match done {
            Done::Unchanged => {
                (self.tell)(Event::Unchanged { address });
                self.report.unchanged += 1;
            }
            Done::Changed => {
                (self.tell)(Event::Finished { address, doing, took });
                self.report.done.push((address.clone(), doing));
            }
        }
        for next in self.order.after(index) {
            self.waits_for[next] -= 1;
            if self.waits_for[next] == 0 && !self.ended[next] {
                self.ready.insert((self.order.priority(next), next));
            }
        }
    }

    fn skip_after(&mut self, index: usize, cause: &'a Address) {
        for next in self.order.after(index) {
            if !self.ended[next] {
                self.ended[next] = true;
                let address = self.address(next);
                (self.tell)(Event::Skipped { address, because: cause });
                self.report.skipped.push((address.clone(), cause.clone()));
                self.skip_after(next, cause);
            }
        }
    }

    fn report(mut self, in_flight: &BTreeSet<usize>, stopped: bool, took: Duration) -> Report {
        self.report.took = took;
        if stopped {
            self.report.unfinished = in_flight.iter().map(|&index| self.address(index).clone()).collect();
            let rest = (0..self.order.len()).filter(|index| !self.ended[*index] && !in_flight.contains(index));
            self.report.not_begun = rest.map(|index| self.address(index).clone()).collect();
        }
        self.report
    }
}
