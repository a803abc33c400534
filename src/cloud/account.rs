mod history;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_sts::Client as Sts;
use futures_util::future::{LocalBoxFuture, join, join_all};
use serde_json::Value;

use super::{Cloud, Context, History, Kinds, Observed, State, Subject};
use crate::applied::{self, Applied, KindList, ListChange};
use crate::aws::{Aws, CloudError, Detail, NO_CREDENTIALS, Reader, Scope, SdkResult, is_of_type};
use crate::clock::SystemClock;
use crate::kinds::preflight::{Answer, Coming};
use crate::kinds::registry::images::in_use::InUse;
use crate::kinds::registry::images::{self, ImageState, NeededImage, Unknown};
use crate::kinds::{self, AnyKind, Create, Delete, Live, Poll, PollTarget, Update, WriteResult};
use crate::lock::{LockStore, ParameterVersions, VersionedLock, parameter};
use crate::spec::{Environment, Owner};
use crate::value::{SecretStore, Tags, random_key};

/// An AWS account, by its API. What AWS says in words is masked here, before anybody sees it.
pub struct Account {
    aws: Aws,
    secret_store: SecretStore,
    /// Lines about what was found, until it is certain that this is the spec's account; `None` from then on.
    held: RefCell<Option<Vec<String>>>,
}

impl Account {
    pub fn new(aws: Aws) -> Self {
        // The fingerprints of a run are under a key of its own: live values are read anew every time.
        Self { aws, secret_store: SecretStore::new(random_key()), held: RefCell::new(Some(Vec::new())) }
    }

    fn masked(&self, error: CloudError) -> CloudError {
        CloudError {
            message: self.secret_store.mask(&error.message),
            code: self.secret_store.mask(&error.code),
            ..error
        }
    }

    /// Tells what was found, which is nobody's to see before it is certain whose it is.
    fn log(&self, line: impl FnOnce() -> String) {
        match &mut *self.held.borrow_mut() {
            Some(held) if self.aws.trace.wants(Detail::Decisions) => held.push(line()),
            Some(_) => {}
            None => self.aws.trace.log(Detail::Decisions, line),
        }
    }

    /// Tells what was held back.
    fn release(&self) {
        for line in self.held.take().into_iter().flatten() {
            self.aws.trace.log(Detail::Decisions, || line);
        }
    }

    /// Tells what was read of a kind.
    fn log_read(&self, kind: &dyn AnyKind, live: &[Live<Value>]) {
        self.log(|| {
            let unconfirmed = live.iter().filter(|live| live.unconfirmed || live.content_digest.is_some()).count();
            let foreign = live.iter().filter(|live| live.address.is_none()).count();
            let mut line = format!("read {}: {} found", kind.name(), live.len());
            for (count, what) in [(unconfirmed, "partly unconfirmed"), (foreign, "without our tags")] {
                if count > 0 {
                    line += &format!(", {count} {what}");
                }
            }
            line
        });
    }

    /// Reads these kinds, all at once.
    async fn read(&self, reader: &Reader<'_>, kinds: &[&'static dyn AnyKind]) -> Read {
        let reads = kinds.iter().map(|kind| async { (*kind, kind.read_all(reader).await) });
        let mut read = Read::default();
        for (kind, answer) in join_all(reads).await {
            match answer {
                Ok(live) => {
                    self.log_read(kind, &live);
                    read.found.extend(live.into_iter().map(|live| Observed { kind, live }));
                }
                Err(error) => read.errors.push(self.masked(error)),
            }
        }
        read
    }

    /// Of kinds that the spec does not want, those of which the environment may have objects all the same: they are
    /// on its list, or the tag index knows some. Every one, where either is not there to be asked.
    async fn left_over(
        &self,
        reader: &Reader<'_>,
        kinds: Vec<&'static dyn AnyKind>,
        list: Option<&KindList>,
    ) -> Vec<&'static dyn AnyKind> {
        let Some(list) = list else {
            self.log(|| "reading every kind: there is no list of kinds, or it may not be read".to_owned());
            return kinds;
        };
        let (mut may_be, unlisted): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|kind| list.has(kind.name()));
        let Some(index) = self.indexed(reader, &unlisted).await else {
            self.log(|| "reading every kind: the tag index is not there, or may not be read".to_owned());
            may_be.extend(unlisted);
            return may_be;
        };
        let is_ours = |kind: &dyn AnyKind, tags: &Tags| {
            let owner =
                Owner::of(reader.scope.env, kind.name(), kind.shared(), |key| tags.get(key).map(String::as_str));
            matches!(owner, Owner::Ours(_) | Owner::PartlyTagged(_))
        };
        let is_known = |kind: &&'static dyn AnyKind| {
            let Some(name) = kind.tag_index() else { return false };
            index.iter().any(|(arn, tags)| is_of_type(arn, name) && is_ours(*kind, tags))
        };
        let (known, unused): (Vec<_>, Vec<_>) = unlisted.into_iter().partition(is_known);
        if !unused.is_empty() {
            let names: Vec<&str> = unused.iter().map(|kind| kind.name()).collect();
            self.log(|| format!("not read, for no spec, list or tag index has any: {}", names.join(", ")));
        }
        may_be.extend(known);
        may_be
    }

    /// What the tag index knows of these kinds, by ARN. `None` where it may not be called or is not there.
    async fn indexed(&self, reader: &Reader<'_>, kinds: &[&'static dyn AnyKind]) -> Option<HashMap<String, Tags>> {
        let (tagged, others): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| kind.tags_from_index());
        let tags = async {
            match tagged.is_empty() {
                true => Some(HashMap::new()),
                // What others read their tags by tells of these, too.
                false => (*reader.tag_index().await.ok()?).clone(),
            }
        };
        let types = kinds::tag_index(others);
        let (tags, known) = join(tags, reader.known(&types)).await;
        Some(tags?.into_iter().chain(known.ok()?).collect())
    }
}

/// What reads came to.
#[derive(Default)]
struct Read {
    found: Vec<Observed>,
    errors: Vec<CloudError>,
}

impl Read {
    fn and(mut self, more: Self) -> Self {
        self.found.extend(more.found);
        self.errors.extend(more.errors);
        self
    }

    fn done(mut self) -> Result<Vec<Observed>, Vec<CloudError>> {
        // Kinds that share a call share its failure: it is said once.
        self.errors.sort_by_key(ToString::to_string);
        self.errors.dedup_by_key(|error| (error.operation.clone(), error.code.clone()));
        if self.errors.is_empty() { Ok(self.found) } else { Err(self.errors) }
    }
}

fn scope(context: Context<'_>, everything: bool) -> Scope<'_> {
    let tagged = kinds::all().iter().filter(|kind| kind.tags_from_index());
    Scope {
        env: context.env,
        identities: context.graph.identities(),
        tag_index: kinds::tag_index(tagged),
        everything,
    }
}

impl Cloud for Account {
    fn place(&self) -> String {
        format!("AWS account {}, {}", self.aws.account, self.aws.region)
    }

    fn secret_store(&self) -> SecretStore {
        self.secret_store.clone()
    }

    fn guard<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let caller =
                self.aws.soon::<Sts>().get_caller_identity().send().await.operation("sts:GetCallerIdentity");
            let caller = caller.map_err(|error| match &self.aws.profile {
                // The SDK does not tell a profile that is not there from one that holds no credentials.
                Some(profile) if error.code == NO_CREDENTIALS => {
                    let message = format!("the profile `{profile}` has no credentials: {}", error.message);
                    CloudError { message, ..error }
                }
                _ => error,
            })?;
            if self.aws.trace.wants(Detail::Attempts) {
                let source = self.aws.credentials_source().await.unwrap_or("?");
                let account = caller.account().unwrap_or("?");
                self.aws.trace.log(Detail::Attempts, || format!("credentials from {source}, account {account}"));
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
        Box::new(VersionedLock::new(versions, SystemClock::shared()))
    }

    fn observe_kinds<'a>(
        &'a self,
        context: Context<'a>,
        kinds: &'a [&'static dyn AnyKind],
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>> {
        Box::pin(async move {
            let scope = scope(context, false);
            let reader = Reader::new(&self.aws, &scope, context.secret_store);
            self.read(&reader, kinds).await.done()
        })
    }

    /// What is wanted is read at once. The rest waits for the list, and what is not on that for the tag index.
    fn state<'a>(
        &'a self,
        context: Context<'a>,
        kinds: Kinds,
    ) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        Box::pin(async move {
            let scope = scope(context, kinds == Kinds::All);
            let reader = Reader::new(&self.aws, &scope, context.secret_store);
            let wanted: BTreeSet<&str> = context.graph.objects.iter().map(|wanted| wanted.kind.name()).collect();
            let is_due = |kind: &&dyn AnyKind| kinds == Kinds::All || wanted.contains(kind.name());
            let (due, others): (Vec<_>, Vec<_>) = kinds::all().iter().copied().partition(is_due);
            let kept = async {
                let kept = applied::account::read(&self.aws, context.env).await;
                let (applied, list) = kept.map_err(|error| self.masked(error))?;
                let left_over = match others.is_empty() {
                    true => others,
                    false => self.left_over(&reader, others, list.as_ref()).await,
                };
                Ok((applied, list, self.read(&reader, &left_over).await))
            };
            let (read, kept) = join(self.read(&reader, &due), kept).await;
            let failed = |error| (Applied::default(), None, Read { errors: vec![error], ..Read::default() });
            let (applied, list, more) = kept.unwrap_or_else(failed);
            Ok(State { found: read.and(more).done()?, applied, list })
        })
    }

    fn observe_kind<'a>(
        &'a self,
        context: Context<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, CloudError>> {
        Box::pin(async move {
            let scope = scope(context, false);
            let reader = Reader::new(&self.aws, &scope, context.secret_store);
            let live = kind.read_all(&reader).await.map_err(|error| self.masked(error))?;
            Ok(live.into_iter().map(|live| Observed { kind, live }).collect())
        })
    }

    fn refresh<'a>(
        &'a self,
        context: Context<'a>,
        found: &'a mut Observed,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let scope = scope(context, false);
            let reader = Reader::new(&self.aws, &scope, context.secret_store);
            self.log(|| {
                format!(
                    "read {} {} in full, since it seems to differ or to be deleted",
                    found.kind.name(),
                    found.live.id
                )
            });
            found.kind.refresh(&reader, &mut found.live).await.map_err(|error| self.masked(error))
        })
    }

    fn save_applied<'a>(
        &'a self,
        env: &'a Environment,
        applied: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            applied::account::write(&self.aws, env, applied).await.map_err(|error| self.masked(error))
        })
    }

    fn change_list<'a>(
        &'a self,
        env: &'a Environment,
        change: &'a ListChange,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            applied::account::change_list(&self.aws, env, change).await.map_err(|error| self.masked(error))
        })
    }

    fn save_cache<'a>(&'a self, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            for kind in kinds::all() {
                kind.save_cache(&self.aws, env).await.map_err(|error| self.masked(error))?;
            }
            Ok(())
        })
    }

    fn is_asked(&self) -> bool {
        true
    }

    /// Every kind asks at once.
    fn preflight<'a>(
        &'a self,
        context: Context<'a>,
        coming: &'a [(&'static dyn AnyKind, Vec<Coming<'a, Value>>)],
    ) -> LocalBoxFuture<'a, Vec<Answer>> {
        Box::pin(async move {
            let scope = scope(context, false);
            let reader = Reader::new(&self.aws, &scope, context.secret_store);
            let asked = coming.iter().map(|(kind, coming)| kind.preflight(&reader, coming));
            let answers = join_all(asked).await.into_iter().flatten();
            let masked = |answer: Answer| Answer {
                verdict: answer.verdict.map(|text| self.secret_store.mask(text)),
                ..answer
            };
            answers.map(masked).collect()
        })
    }

    fn last_changes<'a>(&'a self, subjects: &'a [Subject]) -> LocalBoxFuture<'a, History> {
        Box::pin(async move {
            let history = history::last_changes(&self.aws, subjects).await;
            history.map(|text| self.secret_store.mask(text))
        })
    }

    fn images<'a>(
        &'a self,
        _: &'a Environment,
        needed: &'a [NeededImage],
        with_details: bool,
    ) -> LocalBoxFuture<'a, Vec<ImageState>> {
        Box::pin(async move {
            let states = images::look_up(&self.aws, needed, with_details).await.into_iter();
            let masked = |state| match state {
                ImageState::Unknown(Unknown::Failed(error)) => {
                    ImageState::Unknown(Unknown::Failed(self.masked(error)))
                }
                ImageState::Unknown(Unknown::MayBeCached(error)) => {
                    ImageState::Unknown(Unknown::MayBeCached(error.map(|error| self.masked(error))))
                }
                other => other,
            };
            states.map(masked).collect()
        })
    }

    /// Where rollouts are not waited for, nobody knows what runs.
    fn tag_in_use<'a>(
        &'a self,
        env: &'a Environment,
        in_use: &'a InUse,
    ) -> LocalBoxFuture<'a, Result<(), Vec<CloudError>>> {
        Box::pin(async move {
            if !self.aws.wait {
                return Ok(());
            }
            let tagged = images::tag_in_use(&self.aws, env, in_use).await;
            tagged.map_err(|errors| errors.into_iter().map(|error| self.masked(error)).collect())
        })
    }

    fn create<'a>(
        &'a self,
        _about: Context<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move { kind.create(&self.aws, new).await.map_err(|error| self.masked(error)) })
    }

    fn update<'a>(
        &'a self,
        _about: Context<'a>,
        kind: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
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
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            match kind.poll(&self.aws, target).await.map_err(|error| self.masked(error))? {
                Poll::Waiting(what) => Ok(Poll::Waiting(self.secret_store.mask(&what))),
                Poll::Failed(why) => Ok(Poll::Failed(self.secret_store.mask(&why))),
                done @ Poll::Done(_) => Ok(done),
            }
        })
    }
}
