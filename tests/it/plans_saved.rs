//! A saved plan is carried out exactly, or refused.

use serde_json::json;

use crate::assert_outcome;
use crate::cli::{Outcome, WEATHER_API_KEY};
use crate::file_cloud::{CLOUD, FileCloud};

/// An environment with one change planned and saved.
fn planned() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    cloud.done("plan spec.toml --out saved.plan");
    cloud
}

/// Applies the saved plan, which must leave everything as it is.
macro_rules! assert_refused {
    ($name:expr, $cloud:expr) => {{
        let before = $cloud.bench.read("cloud.json");
        let outcome = $cloud.run("apply saved.plan");
        assert_eq!(outcome.code, 4, "{outcome}");
        assert_outcome!($name, outcome);
        assert_eq!($cloud.bench.read("cloud.json"), before, "nothing was changed");
    }};
}

#[test]
fn it_is_carried_out_without_asking() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    assert_outcome!("saved-plan", cloud.run("plan spec.toml --out saved.plan"));
    cloud.done("apply saved.plan");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn it_remembers_the_images_it_was_planned_with() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("plan spec.toml --image web=nginx:1.27 --out saved.plan");
    cloud.done("apply saved.plan");
    let outcome = cloud.run("plan spec.toml --image web=nginx:1.27 --detailed-exitcode");
    assert_eq!(outcome.code, 0, "{outcome}");
}

#[test]
fn a_saved_end_is_an_end() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.done("plan spec.toml --destroy --out saved.plan --allow-destroy *");
    cloud.done("apply saved.plan");
    assert_eq!(cloud.objects().into_iter().collect::<Vec<_>>(), ["every environment: ecr_repository.web"]);
}

#[test]
fn what_may_go_can_be_said_when_it_is_applied() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.done("plan spec.toml --destroy --out saved.plan");
    assert_eq!(cloud.run("apply saved.plan").code, 4);
    cloud.done("apply saved.plan --allow-destroy *");
}

#[test]
fn a_plan_is_known_by_its_hash() {
    let cloud = planned();
    let hash = |text: &str| text.lines().find_map(|line| line.strip_prefix("Hash: ").map(str::to_owned));
    let reviewed = hash(&cloud.done("plan spec.toml").stdout).expect("a hash");
    assert_eq!(
        Some(&reviewed),
        hash(&cloud.done("plan spec.toml").stdout).as_ref(),
        "the same plan, the same hash"
    );

    cloud.bench.edit("spec.toml", ".url}:2", ".url}:3");
    let before = cloud.bench.read("cloud.json");
    assert_outcome!("refused-other-hash", cloud.run(&format!("apply spec.toml --plan-hash {reviewed}")));
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");

    cloud.bench.edit("spec.toml", ".url}:3", ".url}:2");
    for (name, wrong) in
        [("short", &reviewed[..11]), ("malformed", "sha256:abc"), ("long", &format!("{reviewed}0"))]
    {
        let outcome = cloud.run(&format!("apply spec.toml --plan-hash {wrong}"));
        assert_eq!(outcome.code, 64, "{name}: {outcome}");
        assert!(outcome.stderr.contains("--plan-hash"), "{name}: {outcome}");
    }
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
    cloud.done(&format!("apply spec.toml --plan-hash {}", &reviewed[..12]));
    cloud.assert_no_changes("spec.toml");
}

/// The job that plans a pull request has no secrets, the one that applies has.
#[test]
fn a_refusal_names_the_variable_that_the_review_did_not_know() {
    let cloud = planned();
    let run = |arguments: &str, value: Option<&str>| {
        let mut command = cloud.bench.command(&format!("{arguments} {CLOUD}"));
        match value {
            Some(value) => command.env("WEATHER_API_KEY", value),
            None => command.env_remove("WEATHER_API_KEY"),
        };
        Outcome::of(&mut command)
    };
    let plan = run("plan spec.toml", None);
    let note = "WEATHER_API_KEY is not set here: the value of ssm_parameter.web/token is not compared";
    assert!(plan.stdout.contains(note), "{plan}");
    let hash = plan.stdout.lines().find_map(|line| line.strip_prefix("Hash: ")).expect("a hash").to_owned();

    let before = cloud.bench.read("cloud.json");
    let refused = run(&format!("apply spec.toml --plan-hash {hash}"), Some("rotated-key"));
    assert_eq!(refused.code, 4, "{refused}");
    assert!(
        refused.stderr.contains("It was planned without WEATHER_API_KEY, and the live value is another"),
        "{refused}"
    );
    assert!(!refused.to_string().contains("rotated-key"), "{refused}");
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");

    // With the value that is live, the hash fits.
    let applied = run(&format!("apply spec.toml --plan-hash {hash}"), Some(WEATHER_API_KEY));
    assert_eq!(applied.code, 0, "{applied}");
}

#[test]
fn it_is_refused_once_the_spec_has_moved() {
    let cloud = planned();
    cloud.bench.edit("spec.toml", ".url}:2", ".url}:3");
    assert_refused!("refused-spec-moved", cloud);
}

#[test]
fn layout_and_comments_are_no_change_of_the_spec() {
    let cloud = planned();
    cloud.bench.edit("spec.toml", "[services.web]\n", "\n# The one service.\n[services.web]\n\n");
    cloud.done("apply saved.plan");
}

#[test]
fn it_is_refused_once_what_is_live_has_moved() {
    let cloud = planned();
    cloud.touch("ecs_service.web", |object| object["attrs"]["desired_count"] = json!(3));
    assert_refused!("refused-live-moved", cloud);
}

/// AWS scales such a service by itself, also between a plan and its apply.
#[test]
fn a_count_that_is_left_to_aws_may_move() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.edit("spec.toml", "wave = 1\n", "wave = 1\nautoscaled = true\n");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    cloud.done("plan spec.toml --out saved.plan");
    cloud.touch("ecs_service.web", |object| object["attrs"]["desired_count"] = json!(7));
    cloud.done("apply saved.plan");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn it_is_refused_once_it_was_carried_out() {
    let cloud = planned();
    cloud.done("apply saved.plan");
    assert_refused!("refused-done-already", cloud);
}

#[test]
fn it_is_refused_once_somebody_edited_it() {
    let cloud = planned();
    cloud.bench.edit_json("saved.plan", |saved| {
        saved["plan"]["changes"].as_array_mut().expect("changes").truncate(1);
    });
    assert_refused!("refused-edited", cloud);
}

/// Whatever a reader of it goes by, and not only what would be done.
#[test]
fn no_field_of_it_can_be_edited() {
    let cloud = planned();
    let original = cloud.bench.read("saved.plan");
    let edits = [
        ("/account", json!("210987654321")),
        ("/project", json!("other")),
        ("/environment", json!("other")),
        ("/region", json!("eu-west-1")),
        ("/destroy", json!(true)),
        ("/seconds", json!(1)),
        ("/unchanged", json!(9999)),
        ("/kept", json!(["vpc.main"])),
        ("/missing", json!(["--allow-deletes 5"])),
        ("/notes", json!(["nothing to see here"])),
        ("/live_digest", json!("0")),
        ("/spec_digest", json!("0")),
        ("/changes/0/impact", json!("data_loss")),
        ("/changes/0/seconds", json!(1)),
        ("/changes/0/guarded", json!(true)),
        ("/changes/0/depends_on", json!([])),
    ];
    let before = cloud.bench.read("cloud.json");
    for (field, value) in edits {
        cloud.bench.write("saved.plan", &original);
        cloud.bench.edit_json("saved.plan", |saved| {
            let (around, name) = field.rsplit_once('/').expect("a path");
            let around = saved["plan"].pointer_mut(around).expect("what is around it");
            assert_ne!(around[name], value, "{field} is another one afterwards");
            around[name] = value;
        });
        let outcome = cloud.run("apply saved.plan");
        assert_eq!(outcome.code, 4, "{field}\n{outcome}");
        assert_eq!(cloud.bench.read("cloud.json"), before, "{field}: nothing was changed");
    }
    cloud.bench.write("saved.plan", &original);
    cloud.bench.edit_json("saved.plan", |saved| saved["plan"]["account"] = json!("210987654321"));
    assert_refused!("refused-edited-account", cloud);
}

/// Its author chose the path of the spec. Nothing of what is there is shown to who applies it.
#[test]
fn it_shows_no_other_file() {
    let cloud = planned();
    let original = cloud.bench.read("saved.plan");
    let keys = "[default]\naws_access_key_id = AKIAPLANTED\naws_secret_access_key = planted+secret\n";
    let tokens = "project = \"planted\"\n[registry]\ntoken = \"planted\"\n";
    cloud.bench.write("credentials", keys);
    cloud.bench.write("syntax.toml", format!("project = \"town\"\n{keys}"));
    cloud.bench.write("tokens.toml", tokens);
    std::os::unix::fs::symlink(cloud.bench.path("credentials"), cloud.bench.path("link.toml")).expect("a link");
    for spec in ["credentials", "link.toml", "syntax.toml", "tokens.toml", "nowhere.toml", "/etc/passwd"] {
        cloud.bench.write("saved.plan", &original);
        cloud.bench.edit_json("saved.plan", |saved| saved["spec"] = json!(spec));
        for arguments in ["apply saved.plan", "apply saved.plan --json", "apply saved.plan -vvv"] {
            let outcome = cloud.run(arguments);
            assert_eq!(outcome.code, 4, "{spec}\n{outcome}");
            let text = outcome.to_string().to_lowercase();
            assert!(!["planted", "aws_", "registry", "root:"].iter().any(|word| text.contains(word)), "{outcome}");
        }
    }
    cloud.bench.edit_json("saved.plan", |saved| saved["spec"] = json!("credentials"));
    assert_refused!("refused-spec-no-toml", cloud);
    cloud.bench.edit_json("saved.plan", |saved| saved["spec"] = json!("tokens.toml"));
    assert_refused!("refused-spec-unusable", cloud);
}

/// Of 10,000 objects, a plan that makes them and the cloud file that holds them can be read again.
#[test]
fn ten_thousand_objects_are_no_harm() {
    let cloud = FileCloud::new();
    let planned = cloud.done("plan prod.toml --out saved.plan --json").json();
    cloud.done("apply saved.plan");
    let objects = planned["changes"].as_array().expect("changes").len();
    for name in ["saved.plan", "cloud.json"] {
        let each = cloud.bench.read(name).len() / objects;
        assert!(each * 10_000 < baseplate::files::LARGEST, "{name} holds {each} bytes an object");
    }
}

#[test]
fn unknown_keys_in_it_are_refused() {
    let cloud = planned();
    cloud.bench.edit_json("saved.plan", |saved| saved["plan"]["force"] = json!(true));
    assert_refused!("refused-unknown-key", cloud);
}

#[test]
fn one_of_a_newer_version_is_refused() {
    let cloud = planned();
    cloud.bench.edit_json("saved.plan", |saved| saved["plan"]["format_version"] = json!(99));
    assert_refused!("refused-newer", cloud);
}

#[test]
fn half_of_one_is_refused() {
    let cloud = planned();
    let text = cloud.bench.read("saved.plan");
    cloud.bench.write("saved.plan", &text[..text.len() / 2]);
    assert_refused!("refused-truncated", cloud);
}

#[test]
fn other_files_are_refused() {
    let cloud = planned();
    cloud.bench.write("saved.plan", "{\"format\": \"terraform\"}");
    assert_refused!("refused-foreign", cloud);
    cloud.bench.write("saved.plan", "not JSON at all");
    assert_refused!("refused-no-json", cloud);
    cloud.bench.write("saved.plan", cloud.bench.read("cloud.json"));
    assert_refused!("refused-cloud-as-plan", cloud);
    std::fs::remove_file(cloud.bench.path("saved.plan")).expect("the plan");
    assert_refused!("refused-missing", cloud);
}
