//! The program dies at every write to a cloud in a file, before and after it takes effect; then one more run finishes
//! the work, and what is there is what a run that nothing disturbed leaves.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::circle::unprotected;
use crate::cli::Bench;
use crate::file_cloud::{CLOUD, FileCloud};
use crate::scenes::touch_every_kind;

/// Everything in the file: each object by its address, with its attributes and with addresses for ids.
type Everything = Vec<(String, Value)>;

struct Scene {
    cloud: FileCloud,
    command: &'static str,
    plan: &'static str,
    /// The file as it is before the run that is disturbed; `None` if there is none.
    before: Option<String>,
    goal: Everything,
}

impl Scene {
    fn new(cloud: FileCloud, command: &'static str, plan: &'static str) -> Self {
        let before = cloud.bench.path("cloud.json").exists().then(|| cloud.bench.read("cloud.json"));
        cloud.done(command);
        let goal = everything(&cloud.bench);
        Self { cloud, command, plan, before, goal }
    }

    /// How many writes there were until one was not reached any more.
    fn dies_at_every_write(&self) -> usize {
        for write in 1.. {
            for when in ["before", "after"] {
                let file = self.cloud.bench.path("cloud.json");
                match &self.before {
                    Some(text) => std::fs::write(file, text).expect("the file as it was"),
                    None => std::fs::remove_file(file).expect("the file of the last trial"),
                }
                let crash = format!("{} {CLOUD} --fail-at crash-{when}:{write}", self.command);
                let died = self.cloud.bench.command(&crash).output().expect("the program starts").status;
                if died.success() {
                    return write - 1;
                }
                assert_eq!(died.code(), None, "{crash}: killed, not ended");
                self.cloud.done(self.command);
                let plan = self.cloud.run(&format!("{} --detailed-exitcode", self.plan));
                assert_eq!(plan.code, 0, "{crash}, applied again\n{plan}");
                assert_eq!(everything(&self.cloud.bench), self.goal, "{crash}, applied again");
            }
        }
        unreachable!("a run has an end")
    }
}

fn everything(bench: &Bench) -> Everything {
    let text = bench.read("cloud.json");
    let objects = |text: &str| {
        let mut cloud: Value = serde_json::from_str(text).expect("a cloud file");
        cloud["objects"].as_array_mut().map(std::mem::take).expect("objects")
    };
    // Ids count what was ever made, fingerprints stand for passwords that were drawn anew.
    let ids: BTreeMap<String, String> =
        objects(&text).iter().map(|object| (object["id"].to_string(), object["address"].to_string())).collect();
    let text = ids.iter().rev().fold(text, |text, (id, address)| text.replace(id, address));
    let mut all: Everything = objects(&text)
        .into_iter()
        .map(|mut object| {
            without_fingerprints(&mut object["attrs"]);
            (format!("{}: {}", object["environment"], object["address"]), object["attrs"].take())
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn without_fingerprints(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("fingerprint");
            map.values_mut().for_each(without_fingerprints);
        }
        Value::Array(items) => items.iter_mut().for_each(without_fingerprints),
        _ => {}
    }
}

#[test]
fn an_apply_dies_at_every_write() {
    let writes = Scene::new(FileCloud::new(), "apply --yes prod.toml", "plan prod.toml").dies_at_every_write();
    assert_eq!(writes, 76 + 1, "one for each object of prod, and the record of what was applied");
}

#[test]
fn an_update_dies_at_every_write() {
    let cloud = FileCloud::new();
    cloud.done("apply --yes prod.toml");
    touch_every_kind(&cloud.bench);
    let writes = Scene::new(cloud, "apply --yes prod.toml", "plan prod.toml").dies_at_every_write();
    assert!(writes > 76, "nearly every object changes, and some are replaced: {writes}");
}

#[test]
fn a_destroy_dies_at_every_write() {
    let cloud = FileCloud::new();
    unprotected(&cloud.bench);
    cloud.done("apply --yes prod.toml");
    let writes = Scene::new(cloud, "destroy --yes prod.toml", "plan --destroy prod.toml").dies_at_every_write();
    assert_eq!(writes, 76 - 5 + 1, "one for each object but the registries, and the record");
}
