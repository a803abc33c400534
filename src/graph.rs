//! The dependency graph of what an environment wants: nodes are addresses, edges the typed references in their
//! attributes and the few dependencies that AWS has without any reference.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::Value;

use crate::kinds::{self, AnyKind, Desired, Stage};
use crate::spec::Environment;
use crate::value::Address;
use crate::value::walk::{Link, links};

/// One desired object, with what it depends on.
pub struct Wanted {
    pub address: Address,
    pub kind: &'static dyn AnyKind,
    pub stage: Stage,
    /// Shared with the step that carries out its change.
    pub attrs: Rc<Value>,
    pub shared: bool,
    pub external: bool,
    pub protect: bool,
    /// Addresses that must be there before, all of them desired.
    pub needs: BTreeSet<Address>,
    /// Creations of these come first, all of them desired. With `needs` it makes no cycle.
    pub follows: BTreeSet<Address>,
    /// Updates go wave by wave.
    pub wave: Option<u32>,
    /// Its place among those of its kind in the spec.
    pub place: usize,
}

/// Everything that an environment wants, dependencies before dependents; else by stage, kind and place in the spec.
pub struct Graph {
    pub wanted: Vec<Wanted>,
    /// By address, the outputs that somebody refers to.
    pub outputs: HashMap<Address, BTreeSet<String>>,
}

impl Graph {
    /// An environment that wants nothing: what `destroy` plans against.
    pub fn empty() -> Self {
        Self { wanted: Vec::new(), outputs: HashMap::new() }
    }

    /// Asks every kind what the environment wants of it.
    ///
    /// # Errors
    /// A ring of references, by name.
    pub fn of(env: &Environment) -> Result<Self, String> {
        let mut wanted = Vec::new();
        let mut outputs: HashMap<Address, BTreeSet<String>> = HashMap::new();
        for kind in kinds::all() {
            for (place, desired) in kind.desired(env).into_iter().enumerate() {
                let Desired { name, attrs, stage, after, follows, wave, external, protect } = desired;
                let mut needs: BTreeSet<Address> = after.into_iter().collect();
                for link in links(&attrs) {
                    if let Link::To { address, output } = link {
                        outputs.entry(address.clone()).or_default().insert(output);
                        needs.insert(address);
                    }
                }
                let address = Address::new(kind.name(), name);
                let stage = stage.unwrap_or_else(|| kind.stage());
                let follows = follows.into_iter().filter(|other| *other != address).collect();
                let shared = kind.shared();
                wanted.push(Wanted {
                    address,
                    kind: *kind,
                    stage,
                    attrs: Rc::new(attrs),
                    shared,
                    external,
                    protect,
                    needs,
                    follows,
                    wave,
                    place,
                });
            }
        }
        let known: HashSet<Address> = wanted.iter().map(|wanted| wanted.address.clone()).collect();
        for wanted in &mut wanted {
            wanted.needs.retain(|address| known.contains(address));
            wanted.follows.retain(|address| known.contains(address));
        }
        stage_by_use(&mut wanted);
        open_rings(&mut wanted);
        Ok(Self { wanted: sorted(wanted)?, outputs })
    }

    /// The unique physical names that the desired objects have, by kind.
    pub fn identities(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let mut names: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for wanted in &self.wanted {
            if let Some(name) = wanted.kind.identity().and_then(|field| wanted.attrs.get(field)?.as_str()) {
                names.entry(wanted.kind.name()).or_default().insert(name.to_owned());
            }
        }
        names
    }
}

/// What monitoring is made of, such as a topic, comes last; but where an earlier stage refers to it, it takes the stage
/// of the first that does.
fn stage_by_use(wanted: &mut [Wanted]) {
    let is_last: Vec<bool> = wanted.iter().map(|wanted| wanted.stage == Stage::Monitoring).collect();
    let indices: HashMap<Address, usize> =
        wanted.iter().enumerate().map(|(index, wanted)| (wanted.address.clone(), index)).collect();
    // From who uses something to what is used: that may use something of the last stage in its turn.
    let mut users: Vec<usize> = (0..wanted.len()).filter(|&user| !is_last[user]).collect();
    while let Some(user) = users.pop() {
        let stage = wanted[user].stage;
        let used: Vec<usize> = wanted[user].needs.iter().map(|need| indices[need]).collect();
        for used in used.into_iter().filter(|&used| is_last[used]) {
            if stage < wanted[used].stage {
                wanted[used].stage = stage;
                users.push(used);
            }
        }
    }
}

/// Drops preferences that lead round in a ring: of those within one, what the spec lists first comes first.
fn open_rings(wanted: &mut [Wanted]) {
    // Should needs be part of a ring, the spec's order may not open it: then none of its preferences holds.
    for keeps in [|from: usize, to: usize| to < from, |_, _| false] {
        if wanted.iter().all(|wanted| wanted.follows.is_empty()) {
            return;
        }
        let (graph, indices) = edges(wanted);
        let mut ring_of = vec![0; wanted.len()];
        for (ring, members) in kosaraju_scc(&graph).into_iter().enumerate() {
            members.into_iter().for_each(|node| ring_of[node.index()] = ring);
        }
        let in_ring: Vec<BTreeSet<Address>> = wanted
            .iter()
            .enumerate()
            .map(|(from, one)| {
                let drops = |to: usize| ring_of[from] == ring_of[to] && !keeps(from, to);
                one.follows.iter().filter(|other| drops(indices[*other])).cloned().collect()
            })
            .collect();
        for (one, dropped) in wanted.iter_mut().zip(in_ring) {
            one.follows.retain(|other| !dropped.contains(other));
        }
    }
}

/// From what comes first to what comes after; nodes are indices into `wanted`.
fn edges(wanted: &[Wanted]) -> (DiGraph<(), ()>, HashMap<&Address, usize>) {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(wanted.len(), wanted.len() * 4);
    for _ in wanted {
        graph.add_node(());
    }
    let indices: HashMap<&Address, usize> =
        wanted.iter().enumerate().map(|(index, wanted)| (&wanted.address, index)).collect();
    for (index, one) in wanted.iter().enumerate() {
        for first in one.needs.iter().chain(&one.follows) {
            graph.add_edge(NodeIndex::new(indices[first]), NodeIndex::new(index), ());
        }
    }
    (graph, indices)
}

fn sorted(wanted: Vec<Wanted>) -> Result<Vec<Wanted>, String> {
    let (graph, _) = edges(&wanted);
    let mut waits_for: Vec<usize> = wanted.iter().map(|one| one.needs.len() + one.follows.len()).collect();
    let rank = |index: usize| Reverse((wanted[index].stage, index));
    let mut ready: BinaryHeap<_> = (0..wanted.len()).filter(|&index| waits_for[index] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(wanted.len());
    while let Some(Reverse((_, index))) = ready.pop() {
        order.push(index);
        for next in graph.neighbors(NodeIndex::new(index)).map(NodeIndex::index) {
            waits_for[next] -= 1;
            if waits_for[next] == 0 {
                ready.push(rank(next));
            }
        }
    }
    if order.len() < wanted.len() {
        let ring = kosaraju_scc(&graph).into_iter().find(|ring| ring.len() > 1).unwrap_or_default();
        let names: Vec<String> = ring.iter().map(|node| wanted[node.index()].address.to_string()).collect();
        return Err(format!("dependency cycle: {}", names.join(" → ")));
    }
    let mut slots: Vec<Option<Wanted>> = wanted.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| slots[index].take()).collect())
}

/// Each object with its stage and what it needs, dependencies before dependents.
pub fn json(graph: &Graph) -> Value {
    let objects = graph.wanted.iter().map(|Wanted { address, stage, needs, .. }| {
        serde_json::json!({ "address": address, "stage": stage, "needs": needs })
    });
    objects.collect()
}

/// The stages that have objects.
fn stages(graph: &Graph) -> impl Iterator<Item = Stage> {
    Stage::ALL.into_iter().filter(|stage| graph.wanted.iter().any(|wanted| wanted.stage == *stage))
}

/// Graphviz's language.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph baseplate {\n  rankdir = LR;\n  node [shape = box];\n");
    for stage in stages(graph) {
        out += &format!("  subgraph cluster_{} {{\n    label = \"{}\";\n", stage.number(), stage.title());
        for wanted in graph.wanted.iter().filter(|wanted| wanted.stage == stage) {
            out += &format!("    \"{}\";\n", in_dot(&wanted.address));
        }
        out += "  }\n";
    }
    for wanted in &graph.wanted {
        for need in &wanted.needs {
            out += &format!("  \"{}\" -> \"{}\";\n", in_dot(&wanted.address), in_dot(need));
        }
    }
    out + "}\n"
}

/// Within quotes, a backslash keeps a quote and itself from meaning anything.
fn in_dot(address: &Address) -> String {
    address.to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

/// Within quotes, entities stand for what would end them or be taken for HTML.
fn in_mermaid(address: &Address) -> String {
    let entity = |c: char| match c {
        '"' => "#quot;".to_owned(),
        '#' => "#35;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        '&' => "#amp;".to_owned(),
        c => c.to_string(),
    };
    address.to_string().chars().map(entity).collect()
}

/// Mermaid's language, which GitHub draws in Markdown.
pub fn mermaid(graph: &Graph) -> String {
    let ids: HashMap<&Address, usize> =
        graph.wanted.iter().enumerate().map(|(index, wanted)| (&wanted.address, index)).collect();
    let mut out = String::from("flowchart LR\n");
    for stage in stages(graph) {
        out += &format!("  subgraph s{}[\"{}\"]\n", stage.number(), stage.title());
        for wanted in graph.wanted.iter().filter(|wanted| wanted.stage == stage) {
            out += &format!("    n{}[\"{}\"]\n", ids[&wanted.address], in_mermaid(&wanted.address));
        }
        out += "  end\n";
    }
    for wanted in &graph.wanted {
        for need in &wanted.needs {
            out += &format!("  n{} --> n{}\n", ids[&wanted.address], ids[need]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(address: Address, needs: BTreeSet<Address>) -> Wanted {
        Wanted {
            address,
            kind: &crate::kinds::network::vpc::Vpc,
            stage: Stage::Network,
            attrs: Rc::new(Value::Null),
            shared: false,
            external: false,
            protect: false,
            needs,
            follows: BTreeSet::new(),
            wave: None,
            place: 0,
        }
    }

    #[test]
    fn what_an_earlier_stage_uses_takes_its_stage() {
        let at = |name: &str, stage, needs: &[&str]| {
            let needs = needs.iter().map(|need| Address::new("vpc", *need)).collect();
            Wanted { stage, ..one(Address::new("vpc", name), needs) }
        };
        let mut wanted = [
            at("key", Stage::Monitoring, &[]),
            at("topic", Stage::Monitoring, &["key"]),
            at("alarm", Stage::Monitoring, &["topic"]),
            at("service", Stage::Compute, &["topic"]),
            at("record", Stage::Dns, &["topic", "service"]),
        ];
        stage_by_use(&mut wanted);
        let stages = wanted.map(|wanted| wanted.stage);
        let compute = Stage::Compute;
        assert_eq!(stages, [compute, compute, Stage::Monitoring, compute, Stage::Dns]);
    }

    #[test]
    fn no_address_ends_its_quotes() {
        let evil = || Address::new("vpc", "x\"]; n1 --> n2 [\\\"<script>#");
        let user = one(Address::new("vpc", "user"), BTreeSet::from([evil()]));
        let graph = Graph { wanted: vec![one(evil(), BTreeSet::new()), user], outputs: HashMap::new() };
        let inside = r#""vpc.x\"]; n1 --> n2 [\\\"<script>#""#;
        assert_eq!(dot(&graph).matches(inside).count(), 2, "{}", dot(&graph));
        let node = "n0[\"vpc.x#quot;]; n1 --#gt; n2 [\\#quot;#lt;script#gt;#35;\"]";
        assert!(mermaid(&graph).contains(node), "{}", mermaid(&graph));
    }

    /// The graph of the small environment with more services, each with more lines of its table.
    fn graph_with(services: &[(&str, &str)], parameters: &str) -> Graph {
        let small = include_str!("../fixtures/small.toml");
        let mut text = small.replace("[parameters]\n", &format!("[parameters]\n{parameters}\n"));
        text += "\n[cluster]\nprivate-domain = \"town.internal\"\n";
        for (key, lines) in services {
            text += &format!(
                "[services.{key}]\nimage = \"{key}:1\"\ncpu = 256\nmemory = 512\nport = 80\n\
                 subnets = [\"public-a\"]\nsecurity-groups = [\"app\"]\ndns-name = \"{key}\"\n{lines}\n"
            );
        }
        let spec = crate::spec::parse("spec.toml", &text, &crate::kinds::catalog()).expect("a sound spec");
        Graph::of(&spec.env).expect("no ring of needs")
    }

    fn service(graph: &Graph, key: &str) -> (usize, Vec<String>) {
        let address = Address::new("ecs_service", key);
        let at = graph.wanted.iter().position(|wanted| wanted.address == address).expect("the service");
        (at, graph.wanted[at].follows.iter().map(|other| other.name().to_owned()).collect())
    }

    #[test]
    fn a_service_follows_what_its_variables_and_parameters_name() {
        let parameters =
            "\"a/url\" = \"http://{services.zeta.dns}\"\n\"b/url\" = \"{parameters.a/url}:{services.zeta.port}\"";
        let variable = "environment = { URL = \"http://{services.mail.dns}\", BRACES = \"{{services.web.dns}}\" }";
        let secret = "secrets = { B_URL = \"b/url\" }";
        let graph = graph_with(
            &[("alpha", &format!("{variable}\n{secret}\nwave = 1")), ("mail", ""), ("zeta", "wave = 3")],
            parameters,
        );
        let (alpha, follows) = service(&graph, "alpha");
        assert_eq!(follows, ["mail", "zeta"]);
        assert!(service(&graph, "zeta").0 < alpha && service(&graph, "mail").0 < alpha, "before what names them");
        assert!(graph.wanted[alpha].needs.iter().all(|need| need.kind() != "ecs_service"), "and no need");
        assert_eq!(graph.wanted[alpha].wave, Some(1));
    }

    #[test]
    fn services_that_name_one_another_make_no_ring() {
        let names = |other: &str| format!("environment = {{ URL = \"http://{{services.{other}.dns}}\" }}");
        let graph =
            graph_with(&[("a", &names("b")), ("b", &names("c")), ("c", &names("a")), ("d", &names("d"))], "");
        assert_eq!(service(&graph, "a").1, Vec::<String>::new(), "the first of a ring begins it");
        assert_eq!(service(&graph, "b").1, Vec::<String>::new());
        assert_eq!(service(&graph, "c").1, ["a"]);
        assert_eq!(service(&graph, "d").1, Vec::<String>::new(), "nothing follows itself");
    }
}
