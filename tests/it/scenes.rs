//! Runs to be disturbed: an apply of prod, an update that touches every kind, and a destroy. The server of each is
//! prepared once for all tests, and every trial has a copy of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::account::Account;
use crate::cli::Bench;
use crate::moto::Moto;
use crate::round_trip::{city, city_with, unprotect, unprotected};

pub struct Scene {
    pub name: &'static str,
    /// What is disturbed, and run again.
    pub command: &'static str,
    /// Finds nothing to do afterwards.
    plan: &'static str,
    edit: fn(&Bench),
    base: Moto,
    /// Everything that is there after a run that nothing disturbed.
    goal: BTreeMap<String, Vec<String>>,
    /// How many writes that run made.
    pub writes: usize,
    /// Which operations of AWS it called.
    pub called: BTreeSet<String>,
}

impl Scene {
    pub fn apply() -> &'static Self {
        static SCENE: OnceLock<Scene> = OnceLock::new();
        SCENE.get_or_init(|| Self::of("apply", city(), "apply --yes prod.toml", "plan prod.toml", |_| {}))
    }

    pub fn update() -> &'static Self {
        static SCENE: OnceLock<Scene> = OnceLock::new();
        let made = || {
            let base = city_with("prod");
            Self::of("update", base, "apply --yes prod.toml", "plan prod.toml", touch_every_kind)
        };
        SCENE.get_or_init(made)
    }

    pub fn destroy() -> &'static Self {
        static SCENE: OnceLock<Scene> = OnceLock::new();
        let made = || {
            let base = city_with("prod");
            unprotect(&Account::new(&base));
            Self::of("destroy", base, "destroy --yes prod.toml", "plan --destroy prod.toml", unprotected)
        };
        SCENE.get_or_init(made)
    }

    fn of(name: &'static str, base: Moto, command: &'static str, plan: &'static str, edit: fn(&Bench)) -> Self {
        let mut scene =
            Self { name, command, plan, edit, base, goal: BTreeMap::new(), writes: 0, called: BTreeSet::new() };
        let moto = scene.fork();
        scene.account(&moto).done(command);
        scene.writes = moto.counts().writes;
        scene.called = moto.operations();
        scene.goal = moto.everything();
        scene
    }

    pub fn fork(&self) -> Moto {
        self.base.fork()
    }

    pub fn account<'a>(&self, moto: &'a Moto) -> Account<'a> {
        let account = Account::new(moto);
        (self.edit)(&account.bench);
        account
    }

    /// Whether nothing is left to do, and everything is there once: what a run that nothing disturbed leaves.
    pub fn is_reached(&self, account: &Account<'_>) -> Result<(), String> {
        let plan = account.run(&format!("{} --detailed-exitcode", self.plan));
        let there = account.moto.everything();
        let mut wrong = String::new();
        if plan.code != 0 {
            wrong += &format!("\n  left to do: {plan}");
        }
        for kind in self.goal.keys().chain(there.keys()).collect::<BTreeSet<_>>() {
            let (mut missing, mut more) = (self.goal.get(kind).cloned().unwrap_or_default(), Vec::new());
            for line in there.get(kind).into_iter().flatten() {
                match missing.iter().position(|due| due == line) {
                    Some(at) => drop(missing.swap_remove(at)),
                    None => more.push(line.as_str()),
                }
            }
            let is_twice = |line: &str| self.goal.get(kind).is_some_and(|due| due.iter().any(|due| due == line));
            for line in more {
                wrong += &format!("\n  {}: {kind} {line}", if is_twice(line) { "doubled" } else { "orphaned" });
            }
            for line in missing {
                wrong += &format!("\n  missing: {kind} {line}");
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// Tries these side by side: what is disturbed mostly waits.
pub fn each(what: &[&str], trial: impl Fn(&str) + Sync) {
    let trial = &trial;
    std::thread::scope(|scope| {
        for &what in what {
            scope.spawn(move || trial(what));
        }
    });
}

/// Edits that change at least one object of each kind, some in place and some by a replacement.
pub fn touch_every_kind(bench: &Bench) {
    bench.edit("legocity.toml", "team = \"city\"", "team = \"city\"\ncost-centre = \"42\"");
    bench.edit("legocity.toml", "description = \"HTTP, redirected\"", "description = \"HTTP\"");
    bench.edit(
        "legocity.toml",
        "description = \"PayloadCMS: the admin pages\"",
        "description = \"The admin pages\"",
    );
    bench.edit("legocity.toml", "broker = {}", "broker = { keep-images = 5 }");
    bench.edit("legocity.toml", "port = 4000", "port = 3999");
    bench.edit("prod.toml", "domain = \"legocity.example\"", "domain = \"www.legocity.example\"");
}

#[test]
fn the_update_touches_every_kind_of_the_city() {
    let moto = city_with("prod");
    let account = Account::new(&moto);
    touch_every_kind(&account.bench);
    let changes = account.changes("prod.toml");
    let kind = |change: &str| Some(change.split_once(' ')?.1.split_once('.')?.0.to_owned());
    let touched: BTreeSet<String> = changes.iter().filter_map(|change| kind(change)).collect();
    let graph = account.bench.done("graph --json prod.toml").json();
    let addresses = graph.as_array().expect("objects").iter().filter_map(|object| object["address"].as_str());
    let mut wanted: BTreeSet<String> =
        addresses.filter_map(|one| Some(one.split_once('.')?.0.to_owned())).collect();
    // It is closed, whatever a spec says.
    wanted.remove("default_security_group");
    assert_eq!(touched, wanted, "{changes:#?}");
}
