//! Where each difference comes from.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Town, address};
use crate::plan::{Action, Change, Origin};
use crate::value::Address;

impl Town {
    /// As it was applied.
    pub(super) fn applied() -> Self {
        let mut town = Self::new();
        town.apply();
        town
    }

    /// Keeps the record of what is live as if it had just been applied.
    pub(super) fn apply(&mut self) {
        self.end_of_run(&BTreeSet::new());
    }

    /// A run that ends with this left open.
    fn end_of_run(&mut self, open: &BTreeSet<&Address>) {
        let execution = self.execution().unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let begun = execution.begun(self.context());
        self.applied = execution.done(self.context(), &begun, open);
    }

    /// A run that dies somewhere.
    fn run_that_dies(&mut self) {
        let execution = self.execution().unwrap_or_else(|refusal| panic!("{refusal:?}"));
        self.applied = execution.begun(self.context());
    }

    fn change(&self, at: &str) -> Change {
        let changes = self.plan().changes;
        changes.into_iter().find(|change| change.address == address(at)).unwrap_or_else(|| panic!("{at} changes"))
    }

    /// Each field of a change, and where it comes from.
    fn origins(&self, at: &str) -> Vec<(String, Origin)> {
        self.change(at).fields.into_iter().map(|field| (field.path, field.origin)).collect()
    }

    fn remove(&mut self, at: &str) {
        let gone = address(at);
        self.found.retain(|found| found.live.address.as_ref() != Some(&gone));
    }
}

fn is(path: &str, origin: Origin) -> (String, Origin) {
    (path.to_owned(), origin)
}

#[test]
fn without_a_record_all_is_asked_for() {
    let mut town = Town::new();
    town.touch("ecs_service.web", |service| service["desired_count"] = json!(0));
    town.remove("log_group.web");
    assert!(town.plan().changes.iter().all(|change| change.origin == Origin::Requested));
    assert_eq!(town.change("log_group.web").reason, "does not exist");
}

#[test]
fn by_hand_is_told_from_what_was_asked_field_by_field() {
    let mut town = Town::applied();
    town.touch("ecs_service.web", |service| {
        service["desired_count"] = json!(0);
        service["tags"]["by"] = json!("hand");
    });
    assert_eq!(
        town.origins("ecs_service.web"),
        [is("desired_count", Origin::Drift), is("tags.by", Origin::Unmanaged)]
    );
    assert_eq!(town.change("ecs_service.web").origin, Origin::Drift);
    town.edit("wave = 1", "wave = 1\ncount = 2");
    assert_eq!(
        town.origins("ecs_service.web"),
        [is("desired_count", Origin::Requested), is("tags.by", Origin::Unmanaged)]
    );
    assert_eq!(town.change("ecs_service.web").origin, Origin::Requested);
}

#[test]
fn what_nobody_asked_for_is_unmanaged_and_what_is_missing_is_drift() {
    let mut town = Town::applied();
    let ssh = json!({"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "0.0.0.0/0"});
    town.touch("security_group_rules.edge", |rules| {
        let rules = rules["ingress"].as_array_mut().expect("rules");
        rules.clear();
        rules.push(ssh);
    });
    assert_eq!(
        town.origins("security_group_rules.edge"),
        [is("ingress[]", Origin::Unmanaged), is("ingress[]", Origin::Drift)]
    );
}

#[test]
fn what_somebody_deleted_is_drift_and_so_is_what_refers_to_it() {
    let mut town = Town::applied();
    town.remove("log_group.web");
    let change = town.change("log_group.web");
    assert_eq!(
        (change.action, change.origin, change.reason.as_str()),
        (Action::Create, Origin::Drift, "deleted outside of Baseplate")
    );
    assert_eq!(town.change("task_definition.web").origin, Origin::Drift);
    assert_eq!(town.change("ecs_service.web").origin, Origin::Drift);
}

/// A set of references: one element goes and another comes, and neither was touched by hand.
#[test]
fn what_moves_with_a_replaced_dependency_comes_from_there() {
    let mut town = Town::applied();
    town.touch("ecs_service.web", |service| {
        let groups = service["security_groups"].as_array_mut().expect("groups");
        groups.push(json!({"$id": "sg-by-hand", "kind": "security_group", "output": "id"}));
    });
    town.edit("description = \"Services\"", "description = \"Applications\"");
    assert_eq!(town.change("security_group.app").action, Action::Replace);
    let origins = town.origins("ecs_service.web");
    let groups: Vec<Origin> =
        origins.iter().filter(|(path, _)| path == "security_groups[]").map(|(_, origin)| *origin).collect();
    assert_eq!(groups, [Origin::Requested, Origin::Unmanaged], "the one that is replaced, by hand");
    let rules = town.change("security_group_rules.app");
    assert!(rules.fields.iter().all(|field| field.origin == Origin::Requested), "{rules:?}");
}

/// What a text was put together from is not seen in what is live.
#[test]
fn a_text_that_names_a_replaced_object_comes_from_there() {
    let mut town = Town::new();
    town.edit(
        "[load-balancer]\n",
        "[dns]\nzone = \"town.example\"\ndomain = \"town.example\"\n\n[load-balancer]\ncertificate = { request = true }\n",
    );
    town.build();
    town.apply();
    town.edit("domain = \"town.example\"", "domain = \"town.example\"\naliases = [\"www.town.example\"]");
    let plan = town.plan();
    let wrong: Vec<&Change> = plan.changes.iter().filter(|change| change.origin != Origin::Requested).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(plan.changes.iter().any(|change| change.address.kind() == "listener" && !change.fields.is_empty()));
    let fields = plan.changes.iter().flat_map(|change| &change.fields);
    assert!(fields.clone().all(|field| field.origin == Origin::Requested));
}

/// The variable changed, or somebody wrote the parameter: the value does not say which, its version does.
#[test]
fn another_value_of_a_variable_is_no_drift() {
    let mut town = Town::applied();
    let token = "ssm_parameter.web/token";
    // A value that differs, whether or not this process has the variable.
    town.touch(token, |parameter| parameter["secret"] = json!(null));
    assert_eq!(town.origins(token), [is("secret", Origin::Requested)], "not written since");
    town.at(token).outputs.insert("version".to_owned(), "17".to_owned());
    assert_eq!(town.origins(token), [is("secret", Origin::Drift)], "written by hand");
}

/// Somebody else sets it; what we made of it is as we left it.
#[test]
fn another_value_of_somebody_elses_parameter_is_no_drift() {
    let mut town = Town::new();
    town.edit(
        "\"web/greeting\" = \"Hello from {project}\"",
        "\"web/name\" = { external = true, secret = false }\n\"web/greeting\" = \"Hello {parameters.web/name}\"",
    );
    town.build();
    town.apply();
    town.at("ssm_parameter.web/name").outputs.insert("value".to_owned(), "moon".to_owned());
    assert_eq!(town.origins("ssm_parameter.web/greeting"), [is("value", Origin::Requested)]);
    town.build();
    town.touch("ssm_parameter.web/greeting", |parameter| parameter["value"] = json!("Hello by hand"));
    assert_eq!(town.origins("ssm_parameter.web/greeting"), [is("value", Origin::Drift)]);
}

#[test]
fn nothing_that_a_run_did_or_began_is_drift() {
    let mut town = Town::applied();
    town.edit("memory = 512", "memory = 1024");
    // It dies once the new revision is there, and the service has the old one.
    town.run_that_dies();
    town.touch("task_definition.web", |definition| definition["memory"] = json!(1024));
    town.at("task_definition.web").outputs.insert("arn".to_owned(), "the-second".to_owned());
    assert_eq!(town.plan().changes.len(), 1);
    assert_eq!(town.change("ecs_service.web").origin, Origin::Requested, "while it runs, and after it died");
    // Whoever goes back asks for that.
    town.edit("memory = 1024", "memory = 512");
    assert_eq!(town.origins("task_definition.web"), [is("memory", Origin::Requested)]);
}

#[test]
fn what_a_run_took_away_nobody_deleted() {
    let mut town = Town::applied();
    let greeting = "\"web/greeting\" = \"Hello from {project}\"\n";
    let spec = town.text.clone();
    town.edit("{parameters.web/greeting}", "Hello");
    town.edit(greeting, "");
    town.run_that_dies();
    town.remove("ssm_parameter.web/greeting");
    town.become_spec(spec);
    assert_eq!(town.change("ssm_parameter.web/greeting").reason, "does not exist");

    // A replacement that deletes first, and dies in between.
    let mut town = Town::applied();
    town.touch("ecs_service.web", |service| service["name"] = json!("by hand"));
    assert_eq!(town.change("ecs_service.web").action, Action::Replace);
    assert_eq!(town.change("ecs_service.web").origin, Origin::Drift);
    town.run_that_dies();
    assert_eq!(town.change("ecs_service.web").origin, Origin::Drift, "nothing has happened yet");
    town.remove("ecs_service.web");
    assert_eq!(town.change("ecs_service.web").reason, "does not exist");
}

/// By hand before a run, by hand after it failed.
#[test]
fn drift_that_a_run_could_not_put_right_stays_drift() {
    let mut town = Town::applied();
    town.touch("ecs_service.web", |service| service["desired_count"] = json!(0));
    town.edit("memory = 512", "memory = 1024");
    let (service, definition) = (address("ecs_service.web"), address("task_definition.web"));
    town.end_of_run(&BTreeSet::from([&service, &definition]));
    let origins = town.origins("ecs_service.web");
    assert!(origins.contains(&is("desired_count", Origin::Drift)), "{origins:?}");
    assert!(origins.contains(&is("task_definition", Origin::Requested)), "{origins:?}");
    assert_eq!(town.origins("task_definition.web"), [is("memory", Origin::Requested)]);
}

#[test]
fn the_record_holds_no_value() {
    let mut town = Town::applied();
    let text = town.applied.pages(usize::MAX).concat();
    let entries: Value = serde_json::from_str(&text).expect("JSON");
    for (address, digests) in entries.as_object().expect("entries") {
        let digests = digests.as_str().expect("a text");
        assert!(digests.chars().all(|c| c.is_ascii_hexdigit() || c == '+'), "{address} {digests}");
    }
    town.edit("memory = 512", "memory = 1024");
    let before = town.applied.clone();
    town.run_that_dies();
    assert_ne!(town.applied, before, "what is begun is on record before it is done");
}
