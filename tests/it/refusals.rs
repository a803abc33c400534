//! What is refused before anything is written, and what cannot be reached.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::assert_outcome;
use crate::cli::{Bench, Outcome};
use crate::file_cloud::{CLOUD, FileCloud};

#[test]
fn without_yes_and_without_a_terminal_nothing_happens() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.run("apply spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stdout.contains("Plan: "), "the plan is shown all the same\n{outcome}");
    assert_outcome!("refused-no-terminal", outcome.stderr);
    assert!(!cloud.bench.path("cloud.json").exists());

    cloud.done("apply --yes spec.toml");
    let before = cloud.bench.read("cloud.json");
    assert_eq!(cloud.run("destroy spec.toml").code, 4);
    assert_eq!(cloud.bench.read("cloud.json"), before);
}

#[test]
fn a_cloud_file_of_another_account_is_refused() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "123456789012", "210987654321");
    for command in ["plan", "apply --yes", "destroy --yes"] {
        let outcome = cloud.run(&format!("{command} spec.toml"));
        assert_eq!(outcome.code, 4, "{outcome}");
        assert!(outcome.stdout.is_empty(), "{outcome}");
    }
    assert_outcome!("refused-account", cloud.run("plan spec.toml"));
}

#[test]
fn a_region_other_than_the_specs_is_refused() {
    let cloud = FileCloud::with_fixture("small.toml");
    assert_outcome!("refused-region", cloud.run("plan spec.toml --region us-east-1"));
    cloud.done("plan spec.toml --region eu-central-1");
}

#[test]
fn files_that_are_no_clouds_are_refused_and_kept() {
    let cases = [
        ("truncated", "{\"format\": \"baseplate-cloud\", \"version\": 1, \"acc"),
        ("foreign", "{\"version\": 4, \"terraform_version\": \"1.9.0\", \"resources\": []}"),
        ("list", "[]"),
        ("empty", ""),
        ("newer", "{\"format\": \"baseplate-cloud\", \"version\": 2}"),
    ];
    for (name, text) in cases {
        let cloud = FileCloud::with_fixture("small.toml");
        cloud.bench.write("cloud.json", text);
        let outcome = cloud.run("apply --yes spec.toml");
        assert_eq!(outcome.code, 3, "{outcome}");
        assert_outcome!(format!("cloud-{name}"), outcome);
        assert_eq!(cloud.bench.read("cloud.json"), text, "what it is not is not overwritten");
    }
}

#[test]
fn a_cloud_file_with_a_kind_unknown_here_is_refused() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("vpc.main", |object| object["address"] = json!("quantum_link.main"));
    assert_outcome!("cloud-unknown-kind", cloud.run("plan spec.toml"));
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_before_any_change() {
    let cloud = FileCloud::with_fixture("small.toml");
    let outcome = cloud.bench.run("apply --yes spec.toml --cloud file:nowhere/cloud.json --time-scale 0");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_outcome!("apply-nowhere", outcome);
    let outcome = cloud.bench.run(&format!("plan spec.toml --out nowhere/saved.plan {CLOUD}"));
    assert_outcome!("plan-out-nowhere", outcome);
}

#[test]
fn a_secret_that_is_not_given_is_missed_before_anything_is_written() {
    let cloud = FileCloud::new();
    for value in [None, Some("")] {
        let mut command = cloud.bench.command(&format!("apply --yes dev.toml {CLOUD}"));
        match value {
            Some(value) => command.env("WEATHER_API_KEY", value),
            None => command.env_remove("WEATHER_API_KEY"),
        };
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 4, "{outcome}");
        assert!(!cloud.bench.path("cloud.json").exists());
        assert_outcome!("refused-variable-missing", outcome.stderr);
    }
}

#[test]
fn a_secret_that_is_not_given_again_stays_what_it_is() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes dev.toml");
    for (value, from, to) in [(None, "city", "harbour"), (Some(""), "harbour", "parks")] {
        cloud.bench.edit("legocity.toml", &format!("team = \"{from}\""), &format!("team = \"{to}\""));
        let mut command = cloud.bench.command(&format!("apply --yes dev.toml {CLOUD}"));
        match value {
            Some(value) => command.env("WEATHER_API_KEY", value),
            None => command.env_remove("WEATHER_API_KEY"),
        };
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 0, "{outcome}");
        assert!(outcome.stdout.contains("~ ssm_parameter.external/weather/api-key"), "{outcome}");
        cloud.assert_no_changes("dev.toml");
    }
}

#[test]
fn an_unknown_cloud_is_wrong_usage() {
    let bench = Bench::new();
    assert_outcome!("cloud-unknown", bench.run("plan dev.toml --cloud azure"));
    assert_outcome!("cloud-time-scale", bench.run("plan dev.toml --cloud file:c.json --time-scale -1"));
    assert_outcome!("cloud-fail-at", bench.run("plan dev.toml --cloud file:c.json --fail-at nonsense"));
}

/// A run against an endpoint where nobody listens. It must fail by itself, and soon.
fn unreachable_aws(prepare: impl FnOnce(&mut std::process::Command)) -> Outcome {
    let bench = Bench::new();
    let mut command = bench.command("plan dev.toml --wait never");
    prepare(command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1"));
    let started = Instant::now();
    let outcome = Outcome::of(&mut command);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "an answer takes too long: {took:?}");
    assert_eq!(outcome.code, 1, "{outcome}");
    outcome
}

#[test]
fn missing_credentials_are_named() {
    let outcome = unreachable_aws(|command| {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    });
    assert_outcome!("aws-no-credentials", outcome);
}

/// A mistake in what says where and as whom to call is found before any call, and is not tried again.
#[test]
fn what_cannot_be_sent_is_final() {
    let profile = |command: &mut std::process::Command| {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").args(["--profile", "nowhere"]);
    };
    assert_outcome!("aws-no-profile", unreachable_aws(profile));
    assert_outcome!(
        "aws-no-endpoint",
        unreachable_aws(|command| {
            command.env("AWS_ENDPOINT_URL", "not an address");
        })
    );
}

#[test]
fn an_endpoint_that_does_not_answer_is_named() {
    assert_outcome!("aws-unreachable", unreachable_aws(|_| {}));
}

#[test]
fn a_password_in_the_address_of_an_endpoint_is_not_shown() {
    let bench = Bench::new();
    let mut command = bench.command("plan dev.toml -vvv --call-timeout 1");
    let outcome = Outcome::of(command.env("AWS_ENDPOINT_URL", "http://ada:planted@127.0.0.1:1"));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("not waiting for rollouts: http://127.0.0.1:1 is not an endpoint of AWS"),
        "{outcome}"
    );
    assert!(!outcome.to_string().contains("planted"), "{outcome}");
}
