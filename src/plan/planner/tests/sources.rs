//! Where the spec asks for what a plan does.

use serde_json::json;

use super::actions::{DATABASE, change};
use super::{Planner, Town, read};
use crate::applied::InUse;
use crate::graph::Graph;
use crate::plan::{ExecutionPlan, Field, Options, Refusal, Source, Sources};
use crate::spec;

impl Town {
    /// The plan, conflicts and all, with its places in `spec.toml`.
    fn located(&self, options: &Options) -> ExecutionPlan {
        let (_, graph) = read(&self.text);
        let tree = spec::parse("spec.toml", &self.text, &crate::kinds::catalog()).expect("a spec").tree;
        let nothing = Graph::empty();
        let mut context = self.context();
        context.graph = if options.destroy { &nothing } else { &self.graph };
        let mut planner = Planner::new(context, &self.graph, options, &self.found, &self.applied);
        assert!(planner.run().is_empty(), "nothing is unconfirmed here");
        let mut execution = planner.finish(InUse::default());
        execution.locate(&Sources::of(&graph, &tree));
        execution
    }

    /// `path line text`, where the text of the line must begin with what the last key of the path is.
    fn said(&self, source: Option<&Source>) -> String {
        let Some(Source { path, file, line }) = source else { return "nowhere".to_owned() };
        assert_eq!(file, "spec.toml");
        format!("{path}: {}", self.text.lines().nth(line - 1).expect("a line").trim())
    }

    fn field(&self, at: &str, path: &str) -> String {
        let change = change(&self.located(&self.options).plan, at);
        let field = change.fields.iter().rfind(|field| field.path == path);
        self.said(field.unwrap_or_else(|| panic!("{path} changes: {:?}", change.fields)).source.as_ref())
    }
}

#[test]
fn a_change_says_its_entry_and_a_field_its_line() {
    let mut town = Town::with(DATABASE);
    town.edit("storage = 20", "storage = 30");
    town.edit("wave = 1", "wave = 1\ncount = 2");
    town.edit("team = \"town\"", "team = \"city\"");
    let plan = town.located(&town.options).plan;
    let entry = |at: &str| town.said(change(&plan, at).source.as_ref());
    assert_eq!(entry("db_instance.main"), "databases.main: [databases.main]");
    assert_eq!(
        entry("subnet.public-a").split(' ').take(2).collect::<Vec<_>>(),
        ["network.subnets.public-a:", "public-a"]
    );
    assert_eq!(entry("ecs_cluster.main"), "nowhere", "it is there without an entry");
    assert_eq!(town.field("db_instance.main", "storage"), "databases.main.storage: storage = 30");
    assert_eq!(town.field("ecs_service.web", "desired_count"), "services.web.count: count = 2");
    assert_eq!(town.field("vpc.main", "tags.team"), "tags.team: team = \"city\"");
}

#[test]
fn of_a_list_the_line_of_the_element_is_said() {
    let mut town = Town::new();
    let rules =
        "ingress = [\n  { ports = \"8080\", from = \"edge\" },\n  { ports = \"22\", from = \"10.40.0.0/16\" },\n]";
    town.edit("ingress = [{ ports = \"8080\", from = \"edge\" }]", rules);
    let said = town.field("security_group_rules.app", "ingress[]");
    assert_eq!(said, "security-groups.app.ingress: { ports = \"22\", from = \"10.40.0.0/16\" },");
    // What goes is in none of them: it is said where they are.
    town.become_spec(town.text.replace("{ ports = \"22\", from = \"10.40.0.0/16\" },", ""));
    town.touch("security_group_rules.app", |rules| {
        let by_hand =
            json!({ "cidr": "0.0.0.0/0", "description": "", "from_port": 22, "protocol": "tcp", "to_port": 22 });
        rules["ingress"].as_array_mut().expect("rules").push(by_hand);
    });
    let said = town.field("security_group_rules.app", "ingress[]");
    assert_eq!(said, "security-groups.app.ingress: ingress = [");
}

#[test]
fn what_follows_from_something_else_is_written_nowhere() {
    let mut town = Town::new();
    town.edit("memory = 512", "memory = 1024");
    assert_eq!(town.field("task_definition.web", "memory"), "services.web.memory: memory = 1024");
    assert_eq!(town.field("ecs_service.web", "task_definition"), "nowhere");
    // The top of the spec has a key of this name, which is none of its variables.
    town.touch("task_definition.web", |task| task["environment"] = json!({ "BY": "hand" }));
    town.edit("environment = { GREETING = \"{parameters.web/greeting}\" }\n", "");
    assert_eq!(town.field("task_definition.web", "environment.BY"), "nowhere");
}

#[test]
fn a_line_more_above_it_moves_the_place_and_not_the_hash() {
    let mut town = Town::new();
    town.edit("memory = 512", "memory = 1024");
    let before = town.located(&town.options).plan;
    town.edit("[services.web]\n", "# The one service.\n[services.web]\n");
    let after = town.located(&town.options).plan;
    let line = |plan| change(plan, "task_definition.web").source.map(|source| source.line);
    assert_eq!(line(&before).map(|line| line + 1), line(&after));
    assert_eq!(before.hash(), after.hash());
}

#[test]
fn what_goes_is_in_no_spec() {
    let mut town = Town::new();
    town.edit("secrets = { TOKEN = \"web/token\" }\n", "");
    town.edit("\"web/token\" = { env = \"WEATHER_API_KEY\" }\n", "");
    assert_eq!(change(&town.located(&town.options).plan, "ssm_parameter.web/token").source, None);
}

/// The fields that bring a refusal about, and its line.
fn told(town: &Town, refusal: &Refusal) -> (Vec<String>, String) {
    (refusal.fields.iter().map(|field| field.path.clone()).collect(), town.said(refusal.source.as_ref()))
}

#[test]
fn a_refusal_names_the_field_that_brings_it_about() {
    let mut town = Town::with(DATABASE);
    town.touch("db_instance.main", |database| database["version"] = json!("16.4"));
    town.edit("version = \"16\"", "version = \"15\"");
    town.edit("class = \"db.t4g.micro\"", "class = \"db.t4g.small\"");
    let plan = town.located(&town.options).plan;
    let [refused] = &plan.refused[..] else { panic!("{:?}", plan.refused) };
    assert!(refused.message.starts_with("db_instance.main cannot be changed this way"), "{}", refused.message);
    let version = (vec!["version".to_owned()], "databases.main.version: version = \"15\"".to_owned());
    assert_eq!(told(&town, refused), version, "and not the class");
    assert_eq!(change(&plan, "db_instance.main").fields.len(), 2, "it is planned all the same");
}

#[test]
fn protection_names_what_would_replace_it_and_in_the_end_itself() {
    let mut town = Town::with(&DATABASE.replace("deletion-protection = false", "deletion-protection = true"));
    town.edit("username = \"town\"", "username = \"boss\"");
    let plan = town.located(&town.options).plan;
    assert!(
        plan.refused[0].message.contains("would be replaced, but has deletion protection"),
        "{:?}",
        plan.refused
    );
    let username = (vec!["username".to_owned()], "databases.main.username: username = \"boss\"".to_owned());
    assert_eq!(told(&town, &plan.refused[0]), username);
    let plan = town.located(&Options { destroy: true, ..town.options.clone() }).plan;
    assert!(
        plan.refused[0].message.contains("would be deleted, but has deletion protection"),
        "{:?}",
        plan.refused
    );
    let protection = "databases.main.deletion-protection: deletion-protection = true";
    assert_eq!(told(&town, &plan.refused[0]), (Vec::new(), protection.to_owned()));
}

#[test]
fn data_is_lost_by_the_field_that_loses_it() {
    let mut town = Town::with(&format!("{DATABASE}backup-retention = 7\n"));
    town.edit("backup-retention = 7", "backup-retention = 0");
    town.edit("class = \"db.t4g.micro\"", "class = \"db.t4g.small\"");
    let change = change(&town.located(&town.options).plan, "db_instance.main");
    let causes: Vec<&str> = change.causes().map(Field::name).collect();
    assert_eq!((change.guarded, causes), (true, vec!["backup_retention"]));
}
