//! All pure work of a plan, from the spec's text to the plan's text, for an environment of 10,000 objects that
//! are all as the spec says, and for the same when none of them is there. `cargo bench` prints the times, and
//! at its end the peak of resident memory.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench prints, and stops where it cannot go on"
)]

use std::cell::RefCell;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use baseplate::applied::Applied;
use baseplate::aws::CloudError;
use baseplate::clock::SystemClock;
use baseplate::cloud::{Cloud, Context, Kinds, Observed, State};
use baseplate::graph::Graph;
use baseplate::kinds::{AnyKind, Create, Delete, Live, Outputs, Poll, PollTarget, Update, WriteResult};
use baseplate::lock::{FileLock, LockStore};
use baseplate::plan::{self, KnownOutputs, Options, SecretMode, resolve_with};
use baseplate::render::Beside;
use baseplate::spec::{self, Environment, Spec};
use baseplate::ui::{Detail, Paint, plan_text};
use baseplate::value::SecretStore;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

fn main() {
    divan::main();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        println!("peak resident memory of all of this: {}", peak.trim());
    }
}

/// A cloud that says once what it was given: a real one reads it, and what that takes is not measured here.
struct Still(RefCell<Vec<Observed>>);

type Answer<'a, T> = LocalBoxFuture<'a, Result<T, CloudError>>;

impl Cloud for Still {
    fn place(&self) -> String {
        "memory".to_owned()
    }
    fn secret_store(&self) -> SecretStore {
        SecretStore::new(vec![7; 32])
    }
    fn guard<'a>(&'a self, _: &'a Environment) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    fn lock(&self, _: &Environment) -> Box<dyn LockStore> {
        Box::new(FileLock::of(Path::new("still"), SystemClock::shared()))
    }
    fn state<'a>(&'a self, _: Context<'a>, _: Kinds) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        Box::pin(async { Ok(State { found: self.0.take(), applied: Applied::default(), list: None }) })
    }
    fn observe_kinds<'a>(
        &'a self,
        _: Context<'a>,
        _: &'a [&'static dyn AnyKind],
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>> {
        Box::pin(async { Ok(self.0.take()) })
    }
    fn observe_kind<'a>(&'a self, _: Context<'a>, _: &'static dyn AnyKind) -> Answer<'a, Vec<Observed>> {
        Box::pin(async { Err(CloudError::internal("this cloud stands still")) })
    }
    fn refresh<'a>(&'a self, _: Context<'a>, _: &'a mut Observed) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    fn save_applied<'a>(&'a self, _: &'a Environment, _: &'a Applied) -> Answer<'a, ()> {
        Box::pin(async { Err(CloudError::internal("this cloud stands still")) })
    }
    fn create<'a>(
        &'a self,
        _: Context<'a>,
        _: &'static dyn AnyKind,
        _: Create<'a, Value>,
    ) -> Answer<'a, WriteResult> {
        Box::pin(async { Err(CloudError::internal("this cloud stands still")) })
    }
    fn update<'a>(
        &'a self,
        _: Context<'a>,
        _: &'static dyn AnyKind,
        _: Update<'a, Value>,
    ) -> Answer<'a, WriteResult> {
        Box::pin(async { Err(CloudError::internal("this cloud stands still")) })
    }
    fn delete<'a>(&'a self, _: &'static dyn AnyKind, _: Delete<'a, Value>) -> Answer<'a, ()> {
        Box::pin(async { Err(CloudError::internal("this cloud stands still")) })
    }
    fn poll<'a>(&'a self, _: &'static dyn AnyKind, _: PollTarget<'a, Value>) -> Answer<'a, Poll> {
        Box::pin(async { Ok(Poll::Done(Outputs::new())) })
    }
}

/// A spec of about 10,000 objects: services (eight objects each with a route), groups (two each), parameters.
fn large() -> PathBuf {
    let mut text = String::from(
        "project = \"large\"\nenvironment = \"prod\"\naccount = \"123456789012\"\nregion = \"eu-central-1\"\n\
         [network]\ncidr = \"10.0.0.0/16\"\nnat = \"per-zone\"\n[load-balancer]\nsecurity-groups = [\"g0\"]\n\
         [network.subnets]\n",
    );
    for (index, zone) in ["a", "b"].iter().enumerate() {
        let _ = writeln!(
            text,
            "public-{zone} = {{ tier = \"public\", zone = \"eu-central-1{zone}\", cidr = \"10.0.{index}.0/24\" }}"
        );
        let _ = writeln!(
            text,
            "private-{zone} = {{ tier = \"private\", zone = \"eu-central-1{zone}\", cidr = \"10.0.{}.0/24\" }}",
            index + 8
        );
    }
    for index in 0..1000 {
        let _ = writeln!(
            text,
            "[security-groups.g{index}]\ningress = [{{ ports = \"80\", from = \"10.0.0.0/8\" }}, {{ ports = \"443\", from = \"self\" }}]"
        );
    }
    for index in 0..700 {
        let _ = writeln!(
            text,
            "[services.s{index}]\nimage = \"nginx:{index}\"\ncpu = 256\nmemory = 512\nport = 80\nsecurity-groups = [\"g{index}\"]\n\
             secrets = {{ KEY = \"s{index}/p0\" }}\nroute = {{ paths = [\"/s{index}/*\"], priority = {} }}",
            index + 1
        );
    }
    text.push_str("[parameters]\n");
    for index in 0..3100 {
        let _ = writeln!(text, "\"s{}/p{}\" = \"value {index}\"", index % 700, index / 700);
    }
    let path = std::env::temp_dir().join(format!("baseplate-bench-{}.toml", std::process::id()));
    std::fs::write(&path, text).expect("the temporary folder is writable");
    path
}

fn load() -> Spec {
    let path = large();
    let spec = spec::load(&path, &baseplate::kinds::catalog());
    let _ = std::fs::remove_file(&path);
    spec.unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// Everything that the graph wants, as if it were live.
fn alive(spec: &Spec) -> Vec<Observed> {
    let graph = Graph::of(&spec.env).expect("no ring");
    let (known_outputs, secret_store) = (KnownOutputs::default(), SecretStore::new(vec![7; 32]));
    let found = graph.objects.iter().enumerate().map(|(index, object)| {
        let attrs = resolve_with(&object.attrs, &known_outputs, &secret_store, SecretMode::Create);
        let mut live = Live::new(Some(object.address.clone()), format!("id-{index}"), attrs);
        for output in graph.outputs.get(&object.address).into_iter().flatten().filter(|output| *output != "id") {
            live = live.output(output, format!("{output}-{index}"));
        }
        known_outputs.record(&object.address, &live.id, live.outputs.clone());
        Observed { kind: object.kind, live }
    });
    found.collect()
}

fn plan(spec: &Spec, cloud: &Still) -> plan::Plan {
    let graph = Graph::of(&spec.env).expect("no ring");
    let secret_store = cloud.secret_store();
    let context = Context { env: &spec.env, graph: &graph, secret_store: &secret_store };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let execution = runtime.block_on(plan::make(cloud, context, &Options::default()));
    execution.unwrap_or_else(|refusal| panic!("{refusal:?}")).plan
}

#[divan::bench(sample_count = 10)]
fn check_the_spec(bencher: divan::Bencher) {
    bencher.bench_local(load);
}

#[divan::bench(sample_count = 10)]
fn plan_without_changes(bencher: divan::Bencher) {
    let spec = load();
    let found = alive(&spec);
    assert!(found.len() >= 10_000, "only {} objects", found.len());
    bencher.with_inputs(|| Still(RefCell::new(found.clone()))).bench_local_refs(|cloud| {
        let plan = plan(&spec, cloud);
        assert!(plan.is_empty(), "{} changes", plan.changes.len());
        plan_text(&plan, &Beside::default(), "memory", Detail::Full, Paint::new(false))
    });
}

#[divan::bench(sample_count = 10)]
fn plan_that_creates_all(bencher: divan::Bencher) {
    let spec = load();
    let cloud = Still(RefCell::default());
    bencher.bench_local(|| {
        plan_text(&plan(&spec, &cloud), &Beside::default(), "memory", Detail::Full, Paint::new(false))
    });
}
