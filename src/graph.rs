//! The dependency graph of what an environment wants: nodes are addresses, edges the typed references in their
//! attributes and the few dependencies that AWS has without any reference.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use petgraph::algo::{kosaraju_scc, toposort};
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
    pub attrs: Value,
    pub shared: bool,
    pub external: bool,
    pub protect: bool,
    /// Addresses that must be there before, all of them desired.
    pub needs: BTreeSet<Address>,
}

/// Everything that an environment wants, dependencies before dependents.
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
            for Desired { name, attrs, stage, after, shared, external, protect } in kind.desired(env) {
                let mut needs: BTreeSet<Address> = after.into_iter().collect();
                for link in links(&attrs) {
                    if let Link::To { address, output } = link {
                        outputs.entry(address.clone()).or_default().insert(output);
                        needs.insert(address);
                    }
                }
                let address = Address::new(kind.name(), name);
                let stage = stage.unwrap_or_else(|| kind.stage());
                wanted.push(Wanted { address, kind: *kind, stage, attrs, shared, external, protect, needs });
            }
        }
        let known: HashSet<Address> = wanted.iter().map(|wanted| wanted.address.clone()).collect();
        for wanted in &mut wanted {
            wanted.needs.retain(|address| known.contains(address));
        }
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

fn sorted(wanted: Vec<Wanted>) -> Result<Vec<Wanted>, String> {
    let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(wanted.len(), wanted.len() * 4);
    let nodes: HashMap<&Address, NodeIndex> =
        wanted.iter().enumerate().map(|(index, wanted)| (&wanted.address, graph.add_node(index))).collect();
    for one in &wanted {
        for need in &one.needs {
            graph.add_edge(nodes[need], nodes[&one.address], ());
        }
    }
    let order = toposort(&graph, None).map_err(|_| {
        let ring = kosaraju_scc(&graph).into_iter().find(|ring| ring.len() > 1).unwrap_or_default();
        let names: Vec<String> = ring.iter().map(|&node| wanted[graph[node]].address.to_string()).collect();
        format!("these need one another in a ring: {}", names.join(" → "))
    })?;
    let order: Vec<usize> = order.into_iter().map(|node| graph[node]).collect();
    let mut slots: Vec<Option<Wanted>> = wanted.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| slots[index].take()).collect())
}

/// Graphviz's language.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph baseplate {\n  rankdir = LR;\n  node [shape = box];\n");
    for stage in Stage::ALL {
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
    for stage in Stage::ALL {
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

    #[test]
    fn no_address_ends_its_quotes() {
        let evil = || Address::new("vpc", "x\"]; n1 --> n2 [\\\"<script>#");
        let one = |address, needs| Wanted {
            address,
            kind: &crate::kinds::vpc::Vpc,
            stage: Stage::Network,
            attrs: Value::Null,
            shared: false,
            external: false,
            protect: false,
            needs,
        };
        let user = one(Address::new("vpc", "user"), BTreeSet::from([evil()]));
        let graph = Graph { wanted: vec![one(evil(), BTreeSet::new()), user], outputs: HashMap::new() };
        let inside = r#""vpc.x\"]; n1 --> n2 [\\\"<script>#""#;
        assert_eq!(dot(&graph).matches(inside).count(), 2, "{}", dot(&graph));
        let node = "n0[\"vpc.x#quot;]; n1 --#gt; n2 [\\#quot;#lt;script#gt;#35;\"]";
        assert!(mermaid(&graph).contains(node), "{}", mermaid(&graph));
    }
}
