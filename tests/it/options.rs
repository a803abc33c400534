//! Options that name what is not there, or that have no effect where they stand, are wrong usage and change nothing.

use crate::cli::Bench;
use crate::file_cloud::{CLOUD, FileCloud};

/// Each is refused as wrong usage, and says these words.
fn assert_wrong(cloud: &FileCloud, cases: &[(&str, &str)]) {
    let before = cloud.bench.read("cloud.json");
    for (arguments, words) in cases {
        let outcome = cloud.bench.run(arguments);
        assert_eq!(outcome.code, 64, "`{arguments}`\n{outcome}");
        assert!(outcome.stderr.contains(words), "`{arguments}` says `{words}`\n{outcome}");
        assert!(outcome.stdout.is_empty(), "`{arguments}`\n{outcome}");
    }
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
}

fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud
}

#[test]
fn what_cannot_be_adopted() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "[parameters]\n", "[parameters]\n\"web/theirs\" = { external = true }\n");
    let with = |command: &str, address: &str| format!("{command} spec.toml --adopt {address} {CLOUD}");
    for command in ["plan", "apply --yes"] {
        assert_wrong(
            &cloud,
            &[
                (&with(command, "log_grup.web"), "did you mean `log_group.web` or `services.web`?"),
                (&with(command, "log_group.wbe"), "did you mean `log_group.web` or `services.web`?"),
                (&with(command, "ssm_parameter.web/theirs"), "external = true"),
                (&with(command, "nonsense"), "no object of this address, and no entry at this path"),
            ],
        );
    }
    assert_wrong(&cloud, &[(&format!("plan spec.toml --destroy --adopt log_group.web {CLOUD}"), "--adopt")]);
}

#[test]
fn what_cannot_be_allowed_or_fail() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "\"web/token\" = { env = \"WEATHER_API_KEY\" }\n", "");
    cloud.bench.edit("spec.toml", "secrets = { TOKEN = \"web/token\" }\n", "");
    for command in ["plan", "apply --yes"] {
        let allowed = format!("{command} spec.toml --allow-destroy ssm_parameter.web/tokne {CLOUD}");
        assert_wrong(&cloud, &[(&allowed, "did you mean `ssm_parameter.web/token`?")]);
    }
    let fails = |address: &str| format!("apply --yes spec.toml --allow-destroy * --fail-at {address} {CLOUD}");
    assert_wrong(
        &cloud,
        &[
            (&fails("ecs_servic.web"), "did you mean `ecs_service`?"),
            (&fails("ecs_service.wbe"), "did you mean `ecs_service.web`?"),
            (&format!("plan spec.toml --fail-at ecs_service.web {CLOUD}"), "this command makes none"),
            ("apply --yes spec.toml --fail-at ecs_service.web", "--fail-at has no effect on --cloud aws"),
            ("apply --yes spec.toml --time-scale 1", "--time-scale has no effect on --cloud aws"),
        ],
    );
    // It is gone, and the same command is given again.
    let again = "apply --yes spec.toml --allow-destroy ssm_parameter.web/token";
    cloud.done(again);
    cloud.done(again);
}

#[test]
fn what_has_no_effect() {
    let cloud = town();
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    cloud.done("plan spec.toml --out saved.plan");
    cloud.bench.write("old.toml", cloud.bench.read("spec.toml"));
    assert_wrong(
        &cloud,
        &[
            (
                &format!("apply saved.plan --image web=nginx:1 {CLOUD}"),
                "--image cannot be combined with a saved plan",
            ),
            (
                &format!("apply saved.plan --live-images {CLOUD}"),
                "--live-images cannot be combined with a saved plan",
            ),
            (&format!("apply saved.plan --adopt vpc.main {CLOUD}"), "--adopt cannot be combined with a saved plan"),
            (&format!("plan spec.toml --out saved.toml {CLOUD}"), "is named like a spec"),
            (&format!("plan spec.toml --profile dev {CLOUD}"), "--profile has no effect on --cloud file:"),
            ("plan spec.toml --from old.toml --profile dev", "--profile has no effect with --from"),
            ("compare spec.toml old.toml --profile dev", "--profile has no effect with compare"),
            ("compare spec.toml old.toml --json --format markdown", "--json and --format"),
            ("compare spec.toml old.toml --json --all", "--all applies to text only"),
            ("graph spec.toml --json --format dot", "--json and --format"),
            ("completions bash --json", "--json has no effect"),
        ],
    );
}

#[test]
fn a_graph_is_listed_as_json() {
    let graph = Bench::with_fixture("small.toml").done("graph spec.toml --json").json();
    let objects = graph.as_array().expect("objects");
    let at = |address: &str| objects.iter().find(|object| object["address"] == address).expect("it is there");
    assert_eq!(at("log_group.web")["stage"], "compute");
    let needs = at("task_definition.web")["needs"].as_array().expect("addresses");
    assert!(needs.contains(&"log_group.web".into()), "{needs:?}");
    let position = |address: &str| objects.iter().position(|object| object["address"] == address);
    assert!(position("log_group.web") < position("task_definition.web"), "dependencies come first");
}

#[test]
fn what_was_captured_is_counted_as_json() {
    let cloud = town();
    let outcome = cloud.done("observe spec.toml --out captured.json --json").json();
    assert_eq!(outcome["captured"], cloud.objects().len());
}
