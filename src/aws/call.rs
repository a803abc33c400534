//! The result of an SDK call: its many kinds of errors as one.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::error::{CloudError, ErrorClass, NO_CREDENTIALS, NOT_SENT, classify};
use super::fence::LockExpired;
use super::response::{InvalidResponse, older_error};

/// Names the operation that an SDK call's failure belongs to: `.send().await.operation("ec2:CreateVpc")?`.
pub trait SdkResult<T> {
    fn operation(self, operation: &str) -> Result<T, CloudError>;

    /// The same, and `None` where the object does not exist.
    fn optional(self, operation: &str) -> Result<Option<T>, CloudError>
    where
        Self: Sized,
    {
        match self.operation(operation) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is(ErrorClass::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<T, E> SdkResult<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn operation(self, operation: &str) -> Result<T, CloudError> {
        self.map_err(|error| of_sdk(&error, operation))
    }
}

fn of_sdk<E>(error: &SdkError<E, HttpResponse>, operation: &str) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let plain = |code: &str, message: String, class: ErrorClass| {
        let (operation, code, request_id) = (operation.to_owned(), code.to_owned(), String::new());
        CloudError { operation, code, message, request_id, class, is_meant: false }
    };
    if causes(error).any(<dyn std::error::Error>::is::<LockExpired>) {
        return CloudError { class: ErrorClass::Fenced, ..CloudError::new(operation, "", LockExpired.to_string()) };
    }
    if let Some(unusable) = InvalidResponse::behind(error) {
        return plain(unusable.code(), unusable.to_string(), unusable.class());
    }
    match error {
        SdkError::ServiceError(refusal) => {
            let (meta, status) = (refusal.err().meta(), refusal.raw().status().as_u16());
            let older = if meta.code().is_none() { older_error(refusal.raw()) } else { None };
            let (code, message) = older.as_ref().map_or((meta.code(), meta.message()), |(code, message)| {
                (Some(code.as_str()), Some(message.as_str()))
            });
            let code = code.unwrap_or_default();
            let message = match message {
                Some(message) => without_request(message).to_owned(),
                None => chain(error),
            };
            let mut class = classify(operation, code, &message);
            if class == ErrorClass::Rejected && status >= 500 {
                class = ErrorClass::Ambiguous;
            }
            let request_id = meta.extra("aws_request_id").unwrap_or_default().to_owned();
            CloudError { request_id, ..plain(code, message, class) }
        }
        SdkError::ConstructionFailure(_) => plain(NOT_SENT, chain(error), ErrorClass::Rejected),
        SdkError::DispatchFailure(failure) if is_not_sent(failure) => {
            // Without the SDK's own "dispatch failure: other".
            let cause = failure.as_connector_error().and_then(std::error::Error::source);
            let no_credentials = causes(error).any(<dyn std::error::Error>::is::<CredentialsError>);
            let code = if no_credentials { NO_CREDENTIALS } else { NOT_SENT };
            plain(code, cause.map_or_else(|| chain(error), chain), ErrorClass::Rejected)
        }
        _ => plain("", chain(error), ErrorClass::Ambiguous),
    }
}

/// Whether a call failed for want of credentials, of an endpoint or of something else that it needs to be made, and
/// not for the network. [`super::transport`] gives all that fails on the way another kind.
fn is_not_sent(failure: &DispatchFailure) -> bool {
    let unsaid = failure.is_other() && failure.as_other().is_none();
    let Some(error) = failure.as_connector_error() else { return false };
    // Who asks somebody else for credentials meets the network as well, and its limits of time.
    let network = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<ConnectorError>().is_some_and(|error| error.is_io() || error.is_timeout())
    };
    unsaid && !causes(error).any(network) && !chain(error).contains("timed out")
}

/// A message without the request that some services quote after it when its signature is wrong: among its headers is
/// the session token.
fn without_request(message: &str) -> &str {
    message.split("The Canonical String for this request").next().unwrap_or_default().trim_end()
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |error| error.source())
}

/// An error and what caused it, each as it reads: the SDK's own rendering adds its internals. It quotes the whole
/// request where its endpoint is none, with all values that were to be sent.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let text = |error: &(dyn std::error::Error + 'static)| {
        let text = error.to_string();
        text.split(" to request `Request {").next().unwrap_or_default().to_owned()
    };
    causes(error).fold(text(error), |all, cause| format!("{all}: {}", text(cause)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
    use aws_smithy_types::retry::ErrorKind;

    use super::super::response::InvalidBody;
    use super::*;

    type Failed = SdkError<GetCallerIdentityError, HttpResponse>;

    fn operation(error: Failed) -> CloudError {
        Err::<(), _>(error).operation("sts:GetCallerIdentity").expect_err("it failed")
    }

    #[test]
    fn what_was_not_sent_is_final() {
        for error in [
            Failed::dispatch_failure(ConnectorError::other("no credentials found in chain".into(), None)),
            Failed::construction_failure("a member is missing"),
        ] {
            let error = operation(error);
            assert_eq!((error.class, error.code.as_str()), (ErrorClass::Rejected, "NotSent"), "{error}");
        }
        let error = operation(Failed::dispatch_failure(ConnectorError::other("no endpoint".into(), None)));
        assert_eq!(error.to_string(), "sts:GetCallerIdentity: NotSent: no endpoint");
    }

    #[test]
    fn the_request_is_not_quoted() {
        let quoting = "failed to apply endpoint `nowhere` to request `Request { body: SdkBody { hunter2 } }`";
        let error = operation(Failed::dispatch_failure(ConnectorError::other(quoting.into(), None)));
        assert_eq!(error.message, "failed to apply endpoint `nowhere`");
    }

    #[test]
    fn what_failed_on_the_way_is_unanswered() {
        let refused = ConnectorError::io("Connection refused".into());
        for error in [
            ConnectorError::io("Connection refused".into()),
            ConnectorError::timeout("no response".into()),
            ConnectorError::other("no HTTP".into(), Some(ErrorKind::TransientError)),
            // Credentials that are fetched.
            ConnectorError::other(refused.into(), None),
            ConnectorError::other("identity resolver timed out after 5s".into(), None),
        ] {
            let error = operation(Failed::dispatch_failure(error));
            assert!(error.is(ErrorClass::Ambiguous), "{error}");
        }
        assert!(operation(Failed::timeout_error("it took too long")).is(ErrorClass::Ambiguous));
        let response = HttpResponse::new(200.try_into().expect("a status"), "{".into());
        assert!(operation(Failed::response_error("it cannot be parsed", response)).is(ErrorClass::Ambiguous));
    }

    #[test]
    fn an_unusable_answer_says_why() {
        let unusable = || InvalidResponse::Incomplete { status: 200, source: InvalidBody::Empty };
        let response = HttpResponse::new(200.try_into().expect("a status"), "".into());
        let error = operation(Failed::response_error(unusable(), response));
        let text = "incomplete response (status 200): its body is empty";
        assert_eq!(error.to_string(), format!("sts:GetCallerIdentity: IncompleteResponse: {text}"));
        assert!(error.is(ErrorClass::Ambiguous));
        let large = ConnectorError::user(InvalidResponse::TooLarge { limit: 64 << 20 }.into());
        assert_eq!(operation(Failed::dispatch_failure(large)).code, "ResponseTooLarge");
    }
}
