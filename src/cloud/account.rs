use std::cell::RefCell;

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_sts::Client as Sts;
use futures_util::future::{LocalBoxFuture, join_all};
use serde_json::Value;

use super::{About, Cloud, Found};
use crate::applied::{self, Applied};
use crate::aws::{Aws, CloudError, Detail, During, NOT_SENT, Reader, Scope};
use crate::clock::MachineClock;
use crate::kinds::{self, AnyKind, Create, Delete, Live, Look, Made, Poll, Update};
use crate::lock::{Chain, LockStore, ParameterVersions, parameter};
use crate::spec::Environment;
use crate::value::{Vault, random_key};

/// An AWS account, by its API. What AWS says in words is masked here, before anybody sees it.
pub struct Account {
    aws: Aws,
    vault: Vault,
    /// Lines about what was found, until it is certain that this is the spec's account; `None` from then on.
    held: RefCell<Option<Vec<String>>>,
}

impl Account {
    pub fn new(aws: Aws) -> Self {
        // The fingerprints of a run are under a key of its own: live values are read anew every time.
        Self { aws, vault: Vault::new(random_key()), held: RefCell::new(Some(Vec::new())) }
    }

    fn masked(&self, error: CloudError) -> CloudError {
        CloudError { message: self.vault.mask(&error.message), code: self.vault.mask(&error.code), ..error }
    }

    /// Tells what was found, which is nobody's to see before it is certain whose it is.
    fn tell(&self, line: impl FnOnce() -> String) {
        match &mut *self.held.borrow_mut() {
            Some(held) if self.aws.trace.wants(Detail::Decisions) => held.push(line()),
            Some(_) => {}
            None => self.aws.trace.say(Detail::Decisions, line),
        }
    }

    /// Tells what was held back.
    fn release(&self) {
        for line in self.held.take().into_iter().flatten() {
            self.aws.trace.say(Detail::Decisions, || line);
        }
    }

    /// Tells what was read of a kind.
    fn tell_read(&self, kind: &dyn AnyKind, live: &[Live<Value>]) {
        self.tell(|| {
            let trusted = live.iter().filter(|live| live.confirm || live.seal.is_some()).count();
            let foreign = live.iter().filter(|live| live.address.is_none()).count();
            let mut line = format!("read {}: {} found", kind.name(), live.len());
            for (count, what) in [(trusted, "partly taken on trust"), (foreign, "without our tags")] {
                if count > 0 {
                    line += &format!(", {count} {what}");
                }
            }
            line
        });
    }
}

fn scope(about: About<'_>) -> Scope<'_> {
    let tagged = kinds::all().iter().filter(|kind| kind.tags_from_index());
    Scope { env: about.env, identities: about.graph.identities(), tag_index: kinds::tag_index(tagged) }
}

impl Cloud for Account {
    fn place(&self) -> String {
        format!("AWS account {}, {}", self.aws.account, self.aws.region)
    }

    fn vault(&self) -> Vault {
        self.vault.clone()
    }

    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let caller = self.aws.soon::<Sts>().get_caller_identity().send().await.during("sts:GetCallerIdentity");
            let caller = caller.map_err(|error| match &self.aws.profile {
                // The SDK does not tell a profile that is not there from one that holds no credentials.
                Some(profile) if error.code == NOT_SENT && error.message.contains("credential") => {
                    let message = format!("no credentials came of the profile `{profile}`: {}", error.message);
                    CloudError { message, ..error }
                }
                _ => error,
            })?;
            if self.aws.trace.wants(Detail::Attempts) {
                let provider = self.aws.credentials().await.unwrap_or_else(|| "?".to_owned());
                let account = caller.account().unwrap_or("?");
                self.aws.trace.say(Detail::Attempts, || format!("credentials: {provider}, account {account}"));
            }
            match caller.account() {
                Some(account) if account == env.account => {
                    self.release();
                    Ok(())
                }
                other => Err(CloudError::new(
                    "sts:GetCallerIdentity",
                    "WrongAccount",
                    format!(
                        "these credentials are for account {}, the spec says {}; nothing was changed. \
                         Choose other credentials (--profile, AWS_PROFILE) or correct `account`",
                        other.unwrap_or("?"),
                        env.account
                    ),
                )),
            }
        })
    }

    fn lock(&self, env: &Environment) -> Box<dyn LockStore> {
        let versions = ParameterVersions {
            ssm: self.aws.unfenced::<Ssm>(),
            parameter: parameter(env),
            fence: self.aws.fence.clone(),
        };
        Box::new(Chain::new(versions, MachineClock::shared()))
    }

    fn observe<'a>(&'a self, about: About<'a>) -> LocalBoxFuture<'a, Result<Vec<Found>, Vec<CloudError>>> {
        Box::pin(async move {
            let scope = scope(about);
            let reader = Reader::new(&self.aws, &scope, about.vault);
            let reads = kinds::all().iter().map(|kind| async { (*kind, kind.read_all(&reader).await) });
            let (mut found, mut errors) = (Vec::new(), Vec::new());
            for (kind, answer) in join_all(reads).await {
                match answer {
                    Ok(live) => {
                        self.tell_read(kind, &live);
                        found.extend(live.into_iter().map(|live| Found { kind, live }));
                    }
                    Err(error) => errors.push(self.masked(error)),
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
            let scope = scope(about);
            let reader = Reader::new(&self.aws, &scope, about.vault);
            let live = kind.read_all(&reader).await.map_err(|error| self.masked(error))?;
            Ok(live.into_iter().map(|live| Found { kind, live }).collect())
        })
    }

    fn complete<'a>(
        &'a self,
        about: About<'a>,
        found: &'a mut Found,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let scope = scope(about);
            let reader = Reader::new(&self.aws, &scope, about.vault);
            self.tell(|| {
                format!("read {} {} in full: it seems to differ, or to go", found.kind.name(), found.live.id)
            });
            found.kind.complete(&reader, &mut found.live).await.map_err(|error| self.masked(error))
        })
    }

    fn applied<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<Applied, CloudError>> {
        Box::pin(async move { applied::account::read(&self.aws, env).await.map_err(|error| self.masked(error)) })
    }

    fn keep_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            applied::account::write(&self.aws, env, applied).await.map_err(|error| self.masked(error))
        })
    }

    fn keep<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            for kind in kinds::all() {
                kind.keep(&self.aws, env).await.map_err(|error| self.masked(error))?;
            }
            Ok(())
        })
    }

    fn create<'a>(
        &'a self,
        _about: About<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        Box::pin(async move { kind.create(&self.aws, new).await.map_err(|error| self.masked(error)) })
    }

    fn update<'a>(
        &'a self,
        _about: About<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Made, CloudError>> {
        Box::pin(async move { kind.update(&self.aws, change).await.map_err(|error| self.masked(error)) })
    }

    fn delete<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move { kind.delete(&self.aws, gone).await.map_err(|error| self.masked(error)) })
    }

    fn poll<'a>(
        &'a self,
        kind: &'static dyn AnyKind,
        look: Look<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            match kind.poll(&self.aws, look).await.map_err(|error| self.masked(error))? {
                Poll::Waiting(what) => Ok(Poll::Waiting(self.vault.mask(&what))),
                Poll::Failed(why) => Ok(Poll::Failed(self.vault.mask(&why))),
                done @ Poll::Done(_) => Ok(done),
            }
        })
    }
}
