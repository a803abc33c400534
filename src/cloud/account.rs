use futures_util::future::{LocalBoxFuture, join_all};
use serde_json::Value;

use super::{About, Aws, Cloud, CloudError, During, Found, Reader, Scope, applied};
use crate::kinds::{self, AnyKind, Create, Delete, Look, Made, Poll, Update};
use crate::lock::{Chain, LockStore, MachineClock, ParameterVersions, parameter};
use crate::plan::Applied;
use crate::spec::Environment;
use crate::value::Vault;

/// An AWS account, by its API.
pub struct Account {
    aws: Aws,
}

impl Account {
    pub fn new(aws: Aws) -> Self {
        Self { aws }
    }
}

impl Cloud for Account {
    fn place(&self) -> String {
        format!("AWS account {}, {}", self.aws.account, self.aws.region)
    }

    /// The fingerprints of a run are under a key of its own: live values are read anew every time.
    fn vault(&self) -> Vault {
        Vault::new(super::file::random_key())
    }

    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let caller = self.aws.sts.get_caller_identity().send().await.during("sts:GetCallerIdentity")?;
            match caller.account() {
                Some(account) if account == env.account => Ok(()),
                other => Err(CloudError::new(
                    "sts:GetCallerIdentity",
                    "WrongAccount",
                    format!(
                        "these credentials are for account {}, the spec says {}; nothing was read or written. \
                         Choose other credentials (--profile, AWS_PROFILE) or correct `account`",
                        other.unwrap_or("?"),
                        env.account
                    ),
                )),
            }
        })
    }

    fn lock(&self, env: &Environment) -> Box<dyn LockStore> {
        let versions = ParameterVersions { ssm: self.aws.ssm_lock.clone(), parameter: parameter(env) };
        Box::new(Chain::new(versions, MachineClock::shared()))
    }

    fn observe<'a>(&'a self, about: About<'a>) -> LocalBoxFuture<'a, Result<Vec<Found>, Vec<CloudError>>> {
        Box::pin(async move {
            let scope = Scope { env: about.env, identities: about.graph.identities() };
            let reader = Reader::new(&self.aws, &scope, about.vault);
            let reads = kinds::all().iter().map(|kind| async { (*kind, kind.read_all(&reader).await) });
            let (mut found, mut errors) = (Vec::new(), Vec::new());
            for (kind, answer) in join_all(reads).await {
                match answer {
                    Ok(live) => found.extend(live.into_iter().map(|live| Found { kind, live })),
                    Err(error) => errors.push(error),
                }
            }
            // Kinds that share a call share its failure: it is said once.
            errors.sort_by_key(ToString::to_string);
            errors.dedup_by_key(|error| (error.operation.clone(), error.code.clone()));
            if errors.is_empty() { Ok(found) } else { Err(errors) }
        })
    }

    fn observe_kind<'a>(
        &'a self,
        about: About<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Found>, CloudError>> {
        Box::pin(async move {
            let scope = Scope { env: about.env, identities: about.graph.identities() };
            let reader = Reader::new(&self.aws, &scope, about.vault);
            let live = kind.read_all(&reader).await?;
            Ok(live.into_iter().map(|live| Found { kind, live }).collect())
        })
    }

    fn complete<'a>(
        &'a self,
        about: About<'a>,
        found: &'a mut Found,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let scope = Scope { env: about.env, identities: about.graph.identities() };
            let reader = Reader::new(&self.aws, &scope, about.vault);
            found.kind.complete(&reader, &mut found.live).await
        })
    }

    fn applied<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<Applied, CloudError>> {
        Box::pin(applied::read(&self.aws, env))
    }

    fn keep_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(applied::write(&self.aws, env, applied))
    }

    fn create<'a>(
        &'a self,
        _about: About<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        kind.create(&self.aws, new)
    }

    fn update<'a>(
        &'a self,
        _about: About<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        kind.update(&self.aws, change)
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        kind.delete(&self.aws, gone)
    }

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        look: Look<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        kind.poll(&self.aws, look)
    }
}
