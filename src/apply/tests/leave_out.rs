//! What is left of a plan, and what then still runs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::super::{Operation, Order, Phase, only, without};
use super::random::case;
use super::*;
use crate::plan::{Action, Allowances, Change, ExecutionPlan};

/// What runs of a plan with only the changes of these kinds, and what is left of it.
fn runs_only(mut scene: Scene, kinds: &[&str]) -> (Vec<String>, BTreeSet<String>) {
    let execution = scene.execution();
    let asked = |change: &Change| kinds.contains(&change.address.kind());
    let kept = only(execution, &Allowances::default(), asked).expect("no cycle");
    run(scene, &kept)
}

fn runs_without(mut scene: Scene, address: &str) -> (Vec<String>, BTreeSet<String>) {
    let execution = scene.execution();
    let left = |change: &Change| change.address.to_string() == address;
    let kept = without(execution, &Allowances::default(), left).expect("no cycle");
    run(scene, &kept)
}

fn run(scene: Scene, kept: &ExecutionPlan) -> (Vec<String>, BTreeSet<String>) {
    let left = kept.open().map(ToString::to_string).collect();
    let outcome = scene.carry_out(kept, &Order::of(kept).expect("no cycle"));
    assert!(outcome.report.is_success(), "{:#?}", outcome.report);
    (outcome.started().into_iter().map(str::to_owned).collect(), left)
}

fn set(addresses: &[&str]) -> BTreeSet<String> {
    addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_asked_for_comes_with_what_it_needs() {
    let mut scene = Scene::one_at_a_time();
    scene.create("vpc.main");
    scene.create("load_balancer.main").needs(&["vpc.main"]);
    scene.create("ssm_parameter.url").needs(&["load_balancer.main"]);
    scene.create("ecs_service.web").needs(&["load_balancer.main"]);
    let (started, left) = runs_only(scene, &["ssm_parameter"]);
    assert_eq!(started, ["creating vpc.main", "creating load_balancer.main", "creating ssm_parameter.url"]);
    assert_eq!(left, set(&["ecs_service.web"]));
}

#[test]
fn nothing_is_left_of_a_plan_that_is_asked_for() {
    let mut scene = Scene::one_at_a_time();
    scene.replace("security_group.web");
    scene.update("ecs_service.web").needs(&["security_group.web"]).uses(&["security_group.web"]);
    let (started, left) = runs_only(scene, &["security_group", "ecs_service"]);
    assert_eq!(started.len(), 3);
    assert_eq!(left, set(&[]));
}

#[test]
fn nothing_is_deleted_that_what_is_left_still_uses() {
    let mut scene = Scene::one_at_a_time();
    scene.delete("security_group.old");
    scene.delete("security_group.alone");
    scene.update("ecs_service.web").uses(&["security_group.old"]);
    let (started, left) = runs_only(scene, &["security_group"]);
    assert_eq!(started, ["deleting security_group.alone"]);
    assert_eq!(left, set(&["ecs_service.web", "security_group.old"]));
}

#[test]
fn a_deletion_that_was_not_asked_for_is_not_taken_in() {
    let mut scene = Scene::one_at_a_time();
    scene.delete("security_group.old");
    scene.delete("ecs_service.old").uses(&["security_group.old"]);
    let (started, left) = runs_only(scene, &["security_group"]);
    assert_eq!(started, [""; 0]);
    assert_eq!(left, set(&["ecs_service.old", "security_group.old"]));
}

#[test]
fn a_replacement_is_made_whole_or_not_at_all() {
    let mut scene = Scene::one_at_a_time();
    scene.replace("security_group.web");
    scene.update("security_group_rules.web").needs(&["security_group.web"]);
    scene.update("ecs_service.web").needs(&["security_group.web"]).uses(&["security_group.web"]);
    scene.create("subnet.a");
    let (started, left) = runs_only(scene, &["security_group", "security_group_rules", "subnet"]);
    assert_eq!(started, ["creating subnet.a"]);
    assert_eq!(left, set(&["ecs_service.web", "security_group.web", "security_group_rules.web"]));
}

#[test]
fn what_goes_at_the_end_stays_while_something_that_serves_is_left() {
    let rules = |ports: &[u16]| {
        let rule = |port: &u16| {
            json!({
                "protocol": "tcp", "from_port": port, "to_port": port,
                "cidr": "10.0.0.0/8", "description": "",
            })
        };
        let group = json!({ "$id": "sg-1", "kind": "security_group", "output": "id" });
        json!({ "group": group, "ingress": ports.iter().map(rule).collect::<Vec<_>>(), "egress": [] })
    };
    let scene = || {
        let mut scene = Scene::one_at_a_time();
        scene.update("security_group_rules.web").attrs(&rules(&[80]), &rules(&[8080]));
        scene.update("ecs_service.web");
        scene
    };
    let (started, left) = runs_only(scene(), &["security_group_rules"]);
    assert_eq!(started, ["updating security_group_rules.web"]);
    assert_eq!(left, set(&["ecs_service.web", "security_group_rules.web"]), "the old rule is left");
    let (started, left) = runs_only(scene(), &["security_group_rules", "ecs_service"]);
    assert_eq!(started.last().map(String::as_str), Some("finishing the update of security_group_rules.web"));
    assert_eq!(left, set(&[]));
}

#[test]
fn what_waits_for_what_is_left_is_left_too() {
    let mut scene = Scene::one_at_a_time();
    scene.create("log_group.web");
    scene.create("task_definition.web").needs(&["log_group.web"]);
    scene.create("ecs_service.web").needs(&["task_definition.web"]);
    scene.create("ecs_service.api").follows(&["ecs_service.web"]);
    let (started, left) = runs_without(scene, "task_definition.web");
    assert_eq!(started, ["creating log_group.web", "creating ecs_service.api"]);
    assert_eq!(left, set(&["ecs_service.web", "task_definition.web"]));
}

#[test]
fn later_waves_wait_for_a_service_that_is_left() {
    let mut scene = Scene::one_at_a_time();
    scene.update("ecs_service.first").wave(1);
    scene.update("ecs_service.beside").wave(1);
    scene.update("ecs_service.second").wave(2);
    let (started, left) = runs_without(scene, "ecs_service.first");
    assert_eq!(started, ["updating ecs_service.beside"]);
    assert_eq!(left, set(&["ecs_service.first", "ecs_service.second"]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_left_nothing_that_is_kept_waits_for_it(
        case in case(),
        asked in proptest::collection::vec(any::<bool>(), 9),
        leaves_out in any::<bool>(),
    ) {
        let whole = case.scene().execution();
        let Ok(order) = Order::of(&whole) else { return Ok(()) };
        let place = |change: &Change| whole.plan.changes.iter().position(|one| one.address == change.address);
        let is_asked = |change: &Change| place(change).is_some_and(|place| asked[place]);
        let (all, execution) = (Allowances::default(), case.scene().execution());
        let kept = match leaves_out {
            true => without(execution, &all, |change| !is_asked(change)),
            false => only(execution, &all, is_asked),
        };
        let kept = kept.expect("no cycle");
        prop_assert!(Order::of(&kept).is_ok());
        prop_assert_eq!(kept.plan.changes.len() + kept.left.changes.len(), whole.plan.changes.len());
        let is_left = |address: &crate::value::Address| kept.left.changes.iter().any(|left| left.address == *address);
        for (change, step) in whole.plan.changes.iter().zip(&whole.steps) {
            let (own, is_update) = (&change.address, change.action != Action::Create);
            if !is_left(own) {
                // What it refers to is there as it expects it; of a deletion nothing is taken in.
                prop_assert!(!step.needs.iter().any(is_left), "{} needs what is left", own);
                prop_assert!(is_asked(change) || !leaves_out && change.action != Action::Delete, "{} was not asked for", own);
            }
            // What goes is used by nothing that stays as it is.
            for used in step.uses.iter().filter(|used| is_left(own) && !is_left(used)) {
                let goes = whole.plan.changes.iter().any(|one| {
                    one.address == *used && matches!(one.action, Action::Delete | Action::Replace)
                });
                prop_assert!(!goes, "{} goes, and {} still uses it", used, own);
            }
            // A wave starts when the ones before are through, but for what in its turn waits for this.
            let index = place(change).expect("of the plan");
            let waits_for_this = |other: usize| {
                let write = Operation { step: other, phase: Phase::Write };
                let starts = [Phase::Write, Phase::Remove].map(|phase| Operation { step: index, phase });
                starts.into_iter().any(|start| order.waits_for(write, start))
            };
            let earlier = |(other, one): (usize, &Change)| {
                let wave = whole.steps[other].wave;
                let is_before = one.action != Action::Create && wave.is_some() && wave < step.wave;
                is_before && is_left(&one.address) && !waits_for_this(other)
            };
            if step.wave.is_some() && is_update && !is_left(own) {
                let waits = whole.plan.changes.iter().enumerate().any(earlier);
                prop_assert!(!waits, "{} does not wait for its turn", own);
            }
        }
        if asked.iter().all(|asked| *asked) {
            prop_assert!(kept.left.is_empty());
        }
    }
}
