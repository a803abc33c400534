//! Any bytes are a cloud file of which a plan can be made, or are refused.
#![no_main]

use std::sync::LazyLock;

use baseplate::cloud::{Context, Capture, Cloud, FileCloud, Options as Behaviour};
use baseplate::graph::Graph;
use baseplate::plan::{Options, self};
use baseplate::spec::{Spec, self};
use baseplate::render::Beside;
use baseplate::ui::{Detail, Paint, plan_text};
use libfuzzer_sys::fuzz_target;

static SPEC: LazyLock<Spec> =
    LazyLock::new(|| spec::parse("small.toml", include_str!("../../fixtures/small.toml"), &baseplate::kinds::catalog()).expect("a shipped spec"));

fuzz_target!(|bytes: &[u8]| {
    if Capture::parse(bytes).is_err() {
        return;
    }
    let path = std::env::temp_dir().join(format!("baseplate-fuzz-{}.json", std::process::id()));
    std::fs::write(&path, bytes).expect("a temporary file");
    let cloud = FileCloud::open(&path, &SPEC.env, Behaviour::default()).expect("a cloud file");
    let graph = Graph::of(&SPEC.env).expect("a shipped spec");
    let secret_store = cloud.secret_store();
    let context = Context { env: &SPEC.env, graph: &graph, secret_store: &secret_store };
    let options = Options::default();
    // A file cloud answers at once: what is not done at the first look never will be.
    let mut plan = Box::pin(plan::make(&cloud, context, &options));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    if let std::task::Poll::Ready(Ok(execution)) = plan.as_mut().poll(&mut context) {
        plan_text(&execution.plan, &Beside::default(), &cloud.place(), Detail::Full, Paint::new(true));
    }
});
