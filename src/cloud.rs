//! Where live state comes from and changes go to: an AWS account, or a file that stands in for one.

#[cfg(feature = "aws")]
mod account;
mod fault;
mod file;
mod record;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::applied::{Applied, KindList, ListChange};
use crate::aws::CloudError;
use crate::graph::Graph;
use crate::kinds::{AnyKind, Create, Delete, Live, Look, Made, Poll, Update};
use crate::lock::LockStore;
use crate::spec::Environment;
use crate::value::Vault;

#[cfg(feature = "aws")]
pub use account::Account;
pub use fault::FailAt;
pub use file::{FileCloud, Options, secrets};
pub use record::{Capture, Record};

/// One live object and its kind.
#[derive(Clone)]
pub struct Found {
    pub kind: &'static dyn AnyKind,
    pub live: Live<Value>,
}

/// Which kinds are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    All,
    /// Those that the spec wants, that the environment's list of kinds names, and that the tag index knows objects of; all,
    /// where that cannot be known.
    InUse,
}

/// All that a plan is made of besides the spec.
pub struct State {
    pub found: Vec<Found>,
    /// What the spec asked for when it was last applied; empty where that is not known.
    pub applied: Applied,
    /// `None` where there is none, or it cannot be read: then every kind was read.
    pub list: Option<KindList>,
}

/// What a read is about.
#[derive(Clone, Copy)]
pub struct About<'a> {
    pub env: &'a Environment,
    pub graph: &'a Graph,
    pub vault: &'a Vault,
}

/// The seam: everything above it is the same for an account and for a file.
pub trait Cloud {
    /// Where this is, in words: "AWS account 123456789012, eu-central-1".
    fn place(&self) -> String;

    /// A vault whose fingerprints can be compared with those that this cloud holds.
    fn vault(&self) -> Vault;

    /// Makes sure that this is the account that the spec names; must agree before anything is written or shown.
    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// The lock that whoever changes the environment must hold.
    fn lock(&self, env: &Environment) -> Box<dyn LockStore>;

    /// Takes in what others changed since this was opened, if anything was read then; called once the lock is held.
    ///
    /// # Errors
    /// It is not what it was when it was opened.
    fn refresh(&self) -> Result<(), CloudError> {
        Ok(())
    }

    /// Brings what was written into the shape in which it is kept; called before the environment's lock is let go. Where
    /// it fails, nothing is lost.
    fn close<'a>(&'a self, _env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    /// Reads what a plan is made of, of these kinds.
    fn state<'a>(&'a self, about: About<'a>, kinds: Kinds) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>>;

    /// Reads everything that belongs to the environment or has one of its names, of every kind.
    fn observe<'a>(&'a self, about: About<'a>) -> LocalBoxFuture<'a, Result<Vec<Found>, Vec<CloudError>>>;

    /// Reads what `observe` would find of one kind.
    fn observe_kind<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Found>, CloudError>>;

    /// Reads one object in full that was partly taken on trust.
    fn complete<'a>(&'a self, about: About<'a>, found: &'a mut Found)
    -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// Keeps what the spec asked for, in place of what was kept before.
    fn keep_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    /// Changes the environment's list of kinds; called under the lock, before the first write. Where every kind that there
    /// is anything of is read anyway, as from a file, there is no list.
    fn change_list<'a>(
        &'a self,
        _env: &'a Environment,
        _change: &'a ListChange,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    /// Keeps what spares the next read calls, if it is other than before; called under the lock, once all is done.
    fn keep<'a>(&'a self, _env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn create<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>>;

    fn update<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>>;

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>>;

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        look: Look<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>>;
}
