//! The operations of AWS that the sources call: each is called over HTTP, where its request is held against AWS's own
//! model of it.

use std::collections::BTreeSet;

use regex_lite::Regex;

use crate::account::Account;
use crate::round_trip::city_with;
use crate::scenes::Scene;
use crate::{examples, failures, history, images_in_ecr, layers, preflight, round_trip_drift};

/// What the sources name without calling it: what a role may do.
const NOT_CALLED: [&str; 2] = ["kinds::identity::iam_role::access", "kinds::identity::iam_role::policy"];

/// The operations of AWS that the sources name, "service:Operation".
fn named() -> BTreeSet<String> {
    let operation = Regex::new(r#""([a-z0-9]+):([A-Z][A-Za-z0-9]+)""#).expect("a pattern");
    let mut named = BTreeSet::new();
    for (module, text) in layers::texts() {
        if NOT_CALLED.contains(&module.join("::").as_str()) {
            continue;
        }
        for (_, [service, operation]) in operation.captures_iter(&text).map(|found| found.extract()) {
            match service {
                // Of a cloud file, and in a policy of an example.
                "file" | "s3" => {}
                // The permission has a shorter name than the service.
                "tag" => drop(named.insert(format!("tagging:{operation}"))),
                _ => drop(named.insert(format!("{service}:{operation}"))),
            }
        }
    }
    named
}

/// A call without a name would be none of those that are looked for.
#[test]
fn every_call_is_named() {
    let names: BTreeSet<String> =
        named().iter().filter_map(|name| Some(name.split_once(':')?.1.to_lowercase())).collect();
    let call = Regex::new(r"(?:client|once|soon)::<\w+>\(\)\s*\.(\w+)\(").expect("a pattern");
    let (mut calls, mut unnamed) = (0, BTreeSet::new());
    for (module, text) in layers::texts() {
        for (_, [method]) in call.captures_iter(&text).map(|found| found.extract()) {
            calls += 1;
            if !names.contains(&method.replace('_', "")) {
                unnamed.insert(format!("{}: {method}", module.join("::")));
            }
        }
    }
    assert!(calls > 100, "the calls are not read any more: {calls}");
    assert!(
        unnamed.is_empty(),
        "no name follows these calls, such as `.operation(\"ec2:CreateVpc\")`: {unnamed:#?}"
    );
}

/// The operations that are called by whatever tests make and change most.
fn called() -> BTreeSet<String> {
    let scenes = [Scene::apply(), Scene::update(), Scene::destroy()].map(|scene| &scene.called);
    let others = [examples::over_http(), failures::overcome(), round_trip_drift::taken_back()];
    let mut called: BTreeSet<String> = scenes.into_iter().chain(others).flatten().cloned().collect();
    called.append(&mut without_tags_again());
    called.append(&mut images_in_ecr::tagged_and_let_go());
    called.append(&mut preflight::asked());
    called.append(&mut history::asked());
    called
}

/// A tag of the whole environment that is not wanted any more.
fn without_tags_again() -> BTreeSet<String> {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    account.bench.edit("legocity.toml", "team = \"city\"", "");
    account.done("apply --yes prod.toml");
    account.assert_no_changes("prod.toml");
    moto.operations()
}

#[test]
fn every_operation_that_the_sources_name_was_called_over_http() {
    let (named, called) = (named(), called());
    assert!(named.len() > 100, "the operations are not read any more: {named:#?}");
    let unnamed: Vec<_> = called.difference(&named).collect();
    assert!(unnamed.is_empty(), "called, and the sources name them otherwise: {unnamed:#?}");
    let missing: Vec<_> = named.difference(&called).collect();
    assert!(missing.is_empty(), "nothing that `called` runs over HTTP calls these: {missing:#?}");
}
