mod outputs;
mod store;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::fault::FailAt;
use super::record::{Capture, Change, Objects, Record};
use super::{About, Cloud, Found, Kinds, State};
use crate::applied::Applied;
use crate::aws::CloudError;
use crate::clock::MachineClock;
use crate::kinds::{AnyKind, Create, Delete, Goal, Live, Look, Made, Outputs, Poll, Update, find};
use crate::lock::{Alone, FileLock, LockStore};
use crate::spec::{Environment, Owner};
use crate::value::{Address, Vault, random_key};

use outputs::outputs;
pub use outputs::secrets;
use store::Store;

/// How the file cloud behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seconds here for a second in AWS: 1.0 takes as long as AWS typically does, 0.0 no time.
    pub time_scale: f64,
    pub fail_at: Option<FailAt>,
    /// What ends a run where [`FailAt::Crash`] says: by default the process ends, with nothing put in order. Who
    /// drives the library may unwind instead, and look at what the run leaves.
    pub die: fn() -> !,
}

impl Default for Options {
    fn default() -> Self {
        Self { time_scale: 0.0, fail_at: None, die: std::process::abort }
    }
}

/// A cloud in a file: for trying, reviewing and rehearsing without an account. It knows nothing of any kind; it
/// enforces what holds for all: nothing goes while something refers to it, names are unique, a new object has
/// a new id.
pub struct FileCloud {
    place: String,
    store: RefCell<Store>,
    options: Options,
    /// How many changes were begun.
    writes: Cell<u64>,
}

impl FileCloud {
    /// Opens the file, or begins an empty cloud that is written by the first change.
    ///
    /// # Errors
    /// The file is there and is not a cloud file, or could not be written.
    pub fn open(path: &Path, env: &Environment, options: Options) -> Result<Self, String> {
        let store = Store::open(path, || Capture::new(env, &random_key()))?;
        Ok(Self::over(store, format!("file cloud {}", path.display()), options))
    }

    /// A cloud of this environment's account that is gone with the process, for trying changes: no time passes in
    /// it, and a secret whose variable is not set counts as given. It begins with what was captured, or empty.
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

    /// Makes the change that `change` finds, in the file and in memory or in neither.
    fn commit(
        &self,
        operation: &str,
        change: impl FnOnce(&Objects) -> Result<Change, CloudError>,
    ) -> Result<(), CloudError> {
        self.writes.set(self.writes.get() + 1);
        self.crash(false);
        let mut store = self.store.borrow_mut();
        let change = change(&store.objects)?;
        store.make(change).map_err(|message| CloudError::new(operation, "FileCloud", message))?;
        drop(store);
        self.crash(true);
        Ok(())
    }

    fn crash(&self, is_done: bool) {
        if self.options.fail_at.as_ref().is_some_and(|fail_at| fail_at.ends(self.writes.get(), is_done)) {
            (self.options.die)();
        }
    }

    async fn takes(&self, kind: &dyn AnyKind) {
        let seconds = kind.typical() as f64 * self.options.time_scale;
        match seconds > 0.0 {
            true => tokio::time::sleep(Duration::from_secs_f64(seconds)).await,
            // Else no signal is heard: the runtime looks for them only when something waits.
            false => tokio::task::yield_now().await,
        }
    }

    /// The environment's objects that are wanted, the project's, and what has one of our names: AWS shows that too.
    fn found(&self, about: About<'_>, is_wanted: impl Fn(&Record) -> bool) -> Vec<Found> {
        let env = about.env;
        let store = self.store.borrow();
        let names = about.graph.identities();
        let has_our_name = |kind: &dyn AnyKind, record: &Record| {
            let name = kind.identity().and_then(|field| record.attrs.get(field)?.as_str());
            name.is_some_and(|name| names.get(kind.name()).is_some_and(|names| names.contains(name)))
        };
        let found = store.objects.records().filter(|record| is_wanted(record)).filter_map(|record| {
            let kind = find(record.address.kind())?;
            let ours = record.project == env.project
                && record.environment.as_ref().is_none_or(|environment| *environment == env.environment);
            if !ours && !has_our_name(kind, record) {
                return None;
            }
            if ours {
                Self::hold(about, record);
            }
            let address = (ours && is_owned(env, kind, record)).then(|| record.address.clone());
            let mut live = Live::new(address, &record.id, record.attrs.clone());
            live.outputs = outputs(about, kind, record);
            Some(Found { kind, live })
        });
        found.collect()
    }

    fn may(&self, operation: &str, address: &Address) -> Result<(), CloudError> {
        if matches!(&self.options.fail_at, Some(FailAt::Address(at)) if at == address) {
            return Err(CloudError::new(operation, "FailedOnDemand", "injected failure (--fail-at)"));
        }
        Ok(())
    }

    /// The vault holds a secret once it is written.
    fn hold(about: About<'_>, record: &Record) {
        for secret in secrets(&record.attrs) {
            about.vault.hold(record.address.clone(), &secret);
            about.vault.stand_in(&secret);
        }
    }
}

/// An object, and whose it is: it may be another environment's.
fn owner(Record { project, environment, address, .. }: &Record) -> String {
    match environment {
        Some(environment) => format!("{address} of {project} {environment}"),
        None => format!("{address} of {project}"),
    }
}

/// Whether it carries the tags that say so, where its kind has tags.
fn is_owned(env: &Environment, kind: &dyn AnyKind, record: &Record) -> bool {
    let Some(tags) = record.attrs.get("tags").and_then(Value::as_object) else { return true };
    let owner = Owner::of(env, kind.name(), kind.shared(), |key| tags.get(key).and_then(Value::as_str));
    matches!(owner, Owner::Ours(_))
}

impl Cloud for FileCloud {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn vault(&self) -> Vault {
        let store = self.store.borrow();
        let vault = Vault::new(store.objects.head().key());
        if store.path().is_none() { vault.supposing() } else { vault }
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
            Some(path) => Box::new(FileLock::of(path, MachineClock::shared())),
            None => Box::new(Alone::new(MachineClock::shared())),
        }
    }

    fn refresh(&self) -> Result<(), CloudError> {
        let mut store = self.store.borrow_mut();
        let error = |code, message| CloudError::new("file:Read", code, message);
        let Some(path) = store.path().filter(|path| path.exists()) else { return Ok(()) };
        let head = store.objects.head();
        let read = Store::open(path, || head.clone()).map_err(|why| error("FileCloud", why))?;
        if (&read.objects.head().account, &read.objects.head().region) != (&head.account, &head.region) {
            let message = format!("{} is now for another account or region", path.display());
            return Err(error("WrongAccount", message));
        }
        *store = read;
        Ok(())
    }

    fn close<'a>(&'a self, _env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async {
            let closed = self.store.borrow_mut().close();
            closed.map_err(|message| CloudError::new("file:Close", "FileCloud", message))
        })
    }

    /// Everything that it holds is at hand.
    fn state<'a>(&'a self, about: About<'a>, _: Kinds) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        Box::pin(async move {
            let found = self.found(about, |_| true);
            let applied = self.store.borrow().objects.head().applied.get(&about.env.path()).cloned();
            Ok(State { found, applied: applied.unwrap_or_default(), list: None })
        })
    }

    fn observe<'a>(&'a self, about: About<'a>) -> LocalBoxFuture<'a, Result<Vec<Found>, Vec<CloudError>>> {
        Box::pin(async move { Ok(self.found(about, |_| true)) })
    }

    fn observe_kind<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Found>, CloudError>> {
        Box::pin(async move { Ok(self.found(about, |record| record.address.kind() == kind.name())) })
    }

    fn complete<'a>(
        &'a self,
        _about: About<'a>,
        _found: &'a mut Found,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn keep_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let applied = (!applied.is_empty()).then(|| applied.clone());
            self.commit("file:KeepApplied", |_| Ok(Change::Applied { environment: env.path(), applied }))
        })
    }

    fn create<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        Box::pin(async move {
            self.may("file:Create", new.address)?;
            if !new.alternate
                && let Some(holder) = self.store.borrow().objects.namesake(kind, new.attrs)
            {
                let message = format!("{} already has this name", holder.address);
                return Err(CloudError::new("file:Create", "AlreadyExists", message));
            }
            self.takes(kind).await;
            let mut object = Record {
                project: about.env.project.clone(),
                environment: (!kind.shared()).then(|| about.env.environment.clone()),
                address: new.address.clone(),
                id: String::new(),
                revision: 0,
                outputs: Outputs::new(),
                attrs: new.attrs.clone(),
            };
            self.commit("file:Create", |objects| {
                let mut next_id = objects.head().next_id;
                // Somebody may have written an id into the file that was not given out yet.
                while object.id.is_empty() || objects.get(kind.name(), &object.id).is_some() {
                    object.id = format!("{}-{next_id:08x}", kind.name().replace('_', "-"));
                    next_id += 1;
                }
                Ok(Change::Put { object: object.clone(), next_id })
            })?;
            Self::hold(about, &object);
            Ok(Made { outputs: outputs(about, kind, &object), id: object.id })
        })
    }

    fn update<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        Box::pin(async move {
            self.may("file:Update", change.address)?;
            let fixed = change.changed.iter().find(|field| kind.replace_on().contains(&field.as_str()));
            if let Some(field) = fixed {
                let message = format!("{field} of {} cannot be changed in place", change.address);
                return Err(CloudError::new("file:Update", "InvalidParameterCombination", message));
            }
            self.takes(kind).await;
            let mut object = None;
            self.commit("file:Update", |objects| {
                let Some(mut record) = objects.get(kind.name(), change.id).cloned() else {
                    return Err(CloudError::new(
                        "file:Update",
                        "NotFound",
                        format!("{} does not exist", change.id),
                    ));
                };
                let mut kept = outputs(about, kind, &record);
                kept.retain(|name, _| kind.moving().contains(&name.as_str()) && !kind.moves(name, change.changed));
                record.outputs.retain(|name, _| !kind.moves(name, change.changed));
                record.outputs.extend(kept);
                record.attrs = change.attrs.clone();
                record.revision += 1;
                // Whose it is, its tags say, and an update may be what makes it ours.
                record.address = change.address.clone();
                record.project.clone_from(&about.env.project);
                record.environment = (!kind.shared()).then(|| about.env.environment.clone());
                object = Some(record.clone());
                Ok(Change::Put { object: record, next_id: objects.head().next_id })
            })?;
            let Some(record) = object else { return Err(CloudError::internal("an update without an object")) };
            Self::hold(about, &record);
            Ok(Made { outputs: outputs(about, kind, &record), id: record.id })
        })
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            self.may("file:Delete", gone.address)?;
            let protected = kind.protected_by().is_some_and(|field| {
                let store = self.store.borrow();
                let record = store.objects.get(kind.name(), gone.id);
                record.is_some_and(|record| record.attrs.get(field) == Some(&Value::Bool(true)))
            });
            if protected {
                let message = format!("{} is protected from deletion", gone.address);
                return Err(CloudError::new("file:Delete", "OperationNotPermitted", message));
            }
            if let Some(user) = self.store.borrow().objects.user(kind.name(), gone.id) {
                let message = format!("{} still refers to {}", owner(user), gone.address);
                return Err(CloudError::new("file:Delete", "DependencyViolation", message));
            }
            self.takes(kind).await;
            let (kind, id) = (kind.name().to_owned(), gone.id.to_owned());
            self.commit("file:Delete", |_| Ok(Change::Delete { kind, id }))
        })
    }

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        look: Look<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            let there = self.store.borrow().objects.get(kind.name(), look.id).is_some();
            Ok(match (look.goal, there) {
                (Goal::Ready, false) => Poll::Failed("it no longer exists in the file".to_owned()),
                _ => Poll::Done(Outputs::new()),
            })
        })
    }
}
