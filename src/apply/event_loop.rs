use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Event;
use super::execute::{Executor, Interrupted};
use super::run::{Report, Run};
use super::schedule::Schedule;
use crate::clock::Clock;

/// Applies a plan. Running it again finishes what this run could not.
pub async fn apply(run: Run<'_>) -> Report {
    let Run { lock, clock, order, settings, stop, emit, .. } = run;
    let started = clock.monotonic();
    let executor = Executor::new(run);
    let parallelism = settings.parallelism.max(1);
    let mut schedule = Schedule::new(order, run.execution, parallelism, emit);
    let mut running = FuturesUnordered::new();
    let mut in_flight = BTreeMap::new();
    let mut is_lost = false;
    // When changes in progress are abandoned. Once this is set, no more changes are started.
    let mut deadline: Option<Duration> = None;
    loop {
        while deadline.is_none() && running.len() < parallelism {
            let Some((node, operation)) = schedule.next() else { break };
            emit(Event::Started { address: schedule.address(operation), verb: schedule.verb(operation) });
            in_flight.insert(node, operation);
            let executor = &executor;
            running.push(async move {
                let begun = clock.monotonic();
                (node, executor.run(operation).await, clock.monotonic().saturating_sub(begun))
            });
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            () = stop.wait(), if deadline.is_none() => {
                emit(Event::Stopping { running: running.len() });
                deadline = Some(clock.monotonic() + settings.drain);
            }
            why = lock.lost(), if !is_lost => {
                let why = why.to_string();
                emit(Event::LockLost { why: why.clone(), running: running.len() });
                schedule.lock_lost(why);
                is_lost = true;
                let end = clock.monotonic() + lock.left();
                deadline = Some(deadline.map_or(end, |deadline| deadline.min(end)));
            }
            () = until(clock, deadline), if deadline.is_some() => break,
            Some((node, result, took)) = running.next() => {
                match result {
                    // It is reported as unfinished.
                    Err(Interrupted::Stopped) => {}
                    Err(Interrupted::Failed(error)) => {
                        if let Some(operation) = in_flight.remove(&node) {
                            schedule.failed(node, operation, error.to_string());
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
    schedule.report(&in_flight, deadline.is_some(), clock.monotonic().saturating_sub(started))
}

async fn until(clock: &dyn Clock, deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => clock.sleep(deadline.saturating_sub(clock.monotonic())).await,
        None => std::future::pending().await,
    }
}
