use serde_json::{Value, json};

use super::*;

const GROUP: &str = "sg-0a1b2c3d4e5f60718";
const OWN_AGENT: &str = "aws-sdk-rust/1.4.1 ua/2.1 api/ec2/1.246.0 os/linux lang/rust/1.94.1 m/E,b app/baseplate";

fn group() -> Subject {
    Subject {
        key: "security_group_rules.app".to_owned(),
        names: vec![GROUP.to_owned()],
        text: None,
        is_global: false,
        is_by_hand: false,
    }
}

/// An administrator who opens a port in the console, as CloudTrail records it; with `other` members in place of those.
fn opened(time: &str, other: &Value) -> Event {
    let mut record = json!({
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEEXAMPLE123:alice",
            "arn": "arn:aws:sts::123456789012:assumed-role/admin/alice",
            "accountId": "123456789012",
            "accessKeyId": "ASIAEXAMPLEEXAMPLE12",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEEXAMPLE123",
                    "arn": "arn:aws:iam::123456789012:role/admin",
                    "accountId": "123456789012",
                    "userName": "admin",
                },
                "attributes": { "creationDate": "2026-11-28T01:00:00Z", "mfaAuthenticated": "true" },
            },
        },
        "eventTime": time,
        "eventSource": "ec2.amazonaws.com",
        "eventName": "AuthorizeSecurityGroupIngress",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0",
        "requestParameters": { "groupId": GROUP, "ipPermissions": { "items": [{ "fromPort": 5432, "toPort": 5432 }] } },
        "responseElements": { "_return": true },
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
        "sessionCredentialFromConsole": "true",
    });
    let members = record.as_object_mut().expect("a record");
    for (name, value) in other.as_object().expect("members") {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    Event { record: record.to_string(), resources: vec![GROUP.to_owned()] }
}

fn at(time: &str) -> Event {
    opened(time, &json!({}))
}

fn last(events: &[Event]) -> Option<LastChange> {
    last_change(&group(), events, "baseplate")
}

/// Who is named by one event with these members.
fn said(other: &Value) -> String {
    last(&[opened("2026-11-28T01:20:33Z", other)]).expect("it changed the group").to_string()
}

fn by(identity: &Value) -> String {
    let event = opened("2026-11-28T01:20:33Z", &json!({ "userIdentity": identity }));
    last(&[event]).expect("it changed the group").by
}

#[test]
fn who_called_is_named_with_what() {
    let alice = "last changed by arn:aws:sts::123456789012:assumed-role/admin/alice, 2026-11-28T01:20:33Z, \
                 AuthorizeSecurityGroupIngress";
    assert_eq!(said(&json!({})), format!("{alice} (console)"));
    for (agent, with) in [
        ("aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux", " (AWS CLI)"),
        ("aws-cli/2.31.0 exec-env/CloudShell ua/2.1", " (CloudShell)"),
        (
            "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 terraform-provider-aws/6.20.0 aws-sdk-go-v2/1.39.6",
            " (Terraform)",
        ),
        ("Boto3/1.40.0 md/Botocore#1.40.0 ua/2.1", " (boto3)"),
        ("console.amazonaws.com", " (console)"),
        ("something of their own", ""),
    ] {
        let said = said(&json!({ "userAgent": agent, "sessionCredentialFromConsole": null }));
        assert_eq!(said, format!("{alice}{with}"));
    }
    assert_eq!(last(&[at("2026-11-28T01:20:33Z")]).and_then(|last| last.from).as_deref(), Some("203.0.113.7"));
}

#[test]
fn every_sort_of_principal_is_named() {
    for (identity, name) in [
        (
            json!({ "type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/bob", "userName": "bob" }),
            "arn:aws:iam::123456789012:user/bob",
        ),
        (
            json!({
                "type": "AssumedRole",
                "arn": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@town.example",
            }),
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@town.example",
        ),
        (
            json!({ "type": "Root", "principalId": "123456789012", "arn": "arn:aws:iam::123456789012:root" }),
            "arn:aws:iam::123456789012:root",
        ),
        (json!({ "type": "AWSService", "invokedBy": "rds.amazonaws.com" }), "rds.amazonaws.com"),
        (json!({ "type": "AWSService" }), "an AWS service"),
        (
            json!({
                "type": "AssumedRole",
                "arn": "arn:aws:sts::123456789012:assumed-role/scaling/AutoScaling",
                "invokedBy": "application-autoscaling.amazonaws.com",
            }),
            "arn:aws:sts::123456789012:assumed-role/scaling/AutoScaling through application-autoscaling.amazonaws.com",
        ),
        (
            json!({ "type": "AWSAccount", "principalId": "AROAOTHER:eve", "accountId": "210987654321" }),
            "AROAOTHER:eve of account 210987654321",
        ),
        (json!({ "type": "SAMLUser", "userName": "carol" }), "carol"),
        (json!({ "type": "AWSAccount", "accountId": "210987654321" }), "account 210987654321"),
        (json!({}), "somebody whom CloudTrail does not name"),
    ] {
        assert_eq!(by(&identity), name, "{identity}");
    }
}

#[test]
fn the_newest_is_shown_and_the_others_are_counted() {
    let events = ["2026-11-27T09:00:00Z", "2026-11-28T01:20:33Z", "2026-11-27T10:00:00Z"].map(at);
    let found = last(&events).expect("a change");
    assert_eq!((found.at.as_str(), found.earlier), ("2026-11-28T01:20:33Z", 2));
    assert!(found.to_string().ends_with(" (console); 2 earlier changes"), "{found}");
    assert!(last(&events[..2]).expect("a change").to_string().ends_with("; one earlier change"));
}

#[test]
fn what_changed_nothing_is_passed_over() {
    let time = "2026-11-28T01:20:33Z";
    for other in [
        json!({ "errorCode": "Client.UnauthorizedOperation", "errorMessage": "You are not authorized" }),
        json!({ "readOnly": true, "eventName": "DescribeSecurityGroups" }),
        json!({ "eventName": "CreateNetworkInterface" }),
        json!({ "eventName": "" }),
    ] {
        let event = opened(time, &other);
        assert!(!is_changed(&group(), std::slice::from_ref(&event)), "{other}");
        assert_eq!(last(&[event]), None, "{other}");
    }
    let older = last(&[
        opened(time, &json!({ "errorCode": "Client.InvalidPermission.Duplicate" })),
        at("2026-11-01T00:00:00Z"),
    ]);
    assert_eq!(older.map(|last| last.at).as_deref(), Some("2026-11-01T00:00:00Z"), "the one before it counts");
    // Records of older versions do not say whether a call reads.
    assert!(last(&[opened(time, &json!({ "readOnly": null }))]).is_some());
    assert_eq!(last(&[]), None);
    assert_eq!(last(&[Event { record: "no JSON".to_owned(), ..Event::default() }]), None);
}

/// The network interface itself is what somebody made.
#[test]
fn what_made_an_object_counts_for_it() {
    let made = opened("2026-11-28T01:20:33Z", &json!({ "eventName": "CreateNetworkInterface" }));
    let subject = Subject { is_by_hand: true, ..group() };
    assert!(last_change(&subject, &[made], "baseplate").is_some());
}

#[test]
fn a_call_of_baseplate_ends_the_search() {
    let own = |time| opened(time, &json!({ "userAgent": OWN_AGENT, "sessionCredentialFromConsole": null }));
    let before = at("2026-11-27T09:00:00Z");
    assert_eq!(last(&[own("2026-11-28T01:20:33Z"), before.clone()]), None, "an apply has put that right");
    let found = last(&[before, own("2026-11-26T00:00:00Z"), at("2026-11-25T00:00:00Z")]).expect("a change");
    assert_eq!((found.at.as_str(), found.earlier), ("2026-11-27T09:00:00Z", 0));
    // Under the name that the environment gave it; another program of the same SDK is not Baseplate.
    let events = [own("2026-11-28T01:20:33Z")];
    assert!(last_change(&group(), &events, "town-pipeline").is_some());
    let other = OWN_AGENT.replace("app/baseplate", "app/baseplate-of-others");
    assert!(last(&[opened("2026-11-28T01:20:33Z", &json!({ "userAgent": other }))]).is_some());
    let failed = opened("2026-11-28T01:20:33Z", &json!({ "userAgent": OWN_AGENT, "errorCode": "Client.DryRun" }));
    assert!(last(&[failed, at("2026-11-27T09:00:00Z")]).is_some(), "it has put nothing right");
}

#[test]
fn what_is_about_another_object_is_passed_over() {
    let mut event = at("2026-11-28T01:20:33Z");
    event.resources = vec!["sg-0ffffffffffffffff".to_owned()];
    assert_eq!(last(std::slice::from_ref(&event)), None);
    event.resources.push(GROUP.to_owned());
    assert!(last(&[event]).is_some());
    // All records of a zone have their events under its id.
    let record = |name: &str| {
        let batch =
            json!({ "changes": [{ "action": "UPSERT", "resourceRecordSet": { "name": name, "type": "A" } }] });
        let other = json!({
            "eventName": "ChangeResourceRecordSets",
            "requestParameters": { "hostedZoneId": "Z0EXAMPLE", "changeBatch": batch },
        });
        Event { resources: vec!["Z0EXAMPLE".to_owned()], ..opened("2026-11-28T01:20:33Z", &other) }
    };
    let subject =
        Subject { names: vec!["Z0EXAMPLE".to_owned()], text: Some("www.town.example".to_owned()), ..group() };
    assert!(last_change(&subject, &[record("www.town.example.")], "baseplate").is_some());
    assert_eq!(last_change(&subject, &[record("api.town.example.")], "baseplate"), None);
}
