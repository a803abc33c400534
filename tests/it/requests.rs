//! Requests are held against AWS's own models of its services (`tests/python/requests_model.py`): what that finds, and
//! that it fails the test which made the request.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::moto::Moto;

/// A request as Baseplate might send it.
#[derive(Clone)]
struct Request {
    service: &'static str,
    method: &'static str,
    path: String,
    target: &'static str,
    body: String,
}

fn form(service: &'static str, body: &str) -> Request {
    Request { service, method: "POST", path: "/".to_owned(), target: "", body: body.to_owned() }
}

fn json(service: &'static str, target: &'static str, body: &str) -> Request {
    Request { target, ..form(service, body) }
}

fn zone(method: &'static str, path: &str, body: &str) -> Request {
    let path = format!("/2013-04-01/hostedzone/{path}");
    Request { method, path, ..form("route53", body) }
}

const VPC: &str = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16";
const ROLE: &str = "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D";
const TOPIC: &str = "Action=CreateTopic&Version=2010-03-31&Name=t";
const DATABASE: &str =
    "Action=CreateDBInstance&Version=2014-10-31&DBInstanceIdentifier=d&DBInstanceClass=c&Engine=e";
const PUT: &str = "AmazonSSM.PutParameter";
const GET: &str = "AmazonSSM.GetParameters";
const IMPORT: &str = "CertificateManager.ImportCertificate";
const GROUP: &str = "Logs_20140328.CreateLogGroup";
const TASK: &str = "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition";

fn more(service: &'static str, body: &str, more: &str) -> Request {
    form(service, &format!("{body}&{more}"))
}

/// A change of one record, with this for the set of records.
fn records(set: &str) -> Request {
    let body = format!(
        r#"<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>
<Change><Action>UPSERT</Action><ResourceRecordSet>{set}</ResourceRecordSet></Change>
</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"#
    );
    zone("POST", "Z1/rrset/", &body)
}

fn sound() -> Vec<Request> {
    vec![
        more(
            "ec2",
            VPC,
            "AmazonProvidedIpv6CidrBlock=false&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=",
        ),
        form("ec2", "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=n&Filter.1.Value.1=v&MaxResults=5"),
        more("iam", ROLE, "MaxSessionDuration=3600&Description=&Tags=&Path=/"),
        more("iam", ROLE, "Tags.member.1.Key=st%C3%A4dte+1&Tags.member.1.Value=v"),
        more("sns", TOPIC, "Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=v"),
        more("rds", DATABASE, "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&MasterUserPassword=p&Iops=1"),
        form("sts", "Action=GetCallerIdentity&Version=2011-06-15"),
        json("ssm", PUT, r#"{"Name": "/a", "Value": "v", "Type": "String", "Overwrite": true, "KeyId": null}"#),
        json("logs", GROUP, r#"{"logGroupName": "/ecs/a_b", "tags": {"k": "v"}}"#),
        json("acm", IMPORT, r#"{"Certificate": "YQ==", "PrivateKey": "YQ=="}"#),
        json("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", "{}"),
        zone("GET", "Z1/rrset?name=a.example&type=A", ""),
        records(
            "<Name>a.example</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>10.0.0.1</Value></ResourceRecord></ResourceRecords>",
        ),
    ]
}

/// Each with all that is to be found about it.
fn unsound() -> Vec<(Request, Vec<String>)> {
    let found = |request: Request, found: &[&str]| (request, found.iter().map(|&one| one.to_owned()).collect());
    let long = |count: usize| "a".repeat(count);
    let names = |count: usize| json("ssm", GET, &format!(r#"{{"Names": [{}]}}"#, vec![r#""n""#; count].join(",")));
    let json_names = |names: &str| json("ssm", GET, &format!(r#"{{"Names": {names}}}"#));
    vec![
        // Members that are not known, and those that must be there.
        found(more("ec2", VPC, "Colour=red"), &["ec2:CreateVpc: Colour is unknown"]),
        found(
            more("ec2", VPC, "TagSpecification.1.Tag.1.Colour=red"),
            &["ec2:CreateVpc: TagSpecifications[0].Tags[0].Colour is unknown"],
        ),
        found(
            form("ec2", "Action=DeleteVpc&Version=2016-11-15"),
            &["ec2:DeleteVpc: VpcId is required, and missing"],
        ),
        found(
            json("ssm", PUT, r#"{"Name": "n", "Colour": "red", "Tags": [{"Key": "k"}]}"#),
            &[
                "ssm:PutParameter: Colour is unknown",
                "ssm:PutParameter: Value is required, and missing",
                "ssm:PutParameter: Tags[0].Value is required, and missing",
            ],
        ),
        found(zone("GET", "Z1/rrset?colour=red", ""), &["route53:ListResourceRecordSets: colour is unknown"]),
        found(
            records("<Name>a.example</Name><Colour>red</Colour>"),
            &[
                "route53:ChangeResourceRecordSets: ChangeBatch.Changes[0].ResourceRecordSet.Colour is unknown",
                "route53:ChangeResourceRecordSets: ChangeBatch.Changes[0].ResourceRecordSet.Type is required, and missing",
            ],
        ),
        // Types.
        found(
            more("ec2", VPC, "AmazonProvidedIpv6CidrBlock=maybe&Ipv4NetmaskLength=many&TagSpecification.1=x"),
            &[
                "ec2:CreateVpc: AmazonProvidedIpv6CidrBlock is no boolean: 'maybe'",
                "ec2:CreateVpc: Ipv4NetmaskLength is no integer: 'many'",
                "ec2:CreateVpc: TagSpecifications[0] is no structure: 'x'",
            ],
        ),
        found(
            more("ec2", VPC, "TagSpecification.2.ResourceType=vpc"),
            &["ec2:CreateVpc: TagSpecifications is not numbered from 1"],
        ),
        found(more("iam", ROLE, "Tags.1.Key=k"), &["iam:CreateRole: Tags has no members"]),
        found(
            more("sns", TOPIC, "Attributes.entry.1.key=k"),
            &["sns:CreateTopic: Attributes has an entry that is not key and value"],
        ),
        found(
            json("ssm", PUT, r#"{"Name": 5, "Value": "v", "Overwrite": "true", "Tags": {"k": "v"}}"#),
            &[
                "ssm:PutParameter: Name is no string: 5",
                "ssm:PutParameter: Overwrite is no boolean: 'true'",
                "ssm:PutParameter: Tags is no list",
            ],
        ),
        found(
            json("ecs", TASK, r#"{"family": "f", "containerDefinitions": [{"cpu": true, "memory": 1.5}, []]}"#),
            &[
                "ecs:RegisterTaskDefinition: containerDefinitions[0].cpu is no integer: True",
                "ecs:RegisterTaskDefinition: containerDefinitions[0].memory is no integer: 1.5",
                "ecs:RegisterTaskDefinition: containerDefinitions[1] is no structure",
            ],
        ),
        found(
            json("logs", GROUP, r#"{"logGroupName": "g", "tags": []}"#),
            &["logs:CreateLogGroup: tags is no map"],
        ),
        found(
            records(
                "<Name>a.example</Name><Type>A</Type><TTL>soon</TTL><ResourceRecords><Record/></ResourceRecords>",
            ),
            &[
                "route53:ChangeResourceRecordSets: ChangeBatch.Changes[0].ResourceRecordSet.TTL is no long: 'soon'",
                "route53:ChangeResourceRecordSets: ChangeBatch.Changes[0].ResourceRecordSet.ResourceRecords has something that is no ResourceRecord",
            ],
        ),
        // Enums.
        found(
            json("ssm", PUT, r#"{"Name": "n", "Value": "v", "Type": "Secret"}"#),
            &["ssm:PutParameter: Type is 'Secret', none of String, StringList, SecureString"],
        ),
        found(
            records("<Name>a.example</Name><Type>AA</Type>"),
            &[
                "route53:ChangeResourceRecordSets: ChangeBatch.Changes[0].ResourceRecordSet.Type is 'AA', none of SOA, A, TXT, NS, CNAME, MX, NAPTR, PTR, SRV, SPF, …",
            ],
        ),
        // Lengths, ranges and sizes.
        found(
            more("iam", &ROLE.replace("RoleName=r", "RoleName="), "MaxSessionDuration=3599"),
            &[
                "iam:CreateRole: RoleName is too short: 0 characters, at least 1",
                "iam:CreateRole: RoleName is '', which does not match [\\w+=,.@-]+",
                "iam:CreateRole: MaxSessionDuration is too small: 3599, at least 3600",
            ],
        ),
        found(
            more("iam", &ROLE.replace("RoleName=r", &format!("RoleName={}", long(65))), "MaxSessionDuration=43201"),
            &[
                "iam:CreateRole: RoleName is too long: 65 characters, at most 64",
                "iam:CreateRole: MaxSessionDuration is too large: 43201, at most 43200",
            ],
        ),
        found(names(0), &["ssm:GetParameters: Names is too short: 0 items, at least 1"]),
        found(names(11), &["ssm:GetParameters: Names is too long: 11 items, at most 10"]),
        found(json_names(r#"["n", ""]"#), &["ssm:GetParameters: Names[1] is too short: 0 characters, at least 1"]),
        found(
            json("logs", GROUP, r#"{"logGroupName": "g", "tags": {}}"#),
            &["logs:CreateLogGroup: tags is too short: 0 entries, at least 1"],
        ),
        found(
            json("acm", IMPORT, r#"{"Certificate": "", "PrivateKey": "?"}"#),
            &[
                "acm:ImportCertificate: Certificate is too short: 0 bytes, at least 1",
                "acm:ImportCertificate: PrivateKey is no blob",
            ],
        ),
        // Patterns: the whole of a text, letters of all languages where they are allowed.
        found(
            json("logs", GROUP, r#"{"logGroupName": "a b", "tags": {"k!": "ä"}}"#),
            &[
                "logs:CreateLogGroup: logGroupName is 'a b', which does not match [\\.\\-_/#A-Za-z0-9]+",
                "logs:CreateLogGroup: key 0 of tags is 'k!', which does not match ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$",
            ],
        ),
        found(
            json("acm", "CertificateManager.SearchCertificates", r#"{"FilterStatement": {}}"#),
            &["acm:SearchCertificates: FilterStatement must have one member of a union, and has 0"],
        ),
        // What is no request of the service at all.
        found(
            form("ec2", "Action=CreateMoon&Version=2016-11-15"),
            &["ec2:CreateMoon: the service has no such operation"],
        ),
        found(
            form("ec2", &VPC.replace("2016", "2015")),
            &["ec2:CreateVpc: its version is 2015-11-15, the model's 2016-11-15"],
        ),
        found(more("ec2", VPC, "CidrBlock=10.1.0.0/16"), &["ec2:CreateVpc: CidrBlock comes twice"]),
        found(
            json("ssm", PUT, "{"),
            &[
                "ssm:PutParameter: its body is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ],
        ),
        found(json("ssm", GROUP, "{}"), &["ssm:CreateLogGroup: Logs_20140328.CreateLogGroup is not of AmazonSSM"]),
        found(
            zone("PUT", "Z1/rrset", ""),
            &["route53:PUT /2013-04-01/hostedzone/Z1/rrset: no operation of the service has this path"],
        ),
        found(form("s3", ""), &["s3:?: no crate of the SDK in Cargo.toml calls this service"]),
    ]
}

/// Sends it; the head of the answer and its body.
fn send(moto: &Moto, request: &Request) -> (String, String) {
    let Request { service, method, path, target, body } = request;
    let scope =
        format!("AWS4-HMAC-SHA256 Credential=test/20300101/eu-central-1/{service}/aws4_request, Signature=0");
    let is_form = target.is_empty() && *service != "route53";
    let content = if is_form { "application/x-www-form-urlencoded" } else { "application/x-amz-json-1.1" };
    let headers = [
        ("User-Agent", "aws-sdk-rust/1.0"),
        ("Authorization", scope.as_str()),
        ("X-Amz-Target", target),
        ("Content-Type", content),
    ];
    moto.ask(method, path, &headers, body).expect("an answer")
}

#[test]
fn what_aws_takes_is_let_through() {
    let moto = Moto::start();
    for request in sound() {
        let (head, _) = send(&moto, &request);
        assert_eq!(moto.take_violations(), [""; 0], "{head}");
    }
    assert!(moto.operations().contains("route53:ChangeResourceRecordSets"), "they were looked at");
}

#[test]
fn what_aws_would_not_take_is_found_and_refused() {
    let moto = Moto::start();
    for (request, expected) in unsound() {
        let (head, body) = send(&moto, &request);
        assert_eq!(moto.take_violations(), expected);
        assert!(head.contains(" 400 ") && body.contains("ValidationError"), "{head}\n{body}");
    }
}

/// Whatever is wrong with it, and wherever it stands.
#[test]
fn values_of_secrets_are_not_shown() {
    let moto = Moto::start();
    for value in ["\"hunter2\"", "[\"hunter2\"]", "{\"hunter2\": 1}"] {
        send(&moto, &json("ssm", PUT, &format!(r#"{{"Name": "", "Value": {value}}}"#)));
    }
    send(&moto, &json("acm", IMPORT, r#"{"Certificate": "YQ==", "PrivateKey": "hunter2"}"#));
    send(&moto, &more("rds", DATABASE, "MasterUserPassword=hunter2&Iops=x"));
    let violations = moto.take_violations();
    assert!(violations.len() >= 4, "{violations:#?}");
    assert!(!violations.concat().contains("hunter2"), "{violations:#?}");
}

/// The text of the panic, or none.
fn failure(test: impl FnOnce()) -> Option<String> {
    let error = catch_unwind(AssertUnwindSafe(test)).err()?;
    error.downcast_ref::<String>().cloned().or(Some("no text".to_owned()))
}

#[test]
fn a_request_that_aws_would_not_take_fails_its_test() {
    let bad = more("ec2", VPC, "Colour=red");
    let due = "ec2:CreateVpc: Colour is unknown";
    let alone = failure(|| {
        let moto = Moto::start();
        send(&moto, &bad);
    });
    assert!(alone.as_deref().is_some_and(|text| text.contains(due)), "{alone:?}");

    let before = Moto::start();
    let of_a_copy = failure(|| {
        send(&before.fork(), &bad);
    });
    assert!(of_a_copy.as_deref().is_some_and(|text| text.contains(due)), "{of_a_copy:?}");

    send(&before, &bad);
    let copied = failure(|| drop(before.fork()));
    assert!(copied.as_deref().is_some_and(|text| text.contains(due)), "{copied:?}");
    assert_eq!(before.take_violations(), [due]);
    assert_eq!(failure(|| drop(before.fork())), None, "it was taken");
}

/// Boto3's requests are its own affair, and those of other programs.
#[test]
fn only_requests_of_baseplate_are_looked_at() {
    let moto = Moto::start();
    moto.boto(r#"client("ec2").describe_vpcs()"#);
    let scope = "AWS4-HMAC-SHA256 Credential=test/20300101/eu-central-1/ec2/aws4_request, Signature=0";
    let content = ("Content-Type", "application/x-www-form-urlencoded");
    let headers = [("User-Agent", "another/1.0"), ("Authorization", scope), content];
    moto.ask("POST", "/", &headers, &format!("{VPC}&Colour=red")).expect("an answer");
    assert!(moto.operations().is_empty());
}
