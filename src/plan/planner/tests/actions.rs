//! Each action, and why.

use serde_json::json;

use super::{Town, address, believed};
use crate::cloud::Observed;
use crate::kinds::Impact;
use crate::plan::{Action, Change, Conflict, Plan, PlanError};

pub(super) fn change(plan: &Plan, at: &str) -> Change {
    let found = plan.changes.iter().find(|change| change.address == address(at));
    found.unwrap_or_else(|| panic!("{at} changes")).clone()
}

pub(super) fn conflicts(town: &Town) -> Vec<Conflict> {
    match town.execution() {
        Err(PlanError::Conflicts(conflicts)) => conflicts,
        Err(other) => panic!("{other:?}"),
        Ok(execution) => panic!("it is planned: {:?}", execution.plan.changes),
    }
}

/// Takes an object's tags of ownership away.
fn without_tags(town: &mut Town, at: &str) {
    town.touch(at, |attrs| {
        let tags = attrs["tags"].as_object_mut().expect("tags");
        tags.retain(|key, _| !key.starts_with("baseplate:"));
    });
    town.at(at).address = None;
}

pub(super) const DATABASE: &str = r#"
[security-groups.db]
ingress = [{ ports = "5432", from = "app" }]

[databases.main]
engine = "postgres"
version = "16"
class = "db.t4g.micro"
storage = 20
database = "town"
username = "town"
subnets = ["public-a", "public-b"]
security-groups = ["db"]
deletion-protection = false
"#;

#[test]
fn what_is_as_the_spec_wants_it_stays() {
    let town = Town::new();
    let plan = town.plan();
    assert_eq!(plan.changes, []);
    assert_eq!(plan.unchanged, town.graph.objects.len());
}

#[test]
fn what_is_not_there_is_created() {
    let mut town = Town::new();
    town.found.clear();
    let plan = town.plan();
    assert_eq!(plan.changes.len(), town.graph.objects.len());
    assert!(plan.changes.iter().all(|change| change.action == Action::Create && change.reason == "does not exist"));
    assert_eq!(plan.unchanged, 0);
}

#[test]
fn what_differs_is_updated() {
    let mut town = Town::new();
    town.edit("wave = 1", "wave = 1\ncount = 2");
    let change = change(&town.plan(), "ecs_service.web");
    assert_eq!((change.action, change.reason.as_str()), (Action::Update, "differs in desired_count"));
}

#[test]
fn what_aws_cannot_change_is_replaced_and_what_refers_to_it_follows() {
    let mut town = Town::new();
    town.edit("description = \"Services\"", "description = \"Applications\"");
    let execution = town.execution().unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let replaced = change(&execution.plan, "security_group.app");
    assert_eq!((replaced.action, replaced.impact), (Action::Replace, Impact::Replaced));
    assert_eq!(
        replaced.reason,
        "AWS cannot change description in place: the new one is created before the old one is deleted"
    );
    assert!(replaced.fields.iter().any(|field| field.path == "description" && field.forces_replacement));
    let service = change(&execution.plan, "ecs_service.web");
    assert!(service.fields.iter().any(|field| field.path == "security_groups[]" && field.known_after_apply));
    let step = execution.plan.changes.iter().position(|change| change.address == address("ecs_service.web"));
    assert!(execution.steps[step.expect("a step")].needs.contains(&address("security_group.app")));
}

#[test]
fn what_the_spec_no_longer_has_goes() {
    let mut town = Town::new();
    let before = town.found.len();
    town.edit("{parameters.web/greeting}", "Hello");
    town.edit("\"web/greeting\" = \"Hello from {project}\"\n", "");
    let plan = town.plan();
    let change = change(&plan, "ssm_parameter.web/greeting");
    assert_eq!((change.action, change.reason.as_str()), (Action::Delete, "not in the spec"));
    assert_eq!((change.impact, change.guarded), (Impact::None, false), "its value is in the spec's history");
    assert!(plan.unchanged < before);
}

#[test]
fn what_holds_data_goes_only_if_it_is_named() {
    let mut town = Town::new();
    town.edit("secrets = { TOKEN = \"web/token\" }\n", "");
    town.edit("\"web/token\" = { env = \"WEATHER_API_KEY\" }\n", "");
    let plan = town.plan();
    let token = change(&plan, "ssm_parameter.web/token");
    assert_eq!((token.impact, token.guarded), (Impact::DataLoss, true));
    assert_eq!(plan.missing, ["--allow-destroy ssm_parameter.web/token"]);
    town.options.allow.destroy = vec!["ssm_parameter.web/token".parse().expect("a pattern")];
    let plan = town.plan();
    assert!(!change(&plan, "ssm_parameter.web/token").guarded && plan.missing.is_empty());
}

#[test]
fn what_is_protected_from_deletion_stops_the_plan() {
    let mut town = Town::with(DATABASE);
    town.edit("database = \"town\"", "database = \"city\"");
    assert_eq!(change(&town.plan(), "db_instance.main").impact, Impact::DataLoss);
    town.touch("db_instance.main", |database| database["deletion_protection"] = json!(true));
    let (address, field) = (address("db_instance.main"), "deletion_protection".to_owned());
    let protected = Conflict::Protected { address, field, is_replaced: true, wanted: Some(false) };
    assert!(protected.to_string().ends_with("take back what replaces it, apply, then change it"), "{protected}");
    assert_eq!(conflicts(&town), [protected]);
}

/// The key is all that tells the two apart, and whoever changes it means one database.
#[test]
fn another_key_of_what_holds_data_is_asked_about() {
    let mut town = Town::with(DATABASE);
    town.edit("[databases.main]", "[databases.core]");
    let plan = town.plan();
    assert_eq!(change(&plan, "db_instance.main").action, Action::Delete);
    let note = "db_instance.main goes and db_instance.core comes: if that is the same under another key, [[moved]] keeps \
                it and its data: from = \"databases.main\", to = \"databases.core\"";
    assert!(plan.notes.iter().any(|told| told == note), "{:#?}", plan.notes);
    town.touch("db_instance.main", |database| database["deletion_protection"] = json!(true));
    let told: Vec<String> = conflicts(&town).iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("[[moved]] says so and keeps it")), "{told:#?}");
}

#[test]
fn what_is_somebody_elses_is_only_looked_at() {
    let mut town = Town::new();
    town.edit("{ env = \"WEATHER_API_KEY\" }", "{ external = true }");
    town.build();
    town.touch("ssm_parameter.web/token", |parameter| {
        parameter["tier"] = json!("advanced");
        parameter["tags"] = json!({});
    });
    assert_eq!(town.plan().changes, []);
    assert_eq!(town.end().changes.iter().filter(|change| change.address.name() == "web/token").count(), 0);
    town.found.retain(|found| found.live.address != Some(address("ssm_parameter.web/token")));
    assert_eq!(conflicts(&town), [Conflict::ExternalMissing(address("ssm_parameter.web/token"))]);
}

#[test]
fn what_has_our_name_and_not_our_tags_is_adopted_only_if_asked() {
    let mut town = Town::new();
    without_tags(&mut town, "log_group.web");
    let conflicts = conflicts(&town);
    let is_ours =
        |one: &Conflict| matches!(one, Conflict::ToAdopt { address: at, .. } if *at == address("log_group.web"));
    assert!(conflicts.len() == 1 && is_ours(&conflicts[0]), "{conflicts:?}");
    assert!(
        conflicts[0].to_string().contains("Adopt it with --adopt log_group.web, or rename"),
        "{}",
        conflicts[0]
    );
    town.options.adopt.insert(address("log_group.web"));
    let change = change(&town.plan(), "log_group.web");
    assert_eq!(change.action, Action::Adopt);
    assert!(change.fields.iter().all(|field| field.path.starts_with("tags.baseplate:")), "{:?}", change.fields);
}

#[test]
fn what_is_not_ours_and_not_in_the_way_is_left_alone() {
    let mut town = Town::new();
    town.build_beside("ssm_parameter.web/token");
    let theirs = &mut town.found.last_mut().expect("an object").live;
    theirs.address = None;
    let attrs = theirs.attrs.as_mut().expect("attributes");
    attrs["name"] = json!("/other");
    attrs["tags"] = json!({});
    let plan = town.plan();
    assert_eq!((plan.changes, plan.kept), (vec![], vec![]));
}

#[test]
fn what_every_environment_shares_stays() {
    let town = Town::new();
    let registry = address("ecr_repository.web");
    let plan = town.end();
    assert_eq!(plan.kept, std::slice::from_ref(&registry));
    assert_eq!(plan.changes.len(), town.found.len() - 1);
    assert!(plan.changes.iter().all(|change| change.reason == "the environment is destroyed"));
    let with = crate::plan::Options { destroy: true, shared: true, ..town.options.clone() };
    let plan = believed(town.against(&crate::graph::Graph::empty(), &with));
    assert_eq!(change(&plan, "ecr_repository.web").action, Action::Delete);
}

/// A replacement was cut short: the new object is there, and so is the old one.
#[test]
fn of_two_with_one_address_the_one_stays_that_is_as_it_should_be() {
    for newest_first in [true, false] {
        let mut town = Town::new();
        town.build_beside("security_group.app");
        let old = town.found.len() - 1;
        town.found[old].live.attrs.as_mut().expect("attributes")["description"] = json!("Before");
        if newest_first {
            town.found.reverse();
        }
        let plan = town.plan();
        let [left] = &plan.changes[..] else { panic!("{:?}", plan.changes) };
        assert_eq!((left.action, left.id.as_deref()), (Action::Delete, Some("another-security_group.app")));
        assert_eq!(left.reason, "an old copy: its replacement exists");
    }
}

/// What is unconfirmed and seems to differ, or to go, is read in full before it is planned.
#[test]
fn what_was_taken_on_trust_is_confirmed_first() {
    let doubts = |town: &Town| {
        let mut planner =
            super::Planner::new(town.context(), &town.graph, &town.options, &town.found, &town.applied);
        let unconfirmed = planner.run();
        unconfirmed.into_iter().map(|index| town.found[index].live.id.clone()).collect::<Vec<_>>()
    };
    let mut town = Town::new();
    town.at("log_group.web").unconfirmed = true;
    assert_eq!(doubts(&town), [""; 0], "it is up to date");
    town.touch("log_group.web", |group| group["retention_days"] = json!(1));
    assert_eq!(doubts(&town), ["id-of-log_group.web"]);
    town.at("log_group.web").unconfirmed = false;
    assert_eq!(doubts(&town), [""; 0]);
    assert_eq!(change(&town.plan(), "log_group.web").action, Action::Update);

    let mut town = Town::new();
    without_tags(&mut town, "log_group.web");
    let Some(Observed { live, .. }) = town.found.iter_mut().find(|found| found.live.id == "id-of-log_group.web")
    else {
        panic!("it is live")
    };
    live.unconfirmed = true;
    assert_eq!(doubts(&town), ["id-of-log_group.web"], "whose it is");
}

/// The index of tags says nothing of what it has not seen.
#[test]
fn a_content_digest_spares_what_it_names_from_being_read() {
    let mut town = Town::new();
    let digest = crate::kinds::content_digest(&town.at("task_definition.web").attrs);
    let live = town.at("task_definition.web");
    live.content_digest = Some(digest);
    live.attrs = None;
    live.unconfirmed = true;
    assert_eq!(town.plan().changes, []);
}

#[test]
fn an_image_that_another_tool_rolls_out_stays() {
    let mut town = Town::new();
    town.touch("task_definition.web", |definition| definition["image"] = json!("nginx:hotfix"));
    assert_eq!(change(&town.plan(), "task_definition.web").action, Action::Update);
    town.options.keep_live = vec![("task_definition", "image")];
    assert_eq!(town.plan().changes, []);
}

/// The same objects in another order, and planned again: the same plan, byte for byte.
#[test]
fn a_plan_does_not_depend_on_the_order_of_what_was_found() {
    let mut town = Town::with(DATABASE);
    town.edit("description = \"Services\"", "description = \"Applications\"");
    town.edit("\"web/greeting\" = \"Hello from {project}\"", "\"web/greeting\" = \"Hello\"");
    town.build_beside("log_group.web");
    let json = |town: &Town| serde_json::to_string(&town.plan()).expect("JSON");
    let before = json(&town);
    for _ in 0..3 {
        town.found.rotate_left(7);
        assert_eq!(json(&town), before);
    }
    town.found.reverse();
    assert_eq!(json(&town), before);
}
