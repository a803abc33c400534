use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_types::retry::ErrorKind;

use super::*;

type Failed = SdkError<GetCallerIdentityError, HttpResponse>;

fn during(error: Failed) -> CloudError {
    Err::<(), _>(error).during("sts:GetCallerIdentity").expect_err("it failed")
}

#[test]
fn what_was_not_sent_is_final() {
    for error in [
        Failed::dispatch_failure(ConnectorError::other("no credentials found in chain".into(), None)),
        Failed::construction_failure("a member is missing"),
    ] {
        let error = during(error);
        assert_eq!((error.class, error.code.as_str()), (Class::Refused, "NotSent"), "{error}");
    }
    let error = during(Failed::dispatch_failure(ConnectorError::other("no endpoint".into(), None)));
    assert_eq!(error.to_string(), "sts:GetCallerIdentity: NotSent: no endpoint");
}

#[test]
fn the_request_is_not_quoted() {
    let quoting = "failed to apply endpoint `nowhere` to request `Request { body: SdkBody { hunter2 } }`";
    let error = during(Failed::dispatch_failure(ConnectorError::other(quoting.into(), None)));
    assert_eq!(error.message, "failed to apply endpoint `nowhere`");
}

#[test]
fn what_failed_on_the_way_is_unanswered() {
    let refused = ConnectorError::io("Connection refused".into());
    for error in [
        ConnectorError::io("Connection refused".into()),
        ConnectorError::timeout("no answer".into()),
        ConnectorError::other("no HTTP".into(), Some(ErrorKind::TransientError)),
        // Credentials that are fetched.
        ConnectorError::other(refused.into(), None),
        ConnectorError::other("identity resolver timed out after 5s".into(), None),
    ] {
        let error = during(Failed::dispatch_failure(error));
        assert!(error.is(Class::Unanswered), "{error}");
    }
    assert!(during(Failed::timeout_error("it took too long")).is(Class::Unanswered));
    let response = HttpResponse::new(200.try_into().expect("a status"), "{".into());
    assert!(during(Failed::response_error("it cannot be parsed", response)).is(Class::Unanswered));
}

#[test]
fn an_unusable_answer_says_why() {
    let unusable = || Unusable::Incomplete { status: 200, why: "its body is empty".to_owned() };
    let response = HttpResponse::new(200.try_into().expect("a status"), "".into());
    let error = during(Failed::response_error(unusable(), response));
    let text = "no whole answer of AWS came back (status 200): its body is empty";
    assert_eq!(error.to_string(), format!("sts:GetCallerIdentity: IncompleteAnswer: {text}"));
    assert!(error.is(Class::Unanswered));
    let large = ConnectorError::user(Unusable::TooLarge { limit: 64 << 20 }.into());
    assert_eq!(during(Failed::dispatch_failure(large)).code, "AnswerTooLarge");
}

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
