//! What is tried again, for how long, and what is looked for before anything is made a second time.

use super::*;

const MINUTE: u64 = 60;

/// The scene with one operation, which is the first word.
fn one(operation: &str, address: &str) -> Scene {
    let mut scene = Scene::side_by_side();
    match operation {
        "create" => scene.create(address),
        "update" => scene.update(address),
        _ => scene.delete(address),
    };
    scene
}

const WRITES: [(&str, Call); 3] = [("create", Call::Create), ("update", Call::Update), ("delete", Call::Delete)];

#[test]
fn a_passing_error_is_waited_out() {
    for (operation, call) in WRITES {
        for class in
            [ErrorClass::EventuallyConsistent, ErrorClass::InUse, ErrorClass::Throttled, ErrorClass::Ambiguous]
        {
            let scene = one(operation, "security_group.web");
            scene.cloud.script(call, "security_group.web", [Answer::Fails(class); 3]);
            let outcome = scene.run();
            assert!(outcome.report.is_success(), "{operation} {class:?}: {:#?}", outcome.events);
            assert_eq!(outcome.events.iter().filter(|event| event.contains("waits")).count(), 3);
        }
    }
}

#[test]
fn each_sort_of_trouble_has_its_limit() {
    let limits = [
        (ErrorClass::EventuallyConsistent, 2 * MINUTE),
        (ErrorClass::InUse, 15 * MINUTE),
        (ErrorClass::Throttled, 5 * MINUTE),
        (ErrorClass::Ambiguous, MINUTE),
    ];
    for (operation, call) in WRITES {
        for (class, limit) in limits {
            let scene = one(operation, "security_group.web");
            scene.cloud.always(call, "security_group.web", Answer::Fails(class));
            let outcome = scene.run();
            let took = outcome.seconds();
            assert!((limit..limit + 12).contains(&took), "{operation} {class:?} was given up after {took} s");
            assert!(outcome.failure().contains(&format!("{class:?}")), "{}", outcome.failure());
        }
    }
}

#[test]
fn what_is_in_use_is_waited_for_as_long_as_its_kind_takes() {
    for (operation, call) in WRITES {
        let scene = one(operation, "db_instance.main");
        scene.cloud.always(call, "db_instance.main", Answer::Fails(ErrorClass::InUse));
        let took = scene.run().seconds();
        assert!((3600..3612).contains(&took), "{operation} was given up after {took} s");
    }
}

#[test]
fn what_does_not_pass_fails_at_once() {
    for (operation, call) in WRITES {
        for class in [ErrorClass::Rejected, ErrorClass::Denied, ErrorClass::AlreadyExists, ErrorClass::NotFound] {
            let scene = one(operation, "security_group.web");
            scene.cloud.always(call, "security_group.web", Answer::Fails(class));
            assert_eq!(scene.run().report.failed.len(), 1, "{operation} {class:?}");
        }
    }
}

#[test]
fn a_limit_counts_from_when_the_trouble_began() {
    // Half an hour of waiting, then almost a minute without answers, twice.
    let scene = one("create", "db_instance.main");
    let silence = [Answer::Fails(ErrorClass::Ambiguous); 8];
    scene.cloud.script(Call::Poll, "db_instance.main", [Answer::Waits; 180]);
    scene.cloud.script(Call::Poll, "db_instance.main", [&silence[..6], &[Answer::Waits], &silence[..6]].concat());
    let outcome = scene.run();
    assert!(outcome.report.is_success(), "{:?}", outcome.report.failed);
    assert!(outcome.seconds() > 30 * MINUTE);
    let scene = one("create", "db_instance.main");
    scene.cloud.script(Call::Poll, "db_instance.main", [Answer::Waits; 180]);
    scene.cloud.script(Call::Poll, "db_instance.main", silence);
    assert!(scene.run().failure().contains("Ambiguous"), "a minute of it is too much");
}

#[test]
fn what_never_gets_ready_is_given_up_when_its_kind_says_so() {
    let scene = one("create", "db_instance.main");
    scene.cloud.always(Call::Poll, "db_instance.main", Answer::Waits);
    let outcome = scene.run();
    assert!((3600..3612).contains(&outcome.seconds()), "{}", outcome.seconds());
    assert_eq!(outcome.failure(), "timed out after 3600 s: pending");
}

#[test]
fn a_create_whose_answer_is_lost_makes_one_object() {
    let scene = one("create", "vpc.main");
    scene.cloud.script(Call::Create, "vpc.main", [Answer::Lost]);
    let outcome = scene.run();
    assert!(outcome.report.is_success());
    assert_eq!(outcome.cloud.ids("vpc.main").len(), 1);
}

#[test]
fn a_create_that_fails_in_its_second_call_makes_one_object() {
    for class in [
        ErrorClass::Throttled,
        ErrorClass::EventuallyConsistent,
        ErrorClass::InUse,
        ErrorClass::Rejected,
        ErrorClass::Fenced,
    ] {
        let scene = one("create", "vpc.main");
        scene.cloud.script(Call::Create, "vpc.main", [Answer::Half(class)]);
        let outcome = scene.run();
        assert!(outcome.report.is_success(), "{class:?}: {:?}", outcome.report.failed);
        assert_eq!(outcome.cloud.ids("vpc.main").len(), 1, "{class:?}");
    }
}

#[test]
fn a_look_that_fails_is_no_proof_that_nothing_is_there() {
    for class in [ErrorClass::Throttled, ErrorClass::Ambiguous] {
        let scene = one("create", "vpc.main");
        scene.cloud.script(Call::Create, "vpc.main", [Answer::Lost]);
        scene.cloud.script(Call::Find, "vpc.*", [Answer::Fails(class); 5]);
        let outcome = scene.run();
        assert!(outcome.report.is_success(), "{class:?}: {:?}", outcome.report.failed);
        assert_eq!(outcome.cloud.ids("vpc.main").len(), 1, "{class:?}");
    }
}

#[test]
fn where_it_cannot_be_known_nothing_is_made_again() {
    for class in [ErrorClass::Denied, ErrorClass::Throttled] {
        let scene = one("create", "vpc.main");
        scene.cloud.script(Call::Create, "vpc.main", [Answer::Lost]);
        scene.cloud.always(Call::Find, "vpc.*", Answer::Fails(class));
        let outcome = scene.run();
        assert!(outcome.failure().starts_with("not retried"), "{}", outcome.failure());
        assert_eq!(outcome.cloud.ids("vpc.main").len(), 1, "{class:?}");
    }
}

#[test]
fn a_refusal_is_said_although_the_look_after_it_fails() {
    let scene = one("create", "vpc.main");
    scene.cloud.always(Call::Create, "vpc.main", Answer::Fails(ErrorClass::Rejected));
    scene.cloud.always(Call::Find, "vpc.*", Answer::Fails(ErrorClass::Denied));
    let outcome = scene.run();
    assert!(outcome.failure().starts_with("scripted:Create: Rejected"), "{}", outcome.failure());
    assert!(outcome.failure().contains("scripted:Find: Denied"), "{}", outcome.failure());
}

#[test]
fn an_update_that_took_effect_unseen_is_not_reported_as_refused() {
    let scene = one("update", "vpc.main");
    scene.cloud.script(Call::Update, "vpc.main", [Answer::Half(ErrorClass::Rejected)]);
    assert!(scene.run().report.is_success());
}

/// The same call would be rejected again.
#[test]
fn a_rejected_update_is_asked_for_once_where_nothing_has_moved() {
    let scene = one("update", "db_instance.main");
    scene.cloud.always(Call::Update, "db_instance.main", Answer::Fails(ErrorClass::Rejected));
    let outcome = scene.run();
    assert!(outcome.failure().starts_with("scripted:Update: Rejected"), "{}", outcome.failure());
    let calls = outcome.cloud.calls.borrow();
    let asked = calls.iter().filter(|(_, call, _)| *call == Call::Update).count();
    let looked = calls.iter().filter(|(_, call, _)| *call == Call::Find).count();
    assert_eq!((asked, looked), (1, 1));
}

/// A call whose answer was lost made a part of the update, so that the next one asks for what is no longer so.
#[test]
fn a_rejected_update_of_what_has_moved_is_asked_for_again_after_a_pause() {
    let scene = one("update", "vpc.main");
    scene.cloud.script(Call::Update, "vpc.main", [Answer::Part(ErrorClass::Rejected)]);
    let outcome = scene.run();
    assert!(outcome.report.is_success(), "{:?}", outcome.report.failed);
    let calls = outcome.cloud.calls.borrow();
    let asked: Vec<_> = calls.iter().filter(|(_, call, _)| *call == Call::Update).collect();
    assert!(asked.len() == 2 && asked[1].0 > asked[0].0, "{asked:?}");
}

#[test]
fn lost_answers_of_updates_and_deletes_are_asked_for_again() {
    for (operation, call) in &WRITES[1..] {
        let scene = one(operation, "vpc.main");
        scene.cloud.script(*call, "vpc.main", [Answer::Lost]);
        assert!(scene.run().report.is_success(), "{operation}");
    }
}

#[test]
fn a_write_that_was_held_back_goes_out_once_the_lock_is_renewed() {
    for (operation, call) in WRITES {
        let scene = one(operation, "vpc.main");
        scene.cloud.script(call, "vpc.main", [Answer::Fails(ErrorClass::Fenced)]);
        assert!(scene.run().report.is_success(), "{operation}");
    }
}
