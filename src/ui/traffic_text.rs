use std::collections::BTreeSet;
use std::fmt::Write;

use super::Paint;
use crate::checks::traffic::{Line, MOST_PAIRS, Move, Node, Sort, Traffic, TrafficChange};
use crate::render::traffic::{Link, State, links};
use crate::value::one_line;

/// Who may reach whom, for people: who connects to each object of the environment, and where it may connect to outside.
/// `title` says of what.
pub fn traffic_text(traffic: &Traffic, title: &str, paint: Paint) -> String {
    let links = links(traffic);
    let mut out = format!("{}\n", paint.bold(&one_line(title)));
    for (sort, heading) in
        [(Sort::LoadBalancer, "Load balancers"), (Sort::Service, "Services"), (Sort::Database, "Databases")]
    {
        let nodes: Vec<&Node> = traffic.nodes.iter().filter(|node| node.sort == sort).collect();
        if nodes.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{}", paint.bold(heading));
        nodes.into_iter().for_each(|node| one(&mut out, &links, node, traffic.outside_only, paint));
    }
    if traffic.is_empty() {
        out += "\nNo load balancer, service or database.\n";
    }
    if traffic.outside_only {
        let _ = writeln!(
            out,
            "\nMore than {MOST_PAIRS} pairs of these may connect: only who connects from and to outside is shown."
        );
    }
    out
}

fn one(out: &mut String, links: &[Link<'_>], node: &Node, outside_only: bool, paint: Paint) {
    let join = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut about = Vec::new();
    if node.public {
        about.push("public address".to_owned());
    }
    if !node.subnets.is_empty() {
        about.push(format!("in {} ({})", join(&node.subnets), join(&node.zones)));
    }
    if !node.other_groups.is_empty() {
        about.push(format!("has {}, whose rules are not known here", join(&node.other_groups)));
    }
    let _ = writeln!(out, "  {}  {}", one_line(&node.id), paint.dim(&one_line(&about.join("; "))));
    let comes: Vec<&Link<'_>> = links.iter().filter(|link| link.to.id == node.id).collect();
    if comes.is_empty() && !outside_only {
        let nobody = match node.other_groups.is_empty() {
            true => "nobody reaches it",
            false => "nobody reaches it by the rules that are known here",
        };
        let _ = writeln!(out, "      {nobody}");
    }
    for link in comes {
        line(out, ("from", &link.from.id), link, paint);
    }
    for link in links.iter().filter(|link| link.from.id == node.id && !link.to.sort.is_own()) {
        line(out, ("to", &link.to.id), link, paint);
    }
}

fn line(out: &mut String, (direction, other): (&str, &str), link: &Link<'_>, paint: Paint) {
    let text = format!("      {direction:<4} {:<32} {}", one_line(other), one_line(&link.label()));
    let text = match link.state {
        State::ByHand => paint.red(&text),
        State::NotInSpec => paint.yellow(&text),
        _ if link.world => paint.yellow(&text),
        _ => text,
    };
    // Who wonders where it comes from, or why it does not come about, is told.
    let rules = match link.state {
        State::ByHand | State::NotInSpec | State::Blocked => format!("  by {}", one_line(&link.rules())),
        _ => String::new(),
    };
    let obstacles = link.obstacles().map(|words| format!("; {words}")).unwrap_or_default();
    let _ = writeln!(out, "{text}{}", paint.dim(&format!("{rules}{obstacles}")));
}

/// What a plan changes in it, a line each. What opens to the internet is marked.
pub(super) fn traffic_lines(change: &TrafficChange, paint: Paint) -> Vec<String> {
    let line = |line: &Line| match (line.to_the_world, line.change) {
        (true, _) => paint.red(&one_line(&line.marked())),
        (false, Some(Move::Opened)) => format!("{} {}", paint.green(line.sign()), one_line(&line.text)),
        (false, Some(Move::Closed)) => format!("{} {}", paint.yellow(line.sign()), one_line(&line.text)),
        (false, None) => one_line(&line.marked()),
    };
    change.lines.iter().map(line).collect()
}
