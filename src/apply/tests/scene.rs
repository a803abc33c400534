use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::super::{Event, Order, Report, Run, Settings, Stop, Verb, apply};
use super::scripted::{Scripted, attrs};
use futures_util::future::LocalBoxFuture;

use crate::applied::{Applied, InUse};
use crate::clock::Clock;
use crate::cloud::{Cloud, Context};
use crate::graph::Graph;
use crate::kinds::{Impact, Live, find};
use crate::lock::{Holder, InMemoryLock, Lock, LockOptions, LockStore};
use crate::plan::{
    Action, Change, ExecutionPlan, FORMAT_VERSION, KnownOutputs, LeftOut, Origin, Plan, Step, WriteMode,
};
use crate::spec::Environment;
use crate::value::Address;

/// A plan, put together by hand, and the cloud that it is carried out on.
#[derive(Default)]
pub struct Scene {
    pub cloud: Scripted,
    parallelism: usize,
    changes: Vec<(Change, Step)>,
    pub stop: Rc<Stop>,
    lock: Option<Box<dyn LockStore>>,
    beside: Option<LocalBoxFuture<'static, ()>>,
}

/// What is said of one change.
pub struct Said<'a>(&'a mut (Change, Step));

fn addresses(addresses: &[&str]) -> BTreeSet<Address> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

impl Said<'_> {
    /// What the desired object refers to.
    pub fn needs(self, needs: &[&str]) -> Self {
        self.0.1.needs.extend(addresses(needs));
        self
    }

    /// What the live object refers to.
    pub fn uses(self, uses: &[&str]) -> Self {
        self.0.1.uses.extend(addresses(uses));
        self
    }

    pub fn follows(self, follows: &[&str]) -> Self {
        self.0.1.follows.extend(addresses(follows));
        self
    }

    pub fn wave(self, wave: u32) -> Self {
        self.0.1.wave = Some(wave);
        self
    }

    /// Attributes before and after; an update of them have two phases where its kind says so.
    pub fn attrs(self, before: &serde_json::Value, after: &serde_json::Value) -> Self {
        let step = &mut self.0.1;
        step.desired = Some(Rc::new(after.clone()));
        if let Some(live) = &mut step.live {
            live.attrs = Some(before.clone());
        }
        step.write_mode = WriteMode::of(step.kind, step.live.as_ref(), after);
        self
    }
}

thread_local! {
    /// Nothing of it matters here.
    static ENVIRONMENT: Rc<Environment> = {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        Rc::new(crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env)
    };
}

/// What is live as the plan found it, and as it shall be.
const OLD: u32 = 1;
const NEW: u32 = 2;

impl Scene {
    pub fn with(parallelism: usize) -> Self {
        Self { parallelism, ..Self::default() }
    }

    pub fn one_at_a_time() -> Self {
        Self::with(1)
    }

    pub fn side_by_side() -> Self {
        Self::with(10)
    }

    pub fn create(&mut self, address: &str) -> Said<'_> {
        self.change(address, Action::Create)
    }

    pub fn update(&mut self, address: &str) -> Said<'_> {
        self.change(address, Action::Update)
    }

    pub fn replace(&mut self, address: &str) -> Said<'_> {
        self.change(address, Action::Replace)
    }

    pub fn delete(&mut self, address: &str) -> Said<'_> {
        self.change(address, Action::Delete)
    }

    pub fn lock(&mut self, lock: impl LockStore + 'static) {
        self.lock = Some(Box::new(lock));
    }

    /// Something that goes on meanwhile.
    pub fn beside(&mut self, work: impl Future<Output = ()> + 'static) {
        self.beside = Some(Box::pin(work));
    }

    pub fn change(&mut self, address: &str, action: Action) -> Said<'_> {
        let address: Address = address.parse().unwrap();
        let kind = find(address.kind()).expect("a kind");
        let live = (action != Action::Create).then(|| {
            let id = self.cloud.add(kind, &address, attrs(OLD));
            Live::new(Some(address.clone()), id, attrs(OLD))
        });
        let step = Step {
            kind,
            desired: (action != Action::Delete).then(|| Rc::new(attrs(NEW))),
            live,
            needs: BTreeSet::new(),
            follows: BTreeSet::new(),
            wave: None,
            place: self.changes.len(),
            uses: BTreeSet::new(),
            create_first: action == Action::Replace && kind.create_first(),
            write_mode: WriteMode::Single,
        };
        let change = Change {
            moved_from: None,
            address,
            stage: kind.stage(),
            action,
            reason: String::new(),
            impact: Impact::None,
            seconds: kind.expected_seconds(),
            origin: Origin::Requested,
            dangers: Vec::new(),
            guarded: false,
            id: step.live.as_ref().map(|live| live.id.clone()),
            source: None,
            fields: Vec::new(),
            depends_on: Vec::new(),
        };
        self.changes.push((change, step));
        Said(self.changes.last_mut().expect("it was pushed"))
    }

    pub fn execution(&mut self) -> ExecutionPlan {
        let (changes, steps): (Vec<Change>, Vec<Step>) = self.changes.drain(..).unzip();
        let known_outputs = KnownOutputs::default();
        for (change, step) in changes.iter().zip(&steps) {
            if let Some(live) = &step.live {
                known_outputs.record(&change.address, &live.id, live.outputs.clone());
            }
        }
        ExecutionPlan {
            plan: plan(changes),
            steps,
            known_outputs,
            applied: Applied::default(),
            named: None,
            in_use: InUse::default(),
            left: LeftOut::default(),
            conflicts: Vec::new(),
        }
    }

    /// Carries the plan out to its end.
    pub fn run(mut self) -> Outcome {
        let execution = self.execution();
        let order = Order::of(&execution).expect("no cycle");
        self.carry_out(&execution, &order)
    }

    pub fn carry_out(mut self, execution: &ExecutionPlan, order: &Order) -> Outcome {
        let env = ENVIRONMENT.with(Rc::clone);
        let (graph, secret_store, cloud) = (Graph::empty(), self.cloud.secret_store(), self.cloud.clone());
        let context = Context { env: &env, graph: &graph, secret_store: &secret_store };
        let events = RefCell::new(Vec::new());
        let emit = |event: Event<'_>| events.borrow_mut().push(text(&event));
        let clock: Rc<dyn Clock> = Rc::new(cloud.clock.clone());
        let store = self.lock.take().unwrap_or_else(|| Box::new(InMemoryLock::new(Rc::clone(&clock))));
        let settings = Settings { parallelism: self.parallelism, drain: Duration::from_secs(7) };
        let beside = self.beside.take().unwrap_or_else(|| Box::pin(std::future::pending()));
        let beside = async {
            beside.await;
            std::future::pending::<()>().await;
        };
        let (stop, measured) = (Rc::clone(&self.stop), Rc::clone(&clock));
        let work = async {
            let terms = LockOptions { lease: Duration::from_secs(60), timeout: Duration::ZERO };
            let me = Holder::this("apply");
            let lock = Lock::acquire(store, me, terms, clock, &|_| {}, std::future::pending()).await;
            let Ok((lock, _)) = lock else { panic!("the lock is free") };
            let (cloud, clock, stop) = (&cloud, measured.as_ref(), stop.as_ref());
            let run = Run { cloud, lock: &lock, clock, context, execution, order, settings, stop, emit: &emit };
            tokio::select! {
                biased;
                report = apply(run) => report,
                never = lock.keep() => never,
                () = beside => unreachable!("it goes on"),
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let report = runtime.block_on(cloud.clock.drive(work)).expect("it comes to an end");
        Outcome { report, events: events.take(), cloud }
    }
}

fn plan(changes: Vec<Change>) -> Plan {
    Plan {
        format_version: FORMAT_VERSION,
        project: "town".to_owned(),
        environment: "test".to_owned(),
        account: String::new(),
        region: String::new(),
        destroy: false,
        spec_digest: String::new(),
        live_digest: String::new(),
        changes,
        seconds: 0,
        unchanged: 0,
        scheduled: Vec::new(),
        kept: Vec::new(),
        left_to_aws: Vec::new(),
        unmanaged: Vec::new(),
        missing: Vec::new(),
        refused: Vec::new(),
        notes: Vec::new(),
    }
}

fn text(event: &Event<'_>) -> String {
    match event {
        Event::Started { address, verb } => format!("{} {address}", verb.present()),
        Event::Waiting { address, what } => format!("{address} waits: {what}"),
        Event::Finished { address, verb, .. } => format!("{} {address}", verb.past()),
        Event::Unchanged { address } => format!("{address} is unchanged"),
        Event::Failed { address, verb, .. } => format!("failed {} {address}", verb.present()),
        Event::Skipped { address, verb, because } => format!("skipped {} {address}: {because}", verb.present()),
        Event::Stopping { running } => format!("stopping with {running} running"),
        Event::LockLost { running, .. } => format!("the lock is lost with {running} running"),
    }
}

/// What came of it.
pub struct Outcome {
    pub report: Report,
    pub events: Vec<String>,
    pub cloud: Scripted,
}

impl Outcome {
    /// What began, in order.
    pub fn started(&self) -> Vec<&str> {
        let doings = [Verb::Create, Verb::Update, Verb::Finish, Verb::Delete];
        let is_start = |event: &&str| doings.iter().any(|verb| event.starts_with(&format!("{} ", verb.present())));
        self.events.iter().map(String::as_str).filter(is_start).collect()
    }

    pub fn at(&self, event: &str) -> usize {
        let place = self.events.iter().position(|one| one == event);
        place.unwrap_or_else(|| panic!("{event:?} is among {:#?}", self.events))
    }

    /// That one event comes before another.
    pub fn assert_before(&self, first: &str, second: &str) {
        assert!(self.at(first) < self.at(second), "{first} before {second}: {:#?}", self.events);
    }

    pub fn assert_never(&self, event: &str) {
        assert!(!self.events.iter().any(|one| one == event), "no {event:?} among {:#?}", self.events);
    }

    pub fn seconds(&self) -> u64 {
        self.report.took.as_secs()
    }

    /// Why it failed, if just one operation did.
    pub fn failure(&self) -> &str {
        match &self.report.failed[..] {
            [(_, why)] => why,
            other => panic!("one failed: {other:#?}"),
        }
    }
}
