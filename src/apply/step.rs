use std::time::{Duration, Instant};

use serde_json::Value;

use super::Event;
use super::order::{Operation, Part};
use crate::cloud::{About, Class, Cloud, CloudError, Found};
use crate::kinds::{AnyKind, Create, Delete, Goal, Live, Look, Made, Outputs, Poll, Update};
use crate::plan::{Action, Draft, Secrets, Step, field_changes, resolve_with};
use crate::value::walk::is_resolved;
use crate::value::{Address, tag};

/// How long, at most, errors of these classes are taken for passing ones.
const PROPAGATION: Duration = Duration::from_secs(120);
const IN_USE: Duration = Duration::from_secs(900);
const THROTTLED: Duration = Duration::from_secs(300);
const UNANSWERED: Duration = Duration::from_secs(60);

/// Everything that the operations of one apply have in common.
pub struct Doer<'a> {
    pub cloud: &'a dyn Cloud,
    pub about: About<'a>,
    pub draft: &'a Draft,
    /// Distinguishes this run's idempotency tokens from another's.
    pub run: String,
    pub tell: &'a dyn Fn(Event<'_>),
}

/// How an operation ended well.
pub enum Done {
    Changed,
    Unchanged,
}

impl Doer<'_> {
    /// Carries one operation out, with its retries and waits.
    pub async fn run(&self, operation: Operation) -> Result<Done, String> {
        let step = &self.draft.steps[operation.step];
        let change = &self.draft.plan.changes[operation.step];
        match operation.part {
            Part::Remove => self.remove(step, &change.address).await,
            Part::Write => self.write(step, &change.address, change.action).await,
        }
    }

    async fn remove(&self, step: &Step, address: &Address) -> Result<Done, String> {
        let Some(live) = &step.live else { return Ok(Done::Unchanged) };
        let attrs = live.attrs.clone().unwrap_or_default();
        let deadline = Duration::from_secs(step.kind.deadline()).max(IN_USE);
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let gone = Delete { address, id: &live.id, outputs: &live.outputs, attrs: &attrs };
            match self.cloud.delete(step.kind, gone).await {
                Ok(()) => break,
                Err(error) if passes(&error, started, deadline) => {
                    self.waiting(address, format!("{}: {}", error.code, error.message));
                    pause.rest().await;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let look = Look { id: &live.id, attrs: &attrs, outputs: &live.outputs, goal: Goal::Gone };
        self.wait(step.kind, address, look).await?;
        Ok(Done::Changed)
    }

    async fn write(&self, step: &Step, address: &Address, action: Action) -> Result<Done, String> {
        let Some(desired) = &step.desired else { return Ok(Done::Unchanged) };
        let live = step.live.as_ref();
        let desired = keep_made(desired, live.and_then(|live| live.attrs.as_ref()));
        let attrs = resolve_with(&desired, &self.draft.world, self.about.vault, Secrets::Make);
        if !is_resolved(&attrs) {
            return Err(unresolved(&attrs));
        }
        let replaced = action == Action::Replace;
        let made = match live.filter(|_| !replaced) {
            None => self.create(step, address, &attrs, replaced && step.create_first).await?,
            Some(live) => {
                let before = live.attrs.clone().unwrap_or_default();
                let changed = field_changes(step.kind, &attrs, live);
                if changed.is_empty() && action != Action::Adopt {
                    self.draft.world.learn(address, &live.id, live.outputs.clone());
                    return Ok(Done::Unchanged);
                }
                // What the spec leaves to AWS keeps the value it has.
                let attrs = fill(&attrs, &before);
                let mut made = self.update(step.kind, address, live, &before, &attrs, &changed).await?;
                let kept = live.outputs.iter().filter(|(name, _)| !step.kind.moving().contains(&name.as_str()));
                for (name, value) in kept.chain(live.outputs.iter().filter(|_| !step.kind.moves(&changed))) {
                    made.outputs.entry(name.clone()).or_insert_with(|| value.clone());
                }
                made
            }
        };
        self.draft.world.learn(address, &made.id, made.outputs.clone());
        let look = Look { id: &made.id, attrs: &attrs, outputs: &made.outputs, goal: Goal::Ready };
        let more = self.wait(step.kind, address, look).await?;
        self.draft.world.learn_more(address, more);
        Ok(Done::Changed)
    }

    async fn create(&self, step: &Step, address: &Address, attrs: &Value, alternate: bool) -> Result<Made, String> {
        let token = format!("{}-{}", self.run, short(address));
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let new = Create { address, attrs, vault: self.about.vault, token: &token, alternate };
            let error = match self.cloud.create(self.about, step.kind, new).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            if !passes(&error, started, THROTTLED) {
                return Err(error.to_string());
            }
            self.waiting(address, format!("{}: {}", error.code, error.message));
            pause.rest().await;
            if error.is(Class::Unanswered)
                && let Some(live) = self.made_already(step, address).await
            {
                return self.take_over(step.kind, address, attrs, &live).await;
            }
        }
    }

    /// The call may have taken effect although no answer came, and may show only after a while: what carries our
    /// tags is taken, not doubled.
    async fn made_already(&self, step: &Step, address: &Address) -> Option<Live<Value>> {
        let old = step.live.as_ref().map(|live| &live.id);
        let mut pause = Pause::new();
        for _ in 0..4 {
            let found = self.cloud.observe(self.about).await.unwrap_or_default();
            let ours = |found: &Found| found.live.address.as_ref() == Some(address) && Some(&found.live.id) != old;
            if let Some(mut found) = found.into_iter().find(ours) {
                if found.live.confirm {
                    self.cloud.complete(self.about, &mut found).await.ok()?;
                }
                return ours(&found).then_some(found.live);
            }
            pause.rest().await;
        }
        None
    }

    /// Finishes an object whose creation was cut short after its first call.
    async fn take_over(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        attrs: &Value,
        live: &Live<Value>,
    ) -> Result<Made, String> {
        let changed = field_changes(kind, attrs, live);
        if changed.is_empty() {
            return Ok(Made { id: live.id.clone(), outputs: live.outputs.clone() });
        }
        let before = live.attrs.clone().unwrap_or_default();
        let mut made = self.update(kind, address, live, &before, attrs, &changed).await?;
        made.outputs.extend(live.outputs.clone());
        Ok(made)
    }

    async fn update(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        live: &Live<Value>,
        before: &Value,
        attrs: &Value,
        changed: &[String],
    ) -> Result<Made, String> {
        let token = format!("{}-{}", self.run, short(address));
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let (id, outputs, vault) = (&live.id, &live.outputs, self.about.vault);
            let change = Update { address, id, outputs, before, attrs, changed, vault, token: &token };
            match self.cloud.update(self.about, kind, change).await {
                Ok(made) => return Ok(made),
                Err(error) if passes(&error, started, THROTTLED) => {
                    self.waiting(address, format!("{}: {}", error.code, error.message));
                    pause.rest().await;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn wait(
        &self,
        kind: &'static dyn AnyKind,
        address: &Address,
        look: Look<'_, Value>,
    ) -> Result<Outputs, String> {
        let deadline = Duration::from_secs(kind.deadline());
        let started = Instant::now();
        let mut pause = Pause::new();
        loop {
            let Look { id, attrs, outputs, goal } = look;
            let waits_for = match self.cloud.poll(kind, Look { id, attrs, outputs, goal }).await {
                Ok(Poll::Done(outputs)) => return Ok(outputs),
                Ok(Poll::Failed(why)) => return Err(why),
                Ok(Poll::Waiting(what)) => what,
                Err(error) if passes(&error, started, deadline) => error.to_string(),
                Err(error) => return Err(error.to_string()),
            };
            if started.elapsed() > deadline {
                return Err(format!("not done after {} s: {waits_for}", deadline.as_secs()));
            }
            self.waiting(address, waits_for);
            pause.rest().await;
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
        let unset = source.get("env").and_then(Value::as_str).is_some_and(|name| std::env::var_os(name).is_none());
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
    let text = attrs.to_string();
    let variable = text.split("\"env\":\"").nth(1).and_then(|rest| rest.split('"').next());
    match variable {
        Some(name) => format!("the environment variable {name} is not set: set it and apply again"),
        None => {
            let what =
                text.split("\"$to\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("something");
            format!("{what} did not give what this needs of it; apply again, and report it if this stays")
        }
    }
}

/// An address as part of an idempotency token: AWS takes 32 to 64 plain characters.
fn short(address: &Address) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(address.to_string());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
