//! Logs each call to AWS (`-v`): names, codes and times. Never a body, a value or a header, except the request id.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::response::InvalidResponse;

/// How many `-v` a line needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Each call to AWS.
    Calls = 1,
    /// Each attempt of a call that needed more than one, and whose credentials are used.
    Attempts = 2,
    /// What was read, and what is unconfirmed.
    Decisions = 3,
}

/// Where log lines go.
#[derive(Clone)]
pub struct Trace {
    detail: u8,
    emit: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Trace {
    /// `detail` is the number of `-v`s; `emit` prints a line.
    pub fn new(detail: u8, emit: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { detail, emit: Arc::new(emit) }
    }

    pub fn wants(&self, detail: Detail) -> bool {
        self.detail >= detail as u8
    }

    /// Logs a line at this level of detail.
    pub fn log(&self, detail: Detail, line: impl FnOnce() -> String) {
        if self.wants(detail) {
            (self.emit)(&line());
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({})", self.detail)
    }
}

/// When the call, and its latest attempt, began.
#[derive(Debug)]
struct CallBegan(Instant);

#[derive(Debug)]
struct AttemptBegan(Instant);

impl Storable for CallBegan {
    type Storer = StoreReplace<Self>;
}

impl Storable for AttemptBegan {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Trace {
    fn name(&self) -> &'static str {
        "Trace"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(CallBegan(Instant::now()));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(AttemptBegan(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempt = config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts);
        if attempt > 1 || !matches!(context.output_or_error(), Some(Ok(_))) {
            self.log(Detail::Attempts, || {
                let began = config.load::<AttemptBegan>().map(|began| began.0);
                format!("{} attempt {attempt} → {}", operation(config), answer(context, began))
            });
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.log(Detail::Calls, || {
            let began = config.load::<CallBegan>().map(|began| began.0);
            format!("{} → {}", operation(config), answer(context, began))
        });
        Ok(())
    }
}

/// `service:Operation`, with the service as IAM policies call it.
fn operation(config: &ConfigBag) -> String {
    let Some(call) = config.load::<Metadata>() else { return "?".to_owned() };
    let service = match call.service() {
        "Elastic Load Balancing v2" => "elasticloadbalancing".to_owned(),
        "CloudWatch Logs" => "logs".to_owned(),
        "Resource Groups Tagging API" => "tag".to_owned(),
        other => other.replace(' ', "").to_lowercase(),
    };
    format!("{service}:{}", call.name())
}

/// `200 in 43 ms (request 0a1b…)`, with AWS's error code where there is one, or ours for what is no answer.
fn answer(context: &FinalizerInterceptorContextRef<'_>, began: Option<Instant>) -> String {
    let took = began.map_or(0, |began| began.elapsed().as_millis());
    let error = context.output_or_error().and_then(Result::err);
    let unusable = error.and_then(|error| InvalidResponse::behind(error)).map(InvalidResponse::code);
    let Some(response) = context.response() else {
        return format!("{} in {took} ms", unusable.unwrap_or("no response"));
    };
    let status = response.status();
    let code = match unusable {
        Some(code) => Some(code.to_owned()),
        None if status.is_success() => None,
        None => error_code(response),
    };
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    let ids = ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"];
    let id = ids.iter().find_map(|name| response.headers().get(*name)).and_then(word);
    let id = id.map(|id| format!(" (request {id})")).unwrap_or_default();
    format!("{}{code} in {took} ms{id}", status.as_u16())
}

/// The code in a header or a body of JSON or XML; nothing else of the body is looked at.
fn error_code(response: &HttpResponse) -> Option<String> {
    if let Some(code) = response.headers().get("x-amzn-errortype") {
        return word(code.split(':').next()?);
    }
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    if let Some((_, rest)) = body.split_once("<Code>") {
        return word(rest.split_once("</Code>")?.0);
    }
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let code = body.get("__type").or_else(|| body.get("code"))?.as_str()?;
    word(code.rsplit('#').next()?)
}

/// A code or an id, unless it holds what neither does.
fn word(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=+/".contains(c);
    let sound = (1..=128).contains(&text.len()) && text.chars().all(plain);
    sound.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn refused(body: &'static str) -> HttpResponse {
        HttpResponse::new(400.try_into().expect("a status"), SdkBody::from(body))
    }

    #[test]
    fn codes_are_found_in_every_protocol() {
        let xml = "<Response><Errors><Error><Code>InvalidVpc.NotFound</Code><Message>no</Message></Error></Errors>";
        assert_eq!(error_code(&refused(xml)).as_deref(), Some("InvalidVpc.NotFound"));
        let json = r#"{"__type": "com.amazon#ParameterNotFound", "message": "no"}"#;
        assert_eq!(error_code(&refused(json)).as_deref(), Some("ParameterNotFound"));
        let mut header = refused("hunter2");
        header.headers_mut().insert("x-amzn-errortype", "ThrottlingException:http://internal");
        assert_eq!(error_code(&header).as_deref(), Some("ThrottlingException"));
    }

    #[test]
    fn what_is_no_code_is_not_shown() {
        for body in
            ["hunter2", "<Code>\u{1b}[31mhunter2</Code>", r#"{"__type": "the value hunter2 is wrong"}"#, "{"]
        {
            assert_eq!(error_code(&refused(body)), None, "{body}");
        }
    }
}
