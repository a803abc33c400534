//! The way to AWS: the SDK's HTTP client. Answers are read to their end before anybody looks at them, and up to a
//! limit.

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

use super::answer::Unusable;

/// AWS's largest answers are a few megabytes; more comes only from something else at that address.
const BODY: usize = 64 << 20;

/// An HTTP client that bounds how large an answer of another one is. Credentials are fetched with it, too.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    inner: SharedHttpClient,
}

impl Transport {
    pub fn new(inner: SharedHttpClient) -> Self {
        Self { inner }
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner })
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
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move { whole(answer.await.map_err(on_the_way)?).await })
    }
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
    let too_large = || ConnectorError::user(Unusable::TooLarge { limit: BODY }.into());
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
        let too_large = Some(&Unusable::TooLarge { limit: BODY });
        let error = whole(answer(SdkBody::from(vec![b' '; BODY + 1]))).await.expect_err("too large");
        assert_eq!(Unusable::behind(&error), too_large);
        let mut announced = answer(SdkBody::from("the beginning"));
        announced.headers_mut().insert("content-length", (BODY + 1).to_string());
        let error = whole(announced).await.expect_err("too large");
        assert_eq!(Unusable::behind(&error), too_large);
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
