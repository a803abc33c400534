mod outputs;
mod store;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::fault::FailAt;
use super::record::{Capture, Change, CloudFileError, Objects, Record};
use super::{Cloud, Context, Kinds, Observed, State};
use crate::applied::Applied;
use crate::aws::CloudError;
use crate::clock::SystemClock;
use crate::kinds::registry::images::{self, ImageState, NeededImage};
use crate::kinds::{AnyKind, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult, find};
use crate::lock::{FileLock, InMemoryLock, LockStore};
use crate::spec::{Environment, Owner};
use crate::value::{Address, SecretStore, random_key};

pub use outputs::secrets;
use outputs::{keep_outputs, outputs};
use store::Store;

/// How the file cloud behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seconds here for a second in AWS: 1.0 takes as long as AWS typically does, 0.0 no time.
    pub time_scale: f64,
    pub fail_at: Option<FailAt>,
    /// Called where [`FailAt::Crash`] ends a run: aborts the process by default. Tests may unwind instead, and check
    /// what the run leaves.
    pub on_crash: fn() -> !,
}

impl Default for Options {
    fn default() -> Self {
        Self { time_scale: 0.0, fail_at: None, on_crash: std::process::abort }
    }
}

/// A cloud in a file: for trying, reviewing and rehearsing without an account. It enforces what holds for every kind:
/// nothing is deleted while something refers to it, names are unique, a new object has a new id.
pub struct FileCloud {
    place: String,
    store: RefCell<Store>,
    options: Options,
    /// How many changes were started.
    writes: Cell<u64>,
}

impl FileCloud {
    /// Opens the file, or begins an empty cloud that is written by the first change.
    ///
    /// # Errors
    /// The file is there and is not a cloud file, or could not be written.
    pub fn open(path: &Path, env: &Environment, options: Options) -> Result<Self, CloudFileError> {
        let store = Store::open(path, || Capture::new(env, &random_key()))?;
        Ok(Self::over(store, format!("file cloud {}", path.display()), options))
    }

    /// A cloud in memory for trying changes: it takes no time, and placeholders stand for secrets whose variable is not
    /// set. It starts with what was captured, or empty.
    pub fn in_memory(env: &Environment, capture: Option<Capture>, place: impl Into<String>) -> Self {
        let capture = capture.unwrap_or_else(|| Capture::new(env, &random_key()));
        Self::over(Store::in_memory(Objects::of(capture)), place.into(), Options::default())
    }

    fn over(store: Store, place: String, options: Options) -> Self {
        Self { place, store: RefCell::new(store), options, writes: Cell::new(0) }
    }

    /// The same cloud, behaving like this.
    pub fn with(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// The objects as they stand.
    pub fn capture(&self) -> Capture {
        self.store.borrow().objects.capture()
    }

    /// Makes the change that `change` returns, in the file and in memory or in neither.
    fn commit(
        &self,
        operation: &str,
        change: impl FnOnce(&Objects) -> Result<Change, CloudError>,
    ) -> Result<(), CloudError> {
        self.writes.set(self.writes.get() + 1);
        self.crash(false);
        let mut store = self.store.borrow_mut();
        let change = change(&store.objects)?;
        store.make(change).map_err(|error| failed(operation, &error))?;
        drop(store);
        self.crash(true);
        Ok(())
    }

    fn crash(&self, is_done: bool) {
        if self.options.fail_at.as_ref().is_some_and(|fail_at| fail_at.ends(self.writes.get(), is_done)) {
            (self.options.on_crash)();
        }
    }

    async fn simulate_duration(&self, kind: &dyn AnyKind) {
        let seconds = kind.expected_seconds() as f64 * self.options.time_scale;
        match seconds > 0.0 {
            true => tokio::time::sleep(Duration::from_secs_f64(seconds)).await,
            // Otherwise no signal is noticed: the runtime checks for them only when a task yields.
            false => tokio::task::yield_now().await,
        }
    }

    /// Objects of the environment and its project, and others that have one of the desired names, as on AWS.
    fn found(&self, context: Context<'_>, is_wanted: impl Fn(&Record) -> bool) -> Vec<Observed> {
        let env = context.env;
        let store = self.store.borrow();
        let names = context.graph.identities();
        let has_our_name = |kind: &dyn AnyKind, record: &Record| {
            let name = kind.identity().and_then(|field| record.attrs.get(field)?.as_str());
            name.is_some_and(|name| names.get(kind.name()).is_some_and(|names| names.contains(name)))
        };
        let found = store.objects.records().filter(|record| is_wanted(record)).filter_map(|record| {
            let kind = find(record.address.kind())?;
            let ours = record.project == env.project
                && record.environment.as_ref().is_none_or(|environment| *environment == env.environment);
            // What is nobody's may be in the place of something, whatever it is called.
            if !ours && !record.project.is_empty() && !has_our_name(kind, record) {
                return None;
            }
            if ours {
                Self::assign_secrets(context, record);
            }
            let address = (ours && is_owned(env, kind, record)).then(|| record.address.clone());
            let mut live = Live::new(address, &record.id, record.attrs.clone());
            live.outputs = outputs(context, kind, record);
            live.settings = record.settings.clone();
            Some(Observed { kind, live })
        });
        found.collect()
    }

    fn inject_failure(&self, operation: &str, address: &Address) -> Result<(), CloudError> {
        if matches!(&self.options.fail_at, Some(FailAt::Address(at)) if at == address) {
            return Err(CloudError::new(operation, "FailedOnDemand", "injected failure (--fail-at)"));
        }
        Ok(())
    }

    /// A secret can be referred to once it is written.
    fn assign_secrets(context: Context<'_>, record: &Record) {
        for secret in secrets(&record.attrs) {
            context.secret_store.assign(record.address.clone(), &secret);
            context.secret_store.use_fingerprint(&secret);
        }
    }
}

/// A file that cannot be read or written, as the cloud's own error.
fn failed(operation: &str, error: &CloudFileError) -> CloudError {
    CloudError::new(operation, "FileCloud", error.to_string())
}

/// An object, and whose it is: it may be another environment's.
fn owner(Record { project, environment, address, .. }: &Record) -> String {
    match environment {
        Some(environment) => format!("{address} of {project} {environment}"),
        None => format!("{address} of {project}"),
    }
}

/// Whether it has all ownership tags, where its kind has tags.
fn is_owned(env: &Environment, kind: &dyn AnyKind, record: &Record) -> bool {
    let Some(tags) = record.attrs.get("tags").and_then(Value::as_object) else { return true };
    let owner = Owner::of(env, kind.name(), kind.shared(), |key| tags.get(key).and_then(Value::as_str));
    matches!(owner, Owner::Ours(_))
}

impl Cloud for FileCloud {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn secret_store(&self) -> SecretStore {
        let store = self.store.borrow();
        let secret_store = SecretStore::new(store.objects.head().key());
        if store.path().is_none() { secret_store.with_placeholders() } else { secret_store }
    }

    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let store = self.store.borrow();
            let capture = store.objects.head();
            if (&capture.account, &capture.region) == (&env.account, &env.region) {
                return Ok(());
            }
            let message = format!(
                "{} is for account {} in {}, the spec is for {} in {}",
                self.place, capture.account, capture.region, env.account, env.region
            );
            Err(CloudError::new("file:Guard", "WrongAccount", message))
        })
    }

    fn lock(&self, _env: &Environment) -> Box<dyn LockStore> {
        match self.store.borrow().path() {
            Some(path) => Box::new(FileLock::of(path, SystemClock::shared())),
            None => Box::new(InMemoryLock::new(SystemClock::shared())),
        }
    }

    fn reload(&self) -> Result<(), CloudError> {
        let mut store = self.store.borrow_mut();
        let Some(path) = store.path().filter(|path| path.exists()) else { return Ok(()) };
        let head = store.objects.head();
        let read = Store::open(path, || head.clone()).map_err(|error| failed("file:Read", &error))?;
        if (&read.objects.head().account, &read.objects.head().region) != (&head.account, &head.region) {
            let message = format!("{} is now for another account or region", path.display());
            return Err(CloudError::new("file:Read", "WrongAccount", message));
        }
        *store = read;
        Ok(())
    }

    fn close<'a>(&'a self, _env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async {
            let closed = self.store.borrow_mut().close();
            closed.map_err(|error| failed("file:Close", &error))
        })
    }

    /// Everything that it holds is at hand.
    fn state<'a>(&'a self, context: Context<'a>, _: Kinds) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        Box::pin(async move {
            let found = self.found(context, |_| true);
            let applied = self.store.borrow().objects.head().applied.get(&context.env.path()).cloned();
            Ok(State { found, applied: applied.unwrap_or_default(), list: None })
        })
    }

    fn observe_kinds<'a>(
        &'a self,
        context: Context<'a>,
        kinds: &'a [&'static dyn AnyKind],
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>> {
        Box::pin(async move {
            Ok(self.found(context, |record| kinds.iter().any(|kind| kind.name() == record.address.kind())))
        })
    }

    fn observe_kind<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, CloudError>> {
        Box::pin(async move { Ok(self.found(context, |record| record.address.kind() == kind.name())) })
    }

    fn refresh<'a>(
        &'a self,
        _about: Context<'a>,
        _found: &'a mut Observed,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn save_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let applied = (!applied.is_empty()).then(|| applied.clone());
            self.commit("file:KeepApplied", |_| Ok(Change::Applied { environment: env.path(), applied }))
        })
    }

    /// Every image is there but those that a fault takes away. Nothing else is known of them.
    fn images<'a>(
        &'a self,
        _: &'a Environment,
        needed: &'a [NeededImage],
        _: bool,
    ) -> LocalBoxFuture<'a, Vec<ImageState>> {
        Box::pin(async {
            let fault = self.options.fail_at.as_ref();
            images::assumed(needed, |service| fault.is_some_and(|fault| fault.takes_image(service)))
        })
    }

    fn create<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            self.inject_failure("file:Create", new.address)?;
            if !new.alternate
                && let Some(holder) = self.store.borrow().objects.with_same_name(kind, new.attrs)
            {
                let message = format!("{} already has this name", holder.address);
                return Err(CloudError::new("file:Create", "AlreadyExists", message));
            }
            self.simulate_duration(kind).await;
            let mut object = Record {
                project: context.env.project.clone(),
                environment: (!kind.shared()).then(|| context.env.environment.clone()),
                address: new.address.clone(),
                id: String::new(),
                revision: 0,
                outputs: Outputs::new(),
                settings: BTreeMap::new(),
                attrs: new.attrs.clone(),
            };
            self.commit("file:Create", |objects| {
                let mut next_id = objects.head().next_id;
                // The file may have been edited by hand to hold an id beyond the counter.
                while object.id.is_empty() || objects.get(kind.name(), &object.id).is_some() {
                    object.id = format!("{}-{next_id:08x}", kind.name().replace('_', "-"));
                    next_id += 1;
                }
                Ok(Change::Put { object: object.clone(), next_id })
            })?;
            Self::assign_secrets(context, &object);
            Ok(WriteResult { outputs: outputs(context, kind, &object), id: object.id })
        })
    }

    fn update<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            self.inject_failure("file:Update", change.address)?;
            let fixed = change.changed.iter().find(|field| kind.replace_on().contains(&field.as_str()));
            if let Some(field) = fixed {
                let message = format!("{field} of {} cannot be changed in place", change.address);
                return Err(CloudError::new("file:Update", "InvalidParameterCombination", message));
            }
            self.simulate_duration(kind).await;
            let mut object = None;
            self.commit("file:Update", |objects| {
                let Some(mut record) = objects.get(kind.name(), change.id).cloned() else {
                    return Err(CloudError::new(
                        "file:Update",
                        "NotFound",
                        format!("{} does not exist", change.id),
                    ));
                };
                if let Some(why) = kind.refusal(&record.attrs, change.attrs, &objects.users(kind.name(), change.id))
                {
                    let message = format!("{}: {why}", change.address);
                    return Err(CloudError::new("file:Update", "InvalidParameterCombination", message));
                }
                let mut kept = outputs(context, kind, &record);
                kept.retain(|name, _| {
                    kind.changing_outputs().contains(&name.as_str()) && !kind.changes_output(name, change.changed)
                });
                record.outputs.retain(|name, _| !kind.changes_output(name, change.changed));
                record.outputs.extend(kept);
                if record.address != *change.address {
                    keep_outputs(context, kind, &mut record, change.changed);
                }
                record.attrs = change.attrs.clone();
                record.revision += 1;
                // Its tags say who owns it, and this update may adopt it.
                record.address = change.address.clone();
                record.project.clone_from(&context.env.project);
                record.environment = (!kind.shared()).then(|| context.env.environment.clone());
                object = Some(record.clone());
                Ok(Change::Put { object: record, next_id: objects.head().next_id })
            })?;
            let Some(record) = object else { return Err(CloudError::internal("an update without an object")) };
            Self::assign_secrets(context, &record);
            Ok(WriteResult { outputs: outputs(context, kind, &record), id: record.id })
        })
    }

    /// It stays in the file, of no project.
    fn forget<'a>(
        &'a self,
        _context: Context<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            self.inject_failure("file:Forget", change.address)?;
            self.commit("file:Forget", |objects| {
                let Some(mut object) = objects.get(kind.name(), change.id).cloned() else {
                    let message = format!("{} does not exist", change.id);
                    return Err(CloudError::new("file:Forget", "NotFound", message));
                };
                object.attrs = change.attrs.clone();
                object.project = String::new();
                object.environment = None;
                Ok(Change::Put { object, next_id: objects.head().next_id })
            })
        })
    }

    fn readdress<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        id: &'a str,
        address: &'a Address,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            self.commit("file:Readdress", |objects| {
                let Some(mut object) = objects.get(kind.name(), id).cloned() else {
                    return Err(CloudError::new("file:Readdress", "NotFound", format!("{id} does not exist")));
                };
                keep_outputs(context, kind, &mut object, &[]);
                object.address = address.clone();
                Ok(Change::Put { object, next_id: objects.head().next_id })
            })
        })
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            self.inject_failure("file:Delete", gone.address)?;
            let protected = kind.protected_by().is_some_and(|field| {
                let store = self.store.borrow();
                let record = store.objects.get(kind.name(), gone.id);
                record.is_some_and(|record| record.attrs.get(field) == Some(&Value::Bool(true)))
            });
            if protected {
                let message = format!("{} is protected from deletion", gone.address);
                return Err(CloudError::new("file:Delete", "OperationNotPermitted", message));
            }
            let user = self.store.borrow().objects.user(kind.name(), gone.id).map(owner);
            if let Some(user) = user.filter(|_| !kind.deleted_in_use()) {
                let message = format!("{user} still refers to {}", gone.address);
                return Err(CloudError::new("file:Delete", "DependencyViolation", message));
            }
            self.simulate_duration(kind).await;
            let (kind, id) = (kind.name().to_owned(), gone.id.to_owned());
            self.commit("file:Delete", |_| Ok(Change::Delete { kind, id }))
        })
    }

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            let there = self.store.borrow().objects.get(kind.name(), target.id).is_some();
            Ok(match (target.goal, there) {
                (Goal::Ready, false) => Poll::Failed("it no longer exists in the file".to_owned()),
                _ => Poll::Done(Outputs::new()),
            })
        })
    }
}
