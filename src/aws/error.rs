mod help;

use std::fmt;

#[cfg(feature = "aws")]
use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use help::help;

/// A call to the cloud that failed: which, with what code, and what may help.
#[derive(Clone, Debug)]
pub struct CloudError {
    /// `service:Operation`, as in `ec2:CreateVpc`.
    pub operation: String,
    /// AWS's error code, as in `DependencyViolation`; empty when no answer came.
    pub code: String,
    pub message: String,
    pub request_id: String,
    pub class: ErrorClass,
    /// Whether a kind has said what it means ([`Self::meant_by`]): what is known of the object's state since then, no
    /// list of codes undoes.
    pub is_meant: bool,
}

/// What an error means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The object does not exist.
    NotFound,
    /// Something else still refers to the object, or is still being deleted.
    InUse,
    /// Something that was just created is not visible everywhere yet.
    EventuallyConsistent,
    /// The name is in use.
    AlreadyExists,
    /// The caller is not authorized, or not authenticated.
    Denied,
    /// Too many calls.
    Throttled,
    /// No response, or a response of 5xx: the call may have taken effect.
    Ambiguous,
    /// Not sent, since the lock of this run may have expired.
    Fenced,
    /// The call was rejected.
    Rejected,
}

/// What AWS answers in one kind's calls, and means there otherwise than elsewhere. A code that many services have, with
/// one meaning, belongs into `classify`.
#[derive(Debug)]
pub struct OwnError {
    /// AWS's code, as in `InvalidParameterException`.
    pub code: &'static str,
    /// What its message contains, in lower case. Empty where the code is enough.
    pub words: &'static str,
    pub class: ErrorClass,
    /// A message of AWS's with that code, in full.
    pub example: &'static str,
}

/// A cloud file throttles nobody.
#[cfg(not(feature = "aws"))]
const THROTTLING_ERRORS: &[&str] = &[];

/// The code of a call that was not made for want of credentials.
pub const NO_CREDENTIALS: &str = "NoCredentials";

/// The code of a call that failed before it was sent: a retry does not help.
pub const NOT_SENT: &str = "NotSent";

impl CloudError {
    pub fn new(operation: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let class = classify(operation, code, &message);
        let (operation, code, request_id) = (operation.to_owned(), code.to_owned(), String::new());
        Self { operation, code, message, request_id, class, is_meant: false }
    }

    /// A bug of Baseplate.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("baseplate", "Internal", message)
    }

    /// What was created is not in this operation's response: it is not visible yet, or was deleted meanwhile. It is
    /// retried within the limit for eventual consistency.
    pub fn not_shown(operation: &str) -> Self {
        let message = "it was created, but is not visible yet or was deleted since; if it was deleted, apply again";
        Self { class: ErrorClass::EventuallyConsistent, ..Self::new(operation, "", message) }
    }

    /// The same as it is meant in the calls of the kind that has these errors of its own.
    #[must_use]
    pub fn meant_by(mut self, own: &[OwnError]) -> Self {
        if self.is_meant {
            return self;
        }
        self.is_meant = true;
        let message = self.message.to_ascii_lowercase();
        let code = plain(&self.code);
        if let Some(known) = own.iter().find(|known| known.code == code && message.contains(known.words)) {
            self.class = known.class;
        }
        self
    }

    pub fn is(&self, class: ErrorClass) -> bool {
        self.class == class
    }

    /// What to do about an error of credentials, permissions or the connection.
    pub fn help(&self) -> Option<&'static str> {
        help(self)
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

/// A code without its namespace.
fn plain(code: &str) -> &str {
    code.rsplit('#').next().unwrap_or(code)
}

/// The codes that many services have, as their API references list them; what one kind's calls have, that kind brings
/// ([`OwnError`]). The patterns are narrow, so that a real denial still surfaces at once.
pub(super) fn classify(operation: &str, code: &str, message: &str) -> ErrorClass {
    let code = plain(code);
    let message = message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    match code {
        // Besides the SDK's own list.
        "Throttled"
        | "TooManyUpdates"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "ConcurrentTagAccess" => ErrorClass::Throttled,
        // The SDK has it in its list, too; but of most calls it means a quota, which waiting does not raise.
        "LimitExceeded" | "LimitExceededException" if operation.contains("Tag") => ErrorClass::Throttled,
        "LimitExceeded" | "LimitExceededException" => ErrorClass::Rejected,
        _ if THROTTLING_ERRORS.contains(&code) => ErrorClass::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RegionDisabledException"
        | "OptInRequired"
        | "MissingAuthenticationToken" => ErrorClass::Denied,
        "DependencyViolation"
        | "ResourceInUse"
        | "ResourceInUseException"
        | "DeleteConflict"
        | "UpdateInProgressException"
        | "OperationAborted"
        | "OperationAbortedException"
        | "ConflictException" => ErrorClass::InUse,
        // A role that was just made, or that a service's first use makes, and whoever a policy names.
        "InvalidParameterValue"
        | "InvalidParameterException"
        | "ClientException"
        | "ValidationError"
        | "MalformedPolicyDocument"
            if says("cannot be assumed")
                || says("unable to assume the role")
                || says("unable to assume the service linked role")
                || says("invalid principal in policy") =>
        {
            ErrorClass::EventuallyConsistent
        }
        "AuthFailure.ServiceLinkedRole" => ErrorClass::EventuallyConsistent,
        _ if code.ends_with("NotFound")
            || code.ends_with("NotFoundFault")
            || code.ends_with("NotFoundException")
            // Of IAM (`NoSuchEntity`), Route 53 and S3.
            || code.starts_with("NoSuch") =>
        {
            ErrorClass::NotFound
        }
        _ if code.contains("AlreadyExists") || code.contains("Duplicate") => ErrorClass::AlreadyExists,
        _ => ErrorClass::Rejected,
    }
}

#[cfg(test)]
mod tests;
