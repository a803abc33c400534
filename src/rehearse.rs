//! Applies a change in memory, to check that it would succeed.

mod serving;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::applied::Applied;
use crate::apply::{ChangeCycle, Event, Order, Report, Run, Settings, Stop, apply};
use crate::aws::{CloudError, ErrorClass};
use crate::clock::{Clock, SimulatedClock};
use crate::cloud::{Cloud, Context, FileCloud, Kinds, Observed, State};
use crate::kinds::{AnyKind, Create, Delete, Goal, Poll, PollTarget, Update, WriteResult};
use crate::lock::{Holder, Lock, LockError, LockOptions, LockStore};
use crate::plan::{
    self, Action, ExecutionPlan, KnownOutputs, Options, Plan, PlanError, SecretMode, field_changes, resolve_with,
};
use crate::spec::Environment;
use crate::value::{Address, SecretStore};

pub use serving::Interruption;
use serving::Serving;

/// How many changes an apply or a rehearsal makes at once by default.
pub const PARALLELISM: u16 = 16;

/// Longer than any rehearsal takes.
const LEASE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why nothing could be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Cycle(#[from] ChangeCycle),
    #[error("another process is changing this cloud")]
    Locked(#[source] LockError),
    /// Everything waits, and nothing that it waits for comes: a bug of Baseplate.
    #[error("the rehearsal is stuck; please report this")]
    Stuck,
}

/// Applies a spec to an empty cloud.
///
/// # Errors
/// There is no plan for it, or [`carry_out`].
pub async fn apply_in_memory(cloud: &FileCloud, context: Context<'_>) -> Result<Report, RehearsalError> {
    provide_externals(cloud, context).await?;
    let execution = plan::make(cloud, context, &Options::default()).await?.without_conflicts()?;
    let order = Order::of(&execution)?;
    let (report, _) = carry_out(cloud, context, &execution, &order, &|_| {}).await?;
    Ok(report)
}

/// Carries a plan out on a cloud in memory, as an apply would: as many changes side by side, each taking the time that
/// it is expected to take, by a clock that does not wait for it. Each object is observed after its step, and what
/// serves after all of them.
///
/// # Errors
/// Another process works on this cloud, or the rehearsal came to a standstill.
pub async fn carry_out(
    cloud: &dyn Cloud,
    context: Context<'_>,
    execution: &ExecutionPlan,
    order: &Order,
    emit: &dyn Fn(Event<'_>),
) -> Result<(Report, Vec<Interruption>), RehearsalError> {
    let context = execution.context(context);
    let (me, terms) = (Holder::this("rehearse"), LockOptions { lease: LEASE, timeout: Duration::ZERO });
    let simulated = SimulatedClock::default();
    let shared: Rc<dyn Clock> = Rc::new(simulated.clone());
    let expected = context.graph.objects.iter().map(|object| object.address.clone()).collect();
    let settings = Settings { parallelism: usize::from(PARALLELISM), drain: Duration::ZERO };
    let work = async {
        let never = std::future::pending();
        let lock = Lock::acquire(cloud.lock(context.env), me, terms, Rc::clone(&shared), &|_| {}, never).await;
        let (lock, _) = lock.map_err(RehearsalError::Locked)?;
        let rehearsal = Rehearsal::new(cloud, context, &execution.plan, Rc::clone(&shared), Serving::new(expected));
        rehearsal.watch().await;
        let (clock, stop) = (shared.as_ref(), &Stop::default());
        let run = Run { cloud: &rehearsal, lock: &lock, clock, context, execution, order, settings, stop, emit };
        let report = apply(run).await;
        // In memory it ends with the process in any case.
        let _ = lock.release().await;
        Ok((report, rehearsal.serving.into_inner().interruptions()))
    };
    simulated.drive(work).await.unwrap_or(Err(RehearsalError::Stuck))
}

/// Creates external objects that do not exist yet.
///
/// # Errors
/// The cloud refuses.
pub async fn provide_externals(cloud: &FileCloud, context: Context<'_>) -> Result<(), PlanError> {
    let found = cloud.observe(context).await.map_err(PlanError::Cloud)?;
    let is_there = |object: &crate::graph::DesiredObject| {
        let name = |attrs: &Value| object.kind.identity().and_then(|field| attrs.get(field).cloned());
        found.iter().any(|found| {
            found.kind.name() == object.kind.name()
                && found.live.attrs.as_ref().and_then(name) == name(&object.attrs)
        })
    };
    for object in context.graph.objects.iter().filter(|object| object.external && !is_there(object)) {
        let mut attrs =
            resolve_with(&object.attrs, &KnownOutputs::default(), context.secret_store, SecretMode::Create);
        // It is external, and must not be deleted once the spec has it no longer.
        if let Some(tags) = attrs.get_mut("tags") {
            *tags = Value::Object(serde_json::Map::new());
        }
        let (address, secret_store) = (&object.address, context.secret_store);
        let new = Create { address, attrs: &attrs, secret_store, token: "", alternate: false };
        cloud.create(context, object.kind, new).await.map_err(|error| PlanError::Cloud(vec![error]))?;
    }
    Ok(())
}

/// A cloud that checks after every step that the object is as planned, and in which rejections are final: nothing else
/// runs that a retry could wait for.
pub struct Rehearsal<'a> {
    cloud: &'a dyn Cloud,
    context: Context<'a>,
    /// Expected seconds of each change.
    seconds: HashMap<&'a Address, u64>,
    clock: Rc<dyn Clock>,
    serving: RefCell<Serving>,
}

impl<'a> Rehearsal<'a> {
    fn new(
        cloud: &'a dyn Cloud,
        context: Context<'a>,
        plan: &'a Plan,
        clock: Rc<dyn Clock>,
        serving: Serving,
    ) -> Self {
        let seconds = plan.changes.iter().filter(|change| change.action != Action::Delete);
        let seconds = seconds.map(|change| (&change.address, change.seconds)).collect();
        Self { cloud, context, seconds, clock, serving: RefCell::new(serving) }
    }

    async fn simulate_duration(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Checks what serves traffic now.
    async fn watch(&self) {
        if let Ok(live) = self.cloud.observe(self.context).await {
            self.serving.borrow_mut().observe(self.clock.monotonic(), &live);
        }
    }
    /// How the object differs from what the step should have made.
    async fn fault(
        &self,
        kind: &'static dyn AnyKind,
        target: &PollTarget<'_, Value>,
    ) -> Result<Option<String>, CloudError> {
        let found = self.cloud.observe_kind(self.context, kind).await?;
        let live = found.iter().find(|found| found.live.id == target.id);
        Ok(match (target.goal, live) {
            (Goal::Gone, None) => None,
            (Goal::Gone, Some(_)) => Some(format!("{} still exists after its deletion", target.id)),
            (Goal::Ready, None) => Some(format!("{} does not exist after its creation", target.id)),
            (Goal::Ready, Some(found)) => {
                let differ = field_changes(kind, target.attrs, &found.live);
                (!differ.is_empty())
                    .then(|| format!("{} differs from the plan in: {}", target.id, differ.join(", ")))
            }
        })
    }
}

impl Cloud for Rehearsal<'_> {
    fn place(&self) -> String {
        self.cloud.place()
    }

    fn secret_store(&self) -> SecretStore {
        self.cloud.secret_store()
    }

    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.guard(env)
    }

    fn lock(&self, env: &Environment) -> Box<dyn LockStore> {
        self.cloud.lock(env)
    }

    fn state<'a>(
        &'a self,
        context: Context<'a>,
        kinds: Kinds,
    ) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        self.cloud.state(context, kinds)
    }

    fn observe_kinds<'a>(
        &'a self,
        context: Context<'a>,
        kinds: &'a [&'static dyn AnyKind],
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>> {
        self.cloud.observe_kinds(context, kinds)
    }

    fn observe_kind<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, CloudError>> {
        self.cloud.observe_kind(context, kind)
    }

    fn refresh<'a>(
        &'a self,
        context: Context<'a>,
        found: &'a mut Observed,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.refresh(context, found)
    }

    fn save_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.save_applied(env, applied)
    }

    fn create<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            self.simulate_duration(kind.expected_seconds()).await;
            let made = self.cloud.create(context, kind, new).await;
            self.watch().await;
            made
        })
    }

    fn update<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            self.simulate_duration(self.seconds.get(change.address).copied().unwrap_or_default()).await;
            let made = self.cloud.update(context, kind, change).await;
            self.watch().await;
            made
        })
    }

    fn readdress<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        id: &'a str,
        address: &'a Address,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.readdress(context, kind, id, address)
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            self.simulate_duration(kind.expected_delete_seconds()).await;
            let deleted = self.cloud.delete(kind, gone).await;
            self.watch().await;
            deleted.map_err(|error| match error.class {
                ErrorClass::InUse => CloudError { class: ErrorClass::Rejected, ..error },
                _ => error,
            })
        })
    }

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            let PollTarget { id, attrs, outputs, goal } = target;
            match self.cloud.poll(kind, PollTarget { id, attrs, outputs, goal }).await? {
                Poll::Done(outputs) => Ok(match self.fault(kind, &target).await? {
                    Some(why) => Poll::Failed(why),
                    None => Poll::Done(outputs),
                }),
                other => Ok(other),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::graph::Graph;
    use crate::kinds::Outputs;

    /// Runs with a cloud in memory that holds what `fixtures/small.toml` wants.
    fn standing(test: impl AsyncFnOnce(&FileCloud, Context<'_>, &SimulatedClock)) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        let env = crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env;
        let (graph, cloud) = (Graph::of(&env).expect("no ring"), FileCloud::in_memory(&env, None, "memory"));
        let secret_store = cloud.secret_store();
        let context = Context { env: &env, graph: &graph, secret_store: &secret_store };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let clock = SimulatedClock::default();
        let work = async {
            let report = apply_in_memory(&cloud, context).await.expect("it goes through");
            assert!(report.is_success() && !report.done.is_empty());
            test(&cloud, context, &clock).await;
        };
        runtime.block_on(clock.drive(work)).expect("it comes to an end");
    }

    async fn live(cloud: &FileCloud, context: Context<'_>, address: &Address) -> Observed {
        let found = cloud.observe(context).await.expect("an observation");
        found.into_iter().find(|found| found.live.address.as_ref() == Some(address)).expect("it is there")
    }

    fn rehearsal<'a>(cloud: &'a FileCloud, context: Context<'a>, clock: &SimulatedClock) -> Rehearsal<'a> {
        let serving = RefCell::new(Serving::new(BTreeSet::new()));
        Rehearsal { cloud, context, seconds: HashMap::new(), clock: Rc::new(clock.clone()), serving }
    }

    #[test]
    fn a_step_that_did_something_else_is_seen() {
        standing(async |cloud, context, clock| {
            let Observed { kind, live } = live(cloud, context, &Address::new("log_group", "web")).await;
            let (stage, outputs) = (rehearsal(cloud, context, clock), Outputs::new());
            let as_planned = live.attrs.clone().expect("attributes");
            let mut otherwise = as_planned.clone();
            otherwise["retention_days"] = json!(1);
            let said = async |id: &str, attrs: &Value, goal| {
                let target = PollTarget { id, attrs, outputs: &outputs, goal };
                match stage.poll(kind, target).await.expect("an answer") {
                    Poll::Failed(why) => why,
                    Poll::Done(_) => "done".to_owned(),
                    Poll::Waiting(what) => format!("waiting: {what}"),
                }
            };
            assert_eq!(said(&live.id, &as_planned, Goal::Ready).await, "done");
            assert!(
                said(&live.id, &otherwise, Goal::Ready).await.contains("differs from the plan in: retention_days")
            );
            assert!(said(&live.id, &as_planned, Goal::Gone).await.contains("still exists"));
            assert_eq!(said("another", &as_planned, Goal::Gone).await, "done");
        });
    }

    #[test]
    fn the_cloud_refuses_what_aws_would() {
        standing(async |cloud, context, clock| {
            let stage = rehearsal(cloud, context, clock);
            let outputs = Outputs::new();
            let group = Address::new("target_group", "web");
            let Observed { kind, live: there } = live(cloud, context, &group).await;
            let (id, before) = (there.id.as_str(), there.attrs.expect("attributes"));

            let error = stage.delete(kind, Delete { address: &group, id, outputs: &outputs, attrs: &before }).await;
            let error = error.expect_err("the listener refers to it");
            assert_eq!((error.code.as_str(), error.class), ("DependencyViolation", ErrorClass::Rejected));

            let mut attrs = before.clone();
            attrs["protocol"] = json!("HTTPS");
            let (changed, secret_store) = (["protocol".to_owned()], context.secret_store);
            let change = Update {
                address: &group,
                id,
                outputs: &outputs,
                before: &before,
                attrs: &attrs,
                changed: &changed,
                secret_store,
                token: "",
            };
            let error = stage.update(context, kind, change).await.expect_err("AWS cannot change it in place");
            assert!(error.message.contains("protocol"), "{error}");

            let new = Create { address: &group, attrs: &before, secret_store, token: "", alternate: false };
            let error = stage.create(context, kind, new).await.expect_err("the name is taken");
            assert!(error.is(ErrorClass::AlreadyExists), "{error}");

            let balancer = Address::new("load_balancer", "main");
            let Observed { kind, live: there } = live(cloud, context, &balancer).await;
            let before = there.attrs.expect("attributes");
            let mut attrs = before.clone();
            attrs["deletion_protection"] = json!(true);
            let (id, changed) = (there.id.as_str(), ["deletion_protection".to_owned()]);
            let change = Update {
                address: &balancer,
                id,
                outputs: &outputs,
                before: &before,
                attrs: &attrs,
                changed: &changed,
                secret_store,
                token: "",
            };
            stage.update(context, kind, change).await.expect("it can be protected");
            let gone = Delete { address: &balancer, id, outputs: &outputs, attrs: &attrs };
            let error = stage.delete(kind, gone).await.expect_err("it is protected");
            assert_eq!(error.code, "OperationNotPermitted");
        });
    }
}
