//! Specs in a folder, and an account at moto that they are applied to.

use std::process::Command;

use serde_json::Value;

use crate::cli::{Bench, Outcome};
use crate::moto::Moto;

pub struct Account<'a> {
    pub bench: Bench,
    pub moto: &'a Moto,
}

impl<'a> Account<'a> {
    /// With copies of the shipped environments.
    pub fn new(moto: &'a Moto) -> Self {
        Self { bench: Bench::new(), moto }
    }

    /// With one of `fixtures/` as `spec.toml`.
    pub fn with_fixture(moto: &'a Moto, name: &str) -> Self {
        Self { bench: Bench::with_fixture(name), moto }
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.bench.command(arguments);
        command.env("AWS_ENDPOINT_URL", self.moto.endpoint());
        command
    }

    pub fn run(&self, arguments: &str) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// Runs what must end with 0.
    pub fn done(&self, arguments: &str) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "`{arguments}` should end well\n{outcome}");
        outcome
    }

    /// The changes that a plan of `spec` shows, each as [`change`] writes it, sorted.
    pub fn changes(&self, spec_and_options: &str) -> Vec<String> {
        changes(&self.done(&format!("plan --json {spec_and_options}")).json())
    }

    /// An apply must plan exactly these changes, in whatever order, and after it a plan must show none.
    pub fn assert_changes(&self, spec_and_options: &str, what: &str, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let applied = self.done(&format!("apply --yes --json {spec_and_options}")).json();
        assert_eq!(changes(&applied["plan"]), expected, "{what}: planned on the left, due on the right");
        assert_eq!(self.changes(spec_and_options), [""; 0], "{what}: left after an apply");
    }

    pub fn assert_no_changes(&self, spec_and_options: &str) {
        let outcome = self.run(&format!("plan --detailed-exitcode {spec_and_options}"));
        assert_eq!(outcome.code, 0, "nothing should be left to change\n{outcome}");
        assert!(outcome.stdout.contains("No changes"), "{outcome}");
    }
}

/// The changes of a plan, each as [`change`] writes it, sorted.
pub fn changes(plan: &Value) -> Vec<String> {
    let mut changes: Vec<String> = plan["changes"].as_array().expect("changes").iter().map(change).collect();
    changes.sort_unstable();
    changes
}

/// `create vpc.main`, or for what stays and changes `update ecs_service.web: desired_count`, with the paths that
/// differ.
pub fn change(change: &Value) -> String {
    let text = |key: &str| change[key].as_str().unwrap_or_default();
    let head = format!("{} {}", text("action"), text("address"));
    if matches!(text("action"), "create" | "delete") {
        return head;
    }
    let fields = change["fields"].as_array().expect("fields");
    let mut paths: Vec<&str> = fields.iter().filter_map(|field| field["path"].as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    format!("{head}: {}", paths.join(", "))
}
