//! Specs in a folder, and a cloud in a file beside them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::account::change;
use crate::cli::{Bench, Outcome};

/// Where everything is applied to. No time passes in it.
pub const CLOUD: &str = "--cloud file:cloud.json --time-scale 0";

pub struct FileCloud {
    pub bench: Bench,
}

impl FileCloud {
    /// With copies of the shipped environments.
    pub fn new() -> Self {
        Self { bench: Bench::new() }
    }

    /// With one of `fixtures/` as `spec.toml`.
    pub fn with_fixture(name: &str) -> Self {
        Self { bench: Bench::with_fixture(name) }
    }

    pub fn run(&self, arguments: &str) -> Outcome {
        self.bench.run(&format!("{arguments} {CLOUD}"))
    }

    /// Runs what must end with 0.
    pub fn done(&self, arguments: &str) -> Outcome {
        self.bench.done(&format!("{arguments} {CLOUD}"))
    }

    /// The changes that a plan of `spec` shows, each as [`change`] writes it.
    pub fn changes(&self, spec_and_options: &str) -> Vec<String> {
        let plan = self.done(&format!("plan --json {spec_and_options}")).json();
        plan["changes"].as_array().expect("changes").iter().map(change).collect()
    }

    pub fn assert_no_changes(&self, spec: &str) {
        let outcome = self.run(&format!("plan --detailed-exitcode {spec}"));
        assert_eq!(outcome.code, 0, "nothing should be left to change\n{outcome}");
        assert!(outcome.stdout.contains("No changes"), "{outcome}");
    }

    /// Addresses of everything in the file, with the environment they belong to.
    pub fn objects(&self) -> BTreeSet<String> {
        let cloud = self.bench.json("cloud.json");
        let name = |object: &Value| {
            let environment = object["environment"].as_str().unwrap_or("every environment");
            format!("{environment}: {}", object["address"].as_str().expect("an address"))
        };
        cloud["objects"].as_array().expect("objects").iter().map(name).collect()
    }

    /// Changes the live object with this address by hand.
    pub fn touch(&self, address: &str, change: impl FnOnce(&mut Value)) {
        self.bench.edit_json("cloud.json", |cloud| {
            let objects = cloud["objects"].as_array_mut().expect("objects");
            let object = objects.iter_mut().find(|object| object["address"] == address);
            change(object.unwrap_or_else(|| panic!("{address} is in the file")));
        });
    }
}
