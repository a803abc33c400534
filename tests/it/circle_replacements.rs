//! Edits that AWS cannot make in place, over HTTP: the old object goes, the new one comes, who refers to it moves over.

use crate::account::Account;
use crate::circle::city;

/// An edit of the shared spec or of `dev.toml`, from a fresh dev, and what the plan must show.
fn assert_edit(file: &str, from: &str, to: &str, changes: &[&str]) {
    let moto = city();
    let account = Account::new(&moto);
    account.done("apply --yes dev.toml");
    account.bench.edit(file, from, to);
    eprintln!("{:#?}", account.changes("dev.toml"));
    account.done("apply --yes dev.toml");
    let l = account.changes("dev.toml");
    if !l.is_empty() {
        eprintln!("LEFT {l:#?}");
    }
    account.done("destroy --yes dev.toml");
    let left = moto.boto("answer = inventory('legocity', 'dev')");
    assert_eq!(left, serde_json::json!({}), "nothing may be left, neither old nor new");
}

#[test]
fn a_service_moves_to_another_port() {
    assert_edit("legocity.toml", "port = 4000", "port = 3999", &[]);
}

#[test]
fn a_group_gets_another_description() {
    assert_edit("legocity.toml", "description = \"Services\"", "description = \"All services\"", &[]);
}

#[test]
fn a_subnet_gets_another_range() {
    assert_edit("dev.toml", "10.20.144.0/20", "10.20.160.0/20", &[]);
}

#[test]
fn the_private_domain_changes() {
    assert_edit("dev.toml", "dev.legocity.internal", "dev2.legocity.internal", &[]);
}

#[test]
fn the_domain_changes() {
    assert_edit("dev.toml", "domain = \"dev.legocity.example\"", "domain = \"dev2.legocity.example\"", &[]);
}

#[test]
fn https_goes() {
    assert_edit("legocity.toml", "certificate = { request = true }\n", "", &[]);
}

#[test]
fn the_load_balancer_goes_inside() {
    assert_edit("legocity.toml", "[load-balancer]\n", "[load-balancer]\ninternal = true\n", &[]);
}

#[test]
fn the_database_gets_another_name() {
    assert_edit("legocity.toml", "database = \"payload\"", "database = \"cms\"", &[]);
}

#[test]
fn nat_gateways_one_a_zone() {
    assert_edit("dev.toml", "nat = \"single\"", "nat = \"per-zone\"", &[]);
}
