use serde_json::json;

use super::Town;

/// What the spec leaves to AWS, AWS may change between a plan and its apply.
#[test]
fn what_is_left_to_aws_is_not_in_it() {
    let mut town = Town::new();
    town.edit("wave = 1", "wave = 1\nautoscaled = true");
    town.build();
    town.edit(".url}:1", ".url}:2");
    town.touch("ecs_service.web", |service| service["desired_count"] = json!(2));
    let before = town.plan();
    town.touch("ecs_service.web", |service| service["desired_count"] = json!(7));
    let after = town.plan();
    assert_eq!(before.live_digest, after.live_digest);
    assert_eq!(before.hash(), after.hash());
}

#[test]
fn what_the_plan_manages_is_in_it() {
    let town = |change: fn(&mut Town)| {
        let mut town = Town::new();
        town.edit(".url}:1", ".url}:2");
        change(&mut town);
        town.plan().live_digest
    };
    let before = town(|_| {});
    let another = |what: &str, change| assert_ne!(before, town(change), "{what}");
    another("a field of what stays", |town| town.touch("vpc.main", |vpc| vpc["cidr"] = json!("10.0.0.0/16")));
    another("the id of what stays", |town| town.at("log_group.web").id = "another".to_owned());
    another("a field that changes", |town| {
        town.touch("task_definition.web", |definition| definition["image"] = json!("nginx"));
    });
    another("the id of what changes", |town| town.at("task_definition.web").id = "another".to_owned());
    another("what is gone", |town| {
        town.found.retain(|found| found.kind.name() != "log_group");
    });
}

/// Both times a secret differs from the spec: only its version tells that somebody wrote it in between.
#[test]
fn a_secret_is_in_it_by_its_version() {
    let mut town = Town::new();
    town.edit("{ env = \"WEATHER_API_KEY\" }", "{ generate = { length = 40 } }");
    town.build();
    town.touch("ssm_parameter.web/token", |parameter| parameter["type"] = json!("String"));
    let plain = town.plan().live_digest;
    town.at("ssm_parameter.web/token").outputs.insert("version".to_owned(), "2".to_owned());
    assert_eq!(town.plan().live_digest, plain, "its value stays as it is");

    town.touch("ssm_parameter.web/token", |parameter| parameter["secret"] = json!(null));
    let before = town.plan().live_digest;
    town.at("ssm_parameter.web/token").outputs.insert("version".to_owned(), "3".to_owned());
    assert_ne!(town.plan().live_digest, before);
}

/// Whoever lists objects in another order has seen the same.
#[test]
fn the_order_of_the_objects_is_not_in_it() {
    let mut town = Town::new();
    let before = town.plan().live_digest;
    town.found.reverse();
    assert_eq!(town.plan().live_digest, before);
}

/// An end takes away what is there, whatever AWS has done with what was left to it.
#[test]
fn an_end_leaves_out_what_was_left_to_aws() {
    let mut town = Town::new();
    town.edit("wave = 1", "wave = 1\nautoscaled = true");
    town.build();
    town.touch("ecs_service.web", |service| service["desired_count"] = json!(2));
    let end = |town: &Town| {
        let plan = town.end();
        (plan.live_digest.clone(), plan.hash())
    };
    let before = end(&town);
    town.touch("ecs_service.web", |service| service["desired_count"] = json!(7));
    assert_eq!(end(&town), before);
    town.touch("ecs_service.web", |service| service["grace_period"] = json!(77));
    assert_ne!(end(&town), before);
}
