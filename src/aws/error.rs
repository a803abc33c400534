mod remedy;

use std::fmt;

use remedy::remedy;

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

/// The code of a call that failed before it was made: asking again does not help.
pub const NOT_SENT: &str = "NotSent";

impl CloudError {
    pub fn new(operation: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let class = classify(operation, code, &message);
        Self { operation: operation.to_owned(), code: code.to_owned(), message, request_id: String::new(), class }
    }

    /// A fault of Baseplate itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("baseplate", "Internal", message)
    }

    /// What was made is not in this operation's answer. AWS tells of it with a delay, or somebody deleted it meanwhile:
    /// this passes, or not within the time that is given to such a delay.
    pub fn not_shown(operation: &str) -> Self {
        let message = "it was created, but is not visible yet or was deleted since; if it was deleted, apply again";
        Self { class: Class::Propagating, ..Self::new(operation, "", message) }
    }

    pub fn is(&self, class: Class) -> bool {
        self.class == class
    }

    /// What helps where a call failed for who made it, or for how it was made.
    pub fn remedy(&self) -> Option<&'static str> {
        remedy(self)
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
pub(super) fn classify(operation: &str, code: &str, message: &str) -> Class {
    let code = code.rsplit('#').next().unwrap_or(code);
    let message = message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    match code {
        // The SDK's own list, and what else means it.
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException"
        | "TransactionInProgressException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "RequestThrottled"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException"
        | "Throttled"
        | "TooManyUpdates"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "ConcurrentTagAccess" => Class::Throttled,
        // The SDK has it in its list, too; but of most calls it means a quota, which waiting does not raise.
        "LimitExceeded" | "LimitExceededException" if operation.contains("Tag") => Class::Throttled,
        "ClientException" if says("too many concurrent attempts to create a new revision") => Class::Throttled,
        // So EC2 says that an address still belongs to a NAT gateway, also to one that is deleted already.
        "AuthFailure" if says("do not have permission to access the specified resource") => Class::InUse,
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
                || says("ecs service role being passed has the proper permissions")
                || says("invalid principal in policy") =>
        {
            Class::Propagating
        }
        "InvalidParameterException" if says("does not have an associated load balancer") => Class::Propagating,
        "InvalidParameterException"
            if says("still draining")
                || says("was not idempotent")
                || says("cannot be stopped while deployments are active") =>
        {
            Class::InUse
        }
        "InvalidParameterCombination" if says("previous storage change is being optimized") => Class::InUse,
        "AuthFailure.ServiceLinkedRole" => Class::Propagating,
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
            Class::Missing
        }
        _ if code.contains("AlreadyExists") || code.contains("Duplicate") || code == "EntityAlreadyExists" => {
            Class::Taken
        }
        _ => Class::Refused,
    }
}

#[cfg(test)]
mod tests;
