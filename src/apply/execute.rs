//! One operation of a plan, with its retries and waits.

use std::time::Duration;

use serde_json::Value;

use super::Event;
use super::error::{OperationError, Unresolved};
use super::order::{Operation, Phase};
use super::retry::Retry;
use super::run::Run;
use crate::aws::{CloudError, ErrorClass};
use crate::cloud::Observed;
use crate::kinds::{AnyKind, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};
use crate::plan::{Action, SecretMode, Step, WriteMode, field_changes, resolve_with};
use crate::value::walk::{Link, is_resolved, links};
use crate::value::{Address, from_variable, tag};

/// Executes operations, each at most once per run.
pub struct Executor<'a> {
    run: Run<'a>,
    /// Milliseconds since 1970: tells this run's idempotency tokens from those of other runs.
    begun: u128,
}

/// How an operation ended well.
pub enum Outcome {
    Changed,
    Unchanged,
}

/// How an operation ended otherwise.
pub enum Interrupted {
    Failed(OperationError),
    /// A signal was received while it waited: the next run sees how far it got.
    Stopped,
}

impl<E: Into<OperationError>> From<E> for Interrupted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One read may miss what was just created.
const FIND_ATTEMPTS: usize = 4;

/// How often an update may be rejected while its object moves.
const MOST_REFUSALS: usize = 2;

impl<'a> Executor<'a> {
    pub fn new(run: Run<'a>) -> Self {
        let begun = run.clock.wall_clock().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
        Self { run, begun }
    }

    pub async fn run(&self, operation: Operation) -> Result<Outcome, Interrupted> {
        let step = &self.run.execution.steps[operation.step];
        let address = &self.run.execution.plan.changes[operation.step].address;
        match operation.phase {
            Phase::Remove => self.remove(step, address).await,
            Phase::Finish => self.finish(operation.step, step, address).await,
            Phase::Write => self.write(operation.step, step, address).await,
        }
    }

    async fn remove(&self, step: &Step, address: &Address) -> Result<Outcome, Interrupted> {
        let Some(live) = &step.live else { return Ok(Outcome::Unchanged) };
        let attrs = live.attrs.clone().unwrap_or_default();
        let mut retry = self.retry(step.kind);
        loop {
            let gone = Delete { address, id: &live.id, outputs: &live.outputs, attrs: &attrs };
            self.run.lock.fence().await?;
            match self.run.cloud.delete(step.kind, gone).await {
                Ok(()) => break,
                Err(error) => self.retry_or_fail(&mut retry, address, error).await?,
            }
        }
        let target = PollTarget { id: &live.id, attrs: &attrs, outputs: &live.outputs, goal: Goal::Gone };
        self.wait(step.kind, address, target).await?;
        Ok(Outcome::Changed)
    }

    async fn write(&self, index: usize, step: &Step, address: &Address) -> Result<Outcome, Interrupted> {
        let Some(attrs) = self.desired(step)? else { return Ok(Outcome::Unchanged) };
        if let (Action::Forget, Some(live)) = (self.run.execution.plan.changes[index].action, &step.live) {
            return self.forget(step.kind, address, live, &attrs).await;
        }
        let before = step.live.as_ref().filter(|_| !self.replaces(index));
        let attrs = first_phase(step, before, &attrs).unwrap_or(attrs);
        match before {
            None => {
                let alternate = step.live.is_some() && self.run.order.is_create_first(index);
                let made = self.create(step, address, &attrs, alternate).await?;
                self.wait_until_ready(step.kind, address, &attrs, made).await
            }
            Some(live) if self.has_only_moved(index, step, live, &attrs) => {
                self.run.lock.fence().await?;
                self.run.cloud.readdress(self.run.context, step.kind, &live.id, address).await?;
                self.run.execution.known_outputs.record(address, &live.id, live.outputs.clone());
                Ok(Outcome::Changed)
            }
            Some(live) => self.converge(step.kind, address, live, &attrs).await,
        }
    }

    async fn forget(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        live: &Live<Value>,
        attrs: &Value,
    ) -> Result<Outcome, Interrupted> {
        let (token, before, changed) =
            (self.token_for(address), live.attrs.clone().unwrap_or_default(), field_changes(kind, attrs, live));
        let (id, outputs, before) = (live.id.as_str(), &live.outputs, &before);
        let (secret_store, mut retry) = (self.run.context.secret_store, self.retry(kind));
        loop {
            let change =
                Update { address, id, outputs, before, attrs, changed: &changed, secret_store, token: &token };
            self.run.lock.fence().await?;
            match self.run.cloud.forget(self.run.context, kind, change).await {
                Ok(()) => return Ok(Outcome::Changed),
                Err(error) => self.retry_or_fail(&mut retry, address, error).await?,
            }
        }
    }

    /// Whether nothing of it changes but its address, which no tag of its own says.
    fn has_only_moved(&self, index: usize, step: &Step, live: &Live<Value>, attrs: &Value) -> bool {
        let has_moved = self.run.execution.plan.changes[index].moved_from.is_some();
        has_moved && field_changes(step.kind, attrs, live).is_empty()
    }

    /// The second phase of a write.
    async fn finish(&self, index: usize, step: &Step, address: &Address) -> Result<Outcome, Interrupted> {
        let Some(attrs) = self.desired(step)? else { return Ok(Outcome::Unchanged) };
        let before = step.live.as_ref().filter(|_| !self.replaces(index));
        let first = first_phase(step, before, &attrs);
        let (Some(first), Some((id, outputs))) = (first, self.run.execution.known_outputs.get(address)) else {
            return Ok(Outcome::Unchanged);
        };
        let live = Live { outputs, ..Live::new(Some(address.clone()), id, first) };
        self.converge(step.kind, address, &live, &attrs).await
    }

    fn replaces(&self, index: usize) -> bool {
        self.run.execution.plan.changes[index].action == Action::Replace
    }

    /// Desired attributes with references resolved; `None` for an object that is deleted.
    fn desired(&self, step: &Step) -> Result<Option<Value>, Unresolved> {
        let Some(desired) = &step.desired else { return Ok(None) };
        let desired = keep_secrets(desired, step.live.as_ref().and_then(|live| live.attrs.as_ref()));
        let attrs = resolve_with(
            &desired,
            &self.run.execution.known_outputs,
            self.run.context.secret_store,
            SecretMode::Create,
        );
        if is_resolved(&attrs) { Ok(Some(attrs)) } else { Err(unresolved(&attrs)) }
    }

    /// Updates a live object if it differs, and waits until it is ready.
    async fn converge(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        live: &Live<Value>,
        attrs: &Value,
    ) -> Result<Outcome, Interrupted> {
        if field_changes(kind, attrs, live).is_empty() {
            self.run.execution.known_outputs.record(address, &live.id, live.outputs.clone());
            return Ok(Outcome::Unchanged);
        }
        let made = self.update(kind, address, live.clone(), attrs).await?;
        self.wait_until_ready(kind, address, attrs, made).await
    }

    async fn wait_until_ready(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        attrs: &Value,
        made: WriteResult,
    ) -> Result<Outcome, Interrupted> {
        let known_outputs = &self.run.execution.known_outputs;
        known_outputs.record(address, &made.id, made.outputs.clone());
        let target = PollTarget { id: &made.id, attrs, outputs: &made.outputs, goal: Goal::Ready };
        let more = self.wait(kind, address, target).await?;
        known_outputs.add_outputs(address, more);
        Ok(Outcome::Changed)
    }

    async fn create(
        &self,
        step: &Step,
        address: &Address,
        attrs: &Value,
        alternate: bool,
    ) -> Result<WriteResult, Interrupted> {
        let token = self.token_for(address);
        let old = step.live.as_ref().map(|live| live.id.as_str());
        let is_new =
            |found: &Observed| found.live.address.as_ref() == Some(address) && Some(found.live.id.as_str()) != old;
        let mut retry = self.retry(step.kind);
        loop {
            let new =
                Create { address, attrs, secret_store: self.run.context.secret_store, token: &token, alternate };
            self.run.lock.fence().await?;
            let error = match self.run.cloud.create(self.run.context, step.kind, new).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            // It may exist all the same: the response was lost, or a later call of several failed. Created again, it
            // would exist twice, or be rejected as a duplicate.
            let attempts = if error.is(ErrorClass::Ambiguous) { FIND_ATTEMPTS } else { 1 };
            let failed = match retry.should_retry(&error) {
                true => {
                    self.report_and_back_off(&mut retry, address, &error).await?;
                    None
                }
                false => Some(error),
            };
            match (self.find(step.kind, address, attempts, is_new).await, failed) {
                (Ok(Some(live)), _) => return self.update(step.kind, address, live, attrs).await,
                (Ok(None), None) => {}
                (Ok(None), Some(error)) => return Err(error.into()),
                (Err(Interrupted::Failed(unchecked)), Some(error)) => {
                    return Err(OperationError::MayExist { error, unchecked: Box::new(unchecked) }.into());
                }
                (Err(Interrupted::Failed(unchecked)), None) => {
                    return Err(OperationError::NotRetried(Box::new(unchecked)).into());
                }
                (Err(stopped), _) => return Err(stopped),
            }
        }
    }

    /// Looks for a live object, more than once where it may become visible late. A read that fails is retried as long
    /// as that may help.
    ///
    /// # Errors
    /// It is not known whether the object exists.
    async fn find(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        attempts: usize,
        is_it: impl Fn(&Observed) -> bool,
    ) -> Result<Option<Live<Value>>, Interrupted> {
        let mut retry = self.retry(kind);
        let mut attempt = 0;
        loop {
            match self.find_once(kind, &is_it).await {
                Ok(Some(live)) => return Ok(Some(live)),
                Ok(None) => {
                    retry.reset();
                    attempt += 1;
                    if attempt >= attempts {
                        return Ok(None);
                    }
                    self.back_off(&mut retry).await?;
                }
                Err(error) => self.retry_or_fail(&mut retry, address, error).await?,
            }
        }
    }

    async fn find_once(
        &self,
        kind: &'static dyn AnyKind,
        is_it: impl Fn(&Observed) -> bool,
    ) -> Result<Option<Live<Value>>, CloudError> {
        let Run { cloud, context, .. } = self.run;
        let found = cloud.observe_kind(context, kind).await?;
        let Some(mut found) = found.into_iter().find(&is_it) else { return Ok(None) };
        if found.live.unconfirmed {
            cloud.refresh(context, &mut found).await?;
        }
        Ok(is_it(&found).then_some(found.live))
    }

    /// Updates a live object. A rejection is final only once the object was read again: the update may have been made
    /// by a call whose response was lost, in whole or in part. Where nothing has moved, it is.
    async fn update(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        mut live: Live<Value>,
        attrs: &Value,
    ) -> Result<WriteResult, Interrupted> {
        let token = self.token_for(address);
        let mut retry = self.retry(kind);
        let mut refusals = 0;
        loop {
            let changed = field_changes(kind, attrs, &live);
            if changed.is_empty() {
                return Ok(WriteResult { id: live.id, outputs: live.outputs });
            }
            let before = live.attrs.clone().unwrap_or_default();
            // What the spec leaves to AWS keeps the value it has.
            let (attrs, secret_store) = (&keep_unmanaged(attrs, &before), self.run.context.secret_store);
            let (id, outputs, changed) = (&live.id, &live.outputs, changed.as_slice());
            let change =
                Update { address, id, outputs, before: &before, attrs, changed, secret_store, token: &token };
            self.run.lock.fence().await?;
            let error = match self.run.cloud.update(self.run.context, kind, change).await {
                Ok(mut made) => {
                    let kept = live.outputs.iter().filter(|(name, _)| !kind.changes_output(name, changed));
                    for (name, value) in kept {
                        made.outputs.entry(name.clone()).or_insert_with(|| value.clone());
                    }
                    return Ok(made);
                }
                Err(error) => error,
            };
            if retry.should_retry(&error) {
                self.report_and_back_off(&mut retry, address, &error).await?;
                continue;
            }
            if error.is(ErrorClass::Denied) {
                return Err(error.into());
            }
            // By its id: what is being adopted has no address yet.
            let is_same = |found: &Observed| found.live.id == live.id;
            let fresh = match self.find(kind, address, 1, is_same).await {
                Ok(Some(fresh)) => fresh,
                Err(Interrupted::Stopped) => return Err(Interrupted::Stopped),
                _ => return Err(error.into()),
            };
            // The same call on the same object is rejected again: only where the object has moved is it another call.
            let still = field_changes(kind, attrs, &fresh);
            if !still.is_empty() {
                refusals += 1;
                if refusals > MOST_REFUSALS || (still == changed && fresh.attrs == live.attrs) {
                    return Err(error.into());
                }
                self.report_and_back_off(&mut retry, address, &error).await?;
            }
            live = fresh;
        }
    }

    async fn wait(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        target: PollTarget<'_, Value>,
    ) -> Result<Outputs, Interrupted> {
        let clock = self.run.clock;
        let deadline = Duration::from_secs(kind.deadline());
        let started = clock.monotonic();
        let mut retry = self.retry(kind);
        loop {
            let PollTarget { id, attrs, outputs, goal } = target;
            match self.run.cloud.poll(kind, PollTarget { id, attrs, outputs, goal }).await {
                Ok(Poll::Done(outputs)) => return Ok(outputs),
                Ok(Poll::Failed(why)) => return Err(OperationError::GoalMissed(why).into()),
                Ok(Poll::Waiting(what)) => {
                    retry.reset();
                    if clock.monotonic().saturating_sub(started) > deadline {
                        return Err(OperationError::TimedOut { after: deadline, waiting_for: what }.into());
                    }
                    (self.run.emit)(Event::Waiting { address, what });
                    self.back_off(&mut retry).await?;
                }
                Err(error) => self.retry_or_fail(&mut retry, address, error).await?,
            }
        }
    }

    fn retry(&self, kind: &'static dyn AnyKind) -> Retry<'a> {
        Retry::new(self.run.clock, kind)
    }

    /// Waits until the call may be made again.
    ///
    /// # Errors
    /// There is no use in that, or a signal came.
    async fn retry_or_fail(
        &self,
        retry: &mut Retry<'_>,
        address: &Address,
        error: CloudError,
    ) -> Result<(), Interrupted> {
        match retry.should_retry(&error) {
            true => self.report_and_back_off(retry, address, &error).await,
            false => Err(error.into()),
        }
    }

    async fn report_and_back_off(
        &self,
        retry: &mut Retry<'_>,
        address: &Address,
        error: &CloudError,
    ) -> Result<(), Interrupted> {
        let code = if error.code.is_empty() { String::new() } else { format!("{}: ", error.code) };
        (self.run.emit)(Event::Waiting { address, what: code + &error.message });
        self.back_off(retry).await
    }

    /// Waits before a retry, unless a signal is received: no call is in progress then.
    async fn back_off(&self, retry: &mut Retry<'_>) -> Result<(), Interrupted> {
        tokio::select! {
            biased;
            () = self.run.stop.wait() => Err(Interrupted::Stopped),
            () = self.run.clock.sleep(retry.backoff()) => Ok(()),
        }
    }

    fn token_for(&self, address: &Address) -> String {
        format!("bp{:x}-{}", self.begun, short(&format!("{} {address}", self.run.context.env.path())))
    }
}

/// What is written first, where a write has two phases.
fn first_phase(step: &Step, live: Option<&Live<Value>>, desired: &Value) -> Option<Value> {
    let before = live.and_then(|live| live.attrs.as_ref());
    match step.write_mode {
        WriteMode::Single => None,
        WriteMode::ExpandContract | WriteMode::ContractOnly => step.kind.expand(before?, desired),
        WriteMode::TrafficLast => step.kind.without_traffic(before, desired),
    }
}

/// A generated secret, or one whose variable is not set in this run, keeps its value.
fn keep_secrets(desired: &Value, live: Option<&Value>) -> Value {
    let mut desired = desired.clone();
    let (Some(fields), Some(live)) = (desired.as_object_mut(), live) else { return desired };
    for (name, value) in fields {
        let Some(source) = value.get(tag::SECRET) else { continue };
        let unset = source.get("env").and_then(Value::as_str).is_some_and(|name| from_variable(name).is_none());
        let there = live.get(name).filter(|there| there.get(tag::SECRET).is_some());
        if let Some(there) = there.filter(|_| unset || source.get("generate").is_some()) {
            *value = there.clone();
        }
    }
    desired
}

fn keep_unmanaged(attrs: &Value, before: &Value) -> Value {
    let mut attrs = attrs.clone();
    for (name, value) in attrs.as_object_mut().into_iter().flatten() {
        if value.is_null()
            && let Some(there) = before.get(name)
        {
            *value = there.clone();
        }
    }
    attrs
}

fn unresolved(attrs: &Value) -> Unresolved {
    let output = links(attrs).into_iter().find_map(|link| match link {
        Link::To { address, output } => Some(Unresolved::Output { address, output }),
        Link::Id { .. } => None,
    });
    output.unwrap_or(Unresolved::Value)
}

/// A text as part of an idempotency token, of which AWS takes 32 plain characters at least.
fn short(text: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text);
    hex::encode(&digest[..6])
}
