//! The program is killed at a write, before AWS gets it or after it took effect; then one more run finishes the
//! work, and what is there is what a run that nothing disturbed leaves, each object once.
//!
//! `cargo test` kills at some of the writes. All of them, which takes an hour or so:
//!
//!     cargo test --test it -- --ignored --nocapture killed_at_every_write

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::account::Account;
use crate::scenes::Scene;

/// Seconds after which a dead run's lock is free.
const LEASE: &str = "3";

#[derive(Clone, Copy, Debug)]
enum When {
    /// The call has left, and is not handled.
    Before,
    /// It is handled, and the answer has not left.
    After,
}

#[test]
fn killed_at_some_writes_of_an_apply() {
    let scene = Scene::apply();
    sweep(&scene, &sample(&scene, 12), 1);
}

#[test]
fn killed_at_some_writes_of_an_update() {
    let scene = Scene::update();
    sweep(&scene, &sample(&scene, 12), 1);
}

#[test]
fn killed_at_some_writes_of_a_destroy() {
    let scene = Scene::destroy();
    sweep(&scene, &sample(&scene, 12), 1);
}

#[test]
#[ignore = "takes an hour or so: see the head of this file"]
fn killed_at_every_write() {
    // They mostly wait, for leases above all.
    let workers = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    for scene in [Scene::apply(), Scene::update(), Scene::destroy()] {
        sweep(&scene, &all(&scene), workers);
    }
}

/// Positions spread over a run, every other one before the call.
fn sample(scene: &Scene, size: usize) -> Vec<(usize, When)> {
    let at = |index| 1 + index * (scene.writes - 1) / (size - 1);
    (0..size).map(|index| (at(index), if index % 2 == 0 { When::After } else { When::Before })).collect()
}

fn all(scene: &Scene) -> Vec<(usize, When)> {
    (1..=scene.writes).flat_map(|at| [(at, When::Before), (at, When::After)]).collect()
}

#[allow(clippy::print_stdout, reason = "the full sweep takes an hour, and its figures are its result")]
fn sweep(scene: &Scene, trials: &[(usize, When)], workers: usize) {
    let next = AtomicUsize::new(0);
    let ended = Mutex::new((BTreeMap::<String, usize>::new(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(&(at, when)) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (call, result) = trial(scene, at, when);
                    let mut ended = ended.lock().expect("no trial panics");
                    let what = format!("{}: killed at write {at}, {when:?} {call}", scene.name);
                    println!("{what}: {}", result.as_ref().map_or_else(String::as_str, |()| "converged"));
                    *ended.0.entry(call).or_default() += 1;
                    if let Err(why) = result {
                        ended.1.push(format!("{what}:{why}"));
                    }
                }
            });
        }
    });
    let (calls, wrong) = ended.into_inner().expect("no trial panics");
    let count = |word: &str| wrong.iter().filter(|what: &&String| what.contains(word)).count();
    println!(
        "{}: {} writes, killed {} times, {} converged, {} doubled, {} orphaned\n  {calls:?}",
        scene.name,
        scene.writes,
        trials.len(),
        trials.len() - wrong.len(),
        count("\n  doubled"),
        count("\n  orphaned"),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The call at which the program was killed, and whether one more run made all well.
fn trial(scene: &Scene, at: usize, when: When) -> (String, Result<(), String>) {
    let moto = scene.fork();
    let account = scene.account(&moto);
    let call = kill(scene, &account, at, when);
    moto.heal();
    let again = account.run(scene.command);
    let result = match again.code {
        0 => scene.is_reached(&account),
        _ => Err(format!("\n  run again: {again}")),
    };
    (call, result)
}

/// Starts the scene's run and kills it at this write. Says which it was.
fn kill(scene: &Scene, account: &Account<'_>, at: usize, when: When) -> String {
    let how = match when {
        When::Before => "hang",
        When::After => "hang-after",
    };
    account.moto.fault(&format!("how={how}&calls=write&nth={at}"));
    let mut command = account.command(scene.command);
    // The next run waits for this one's lock.
    command.env("BASEPLATE_LOCK_LEASE", LEASE);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let call = loop {
        let struck = account.moto.struck();
        if struck.held > 0 {
            break struck.broken[0].clone();
        }
        // What runs at the same time is not in the same order every time, and a poll more or less is no write: but
        // a run may come out a write shorter than the one that was counted.
        if process.try_wait().expect("its state").is_some() {
            break "the end".to_owned();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    process.kill().expect("SIGKILL");
    process.wait().expect("its end");
    call
}
