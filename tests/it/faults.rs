//! Calls go wrong while the program lives: connections end without an answer, errors come although the call took
//! effect, AWS throttles, calls hang. One run makes all well, and nothing is there twice.

use crate::scenes::{Scene, each};

/// One run, in which calls go wrong as `faults` says, ends well and leaves what a run that nothing disturbed leaves.
fn converges(scene: &Scene, faults: &str) {
    let moto = scene.fork();
    let account = scene.account(&moto);
    moto.fault(faults);
    let outcome = account.run(scene.command);
    let struck = moto.struck();
    moto.heal();
    assert_eq!(outcome.code, 0, "{}, {faults}\n{outcome}", scene.name);
    assert!(!struck.broken.is_empty(), "{}, {faults}: nothing was disturbed", scene.name);
    if let Err(wrong) = scene.is_reached(&account) {
        panic!("{}, {faults}:{wrong}\n{outcome}", scene.name);
    }
}

/// Every write that the run makes goes wrong at its first try, those of the lock too.
fn every_write_goes_wrong_once(scene: &Scene) {
    each(&["drop", "drop-after", "error-after", "throttle"], |how| {
        converges(scene, &format!("how={how}&calls=write,lock&new=1"));
    });
}

/// Every read that the run makes goes wrong at its first try.
fn every_read_goes_wrong_once(scene: &Scene) {
    each(&["drop", "error", "throttle"], |how| converges(scene, &format!("how={how}&calls=read&new=1")));
}

/// What comes back to every call at its first try is no answer of AWS, or not all of it, in each way that would pass
/// for one. None of it is taken for what is there.
fn every_answer_is_broken_once(scene: &Scene) {
    for how in ["cut", "empty", "empty-after", "page", "bare&status=429"] {
        converges(scene, &format!("how={how}&new=1"));
    }
}

#[test]
fn an_apply_converges_though_every_answer_is_broken_once() {
    every_answer_is_broken_once(Scene::apply());
}

#[test]
fn an_update_converges_though_every_answer_is_broken_once() {
    every_answer_is_broken_once(Scene::update());
}

/// Something between that always answers with its own page, or always cuts: no plan, and a reason.
#[test]
fn what_never_answers_as_aws_does_is_named() {
    let scene = Scene::update();
    for (fault, why) in [
        ("how=page", "it is a web page"),
        ("how=cut&match=DescribeVpcs", "its XML is malformed"),
        ("how=cut&match=ssm:", "its JSON is cut off"),
        ("how=empty&match=DescribeListeners", "its body is empty"),
    ] {
        let moto = scene.fork();
        let account = scene.account(&moto);
        moto.fault(fault);
        let outcome = account.run(&format!("{} --call-timeout 6 --lock-timeout 6", scene.command));
        assert_eq!(outcome.code, 1, "{fault}\n{outcome}");
        assert!(outcome.stderr.contains(why), "{fault}\n{outcome}");
        assert_eq!(moto.writes(), [], "{fault}\n{outcome}");
    }
}

/// It is not read to its end, which never comes.
#[test]
fn an_answer_without_end_is_refused() {
    let scene = Scene::apply();
    let moto = scene.fork();
    moto.fault("how=huge&match=DescribeVpcs");
    let outcome = scene.account(&moto).run("plan prod.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = "ec2:DescribeVpcs: ResponseTooLarge: the response is larger than 64 MiB and was not read further";
    assert!(outcome.stderr.contains(said), "{outcome}");
    let struck = moto.struck();
    moto.heal();
    assert_eq!(struck.broken.len(), 1, "it is not asked for again");
    assert!((64 << 20..96 << 20).contains(&struck.sent), "{} bytes were sent", struck.sent);
}

#[test]
fn a_page_that_leads_to_itself_is_refused() {
    let scene = Scene::update();
    let moto = scene.fork();
    moto.fault("how=loop&match=ListServices");
    let outcome = scene.account(&moto).run("plan prod.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = "EndlessPages: pagination does not end: a page leads to itself";
    assert!(outcome.stderr.contains(said), "{outcome}");
}

#[test]
fn an_apply_converges_though_every_write_goes_wrong_once() {
    every_write_goes_wrong_once(Scene::apply());
}

#[test]
fn an_update_converges_though_every_write_goes_wrong_once() {
    every_write_goes_wrong_once(Scene::update());
}

#[test]
fn a_destroy_converges_though_every_write_goes_wrong_once() {
    every_write_goes_wrong_once(Scene::destroy());
}

#[test]
fn an_apply_converges_though_every_read_goes_wrong_once() {
    every_read_goes_wrong_once(Scene::apply());
}

#[test]
fn an_update_converges_though_every_read_goes_wrong_once() {
    every_read_goes_wrong_once(Scene::update());
}

#[test]
fn a_burst_of_throttling_slows_an_apply_and_does_not_fail_it() {
    converges(Scene::apply(), "how=throttle&every=2&seconds=60");
}

/// A read that nobody ever answers ends the plan, at the deadline that was set, and says so.
#[test]
fn a_hung_read_ends_at_its_deadline() {
    let scene = Scene::apply();
    let moto = scene.fork();
    let account = scene.account(&moto);
    moto.fault("how=hang&match=DescribeVpcs");
    let outcome = account.run("plan prod.toml --call-timeout 18");
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = outcome.stderr.lines().any(|line| line.contains("ec2:DescribeVpcs") && line.contains("after 18s"));
    assert!(said, "{outcome}");
    assert!(outcome.stderr.contains("no response from the endpoint"), "{outcome}");
}

/// A write that hangs once is looked for and asked again.
#[test]
fn a_hung_write_is_made_good() {
    let scene = Scene::apply();
    each(&["CreateVpc", "AllocateAddress", "RegisterTaskDefinition", "CreateDBInstance"], |call| {
        let moto = scene.fork();
        let account = scene.account(&moto);
        moto.fault(&format!("how=hang-after&match={call}&times=1"));
        let outcome = account.run(&format!("{} --call-timeout 60", scene.command));
        assert_eq!(outcome.code, 0, "{call}\n{outcome}");
        assert_eq!(moto.struck().held, 1, "{call}");
        scene.is_reached(&account).unwrap_or_else(|wrong| panic!("{call}:{wrong}\n{outcome}"));
    });
}
