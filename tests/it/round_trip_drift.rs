//! Changes made by hand, behind Baseplate's back: the plan shows them, and apply takes them back.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value;

use crate::account::{self, Account};
use crate::round_trip::city_with;

/// What somebody did with boto3, and what the plan must show, nothing else: each as [`told`] writes it.
struct Drift {
    what: &'static str,
    by_hand: &'static str,
    changes: &'static [&'static str],
}

/// What the snippets look up, in that environment of the city.
pub fn around(environment: &str) -> String {
    AROUND.replace("ENVIRONMENT", environment)
}

const AROUND: &str = r#"
def by_name(service, operation, key, name, wanted):
    return next(item for item in pages(service, operation, key) if item[name] == wanted)

def group(key):
    return by_name("ec2", "describe_security_groups", "SecurityGroups", "GroupName", f"legocity-ENVIRONMENT-{key}")["GroupId"]

def tagged(items, address):
    return next(one for one in items if {"Key": "baseplate:address", "Value": address} in one.get("Tags", []))

def table(key):
    return tagged(pages("ec2", "describe_route_tables", "RouteTables"), f"route_table.{key}")["RouteTableId"]

def target_group(key):
    groups = pages("elbv2", "describe_target_groups", "TargetGroups")
    return next(one["TargetGroupArn"] for one in groups if one["TargetGroupName"].startswith(f"legocity-ENVIRONMENT-{key}"))

def listener(port):
    balancer = pages("elbv2", "describe_load_balancers", "LoadBalancers")[0]["LoadBalancerArn"]
    listeners = pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer)
    return next(one["ListenerArn"] for one in listeners if one["Port"] == port)
"#;

const DRIFTS: &[Drift] = &[
    Drift {
        what: "rule added to a security group",
        by_hand: r#"
client("ec2").authorize_security_group_ingress(GroupId=group("rds"), IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])"#,
        changes: &[
            "update security_group_rules.rds: ingress[] (unmanaged) ! open to the world: tcp 5432 from 0.0.0.0/0",
        ],
    },
    Drift {
        what: "default group of the VPC opened",
        by_hand: r#"
vpc = tagged(pages("ec2", "describe_vpcs", "Vpcs"), "vpc.main")
groups = client("ec2").describe_security_groups(Filters=[
    {"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
client("ec2").authorize_security_group_ingress(GroupId=groups[0]["GroupId"], IpPermissions=[
    {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])"#,
        changes: &[
            "update default_security_group.main: ingress[] (unmanaged) ! open to the world: all traffic from 0.0.0.0/0",
        ],
    },
    Drift {
        what: "rule taken from a security group",
        by_hand: r#"
client("ec2").revoke_security_group_ingress(GroupId=group("alb"), IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])"#,
        changes: &["update security_group_rules.alb: ingress[]"],
    },
    Drift {
        what: "listener rule changed",
        by_hand: r#"
rules = client("elbv2").describe_rules(ListenerArn=listener(443))["Rules"]
rule = next(one["RuleArn"] for one in rules if one["Priority"] == "20")
client("elbv2").modify_rule(RuleArn=rule, Conditions=[{"Field": "path-pattern", "Values": ["/other"]}])"#,
        changes: &["update listener_rule.proxy: paths[]"],
    },
    Drift {
        what: "listener rule added",
        by_hand: r#"
client("elbv2").create_rule(ListenerArn=listener(443), Priority=7, Conditions=[
    {"Field": "path-pattern", "Values": ["/debug*"]}], Actions=[
    {"Type": "forward", "TargetGroupArn": target_group("dashboard")}])"#,
        changes: &["delete listener_rule.extra-443-7 (unmanaged)"],
    },
    Drift {
        what: "listener rule deleted",
        by_hand: r#"
rules = client("elbv2").describe_rules(ListenerArn=listener(443))["Rules"]
client("elbv2").delete_rule(RuleArn=next(one["RuleArn"] for one in rules if one["Priority"] == "20"))"#,
        changes: &["create listener_rule.proxy"],
    },
    Drift {
        what: "parameter's value",
        by_hand: r#"client("ssm").put_parameter(Name="/legocity/prod/broker/url", Value="http://evil", Overwrite=True)"#,
        changes: &[
            "update ssm_parameter.broker/url: value",
            "update task_definition.proxy: parameter_versions.broker/url",
            "update task_definition.update-env: parameter_versions.broker/url",
            "update ecs_service.proxy: task_definition",
            "update ecs_service.update-env: task_definition",
        ],
    },
    Drift {
        what: "parameter deleted",
        by_hand: r#"client("ssm").delete_parameter(Name="/legocity/prod/broker/url")"#,
        changes: &[
            "create ssm_parameter.broker/url",
            "update task_definition.proxy: parameter_versions.broker/url, secrets.BROKER_URL",
            "update task_definition.update-env: parameter_versions.broker/url, secrets.BROKER_URL",
            "update ecs_service.proxy: task_definition",
            "update ecs_service.update-env: task_definition",
        ],
    },
    Drift {
        what: "desired count",
        by_hand: r#"
client("ecs").update_service(cluster="legocity-prod", service="legocity-prod-proxy", desiredCount=5)"#,
        changes: &["update ecs_service.proxy: desired_count"],
    },
    Drift {
        what: "health check",
        by_hand: r#"
client("elbv2").modify_target_group(TargetGroupArn=target_group("proxy"), HealthCheckPath="/")"#,
        changes: &["update target_group.proxy: health_check.path"],
    },
    Drift {
        what: "attribute of a target group",
        by_hand: r#"
client("elbv2").modify_target_group_attributes(TargetGroupArn=target_group("proxy"), Attributes=[
    {"Key": "deregistration_delay.timeout_seconds", "Value": "300"}])"#,
        changes: &["update target_group.proxy: deregistration_delay"],
    },
    Drift {
        what: "attribute of the load balancer",
        by_hand: r#"
balancer = pages("elbv2", "describe_load_balancers", "LoadBalancers")[0]["LoadBalancerArn"]
client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[
    {"Key": "idle_timeout.timeout_seconds", "Value": "10"}])"#,
        changes: &["update load_balancer.main: idle_timeout"],
    },
    Drift {
        what: "tag changed and tag added",
        by_hand: r#"
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:baseplate:project", "Values": ["legocity"]}])[0]
client("ec2").create_tags(Resources=[vpc["VpcId"]], Tags=[
    {"Key": "team", "Value": "village"}, {"Key": "by", "Value": "hand"}])"#,
        changes: &["update vpc.main: tags.by, tags.team"],
    },
    Drift {
        what: "tag of a target group",
        by_hand: r#"
client("elbv2").add_tags(ResourceArns=[target_group("proxy")], Tags=[{"Key": "team", "Value": "village"}])"#,
        changes: &["update target_group.proxy: tags.team"],
    },
    Drift {
        what: "inline policy",
        by_hand: r#"
client("iam").put_role_policy(RoleName="legocity-prod-proxy-task", PolicyName="more", PolicyDocument=
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}')"#,
        changes: &[
            "update iam_role.proxy-task: inline_policies.more (unmanaged) ! administrator rights: see policy more",
        ],
    },
    Drift {
        what: "attached policy",
        by_hand: r#"
client("iam").attach_role_policy(
    RoleName="legocity-prod-proxy-task", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")"#,
        changes: &[
            "update iam_role.proxy-task: managed_policies[] (unmanaged) ! administrator rights: AdministratorAccess is attached",
        ],
    },
    Drift {
        what: "log group deleted",
        by_hand: r#"client("logs").delete_log_group(logGroupName="/ecs/legocity-prod/proxy")"#,
        changes: &[
            "create log_group.proxy ! what it held is lost: an apply makes it empty; restore a backup or snapshot first",
            "update task_definition.proxy: log_group",
            "update ecs_service.proxy: task_definition",
        ],
    },
    Drift {
        what: "retention taken away",
        by_hand: r#"client("logs").delete_retention_policy(logGroupName="/ecs/legocity-prod/proxy")"#,
        changes: &["update log_group.proxy: retention_days"],
    },
    Drift {
        what: "route deleted",
        by_hand: r#"
client("ec2").delete_route(RouteTableId=table("private-eu-central-1a"), DestinationCidrBlock="0.0.0.0/0")"#,
        changes: &["update route_table.private-eu-central-1a: routes[]"],
    },
    Drift {
        what: "route added",
        by_hand: r#"
gateway = pages("ec2", "describe_internet_gateways", "InternetGateways")[0]["InternetGatewayId"]
client("ec2").create_route(RouteTableId=table("private-eu-central-1a"), DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway)"#,
        changes: &["update route_table.private-eu-central-1a: routes[] (unmanaged)"],
    },
    Drift {
        what: "route that leads elsewhere",
        by_hand: r#"
gateway = pages("ec2", "describe_internet_gateways", "InternetGateways")[0]["InternetGatewayId"]
client("ec2").replace_route(RouteTableId=table("private-eu-central-1a"), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)"#,
        changes: &["update route_table.private-eu-central-1a: routes[]"],
    },
    Drift {
        what: "addresses that a subnet gives",
        by_hand: r#"
subnet = tagged(pages("ec2", "describe_subnets", "Subnets"), "subnet.private-a")["SubnetId"]
client("ec2").modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})"#,
        changes: &["update subnet.private-a: map_public_ip_on_launch"],
    },
    Drift {
        what: "description of a rule that lets out",
        by_hand: r#"
rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "by hand"}]}
client("ec2").update_security_group_rule_descriptions_egress(GroupId=group("update-env"), IpPermissions=[rule])"#,
        changes: &["update security_group_rules.update-env: egress[]"],
    },
    Drift {
        what: "security groups and subnets of the load balancer",
        by_hand: r#"
balancer = pages("elbv2", "describe_load_balancers", "LoadBalancers")[0]["LoadBalancerArn"]
subnets = pages("ec2", "describe_subnets", "Subnets")
client("elbv2").set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[group("proxy")])
client("elbv2").set_subnets(LoadBalancerArn=balancer, Subnets=[
    tagged(subnets, f"subnet.{key}")["SubnetId"] for key in ("public-a", "private-b")])"#,
        changes: &["update load_balancer.main: security_groups[], subnets[]"],
    },
    Drift {
        what: "who may take a role",
        by_hand: r#"
client("iam").update_assume_role_policy(RoleName="legocity-prod-proxy-task", PolicyDocument=
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}]}')"#,
        changes: &["update iam_role.proxy-task: assume_role_policy.Statement[] ! * may assume the role"],
    },
    Drift {
        what: "descriptions in Cloud Map",
        by_hand: r#"
discovery = client("servicediscovery")
namespace = discovery.list_namespaces()["Namespaces"][0]["Id"]
service = by_name("servicediscovery", "list_services", "Services", "Name", "broker")["Id"]
discovery.update_private_dns_namespace(Id=namespace, Namespace={"Description": "by hand"})
records = {"DnsRecords": [{"Type": "A", "TTL": 10}]}
discovery.update_service(Id=service, Service={"Description": "by hand", "DnsConfig": records})"#,
        changes: &["update discovery_namespace.main: description", "update discovery_service.broker: description"],
    },
    Drift {
        what: "tags of a topic",
        by_hand: r#"
topic = pages("sns", "list_topics", "Topics")[0]["TopicArn"]
client("sns").tag_resource(ResourceArn=topic, Tags=[
    {"Key": "team", "Value": "village"}, {"Key": "by", "Value": "hand"}])"#,
        changes: &["update sns_topic.alarms: tags.by, tags.team"],
    },
    Drift {
        what: "tags of a registry",
        by_hand: r#"
registry = client("ecr").describe_repositories(repositoryNames=["legocity-proxy"])["repositories"][0]
client("ecr").tag_resource(resourceArn=registry["repositoryArn"], tags=[
    {"Key": "by", "Value": "hand"}])"#,
        changes: &["update ecr_repository.proxy: tags.by (unmanaged)"],
    },
    Drift {
        what: "lifecycle policy of a registry",
        by_hand: r#"client("ecr").delete_lifecycle_policy(repositoryName="legocity-proxy")"#,
        changes: &["update ecr_repository.proxy: lifecycle"],
    },
    Drift {
        what: "backup retention",
        by_hand: r#"
client("rds").modify_db_instance(
    DBInstanceIdentifier="legocity-prod-payload", BackupRetentionPeriod=9, ApplyImmediately=True)"#,
        changes: &["update db_instance.payload: backup_retention ! automated backups are kept for 9 days only"],
    },
    Drift {
        what: "another task definition",
        by_hand: r#"
definition = client("ecs").describe_task_definition(taskDefinition="legocity-prod-proxy")["taskDefinition"]
container = {**definition["containerDefinitions"][0], "image": "nginx:hotfix"}
kept = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "cpu", "memory", "requiresCompatibilities")
new = client("ecs").register_task_definition(
    **{key: definition[key] for key in kept}, containerDefinitions=[container])["taskDefinition"]
client("ecs").update_service(
    cluster="legocity-prod", service="legocity-prod-proxy", taskDefinition=new["taskDefinitionArn"])"#,
        changes: &["update task_definition.proxy: image, tags.team", "update ecs_service.proxy: task_definition"],
    },
    Drift {
        what: "a revision with rights, files and volumes that no spec gives",
        by_hand: r#"
definition = client("ecs").describe_task_definition(taskDefinition="legocity-prod-proxy")["taskDefinition"]
more = {
    "user": "0",
    "privileged": True,
    "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::elsewhere/proxy.env"}],
    "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
}
container = {**definition["containerDefinitions"][0], **more}
kept = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "cpu", "memory", "requiresCompatibilities",
    "runtimePlatform")
tags = client("ecs").list_tags_for_resource(resourceArn=definition["taskDefinitionArn"])["tags"]
new = client("ecs").register_task_definition(
    **{key: definition[key] for key in kept if key in definition}, containerDefinitions=[container],
    volumes=[{"name": "data"}], tags=tags)["taskDefinition"]
client("ecs").update_service(
    cluster="legocity-prod", service="legocity-prod-proxy", taskDefinition=new["taskDefinitionArn"])"#,
        changes: &[
            "update task_definition.proxy: other_settings (unmanaged) ! its container has the rights of its host ! its environment comes from files, too, that others may write",
            "update ecs_service.proxy: task_definition",
        ],
    },
    Drift {
        what: "tags of a role, a log group, a parameter and a NAT gateway",
        by_hand: r#"
by = [{"Key": "by", "Value": "hand"}]
client("iam").tag_role(RoleName="legocity-prod-proxy-task", Tags=by)
client("ssm").add_tags_to_resource(ResourceType="Parameter", ResourceId="/legocity/prod/broker/url", Tags=by)
gateway = tagged(pages("ec2", "describe_nat_gateways", "NatGateways"), "nat_gateway.public-a")
client("ec2").create_tags(Resources=[gateway["NatGatewayId"]], Tags=by)
group = client("logs").describe_log_groups(logGroupNamePrefix="/ecs/legocity-prod/proxy")["logGroups"][0]
client("logs").tag_resource(resourceArn=group["arn"].removesuffix(":*"), tags={"by": "hand"})"#,
        changes: &[
            "update iam_role.proxy-task: tags.by (unmanaged)",
            "update log_group.proxy: tags.by (unmanaged)",
            "update nat_gateway.public-a: tags.by (unmanaged)",
            "update ssm_parameter.broker/url: tags.by (unmanaged)",
        ],
    },
    Drift {
        what: "scans of a registry switched off",
        by_hand: r#"
client("ecr").put_image_scanning_configuration(
    repositoryName="legocity-proxy", imageScanningConfiguration={"scanOnPush": False})"#,
        changes: &["update ecr_repository.proxy: scan_on_push"],
    },
    Drift {
        what: "database opened to the internet",
        by_hand: r#"
client("rds").modify_db_instance(
    DBInstanceIdentifier="legocity-prod-payload", PubliclyAccessible=True, ApplyImmediately=True)"#,
        changes: &["update db_instance.payload: publicly_accessible ! the database has a public address"],
    },
    Drift {
        what: "display name of a topic",
        by_hand: r#"
topic = pages("sns", "list_topics", "Topics")[0]["TopicArn"]
client("sns").set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="by hand")"#,
        changes: &["update sns_topic.alarms: display_name"],
    },
    Drift {
        what: "how a service rolls out",
        by_hand: r#"
client("ecs").update_service(cluster="legocity-prod", service="legocity-prod-proxy",
    deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 100})"#,
        changes: &["update ecs_service.proxy: circuit_breaker, maximum_percent, minimum_healthy_percent, rollback"],
    },
    Drift {
        what: "what a listener answers",
        by_hand: r#"
client("elbv2").modify_listener(ListenerArn=listener(80), DefaultActions=[{"Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "by hand"}}])"#,
        changes: &["update listener.http: default_action.fixed_response, default_action.redirect"],
    },
    Drift {
        what: "DNS record deleted",
        by_hand: r#"
zone = client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
record = next(one for one in client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    if one["Name"] == "legocity.example." and one["Type"] == "A")
client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={
    "Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]})"#,
        changes: &["create dns_record.legocity.example"],
    },
    Drift {
        what: "tags of what has little else",
        by_hand: r#"
by = [{"Key": "by", "Value": "hand"}]
tagged_ones = [pages("ec2", "describe_addresses", "Addresses"), pages("ec2", "describe_internet_gateways", "InternetGateways")]
client("ec2").create_tags(Tags=by, Resources=[
    group("rds"),
    tagged(tagged_ones[0], "elastic_ip.nat-public-a")["AllocationId"],
    tagged(tagged_ones[1], "internet_gateway.main")["InternetGatewayId"]])
subnets = by_name("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupDescription",
    pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")[0]["DBSubnetGroupDescription"])
client("rds").add_tags_to_resource(ResourceName=subnets["DBSubnetGroupArn"], Tags=by)
certificate = pages("acm", "list_certificates", "CertificateSummaryList")[0]["CertificateArn"]
client("acm").add_tags_to_certificate(CertificateArn=certificate, Tags=by)"#,
        changes: &[
            "update certificate.main: tags.by (unmanaged)",
            "update db_subnet_group.payload: tags.by (unmanaged)",
            "update elastic_ip.nat-public-a: tags.by (unmanaged)",
            "update internet_gateway.main: tags.by (unmanaged)",
            "update security_group.rds: tags.by (unmanaged)",
        ],
    },
    Drift {
        what: "metrics of the cluster",
        by_hand: r#"
client("ecs").update_cluster(
    cluster="legocity-prod", settings=[{"name": "containerInsights", "value": "disabled"}])"#,
        changes: &["update ecs_cluster.main: container_insights"],
    },
    Drift {
        what: "protection of the database and of the load balancer",
        by_hand: r#"
client("rds").modify_db_instance(
    DBInstanceIdentifier="legocity-prod-payload", DeletionProtection=False, ApplyImmediately=True)
balancer = pages("elbv2", "describe_load_balancers", "LoadBalancers")[0]["LoadBalancerArn"]
client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[
    {"Key": "deletion_protection.enabled", "Value": "false"}])"#,
        changes: &[
            "update db_instance.payload: deletion_protection ! deletion protection is off",
            "update load_balancer.main: deletion_protection ! deletion protection is off",
        ],
    },
    Drift {
        what: "ciphers of the listener",
        by_hand: r#"
client("elbv2").modify_listener(ListenerArn=listener(443), SslPolicy="ELBSecurityPolicy-TLS-1-1-2017-01")"#,
        changes: &["update listener.https: ssl_policy"],
    },
    Drift {
        what: "where a record leads",
        by_hand: r#"
zone = client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [
    {"Action": "UPSERT", "ResourceRecordSet": {"Name": "legocity.example.", "Type": "A", "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}]}}]})"#,
        changes: &["update dns_record.legocity.example: alias, records, ttl ! the name leads to 192.0.2.1"],
    },
];

/// A change, then its origin where that is not drift, then what it means where that is dangerous.
fn told(change: &Value) -> String {
    let origin = match change["origin"].as_str() {
        Some("drift") => String::new(),
        origin => format!(" ({})", origin.unwrap_or("requested")),
    };
    let dangers = change["dangers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    dangers.fold(account::change(change) + &origin, |told, danger| format!("{told} ! {danger}"))
}

#[test]
fn drift_shows_and_is_taken_back() {
    taken_back();
}

/// That, once for all tests, and the operations of AWS that it called.
pub fn taken_back() -> &'static BTreeSet<String> {
    static CALLED: OnceLock<BTreeSet<String>> = OnceLock::new();
    CALLED.get_or_init(|| {
        let moto = city_with("prod");
        let account = Account::new(&moto);
        account.bench.edit("prod.toml", "[cluster]\n", "[topics.alarms]\n\n[cluster]\n");
        account.done("apply --yes prod.toml");
        let mut wrong = Vec::new();
        for Drift { what, by_hand, changes } in DRIFTS {
            moto.boto(&format!("{}\n{by_hand}", around("prod")));
            let mut due = changes.to_vec();
            due.sort_unstable();
            let plan = account.done("apply --yes --json prod.toml").json()["plan"].take();
            let mut told: Vec<String> = plan["changes"].as_array().expect("changes").iter().map(told).collect();
            told.sort_unstable();
            if told != due {
                wrong.push(format!("{what}\ndue: {due:#?}\ntold: {told:#?}"));
            }
            assert_eq!(account.run("drift prod.toml").code, 0, "{what}: left after an apply");
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        moto.operations()
    })
}
