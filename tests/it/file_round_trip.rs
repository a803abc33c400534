//! The whole round trip on a cloud in a file: apply, nothing left to change, edits, destroy, nothing left at all.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use crate::cli::{Bench, WEATHER_API_KEY};
use crate::file_cloud::FileCloud;
use crate::round_trip_edits::{EDITS, Edit};

const REGISTRIES: [&str; 5] = ["broker", "dashboard", "payload", "proxy", "update-env"];

fn registries() -> Vec<String> {
    REGISTRIES.map(|name| format!("every environment: ecr_repository.{name}")).to_vec()
}

/// Takes the protection away that production has against being destroyed.
fn unprotect(cloud: &FileCloud) {
    cloud.bench.write("prod.toml", cloud.bench.read("prod.toml").replace("deletion-protection = true\n", ""));
    cloud.bench.edit("prod.toml", "environment = \"prod\"\n", "environment = \"prod\"\nprotect = false\n");
}

fn comes_changes_and_goes(environment: &str) {
    let cloud = FileCloud::new();
    let spec = format!("{environment}.toml");
    if environment == "prod" {
        unprotect(&cloud);
    }
    cloud.done(&format!("apply --yes {spec}"));
    cloud.assert_no_changes(&spec);

    let mut wrong = Vec::new();
    for Edit { what, own, from, to, changes } in EDITS {
        cloud.bench.edit(if *own { &spec } else { "legocity.toml" }, from, to);
        let planned: BTreeSet<String> = cloud.changes(&spec).into_iter().collect();
        if planned != changes.iter().map(|&change| change.to_owned()).collect() {
            wrong.push(format!("{what}: {planned:#?}"));
        }
        cloud.done(&format!("apply --yes {spec}"));
        let left = cloud.changes(&spec);
        if !left.is_empty() {
            wrong.push(format!("{what}, after apply: {left:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    cloud.done(&format!("destroy --yes {spec}"));
    assert_eq!(cloud.objects().into_iter().collect::<Vec<_>>(), registries(), "the project's own stay");
    cloud.done(&format!("destroy --shared --yes {spec}"));
    assert!(cloud.objects().is_empty(), "{:#?}", cloud.objects());
}

#[test]
fn dev_comes_changes_and_goes() {
    comes_changes_and_goes("dev");
}

#[test]
fn prod_comes_changes_and_goes() {
    comes_changes_and_goes("prod");
}

#[test]
fn dev_and_prod_live_side_by_side() {
    let cloud = FileCloud::new();
    unprotect(&cloud);
    cloud.done("apply --yes dev.toml");
    let dev = cloud.objects();
    cloud.done("apply --yes prod.toml");
    assert!(cloud.objects().is_superset(&dev));
    cloud.assert_no_changes("dev.toml");
    cloud.assert_no_changes("prod.toml");

    cloud.done("destroy --yes prod.toml");
    assert_eq!(cloud.objects(), dev, "dev is untouched, and so are the registries");
    cloud.assert_no_changes("dev.toml");
}

#[test]
fn what_cannot_change_in_place_is_replaced() {
    let cases: [(&str, &str, &str, &str, &str); 2] = [
        (
            "database's user",
            "legocity.toml",
            "username = \"payload\"",
            "username = \"editor\"",
            "db_instance.payload",
        ),
        ("VPC's range", "dev.toml", "\"10.20.0.0/16\"", "\"10.20.0.0/17\"", "vpc.main"),
    ];
    for (what, file, from, to, address) in cases {
        let cloud = FileCloud::new();
        if what.starts_with("VPC") {
            // All subnets must lie within the smaller range from the start.
            let moved =
                cloud.bench.read("dev.toml").replace("10.20.128.", "10.20.32.").replace("10.20.144.", "10.20.48.");
            cloud.bench.write("dev.toml", moved);
        }
        cloud.done("apply --yes dev.toml");
        let before = cloud.bench.json("cloud.json");
        cloud.bench.edit(file, from, to);
        let shown = cloud.done("plan dev.toml").stdout;
        assert!(shown.contains(&format!("± {address}  ")), "{what}\n{shown}");
        assert!(shown.contains(" in place: the "), "{what}\n{shown}");
        assert!(shown.contains("forces replacement"), "{what}\n{shown}");
        cloud.done("apply --yes dev.toml --allow-deletes 38");
        cloud.assert_no_changes("dev.toml");

        let id = |cloud: &serde_json::Value| {
            let objects = cloud["objects"].as_array().expect("objects");
            let with_address: Vec<_> = objects.iter().filter(|object| object["address"] == address).collect();
            assert_eq!(with_address.len(), 1, "{what}: the old one is gone");
            with_address[0]["id"].clone()
        };
        assert_ne!(id(&before), id(&cloud.bench.json("cloud.json")), "{what}: a new object has a new id");
    }
}

#[test]
fn after_a_failure_the_rest_is_done_and_a_second_run_finishes() {
    let cloud = FileCloud::new();
    let outcome = cloud.run("apply --yes dev.toml --fail-at nat_gateway.public-a");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("FAILED creating nat_gateway.public-a: "), "{outcome}");
    assert!(
        outcome.stderr.contains("skipped creating route_table.private: nat_gateway.public-a failed"),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("then run the same command again."), "{outcome}");
    let there = cloud.objects();
    assert_eq!(
        there.len(),
        cloud.bench.wanted("dev.toml") - 7,
        "all but the gateway, the route table that leads to it, and the services\n{outcome}"
    );

    let planned = cloud.changes("dev.toml");
    let services =
        ["broker", "payload", "proxy", "dashboard", "update-env"].map(|key| format!("create ecs_service.{key}"));
    let gateway = ["create nat_gateway.public-a", "create route_table.private"].map(str::to_owned);
    assert_eq!(planned, [&gateway[..], &services[..]].concat());
    cloud.done("apply --yes dev.toml");
    cloud.assert_no_changes("dev.toml");
}

#[test]
fn a_failed_wave_of_updates_stops_those_after_it() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes dev.toml");
    cloud.bench.edit("legocity.toml", "team = \"city\"", "team = \"town\"");
    let outcome = cloud.run("apply --yes --json dev.toml --fail-at ecs_service.dashboard");
    assert_eq!(outcome.code, 1, "{outcome}");
    let report = outcome.json();
    let addresses = |list: &str| -> Vec<String> {
        let entries = report[list].as_array().expect("a list").iter();
        entries.map(|one| one["address"].as_str().expect("an address").to_owned()).collect()
    };
    assert_eq!(addresses("failed"), ["ecs_service.dashboard"]);
    let later = ["broker", "payload", "proxy", "update-env"].map(|name| format!("ecs_service.{name}"));
    assert_eq!(addresses("skipped"), later, "they come after the dashboard");
    cloud.done("apply --yes dev.toml");
    cloud.assert_no_changes("dev.toml");
}

#[test]
fn a_failed_service_stops_no_new_one() {
    let cloud = FileCloud::new();
    let outcome = cloud.run("apply --yes dev.toml --fail-at ecs_service.dashboard");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(cloud.objects().len(), cloud.bench.wanted("dev.toml") - 1, "all but the dashboard\n{outcome}");
    cloud.done("apply --yes dev.toml");
    cloud.assert_no_changes("dev.toml");
}

#[test]
fn a_failed_destroy_goes_on_where_it_stopped() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes dev.toml");
    let outcome = cloud.run("destroy --yes dev.toml --fail-at load_balancer.main");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("FAILED deleting load_balancer.main: "), "{outcome}");
    assert!(cloud.objects().contains("dev: vpc.main"), "what it stands on stays");
    assert!(!cloud.objects().contains("dev: db_instance.payload"), "what is independent goes");
    cloud.done("destroy --yes dev.toml");
    assert_eq!(cloud.objects().into_iter().collect::<Vec<_>>(), registries());
}

#[test]
fn secrets_show_nowhere() {
    let cloud = FileCloud::new();
    let mut said = String::new();
    for arguments in [
        "plan dev.toml --out new.plan",
        "plan dev.toml --json",
        "apply new.plan",
        "plan dev.toml",
        "apply --yes dev.toml",
        "show dev.toml",
        "observe dev.toml --out observed.json",
        "plan dev.toml --destroy --out end.plan",
        "plan dev.toml --destroy --json",
    ] {
        let with_cloud =
            if arguments.starts_with("show") { String::new() } else { crate::file_cloud::CLOUD.to_owned() };
        said += &cloud.bench.done(&format!("{arguments} {with_cloud}")).to_string();
    }
    // Another value: the change is shown, neither of the values is.
    let rotated = "rotated-weather-key-77e2";
    for arguments in ["plan dev.toml --out rotate.plan", "apply dev.toml --yes --json"] {
        let mut command = cloud.bench.command(&format!("{arguments} {}", crate::file_cloud::CLOUD));
        said += &crate::cli::Outcome::of(command.env("WEATHER_API_KEY", rotated)).to_string();
    }
    assert!(said.contains("(sensitive value, changed)"), "the rotation is a change\n{said}");
    for file in ["cloud.json", "new.plan", "end.plan", "rotate.plan", "observed.json"] {
        said += &cloud.bench.read(file);
    }
    for secret in [WEATHER_API_KEY, rotated] {
        assert!(
            !said.contains(secret),
            "{}",
            &said[said.find(secret).unwrap_or_default().saturating_sub(200)..][..400]
        );
    }
    // The password is made here and known to nobody, but a URL that held it would read so.
    let password = said.match_indices("postgres://payload:").map(|(at, found)| &said[at + found.len()..]);
    for after in password {
        assert!(after.starts_with('{'), "only a placeholder may stand for the password: {}", &after[..40]);
    }
}

#[test]
fn files_are_for_their_owner_only() {
    let cloud = FileCloud::new();
    cloud.done("plan dev.toml --out new.plan");
    cloud.done("apply new.plan");
    cloud.done("observe dev.toml --out observed.json");
    for file in ["new.plan", "cloud.json", "observed.json"] {
        let mode = std::fs::metadata(cloud.bench.path(file)).expect(file).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // Also where the file was there with other rights.
    std::fs::set_permissions(cloud.bench.path("cloud.json"), PermissionsExt::from_mode(0o644)).expect("mode");
    cloud.done("destroy --yes dev.toml");
    let mode = std::fs::metadata(cloud.bench.path("cloud.json")).expect("cloud.json").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_observed_can_be_planned_and_rehearsed_anywhere() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes dev.toml");
    cloud.done("observe dev.toml --out observed.json");
    let bench: &Bench = &cloud.bench;
    let captured = "--cloud file:observed.json --time-scale 0";
    let outcome = bench.done(&format!("plan dev.toml --detailed-exitcode {captured}"));
    assert!(outcome.stdout.contains("No changes"), "{outcome}");
    let outcome = bench.run(&format!("observe dev.toml --out observed.json {captured}"));
    assert_eq!(outcome.code, 4, "an existing file is not overwritten\n{outcome}");

    bench.edit("legocity.toml", "[services.broker]\n", "[services.broker]\ncount = 3\n");
    bench.done(&format!("apply --yes dev.toml {captured}"));
    bench.done(&format!("destroy --yes --shared dev.toml {captured}"));
    assert_eq!(bench.json("observed.json")["objects"], serde_json::json!([]));
}

#[test]
fn what_an_account_tells_makes_the_same_plan_in_a_file() {
    let moto = crate::round_trip::city_with("dev");
    let account = crate::account::Account::new(&moto);
    account.done("observe dev.toml --out observed.json");
    let captured = account.bench.read("observed.json");
    assert!(!captured.contains(WEATHER_API_KEY), "the account tells secrets, the file must not");
    let outcome = account.bench.done("plan dev.toml --detailed-exitcode --cloud file:observed.json");
    assert!(outcome.stdout.contains("No changes"), "{outcome}");
}
