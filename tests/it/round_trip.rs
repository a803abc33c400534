//! The whole round trip over HTTP: apply, nothing left to change, destroy, nothing left at all.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::account::Account;
use crate::cli::Bench;
use crate::moto::Moto;

/// A moto with the DNS zone that the shipped specs expect to find.
pub fn city() -> Moto {
    static CITY: OnceLock<Moto> = OnceLock::new();
    let made = || {
        let moto = Moto::start();
        moto.boto(r#"client("route53").create_hosted_zone(Name="legocity.example", CallerReference="city")"#);
        moto
    };
    CITY.get_or_init(made).fork()
}

/// The same, to which an environment was applied. That is done once for all tests.
pub fn city_with(environment: &str) -> Moto {
    static DEV: OnceLock<Moto> = OnceLock::new();
    static PROD: OnceLock<Moto> = OnceLock::new();
    let (applied, spec) = match environment {
        "dev" => (&DEV, "apply --yes dev.toml"),
        "prod" => (&PROD, "apply --yes prod.toml"),
        other => panic!("no environment is called {other}"),
    };
    let made = || {
        let moto = city();
        Account::new(&moto).done(spec);
        moto
    };
    applied.get_or_init(made).fork()
}

fn inventory(moto: &Moto, environment: &str) -> Value {
    moto.boto(&format!("answer = inventory('legocity', '{environment}')"))
}

fn repositories(moto: &Moto) -> Value {
    moto.boto(
        r#"answer = sorted(one["repositoryName"] for one in pages("ecr", "describe_repositories", "repositories"))"#,
    )
}

/// Takes the protection out of the spec that production has against being destroyed.
pub fn unprotected(bench: &Bench) {
    bench.edit("prod.toml", "environment = \"prod\"\n", "environment = \"prod\"\nprotect = false\n");
    bench.edit("prod.toml", "deletion-protection = true\nperformance", "performance");
    bench.edit("prod.toml", "[load-balancer]\ndeletion-protection = true\n", "");
}

/// Takes it away, too.
pub fn unprotect(account: &Account<'_>) {
    unprotected(&account.bench);
    assert_eq!(
        account.changes("prod.toml"),
        ["update db_instance.payload: deletion_protection", "update load_balancer.main: deletion_protection"]
    );
    account.done("apply --yes prod.toml");
}

fn comes_and_goes(environment: &str) {
    let moto = city_with(environment);
    let account = Account::new(&moto);
    let spec = format!("{environment}.toml");

    account.assert_no_changes(&spec);
    let there = inventory(&moto, environment);
    for kind in ["vpc", "nat_gateway", "db_instance", "ssm_parameter", "ecs_service", "load_balancer", "dns_record"]
    {
        assert!(!there[kind].is_null(), "the inventory must know {kind} to check that\n{there:#}");
    }

    if environment == "prod" {
        unprotect(&account);
    }
    account.done(&format!("destroy --yes {spec}"));
    assert_eq!(inventory(&moto, environment), json!({}), "nothing of {environment} may be left");
    let five = ["broker", "dashboard", "payload", "proxy", "update-env"].map(|name| format!("legocity-{name}"));
    assert_eq!(repositories(&moto), json!(five), "the registries belong to the project");

    account.done(&format!("destroy --shared --yes {spec}"));
    assert_eq!(repositories(&moto), json!([]));

    // What was destroyed can come again.
    account.done(&format!("apply --yes {spec}"));
    account.assert_no_changes(&spec);
}

#[test]
fn dev_comes_and_goes() {
    comes_and_goes("dev");
}

#[test]
fn prod_comes_and_goes() {
    comes_and_goes("prod");
}

#[test]
fn a_protected_environment_is_not_destroyed() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    let outcome = account.run("destroy --yes prod.toml");
    assert_ne!(outcome.code, 0, "{outcome}");
    let there = inventory(&moto, "prod");
    assert_eq!(there["db_instance"], json!(["legocity-prod-payload"]), "{outcome}");
    account.done("apply --yes prod.toml");
    account.assert_no_changes("prod.toml");
}

#[test]
fn environments_live_side_by_side() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    account.done("apply --yes prod.toml");
    account.assert_no_changes("dev.toml");
    account.assert_no_changes("prod.toml");

    account.done("destroy --yes dev.toml");
    account.assert_no_changes("prod.toml");
    let dev = account.changes("dev.toml");
    assert!(dev.iter().all(|change| change.starts_with("create ")), "{dev:#?}");
    assert!(!dev.iter().any(|change| change.contains("ecr_repository")), "prod still has the registries: {dev:#?}");
}
