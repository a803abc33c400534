//! The way to AWS: the SDK's HTTP client, within limits. Answers are read to their end before anybody looks at them.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::ErrorKind;
use tokio::sync::Semaphore;

use super::fence::{Fence, LockExpired};
use super::response::{InTurn, InvalidResponse};

/// AWS's largest answers are a few megabytes; more comes only from something else at that address.
const BODY: usize = 64 << 20;

/// How many reads are under way at once. It is more than a plan of a usual environment has to ask for at a time, so
/// that none waits, and less than EC2 takes in one go before it throttles: its bucket for `Describe` calls holds fifty
/// of them where they are not filtered.
const READS: usize = 32;

/// An HTTP client that bounds what another one does: how many reads it has under way, how long each attempt takes and
/// how large its answer is. Credentials are fetched with it, too.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    inner: SharedHttpClient,
    limits: Limits,
}

impl Transport {
    /// `attempt` is what an attempt of a call may take, once it is its turn.
    pub fn new(inner: SharedHttpClient, attempt: Duration) -> Self {
        Self { inner, limits: Limits { attempt, reads: Arc::new(Semaphore::new(READS)) } }
    }
}

#[derive(Clone, Debug)]
struct Limits {
    /// The SDK's own limit of an attempt would count the time of waiting, and give up what only waits.
    attempt: Duration,
    reads: Arc<Semaphore>,
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, limits: self.limits.clone() })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    limits: Limits,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, Limits { attempt, reads }) = (self.inner.clone(), self.limits.clone());
        HttpConnectorFuture::new(async move {
            let _turn = match request.extension::<InTurn>() {
                Some(InTurn) => reads.acquire_owned().await.ok(),
                None => None,
            };
            let fence = request.extension::<Fence>().cloned();
            let call = async { inner.call(request).await.map_err(on_the_way) };
            let answer = async { whole(fenced(fence, call).await?).await };
            tokio::time::timeout(attempt, answer).await.unwrap_or_else(|_| {
                Err(ConnectorError::timeout(
                    format!("no complete response within {} s", attempt.as_secs_f32()).into(),
                ))
            })
        })
    }
}

/// The call, unless the lock that it was let out under has run out meanwhile.
async fn fenced(
    fence: Option<Fence>,
    call: impl Future<Output = Result<HttpResponse, ConnectorError>>,
) -> Result<HttpResponse, ConnectorError> {
    let Some(fence) = fence else { return call.await };
    let mut call = pin!(call);
    std::future::poll_fn(|context| match fence.is_over() {
        true => Poll::Ready(Err(ConnectorError::other(LockExpired.into(), None))),
        false => call.as_mut().poll(context),
    })
    .await
}

/// A failure of the transport. The inner client leaves it open whether some may pass, such as an answer that is no
/// HTTP, and blames the caller where its connection is gone: by then the request may have been sent. What failed
/// before any request (configuration, credentials) does not come through here, and so the two can be told apart.
fn on_the_way(error: ConnectorError) -> ConnectorError {
    if error.is_user() || error.is_other() && error.as_other().is_none() {
        return ConnectorError::other(error.into(), Some(ErrorKind::TransientError));
    }
    error
}

/// The answer with its body read.
async fn whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let too_large = || ConnectorError::user(InvalidResponse::TooLarge { limit: BODY }.into());
    let announced = response.headers().get("content-length").and_then(|length| length.parse::<usize>().ok());
    let mut body = ByteStream::new(std::mem::replace(response.body_mut(), SdkBody::taken()));
    let mut read = Vec::new();
    if announced.is_some_and(|length| length > BODY) {
        return Err(too_large());
    }
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| ConnectorError::io(error.into()))?;
        if read.len() + chunk.len() > BODY {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    *response.body_mut() = SdkBody::from(read);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use futures_util::future::join_all;

    use super::*;

    fn answer(body: SdkBody) -> HttpResponse {
        HttpResponse::new(200.try_into().expect("a status"), body)
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end() {
        let response = whole(answer(SdkBody::from("all of it"))).await.expect("an answer");
        assert_eq!(response.body().bytes(), Some(&b"all of it"[..]));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_refused() {
        let too_large = Some(&InvalidResponse::TooLarge { limit: BODY });
        let error = whole(answer(SdkBody::from(vec![b' '; BODY + 1]))).await.expect_err("too large");
        assert_eq!(InvalidResponse::behind(&error), too_large);
        let mut announced = answer(SdkBody::from("the beginning"));
        announced.headers_mut().insert("content-length", (BODY + 1).to_string());
        let error = whole(announced).await.expect_err("too large");
        assert_eq!(InvalidResponse::behind(&error), too_large);
    }

    /// Answers after a while, and counts what it has to answer at once.
    #[derive(Clone, Debug, Default)]
    struct Slow {
        after: Duration,
        now: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl HttpConnector for Slow {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let slow = self.clone();
            HttpConnectorFuture::new(async move {
                slow.most.fetch_max(slow.now.fetch_add(1, Relaxed) + 1, Relaxed);
                tokio::time::sleep(slow.after).await;
                slow.now.fetch_sub(1, Relaxed);
                Ok(answer(SdkBody::from("done")))
            })
        }
    }

    fn over(slow: &Slow, attempt: Duration) -> Connector {
        let limits = Limits { attempt, reads: Arc::new(Semaphore::new(READS)) };
        Connector { inner: SharedHttpConnector::new(slow.clone()), limits }
    }

    fn read() -> HttpRequest {
        let mut request = HttpRequest::empty();
        request.add_extension(InTurn);
        request
    }

    /// Five rounds of reads: what waits for its turn is not given up for it.
    #[tokio::test]
    async fn reads_wait_for_their_turn() {
        let slow = Slow { after: Duration::from_millis(400), ..Slow::default() };
        let connector = over(&slow, Duration::from_millis(1600));
        let answers = join_all((0..5 * READS).map(|_| connector.call(read()))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(slow.most.load(Relaxed), READS);
    }

    /// A write has been allowed for now, and the lock must be renewed in time.
    #[tokio::test]
    async fn nothing_else_waits_for_reads() {
        let slow = Slow { after: Duration::from_secs(3600), ..Slow::default() };
        let connector = over(&slow, Duration::from_secs(7200));
        let mut reads = join_all((0..2 * READS).map(|_| connector.call(read())));
        let mut write = connector.call(HttpRequest::empty());
        let soon = Duration::from_millis(10);
        assert!(tokio::time::timeout(soon, &mut reads).await.is_err());
        assert!(tokio::time::timeout(soon, &mut write).await.is_err());
        assert_eq!(slow.most.load(Relaxed), READS + 1);
    }

    #[tokio::test]
    async fn an_attempt_ends_at_its_limit() {
        let slow = Slow { after: Duration::from_secs(3600), ..Slow::default() };
        let error = over(&slow, Duration::from_millis(10)).call(read()).await.expect_err("it takes too long");
        assert!(error.is_timeout(), "{error}");
    }

    #[test]
    fn what_failed_on_the_way_may_pass() {
        let unknown = on_the_way(ConnectorError::other("no HTTP".into(), None));
        assert_eq!(unknown.as_other(), Some(ErrorKind::TransientError));
        let gone = on_the_way(ConnectorError::user("dispatch task is gone".into()));
        assert_eq!(gone.as_other(), Some(ErrorKind::TransientError));
        assert!(on_the_way(ConnectorError::io("reset".into())).is_io());
    }
}
