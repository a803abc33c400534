//! The planner over a small set of live objects: `fixtures/small.toml` as it is wanted, changed by a test.

mod actions;
mod digest;
mod impacts;
mod origins;
mod refusals;
mod sources;

use serde_json::Value;

use super::Planner;
use crate::applied::{Applied, InUse};
use crate::cloud::{Context, Observed};
use crate::graph::{DesiredObject, Graph};
use crate::kinds::Live;
use crate::plan::{ExecutionPlan, KnownOutputs, Options, Plan, PlanError, SecretMode, resolve_with};
use crate::spec::{self, Environment};
use crate::value::{Address, SecretStore};

/// A spec, what it wants, and what is live.
struct Town {
    text: String,
    env: Environment,
    graph: Graph,
    secret_store: SecretStore,
    found: Vec<Observed>,
    applied: Applied,
    options: Options,
}

impl Town {
    /// As its spec wants it.
    fn new() -> Self {
        Self::with("")
    }

    /// The same with more in the spec.
    fn with(more: &str) -> Self {
        let text = format!("{}\n{more}", include_str!("../../../fixtures/small.toml"));
        let (env, graph) = read(&text);
        let (found, applied, options) = (Vec::new(), Applied::default(), Options::default());
        let mut town = Self {
            text,
            env,
            graph,
            secret_store: SecretStore::new(vec![7; 32]).with_placeholders(),
            found,
            applied,
            options,
        };
        town.build();
        town
    }

    /// Makes everything live that the spec wants.
    fn build(&mut self) {
        let known_outputs = KnownOutputs::default();
        self.found = self.graph.objects.iter().map(|object| self.live(object, &known_outputs)).collect();
    }

    fn live(&self, object: &DesiredObject, known_outputs: &KnownOutputs) -> Observed {
        let attrs = resolve_with(&object.attrs, known_outputs, &self.secret_store, SecretMode::Create);
        let id = format!("id-of-{}", object.address);
        let mut live = Live::new(Some(object.address.clone()), id, attrs);
        let asked = self.graph.outputs.get(&object.address).into_iter().flatten().map(String::as_str);
        for output in object.kind.outputs().iter().copied().chain(asked).filter(|output| *output != "id") {
            let attrs = live.attrs.as_ref().and_then(|attrs| attrs.get(output)).and_then(Value::as_str);
            let value = attrs.map_or_else(|| format!("{output}-of-{}", object.address), str::to_owned);
            live = live.output(output, value);
        }
        known_outputs.record(&object.address, &live.id, live.outputs.clone());
        Observed { kind: object.kind, live }
    }

    /// Replaces the one place where `from` stands in the spec.
    fn edit(&mut self, from: &str, to: &str) {
        assert_eq!(self.text.matches(from).count(), 1, "`{from}` stands once in the spec");
        self.become_spec(self.text.replace(from, to));
    }

    fn become_spec(&mut self, text: String) {
        (self.env, self.graph) = read(&text);
        self.text = text;
    }

    /// Puts a second object beside one that is live, equal to it but for its id.
    fn build_beside(&mut self, at: &str) {
        let kind = crate::kinds::find(address(at).kind()).expect("a kind");
        let live = Live { id: format!("another-{at}"), ..self.at(at).clone() };
        self.found.push(Observed { kind, live });
    }

    /// Changes a live object by hand.
    fn touch(&mut self, at: &str, change: impl FnOnce(&mut Value)) {
        change(self.at(at).attrs.as_mut().expect("attributes"));
    }

    fn at(&mut self, at: &str) -> &mut Live<Value> {
        let address = address(at);
        let found = self.found.iter_mut().find(|found| found.live.address.as_ref() == Some(&address));
        &mut found.unwrap_or_else(|| panic!("{at} is live")).live
    }

    fn context(&self) -> Context<'_> {
        Context { env: &self.env, graph: &self.graph, secret_store: &self.secret_store }
    }

    fn execution(&self) -> Result<ExecutionPlan, PlanError> {
        self.against(&self.graph, &self.options)
    }

    fn against(&self, graph: &Graph, options: &Options) -> Result<ExecutionPlan, PlanError> {
        let context = Context { env: &self.env, graph, secret_store: &self.secret_store };
        let mut planner = Planner::new(context, &self.graph, options, &self.found, &self.applied);
        assert!(planner.run().is_empty(), "nothing is unconfirmed here");
        planner.finish(InUse::default()).without_conflicts()
    }

    fn plan(&self) -> Plan {
        believed(self.execution())
    }

    /// The plan of the environment's end.
    fn end(&self) -> Plan {
        believed(self.against(&Graph::empty(), &Options { destroy: true, ..self.options.clone() }))
    }
}

fn believed(execution: Result<ExecutionPlan, PlanError>) -> Plan {
    execution.unwrap_or_else(|refusal| panic!("{refusal:?}")).plan
}

fn read(text: &str) -> (Environment, Graph) {
    let env = spec::parse("spec.toml", text, &crate::kinds::catalog())
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
        .env;
    let graph = Graph::of(&env).expect("no ring");
    (env, graph)
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}
