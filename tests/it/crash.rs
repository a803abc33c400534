//! The program is killed at a write, before AWS gets it or after it took effect; then one more run finishes the
//! work, and what is there is what a run that nothing disturbed leaves, each object once.
//!
//! `cargo test` kills at some of the writes, in the midst of others. The sweep (docs/src/developing.md) kills at every
//! write there is, those of the lock and of the list of kinds too.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::account::Account;
use crate::cli::Run;
use crate::scenes::Scene;

#[derive(Clone, Copy, Debug)]
enum When {
    /// The call has left, and is not handled.
    Before,
    /// It is handled, and the answer has not left.
    After,
}

/// Where a run is killed: at the n-th of its writes.
type Place = (usize, When);

#[test]
fn killed_at_some_writes_of_an_apply() {
    sample(Scene::apply());
}

#[test]
fn killed_at_some_writes_of_an_update() {
    sample(Scene::update());
}

#[test]
fn killed_at_some_writes_of_a_destroy() {
    sample(Scene::destroy());
}

/// One at a time, so that the n-th write is the same in each run and none is left out.
#[test]
#[ignore = "takes half an hour: see docs/src/developing.md"]
fn killed_at_every_write() {
    for scene in [Scene::apply(), Scene::update(), Scene::destroy()] {
        // Nor does a renewal of the lock come between.
        let sweep = Sweep::new(scene, "--parallelism 1 --lock-lease 3600");
        let workers = 2 * std::thread::available_parallelism().map_or(1, usize::from);
        sweep.trials(workers, (1..).flat_map(|at| [(at, When::Before), (at, When::After)]));
        let (killed, last) = sweep.report();
        assert_eq!(killed, 2 * last, "before and after each write up to the last");
        assert!(last >= scene.writes, "{} of {} writes", last, scene.writes);
    }
}

/// Places spread over a run, every other one before the call.
fn sample(scene: &Scene) {
    let sweep = Sweep::new(scene, "");
    let size = 12;
    let places = (0..size).map(|index| {
        let at = 1 + index * (scene.writes - 1) / (size - 1);
        (at, if index % 2 == 0 { When::After } else { When::Before })
    });
    sweep.trials(2, places);
    let (killed, _) = sweep.report();
    assert_eq!(killed, size, "{} has at least {} writes", scene.name, scene.writes);
}

struct Sweep<'a> {
    scene: &'a Scene,
    /// The run that is killed.
    command: String,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    /// How many runs were killed at each call.
    killed: BTreeMap<String, usize>,
    /// The last write that one was killed at.
    last: usize,
    converged: usize,
    wrong: Vec<String>,
}

impl<'a> Sweep<'a> {
    fn new(scene: &'a Scene, options: &str) -> Self {
        Self { scene, command: format!("{} {options}", scene.command), done: Mutex::default() }
    }

    /// Kills runs at these places, up to the first one that there is not. So many go on side by side: they mostly
    /// wait, for each other and for moto.
    fn trials(&self, workers: usize, places: impl Iterator<Item = Place> + Send) {
        let places = Mutex::new(places);
        let next = || places.lock().expect("no trial panics").next();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| while next().is_some_and(|place| self.trial(place)) {});
            }
        });
    }

    /// Kills a run and looks whether one more makes all well. `false`, if the run has no such place.
    #[allow(clippy::print_stdout, reason = "the full sweep takes half an hour, and its figures are its result")]
    fn trial(&self, (at, when): Place) -> bool {
        let moto = self.scene.fork();
        let account = self.scene.account(&moto);
        let call = match self.kill(&account, at, when) {
            Ok(Some(call)) => call,
            Ok(None) => return false,
            Err(why) => {
                self.done.lock().expect("no trial panics").wrong.push(why);
                return false;
            }
        };
        moto.heal();
        // What somebody who knows that the run is dead does; the others wait until its lease is over.
        account.done("unlock --yes prod.toml");
        let again = account.run(self.scene.command);
        let result = match again.code {
            0 => self.scene.is_reached(&account),
            _ => Err(format!("\n  run again: {again}")),
        };
        let mut done = self.done.lock().expect("no trial panics");
        let what = format!("{}: killed at write {at}, {when:?} {call}", self.scene.name);
        println!("{what}: {}", result.as_ref().map_or_else(String::as_str, |()| "converged"));
        *done.killed.entry(call).or_default() += 1;
        done.last = done.last.max(at);
        match result {
            Ok(()) => done.converged += 1,
            Err(why) => done.wrong.push(format!("{what}:{why}")),
        }
        true
    }

    /// Starts the scene's run and kills it at this write. Says which call it was; `None`, if the run is shorter.
    fn kill(&self, account: &Account<'_>, at: usize, when: When) -> Result<Option<String>, String> {
        let how = match when {
            When::Before => "hang",
            When::After => "hang-after",
        };
        account.moto.fault(&format!("how={how}&calls=write,lock,list&nth={at}"));
        let mut run = Run::begin(&mut account.command(&self.command));
        loop {
            let struck = account.moto.struck();
            if struck.held > 0 {
                run.kill();
                return Ok(struck.broken.into_iter().next());
            }
            if run.is_over() {
                let outcome = run.end();
                let wrong = format!("{}: ended before write {at}: {outcome}", self.scene.name);
                return if outcome.code == 0 { Ok(None) } else { Err(wrong) };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many runs were killed, and at how many writes. Fails if one of them did not converge.
    #[allow(clippy::print_stdout, reason = "see above")]
    fn report(self) -> (usize, usize) {
        let Done { killed: calls, last, converged, wrong } = self.done.into_inner().expect("no trial panics");
        let killed = calls.values().sum();
        let count = |word: &str| wrong.iter().filter(|what| what.contains(word)).count();
        println!(
            "{}: {last} writes, killed {killed} times, {converged} converged, {} doubled, {} orphaned\n  {calls:?}",
            self.scene.name,
            count("\n  doubled"),
            count("\n  orphaned"),
        );
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        (killed, last)
    }
}
