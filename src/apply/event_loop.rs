use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Event;
use super::execute::{Executor, Interrupted};
use super::run::{Report, Run};
use super::schedule::Schedule;
use crate::clock::Clock;

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
