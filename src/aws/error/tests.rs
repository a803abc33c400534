use super::*;

/// What AWS says, and what it means, by operation where that matters.
const MEANINGS: &[(ErrorClass, &str, &str, &str)] = &[
    (
        ErrorClass::Denied,
        "ec2:CreateVpc",
        "AuthFailure",
        "AWS was not able to validate the provided access credentials",
    ),
    (ErrorClass::Throttled, "iam:CreateRole", "ConcurrentModification", "Please try again"),
    (
        ErrorClass::Throttled,
        "iam:TagRole",
        "ConcurrentModificationException",
        "Multiple requests to change this object",
    ),
    (
        ErrorClass::Rejected,
        "ecs:RegisterTaskDefinition",
        "ClientException",
        "No Fargate configuration exists for given values",
    ),
    (
        ErrorClass::InUse,
        "logs:CreateLogGroup",
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ),
    (
        ErrorClass::InUse,
        "s3:CreateBucket",
        "OperationAborted",
        "A conflicting conditional operation is in progress",
    ),
    (
        ErrorClass::EventuallyConsistent,
        "ecs:CreateCluster",
        "InvalidParameterException",
        "Unable to assume the service linked role. Please verify that it exists.",
    ),
    (
        ErrorClass::EventuallyConsistent,
        "ecs:CreateService",
        "InvalidParameterException",
        "The role with name web-task cannot be assumed.",
    ),
    (
        ErrorClass::EventuallyConsistent,
        "ecs:RegisterTaskDefinition",
        "ClientException",
        "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/web'",
    ),
    (
        ErrorClass::EventuallyConsistent,
        "iam:CreateRole",
        "MalformedPolicyDocument",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/web\"",
    ),
    (
        ErrorClass::Rejected,
        "rds:ModifyDBInstance",
        "InvalidParameterCombination",
        "Cannot find version 16.99 for postgres",
    ),
    (ErrorClass::InUse, "acm:RequestCertificate", "ConflictException", "Wait for the previous operation to finish"),
    (ErrorClass::Throttled, "ec2:CreateTags", "ConcurrentTagAccess", "Concurrent tag access"),
    (ErrorClass::Throttled, "acm:AddTagsToCertificate", "LimitExceededException", "Rate of tag calls"),
    (
        ErrorClass::Rejected,
        "acm:RequestCertificate",
        "LimitExceededException",
        "you have reached your limit of 20 certificates",
    ),
    (ErrorClass::Rejected, "iam:CreateRole", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"),
    (
        ErrorClass::Denied,
        "iam:PassRole",
        "AccessDeniedException",
        "User: ci is not authorized to perform: iam:PassRole on resource: web-task",
    ),
];

#[test]
fn what_aws_says_means_one_thing() {
    for (class, operation, code, message) in MEANINGS {
        assert_eq!(classify(operation, code, message), *class, "{operation}: {code}: {message}");
        let error = CloudError::new(operation, &format!("com.amazonaws#{code}"), *message);
        assert_eq!(error.class, *class, "with its namespace: {operation}: {code}: {message}");
    }
}

/// The SDK brings the list of throttling codes.
#[cfg(feature = "aws")]
#[test]
fn codes_that_mean_the_same_whatever_they_say() {
    let throttled = "Throttling ThrottlingException ThrottledException RequestThrottledException \
                     TooManyRequestsException ProvisionedThroughputExceededException TransactionInProgressException \
                     RequestLimitExceeded BandwidthLimitExceeded RequestThrottled SlowDown PriorRequestNotComplete \
                     EC2ThrottledException Throttled";
    let denied = "ExpiredToken ExpiredTokenException RequestExpired InvalidClientTokenId UnrecognizedClientException \
                  RegionDisabledException SignatureDoesNotMatch InvalidSignatureException RequestTimeTooSkewed \
                  AccessDenied AccessDeniedException UnauthorizedOperation";
    for (codes, class) in [(throttled, ErrorClass::Throttled), (denied, ErrorClass::Denied)] {
        for code in codes.split_whitespace() {
            assert_eq!(classify("ec2:DescribeVpcs", code, ""), class, "{code}");
        }
    }
}

/// Who may not call is not told to change a policy that has nothing to do with it.
#[test]
fn each_denial_has_its_remedy() {
    let policy = "User: ci is not authorized to perform: ecs:CreateCluster on resource: arn";
    for (code, message, remedy) in [
        ("ExpiredToken", "The security token included in the request is expired", "log in again"),
        ("RequestExpired", "Request has expired.", "log in again"),
        ("InvalidClientTokenId", "The security token included in the request is invalid.", "enabled"),
        ("UnrecognizedClientException", "The security token included in the request is invalid.", "enabled"),
        ("RegionDisabledException", "", "enabled"),
        ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than", "clock"),
        ("InvalidSignatureException", "Signature not yet current", "clock"),
        ("RequestTimeTooSkewed", "", "clock"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", "secret access key"),
        (
            "AccessDeniedException",
            &format!("{policy} with an explicit deny in a service control policy"),
            "organization",
        ),
        ("AccessDenied", &format!("{policy} because no permissions boundary allows it"), "permissions boundary"),
        ("AccessDenied", &format!("{policy} because no session policy allows it"), "session policy"),
        ("AccessDenied", &format!("{policy} because no identity-based policy allows it"), "add it to their policy"),
        (
            "AccessDenied",
            &format!("{policy} with an explicit deny in an identity-based policy"),
            "denied explicitly",
        ),
        ("UnauthorizedOperation", "You are not authorized to perform this operation.", "add it to their policy"),
        ("NoCredentials", "no credentials found in chain", "no credentials were found"),
        ("NotSent", "invalid endpoint", "AWS_ENDPOINT_URL"),
        ("IncompleteResponse", "its body is empty", "proxies"),
        ("", "io error: client error (Connect): invalid peer certificate: UnknownIssuer", "AWS_CA_BUNDLE"),
    ] {
        let error = CloudError::new("ecs:CreateCluster", code, message);
        let said = error.help().unwrap_or_default();
        assert!(said.contains(remedy), "{code}: {message}: {said}");
    }
    assert_eq!(CloudError::new("ec2:CreateVpc", "VpcLimitExceeded", "no more").help(), None);
}
