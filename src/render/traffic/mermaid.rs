use std::collections::BTreeMap;

use super::{State, Tier, links, sort_words};
use crate::checks::traffic::{Node, Traffic};
use crate::value::sanitize;

/// Mermaid's language, which GitHub draws in Markdown. Who is connected to outside stands on the right.
pub fn mermaid(traffic: &Traffic) -> String {
    let links = links(traffic);
    let mut out = String::from("flowchart LR\n");
    let mut ids: BTreeMap<(&str, bool), String> = BTreeMap::new();
    for tier in Tier::ALL {
        let is_drawn = |node: &&Node| {
            Tier::of(node.sort) == tier && (node.sort.is_own() || links.iter().any(|link| link.from.id == node.id))
        };
        let nodes: Vec<&Node> = traffic.nodes.iter().filter(is_drawn).collect();
        group(&mut out, &mut ids, tier.title(), &nodes, false);
    }
    let outwards = |node: &&Node| !node.sort.is_own() && links.iter().any(|link| link.to.id == node.id);
    let nodes: Vec<&Node> = traffic.nodes.iter().filter(outwards).collect();
    group(&mut out, &mut ids, "to outside", &nodes, true);
    let mut styles = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let to = ids.get(&(&*link.to.id, !link.to.sort.is_own()));
        let (Some(from), Some(to)) = (ids.get(&(&*link.from.id, false)), to) else { continue };
        let arrow = if matches!(link.state, State::Blocked | State::Closed) { "-.->" } else { "-->" };
        out += &format!("  {from} {arrow}|\"{}\"| {to}\n", text(&link.label()));
        let (colour, width) = match link.state {
            State::ByHand => ("#cf222e", 3),
            State::Opened if link.world => ("#cf222e", 3),
            State::Opened => ("#1a7f37", 2),
            State::Closed => ("#8a5a00", 2),
            State::NotInSpec => ("#b54708", 2),
            State::Blocked => ("#9aa5b1", 1),
            State::Open => continue,
        };
        styles.push(format!("  linkStyle {index} stroke:{colour},stroke-width:{width}px\n"));
    }
    out += &styles.concat();
    out
}

fn group<'a>(
    out: &mut String,
    ids: &mut BTreeMap<(&'a str, bool), String>,
    title: &str,
    nodes: &[&'a Node],
    outwards: bool,
) {
    if nodes.is_empty() {
        return;
    }
    *out += &format!("  subgraph t{}[\"{title}\"]\n", ids.len());
    for node in nodes {
        let id = format!("n{}", ids.len());
        *out += &match node.sort.is_own() {
            true => format!("    {id}[\"{}\"]\n", text(&node.id)),
            false => format!("    {id}([\"{} {}\"])\n", sort_words(node.sort), text(&node.id)),
        };
        ids.insert((&node.id, outwards), id);
    }
    *out += "  end\n";
}

/// Within quotes, entities stand for what would end them, or be taken for HTML or Markdown.
fn text(text: &str) -> String {
    let entity = |c: char| match c {
        '"' => "#quot;".to_owned(),
        '#' => "#35;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        '&' => "#amp;".to_owned(),
        '`' => "#96;".to_owned(),
        '|' => "#124;".to_owned(),
        '\n' => " ".to_owned(),
        c => c.to_string(),
    };
    sanitize(text).chars().map(entity).collect()
}
