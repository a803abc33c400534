//! The dependency graph of an environment's desired objects: nodes are addresses, edges the typed references in their
//! attributes and the few dependencies that AWS has without a reference.

mod paths;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::Value;

use crate::kinds::{self, AnyKind, Desired, Stage};
use crate::spec::{Environment, MOVED_FROM};
use crate::value::Address;
use crate::value::walk::{Link, links};

pub use paths::{Meant, of_gone_entry};

/// One desired object, with what it depends on.
pub struct DesiredObject {
    pub address: Address,
    /// The path of the entry of the spec that it is derived from.
    pub origin: Vec<String>,
    pub kind: &'static dyn AnyKind,
    pub stage: Stage,
    /// Shared with the step that carries out its change.
    pub attrs: Rc<Value>,
    pub shared: bool,
    pub external: bool,
    pub protect: bool,
    /// Addresses that must exist before, all of them desired.
    pub needs: BTreeSet<Address>,
    /// Creations of these come first where possible, all of them desired. Together with `needs` it makes no cycle.
    pub follows: BTreeSet<Address>,
    /// Updates run wave by wave.
    pub wave: Option<u32>,
    /// Its position among those of its kind in the spec.
    pub place: usize,
}

/// Desired objects that refer to one another in a cycle, so that none of them can be the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dependency cycle: {}", arrows(members))]
pub struct DependencyCycle {
    /// At least two.
    pub members: Vec<Address>,
}

fn arrows(members: &[Address]) -> String {
    members.iter().map(Address::to_string).collect::<Vec<_>>().join(" → ")
}

/// The desired objects of an environment, dependencies before dependents; else by stage, kind and position in the spec.
pub struct Graph {
    pub objects: Vec<DesiredObject>,
    /// By address, the outputs that are referred to.
    pub outputs: HashMap<Address, BTreeSet<String>>,
}

impl Graph {
    /// Without objects: what `destroy` plans against.
    pub fn empty() -> Self {
        Self { objects: Vec::new(), outputs: HashMap::new() }
    }

    /// The desired objects of every kind.
    ///
    /// # Errors
    /// A cycle of references.
    pub fn of(env: &Environment) -> Result<Self, DependencyCycle> {
        let mut objects = Vec::new();
        let mut outputs: HashMap<Address, BTreeSet<String>> = HashMap::new();
        for kind in kinds::all() {
            for (place, desired) in kind.desired(env).into_iter().enumerate() {
                let Desired { name, origin, mut attrs, stage, after, follows, wave, external, protect } = desired;
                mark_earlier_key(env, &origin, &mut attrs);
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
                objects.push(DesiredObject {
                    address,
                    origin,
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
        let known: HashSet<Address> = objects.iter().map(|object| object.address.clone()).collect();
        for object in &mut objects {
            object.needs.retain(|address| known.contains(address));
            object.follows.retain(|address| known.contains(address));
        }
        stage_by_use(&mut objects);
        break_cycles(&mut objects);
        Ok(Self { objects: sorted(objects)?, outputs })
    }

    /// The unique physical names that the desired objects have, by kind.
    pub fn identities(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let mut names: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for object in &self.objects {
            if let Some(name) = object.kind.identity().and_then(|field| object.attrs.get(field)?.as_str()) {
                names.entry(object.kind.name()).or_default().insert(name.to_owned());
            }
        }
        names
    }
}

/// Says in the tags of an object whose entry had another key that it is named after that: when no spec tells any more,
/// it goes on being.
fn mark_earlier_key(env: &Environment, origin: &[String], attrs: &mut Value) {
    if !env.keeps_names() {
        return;
    }
    let earlier = env.entry_of(origin).and_then(|entry| env.moved_from(&entry));
    if let (Some(path), Some(tags)) = (earlier, attrs.get_mut("tags").and_then(Value::as_object_mut)) {
        tags.insert(MOVED_FROM.to_owned(), path.into());
    }
}

/// What monitoring is made of, such as a topic, comes last; but where an earlier stage refers to it, it takes the stage
/// of the first that does.
fn stage_by_use(objects: &mut [DesiredObject]) {
    let is_last: Vec<bool> = objects.iter().map(|object| object.stage == Stage::Monitoring).collect();
    let indices: HashMap<Address, usize> =
        objects.iter().enumerate().map(|(index, object)| (object.address.clone(), index)).collect();
    // From who uses something to what is used: that may use something of the last stage in its turn.
    let mut users: Vec<usize> = (0..objects.len()).filter(|&user| !is_last[user]).collect();
    while let Some(user) = users.pop() {
        let stage = objects[user].stage;
        let used: Vec<usize> = objects[user].needs.iter().map(|need| indices[need]).collect();
        for used in used.into_iter().filter(|&used| is_last[used]) {
            if stage < objects[used].stage {
                objects[used].stage = stage;
                users.push(used);
            }
        }
    }
}

/// Drops preferences that make a cycle: within one, what the spec lists first comes first.
fn break_cycles(objects: &mut [DesiredObject]) {
    // Where needs are part of a cycle, the spec's order may not break it: then none of its preferences holds.
    for keeps in [|from: usize, to: usize| to < from, |_, _| false] {
        if objects.iter().all(|object| object.follows.is_empty()) {
            return;
        }
        let (graph, indices) = edges(objects);
        let mut cycle_of = vec![0; objects.len()];
        for (cycle, members) in kosaraju_scc(&graph).into_iter().enumerate() {
            members.into_iter().for_each(|node| cycle_of[node.index()] = cycle);
        }
        let dropped: Vec<BTreeSet<Address>> = objects
            .iter()
            .enumerate()
            .map(|(from, one)| {
                let drops = |to: usize| cycle_of[from] == cycle_of[to] && !keeps(from, to);
                one.follows.iter().filter(|other| drops(indices[*other])).cloned().collect()
            })
            .collect();
        for (one, dropped) in objects.iter_mut().zip(dropped) {
            one.follows.retain(|other| !dropped.contains(other));
        }
    }
}

/// From what comes first to what comes after; nodes are indices into `objects`.
fn edges(objects: &[DesiredObject]) -> (DiGraph<(), ()>, HashMap<&Address, usize>) {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(objects.len(), objects.len() * 4);
    for _ in objects {
        graph.add_node(());
    }
    let indices: HashMap<&Address, usize> =
        objects.iter().enumerate().map(|(index, object)| (&object.address, index)).collect();
    for (index, one) in objects.iter().enumerate() {
        for first in one.needs.iter().chain(&one.follows) {
            graph.add_edge(NodeIndex::new(indices[first]), NodeIndex::new(index), ());
        }
    }
    (graph, indices)
}

fn sorted(objects: Vec<DesiredObject>) -> Result<Vec<DesiredObject>, DependencyCycle> {
    let (graph, _) = edges(&objects);
    let mut waits_for: Vec<usize> = objects.iter().map(|one| one.needs.len() + one.follows.len()).collect();
    let rank = |index: usize| Reverse((objects[index].stage, index));
    let mut ready: BinaryHeap<_> = (0..objects.len()).filter(|&index| waits_for[index] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(objects.len());
    while let Some(Reverse((_, index))) = ready.pop() {
        order.push(index);
        for next in graph.neighbors(NodeIndex::new(index)).map(NodeIndex::index) {
            waits_for[next] -= 1;
            if waits_for[next] == 0 {
                ready.push(rank(next));
            }
        }
    }
    if order.len() < objects.len() {
        let cycle = kosaraju_scc(&graph).into_iter().find(|cycle| cycle.len() > 1).unwrap_or_default();
        let members = cycle.iter().map(|node| objects[node.index()].address.clone()).collect();
        return Err(DependencyCycle { members });
    }
    let mut slots: Vec<Option<DesiredObject>> = objects.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| slots[index].take()).collect())
}

/// Each object with its stage and what it needs, dependencies before dependents.
pub fn json(graph: &Graph) -> Value {
    let objects = graph.objects.iter().map(|DesiredObject { address, stage, needs, .. }| {
        serde_json::json!({ "address": address, "stage": stage, "needs": needs })
    });
    objects.collect()
}

/// The stages that have objects.
fn stages(graph: &Graph) -> impl Iterator<Item = Stage> {
    Stage::ALL.into_iter().filter(|stage| graph.objects.iter().any(|object| object.stage == *stage))
}

/// Graphviz's language.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph baseplate {\n  rankdir = LR;\n  node [shape = box];\n");
    for stage in stages(graph) {
        out += &format!("  subgraph cluster_{} {{\n    label = \"{}\";\n", stage.number(), stage.title());
        for object in graph.objects.iter().filter(|object| object.stage == stage) {
            out += &format!("    \"{}\";\n", in_dot(&object.address));
        }
        out += "  }\n";
    }
    for object in &graph.objects {
        for need in &object.needs {
            out += &format!("  \"{}\" -> \"{}\";\n", in_dot(&object.address), in_dot(need));
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
        graph.objects.iter().enumerate().map(|(index, object)| (&object.address, index)).collect();
    let mut out = String::from("flowchart LR\n");
    for stage in stages(graph) {
        out += &format!("  subgraph s{}[\"{}\"]\n", stage.number(), stage.title());
        for object in graph.objects.iter().filter(|object| object.stage == stage) {
            out += &format!("    n{}[\"{}\"]\n", ids[&object.address], in_mermaid(&object.address));
        }
        out += "  end\n";
    }
    for object in &graph.objects {
        for need in &object.needs {
            out += &format!("  n{} --> n{}\n", ids[&object.address], ids[need]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(address: Address, needs: BTreeSet<Address>) -> DesiredObject {
        DesiredObject {
            address,
            origin: Vec::new(),
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
            DesiredObject { stage, ..one(Address::new("vpc", name), needs) }
        };
        let mut objects = [
            at("key", Stage::Monitoring, &[]),
            at("topic", Stage::Monitoring, &["key"]),
            at("alarm", Stage::Monitoring, &["topic"]),
            at("service", Stage::Compute, &["topic"]),
            at("record", Stage::Dns, &["topic", "service"]),
        ];
        stage_by_use(&mut objects);
        let stages = objects.map(|object| object.stage);
        let compute = Stage::Compute;
        assert_eq!(stages, [compute, compute, Stage::Monitoring, compute, Stage::Dns]);
    }

    #[test]
    fn a_cycle_is_named() {
        let vpc = |name: &str| Address::new("vpc", name);
        let needs = |need: &str| BTreeSet::from([vpc(need)]);
        let ring = vec![one(vpc("a"), needs("b")), one(vpc("b"), needs("a")), one(vpc("after"), needs("a"))];
        let cycle = sorted(ring).err().expect("no order");
        assert_eq!(cycle.members.iter().cloned().collect::<BTreeSet<_>>(), BTreeSet::from([vpc("a"), vpc("b")]));
        let told = DependencyCycle { members: vec![vpc("a"), vpc("b")] }.to_string();
        assert_eq!(told, "dependency cycle: vpc.a → vpc.b");
    }

    #[test]
    fn no_address_ends_its_quotes() {
        let evil = || Address::new("vpc", "x\"]; n1 --> n2 [\\\"<script>#");
        let user = one(Address::new("vpc", "user"), BTreeSet::from([evil()]));
        let graph = Graph { objects: vec![one(evil(), BTreeSet::new()), user], outputs: HashMap::new() };
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
        let at = graph.objects.iter().position(|object| object.address == address).expect("the service");
        (at, graph.objects[at].follows.iter().map(|other| other.name().to_owned()).collect())
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
        assert!(graph.objects[alpha].needs.iter().all(|need| need.kind() != "ecs_service"), "and no need");
        assert_eq!(graph.objects[alpha].wave, Some(1));
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
