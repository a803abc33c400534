use super::{State, Tier, links, sort_words};
use crate::checks::traffic::{Node, Traffic};
use crate::value::sanitize;

/// Graphviz's language.
pub fn dot(traffic: &Traffic) -> String {
    let mut out = String::from("digraph traffic {\n  rankdir = LR;\n  node [shape = box];\n");
    for (number, tier) in Tier::ALL.into_iter().enumerate() {
        let nodes: Vec<&Node> = traffic.nodes.iter().filter(|node| Tier::of(node.sort) == tier).collect();
        if nodes.is_empty() {
            continue;
        }
        let title = if tier == Tier::Outside { "outside" } else { tier.title() };
        out += &format!("  subgraph cluster_{number} {{\n    label = \"{title}\";\n");
        for node in nodes {
            let label = if node.sort.is_own() {
                text(&node.id)
            } else {
                format!("{}\\n{}", sort_words(node.sort), text(&node.id))
            };
            out += &format!("    \"{}\" [label = \"{label}\"];\n", text(&node.id));
        }
        out += "  }\n";
    }
    for link in links(traffic) {
        let style = match link.state {
            State::ByHand => ", color = red, fontcolor = red, penwidth = 2",
            State::Opened if link.world => ", color = red, fontcolor = red, penwidth = 2",
            State::Opened => ", color = darkgreen, fontcolor = darkgreen",
            State::NotInSpec => ", color = darkorange, fontcolor = darkorange",
            State::Closed => ", style = dashed, color = darkorange",
            State::Blocked => ", style = dashed, color = gray, fontcolor = gray",
            State::Open => "",
        };
        let (from, to, label) = (text(&link.from.id), text(&link.to.id), text(&link.label()));
        out += &format!("  \"{from}\" -> \"{to}\" [label = \"{label}\"{style}];\n");
    }
    out + "}\n"
}

/// Within quotes, a backslash keeps a quote and itself from meaning anything.
fn text(text: &str) -> String {
    sanitize(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ")
}
