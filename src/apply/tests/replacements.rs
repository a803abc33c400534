//! Replacements, and each way in which they can fail half way.

use super::*;

/// A group that is made first and then replaces the one that a service has.
fn create_first() -> Scene {
    let mut scene = Scene::side_by_side();
    scene.replace("security_group.web");
    scene.update("ecs_service.web").needs(&["security_group.web"]).uses(&["security_group.web"]);
    scene
}

fn delete_first() -> Scene {
    let mut scene = Scene::side_by_side();
    scene.replace("db_instance.main");
    scene.update("ssm_parameter.url").needs(&["db_instance.main"]);
    scene
}

#[test]
fn created_first_it_ends_with_the_new_object_alone() {
    let outcome = create_first().run();
    assert!(outcome.report.is_success());
    assert_eq!(outcome.cloud.ids("security_group.web"), ["security_group-3"]);
}

#[test]
fn created_first_the_old_object_stays_if_the_new_one_fails() {
    let scene = create_first();
    scene.cloud.always(Call::Create, "security_group.web", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    assert_eq!(outcome.cloud.ids("security_group.web"), ["security_group-1"]);
    outcome.assert_never("updating ecs_service.web");
}

#[test]
fn created_first_the_old_object_stays_if_the_new_one_never_gets_ready() {
    let scene = create_first();
    scene.cloud.always(Call::Poll, "security_group.web", Answer::Hopeless);
    let outcome = scene.run();
    assert_eq!(outcome.cloud.ids("security_group.web").len(), 2);
    outcome.assert_never("updating ecs_service.web");
    outcome.assert_never("deleting security_group.web");
}

#[test]
fn created_first_the_old_object_stays_for_who_still_has_it() {
    let scene = create_first();
    scene.cloud.always(Call::Poll, "ecs_service.web", Answer::Hopeless);
    let outcome = scene.run();
    assert_eq!(outcome.cloud.ids("security_group.web").len(), 2);
    outcome.assert_never("deleting security_group.web");
}

#[test]
fn created_first_an_old_object_that_cannot_go_is_said() {
    let scene = create_first();
    scene.cloud.always(Call::Delete, "security_group.web", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    outcome.at("failed deleting security_group.web");
    outcome.at("updated ecs_service.web");
    assert!(outcome.failure().contains("scripted:Delete"));
}

#[test]
fn created_first_the_new_object_is_not_taken_for_the_old_one() {
    let scene = create_first();
    // It looks for what the lost call made, and finds both.
    scene.cloud.script(Call::Create, "security_group.web", [Answer::Lost]);
    let outcome = scene.run();
    assert!(outcome.report.is_success());
    assert_eq!(outcome.cloud.ids("security_group.web"), ["security_group-3"]);
}

#[test]
fn deleted_first_it_ends_with_the_new_object_alone() {
    let outcome = delete_first().run();
    assert!(outcome.report.is_success());
    assert_eq!(outcome.started()[..2], ["deleting db_instance.main", "creating db_instance.main"]);
    assert_eq!(outcome.cloud.ids("db_instance.main"), ["db_instance-3"]);
    outcome.assert_before("created db_instance.main", "updating ssm_parameter.url");
}

#[test]
fn deleted_first_nothing_is_made_before_the_old_object_is_gone() {
    let scene = delete_first();
    scene.cloud.script(Call::Poll, "db_instance.main", [Answer::Waits; 5]);
    let outcome = scene.run();
    outcome.assert_before("db_instance.main waits: pending", "deleted db_instance.main");
    outcome.assert_before("deleted db_instance.main", "creating db_instance.main");
}

#[test]
fn deleted_first_nothing_is_made_if_the_old_object_stays() {
    let scene = delete_first();
    scene.cloud.always(Call::Delete, "db_instance.main", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    assert_eq!(outcome.cloud.ids("db_instance.main"), ["db_instance-1"]);
    outcome.assert_never("creating db_instance.main");
    outcome.assert_never("updating ssm_parameter.url");
}

#[test]
fn deleted_first_a_new_object_that_fails_is_said() {
    let scene = delete_first();
    scene.cloud.always(Call::Create, "db_instance.main", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    outcome.at("failed creating db_instance.main");
    outcome.assert_never("updating ssm_parameter.url");
}
