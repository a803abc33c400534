//! `preflight`, and what stands beside a plan: each question with an answer that is ok, one that is bad and one that
//! nobody may know, over HTTP; and an apply that is refused before its first write.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::account::Account;
use crate::assert_outcome;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;

/// The fixture with a NAT gateway, a database and names in a zone: all that is asked about.
fn town(moto: &Moto) -> Account<'_> {
    let account = Account::with_fixture(moto, "small.toml");
    account.bench.edit(
        "spec.toml",
        "[network.subnets]",
        "nat = \"single\"\n\n[network.subnets]\n\
         private-a = { tier = \"private\", zone = \"eu-central-1a\", cidr = \"10.40.128.0/20\" }\n\
         private-b = { tier = \"private\", zone = \"eu-central-1b\", cidr = \"10.40.144.0/20\" }",
    );
    account.bench.edit(
        "spec.toml",
        "[load-balancer]\n",
        "[databases.main]\nengine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"\nstorage = 20\n\
         database = \"town\"\nusername = \"town\"\nsecurity-groups = [\"app\"]\n\n\
         [dns]\ndomain = \"town.example\"\nzone = \"town.example\"\n\n\
         [load-balancer]\ncertificate = { request = true }\n",
    );
    account.bench.edit(
        "spec.toml",
        "ingress = [{ ports = \"80\",",
        "ingress = [{ ports = \"443\", from = \"0.0.0.0/0\" }, { ports = \"80\",",
    );
    zone(moto, "town.example");
    account
}

fn zone(moto: &Moto, name: &str) {
    moto.boto(&format!(r#"client("route53").create_hosted_zone(Name="{name}", CallerReference="{name}")"#));
}

/// The roles that AWS makes with the first use of a service.
fn roles(moto: &Moto) {
    moto.boto(
        r#"
for service in ("ECS", "ElasticLoadBalancing", "RDS"):
    client("iam").create_role(RoleName=f"AWSServiceRoleFor{service}", AssumeRolePolicyDocument="{}")"#,
    );
}

/// Gives the account another quota.
fn quota(moto: &Moto, service: &str, code: &str, value: u32) {
    moto.boto(&format!("import kinds.preflight\nkinds.preflight.APPLIED[{service:?}][{code:?}] = {value}"));
}

fn answers(account: &Account<'_>, code: i32) -> Vec<Value> {
    let outcome = account.run("preflight spec.toml --json");
    assert_eq!(outcome.code, code, "{outcome}");
    outcome.json()["preflight"][0]["preflight"]["answers"].as_array().expect("answers").clone()
}

/// The answer to a question about an object.
fn answer<'v>(answers: &'v [Value], code: &str, address: &str) -> &'v Value {
    let found = answers.iter().find(|answer| answer["code"] == code && answer["address"] == address);
    found.unwrap_or_else(|| panic!("nobody asked {code} of {address}: {answers:#?}"))
}

/// How the answers to a question are, of whichever object.
fn how(answers: &[Value], code: &str) -> BTreeSet<String> {
    let own = answers.iter().filter(|answer| answer["code"] == code);
    own.map(|answer| answer["answer"].as_str().expect("an answer").to_owned()).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn every_answer_is_shown_with_its_line() {
    let moto = Moto::start();
    let account = town(&moto);
    roles(&moto);
    let outcome = account.run("preflight spec.toml");
    assert_eq!(outcome.code, 2, "the image was never pushed\n{outcome}");
    assert_outcome!("preflight", outcome);
    assert_outcome!("preflight-markdown", account.run("preflight spec.toml --format markdown"));
    let all = answers(&account, 2);
    let codes: BTreeSet<&str> = all.iter().filter_map(|answer| answer["code"].as_str()).collect();
    let mut due: BTreeSet<&str> = baseplate::kinds::questions().into_keys().collect();
    // The certificate is requested, not given.
    due.remove("BP-PRE-05");
    assert_eq!(codes, due);
    // The fixture says nothing of its cluster.
    let placed = all.iter().filter(|answer| answer["address"] != "ecs_cluster.main");
    assert!(placed.clone().count() > 10 && placed.clone().all(|answer| answer["line"].is_u64()), "{all:#?}");
}

#[test]
fn an_environment_whose_images_are_there_is_ok_and_asks_nothing_once_it_is_applied() {
    let moto = Moto::start();
    let account = town(&moto);
    roles(&moto);
    account.done("apply --yes spec.toml");
    moto.reset_counts();
    let outcome = account.done("preflight spec.toml");
    assert!(outcome.stdout.contains("Nothing was asked: the plan has no changes."), "{outcome}");
    let counts = moto.counts();
    assert!(!counts.by_action.keys().any(|action| action.starts_with("servicequotas:")), "{counts:#?}");
    assert!(!counts.by_action.contains_key("rds:DescribeOrderableDBInstanceOptions"), "{counts:#?}");
    // What changes is asked about, and nothing else.
    account.bench.edit("spec.toml", "class = \"db.t4g.micro\"", "class = \"db.t4g.small\"");
    let all = answers(&account, 0);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(answer(&all, "BP-PRE-01", "db_instance.main")["answer"], "ok");
}

#[test]
fn a_bad_answer_refuses_an_apply_before_its_first_write() {
    let moto = Moto::start();
    let account = town(&moto);
    account.bench.edit("spec.toml", "db.t4g.micro", "db.x9g.micro");
    let outcome = account.run("apply --yes --wait always spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    let said = "BP-PRE-01 db_instance.main: postgres is not offered on db.x9g.micro in eu-central-1";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert_eq!(moto.writes(), [], "{outcome}");
    let planned = account.run("plan spec.toml");
    assert_eq!(planned.code, 0, "it never fails a plan\n{planned}");
    assert!(planned.stdout.contains("bad BP-PRE-01 spec.toml:"), "{planned}");

    // The spec may know better, and so may who runs it.
    let accept = "\n[[accept]]\nwhat = \"BP-PRE-01 db_instance.main\"\nwhy = \"a class of tomorrow\"\n";
    let spec = account.bench.read("spec.toml");
    account.bench.write("spec.toml", format!("{spec}{accept}"));
    account.done("check --strict spec.toml");
    let planned = account.done("plan spec.toml");
    assert!(!planned.stdout.contains("bad BP-PRE-01"), "{planned}");
    account.done("apply --yes spec.toml");
    account.bench.write("spec.toml", spec.replace("db.x9g.micro", "db.x9g.small"));
    assert_eq!(account.run("apply --yes --wait always spec.toml").code, 4);
    let emulated = account.done("apply --yes spec.toml");
    assert!(emulated.stderr.contains("going on in spite of the preflight"), "{emulated}");
}

#[test]
fn the_answers_are_beside_the_plan_and_not_in_its_hash() {
    let moto = Moto::start();
    let account = town(&moto);
    let hash = |outcome: &crate::cli::Outcome| {
        outcome
            .stdout
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("Hash: ").map(str::to_owned))
            .expect("a hash")
    };
    let (with, without) = (account.done("plan spec.toml"), account.done("plan spec.toml --no-preflight"));
    assert_eq!(hash(&with), hash(&without));
    assert!(with.stdout.contains("\nPreflight\n  bad BP-PRE-04 spec.toml:"), "{with}");
    assert!(!without.stdout.contains("Preflight"), "{without}");
    let json = account.done("plan spec.toml --json").json();
    assert_eq!(json["preflight"]["bad"], 1, "{:#}", json["preflight"]);
    assert_eq!(account.done("plan spec.toml --json --no-preflight").json().get("preflight"), None);
    for format in ["markdown", "html"] {
        let outcome = account.done(&format!("plan spec.toml --format {format}"));
        assert!(outcome.stdout.contains("bad BP-PRE-04"), "{format}\n{outcome}");
    }
}

#[test]
fn a_cloud_file_is_asked_nothing() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.done("preflight spec.toml");
    assert_outcome!("preflight-file", outcome);
    assert!(cloud.done("preflight spec.toml --json").json()["preflight"][0]["preflight"].is_null());
    assert_eq!(cloud.done("plan spec.toml --json").json().get("preflight"), None);
}

/// Nobody may look, and nothing is green for that.
#[test]
fn who_may_not_look_does_not_know() {
    let moto = Moto::start();
    let account = town(&moto);
    for (calls, code) in [
        ("rds:DescribeOrderableDBInstanceOptions", "BP-PRE-01"),
        ("servicequotas:ListServiceQuotas", "BP-PRE-02"),
        ("ecr:BatchGetImage", "BP-PRE-04"),
        ("iam:GetRole", "BP-PRE-08"),
        ("route53:GET./2013-04-01/hostedzone/[^/]*$", "BP-PRE-07"),
        ("route53:GET./2013-04-01/hostedzone/[^/]*$", "BP-PRE-06"),
    ] {
        moto.fail(calls, 403, "AccessDenied");
        let outcome = account.run("preflight spec.toml --json");
        let all = outcome.json()["preflight"][0]["preflight"]["answers"].as_array().cloned().unwrap_or_default();
        assert_eq!(how(&all, code), set(&["unknown"]), "{calls}\n{outcome}");
        let why = all.iter().find(|answer| answer["code"] == code).expect("an answer")["why"].clone();
        let why = why.as_str().expect("why");
        assert!(why.starts_with("these credentials may not look: "), "{calls}: {why}");
        let planned = account.done("plan spec.toml");
        assert!(planned.stdout.contains(&format!("unknown {code} ")), "{calls}\n{planned}");
        moto.heal();
    }
}

#[test]
fn quotas_are_counted() {
    for (service, code, full, address, what) in [
        ("vpc", "L-F678F1CE", 1, "vpc.main", "VPCs in the region: 1 of 1 are used, the plan adds 1"),
        ("vpc", "L-A4707A72", 0, "internet_gateway.main", "internet gateways in the region: 0 of 0"),
        (
            "vpc",
            "L-FE5A380F",
            0,
            "nat_gateway.public-a",
            "NAT gateways in the zone: 0 of 0 are used, the plan adds 1",
        ),
        ("ec2", "L-0263D0A3", 0, "elastic_ip.nat-public-a", "Elastic IP addresses in the region: 0 of 0"),
        ("elasticloadbalancing", "L-53DA6B97", 0, "load_balancer.main", "application load balancers in the region"),
        ("rds", "L-7B6409FD", 0, "db_instance.main", "databases in the region: 0 of 0 are used, the plan adds 1"),
        (
            "fargate",
            "L-3032A538",
            0,
            "ecs_service.web",
            "vCPUs of Fargate in the region: 0 of 0 are used, the plan adds 0.25",
        ),
    ] {
        let moto = Moto::start();
        let account = town(&moto);
        let all = answers(&account, 2);
        assert_eq!(answer(&all, "BP-PRE-02", address)["answer"], "ok", "{all:#?}");
        quota(&moto, service, code, full);
        let all = answers(&account, 2);
        let bad = answer(&all, "BP-PRE-02", address);
        assert_eq!(bad["answer"], "bad", "{bad:#}");
        assert!(bad["evidence"].as_str().is_some_and(|evidence| evidence.starts_with(what)), "{bad:#}");
        assert_eq!(account.run("apply --yes --wait always spec.toml").code, 4);
        assert_eq!(moto.writes(), []);
    }
}

/// Where the account has no quota of its own, AWS's default holds; what AWS does not tell at all is not known.
#[test]
fn a_quota_that_was_never_changed_is_aws_default() {
    let moto = Moto::start();
    let account = town(&moto);
    moto.boto("import kinds.preflight\ndel kinds.preflight.APPLIED['vpc']['L-F678F1CE']");
    let all = answers(&account, 2);
    let evidence = "VPCs in the region: 1 of 50 are used, the plan adds 1";
    assert_eq!(answer(&all, "BP-PRE-02", "vpc.main")["evidence"], evidence);
    moto.boto("import kinds.preflight\ndel kinds.preflight.DEFAULTS['vpc']['L-F678F1CE']");
    assert_eq!(answer(&answers(&account, 2), "BP-PRE-02", "vpc.main")["answer"], "unknown");
}

#[test]
fn subnets_must_have_room() {
    let moto = Moto::start();
    let account = town(&moto);
    let all = answers(&account, 2);
    assert_eq!(how(&all, "BP-PRE-03"), set(&["ok"]), "{all:#?}");
    for zone in [
        "a = { tier = \"public\", zone = \"eu-central-1a\", cidr = \"10.40.0.0",
        "b = { tier = \"public\", zone = \"eu-central-1b\", cidr = \"10.40.16.0",
    ] {
        account.bench.edit("spec.toml", &format!("public-{zone}/20"), &format!("public-{zone}/28"));
    }
    account.bench.edit("spec.toml", "port = 8080\nwave = 1", "port = 8080\ncount = 23\nwave = 1");
    let all = answers(&account, 2);
    let tasks = answer(&all, "BP-PRE-03", "ecs_service.web");
    let evidence =
        "the plan starts up to 23 tasks in subnets with 22 free addresses (subnet.public-a 11, subnet.public-b 11)";
    assert_eq!(tasks["evidence"], evidence, "{tasks:#}");
    assert_eq!(answer(&all, "BP-PRE-03", "load_balancer.main")["answer"], "ok");

    // Of subnets that are there, AWS tells what is free.
    account.bench.edit("spec.toml", "count = 23", "count = 2");
    account.done("apply --yes spec.toml");
    account.bench.edit("spec.toml", "count = 2\n", "count = 30\n");
    let outcome = account.run("apply --yes --wait always spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("BP-PRE-03 ecs_service.web: the plan starts up to 28 tasks"), "{outcome}");
    moto.fail("ec2:DescribeSubnets", 403, "UnauthorizedOperation");
    assert_eq!(account.run("preflight spec.toml").code, 1, "nor can anything be planned");
}

/// They are of a VPC that somebody else has made.
#[test]
fn addresses_of_subnets_that_nobody_may_see_are_not_known() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let ids = moto.boto(
        r#"
ec2 = client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
subnets = [
    ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.40.{number}.0/28", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]
    for number, zone in ((0, "a"), (1, "b"))
]
answer = [vpc, *(subnet["SubnetId"] for subnet in subnets)]"#,
    );
    let id = |index: usize| ids[index].as_str().expect("an id");
    account.bench.edit("spec.toml", "cidr = \"10.40.0.0/16\"", &format!("vpc = \"{}\"", id(0)));
    account.bench.edit("spec.toml", "cidr = \"10.40.0.0/20\"", &format!("id = \"{}\"", id(1)));
    account.bench.edit("spec.toml", "cidr = \"10.40.16.0/20\"", &format!("id = \"{}\"", id(2)));
    let all = answers(&account, 2);
    let evidence = format!("free addresses: {} 11, {} 11", id(1), id(2));
    let sorted = [evidence, format!("free addresses: {} 11, {} 11", id(2), id(1))];
    let found = answer(&all, "BP-PRE-03", "load_balancer.main");
    assert!(sorted.iter().any(|evidence| found["evidence"] == *evidence), "{found:#}");
    // Once there is a list of kinds, no other read asks for subnets.
    account.done("apply --yes spec.toml");
    account.bench.edit("spec.toml", "port = 8080\nwave = 1", "port = 8080\ncount = 3\nwave = 1");
    assert_eq!(how(&answers(&account, 0), "BP-PRE-03"), set(&["ok"]));
    moto.fail("ec2:DescribeSubnets", 403, "UnauthorizedOperation");
    assert_eq!(how(&answers(&account, 0), "BP-PRE-03"), set(&["unknown"]));
}

#[test]
fn images_are_looked_up_for_the_architecture() {
    let moto = Moto::start();
    let account = town(&moto);
    assert_eq!(account.run("apply --yes spec.toml --stages 1-3").code, 5);
    let of = |code| answers(&account, code);
    let image = |all: &[Value]| answer(all, "BP-PRE-04", "task_definition.web").clone();
    assert!(image(&of(2))["evidence"].as_str().is_some_and(|evidence| evidence.ends_with("has no tag `1`")));
    crate::images_in_ecr::push(&moto, "town-web", "1", &["arm64"]);
    let other = image(&of(2));
    assert!(other["evidence"].as_str().is_some_and(|it| it.contains("is for linux/arm64")), "{other:#}");
    crate::images_in_ecr::push(&moto, "town-web", "1", &[]);
    assert_eq!(image(&of(0))["answer"], "unknown", "its manifest does not say");
    crate::images_in_ecr::push(&moto, "town-web", "1", &["amd64", "arm64"]);
    let found = image(&of(0));
    assert_eq!(found["answer"], "ok", "{found:#}");
    assert!(found["evidence"].as_str().is_some_and(|it| it.contains(" is sha256:")), "{found:#}");
}

#[test]
fn a_given_certificate_must_serve_the_names() {
    let moto = Moto::start();
    let account = town(&moto);
    let request = |domain: &str| {
        let answer = moto.boto(&format!(
            r#"
import time
arn = client("acm").request_certificate(DomainName="{domain}", ValidationMethod="DNS")["CertificateArn"]
for _ in range(50):
    found = client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    if found["Status"] == "ISSUED":
        break
    time.sleep(0.1)
answer = arn"#
        ));
        answer.as_str().expect("an ARN").to_owned()
    };
    let given = |arn: &str| {
        let spec = account.bench.read("spec.toml");
        let (start, rest) = spec.split_once("certificate = ").expect("a certificate");
        let rest = rest.split_once('\n').expect("more").1;
        account.bench.write("spec.toml", format!("{start}certificate = {{ arn = \"{arn}\" }}\n{rest}"));
        answer(&answers(&account, 2), "BP-PRE-05", "listener.https").clone()
    };
    let ok = given(&request("town.example"));
    assert_eq!(ok["answer"], "ok", "{ok:#}");
    let spec = account.bench.read("spec.toml");
    let line = spec.lines().position(|line| line.starts_with("certificate = ")).expect("its line") + 1;
    assert_eq!(ok["line"], line, "{ok:#}");
    let other = given(&request("village.example"));
    assert_eq!(other["evidence"], "the certificate is for village.example, not for town.example");
    let none = given("arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012");
    assert_eq!(none["answer"], "bad", "{none:#}");
    let elsewhere = given("arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012");
    assert!(elsewhere["evidence"].as_str().is_some_and(|it| it.ends_with(" is in us-east-1")), "{elsewhere:#}");
    given(&request("town.example"));
    moto.fail("acm:DescribeCertificate", 400, "AccessDeniedException");
    let all = answers(&account, 2);
    assert_eq!(answer(&all, "BP-PRE-05", "listener.https")["answer"], "unknown");
}

#[test]
fn the_world_must_ask_the_zone_and_let_amazon_issue() {
    let moto = Moto::start();
    let account = town(&moto);
    let all = answers(&account, 2);
    assert_eq!(how(&all, "BP-PRE-07"), set(&["unknown"]), "the registrar is not asked: {all:#?}");
    assert_eq!(how(&all, "BP-PRE-06"), set(&["ok"]), "{all:#?}");
    // The zone above is in the account, and does not know it; then leads elsewhere; then to it.
    zone(&moto, "example");
    assert_eq!(how(&answers(&account, 2), "BP-PRE-07"), set(&["bad"]));
    let delegate = |servers: &str| {
        moto.boto(&format!(
            r#"
zones = {{zone["Name"]: zone["Id"] for zone in client("route53").list_hosted_zones()["HostedZones"]}}
own = client("route53").get_hosted_zone(Id=zones["town.example."])["DelegationSet"]["NameServers"]
records = [{{"Value": server}} for server in {servers}]
record = {{"Name": "town.example", "Type": "NS", "TTL": 60, "ResourceRecords": records}}
change = {{"Changes": [{{"Action": "UPSERT", "ResourceRecordSet": record}}]}}
client("route53").change_resource_record_sets(HostedZoneId=zones["example."], ChangeBatch=change)"#
        ));
    };
    delegate(r#"["ns-9.example.net"]"#);
    assert_eq!(how(&answers(&account, 2), "BP-PRE-07"), set(&["bad"]));
    delegate("own");
    assert_eq!(how(&answers(&account, 2), "BP-PRE-07"), set(&["ok"]));
    moto.boto(
        r#"
zones = {zone["Name"]: zone["Id"] for zone in client("route53").list_hosted_zones()["HostedZones"]}
record = {"Name": "town.example", "Type": "CAA", "TTL": 60, "ResourceRecords": [{"Value": '0 issue "letsencrypt.org"'}]}
change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
client("route53").change_resource_record_sets(HostedZoneId=zones["town.example."], ChangeBatch=change)"#,
    );
    let all = answers(&account, 2);
    let caa = answer(&all, "BP-PRE-06", "certificate.main");
    let evidence = "the CAA record of town.example lets only letsencrypt.org issue a certificate for town.example";
    assert_eq!(caa["evidence"], evidence, "{caa:#}");
}

#[test]
fn service_linked_roles_are_there_or_not_known() {
    let moto = Moto::start();
    let account = town(&moto);
    assert_eq!(how(&answers(&account, 2), "BP-PRE-08"), set(&["unknown"]));
    roles(&moto);
    assert_eq!(how(&answers(&account, 2), "BP-PRE-08"), set(&["ok"]));
}

/// Calls grow with what is asked, not with objects.
#[test]
fn many_objects_take_no_more_calls() {
    let calls = |services: usize| {
        let moto = Moto::start();
        let account = town(&moto);
        let mut spec = account.bench.read("spec.toml");
        for service in 0..services {
            spec += &format!(
                "\n[services.s{service}]\nimage = \"{{registries.web.url}}:{service}\"\ncpu = 256\nmemory = 512\n\
                 security-groups = [\"app\"]\n\n[databases.d{service}]\nengine = \"postgres\"\nversion = \"16\"\n\
                 class = \"db.t4g.micro\"\nstorage = 20\ndatabase = \"town\"\nusername = \"town\"\n\
                 security-groups = [\"app\"]\n"
            );
        }
        account.bench.write("spec.toml", spec);
        moto.reset_counts();
        account.done("plan spec.toml --no-preflight");
        let before = moto.counts().total;
        moto.reset_counts();
        account.done("plan spec.toml");
        moto.counts().total - before
    };
    assert_eq!(calls(1), calls(20));
}

/// What asks most, for the test that every operation is called.
pub fn asked() -> BTreeSet<String> {
    let moto = Moto::start();
    let account = town(&moto);
    moto.boto("import kinds.preflight\nkinds.preflight.APPLIED['vpc'].clear()");
    moto.boto(
        r#"
client("ecs").create_cluster(clusterName="other")
client("ecs").register_task_definition(family="job", requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
    cpu="512", memory="1024", containerDefinitions=[{"name": "job", "image": "job", "memory": 1024}])
client("ecs").run_task(cluster="other", taskDefinition="job", launchType="FARGATE", networkConfiguration={
    "awsvpcConfiguration": {
        "subnets": [client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]],
        "securityGroups": [client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]]}})"#,
    );
    let all = answers(&account, 2);
    let evidence = "vCPUs of Fargate in the region: 0.5 of 400 are used, the plan adds 0.25";
    assert_eq!(answer(&all, "BP-PRE-02", "ecs_service.web")["evidence"], evidence, "{all:#?}");
    moto.operations()
}

#[test]
fn tasks_of_others_are_counted() {
    asked();
}
