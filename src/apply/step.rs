use std::time::{Duration, Instant};

use serde_json::Value;

use super::Event;
use super::order::{Operation, Part};
use super::stop::Stop;
use crate::cloud::{About, Class, Cloud, CloudError, Found};
use crate::kinds::{AnyKind, Create, Delete, Goal, Live, Look, Made, Outputs, Poll, Update};
use crate::lock::Lock;
use crate::plan::{Action, Draft, Secrets, Step, field_changes, resolve_with};
use crate::value::walk::{Link, is_resolved, links};
use crate::value::{Address, from_variable, tag};

/// How long, at most, errors of these classes are taken for passing ones.
const PROPAGATION: Duration = Duration::from_secs(120);
const IN_USE: Duration = Duration::from_secs(900);
const THROTTLED: Duration = Duration::from_secs(300);
const UNANSWERED: Duration = Duration::from_secs(60);

/// Everything that the operations of one apply have in common.
pub struct Doer<'a> {
    pub cloud: &'a dyn Cloud,
    /// Asked before every call that writes.
    pub lock: &'a Lock,
    pub about: About<'a>,
    pub draft: &'a Draft,
    /// Distinguishes this run's idempotency tokens from another's.
    pub run: String,
    pub stop: &'a Stop,
    pub tell: &'a dyn Fn(Event<'_>),
}

/// How an operation ended well.
pub enum Done {
    Changed,
    Unchanged,
}

/// How an operation ended otherwise.
pub enum Broken {
    Failed(String),
    /// It was to wait, and a signal had come: the next run sees how far it got.
    Stopped,
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl From<CloudError> for Broken {
    fn from(error: CloudError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Doer<'_> {
    /// Carries one operation out, with its retries and waits.
    pub async fn run(&self, operation: Operation) -> Result<Done, Broken> {
        let step = &self.draft.steps[operation.step];
        let change = &self.draft.plan.changes[operation.step];
        match operation.part {
            Part::Remove => self.remove(step, &change.address).await,
            Part::Write => self.write(step, &change.address, change.action).await,
        }
    }

    async fn remove(&self, step: &Step, address: &Address) -> Result<Done, Broken> {
        let Some(live) = &step.live else { return Ok(Done::Unchanged) };
        let attrs = live.attrs.clone().unwrap_or_default();
        let deadline = Duration::from_secs(step.kind.deadline()).max(IN_USE);
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let gone = Delete { address, id: &live.id, outputs: &live.outputs, attrs: &attrs };
            self.lock.fence().await?;
            match self.cloud.delete(step.kind, gone).await {
                Ok(()) => break,
                Err(error) if passes(&error, started, deadline) => {
                    self.waiting(address, format!("{}: {}", error.code, error.message));
                    self.rest(&mut pause).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let look = Look { id: &live.id, attrs: &attrs, outputs: &live.outputs, goal: Goal::Gone };
        self.wait(step.kind, address, look).await?;
        Ok(Done::Changed)
    }

    async fn write(&self, step: &Step, address: &Address, action: Action) -> Result<Done, Broken> {
        let Some(desired) = &step.desired else { return Ok(Done::Unchanged) };
        let live = step.live.as_ref();
        let desired = keep_made(desired, live.and_then(|live| live.attrs.as_ref()));
        let attrs = resolve_with(&desired, &self.draft.world, self.about.vault, Secrets::Make);
        if !is_resolved(&attrs) {
            return Err(unresolved(&attrs).into());
        }
        let replaced = action == Action::Replace;
        let made = match live.filter(|_| !replaced) {
            None => self.create(step, address, &attrs, replaced && step.create_first).await?,
            Some(live) => {
                if field_changes(step.kind, &attrs, live).is_empty() {
                    self.draft.world.learn(address, &live.id, live.outputs.clone());
                    return Ok(Done::Unchanged);
                }
                self.update(step.kind, address, live.clone(), &attrs).await?
            }
        };
        self.draft.world.learn(address, &made.id, made.outputs.clone());
        let look = Look { id: &made.id, attrs: &attrs, outputs: &made.outputs, goal: Goal::Ready };
        let more = self.wait(step.kind, address, look).await?;
        self.draft.world.learn_more(address, more);
        Ok(Done::Changed)
    }

    async fn create(&self, step: &Step, address: &Address, attrs: &Value, alternate: bool) -> Result<Made, Broken> {
        let token = format!("{}-{}", self.run, short(address));
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let new = Create { address, attrs, vault: self.about.vault, token: &token, alternate };
            self.lock.fence().await?;
            let error = match self.cloud.create(self.about, step.kind, new).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            let again = passes(&error, started, THROTTLED);
            if again {
                self.waiting(address, format!("{}: {}", error.code, error.message));
                self.rest(&mut pause).await?;
            }
            // The call may have taken effect although no answer came, and its repetition be refused for that.
            let looks = if error.is(Class::Unanswered) { 4 } else { usize::from(!again) };
            let old = step.live.as_ref().map(|live| live.id.as_str());
            if let Some(live) = self.find(step.kind, looks, |found| is_new(found, address, old)).await? {
                return self.update(step.kind, address, live, attrs).await;
            }
            if !again {
                return Err(error.into());
            }
        }
    }

    /// Looks for a live object, more than once where it may show only after a while.
    async fn find(
        &self,
        kind: &'static dyn AnyKind,
        looks: usize,
        is_it: impl Fn(&Found) -> bool,
    ) -> Result<Option<Live<Value>>, Broken> {
        let mut pause = Pause::new();
        for look in 0..looks {
            if look > 0 {
                self.rest(&mut pause).await?;
            }
            let found = self.cloud.observe_kind(self.about, kind).await.unwrap_or_default();
            let Some(mut found) = found.into_iter().find(&is_it) else { continue };
            if found.live.confirm && self.cloud.complete(self.about, &mut found).await.is_err() {
                continue;
            }
            return Ok(is_it(&found).then_some(found.live));
        }
        Ok(None)
    }

    /// Makes a live object what it should be. A refusal is believed only once the object was read again: what was
    /// refused may have been done by a call whose answer was lost.
    async fn update(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        mut live: Live<Value>,
        attrs: &Value,
    ) -> Result<Made, Broken> {
        let token = format!("{}-{}", self.run, short(address));
        let started = Instant::now();
        let mut pause = Pause::new();
        let mut refusals = 0;
        loop {
            let changed = field_changes(kind, attrs, &live);
            if changed.is_empty() {
                return Ok(Made { id: live.id, outputs: live.outputs });
            }
            let before = live.attrs.clone().unwrap_or_default();
            // What the spec leaves to AWS keeps the value it has.
            let (attrs, vault) = (&fill(attrs, &before), self.about.vault);
            let (id, outputs, changed) = (&live.id, &live.outputs, changed.as_slice());
            let change = Update { address, id, outputs, before: &before, attrs, changed, vault, token: &token };
            self.lock.fence().await?;
            let error = match self.cloud.update(self.about, kind, change).await {
                Ok(mut made) => {
                    let kept = live.outputs.iter().filter(|(name, _)| !kind.moves(name, changed));
                    for (name, value) in kept {
                        made.outputs.entry(name.clone()).or_insert_with(|| value.clone());
                    }
                    return Ok(made);
                }
                Err(error) => error,
            };
            if passes(&error, started, THROTTLED) {
                self.waiting(address, format!("{}: {}", error.code, error.message));
                self.rest(&mut pause).await?;
                continue;
            }
            refusals += 1;
            let same = |found: &Found| found.live.address.as_ref() == Some(address) && found.live.id == live.id;
            live = match self.find(kind, 1, same).await? {
                Some(fresh) if refusals <= 2 && !error.is(Class::Denied) => fresh,
                _ => return Err(error.into()),
            };
        }
    }

    async fn wait(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        look: Look<'_, Value>,
    ) -> Result<Outputs, Broken> {
        let deadline = Duration::from_secs(kind.deadline());
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let Look { id, attrs, outputs, goal } = look;
            let waits_for = match self.cloud.poll(kind, Look { id, attrs, outputs, goal }).await {
                Ok(Poll::Done(outputs)) => return Ok(outputs),
                Ok(Poll::Failed(why)) => return Err(why.into()),
                Ok(Poll::Waiting(what)) => what,
                Err(error) if passes(&error, started, deadline) => error.to_string(),
                Err(error) => return Err(error.into()),
            };
            if started.elapsed() > deadline {
                return Err(format!("not done after {} s: {waits_for}", deadline.as_secs()).into());
            }
            self.waiting(address, waits_for);
            self.rest(&mut pause).await?;
        }
    }

    /// Rests, unless a signal comes: nothing is in flight then that could land.
    async fn rest(&self, pause: &mut Pause) -> Result<(), Broken> {
        tokio::select! {
            biased;
            () = self.stop.wait() => Err(Broken::Stopped),
            () = pause.rest() => Ok(()),
        }
    }

    fn waiting(&self, address: &Address, what: String) {
        (self.tell)(Event::Waiting { address, what });
    }
}

/// Whether an error is one that goes away by itself, and there is time left for it.
fn passes(error: &CloudError, started: Instant, in_use: Duration) -> bool {
    let limit = match error.class {
        Class::Propagating => PROPAGATION,
        Class::InUse => in_use,
        Class::Throttled => THROTTLED,
        Class::Unanswered => UNANSWERED,
        _ => return false,
    };
    started.elapsed() < limit
}

/// Whether this is the object at the address, and not the one that it replaces.
fn is_new(found: &Found, address: &Address, old: Option<&str>) -> bool {
    found.live.address.as_ref() == Some(address) && Some(found.live.id.as_str()) != old
}

/// Dense at first, since most things take a moment, then ever rarer.
struct Pause {
    next: Duration,
}

impl Pause {
    fn new() -> Self {
        Self { next: Duration::from_millis(250) }
    }

    async fn rest(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 3 / 2).min(Duration::from_secs(10));
    }
}

/// A secret that was made once, or whose variable is not set in this run, stays what it is.
fn keep_made(desired: &Value, live: Option<&Value>) -> Value {
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

fn fill(attrs: &Value, before: &Value) -> Value {
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

fn unresolved(attrs: &Value) -> String {
    let what = links(attrs).into_iter().find_map(|link| match link {
        Link::To { address, output } => Some(format!("{address} did not give its {output}")),
        Link::Id { .. } => None,
    });
    let what = what.unwrap_or_else(|| "something that this needs is not known".to_owned());
    format!("{what}: apply again, and report it if this stays")
}

/// An address as part of an idempotency token: AWS takes 32 to 64 plain characters.
fn short(address: &Address) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(address.to_string());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
