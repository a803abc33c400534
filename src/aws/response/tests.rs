use aws_smithy_types::body::SdkBody;

use super::*;

const JSON: bool = true;
const XML: bool = false;

/// For every service in use an operation, what its whole answer may look like, and whether it speaks JSON.
const SERVICES: [(&str, &str, bool, &str); 15] = [
    (
        "ACM",
        "ListCertificates",
        JSON,
        r#"{"CertificateSummaryList": [{"CertificateArn": "arn"}], "NextToken": "more"}"#,
    ),
    (
        "CloudWatch Logs",
        "DescribeLogGroups",
        JSON,
        r#"{"logGroups": [{"logGroupName": "a"}], "nextToken": "more"}"#,
    ),
    (
        "EC2",
        "DescribeVpcs",
        XML,
        "<?xml version=\"1.0\"?>\n<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1\
         </requestId><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet><nextToken>more</nextToken></DescribeVpcsResponse>",
    ),
    (
        "EC2",
        "DeleteVpc",
        XML,
        "<DeleteVpcResponse><requestId>1</requestId><return>true</return></DeleteVpcResponse>",
    ),
    ("ECR", "DescribeRepositories", JSON, r#"{"repositories": [], "nextToken": "more"}"#),
    ("ECS", "ListServices", JSON, r#"{"serviceArns": ["arn"], "nextToken": "more"}"#),
    (
        "Elastic Load Balancing v2",
        "DescribeRules",
        XML,
        "<DescribeRulesResponse><DescribeRulesResult><Rules><member><Priority>1</Priority></member></Rules>\
         <NextMarker>more</NextMarker></DescribeRulesResult></DescribeRulesResponse>",
    ),
    (
        "IAM",
        "GetAccountAuthorizationDetails",
        XML,
        "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><IsTruncated>true</IsTruncated>\
         <Marker>more</Marker></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>",
    ),
    (
        "RDS",
        "DescribeDBInstances",
        XML,
        "<DescribeDBInstancesResponse><DescribeDBInstancesResult><Marker>more</Marker><DBInstances/>\
         </DescribeDBInstancesResult></DescribeDBInstancesResponse>",
    ),
    (
        "Resource Groups Tagging API",
        "GetResources",
        JSON,
        r#"{"PaginationToken": "more", "ResourceTagMappingList": []}"#,
    ),
    (
        "Route 53",
        "ListResourceRecordSets",
        XML,
        "<ListResourceRecordSetsResponse><ResourceRecordSets/><IsTruncated>false</IsTruncated>\
         </ListResourceRecordSetsResponse>",
    ),
    ("ServiceDiscovery", "ListServices", JSON, r#"{"Services": [], "NextToken": "more"}"#),
    ("SSM", "GetParametersByPath", JSON, r#"{"Parameters": [{"Name": "a \"}"}], "NextToken": "more"}"#),
    ("SSM", "AddTagsToResource", JSON, "{}"),
    (
        "STS",
        "GetCallerIdentity",
        XML,
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>",
    ),
];

/// What an error of each protocol looks like.
const XML_ERRORS: [&str; 3] = [
    "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>no</Message></Error></Errors></Response>",
    "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>",
    "<InvalidChangeBatch><Messages><Message>no</Message></Messages></InvalidChangeBatch>",
];
const JSON_ERROR: &str = r#"{"__type": "com.amazonaws.ssm#ParameterNotFound", "message": "no"}"#;

const PAGE: &str = "<!DOCTYPE html>\n<html><body><form action=\"/login\"></form></body></html>";

fn answer(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body))
}

fn check(
    service: &'static str,
    operation: &'static str,
    json: bool,
    response: &HttpResponse,
) -> Result<Option<String>, InvalidResponse> {
    checked(&Metadata::new(operation, service), json, response)
}

#[test]
fn whole_answers_of_every_service() {
    for (service, operation, json, body) in SERVICES {
        let next = check(service, operation, json, &answer(200, body));
        let expected = body.contains("more").then(|| "more".to_owned());
        assert_eq!(next, Ok(expected), "{service} {operation}");
    }
    for body in XML_ERRORS {
        assert_eq!(check("EC2", "DescribeVpcs", XML, &answer(400, body)), Ok(None), "{body}");
    }
    assert_eq!(check("SSM", "GetParameter", JSON, &answer(400, JSON_ERROR)), Ok(None));
}

/// Cut at any place, in the encoding of any: there is no answer of which a part is an answer.
#[test]
fn a_part_of_an_answer_is_none() {
    for (service, operation, json, body) in SERVICES {
        for end in 0..body.len() {
            let part = check(service, operation, json, &answer(200, &body[..end]));
            assert!(
                part.as_ref().is_err_and(|error| error.class() == ErrorClass::Ambiguous),
                "{service} {operation}: {part:?} for {}",
                &body[..end]
            );
        }
    }
    for (json, body) in XML_ERRORS.map(|body| (XML, body)).into_iter().chain([(JSON, JSON_ERROR)]) {
        for end in 0..body.len() {
            assert!(check("EC2", "DescribeVpcs", json, &answer(400, &body[..end])).is_err(), "{}", &body[..end]);
        }
    }
}

#[test]
fn what_is_not_of_aws_is_no_answer() {
    for (service, operation, json, _) in SERVICES {
        for status in [200, 302, 403, 407, 500, 502] {
            for body in
                [PAGE, "\u{feff} <HTML>", "OK", "Bad Gateway", r#"["a", "b", "c", 1, 2, 3]"#, r#""{}""#, "\0"]
            {
                let answer = check(service, operation, json, &answer(status, body));
                let error = answer.expect_err(body);
                assert_eq!(error.class(), ErrorClass::Ambiguous, "{service} {operation}, {status}: {body}");
                let is_page = matches!(error, InvalidResponse::Incomplete { source: InvalidBody::WebPage, .. });
                assert_eq!(is_page, body == PAGE || body.contains("HTML"), "{error}");
            }
        }
    }
    let denied = check("SSM", "GetParameter", JSON, &answer(403, r#"{"error": "blocked by policy"}"#));
    assert_eq!(denied, Err(InvalidResponse::Incomplete { status: 403, source: InvalidBody::NoCode }));
}

/// An answer to something else, as a cache may send it.
#[test]
fn the_answer_to_another_call_is_none() {
    for (service, _, json, body) in SERVICES.iter().filter(|(_, _, json, _)| *json == XML) {
        let source = InvalidBody::OtherOperation("DescribeSubnets".to_owned());
        let answer = check(service, "DescribeSubnets", *json, &answer(200, body));
        assert_eq!(answer, Err(InvalidResponse::Incomplete { status: 200, source }), "{body}");
    }
}

#[test]
fn an_empty_body_is_an_answer_where_aws_sends_none_and_says_so() {
    let mut known = answer(200, "");
    known.headers_mut().insert("x-amzn-requestid", "0a1b");
    for (service, operation, json, _) in SERVICES {
        assert!(check(service, operation, json, &known).is_err(), "{service} {operation}");
    }
    for (service, operation) in WITHOUT_BODY {
        assert_eq!(check(service, operation, JSON, &known), Ok(None), "{operation}");
        assert!(check(service, operation, JSON, &answer(200, "")).is_err(), "{operation}");
        assert_eq!(check(service, operation, JSON, &answer(200, "{}")), Ok(None), "{operation}");
    }
    assert!(check("ECS", "TagResource", JSON, &known).is_err());
    let mut error = answer(400, "");
    assert!(check("SSM", "GetParameter", JSON, &error).is_err());
    error.headers_mut().insert("x-amzn-errortype", "ParameterNotFound");
    assert_eq!(check("SSM", "GetParameter", JSON, &error), Ok(None));
}

#[test]
fn a_bare_refusal_of_more_calls_is_throttling() {
    let class = |operation, status, body| {
        let error = check("EC2", operation, XML, &answer(status, body)).expect_err(body);
        error.class()
    };
    for body in ["", PAGE, "slow down"] {
        assert_eq!(class("DescribeVpcs", 429, body), ErrorClass::Throttled);
        assert_eq!(class("CreateVpc", 429, body), ErrorClass::Throttled);
        assert_eq!(class("DescribeVpcs", 503, body), ErrorClass::Throttled);
        // It may have been made before the answer was lost.
        assert_eq!(class("CreateVpc", 503, body), ErrorClass::Ambiguous);
    }
}

#[test]
fn an_error_in_the_older_form_of_route_53_is_read() {
    let body = "<?xml version=\"1.0\"?>\n<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
                <Messages><Message>Tried to create [name=&apos;a.example.&apos;] but it already exists</Message>\
                <Message>and b</Message></Messages></InvalidChangeBatch>";
    let message = "Tried to create [name='a.example.'] but it already exists; and b";
    assert_eq!(older_error(&answer(400, body)), Some(("InvalidChangeBatch".to_owned(), message.to_owned())));
    for body in XML_ERRORS.iter().take(2).chain([&JSON_ERROR, &PAGE]) {
        assert_eq!(older_error(&answer(400, body)), None, "{body}");
    }
}
