//! Two runs on one environment: one works at a time, and a run that died keeps nobody out for long.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::account::Account;
use crate::assert_outcome;
use crate::cli::{Bench, Outcome, Run};
use crate::file_cloud::{CLOUD, FileCloud};
use crate::moto::Moto;

fn until(what: &str, mut it_is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !it_is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The end of the fixture, with leave to lose what it holds.
const DESTROY: &str = "destroy --yes spec.toml --allow-destroy ecr_repository.web --allow-destroy log_group.web \
                       --allow-destroy ssm_parameter.web/token";

const LOCK: &str = "/baseplate/town/test/lock";

/// What the newest version of the lock's parameter says.
fn lock_of(moto: &Moto) -> serde_json::Value {
    let snippet = format!(
        r#"
import json
try:
    answer = json.loads(client("ssm").get_parameter(Name="{LOCK}")["Parameter"]["Value"])
except client("ssm").exceptions.ParameterNotFound:
    answer = None"#
    );
    moto.boto(&snippet)
}

/// One of two runs that began at the same instant did everything, the other found nothing to do.
fn assert_one_after_the_other(outcomes: &[Outcome; 2]) {
    for outcome in outcomes {
        assert_eq!(outcome.code, 0, "{outcome}");
    }
    let did = |outcome: &Outcome| ["] created ", "] updated "].map(|done| outcome.stderr.matches(done).count());
    let idle = outcomes.iter().filter(|outcome| outcome.stdout.contains("No changes")).count();
    let [a, b] = outcomes;
    assert!(idle == 1 && (did(a) == [0, 0]) != (did(b) == [0, 0]), "{a}\n{b}");
}

fn on_a_file(rounds: usize) {
    for _ in 0..rounds {
        let cloud = FileCloud::with_fixture("small.toml");
        let begin = || Run::begin(&mut cloud.bench.command(&format!("apply --yes spec.toml {CLOUD}")));
        let runs = [begin(), begin()];
        assert_one_after_the_other(&runs.map(Run::end));
        let objects = cloud.objects();
        assert_eq!(cloud.bench.json("cloud.json")["objects"].as_array().unwrap().len(), objects.len(), "each once");
        assert!(!cloud.bench.path(".cloud.json.lock").exists(), "the lock went with the last run");
    }
}

/// The server tells whose writes came in: they are of one run only. The first round makes everything, the others
/// change something.
fn over_http(rounds: usize) {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let spec = account.bench.read("spec.toml");
    for round in 0..rounds {
        account.bench.write("spec.toml", spec.replace("Hello from {project}", &format!("Hello {round}")));
        moto.reset_counts();
        let begin = |who: &str| Run::begin(account.command("apply --yes spec.toml").env("AWS_ACCESS_KEY_ID", who));
        let runs = [begin("one"), begin("two")];
        assert_one_after_the_other(&runs.map(Run::end));
        let writes = moto.writes();
        let writers: BTreeSet<&str> = writes.iter().map(|(who, _)| who.as_str()).collect();
        assert!(writers.len() == 1, "{writes:#?}");
    }
    account.assert_no_changes("spec.toml");
}

#[test]
fn of_two_that_begin_at_once_one_works_at_a_time_on_a_file() {
    on_a_file(20);
}

#[test]
#[ignore = "takes minutes: see docs/src/developing.md"]
fn of_two_that_begin_at_once_one_works_at_a_time_on_a_file_a_hundred_times() {
    on_a_file(100);
}

#[test]
fn of_two_that_begin_at_once_one_works_at_a_time_over_http() {
    over_http(4);
}

#[test]
#[ignore = "takes minutes: see docs/src/developing.md"]
fn of_two_that_begin_at_once_one_works_at_a_time_over_http_a_hundred_times() {
    over_http(100);
}

#[test]
fn who_does_not_want_to_wait_is_told_who_has_the_lock() {
    let cloud = FileCloud::with_fixture("small.toml");
    let slow = "--cloud file:cloud.json --yes --time-scale 1";
    let mut first = Run::begin(cloud.bench.command(&format!("apply spec.toml {slow}")).env("USER", "ada"));
    until("the lock", || cloud.bench.path(".cloud.json.lock").exists());
    std::thread::sleep(Duration::from_millis(200));
    assert!(!first.is_over());
    let refused = cloud.run("apply --yes spec.toml --lock-timeout 0");
    assert_eq!(refused.code, 4, "{refused}");
    settled(|| assert_outcome!("lock-refused-file", refused));
    let unlock = cloud.run("unlock --yes spec.toml");
    assert_eq!(unlock.code, 4, "{unlock}");
    settled(|| assert_outcome!("lock-unlock-file-alive", unlock));
    // Who waits can be stopped at any time.
    let waits = Run::begin(&mut cloud.bench.command("apply spec.toml --cloud file:cloud.json --yes"));
    std::thread::sleep(Duration::from_secs(1));
    waits.signal("INT");
    let waited = waits.end();
    assert_eq!(waited.code, 130, "{waited}");
    assert!(waited.stderr.contains("waiting for the lock of town test: held by ada@"), "{waited}");
    // A plan needs no lock.
    cloud.done("plan spec.toml");
    first.kill();
    // The lock went with the process, though its file is still there.
    cloud.done("apply --yes spec.toml --lock-timeout 0");
    assert_outcome!("lock-unlock-nobody", cloud.run("unlock spec.toml"));
}

/// Without what differs from machine to machine and from run to run.
fn settled(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"ada@[^ ,]+", "ada@[host]");
    settings.add_filter(r"127.0.0.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r"process \d+", "process [pid]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[moment]");
    settings.bind(check);
}

/// An account whose lock was left by a run that was killed, a moment ago, with a lease of so many seconds.
fn with_a_lock_left<'a>(moto: &'a Moto, lease: u32) -> Account<'a> {
    let account = Account::with_fixture(moto, "small.toml");
    moto.fail("CreateVpc", 500, "InternalError");
    let mut command = account.command(&format!("apply --yes spec.toml --lock-lease {lease}"));
    command.env("USER", "ada").env("BASEPLATE_RUN_URL", "https://ada:planted@ci.example/runs/7");
    let begun = Run::begin(&mut command);
    until("the lock", || lock_of(moto)["held"] == json!(true));
    begun.kill();
    moto.heal();
    account
}

#[test]
fn one_that_was_killed_is_waited_out_over_http() {
    let moto = Moto::start();
    let account = with_a_lock_left(&moto, 10);
    let begun = Instant::now();
    let outcome = account.done("apply --yes spec.toml --lock-timeout 60");
    assert!(begun.elapsed() > Duration::from_secs(10), "nobody takes it before its lease is over");
    let said: String = outcome.stderr.lines().filter(|line| line.contains("lock")).collect();
    assert!(said.contains("waiting for the lock of town test: held by ada@"), "{outcome}");
    assert!(said.contains("took over the expired lock of ada@"), "{outcome}");
    assert_eq!(lock_of(&moto)["held"], json!(false), "and it was released");
    account.assert_no_changes("spec.toml");
}

#[test]
fn a_lock_is_refused_and_unlocked_over_http() {
    let moto = Moto::start();
    let account = with_a_lock_left(&moto, 600);
    let refused = account.run("apply --yes spec.toml --lock-timeout 1");
    assert_eq!(refused.code, 4, "{refused}");
    settled(|| assert_outcome!("lock-refused", refused.stderr));
    let asked = account.run("unlock spec.toml");
    assert_eq!(asked.code, 4, "{asked}");
    settled(|| assert_outcome!("lock-unlock-asks", asked));
    assert_eq!(lock_of(&moto)["held"], json!(true));
    let unlocked = account.done("unlock --yes spec.toml");
    settled(|| assert_outcome!("lock-unlock", unlocked));
    assert_eq!(account.done("unlock --json spec.toml").json(), json!({ "held": null, "unlocked": false }));
    account.done("apply --yes spec.toml --lock-timeout 0");
}

#[test]
fn the_lock_is_no_object_of_the_environment() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.done("apply --yes spec.toml");
    assert_eq!(lock_of(&moto)["held"], json!(false));
    account.assert_no_changes("spec.toml");
    moto.reset_counts();
    account.done("apply --yes spec.toml");
    let counts = moto.counts();
    assert_eq!(counts.by_action["ssm:PutParameter"], 2, "to take and to release: {counts:#?}");
    moto.reset_counts();
    account.assert_no_changes("spec.toml");
    assert!(!moto.counts().by_action.contains_key("ssm:PutParameter"), "a plan takes no lock");
}

#[test]
fn without_leave_to_lock_nothing_is_changed() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    moto.fail("ssm:PutParameter", 400, "AccessDeniedException");
    let outcome = account.run("apply --yes spec.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    settled(|| assert_outcome!("lock-denied", outcome.stderr));
    assert_eq!(moto.writes(), []);
}

#[test]
fn a_run_that_loses_its_lock_stops() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.done("apply --yes spec.toml");
    // Its deletions go on and on, and the lock is taken away meanwhile.
    moto.fail("ec2:Delete|ssm:DeleteParameter", 400, "DependencyViolation");
    moto.reset_counts();
    let run = Run::begin(&mut account.command(&format!("{DESTROY} --lock-lease 9")));
    until("the first deletion", || moto.counts().by_action.keys().any(|action| action.contains(":Delete")));
    account.done("unlock --yes spec.toml");
    let outcome = run.end();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("the lock was lost"), "{outcome}");
    moto.heal();
    account.done(&format!("{DESTROY} --lock-timeout 0"));
}

/// A run that was stopped, as a laptop that sleeps or a container that is paused stops it, goes on when somebody else
/// has the lock: between two calls of one operation, or before the SDK repeats one.
#[test]
fn a_run_that_wakes_after_its_lease_writes_nothing_more() {
    let rounds = [1, 3, 6].map(|writes| {
        std::thread::spawn(move || {
            let moto = Moto::start();
            let account = Account::with_fixture(&moto, "small.toml");
            let by = |name: &str| {
                let mut command = account.command("apply --yes spec.toml --lock-lease 8 --lock-timeout 60");
                command.env("AWS_ACCESS_KEY_ID", name);
                command
            };
            moto.fault("how=slow&delay=0.2&calls=write");
            let first = Run::begin(&mut by("FIRST"));
            until("some writes", || moto.writes().len() >= writes);
            first.signal("STOP");
            moto.heal();
            let second = Outcome::of(&mut by("SECOND"));
            assert_eq!(second.code, 0, "{second}");
            first.signal("CONT");
            let first = first.end();
            assert_eq!(first.code, 1, "{first}");
            // On a busy machine it may not even hear whose it is.
            let lost = ["the lock was lost", "the lock could not be renewed"];
            assert!(lost.iter().any(|why| first.stderr.contains(why)), "{first}");
            let written = moto.writes();
            let handover = written.iter().position(|(caller, _)| caller == "SECOND").expect("the second one wrote");
            let late: Vec<_> = written[handover..].iter().filter(|(caller, _)| caller == "FIRST").collect();
            // One may have been handed to its connection before, and then the system sends it.
            assert!(late.len() <= 1, "stopped after {writes}: {late:?}\n{first}");
            account.assert_no_changes("spec.toml");
        })
    });
    for round in rounds {
        round.join().expect("a round");
    }
}

#[test]
fn the_first_signal_releases_the_lock() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.done("apply --yes spec.toml");
    moto.fail("ec2:Delete|ssm:DeleteParameter", 400, "DependencyViolation");
    for signal in ["INT", "TERM"] {
        moto.reset_counts();
        let run = Run::begin(&mut account.command(DESTROY));
        until("the first deletion", || moto.counts().by_action.keys().any(|action| action.contains(":Delete")));
        assert_eq!(lock_of(&moto)["held"], json!(true));
        run.signal(signal);
        let outcome = run.end();
        assert_eq!(outcome.code, 130, "{outcome}");
        assert!(outcome.stderr.contains("no more changes are started"), "{outcome}");
        assert_eq!(lock_of(&moto)["held"], json!(false), "{outcome}");
    }
}

#[test]
fn a_second_signal_ends_at_once_and_releases_all_the_same() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.done("apply --yes spec.toml");
    // In flight for longer than calls are given to land.
    moto.fault("how=slow&match=ec2:Delete&delay=15");
    let run = Run::begin(&mut account.command(DESTROY));
    until("the first deletion", || !moto.struck().broken.is_empty());
    run.signal("INT");
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    run.signal("TERM");
    let outcome = run.end();
    assert!(begun.elapsed() < Duration::from_secs(5), "{outcome}");
    assert_eq!(outcome.code, 130, "{outcome}");
    assert!(outcome.stderr.contains("second signal"), "{outcome}");
    assert_eq!(lock_of(&moto)["held"], json!(false), "{outcome}");
}

#[test]
fn baseplate_is_no_name_for_a_project() {
    let bench = Bench::with_fixture("small.toml");
    bench.edit("spec.toml", "project = \"town\"", "project = \"baseplate\"");
    assert_outcome!("lock-own-path", bench.run("check spec.toml"));
}
