//! The calls of a kind, behind the erased face.

use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::erased::json;
use super::members::Members;
use super::preflight::{Answer, Coming};
use super::{Calls, Create, Delete, Live, Poll, PollTarget, Update, WriteResult};
use crate::aws::{Aws, CloudError, OwnError, Reader};
use crate::spec::Environment;

/// A kind's [`Calls`] with its attributes as JSON.
pub trait AnyCalls {
    fn errors(&self) -> &'static [OwnError];
    fn members(&self) -> Vec<Members>;
    fn read_all<'a>(&'a self, read: &'a Reader<'a>) -> LocalBoxFuture<'a, Result<Vec<Live<Value>>, CloudError>>;
    fn save_cache<'a>(&'a self, aws: &'a Aws, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>>;
    fn refresh<'a>(
        &'a self,
        read: &'a Reader<'a>,
        live: &'a mut Live<Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>>;
    fn preflight<'a>(
        &'a self,
        read: &'a Reader<'a>,
        coming: &'a [Coming<'a, Value>],
    ) -> LocalBoxFuture<'a, Vec<Answer>>;
    fn create<'a>(
        &'a self,
        aws: &'a Aws,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>>;
    fn update<'a>(
        &'a self,
        aws: &'a Aws,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>>;
    fn delete<'a>(&'a self, aws: &'a Aws, gone: Delete<'a, Value>) -> LocalBoxFuture<'a, Result<(), CloudError>>;
    fn poll<'a>(
        &'a self,
        aws: &'a Aws,
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>>;
}

impl<K: Calls> AnyCalls for K {
    fn errors(&self) -> &'static [OwnError] {
        K::ERRORS
    }

    fn members(&self) -> Vec<Members> {
        K::members()
    }

    fn read_all<'a>(&'a self, read: &'a Reader<'a>) -> LocalBoxFuture<'a, Result<Vec<Live<Value>>, CloudError>> {
        Box::pin(
            async move { Ok(K::read_all(read).await.map_err(own::<K>)?.into_iter().map(erase::<K>).collect()) },
        )
    }

    fn save_cache<'a>(&'a self, aws: &'a Aws, env: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move { K::save_cache(aws, env).await.map_err(own::<K>) })
    }

    fn refresh<'a>(
        &'a self,
        read: &'a Reader<'a>,
        live: &'a mut Live<Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let mut full = Live {
                address: live.address.clone(),
                id: live.id.clone(),
                outputs: live.outputs.clone(),
                attrs: live.attrs.as_ref().map(|attrs| typed(K::KIND, attrs)).transpose()?,
                unread: live.unread.clone(),
                unconfirmed: live.unconfirmed,
                content_digest: live.content_digest.clone(),
                stuck: live.stuck.clone(),
                scheduled: live.scheduled.clone(),
                settings: live.settings.clone(),
            };
            K::refresh(read, &mut full).await.map_err(own::<K>)?;
            full.unconfirmed = false;
            *live = erase::<K>(full);
            Ok(())
        })
    }

    /// Attributes of another shape, which no plan has, are asked nothing.
    fn preflight<'a>(
        &'a self,
        read: &'a Reader<'a>,
        coming: &'a [Coming<'a, Value>],
    ) -> LocalBoxFuture<'a, Vec<Answer>> {
        Box::pin(async move {
            let typed = coming.iter().filter_map(|coming| {
                Some(Coming {
                    address: coming.address,
                    attrs: typed(K::KIND, &coming.attrs).ok()?,
                    live: coming.live.as_ref().and_then(|live| typed(K::KIND, live).ok()),
                    is_made: coming.is_made,
                    is_more: coming.is_more,
                    changed: coming.changed.clone(),
                })
            });
            let typed: Vec<Coming<'_, K::Attrs>> = typed.collect();
            K::preflight(read, &typed).await
        })
    }

    fn create<'a>(
        &'a self,
        aws: &'a Aws,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            let attrs = typed(K::KIND, new.attrs)?;
            let Create { address, secret_store, token, alternate, .. } = new;
            let new = Create { address, attrs: &attrs, secret_store, token, alternate };
            K::create(aws, &new).await.map_err(own::<K>)
        })
    }

    fn update<'a>(
        &'a self,
        aws: &'a Aws,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            let (before, attrs) = (typed(K::KIND, change.before)?, typed(K::KIND, change.attrs)?);
            let Update { address, id, outputs, changed, secret_store, token, .. } = change;
            let change =
                Update { address, id, outputs, before: &before, attrs: &attrs, changed, secret_store, token };
            K::update(aws, &change).await.map_err(own::<K>)
        })
    }

    fn delete<'a>(&'a self, aws: &'a Aws, gone: Delete<'a, Value>) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let attrs = typed(K::KIND, gone.attrs)?;
            let Delete { address, id, outputs, .. } = gone;
            K::delete(aws, &Delete { address, id, outputs, attrs: &attrs }).await.map_err(own::<K>)
        })
    }

    fn poll<'a>(
        &'a self,
        aws: &'a Aws,
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            let attrs = typed(K::KIND, target.attrs)?;
            let PollTarget { id, outputs, goal, .. } = target;
            K::poll(aws, &PollTarget { id, attrs: &attrs, outputs, goal }).await.map_err(own::<K>)
        })
    }
}

/// Whatever failed in a call of this kind, with its own meaning.
fn own<K: Calls>(error: CloudError) -> CloudError {
    error.meant_by(K::ERRORS)
}

fn typed<A: DeserializeOwned>(kind: &str, attrs: &Value) -> Result<A, CloudError> {
    A::deserialize(attrs).map_err(|error| CloudError::internal(format!("attributes of {kind}: {error}")))
}

fn erase<K: Calls>(live: Live<K::Attrs>) -> Live<Value> {
    let never = K::UNREAD.iter().filter(|field| !live.unread.contains(field)).copied();
    Live {
        unread: live.unread.iter().copied().chain(never).collect(),
        address: live.address,
        id: live.id,
        outputs: live.outputs,
        attrs: live.attrs.map(json),
        unconfirmed: live.unconfirmed,
        content_digest: live.content_digest,
        stuck: live.stuck,
        scheduled: live.scheduled,
        settings: live.settings,
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::CloudError;
    use crate::kinds::all;

    /// In its kind an error means what the kind says, and it is there because it means something else elsewhere.
    #[test]
    fn what_aws_says_to_a_kind_means_what_the_kind_says() {
        for kind in all() {
            for own in kind.errors() {
                let place = format!("{}: {}: {}", kind.name(), own.code, own.example);
                for code in [own.code.to_owned(), format!("com.amazonaws#{}", own.code)] {
                    let said = CloudError::new("service:Operation", &code, own.example);
                    assert_ne!(said.class, own.class, "{place} means that everywhere");
                    assert_eq!(said.meant_by(kind.errors()).class, own.class, "{place}");
                }
                let other = CloudError::new("service:Operation", "SomethingElse", own.example);
                assert_eq!(other.clone().meant_by(kind.errors()).class, other.class, "{place}: another code");
                if own.words.is_empty() {
                    continue;
                }
                assert_eq!(own.words, own.words.to_ascii_lowercase(), "{place}");
                let other = CloudError::new("service:Operation", own.code, "something else");
                assert_eq!(other.clone().meant_by(kind.errors()).class, other.class, "{place}: other words");
            }
        }
    }
}
