//! Carrying a change out in memory, to see that it goes through before anything real is touched.

mod serving;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::applied::Applied;
use crate::apply::{Event, Order, Report, Run, Settings, Stop, apply};
use crate::aws::{Class, CloudError};
use crate::clock::{Clock, SimulatedClock};
use crate::cloud::{About, Cloud, FileCloud, Found, Kinds, State};
use crate::kinds::{AnyKind, Create, Delete, Goal, Look, Made, Poll, Update};
use crate::lock::{Holder, Lock, LockStore, Terms};
use crate::plan::{self, Action, Draft, Options, Plan, Refusal, Secrets, World, field_changes, resolve_with};
use crate::spec::Environment;
use crate::value::{Address, Vault};

pub use serving::Interruption;
use serving::Serving;

/// How many changes an apply makes at once, unless it is told otherwise; and so does a rehearsal.
pub const PARALLELISM: u16 = 16;

/// Longer than any rehearsal takes.
const LEASE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Puts what the spec wants in an empty cloud, by the way that an apply would.
///
/// # Errors
/// There is no plan for it.
pub async fn stand_up(cloud: &FileCloud, about: About<'_>) -> Result<Report, Refusal> {
    provide_externals(cloud, about).await?;
    let draft = plan::make(cloud, about, &Options::default()).await?;
    let order = Order::of(&draft).map_err(|cycle| Refusal::Conflicts(vec![cycle]))?;
    let rehearsal = carry_out(cloud, about, &draft, &order, &|_| {}).await;
    rehearsal.map(|(report, _)| report).map_err(|why| Refusal::Conflicts(vec![why]))
}

/// Carries a plan out on a cloud in memory, as an apply would: as many changes side by side, each taking the time that
/// it is expected to take, by a clock that does not wait for it. Each object is observed after its step, and what
/// serves after all of them.
///
/// # Errors
/// Another process works on this cloud, or the rehearsal came to a standstill.
pub async fn carry_out(
    cloud: &dyn Cloud,
    about: About<'_>,
    draft: &Draft,
    order: &Order,
    emit: &dyn Fn(Event<'_>),
) -> Result<(Report, Vec<Interruption>), String> {
    let (me, terms) = (Holder::this("rehearse"), Terms { lease: LEASE, timeout: Duration::ZERO });
    let simulated = SimulatedClock::default();
    let shared: Rc<dyn Clock> = Rc::new(simulated.clone());
    let wanted = about.graph.wanted.iter().map(|wanted| wanted.address.clone()).collect();
    let settings = Settings { parallelism: usize::from(PARALLELISM), drain: Duration::ZERO };
    let work = async {
        let never = std::future::pending();
        let lock = Lock::acquire(cloud.lock(about.env), me, terms, Rc::clone(&shared), &|_| {}, never).await;
        let Ok((lock, _)) = lock else { return Err("another process is changing this cloud".to_owned()) };
        let rehearsal = Rehearsal::new(cloud, about, &draft.plan, Rc::clone(&shared), Serving::new(wanted));
        rehearsal.watch().await;
        let (clock, stop) = (shared.as_ref(), &Stop::default());
        let run = Run { cloud: &rehearsal, lock: &lock, clock, about, draft, order, settings, stop, emit };
        let report = apply(run).await;
        // In memory it ends with the process in any case.
        let _ = lock.release().await;
        Ok((report, rehearsal.serving.into_inner().interruptions()))
    };
    let done = simulated.drive(work).await;
    done.unwrap_or_else(|| Err("the rehearsal is stuck; please report this".to_owned()))
}

/// Sets what somebody else sets, where it is not there yet.
///
/// # Errors
/// The cloud refuses.
pub async fn provide_externals(cloud: &FileCloud, about: About<'_>) -> Result<(), Refusal> {
    let found = cloud.observe(about).await.map_err(Refusal::Cloud)?;
    let is_there = |wanted: &crate::graph::Wanted| {
        let name = |attrs: &Value| wanted.kind.identity().and_then(|field| attrs.get(field).cloned());
        found.iter().any(|found| {
            found.kind.name() == wanted.kind.name()
                && found.live.attrs.as_ref().and_then(name) == name(&wanted.attrs)
        })
    };
    for wanted in about.graph.wanted.iter().filter(|wanted| wanted.external && !is_there(wanted)) {
        let mut attrs = resolve_with(&wanted.attrs, &World::default(), about.vault, Secrets::Make);
        // It is not ours, and must not be taken away once the spec does not name it any more.
        if let Some(tags) = attrs.get_mut("tags") {
            *tags = Value::Object(serde_json::Map::new());
        }
        let (address, vault) = (&wanted.address, about.vault);
        let new = Create { address, attrs: &attrs, vault, token: "", alternate: false };
        cloud.create(about, wanted.kind, new).await.map_err(|error| Refusal::Cloud(vec![error]))?;
    }
    Ok(())
}

/// A cloud that looks after every step whether the object is as the step should have made it, and in which what
/// is refused stays refused: there is nobody else whose work one could wait for.
pub struct Rehearsal<'a> {
    cloud: &'a dyn Cloud,
    about: About<'a>,
    /// Expected seconds of each change.
    seconds: HashMap<&'a Address, u64>,
    clock: Rc<dyn Clock>,
    serving: RefCell<Serving>,
}

impl<'a> Rehearsal<'a> {
    fn new(cloud: &'a dyn Cloud, about: About<'a>, plan: &'a Plan, clock: Rc<dyn Clock>, serving: Serving) -> Self {
        let seconds = plan.changes.iter().filter(|change| change.action != Action::Delete);
        let seconds = seconds.map(|change| (&change.address, change.seconds)).collect();
        Self { cloud, about, seconds, clock, serving: RefCell::new(serving) }
    }

    async fn takes(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Looks at what serves now.
    async fn watch(&self) {
        if let Ok(live) = self.cloud.observe(self.about).await {
            self.serving.borrow_mut().look(self.clock.steady(), &live);
        }
    }
    /// What is not as the step should have left it.
    async fn fault(
        &self,
        kind: &'static dyn AnyKind,
        look: &Look<'_, Value>,
    ) -> Result<Option<String>, CloudError> {
        let found = self.cloud.observe_kind(self.about, kind).await?;
        let live = found.iter().find(|found| found.live.id == look.id);
        Ok(match (look.goal, live) {
            (Goal::Gone, None) => None,
            (Goal::Gone, Some(_)) => Some(format!("{} still exists after its deletion", look.id)),
            (Goal::Ready, None) => Some(format!("{} does not exist after its creation", look.id)),
            (Goal::Ready, Some(found)) => {
                let differ = field_changes(kind, look.attrs, &found.live);
                (!differ.is_empty()).then(|| format!("{} differs from the plan in: {}", look.id, differ.join(", ")))
            }
        })
    }
}

impl Cloud for Rehearsal<'_> {
    fn place(&self) -> String {
        self.cloud.place()
    }

    fn vault(&self) -> Vault {
        self.cloud.vault()
    }

    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.guard(env)
    }

    fn lock(&self, env: &Environment) -> Box<dyn LockStore> {
        self.cloud.lock(env)
    }

    fn state<'a>(&'a self, about: About<'a>, kinds: Kinds) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        self.cloud.state(about, kinds)
    }

    fn observe<'a>(&'a self, about: About<'a>) -> LocalBoxFuture<'a, Result<Vec<Found>, Vec<CloudError>>> {
        self.cloud.observe(about)
    }

    fn observe_kind<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Found>, CloudError>> {
        self.cloud.observe_kind(about, kind)
    }

    fn complete<'a>(
        &'a self,
        about: About<'a>,
        found: &'a mut Found,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.complete(about, found)
    }

    fn keep_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        self.cloud.keep_applied(env, applied)
    }

    fn create<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        Box::pin(async move {
            self.takes(kind.typical()).await;
            let made = self.cloud.create(about, kind, new).await;
            self.watch().await;
            made
        })
    }

    fn update<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        Box::pin(async move {
            self.takes(self.seconds.get(change.address).copied().unwrap_or_default()).await;
            let made = self.cloud.update(about, kind, change).await;
            self.watch().await;
            made
        })
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            self.takes(kind.typical_delete()).await;
            let deleted = self.cloud.delete(kind, gone).await;
            self.watch().await;
            deleted.map_err(|error| match error.class {
                Class::InUse => CloudError { class: Class::Refused, ..error },
                _ => error,
            })
        })
    }

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        look: Look<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            let Look { id, attrs, outputs, goal } = look;
            match self.cloud.poll(kind, Look { id, attrs, outputs, goal }).await? {
                Poll::Done(outputs) => Ok(match self.fault(kind, &look).await? {
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
    fn standing(test: impl AsyncFnOnce(&FileCloud, About<'_>, &SimulatedClock)) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        let env = crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env;
        let (graph, cloud) = (Graph::of(&env).expect("no ring"), FileCloud::in_memory(&env, None, "memory"));
        let vault = cloud.vault();
        let about = About { env: &env, graph: &graph, vault: &vault };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let clock = SimulatedClock::default();
        let work = async {
            let report = stand_up(&cloud, about).await.expect("it goes through");
            assert!(report.is_success() && !report.done.is_empty());
            test(&cloud, about, &clock).await;
        };
        runtime.block_on(clock.drive(work)).expect("it comes to an end");
    }

    async fn live(cloud: &FileCloud, about: About<'_>, address: &Address) -> Found {
        let found = cloud.observe(about).await.expect("an observation");
        found.into_iter().find(|found| found.live.address.as_ref() == Some(address)).expect("it is there")
    }

    fn rehearsal<'a>(cloud: &'a FileCloud, about: About<'a>, clock: &SimulatedClock) -> Rehearsal<'a> {
        let serving = RefCell::new(Serving::new(BTreeSet::new()));
        Rehearsal { cloud, about, seconds: HashMap::new(), clock: Rc::new(clock.clone()), serving }
    }

    #[test]
    fn a_step_that_did_something_else_is_seen() {
        standing(async |cloud, about, clock| {
            let Found { kind, live } = live(cloud, about, &Address::new("log_group", "web")).await;
            let (stage, outputs) = (rehearsal(cloud, about, clock), Outputs::new());
            let as_planned = live.attrs.clone().expect("attributes");
            let mut otherwise = as_planned.clone();
            otherwise["retention_days"] = json!(1);
            let said = async |id: &str, attrs: &Value, goal| {
                let look = Look { id, attrs, outputs: &outputs, goal };
                match stage.poll(kind, look).await.expect("an answer") {
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
        standing(async |cloud, about, clock| {
            let stage = rehearsal(cloud, about, clock);
            let outputs = Outputs::new();
            let group = Address::new("target_group", "web");
            let Found { kind, live: there } = live(cloud, about, &group).await;
            let (id, before) = (there.id.as_str(), there.attrs.expect("attributes"));

            let error = stage.delete(kind, Delete { address: &group, id, outputs: &outputs, attrs: &before }).await;
            let error = error.expect_err("the listener refers to it");
            assert_eq!((error.code.as_str(), error.class), ("DependencyViolation", Class::Refused));

            let mut attrs = before.clone();
            attrs["protocol"] = json!("HTTPS");
            let (changed, vault) = (["protocol".to_owned()], about.vault);
            let change = Update {
                address: &group,
                id,
                outputs: &outputs,
                before: &before,
                attrs: &attrs,
                changed: &changed,
                vault,
                token: "",
            };
            let error = stage.update(about, kind, change).await.expect_err("AWS cannot change it in place");
            assert!(error.message.contains("protocol"), "{error}");

            let new = Create { address: &group, attrs: &before, vault, token: "", alternate: false };
            let error = stage.create(about, kind, new).await.expect_err("the name is taken");
            assert!(error.is(Class::Taken), "{error}");

            let balancer = Address::new("load_balancer", "main");
            let Found { kind, live: there } = live(cloud, about, &balancer).await;
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
                vault,
                token: "",
            };
            stage.update(about, kind, change).await.expect("it can be protected");
            let gone = Delete { address: &balancer, id, outputs: &outputs, attrs: &attrs };
            let error = stage.delete(kind, gone).await.expect_err("it is protected");
            assert_eq!(error.code, "OperationNotPermitted");
        });
    }
}
