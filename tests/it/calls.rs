//! How many calls a plan makes: they may not grow with objects, only with pages and with the reads that AWS offers
//! for one object at a time.

use std::fmt::Write;

use crate::account::Account;
use crate::moto::{Counts, Moto};
use crate::round_trip::{city, city_with};

/// For these AWS has no call that answers for many.
const PER_OBJECT: [&str; 2] = ["ecr:GetLifecyclePolicy", "elasticloadbalancing:DescribeTargetGroupAttributes"];

/// The calls of a plan that finds nothing to change.
pub fn calls_of_a_plan(account: &Account<'_>, moto: &Moto, spec: &str) -> Counts {
    moto.reset_counts();
    account.assert_no_changes(spec);
    moto.counts()
}

#[test]
fn a_plan_of_prod_takes_few_calls() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    let counts = calls_of_a_plan(&account, &moto, "prod.toml");
    assert!(counts.total <= 45, "{counts:#?}");
    assert!(counts.repeated.is_empty(), "{counts:#?}");
}

#[test]
fn calls_grow_with_pages_only() {
    let moto = city();
    let account = Account::new(&moto);
    account.bench.write("few.toml", many("few", 2));
    account.bench.write("many.toml", many("many", 20));
    account.done("apply --yes few.toml");
    account.done("apply --yes many.toml");
    let few = calls_of_a_plan(&account, &moto, "few.toml");
    let many = calls_of_a_plan(&account, &moto, "many.toml");
    assert!(many.repeated.is_empty(), "{many:#?}");

    let mut grown = String::new();
    for (action, count) in &many.by_action {
        let before = few.by_action.get(action).copied().unwrap_or(0);
        let allowed = match action.as_str() {
            // Its own, and those of the other environment that belong to the project.
            per_object if PER_OBJECT.contains(&per_object) => 22,
            // AWS's own page sizes: 10 parameters or services, 50 descriptions, 20 things with tags.
            "ssm:GetParameters" => (2 * 20 + 1_usize).div_ceil(10),
            "ssm:GetParametersByPath" => before + 1,
            "ecs:DescribeServices" => 2,
            "elasticloadbalancing:DescribeTags" => before + 2,
            "tagging:GetResources" => before + 2,
            _ => before,
        };
        if *count > allowed {
            writeln!(grown, "{action}: {before} → {count}, at most {allowed}").unwrap();
        }
    }
    assert!(grown.is_empty(), "{grown}{many:#?}");
}

#[test]
fn three_hundred_security_groups_take_ten_calls() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    let mut spec = head("groups");
    for group in 0..300 {
        writeln!(spec, "[security-groups.g{group}]\ningress = [").unwrap();
        // 1,400 rules: four or five in each, one of them from a neighbour.
        for rule in 0..3 + usize::from(group % 3 != 0) {
            writeln!(spec, r#"  {{ ports = "{}", from = "10.{rule}.0.0/16" }},"#, 1024 + rule).unwrap();
        }
        writeln!(spec, r#"  {{ ports = "443", from = "g{}" }},"#, (group + 1) % 300).unwrap();
        writeln!(spec, "]").unwrap();
    }
    account.bench.write("groups.toml", spec);
    account.done("apply --yes groups.toml");
    let counts = calls_of_a_plan(&account, &moto, "groups.toml");
    let groups: usize = counts
        .by_action
        .iter()
        .filter(|(action, _)| action.contains("SecurityGroup"))
        .map(|(_, count)| count)
        .sum();
    assert!(groups <= 10, "{counts:#?}");
    assert!(counts.repeated.is_empty(), "{counts:#?}");
}

/// Every one of them has a call of its own, all at the same time.
#[test]
fn many_reads_wait_for_their_turn() {
    let moto = city();
    let account = Account::new(&moto);
    moto.boto(
        r#"
for number in range(80):
    tags = {"project": "legocity", "address": f"ecr_repository.r{number}"}
    tags = [{"Key": f"baseplate:{key}", "Value": value} for key, value in tags.items()]
    client("ecr").create_repository(repositoryName=f"legocity-r{number}", tags=tags)"#,
    );
    moto.fault("how=slow&delay=0.5&calls=read");
    moto.reset_counts();
    account.done("plan prod.toml");
    moto.heal();
    let counts = moto.counts();
    assert_eq!(counts.by_action["ecr:GetLifecyclePolicy"], 80);
    assert!((20..=32).contains(&counts.at_once), "{counts:#?}");
}

/// What other environments of the project have is not listed, however much it is.
#[test]
fn other_environments_cost_no_calls() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    let alone = calls_of_a_plan(&account, &moto, "prod.toml");
    moto.boto(
        r#"
for number in range(700):
    tags = {"project": "legocity", "environment": f"e{number % 15}", "address": f"ssm_parameter.p{number}"}
    tags = [{"Key": f"baseplate:{key}", "Value": value} for key, value in tags.items()]
    client("ssm").put_parameter(Name=f"/legocity/e{number % 15}/p{number}", Value="x", Type="String", Tags=tags)"#,
    );
    let mut beside = calls_of_a_plan(&account, &moto, "prod.toml").by_action;
    // The first page, and where that is not all, what is this environment's and what is shared.
    let index = "tagging:GetResources";
    let pages = 3 * alone.by_action.get(index).expect("the index is asked");
    assert!(beside.remove(index) <= Some(pages), "{beside:#?}");
    for action in ["ssm:DescribeParameters", index] {
        beside.remove(action);
    }
    for (action, count) in beside {
        assert_eq!(Some(&count), alone.by_action.get(&action), "{action}");
    }
}

pub fn head(environment: &str) -> String {
    format!(
        r#"project = "legocity"
environment = "{environment}"
account = "123456789012"
region = "eu-central-1"

[network]
cidr = "10.40.0.0/16"

[network.subnets]
public-a = {{ tier = "public", zone = "eu-central-1a", cidr = "10.40.0.0/24" }}
public-b = {{ tier = "public", zone = "eu-central-1b", cidr = "10.40.1.0/24" }}
"#
    )
}

/// An environment with `size` of everything that there can be many of.
fn many(environment: &str, size: usize) -> String {
    let mut spec = head(environment);
    for index in 0..size {
        let third = index + 2;
        writeln!(
            spec,
            r#"private-{index} = {{ tier = "private", zone = "eu-central-1a", cidr = "10.40.{third}.0/24" }}"#
        )
        .unwrap();
    }
    writeln!(spec, "\n[load-balancer]\nsecurity-groups = [\"g0\"]\n\n[parameters]").unwrap();
    for index in 0..size {
        writeln!(spec, "\"plain/{index}\" = \"value {index}\"").unwrap();
        writeln!(spec, "\"secret/{index}\" = {{ generate = {{ length = 20 }} }}").unwrap();
    }
    for index in 0..size {
        let (port, priority) = (3000 + index, index + 1);
        writeln!(
            spec,
            r#"
[security-groups.g{index}]
ingress = [{{ ports = "{port}", from = "self" }}, {{ ports = "443", from = "10.0.0.0/8" }}]

[registries.{environment}-r{index}]

[services.s{index}]
image = "{{registries.{environment}-r{index}.url}}:latest"
cpu = 256
memory = 512
port = {port}
security-groups = ["g{index}"]
subnets = ["private-{index}"]
secrets = {{ KEY = "secret/{index}" }}
route = {{ paths = ["/s{index}/*"], priority = {priority} }}"#
        )
        .unwrap();
    }
    spec
}
