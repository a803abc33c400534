//! Every rule of the order.

use serde_json::json;

use super::super::Order;
use super::*;

#[test]
fn an_object_is_written_after_what_it_refers_to() {
    let mut scene = Scene::side_by_side();
    scene.create("ecs_service.web").needs(&["task_definition.web", "subnet.a"]);
    scene.create("subnet.a").needs(&["vpc.main"]);
    scene.update("task_definition.web");
    scene.create("vpc.main");
    let outcome = scene.run();
    outcome.assert_before("created vpc.main", "creating subnet.a");
    outcome.assert_before("created subnet.a", "creating ecs_service.web");
    outcome.assert_before("updated task_definition.web", "creating ecs_service.web");
}

#[test]
fn one_at_a_time_the_order_is_that_of_the_plan_within_a_stage() {
    let mut scene = Scene::one_at_a_time();
    // The chain behind the database takes longest, and is not begun for that.
    scene.create("vpc.main");
    scene.create("security_group.a");
    scene.create("security_group.b");
    scene.create("db_subnet_group.main").needs(&["vpc.main"]);
    scene.create("db_instance.main").needs(&["db_subnet_group.main"]);
    scene.create("ssm_parameter.a");
    scene.create("target_group.web").needs(&["vpc.main"]);
    scene.create("ecs_service.web").needs(&["target_group.web"]);
    assert_eq!(
        scene.run().started(),
        [
            "creating vpc.main",
            "creating security_group.a",
            "creating security_group.b",
            "creating db_subnet_group.main",
            "creating db_instance.main",
            "creating ssm_parameter.a",
            "creating target_group.web",
            "creating ecs_service.web",
        ]
    );
}

#[test]
fn side_by_side_the_longest_chain_of_a_stage_goes_first() {
    let mut scene = Scene::with(2);
    scene.create("security_group.a");
    scene.create("security_group.b");
    scene.create("security_group.c");
    scene.create("db_instance.main").needs(&["security_group.c"]);
    assert_eq!(scene.run().started()[..2], ["creating security_group.c", "creating security_group.a"]);
}

#[test]
fn what_is_used_goes_after_its_users() {
    let mut scene = Scene::side_by_side();
    scene.delete("vpc.main");
    scene.delete("subnet.a").uses(&["vpc.main"]);
    scene.delete("ecs_service.web").uses(&["subnet.a", "security_group.old"]);
    scene.update("load_balancer.main").uses(&["security_group.old"]);
    scene.delete("security_group.old");
    let outcome = scene.run();
    outcome.assert_before("deleted ecs_service.web", "deleting subnet.a");
    outcome.assert_before("deleted subnet.a", "deleting vpc.main");
    outcome.assert_before("updated load_balancer.main", "deleting security_group.old");
}

#[test]
fn some_kinds_go_before_others_without_a_reference() {
    let mut scene = Scene::side_by_side();
    scene.delete("internet_gateway.main");
    scene.delete("nat_gateway.a");
    scene.run().assert_before("deleted nat_gateway.a", "deleting internet_gateway.main");
}

#[test]
fn a_replacement_that_creates_first_lets_go_when_all_have_the_new_one() {
    let mut scene = Scene::side_by_side();
    scene.replace("security_group.web");
    scene.update("ecs_service.web").needs(&["security_group.web"]).uses(&["security_group.web"]);
    scene.update("db_instance.main").needs(&["security_group.web"]).uses(&["security_group.web"]);
    let outcome = scene.run();
    outcome.assert_before("created security_group.web", "updating ecs_service.web");
    outcome.assert_before("updated ecs_service.web", "deleting security_group.web");
    outcome.assert_before("updated db_instance.main", "deleting security_group.web");
}

/// A database that is replaced needs a group that is new.
fn replaced_database() -> Scene {
    let mut scene = Scene::one_at_a_time();
    scene.create("security_group.vault");
    scene.replace("db_instance.payload").needs(&["security_group.vault"]);
    scene
}

#[test]
fn a_replacement_that_deletes_first_waits_for_what_the_new_object_needs() {
    assert_eq!(
        replaced_database().run().started(),
        ["creating security_group.vault", "deleting db_instance.payload", "creating db_instance.payload"]
    );
}

#[test]
fn the_old_object_stays_if_what_the_new_one_needs_fails() {
    let scene = replaced_database();
    scene.cloud.always(Call::Create, "security_group.vault", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    outcome.assert_never("deleting db_instance.payload");
    assert_eq!(outcome.cloud.ids("db_instance.payload").len(), 1);
    assert_eq!(
        outcome.events[1..],
        [
            "failed creating security_group.vault",
            "skipped creating db_instance.payload: security_group.vault",
            "skipped deleting db_instance.payload: security_group.vault",
        ]
    );
}

#[test]
fn what_waits_for_the_deletion_cannot_be_waited_for_but_what_that_needs_can() {
    // The subnet cannot be made beside the old one, and that cannot go before the gateway in it.
    let chain = || {
        let mut scene = Scene::side_by_side();
        scene.create("elastic_ip.a");
        scene.create("iam_role.deploy");
        scene.replace("db_subnet_group.main").needs(&["iam_role.deploy"]);
        let gateway = scene.replace("nat_gateway.a");
        gateway.needs(&["db_subnet_group.main", "elastic_ip.a"]).uses(&["db_subnet_group.main"]);
        scene
    };
    let outcome = chain().run();
    outcome.assert_before("created elastic_ip.a", "deleting nat_gateway.a");
    outcome.assert_before("created iam_role.deploy", "deleting nat_gateway.a");
    outcome.assert_before("deleted nat_gateway.a", "deleting db_subnet_group.main");
    outcome.assert_before("created db_subnet_group.main", "creating nat_gateway.a");
    let scene = chain();
    scene.cloud.always(Call::Create, "iam_role.deploy", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    outcome.assert_never("deleting nat_gateway.a");
    outcome.assert_never("deleting db_subnet_group.main");
}

#[test]
fn what_refers_to_an_object_that_goes_first_goes_before_it() {
    let mut scene = Scene::side_by_side();
    scene.replace("ecs_cluster.main");
    // By itself it would be made first.
    scene.replace("security_group.web").needs(&["ecs_cluster.main"]).uses(&["ecs_cluster.main"]);
    let outcome = scene.run();
    outcome.assert_before("deleted security_group.web", "deleting ecs_cluster.main");
    outcome.assert_before("created ecs_cluster.main", "creating security_group.web");
}

#[test]
fn a_new_service_comes_after_those_that_it_calls() {
    let mut scene = Scene::side_by_side();
    scene.create("ecs_service.proxy").follows(&["ecs_service.broker"]).wave(1);
    scene.create("ecs_service.broker").wave(2);
    let outcome = scene.run();
    outcome.assert_before("created ecs_service.broker", "creating ecs_service.proxy");
}

#[test]
fn a_new_service_is_made_although_the_one_that_it_calls_fails() {
    let mut scene = Scene::side_by_side();
    scene.create("ecs_service.proxy").follows(&["ecs_service.broker"]);
    scene.create("ecs_service.broker");
    scene.cloud.always(Call::Create, "ecs_service.broker", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    outcome.assert_before("failed creating ecs_service.broker", "creating ecs_service.proxy");
    outcome.at("created ecs_service.proxy");
}

#[test]
fn two_new_services_that_call_one_another_come_in_the_order_of_the_plan() {
    let mut scene = Scene::one_at_a_time();
    scene.create("ecs_service.a").follows(&["ecs_service.b"]);
    scene.create("ecs_service.b").follows(&["ecs_service.a"]);
    let outcome = scene.run();
    assert_eq!(outcome.report.done.len(), 2, "{:#?}", outcome.events);
}

fn in_waves() -> Scene {
    let mut scene = Scene::side_by_side();
    scene.update("ecs_service.c").wave(3);
    scene.update("ecs_service.a").wave(1);
    scene.update("ecs_service.b1").wave(2);
    scene.update("ecs_service.b2").wave(2);
    scene.create("ecs_service.new").wave(3);
    scene
}

#[test]
fn updates_go_wave_by_wave_and_creations_do_not() {
    let outcome = in_waves().run();
    outcome.assert_before("updated ecs_service.a", "updating ecs_service.b1");
    outcome.assert_before("updated ecs_service.a", "updating ecs_service.b2");
    outcome.assert_before("updated ecs_service.b1", "updating ecs_service.c");
    outcome.assert_before("updated ecs_service.b2", "updating ecs_service.c");
    outcome.assert_before("creating ecs_service.new", "updated ecs_service.a");
}

#[test]
fn a_wave_that_fails_stops_those_after_it() {
    let scene = in_waves();
    scene.cloud.always(Call::Poll, "ecs_service.b1", Answer::Hopeless);
    let outcome = scene.run();
    outcome.at("updated ecs_service.b2");
    outcome.at("created ecs_service.new");
    outcome.assert_never("updating ecs_service.c");
    assert_eq!(outcome.report.skipped.len(), 1, "{:?}", outcome.report.skipped);
}

/// A name moves: the old record shall go, the new one needs a certificate on the listener.
fn another_domain() -> Scene {
    let mut scene = Scene::side_by_side();
    scene.delete("dns_record.old");
    scene.replace("certificate.main");
    scene.update("listener.https").needs(&["certificate.main"]).uses(&["certificate.main"]);
    scene.create("dns_record.new");
    scene
}

#[test]
fn what_serves_goes_only_after_everything_that_shall_serve_instead() {
    let outcome = another_domain().run();
    outcome.assert_before("created certificate.main", "updating listener.https");
    for ready in ["updated listener.https", "created dns_record.new"] {
        outcome.assert_before(ready, "deleting dns_record.old");
        outcome.assert_before(ready, "deleting certificate.main");
    }
}

#[test]
fn what_serves_stays_if_its_successor_fails() {
    let scene = another_domain();
    scene.cloud.always(Call::Update, "listener.https", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    outcome.assert_never("deleting dns_record.old");
    outcome.assert_never("deleting certificate.main");
    outcome.at("created dns_record.new");
}

fn rules(ports: &[u16]) -> serde_json::Value {
    let rule = |port: &u16| {
        json!({
            "protocol": "tcp", "from_port": port, "to_port": port,
            "cidr": "10.0.0.0/8", "description": "",
        })
    };
    let group = json!({ "$id": "sg-1", "kind": "security_group", "output": "id" });
    json!({ "group": group, "ingress": ports.iter().map(rule).collect::<Vec<_>>(), "egress": [] })
}

/// A service moves from port 3000 to 3002.
fn another_port() -> Scene {
    let mut scene = Scene::side_by_side();
    scene.update("security_group_rules.app").attrs(&rules(&[3000]), &rules(&[3002]));
    scene.update("ecs_service.web").needs(&["security_group_rules.app"]);
    scene
}

#[test]
fn what_a_set_loses_stays_until_what_it_gains_serves() {
    let outcome = another_port().run();
    assert_eq!(
        outcome.started(),
        [
            "updating security_group_rules.app",
            "updating ecs_service.web",
            "finishing the update of security_group_rules.app"
        ]
    );
    let attrs = |outcome: &super::scene::Outcome| outcome.cloud.objects.borrow()[0].attrs.clone();
    assert_eq!(attrs(&outcome), rules(&[3002]));
    let scene = another_port();
    scene.cloud.always(Call::Poll, "ecs_service.web", Answer::Hopeless);
    let outcome = scene.run();
    outcome.assert_never("finishing the update of security_group_rules.app");
    assert_eq!(attrs(&outcome), rules(&[3000, 3002]), "the old tasks are still reached");
}

/// A route moves from one service to a new one.
fn another_service() -> Scene {
    let reference = |kind: &str, id: &str| json!({ "$id": id, "kind": kind, "output": "id" });
    let rule = json!({
        "listener": reference("listener", "listener-1"), "priority": 10, "paths": ["/*"], "hosts": [],
        "other_conditions": [], "action": { "forward": { "target_group": reference("target_group", "new") } },
        "tags": {},
    });
    let mut scene = Scene::side_by_side();
    scene.create("listener_rule.new").attrs(&json!({}), &rule);
    scene.create("ecs_service.new").needs(&["listener_rule.new"]);
    scene.delete("listener_rule.old");
    scene.delete("ecs_service.old");
    scene
}

#[test]
fn requests_are_held_back_until_what_they_go_to_is_there() {
    let outcome = another_service().run();
    assert_eq!(
        outcome.started(),
        [
            "creating listener_rule.new",
            "creating ecs_service.new",
            "finishing the update of listener_rule.new",
            "deleting listener_rule.old",
            "deleting ecs_service.old",
        ]
    );
    let scene = another_service();
    scene.cloud.always(Call::Poll, "ecs_service.new", Answer::Hopeless);
    let outcome = scene.run();
    for never in
        ["finishing the update of listener_rule.new", "deleting listener_rule.old", "deleting ecs_service.old"]
    {
        outcome.assert_never(never);
    }
}

#[test]
fn a_cycle_is_named() {
    let mut scene = Scene::side_by_side();
    scene.create("subnet.a").needs(&["subnet.b"]);
    scene.create("subnet.b").needs(&["subnet.a"]);
    let cycle = Order::of(&scene.execution()).err().expect("no order");
    assert!(cycle.at.as_ref().is_some_and(|at| at.kind() == "subnet"), "{cycle:?}");
    assert!(cycle.to_string().starts_with("dependency cycle among the changes, at subnet."), "{cycle}");
}

#[test]
fn what_is_skipped_is_listed_in_the_order_of_the_plan() {
    for _ in 0..20 {
        let mut scene = Scene::side_by_side();
        scene.create("vpc.main");
        for name in ["a", "b", "c", "d", "e", "f"] {
            scene.create(&format!("subnet.{name}")).needs(&["vpc.main"]);
        }
        scene.cloud.always(Call::Create, "vpc.main", Answer::Fails(ErrorClass::Rejected));
        let outcome = scene.run();
        let skipped: Vec<&str> = outcome.report.skipped.iter().map(|(address, _)| address.name()).collect();
        assert_eq!(skipped, ["a", "b", "c", "d", "e", "f"]);
    }
}
