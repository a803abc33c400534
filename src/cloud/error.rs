use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::fence::HeldBack;

/// A call to the cloud that failed: which, with what code, and what may help.
#[derive(Clone, Debug)]
pub struct CloudError {
    /// `service:Operation`, as in `ec2:CreateVpc`.
    pub operation: String,
    /// AWS's error code, as in `DependencyViolation`; empty when no answer came.
    pub code: String,
    pub message: String,
    pub request_id: String,
    pub class: Class,
}

/// What an error means for who made the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The object is not there.
    Missing,
    /// Something else still refers to the object, or is still going away.
    InUse,
    /// Something that was just made is not known everywhere yet.
    Propagating,
    /// Something has the name already.
    Taken,
    /// The caller may not, or is nobody.
    Denied,
    /// Too many calls.
    Throttled,
    /// No answer, or an answer of 5xx: the call may have taken effect.
    Unanswered,
    /// Held back by this run itself, since its lock may be somebody else's by now: nothing was sent.
    Fenced,
    /// The call was understood and refused.
    Refused,
}

impl CloudError {
    pub fn new(operation: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let class = classify(code, &message);
        Self { operation: operation.to_owned(), code: code.to_owned(), message, request_id: String::new(), class }
    }

    /// A fault of Baseplate itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("baseplate", "Internal", message)
    }

    fn held_back(operation: &str) -> Self {
        Self { class: Class::Fenced, ..Self::new(operation, "", HeldBack.to_string()) }
    }

    /// What was made is not in this operation's answer. AWS tells of it with a delay, or somebody deleted it meanwhile:
    /// this passes, or not within the time that is given to such a delay.
    pub fn not_shown(operation: &str) -> Self {
        let message = "it was made, and is not there yet or not any more; if somebody deleted it, apply again";
        Self { class: Class::Propagating, ..Self::new(operation, "", message) }
    }

    pub fn is(&self, class: Class) -> bool {
        self.class == class
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if !self.code.is_empty() {
            write!(f, ": {}", self.code)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.request_id.is_empty() {
            write!(f, " (request {})", self.request_id)?;
        }
        Ok(())
    }
}

impl std::error::Error for CloudError {}

/// Names the operation that an SDK call's failure belongs to: `.send().await.during("ec2:CreateVpc")?`.
pub trait During<T> {
    fn during(self, operation: &str) -> Result<T, CloudError>;

    /// The same, and `None` where the object is not there.
    fn found(self, operation: &str) -> Result<Option<T>, CloudError>
    where
        Self: Sized,
    {
        match self.during(operation) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is(Class::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<T, E> During<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn during(self, operation: &str) -> Result<T, CloudError> {
        self.map_err(|error| {
            let answered = error.raw_response().map(|response| response.status().as_u16());
            let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
            let code = meta.and_then(|meta| meta.code()).unwrap_or_default().to_owned();
            let message = match meta.and_then(|meta| meta.message()) {
                Some(message) => without_request(message).to_owned(),
                None => chain(&error),
            };
            let mut class = classify(&code, &message);
            if causes(&error).any(<dyn std::error::Error>::is::<HeldBack>) {
                return CloudError::held_back(operation);
            }
            if class == Class::Refused && answered.is_none_or(|status| status >= 500) {
                class = Class::Unanswered;
            }
            let request_id = meta.and_then(|meta| meta.extra("aws_request_id")).unwrap_or_default().to_owned();
            CloudError { operation: operation.to_owned(), code, message, request_id, class }
        })
    }
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

/// An error and what caused it, each as it reads: the SDK's own rendering adds its internals.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Codes and wordings as the services' API references list them; the patterns are narrow, so that a real
/// denial still surfaces at once.
fn classify(code: &str, message: &str) -> Class {
    let code = code.rsplit('#').next().unwrap_or(code);
    let says = |words: &str| message.to_ascii_lowercase().contains(words);
    match code {
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "PriorRequestNotComplete"
        | "RequestThrottled"
        | "SlowDown"
        | "TooManyUpdates" => Class::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "OptInRequired"
        | "MissingAuthenticationToken" => Class::Denied,
        "DependencyViolation"
        | "ResourceInUse"
        | "ResourceInUseException"
        | "DeleteConflict"
        | "InvalidIPAddress.InUse"
        | "CannotDelete"
        | "InvalidGroup.InUse"
        | "ClusterContainsServicesException"
        | "ClusterContainsTasksException"
        | "InvalidDBSubnetGroupStateFault"
        | "InvalidDBInstanceState"
        | "InvalidDBInstanceStateFault"
        | "UpdateInProgressException"
        | "DuplicateRequest" => Class::InUse,
        "InvalidParameterValue"
        | "InvalidParameterException"
        | "ClientException"
        | "ValidationError"
        | "MalformedPolicyDocument"
            if says("cannot be assumed")
                || says("unable to assume the role")
                // The first cluster or service of an account makes that role.
                || says("unable to assume the service linked role")
                || says("invalid principal in policy") =>
        {
            Class::Propagating
        }
        "InvalidParameterException" if says("does not have an associated load balancer") => Class::Propagating,
        "InvalidParameterException" if says("still draining") || says("was not idempotent") => Class::InUse,
        "AuthFailure.ServiceLinkedRole" => Class::Propagating,
        _ if code.ends_with(".NotFound")
            || code.ends_with("NotFound")
            || code.ends_with("NotFoundFault")
            || code.ends_with("NotFoundException")
            || code == "NoSuchEntity"
            || code == "ParameterNotFound"
            || code == "NoSuchHostedZone"
            || code == "ServiceNotActiveException" =>
        {
            Class::Missing
        }
        _ if code.contains("AlreadyExists") || code.contains("Duplicate") || code == "EntityAlreadyExists" => {
            Class::Taken
        }
        _ => Class::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iam_does_not_know_everywhere_yet_passes_and_a_denial_does_not() {
        let passing = [
            (
                "InvalidParameterException",
                "Unable to assume the service linked role. Please verify that it exists.",
            ),
            ("InvalidParameterException", "The role with name web-task cannot be assumed."),
            ("ClientException", "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web'"),
            (
                "MalformedPolicyDocument",
                "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/web\"",
            ),
            ("InvalidParameterException", "The target group does not have an associated load balancer."),
        ];
        for (code, message) in passing {
            assert_eq!(classify(code, message), Class::Propagating, "{code}: {message}");
        }
        let denied = "User: ci is not authorized to perform: iam:PassRole on resource: web-task";
        assert_eq!(classify("AccessDeniedException", denied), Class::Denied);
        assert_eq!(
            classify("InvalidParameterException", "No Fargate configuration for these values"),
            Class::Refused
        );
    }

    #[test]
    fn a_service_that_still_goes_away_is_in_use() {
        for message in
            ["Unable to Start a service that is still Draining.", "Creation of service was not idempotent."]
        {
            assert_eq!(classify("InvalidParameterException", message), Class::InUse, "{message}");
        }
    }
}
