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
        Self { operation: operation.to_owned(), code: code.to_owned(), message, request_id: String::new(), class }
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

/// Codes and wordings as the services' API references list them; the patterns are narrow, so that a real
/// denial still surfaces at once.
pub(super) fn classify(operation: &str, code: &str, message: &str) -> ErrorClass {
    let code = code.rsplit('#').next().unwrap_or(code);
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
        "ClientException" if says("too many concurrent attempts to create a new revision") => ErrorClass::Throttled,
        // So EC2 says that an address still belongs to a NAT gateway, also to one that is deleted already.
        "AuthFailure" if says("do not have permission to access the specified resource") => ErrorClass::InUse,
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
        | "InvalidIPAddress.InUse"
        | "CannotDelete"
        | "InvalidGroup.InUse"
        | "ClusterContainsServicesException"
        | "ClusterContainsTasksException"
        | "ClusterContainsContainerInstancesException"
        | "InvalidDBSubnetGroupStateFault"
        | "InvalidDBSubnetStateFault"
        | "InvalidDBInstanceState"
        | "InvalidDBInstanceStateFault"
        | "UpdateInProgressException"
        | "OperationAborted"
        | "OperationAbortedException"
        | "ConflictException"
        // Until the load balancer that it had is gone.
        | "TargetGroupAssociationLimit"
        | "DuplicateRequest" => ErrorClass::InUse,
        "InvalidParameterValue"
        | "InvalidParameterException"
        | "ClientException"
        | "ValidationError"
        | "MalformedPolicyDocument"
            if says("cannot be assumed")
                || says("unable to assume the role")
                // The first cluster or service of an account makes that role.
                || says("unable to assume the service linked role")
                || says("ecs service role being passed has the proper permissions")
                || says("invalid principal in policy") =>
        {
            ErrorClass::EventuallyConsistent
        }
        "InvalidParameterException" if says("does not have an associated load balancer") => ErrorClass::EventuallyConsistent,
        "InvalidParameterException"
            if says("still draining")
                || says("was not idempotent")
                || says("cannot be stopped while deployments are active") =>
        {
            ErrorClass::InUse
        }
        "InvalidParameterCombination" if says("previous storage change is being optimized") => ErrorClass::InUse,
        "AuthFailure.ServiceLinkedRole" => ErrorClass::EventuallyConsistent,
        _ if code.ends_with(".NotFound")
            || code.ends_with("NotFound")
            || code.ends_with("NotFoundFault")
            || code.ends_with("NotFoundException")
            || code == "NoSuchEntity"
            || code == "ParameterNotFound"
            || code == "NoSuchHostedZone"
            // SSM, of tags of a parameter that is gone.
            || code == "InvalidResourceId"
            || code == "ServiceNotActiveException" =>
        {
            ErrorClass::NotFound
        }
        _ if code.contains("AlreadyExists") || code.contains("Duplicate") || code == "EntityAlreadyExists" => {
            ErrorClass::AlreadyExists
        }
        _ => ErrorClass::Rejected,
    }
}

#[cfg(test)]
mod tests;
