//! Signals, over HTTP: the first lets calls in flight land and says how far things got, the second ends at once.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::file_cloud::{CLOUD, FileCloud};
use crate::scenes::Scene;

/// Far more than the 7 s that calls in flight are given: other tests run beside this one.
const LATE: Duration = Duration::from_secs(60);

struct Run {
    process: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Run {
    fn begin(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = BufReader::new(process.stderr.take().expect("its standard error"));
        Self { process, stderr, said: String::new() }
    }

    /// Starts the scene's run and waits until at least two of its calls have gone wrong.
    fn start(scene: &Scene, account: &Account<'_>, fault: &str) -> Self {
        account.moto.fault(fault);
        let run = Self::begin(&mut account.command(scene.command));
        while account.moto.struck().broken.len() < 2 {
            std::thread::sleep(Duration::from_millis(5));
        }
        run
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(status.expect("kill is there").success(), "{name} goes out");
    }

    fn reads_until(&mut self, text: &str) {
        while !self.said.contains(text) {
            let read = self.stderr.read_line(&mut self.said).expect("lines");
            assert_ne!(read, 0, "it ended without `{text}`\n{}", self.said);
        }
    }

    /// Its exit code, and all that it said.
    fn end(mut self) -> (Option<i32>, String) {
        while self.stderr.read_line(&mut self.said).expect("lines") > 0 {}
        (self.process.wait().expect("its end").code(), self.said)
    }
}

/// Writes are answered slowly: those in flight land, and no others begin.
fn lands(scene: &Scene, signal: &str) {
    let moto = scene.fork();
    let account = scene.account(&moto);
    let run = Run::start(scene, &account, "how=slow&delay=1&calls=write");
    let asked = Instant::now();
    run.signal(signal);
    let (code, said) = run.end();
    let took = asked.elapsed();
    assert_eq!(code, Some(130), "{signal}\n{said}");
    assert!(took < LATE, "{signal}: {took:?}\n{said}");
    assert!(said.contains("stopping: no more changes are started"), "{signal}\n{said}");
    let done = list(&said, "done: ");
    let not_begun = list(&said, "not started: ");
    assert!(!done.is_empty() && !not_begun.is_empty(), "{signal}\n{said}");
    assert!(not_begun.contains(&"dns_record.legocity.example".to_owned()), "{signal}\n{said}");

    moto.heal();
    account.done(scene.command);
    scene.is_reached(&account).unwrap_or_else(|wrong| panic!("after {signal}:{wrong}\n{said}"));
}

fn list(said: &str, head: &str) -> Vec<String> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix(head)).unwrap_or_default();
    line.split(", ").filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[test]
fn what_is_in_flight_lands() {
    let scene = Scene::apply();
    lands(scene, "HUP");
    lands(scene, "TERM");
}

/// On a cloud in which no time passes nothing waits, and signals are heard all the same.
#[test]
fn signals_are_heard_where_no_time_passes() {
    for signal in ["INT", "TERM", "HUP"] {
        let cloud = FileCloud::new();
        let mut run = Run::begin(&mut cloud.bench.command(&format!("apply --yes prod.toml {CLOUD}")));
        run.reads_until(" created vpc.main");
        run.signal(signal);
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{signal}\n{said}");
        assert!(!list(&said, "not started: ").is_empty(), "{signal}\n{said}");
        cloud.done("apply --yes prod.toml");
    }
}

/// `nohup` starts it so.
#[test]
fn a_hangup_that_is_ignored_is_no_signal() {
    let cloud = FileCloud::new();
    let command = cloud.bench.command(&format!("apply --yes prod.toml {CLOUD}"));
    let mut wrapped = Command::new("sh");
    wrapped.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.current_dir(cloud.bench.path(""));
    let mut run = Run::begin(&mut wrapped);
    run.reads_until(" created vpc.main");
    run.signal("HUP");
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_does_not_land_in_time_is_named() {
    let scene = Scene::apply();
    let moto = scene.fork();
    let account = scene.account(&moto);
    let run = Run::start(scene, &account, "how=hang-after&calls=write");
    run.signal("TERM");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    let unfinished = list(&said, "unfinished (may or may not have taken effect): ");
    assert!(unfinished.contains(&"vpc.main".to_owned()), "{said}");
    assert!(list(&said, "not started: ").contains(&"subnet.public-a".to_owned()), "{said}");

    moto.heal();
    account.done(scene.command);
    scene.is_reached(&account).unwrap_or_else(|wrong| panic!("{wrong}\n{said}"));
}

#[test]
fn a_second_signal_ends_at_once() {
    let scene = Scene::apply();
    let moto = scene.fork();
    let account = scene.account(&moto);
    let mut run = Run::start(scene, &account, "how=hang&calls=write");
    run.signal("INT");
    run.reads_until("stopping: ");
    run.signal("TERM");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped immediately by a second signal"), "{said}");
    assert!(!said.contains("unfinished ("), "it did not wait for what hangs\n{said}");
}
