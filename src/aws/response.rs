//! Whether what came back is an answer of AWS, and all of it. The SDK's parsers read as far as they need to: to them
//! an empty body is an answer without members, and XML that is cut between two tags a shorter list. Believed, either
//! says that objects are gone. So every answer is looked at before it is parsed, and what is not complete is none.

mod pages;
mod xml;

use std::error::Error;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::ErrorClass;
use super::fence::is_read;
use pages::Pages;
use xml::XmlError;

/// Marks a request that only looks, and so waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct InTurn;

/// Why what came back means nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum InvalidResponse {
    /// It is not AWS's, or not all that AWS sent.
    #[error("incomplete response (status {status}): {source}")]
    Incomplete { status: u16, source: InvalidBody },
    /// Something on the way, or a service under load, takes no more calls.
    #[error("too many calls (status {status}, not a response of AWS)")]
    Throttled { status: u16 },
    /// There is more of it than can be AWS's.
    #[error("the response is larger than {} MiB and was not read further", limit >> 20)]
    TooLarge { limit: usize },
    /// A page names itself as the next one.
    #[error("pagination does not end: a page leads to itself")]
    PageOfItself,
    /// More pages than anything of AWS has.
    #[error("pagination does not end: {read} pages were read")]
    TooManyPages { read: usize },
}

/// Why the body of a response is not a whole one of AWS's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum InvalidBody {
    #[error("its body is empty")]
    Empty,
    #[error("its body is not text")]
    NotText,
    /// One made for a browser.
    #[error("it is a web page, as sent by a proxy or a login service")]
    WebPage,
    #[error("its body is not a JSON object")]
    NotJson,
    #[error("its JSON is cut off")]
    JsonCutOff,
    #[error("it is an error without a code")]
    NoCode,
    #[error("its XML is malformed: {0}")]
    Xml(#[from] XmlError),
    /// It answers another operation than this, which was called.
    #[error("it is not a response to {0}")]
    OtherOperation(String),
}

impl InvalidResponse {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Incomplete { .. } => "IncompleteResponse",
            Self::Throttled { .. } => "TooManyRequests",
            Self::TooLarge { .. } => "ResponseTooLarge",
            Self::PageOfItself | Self::TooManyPages { .. } => "EndlessPages",
        }
    }

    /// The call may have taken effect, but for the pages, which only reads have.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Incomplete { .. } | Self::TooLarge { .. } => ErrorClass::Ambiguous,
            Self::Throttled { .. } => ErrorClass::Throttled,
            Self::PageOfItself | Self::TooManyPages { .. } => ErrorClass::Rejected,
        }
    }

    /// The one that an error comes from.
    pub fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(here) = error {
            if let Some(unusable) = here.downcast_ref() {
                return Some(unusable);
            }
            error = here.source();
        }
        None
    }
}

/// What is known of a call when its answer comes.
#[derive(Debug)]
struct Asked {
    json: bool,
    /// The page that was asked for, unless it was the first.
    page: Option<String>,
}

impl Storable for Asked {
    type Storer = StoreReplace<Self>;
}

/// What came back last, of one call.
#[derive(Debug)]
struct Last(InvalidResponse);

impl Storable for Last {
    type Storer = StoreReplace<Self>;
}

/// Looks at every answer of a client.
#[derive(Debug)]
pub struct Responses {
    in_turn: bool,
    pages: Pages,
}

impl Responses {
    /// Its reads wait for their turn.
    pub fn in_turn() -> Self {
        Self { in_turn: true, pages: Pages::default() }
    }

    /// None of its calls waits behind what others read.
    pub fn at_once() -> Self {
        Self { in_turn: false, pages: Pages::default() }
    }
}

impl Intercept for Responses {
    fn name(&self) -> &'static str {
        "Answers"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let json = request.headers().get("content-type").is_some_and(|sort| sort.contains("json"));
        let page = request.body().bytes().and_then(|body| pages::asked_for(body, json));
        config.interceptor_state().store_put(Asked { json, page });
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.in_turn && config.load::<Metadata>().is_some_and(|call| is_read(call.name())) {
            context.request_mut().add_extension(InTurn);
        }
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(call), Some(asked)) = (config.load::<Metadata>(), config.load::<Asked>()) else {
            return Err("an answer without a call".into());
        };
        let next = checked(call, asked.json, context.response());
        let turned = next.and_then(|next| self.pages.turn(call.name(), asked.page.as_deref(), next.as_deref()));
        turned.map_err(|unusable| {
            config.interceptor_state().store_put(Last(unusable.clone()));
            unusable.into()
        })
    }

    /// Where all attempts bring the same the time of the call runs out, and that alone would not say why.
    fn modify_before_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(Last(unusable)), Some(end)) = (config.load::<Last>(), context.output_or_error_mut())
            && end.as_ref().is_err_and(OrchestratorError::is_timeout_error)
        {
            let error = ConnectorError::other(unusable.clone().into(), None);
            *end = Err(OrchestratorError::connector(error));
        }
        Ok(())
    }
}

/// Says which of the errors above may pass, and after what pause.
#[derive(Debug)]
pub struct Retries;

impl ClassifyRetry for Retries {
    fn name(&self) -> &'static str {
        "Unusable answers"
    }

    /// After the one by status, which takes any 503 for transient.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::http_status_code_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        match InvalidResponse::behind(error) {
            None => RetryAction::NoActionIndicated,
            Some(InvalidResponse::Incomplete { .. }) => RetryAction::transient_error(),
            Some(InvalidResponse::Throttled { .. }) => RetryAction::throttling_error(),
            Some(
                InvalidResponse::TooLarge { .. }
                | InvalidResponse::PageOfItself
                | InvalidResponse::TooManyPages { .. },
            ) => RetryAction::RetryForbidden,
        }
    }
}

/// What answers rightly without a body: operations of JSON services to which AWS's models give no output at all. (One
/// with an output that has no members answers `{}`.)
const WITHOUT_BODY: [(&str, &str); 9] = [
    ("ACM", "AddTagsToCertificate"),
    ("ACM", "DeleteCertificate"),
    ("ACM", "RemoveTagsFromCertificate"),
    ("CloudWatch Logs", "CreateLogGroup"),
    ("CloudWatch Logs", "DeleteLogGroup"),
    ("CloudWatch Logs", "DeleteRetentionPolicy"),
    ("CloudWatch Logs", "PutRetentionPolicy"),
    ("CloudWatch Logs", "TagResource"),
    ("CloudWatch Logs", "UntagResource"),
];

/// The token of the next page, if the answer to this call is complete and one of AWS's.
fn checked(call: &Metadata, json: bool, response: &HttpResponse) -> Result<Option<String>, InvalidResponse> {
    let (service, operation) = (call.service(), call.name());
    let status = response.status().as_u16();
    let has = |header: &str| response.headers().get(header).is_some_and(|value| !value.is_empty());
    let body = response.body().bytes().map(std::str::from_utf8);
    let found = match body {
        Some(Ok(body)) if body.trim().is_empty() => {
            // AWS says the id of the request in any case; what stands in its way does not.
            let right = if response.status().is_success() {
                WITHOUT_BODY.contains(&(service, operation)) && has("x-amzn-requestid")
            } else {
                has("x-amzn-errortype")
            };
            if right { Ok(None) } else { Err(InvalidBody::Empty) }
        }
        Some(Ok(body)) if is_page(body) => Err(InvalidBody::WebPage),
        Some(Ok(body)) if json => in_json(response.status().is_success() || has("x-amzn-errortype"), body),
        Some(Ok(body)) => in_xml(response.status().is_success().then_some(operation), body),
        _ => Err(InvalidBody::NotText),
    };
    found.map_err(|source| match status {
        // A write that a proxy answers so may have reached AWS all the same.
        503 if !is_read(operation) => InvalidResponse::Incomplete { status, source },
        429 | 503 => InvalidResponse::Throttled { status },
        _ => InvalidResponse::Incomplete { status, source },
    })
}

/// Code and message of an error in Route 53's older form, of which the SDK shows neither.
pub(super) fn older_error(response: &HttpResponse) -> Option<(String, String)> {
    let document = xml::read(std::str::from_utf8(response.body().bytes()?).ok()?).ok()?;
    let messages: Vec<String> = document.texts_of("Message").map(xml::unescaped).collect();
    let is_older = !document.root.ends_with("Response") && !messages.is_empty();
    is_older.then(|| (document.root.to_owned(), messages.join("; ")))
}

/// Whether it is made for a browser.
fn is_page(body: &str) -> bool {
    let body = body.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let begins = |with: &str| body.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    begins("<!doctype html") || begins("<html")
}

/// One JSON object, to its end. An error says what it is in it, unless it does so in a header.
fn in_json(code_is_known: bool, body: &str) -> Result<Option<String>, InvalidBody> {
    // To serde a list of values in the right order would do, too.
    if !body.trim_start().starts_with('{') {
        return Err(InvalidBody::NotJson);
    }
    // Serde's own words may quote the body, which may hold a secret.
    let answer: pages::Answer = serde_json::from_str(body)
        .map_err(|error| if error.is_eof() { InvalidBody::JsonCutOff } else { InvalidBody::NotJson })?;
    if !code_is_known && !answer.has_code() {
        return Err(InvalidBody::NoCode);
    }
    Ok(answer.next())
}

/// One XML document, to its end; for what succeeded, the one that answers this operation.
fn in_xml(operation: Option<&str>, body: &str) -> Result<Option<String>, InvalidBody> {
    let document = xml::read(body)?;
    match operation {
        Some(operation) if document.root.strip_suffix("Response") != Some(operation) => {
            Err(InvalidBody::OtherOperation(operation.to_owned()))
        }
        _ => Ok(pages::next(&document)),
    }
}

#[cfg(test)]
mod tests;
