//! What somebody makes by hand that no spec asks for: it is told, with what it means, and an apply leaves it as it is.

use serde_json::{Value, json};

use crate::account::Account;
use crate::file_cloud::FileCloud;
use crate::round_trip::city_with;
use crate::round_trip_drift::around;

/// What somebody did with boto3, and what is told of it: where, what, its value, and what it means.
struct ByHand {
    by_hand: &'static str,
    told: &'static [(&'static str, &'static str, &'static str)],
    danger: &'static str,
}

const fn told(by_hand: &'static str, told: &'static [(&'static str, &'static str, &'static str)]) -> ByHand {
    ByHand { by_hand, told, danger: "" }
}

/// In a value `*` stands for what AWS gives: an id.
const ALL: &[ByHand] = &[
    // Settings.
    ByHand {
        by_hand: r#"
client("ecr").set_repository_policy(repositoryName="legocity-proxy", policyText='{"Version": "2012-10-17", "Statement":'
    ' [{"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]}]}')"#,
        told: &[("ecr_repository.proxy", "policyText", "*ecr:BatchGetImage*")],
        danger: "everybody may call ecr:BatchGetImage",
    },
    told(
        r#"
client("rds").modify_db_instance(DBInstanceIdentifier="legocity-prod-payload", EnableIAMDatabaseAuthentication=True,
    CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]}, ApplyImmediately=True)"#,
        &[
            ("db_instance.payload", "IAMDatabaseAuthenticationEnabled", "true"),
            ("db_instance.payload", "EnabledCloudwatchLogsExports", "postgresql"),
        ],
    ),
    told(
        r#"
client("rds").create_db_parameter_group(DBParameterGroupName="loose", DBParameterGroupFamily="postgres16",
    Description="by hand")
client("rds").modify_db_instance(DBInstanceIdentifier="legocity-prod-payload", DBParameterGroupName="loose",
    ApplyImmediately=True)"#,
        &[("db_instance.payload", "DBParameterGroups", "loose")],
    ),
    ByHand {
        by_hand: r#"
balancer = pages("elbv2", "describe_load_balancers", "LoadBalancers")[0]["LoadBalancerArn"]
client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[
    {"Key": "routing.http2.enabled", "Value": "false"}, {"Key": "routing.http.desync_mitigation_mode", "Value": "monitor"}])"#,
        told: &[
            ("load_balancer.main", "routing.http.desync_mitigation_mode", "monitor"),
            ("load_balancer.main", "routing.http2.enabled", "false"),
        ],
        danger: "requests that may smuggle others past the load balancer are let through",
    },
    told(
        r#"
client("elbv2").modify_target_group_attributes(TargetGroupArn=target_group("proxy"), Attributes=[
    {"Key": "stickiness.enabled", "Value": "true"}, {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"}])"#,
        &[
            ("target_group.proxy", "load_balancing.algorithm.type", "least_outstanding_requests"),
            ("target_group.proxy", "stickiness.enabled", "true"),
        ],
    ),
    told(
        r#"
client("iam").put_role_permissions_boundary(RoleName="legocity-prod-proxy-task",
    PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")"#,
        &[("iam_role.proxy-task", "PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess")],
    ),
    told(
        r#"
client("ecs").put_cluster_capacity_providers(cluster="legocity-prod", capacityProviders=["FARGATE", "FARGATE_SPOT"],
    defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}])"#,
        &[
            ("ecs_cluster.main", "capacityProviders", "FARGATE, FARGATE_SPOT"),
            ("ecs_cluster.main", "defaultCapacityProviderStrategy", "FARGATE_SPOT"),
        ],
    ),
    told(
        r#"
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:baseplate:project", "Values": ["legocity"]}])[0]
client("ec2").associate_vpc_cidr_block(VpcId=vpc["VpcId"], CidrBlock="10.99.0.0/16")"#,
        &[("vpc.main", "CidrBlockAssociationSet", "10.99.0.0/16")],
    ),
    ByHand {
        by_hand: r#"
topic = pages("sns", "list_topics", "Topics")[0]["TopicArn"]
client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
    "Version": "2012-10-17", "Statement": [
    {"Sid": "all", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish", "Resource": topic}]}))"#,
        told: &[("sns_topic.alarms", "Policy", "*sns:Publish*")],
        danger: "everybody may call sns:Publish",
    },
    told(
        r#"
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:baseplate:project", "Values": ["legocity"]}])[0]
acl = client("ec2").describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["NetworkAcls"][0]
client("ec2").create_network_acl_entry(NetworkAclId=acl["NetworkAclId"], RuleNumber=90, Protocol="-1",
    RuleAction="deny", Egress=False, CidrBlock="203.0.113.0/24")"#,
        &[("vpc.main", "NetworkAcls", "acl-* 90 deny 203.0.113.0/24 in")],
    ),
    told(
        r#"
subnet = tagged(pages("ec2", "describe_subnets", "Subnets"), "subnet.private-a")["SubnetId"]
image = client("ec2").describe_images()["Images"][0]["ImageId"]
client("ec2").run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, InstanceType="t3.micro")"#,
        &[("subnet.private-a", "Instances", "i-*")],
    ),
    ByHand {
        by_hand: r#"
client("elbv2").register_targets(TargetGroupArn=target_group("proxy"), Targets=[{"Id": "10.30.128.77", "Port": 8080}])"#,
        told: &[("target_group.proxy", "Targets", "10.30.128.77:8080")],
        danger: "they get requests, and are no tasks of the service",
    },
    told(
        r#"
made = client("acm").request_certificate(DomainName="elsewhere.example")["CertificateArn"]
client("elbv2").add_listener_certificates(ListenerArn=listener(443), Certificates=[{"CertificateArn": made}])"#,
        &[("listener.https", "ListenerCertificates", "arn:aws:acm:*")],
    ),
    ByHand {
        by_hand: r#"
zone = client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [
    {"Action": "CREATE", "ResourceRecordSet": {"Name": "legocity.example.", "Type": sort, "TTL": 60,
        "ResourceRecords": [{"Value": value}]}}
    for sort, value in (("AAAA", "2001:db8::1"), ("MX", "10 mail.legocity.example."))]})"#,
        told: &[("dns_record.legocity.example", "AAAA", "2001:db8::1")],
        danger: "the name leads to 2001:db8::1, too",
    },
    told(
        r#"
definition = client("ecs").describe_task_definition(taskDefinition="legocity-prod-proxy")["taskDefinition"]
kept = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "cpu", "memory", "requiresCompatibilities")
client("ecs").register_task_definition(
    **{key: definition[key] for key in kept}, containerDefinitions=definition["containerDefinitions"])"#,
        &[("task_definition.proxy", "newer revisions", "2")],
    ),
    // Objects inside what is ours.
    told(
        r#"
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:baseplate:project", "Values": ["legocity"]}])[0]
client("ec2").create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.99.1.0/24")
made = client("ec2").create_security_group(GroupName="by-hand", Description="by hand", VpcId=vpc["VpcId"])
client("ec2").authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
client("ec2").create_route_table(VpcId=vpc["VpcId"])"#,
        &[
            ("vpc.main", "route_table", "rtb-*"),
            ("vpc.main", "security_group", "sg-* (by-hand)"),
            ("vpc.main", "subnet", "subnet-* (10.99.1.0/24)"),
        ],
    ),
    told(
        r#"
balancer = pages("elbv2", "describe_load_balancers", "LoadBalancers")[0]["LoadBalancerArn"]
client("elbv2").create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=8080, DefaultActions=[
    {"Type": "forward", "TargetGroupArn": target_group("dashboard")}])"#,
        &[("load_balancer.main", "listener", "* (8080)")],
    ),
    told(
        r#"client("ssm").put_parameter(Name="/legocity/prod/by/hand", Value="x", Type="String")"#,
        &[("", "ssm_parameter", "/legocity/prod/by/hand")],
    ),
    told(
        r#"client("logs").create_log_group(logGroupName="/ecs/legocity-prod/by-hand")"#,
        &[("", "log_group", "/ecs/legocity-prod/by-hand")],
    ),
    told(
        r#"
definition = client("ecs").describe_services(cluster="legocity-prod", services=["legocity-prod-proxy"])["services"][0]
client("ecs").create_service(cluster="legocity-prod", serviceName="by-hand", desiredCount=0,
    taskDefinition=definition["taskDefinition"])"#,
        &[("ecs_cluster.main", "ecs_service", "by-hand")],
    ),
    told(
        r#"
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:baseplate:project", "Values": ["legocity"]}])[0]
client("elbv2").create_target_group(Name="by-hand", Protocol="HTTP", Port=80, VpcId=vpc["VpcId"], TargetType="ip")"#,
        &[("vpc.main", "target_group", "*targetgroup/by-hand/*")],
    ),
    told(
        r#"
client("iam").create_role(RoleName="legocity-prod-by-hand", AssumeRolePolicyDocument="{}")"#,
        &[("", "iam_role", "legocity-prod-by-hand")],
    ),
    told(
        r#"
namespace = client("servicediscovery").list_namespaces()["Namespaces"][0]["Id"]
client("servicediscovery").create_service(Name="by-hand", NamespaceId=namespace,
    DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}]})"#,
        &[("discovery_namespace.main", "discovery_service", "* (by-hand)")],
    ),
    told(
        r#"
group = next(one["DBSubnetGroupName"] for one in pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")
    if one["DBSubnetGroupName"].startswith("legocity-prod"))
client("rds").create_db_instance(DBInstanceIdentifier="by-hand", Engine="postgres", DBInstanceClass="db.t4g.micro",
    AllocatedStorage=20, MasterUsername="somebody", MasterUserPassword="of-no-importance",
    DBSubnetGroupName=group)"#,
        &[("vpc.main", "db_instance", "by-hand")],
    ),
    told(
        r#"client("sns").create_topic(Name="legocity-prod-by-hand")"#,
        &[("", "sns_topic", "*:legocity-prod-by-hand")],
    ),
];

/// `*` stands for anything, at either end or before a name in parentheses.
fn is_like(pattern: &str, value: &str) -> bool {
    let mut rest = value;
    for (index, part) in pattern.split('*').enumerate() {
        match rest.find(part) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('*')
}

fn unmanaged(account: &Account, spec: &str) -> Vec<Value> {
    let outcome = account.run(&format!("drift {spec} --json"));
    let environment = outcome.json()["drift"][0].take();
    assert_eq!(environment["changes"], json!([]), "{outcome}");
    environment["unmanaged"].as_array().expect("a list").clone()
}

#[test]
fn what_is_made_by_hand_is_told_and_left_alone() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    account.bench.edit("prod.toml", "[cluster]\n", "[topics.alarms]\n\n[cluster]\n");
    account.done("apply --yes prod.toml");
    assert_eq!(unmanaged(&account, "prod.toml"), [] as [Value; 0], "nobody has done anything");
    // Who it was is looked up at two calls a second, and no matter here: nobody may.
    moto.fail("cloudtrail:LookupEvents", 400, "AccessDeniedException");
    let (mut known, mut wrong) = (Vec::new(), Vec::new());
    for ByHand { by_hand, told, danger } in ALL {
        moto.boto(&format!("import json\n{}\n{by_hand}", around("prod")));
        let all = unmanaged(&account, "prod.toml");
        let new: Vec<&Value> = all.iter().filter(|one| !known.contains(*one)).collect();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let is_it = |(address, name, value): &(&str, &str, &str), one: &&Value| {
            text(one, "address") == *address && text(one, "name") == *name && is_like(value, &text(one, "value"))
        };
        let all_told = told.iter().all(|due| new.iter().any(|one| is_it(due, one))) && new.len() == told.len();
        let dangers: Vec<String> =
            new.iter().map(|one| text(one, "danger")).filter(|text| !text.is_empty()).collect();
        if !all_told || dangers.join(", ") != *danger {
            wrong.push(format!("{by_hand}\ndue: {told:?} {danger}\ntold: {new:#?}"));
        }
        known = all;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let plan = account.done("plan prod.toml");
    assert!(plan.stdout.contains("No changes") && plan.stdout.contains("Unmanaged, and left as it is"), "{plan}");
    account.done("apply --yes prod.toml");
    assert_eq!(unmanaged(&account, "prod.toml"), known, "an apply leaves it");
}

fn append(cloud: &FileCloud, text: &str) {
    let spec = cloud.bench.read("spec.toml");
    cloud.bench.write("spec.toml", spec + text);
}

/// The fixture, applied, and two things done to a service by hand.
fn scaled_by_hand(accepts: &str) -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("ecs_service.web", |object| {
        object["attrs"]["desired_count"] = json!(5);
        object["attrs"]["maximum_percent"] = json!(150);
    });
    cloud.touch("log_group.web", |object| object["settings"] = json!({ "metricFilterCount": "2" }));
    append(&cloud, accepts);
    cloud
}

const FOR_NOW: &str = r#"
[[accept]]
what = "drift ecs_service.web desired_count"
why = "until the fair is over"

[[accept]]
what = "drift log_group.web metricFilterCount"
why = "somebody counts errors"
"#;

#[test]
fn what_the_spec_accepts_stays_as_it_is() {
    let cloud = scaled_by_hand(FOR_NOW);
    let drift = cloud.run("drift spec.toml");
    assert_eq!(drift.code, 2, "the other field is not accepted: {drift}");
    assert!(drift.stdout.contains("maximum_percent") && !drift.stdout.contains("      desired_count"), "{drift}");
    let folded = "accepted in the spec: ecs_service.web desired_count, log_group.web metricFilterCount";
    assert!(drift.stdout.contains(folded), "{drift}");
    cloud.done("apply --yes spec.toml");
    let drift = cloud.done("drift spec.toml");
    assert!(drift.stdout.contains("No drift but for what the spec accepts."), "{drift}");
    let kept: Vec<String> = cloud.done("drift spec.toml --json").json()["drift"][0]["unmanaged"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{} {} {} {}", one["address"], one["name"], one["value"], one["accepted"]))
        .collect();
    let expected = [
        r#""ecs_service.web" "desired_count" "5" "until the fair is over""#,
        r#""log_group.web" "metricFilterCount" "2" "somebody counts errors""#,
    ];
    assert_eq!(kept, expected);
}

#[test]
fn what_was_accepted_until_a_day_is_drift_again() {
    let ended = FOR_NOW.replace("is over\"\n", "is over\"\nuntil = \"2020-01-31\"\n");
    let cloud = scaled_by_hand(&ended);
    let drift = cloud.run("drift spec.toml");
    assert!(drift.stdout.contains("desired_count"), "{drift}");
    assert!(drift.stdout.contains("accepted in the spec: log_group.web metricFilterCount\n"), "{drift}");
    assert!(drift.stdout.contains("it ended on 2020-01-31, and what it accepted is told again"), "{drift}");
}

#[test]
fn an_entry_that_accepts_nothing_is_told() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    append(&cloud, FOR_NOW);
    let plan = cloud.done("plan spec.toml");
    let note = "[[accept]] \"drift ecs_service.web desired_count\": nothing that was changed by hand matches it";
    assert!(plan.stdout.contains(note), "{plan}");
    cloud.bench.edit("spec.toml", "drift ecs_service.web desired_count", "drift service.web desired_count");
    cloud.bench.edit("spec.toml", "drift log_group.web metricFilterCount", "drift");
    let plan = cloud.done("plan spec.toml");
    let meant = "it names no address and no path of the spec: did you mean `ecs_service.web` or `services.web`?";
    assert!(plan.stdout.contains(meant), "{plan}");
    assert!(plan.stdout.contains("\"drift\": it names no address"), "{plan}");
}

fn accepting(what: &str) -> String {
    format!("\n[[accept]]\nwhat = \"drift {what}\"\nwhy = \"for now\"\n")
}

#[test]
fn what_is_dangerous_is_shown_although_it_is_accepted() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("security_group_rules.app", |object| {
        object["attrs"]["ingress"].as_array_mut().expect("rules").push(json!({
            "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "0.0.0.0/0", "description": "",
        }));
    });
    append(&cloud, &accepting("security_group_rules.app ingress"));
    let drift = cloud.done("drift spec.toml");
    let danger = "(now: open to the world: tcp 22 from 0.0.0.0/0); accepted in the spec: for now";
    assert!(drift.stdout.contains(danger), "{drift}");
    let live = cloud.done("graph spec.toml --view traffic --live");
    assert!(live.stdout.contains("22 [by hand]"), "what is accepted is live all the same: {live}");
    // The spec asks for something else by now.
    let (one, two) = (
        r#"ingress = [{ ports = "8080", from = "edge" }]"#,
        r#"ingress = [{ ports = "8080-8081", from = "edge" }]"#,
    );
    cloud.bench.edit("spec.toml", one, two);
    let plan = cloud.done("plan spec.toml");
    assert!(plan.stdout.contains("the spec asks for another value of that now, and an apply sets it"), "{plan}");
}

#[test]
fn the_value_of_a_secret_cannot_be_accepted() {
    let cloud = FileCloud::with_fixture("small.toml");
    let run = |arguments: &str, token: &str| {
        let mut command = cloud.bench.command(&format!("{arguments} --cloud file:cloud.json"));
        crate::cli::Outcome::of(command.env("WEATHER_API_KEY", token))
    };
    assert_eq!(run("apply --yes spec.toml", "one-token-of-many").code, 0);
    append(&cloud, &accepting("ssm_parameter.web/token"));
    let outcome = run("drift spec.toml", "another-token-of-many");
    assert!(outcome.code == 2 && outcome.stdout.contains("a secret's value cannot be accepted"), "{outcome}");
}

/// A read replica and a restored copy come with the tags of their source.
#[test]
fn a_copy_with_our_tags_is_told_and_never_deleted() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    moto.boto(
        r#"
source = client("rds").describe_db_instances(DBInstanceIdentifier="legocity-dev-payload")["DBInstances"][0]
client("rds").create_db_instance(DBInstanceIdentifier="restored", Engine="postgres", DBInstanceClass="db.t4g.micro",
    AllocatedStorage=20, MasterUsername="somebody", MasterUserPassword="of-no-importance", Tags=source["TagList"],
    DBSubnetGroupName=source["DBSubnetGroup"]["DBSubnetGroupName"])"#,
    );
    account.assert_no_changes("dev.toml");
    let copies = unmanaged(&account, "dev.toml");
    let value = "restored (a copy with the tags of db_instance.payload)";
    assert_eq!((copies.len(), &copies[0]["value"]), (1, &json!(value)), "{copies:#?}");
    moto.boto(
        r#"
client("rds").modify_db_instance(DBInstanceIdentifier="legocity-dev-payload",
    NewDBInstanceIdentifier="legocity-dev-old", ApplyImmediately=True)"#,
    );
    let plan = account.run("plan dev.toml");
    assert!(plan.code != 0 && plan.stderr.contains("all have the tags of db_instance.payload"), "{plan}");
}
