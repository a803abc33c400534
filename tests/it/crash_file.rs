//! A run ends at every write to a cloud, before and after it takes effect; then one more run finishes the work, and
//! what is there is what a run that nothing disturbed leaves. This goes through the library, on a cloud in memory.
//! At a few writes the program itself is killed, on a cloud in a file.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use baseplate::applied::Applied;
use baseplate::apply::{Event, Order, Run, Settings, Stop, apply};
use baseplate::clock::SystemClock;
use baseplate::cloud::{Capture, Cloud, Context, FailAt, FileCloud as LibraryCloud, Options};
use baseplate::graph::Graph;
use baseplate::lock::{Holder, Lock, LockOptions};
use baseplate::plan;
use baseplate::spec::{self, Environment};
use serde_json::Value;

use crate::cli::Bench;
use crate::file_cloud::{CLOUD, FileCloud};
use crate::round_trip::unprotected;
use crate::scenes::touch_every_kind;

/// Longer than any run takes.
const LEASE: Duration = Duration::from_secs(3600);

/// Everything in a cloud: each object by its address, with its attributes and with addresses for ids.
type Everything = Vec<(String, Value)>;

/// A run of `prod.toml`, and what is there before it.
struct Scene {
    env: Environment,
    /// What is wanted: nothing, in a destroy.
    graph: Graph,
    destroy: bool,
    before: Option<Capture>,
}

/// How a run ended early that was to.
struct Killed;

fn on_crash() -> ! {
    resume_unwind(Box::new(Killed))
}

impl Scene {
    fn new(bench: &Bench, before: Option<Capture>, destroy: bool) -> Self {
        let env = spec::load(&bench.path("prod.toml"), &baseplate::kinds::catalog()).expect("a sound spec").env;
        let graph = if destroy { Graph::empty() } else { Graph::of(&env).expect("no ring") };
        Self { env, graph, destroy, before }
    }

    /// What is there after a run, and how many changes it planned; `None`, if it was killed.
    fn run(&self, before: Option<Capture>, fail_at: Option<FailAt>) -> (Capture, Option<usize>) {
        let options = Options { fail_at, on_crash, ..Options::default() };
        let cloud = LibraryCloud::in_memory(&self.env, before, "memory").with(options);
        let secret_store = cloud.secret_store();
        let context = Context { env: &self.env, graph: &self.graph, secret_store: &secret_store };
        let wanted = plan::Options { destroy: self.destroy, ..plan::Options::default() };
        let work = async {
            let execution = plan::make(&cloud, context, &wanted).await.expect("a plan");
            assert_eq!(execution.conflicts, []);
            let order = Order::of(&execution).expect("an order");
            let begun = execution.begun(context);
            self.keep(&cloud, &execution.applied, &begun).await;
            let (me, terms) = (Holder::this("apply"), LockOptions { lease: LEASE, timeout: Duration::ZERO });
            let (clock, never) = (SystemClock::shared(), std::future::pending());
            let lock = Lock::acquire(cloud.lock(&self.env), me, terms, clock.clone(), &|_| {}, never).await;
            let Ok((lock, _)) = lock else { panic!("nobody else is there") };
            let settings = Settings { parallelism: 16, drain: Duration::ZERO };
            let (cloud, lock, clock, execution, order, stop) =
                (&cloud, &lock, clock.as_ref(), &execution, &order, &Stop::default());
            let emit = &|_: Event<'_>| {};
            let report = apply(Run { cloud, lock, clock, context, execution, order, settings, stop, emit }).await;
            assert!(report.is_success(), "{:?}", report.failed);
            self.keep(cloud, &begun, &execution.done(context, &begun, &BTreeSet::new())).await;
            execution.plan.changes.len()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // What unwinds drops the whole run, as it stands.
        let planned = match catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))) {
            Ok(planned) => Some(planned),
            Err(why) if why.is::<Killed>() => None,
            Err(other) => resume_unwind(other),
        };
        (cloud.capture(), planned)
    }

    /// Keeps the record of what was applied, as the command does.
    async fn keep(&self, cloud: &LibraryCloud, before: &Applied, now: &Applied) {
        if now != before {
            cloud.save_applied(&self.env, now).await.expect("it is kept");
        }
    }

    /// How many writes there were until one was not reached any more.
    /// How many writes there are.
    fn dies_at_every_write(&self) -> usize {
        let goal = everything(&self.run(self.before.clone(), None).0);
        for write in 1.. {
            for after in [false, true] {
                let place = FailAt::Crash { write, after };
                let (left, planned) = self.run(self.before.clone(), Some(place.clone()));
                if planned.is_some() {
                    assert_eq!(everything(&left), goal, "nothing disturbed it");
                    return usize::try_from(write - 1).expect("no more writes than objects");
                }
                let (there, _) = self.run(Some(left), None);
                assert_eq!(everything(&there), goal, "{place:?}, applied again");
                assert_eq!(self.run(Some(there), None).1, Some(0), "{place:?}, applied again: left to do");
            }
        }
        unreachable!("a run has an end")
    }
}

/// A cloud to which `prod.toml` was applied.
fn applied(bench: &Bench) -> Capture {
    Scene::new(bench, None, false).run(None, None).0
}

fn everything(capture: &Capture) -> Everything {
    let text = serde_json::to_string(capture).expect("JSON");
    // Ids count what was ever made, fingerprints stand for passwords that were drawn anew.
    let ids: BTreeMap<String, String> = capture
        .objects
        .iter()
        .map(|record| (Value::from(&*record.id).to_string(), Value::from(record.address.to_string()).to_string()))
        .collect();
    let text = ids.iter().rev().fold(text, |text, (id, address)| text.replace(id, address));
    let mut cloud: Value = serde_json::from_str(&text).expect("a cloud");
    let objects = cloud["objects"].as_array_mut().expect("objects");
    let mut all: Everything = objects
        .iter_mut()
        .map(|object| {
            without_fingerprints(&mut object["attrs"]);
            (format!("{}: {}", object["environment"], object["address"]), object["attrs"].take())
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn without_fingerprints(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("fingerprint");
            map.values_mut().for_each(without_fingerprints);
        }
        Value::Array(items) => items.iter_mut().for_each(without_fingerprints),
        _ => {}
    }
}

#[test]
fn an_apply_dies_at_every_write() {
    let bench = Bench::new();
    let writes = Scene::new(&bench, None, false).dies_at_every_write();
    assert_eq!(
        writes,
        bench.wanted("prod.toml") + 1,
        "one for each object of prod, and the record of what was applied"
    );
}

#[test]
fn an_update_dies_at_every_write() {
    let bench = Bench::new();
    let before = applied(&bench);
    touch_every_kind(&bench);
    let writes = Scene::new(&bench, Some(before), false).dies_at_every_write();
    assert!(writes > bench.wanted("prod.toml"), "nearly every object changes, and some are replaced: {writes}");
}

#[test]
fn a_destroy_dies_at_every_write() {
    let bench = Bench::new();
    unprotected(&bench);
    let writes = Scene::new(&bench, Some(applied(&bench)), true).dies_at_every_write();
    let registries = bench.read("legocity.toml").lines().filter(|line| line.ends_with(" = {}")).count();
    assert_eq!(
        writes,
        bench.wanted("prod.toml") - registries + 2,
        "one for each object but the registries, and the record, before and after"
    );
}

/// The last write is the record of what was applied.
#[test]
fn the_program_dies_at_writes_to_a_file() {
    let file_of = |cloud: &FileCloud| Capture::parse(cloud.bench.read("cloud.json").as_bytes()).expect("a cloud");
    let undisturbed = FileCloud::new();
    let last = undisturbed.bench.wanted("prod.toml") + 1;
    undisturbed.done("apply --yes prod.toml");
    let goal = everything(&file_of(&undisturbed));
    for (when, write) in [("before", 1), ("after", 1), ("after", 40), ("before", last), ("after", last)] {
        let cloud = FileCloud::new();
        let crash = format!("apply --yes prod.toml {CLOUD} --fail-at crash-{when}:{write}");
        let died = cloud.bench.command(&crash).output().expect("the program starts").status;
        assert_eq!(died.code(), None, "{crash}: killed, not ended");
        cloud.done("apply --yes prod.toml");
        cloud.assert_no_changes("prod.toml");
        assert_eq!(everything(&file_of(&cloud)), goal, "{crash}, applied again");
    }
    std::fs::remove_file(undisturbed.bench.path("cloud.json")).expect("the file");
    undisturbed.done(&format!("apply --yes prod.toml --fail-at crash-before:{}", last + 1));
}
