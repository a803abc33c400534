//! Signals and lost locks, at every point of an operation.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::*;
use crate::aws::CloudError;
use crate::clock::{Clock, SimulatedClock, Timestamp};
use crate::lock::{Held, Holder, LockLost, LockStore, Renewal, Take, UnlockResult};

/// A scene in which a signal comes after so many seconds.
fn signalled(mut scene: Scene, after: u64) -> super::scene::Outcome {
    let (clock, stop) = (scene.cloud.clock.clone(), Rc::clone(&scene.stop));
    scene.beside(async move {
        clock.sleep(Duration::from_secs(after)).await;
        stop.request();
    });
    scene.run()
}

fn two_after_one() -> Scene {
    let mut scene = Scene::side_by_side();
    scene.create("vpc.main");
    scene.create("subnet.a").needs(&["vpc.main"]);
    scene.create("subnet.b").needs(&["vpc.main"]);
    scene
}

fn names(addresses: &[crate::value::Address]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn a_signal_ends_a_wait_at_once() {
    for call in [Call::Create, Call::Poll] {
        let scene = two_after_one();
        let answer = if call == Call::Poll { Answer::Waits } else { Answer::Fails(ErrorClass::Throttled) };
        scene.cloud.always(call, "vpc.main", answer);
        let outcome = signalled(scene, 30);
        assert_eq!(outcome.seconds(), 30, "{call:?}");
        assert_eq!(names(&outcome.report.unfinished), ["vpc.main"]);
        assert_eq!(names(&outcome.report.not_begun), ["subnet.a", "subnet.b"]);
        assert!(outcome.report.is_interrupted() && !outcome.report.is_success());
    }
}

#[test]
fn calls_in_flight_have_some_seconds_to_land() {
    let scene = two_after_one();
    scene.cloud.latency.set(Duration::from_secs(3));
    let outcome = signalled(scene, 1);
    outcome.assert_before("stopping with 1 running", "created vpc.main");
    assert!(outcome.report.unfinished.is_empty());
    assert_eq!(names(&outcome.report.not_begun), ["subnet.a", "subnet.b"]);
}

#[test]
fn a_call_that_never_lands_is_left_unfinished() {
    let scene = two_after_one();
    scene.cloud.always(Call::Create, "vpc.main", Answer::Hangs);
    let outcome = signalled(scene, 10);
    assert_eq!(outcome.seconds(), 17);
    assert_eq!(names(&outcome.report.unfinished), ["vpc.main"]);
}

#[test]
fn a_replacement_that_is_cut_short_says_what_it_left() {
    let mut scene = Scene::side_by_side();
    scene.replace("db_instance.main");
    scene.cloud.script(Call::Poll, "db_instance.main", [Answer::Waits; 30]);
    let outcome = signalled(scene, 60);
    assert!(outcome.cloud.ids("db_instance.main").is_empty(), "the old one is on its way out");
    assert_eq!(names(&outcome.report.unfinished), ["db_instance.main"]);
    assert_eq!(names(&outcome.report.not_begun), ["db_instance.main"], "its successor");
}

#[test]
fn what_failed_before_the_signal_is_still_said() {
    let mut scene = two_after_one();
    scene.create("security_group.web");
    scene.cloud.always(Call::Create, "security_group.web", Answer::Fails(ErrorClass::Rejected));
    scene.cloud.always(Call::Poll, "vpc.main", Answer::Waits);
    let outcome = signalled(scene, 30);
    assert_eq!(outcome.report.failed.len(), 1);
    assert!(outcome.report.is_interrupted());
}

/// A lock that somebody takes away at a moment.
struct Stolen {
    clock: SimulatedClock,
    at: Duration,
    told: Rc<Cell<Duration>>,
}

impl LockStore for Stolen {
    fn name(&self) -> String {
        "a lock that is taken away".to_owned()
    }

    fn poll_interval(&self, _: Duration) -> Duration {
        Duration::from_secs(1)
    }

    fn take<'a>(&'a self, _: &'a Holder, _: Duration) -> LocalBoxFuture<'a, Result<Take, CloudError>> {
        Box::pin(async { Ok(Take::Taken { at: Timestamp::now(&self.clock), from: None }) })
    }

    fn renew<'a>(&'a self, _: &'a Holder, _: Duration) -> LocalBoxFuture<'a, Result<Renewal, CloudError>> {
        Box::pin(async {
            Ok(match self.clock.monotonic() < self.at {
                true => Renewal::Renewed(Timestamp::now(&self.clock)),
                false => Renewal::Lost(LockLost::HeldBy(Holder { by: "ada".to_owned(), ..Holder::this("apply") })),
            })
        })
    }

    fn release<'a>(&'a self, _: &'a Holder) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn valid_for(&self, _: Timestamp, lasts: Duration) {
        self.told.set(lasts);
    }

    fn current(&self) -> LocalBoxFuture<'_, Result<Option<Held>, CloudError>> {
        Box::pin(async { Ok(None) })
    }

    fn unlock<'a>(&'a self, _: &'a Held, _: &'a Holder) -> LocalBoxFuture<'a, Result<UnlockResult, CloudError>> {
        Box::pin(async { Ok(UnlockResult::HolderChanged(None)) })
    }
}

#[test]
fn without_its_lock_a_run_writes_nothing_more() {
    let mut scene = two_after_one();
    let told = Rc::new(Cell::new(Duration::ZERO));
    scene.lock(Stolen { clock: scene.cloud.clock.clone(), at: Duration::from_secs(90), told: Rc::clone(&told) });
    scene.cloud.script(Call::Poll, "vpc.main", [Answer::Waits; 30]);
    let outcome = scene.run();
    assert!(outcome.report.lock_lost.as_deref().is_some_and(|why| why.contains("the lock was lost: ada (apply")));
    assert!(!outcome.report.is_interrupted() && !outcome.report.is_success());
    assert_eq!(names(&outcome.report.not_begun), ["subnet.a", "subnet.b"]);
    let late = |(at, call, _): &&(Duration, Call, _)| {
        at.as_secs() > 100 && matches!(call, Call::Create | Call::Update | Call::Delete)
    };
    assert_eq!(outcome.cloud.calls.borrow().iter().find(late), None);
    assert_eq!(told.get(), Duration::ZERO, "who sends writes heard of it");
}

#[test]
fn what_is_in_flight_when_the_lock_is_lost_is_cut_off_when_the_lease_ends() {
    let mut scene = two_after_one();
    scene.lock(Stolen { clock: scene.cloud.clock.clone(), at: Duration::from_secs(15), told: Rc::default() });
    scene.cloud.always(Call::Create, "vpc.main", Answer::Hangs);
    let outcome = scene.run();
    assert_eq!(outcome.seconds(), 60, "the lease began with the run, and was never renewed");
    assert_eq!(names(&outcome.report.unfinished), ["vpc.main"]);
}
