//! What AWS would refuse, the plan does.

use serde_json::json;

use super::actions::{DATABASE, change, conflicts};
use super::{Town, address};
use crate::plan::{Action, Conflict};

/// The one refusal of a plan.
fn refusal(town: &Town) -> String {
    match &conflicts(town)[..] {
        [refused @ Conflict::Refused { .. }] => refused.to_string(),
        others => panic!("{others:?}"),
    }
}

fn is_planned(town: &Town) -> bool {
    town.execution().is_ok()
}

#[test]
fn a_version_never_goes_down() {
    for (live, wanted) in [("16.4", "15"), ("16.4", "16.3"), ("16.10", "16.9")] {
        let mut town = Town::with(DATABASE);
        town.edit("version = \"16\"", &format!("version = \"{wanted}\"\nauto-minor-upgrades = false"));
        town.touch("db_instance.main", |database| {
            database["version"] = json!(live);
            database["auto_minor_upgrades"] = json!(false);
        });
        let said = refusal(&town);
        let start = format!(
            "db_instance.main cannot be changed this way: it runs version {live}, the spec says {wanted}, and AWS has no \
             downgrade. Ask for {live}; or restore a snapshot from before the upgrade into a new instance"
        );
        assert!(said.starts_with(&start), "{said}");
    }
}

/// An upgrade that waits for the window is called off by asking for what runs.
#[test]
fn what_aws_has_yet_to_do_may_be_taken_back() {
    let mut town = Town::with(DATABASE);
    town.touch("db_instance.main", |database| database["version"] = json!("17"));
    assert!(!is_planned(&town));
    town.at("db_instance.main").scheduled.push("version → 17 in the maintenance window".to_owned());
    assert!(is_planned(&town));
}

#[test]
fn a_database_that_is_replaced_anyway_may_have_any_version() {
    let mut town = Town::with(DATABASE);
    town.edit("version = \"16\"", "version = \"15\"");
    town.edit("username = \"town\"", "username = \"keeper\"");
    assert_eq!(change(&town.plan(), "db_instance.main").action, Action::Replace);
}

#[test]
fn a_subnet_under_a_database_stays() {
    let mut town = Town::with(DATABASE);
    town.edit("cidr = \"10.40.0.0/20\"", "cidr = \"10.40.32.0/20\"");
    let said = refusal(&town);
    let start = "db_subnet_group.main cannot be changed this way: database town-test-main runs in id-of-subnet.public-a, and as \
                 long as it does AWS neither takes that subnet out of the group nor deletes it.";
    assert!(said.starts_with(start), "{said}");
    assert!(said.contains("reboot-db-instance --db-instance-identifier town-test-main --force-failover"), "{said}");

    // RDS says where it is.
    let in_subnet = |at: &str| json!([{ "$id": format!("id-of-{at}"), "kind": "subnet", "output": "id" }]);
    town.touch("db_instance.main", |database| database["placed_in"] = in_subnet("subnet.public-b"));
    let plan = town.plan();
    assert_eq!(change(&plan, "subnet.public-a").action, Action::Replace);
    assert_eq!(change(&plan, "db_subnet_group.main").action, Action::Update);
}

#[test]
fn a_subnet_may_join_a_group_and_an_unused_one_leave_it() {
    let mut town = Town::with(DATABASE);
    town.edit(
        "public-b = {",
        "public-c = { tier = \"public\", zone = \"eu-central-1c\", cidr = \"10.40.32.0/20\" }\npublic-b = {",
    );
    town.edit(
        "subnets = [\"public-a\", \"public-b\"]\nsecurity-groups = [\"db\"]",
        "subnets = [\"public-a\", \"public-b\", \"public-c\"]\nsecurity-groups = [\"db\"]",
    );
    assert_eq!(change(&town.plan(), "db_subnet_group.main").action, Action::Update);
    town.build();
    town.edit(
        "\"public-b\", \"public-c\"]\nsecurity-groups = [\"db\"]",
        "\"public-c\"]\nsecurity-groups = [\"db\"]",
    );
    assert_eq!(change(&town.plan(), "db_subnet_group.main").action, Action::Update);
    town.touch("db_instance.main", |database| database["multi_az"] = json!(true));
    town.edit("storage = 20", "storage = 20\nmulti-az = true");
    assert!(refusal(&town).contains("runs in id-of-subnet.public-b"), "its standby does");
}

/// Another range makes another VPC: the database is made anew in it.
#[test]
fn a_database_that_goes_with_its_vpc_keeps_no_subnet() {
    let mut town = Town::with(DATABASE);
    town.edit("cidr = \"10.40.0.0/16\"", "cidr = \"10.40.0.0/17\"");
    assert_eq!(change(&town.plan(), "db_instance.main").action, Action::Replace);
    assert!(town.at("db_instance.main").address == Some(address("db_instance.main")));
}

/// What goes is deleted last, and AWS takes no two of a name.
#[test]
fn a_name_that_another_key_takes_over_is_refused() {
    let mut town = Town::new();
    town.edit("[services.web]\n", "[services.web]\nname = \"shop\"\n");
    town.build();
    town.edit("[services.web]\n", "[services.front]\n");
    let said = conflicts(&town).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let start =
        "ecs_service.front would be created with the name of ecs_service.web, shop, and AWS takes no two of a name";
    assert!(said.starts_with(start), "{said}");
    town.edit("name = \"shop\"\n", "");
    assert!(town.execution().is_ok(), "it has a name of its own");
}
