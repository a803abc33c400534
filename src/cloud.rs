//! Where live state is read and changes are made: an AWS account, or a file that simulates one.

#[cfg(feature = "aws")]
mod account;
mod fault;
mod file;
mod history;
mod record;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::applied::{Applied, KindList, ListChange};
use crate::aws::CloudError;
use crate::graph::Graph;
use crate::kinds::preflight::{Answer, Coming};
use crate::kinds::registry::images::in_use::InUse;
use crate::kinds::registry::images::{self, ImageState, NeededImage};
use crate::kinds::{self, AnyKind, Create, Delete, Live, Poll, PollTarget, Update, WriteResult};
use crate::lock::LockStore;
use crate::spec::Environment;
use crate::value::{Address, SecretStore};

#[cfg(feature = "aws")]
pub use account::Account;
pub use fault::{FailAt, FailAtError};
pub use file::{FileCloud, Options, secrets};
pub use history::{History, LastChange, Subject};
pub use record::{Capture, CaptureError, CloudFileError, Record};

/// One live object and its kind.
#[derive(Clone)]
pub struct Observed {
    pub kind: &'static dyn AnyKind,
    pub live: Live<Value>,
}

/// Which kinds are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    All,
    /// Those that the spec wants, that the environment's list of kinds names, and that the tag index knows objects
    /// of; all, where that cannot be known.
    InUse,
}

/// All that a plan is made of besides the spec.
pub struct State {
    pub found: Vec<Observed>,
    /// What the spec asked for when it was last applied; empty where that is not known.
    pub applied: Applied,
    /// `None` where there is none, or it cannot be read: then every kind was read.
    pub list: Option<KindList>,
}

/// The environment that a call concerns.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub env: &'a Environment,
    pub graph: &'a Graph,
    pub secret_store: &'a SecretStore,
}

/// Everything above this interface is the same for an account and for a file.
pub trait Cloud {
    /// A description for people: "AWS account 123456789012, eu-central-1".
    fn place(&self) -> String;

    /// A store whose fingerprints can be compared with those in this cloud.
    fn secret_store(&self) -> SecretStore;

    /// Checks that this is the account that the spec names, before anything is written or shown.
    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// The lock that must be held to change the environment.
    fn lock(&self, env: &Environment) -> Box<dyn LockStore>;

    /// Reads again what others may have changed since this was opened; called once the lock is held.
    ///
    /// # Errors
    /// It is now for another account or region.
    fn reload(&self) -> Result<(), CloudError> {
        Ok(())
    }

    /// Compacts what was written; called before the environment's lock is released. Nothing is lost where it fails.
    fn close<'a>(&'a self, _env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    /// Reads what a plan is made of, of these kinds.
    fn state<'a>(
        &'a self,
        context: Context<'a>,
        kinds: Kinds,
    ) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>>;

    /// Reads everything that belongs to the environment or has one of its names, of every kind.
    fn observe<'a>(&'a self, context: Context<'a>) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>> {
        self.observe_kinds(context, kinds::all())
    }

    /// Reads what `observe` would find of these kinds.
    fn observe_kinds<'a>(
        &'a self,
        context: Context<'a>,
        kinds: &'a [&'static dyn AnyKind],
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>>;

    /// Reads what `observe` would find of one kind.
    fn observe_kind<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, CloudError>>;

    /// Reads one object in full that is partly unconfirmed.
    fn refresh<'a>(
        &'a self,
        context: Context<'a>,
        found: &'a mut Observed,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// Replaces the record of what the spec asked for.
    fn save_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// Changes the environment's list of kinds; called under the lock, before the first write. Where every kind that
    /// there is anything of is read anyway, as from a file, there is no list.
    fn change_list<'a>(
        &'a self,
        _env: &'a Environment,
        _change: &'a ListChange,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    /// Saves what makes the next read cheaper, if it has changed; called under the lock, after all changes.
    fn save_cache<'a>(&'a self, _env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    /// Whether there is somebody to ask before a plan is applied: a cloud file has no quotas, and nobody else's objects.
    fn is_asked(&self) -> bool {
        false
    }

    /// The answers to the questions that kinds ask of these changes.
    fn preflight<'a>(
        &'a self,
        _context: Context<'a>,
        _coming: &'a [(&'static dyn AnyKind, Vec<Coming<'a, Value>>)],
    ) -> LocalBoxFuture<'a, Vec<Answer>> {
        Box::pin(async { Vec::new() })
    }

    /// Who last changed these objects, as far as it is recorded; those that come first are looked up first. A cloud file
    /// records nobody.
    fn last_changes<'a>(&'a self, _subjects: &'a [Subject]) -> LocalBoxFuture<'a, History> {
        Box::pin(async { History::default() })
    }

    /// What is known of these images, in their order. Only `with_details` says when an image was pushed, and costs
    /// another call a repository.
    fn images<'a>(
        &'a self,
        _env: &'a Environment,
        needed: &'a [NeededImage],
        _with_details: bool,
    ) -> LocalBoxFuture<'a, Vec<ImageState>> {
        Box::pin(async { images::assumed(needed, |_| false) })
    }

    /// Tags the images that the environment's services run, which are steady, so that their repositories keep them;
    /// called under the lock. Nothing to do where images are not kept track of.
    ///
    /// # Errors
    /// What failed in each repository.
    fn tag_in_use<'a>(
        &'a self,
        _env: &'a Environment,
        _in_use: &'a InUse,
    ) -> LocalBoxFuture<'a, Result<(), Vec<CloudError>>> {
        Box::pin(async { Ok(()) })
    }

    fn create<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>>;

    fn update<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>>;

    /// Takes the ownership tags off an object, which is `change`, and its address where nothing but that says whose it is.
    fn forget<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            match change.changed {
                // It follows what it is part of.
                [] => Ok(()),
                _ => self.update(context, kind, change).await.map(|_| ()),
            }
        })
    }

    /// Notes another address for an object that stays as it is, where it says its address itself and no tag does. In an
    /// account, what has no tags of ours follows what it is part of.
    fn readdress<'a>(
        &'a self,
        _context: Context<'a>,
        _kind: &'static dyn AnyKind,
        _id: &'a str,
        _address: &'a Address,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>>;
}
