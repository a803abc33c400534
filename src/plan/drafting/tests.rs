//! The drafting over a small set of live objects: `fixtures/small.toml` as it is wanted, changed by a test.

mod actions;
mod digest;
mod origins;

use serde_json::Value;

use super::Drafting;
use crate::applied::{Applied, InUse};
use crate::cloud::{About, Found};
use crate::graph::{Graph, Wanted};
use crate::kinds::Live;
use crate::plan::{Draft, Options, Plan, Refusal, Secrets, World, resolve_with};
use crate::spec::{self, Environment};
use crate::value::{Address, Vault};

/// A spec, what it wants, and what is live.
struct Town {
    text: String,
    env: Environment,
    graph: Graph,
    vault: Vault,
    found: Vec<Found>,
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
        let mut town =
            Self { text, env, graph, vault: Vault::new(vec![7; 32]).supposing(), found, applied, options };
        town.build();
        town
    }

    /// Makes everything live that the spec wants.
    fn build(&mut self) {
        let world = World::default();
        self.found = self.graph.wanted.iter().map(|wanted| self.live(wanted, &world)).collect();
    }

    fn live(&self, wanted: &Wanted, world: &World) -> Found {
        let attrs = resolve_with(&wanted.attrs, world, &self.vault, Secrets::Make);
        let id = format!("id-of-{}", wanted.address);
        let mut live = Live::new(Some(wanted.address.clone()), id, attrs);
        let asked = self.graph.outputs.get(&wanted.address).into_iter().flatten().map(String::as_str);
        for output in wanted.kind.outputs().iter().copied().chain(asked).filter(|output| *output != "id") {
            let attrs = live.attrs.as_ref().and_then(|attrs| attrs.get(output)).and_then(Value::as_str);
            let value = attrs.map_or_else(|| format!("{output}-of-{}", wanted.address), str::to_owned);
            live = live.output(output, value);
        }
        world.learn(&wanted.address, &live.id, live.outputs.clone());
        Found { kind: wanted.kind, live }
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
        self.found.push(Found { kind, live });
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

    fn about(&self) -> About<'_> {
        About { env: &self.env, graph: &self.graph, vault: &self.vault }
    }

    fn draft(&self) -> Result<Draft, Refusal> {
        self.against(&self.graph, &self.options)
    }

    fn against(&self, graph: &Graph, options: &Options) -> Result<Draft, Refusal> {
        let about = About { env: &self.env, graph, vault: &self.vault };
        let mut drafting = Drafting::new(about, &self.graph, options, &self.found, &self.applied);
        assert!(drafting.run().is_empty(), "nothing is taken on trust here");
        drafting.finish(InUse::default())
    }

    fn plan(&self) -> Plan {
        believed(self.draft())
    }

    /// The plan of the environment's end.
    fn end(&self) -> Plan {
        believed(self.against(&Graph::empty(), &Options { destroy: true, ..self.options.clone() }))
    }
}

fn believed(draft: Result<Draft, Refusal>) -> Plan {
    draft.unwrap_or_else(|refusal| panic!("{refusal:?}")).plan
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
