//! The drawing as SVG: where boxes and lines are. How it looks stands in `traffic.svg` and `traffic.css`.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use crate::checks::traffic::{Node, Traffic};
use crate::render::traffic::{Link, State, Tier, links, name, sort_words};

const STYLE: &str = include_str!("traffic.css");

/// In CSS pixels at full size.
const WIDTH: i32 = 196;
/// Between two tiers: for the lines and what is written at them.
const GAP: i32 = 150;
const MARGIN: i32 = 16;
const HEADER: i32 = 40;
/// Between two boxes.
const SPACE: i32 = 18;
/// Between two lines that go over the boxes of a tier.
const LANE: i32 = 18;
const LINE: i32 = 16;
/// A letter of the small font takes no more.
const LETTER: i32 = 7;
/// Characters that fit into a box.
const NAME: usize = 22;
const SMALL: usize = 29;
/// Lines of a box that say where it may connect to outside.
const OUTWARDS: usize = 4;

/// A whole document that loads nothing, for light and dark screens.
pub fn svg(traffic: &Traffic) -> String {
    // A template leaves out the last line end of its file.
    format!("{}\n", Document { drawing: Drawing::of(traffic, &[], true) })
}

#[derive(Template)]
#[template(path = "traffic.svg")]
struct Document {
    drawing: Drawing,
}

/// What `traffic.svg` draws.
pub struct Drawing {
    /// Whether it is a document of its own.
    pub alone: bool,
    pub width: i32,
    pub height: i32,
    pub description: String,
    pub columns: Vec<Column>,
    pub frames: Vec<Frame>,
    pub lines: Vec<Line>,
    /// The states that it has, with the heights of their lines.
    pub legend: Vec<(i32, State)>,
}

/// A tier's title.
pub struct Column {
    pub title: &'static str,
    pub x: i32,
}

/// The box of a node.
pub struct Frame {
    pub title: String,
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    pub class: &'static str,
    pub sort: String,
    pub name: String,
    /// Small lines with the class of each, and their heights.
    pub lines: Vec<(i32, &'static str, String)>,
}

/// A curve with its head and its label.
pub struct Line {
    pub class: &'static str,
    /// Whether the internet connects.
    pub world: bool,
    pub title: String,
    pub path: String,
    pub head: String,
    pub label: String,
    pub x: i32,
    pub y: i32,
    /// Which end of the label is at `x`.
    pub anchor: &'static str,
}

/// Which side of a box a line is tied to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flank {
    Left,
    Right,
}

impl Drawing {
    /// `said` describes it to who does not see it, beside the names of all connections.
    pub fn of(traffic: &Traffic, said: &[String], alone: bool) -> Self {
        let links = links(traffic);
        let (inside, outwards): (Vec<Link>, Vec<Link>) = links.into_iter().partition(|link| link.to.sort.is_own());
        let order = columns(traffic, &inside);
        let used: Vec<(Tier, Vec<&Node>)> = order.into_iter().filter(|(_, nodes)| !nodes.is_empty()).collect();
        // How many lines a side of a box has, for which it must be high enough.
        let mut ties: BTreeMap<(&str, Flank), usize> = BTreeMap::new();
        for link in &inside {
            let (from, to) = sides(link);
            *ties.entry((&link.from.id, from)).or_default() += 1;
            *ties.entry((&link.to.id, to)).or_default() += 1;
        }
        let mut boxes: BTreeMap<&str, Frame> = BTreeMap::new();
        let lanes = i32::try_from(inside.iter().filter(|link| skips(link, &used)).count()).unwrap_or_default();
        let (mut drawn, mut x, mut bottom) = (Vec::new(), MARGIN, 0);
        for (tier, nodes) in &used {
            let mut y = HEADER + lanes * LANE;
            for node in nodes {
                let out: Vec<&Link> = outwards.iter().filter(|link| link.from.id == node.id).collect();
                let tied = |edge| ties.get(&(&*node.id, edge)).copied().unwrap_or_default();
                let one = Frame::of(node, &out, x, y, tied(Flank::Left).max(tied(Flank::Right)));
                y += one.height + SPACE;
                boxes.insert(&node.id, one);
            }
            bottom = bottom.max(y - SPACE);
            drawn.push(Column { title: tier.title(), x });
            x += WIDTH + GAP;
        }
        // Each tier in the middle of the highest.
        for (_, nodes) in &used {
            let last = nodes.last().and_then(|node| boxes.get(&*node.id)).map_or(0, |it| it.y + it.height);
            for node in nodes {
                if let Some(one) = boxes.get_mut(&*node.id) {
                    one.y += (bottom - last) / 2;
                }
            }
        }
        let (lines, reach) = lines(&inside, &boxes, &used);
        let states: BTreeSet<State> = inside.iter().chain(&outwards).map(|link| link.state).collect();
        let told = states.into_iter().filter(|state| *state != State::Open);
        let legend: Vec<(i32, State)> =
            told.zip(0..).map(|(state, row)| (bottom + 30 + row * LINE, state)).collect();
        let height = legend.last().map_or(bottom, |(y, _)| *y) + MARGIN;
        let titles = inside.iter().chain(&outwards).map(Link::title);
        let description = match said {
            [] => titles.collect::<Vec<_>>().join(". "),
            said => said.join(". "),
        };
        let order = used.iter().flat_map(|(_, nodes)| nodes);
        let frames = order.filter_map(|node| boxes.remove(&*node.id)).collect();
        let width = (x - GAP + MARGIN).max(reach + MARGIN);
        Self { alone, width, height, description, columns: drawn, frames, lines, legend }
    }
}

/// Nodes by tier. Of those outside, who connects; a service stands above those that it connects to.
fn columns<'a>(traffic: &'a Traffic, links: &[Link<'a>]) -> Vec<(Tier, Vec<&'a Node>)> {
    let tier = |tier: Tier| {
        let is_drawn = |node: &&Node| node.sort.is_own() || links.iter().any(|link| link.from.id == node.id);
        let nodes: Vec<&Node> =
            traffic.nodes.iter().filter(|node| Tier::of(node.sort) == tier).filter(is_drawn).collect();
        let is_inside = |link: &&Link<'_>| Tier::of(link.from.sort) == tier && link.from.id != link.to.id;
        let is_first = |node: &&Node| !links.iter().filter(is_inside).any(|link| link.to.id == node.id);
        // Those that nobody of the same tier connects to, each followed by whom it connects to.
        let (first, others): (Vec<&Node>, Vec<&Node>) = nodes.iter().copied().partition(is_first);
        let reached = |node: &&Node| !links.iter().any(|link| link.to.id == node.id);
        let (idle, first): (Vec<&Node>, Vec<&Node>) = first.into_iter().partition(reached);
        let mut open: Vec<&Node> = first.into_iter().chain(idle).chain(others).rev().collect();
        let mut placed: Vec<&Node> = Vec::new();
        while let Some(node) = open.pop() {
            if placed.iter().any(|other| other.id == node.id) {
                continue;
            }
            placed.push(node);
            let next = links.iter().filter(|link| link.from.id == node.id && Tier::of(link.to.sort) == tier);
            open.extend(next.map(|link| link.to).collect::<Vec<_>>().into_iter().rev());
        }
        placed
    };
    Tier::ALL.into_iter().map(|it| (it, tier(it))).collect()
}

/// Forwards from right to left; within a tier, and backwards, around the right side.
fn sides(link: &Link<'_>) -> (Flank, Flank) {
    let (from, to) = (Tier::of(link.from.sort), Tier::of(link.to.sort));
    match from.cmp(&to) {
        std::cmp::Ordering::Less => (Flank::Right, Flank::Left),
        std::cmp::Ordering::Equal => (Flank::Right, Flank::Right),
        std::cmp::Ordering::Greater => (Flank::Left, Flank::Right),
    }
}

impl Frame {
    fn of(node: &Node, outwards: &[&Link<'_>], x: i32, y: i32, ties: usize) -> Self {
        let mut small: Vec<(&'static str, String)> = Vec::new();
        if !node.subnets.is_empty() {
            let subnets = node.subnets.iter().cloned().collect::<Vec<_>>().join(", ");
            small.push(("soft", short(&subnets, SMALL)));
        }
        if !node.other_groups.is_empty() {
            small.push(("soft", short(&format!("and {}", joined(&node.other_groups)), SMALL)));
        }
        let shown = if outwards.len() > OUTWARDS { OUTWARDS - 1 } else { outwards.len() };
        for link in &outwards[..shown] {
            small.push((link.state.class(), short(&format!("→ {}: {}", link.to.id, link.label()), SMALL)));
        }
        if shown < outwards.len() {
            small.push(("soft", format!("→ and {} more", outwards.len() - shown)));
        }
        let sort = match (node.sort.is_own(), node.public) {
            (true, true) => format!("{} · public address", sort_words(node.sort)),
            _ => sort_words(node.sort).to_owned(),
        };
        let rows = i32::try_from(small.len()).unwrap_or_default();
        let ties = i32::try_from(ties).unwrap_or_default();
        let lines = small.into_iter().zip(1..).map(|((class, text), row)| (38 + row * LINE, class, text));
        let titles = std::iter::once(node.id.clone()).chain(outwards.iter().map(|link| link.title()));
        Self {
            title: titles.collect::<Vec<_>>().join(". "),
            x,
            y,
            width: WIDTH,
            height: (50 + rows * LINE).max(12 + ties * 20),
            class: if node.sort.is_own() { "own" } else { "outside" },
            sort,
            name: short(name(node), NAME),
            lines: lines.collect(),
        }
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// An end of a line: the height of its other end, the place of the line, and whether it begins here.
type End = (i32, usize, bool);

/// The lines between boxes, and how far to the right they reach.
fn lines(links: &[Link<'_>], boxes: &BTreeMap<&str, Frame>, tiers: &[(Tier, Vec<&Node>)]) -> (Vec<Line>, i32) {
    let middle = |id: &str| boxes.get(id).map_or(0, |it| it.y + it.height / 2);
    // By side of a box, its ends of lines from top to bottom: by where the other end is.
    let mut ends: BTreeMap<(&str, Flank), Vec<End>> = BTreeMap::new();
    for (index, link) in links.iter().enumerate() {
        let (from, to) = sides(link);
        // What goes over the boxes comes from above.
        let height = |id: &str| if skips(link, tiers) { 0 } else { middle(id) };
        ends.entry((&link.from.id, from)).or_default().push((height(&link.to.id), index, true));
        ends.entry((&link.to.id, to)).or_default().push((height(&link.from.id), index, false));
    }
    let mut at: BTreeMap<(usize, bool), i32> = BTreeMap::new();
    for ((id, _), mut ties) in ends {
        let Some(one) = boxes.get(id) else { continue };
        ties.sort_unstable();
        let step = one.height / (i32::try_from(ties.len()).unwrap_or_default() + 1);
        for ((_, index, is_from), place) in ties.into_iter().zip(1..) {
            at.insert((index, is_from), one.y + place * step);
        }
    }
    let (mut lines, mut reach, mut arcs, mut lanes) = (Vec::new(), 0, 0, 0);
    for (index, link) in links.iter().enumerate() {
        let (Some(one), Some(other)) = (boxes.get(&*link.from.id), boxes.get(&*link.to.id)) else { continue };
        let (y1, y2) =
            (at.get(&(index, true)).copied().unwrap_or(0), at.get(&(index, false)).copied().unwrap_or(0));
        let label = link.label();
        let letters = i32::try_from(label.chars().count()).unwrap_or_default() * LETTER;
        let (x1, x2) = match sides(link) {
            (Flank::Right, Flank::Left) => (one.x + WIDTH, other.x),
            (Flank::Left, _) => (one.x, other.x + WIDTH),
            _ => (one.x + WIDTH, other.x + WIDTH),
        };
        let (path, x, y, anchor) = if one.x == other.x {
            // Further out where it goes further, and no two the same.
            arcs += 1;
            let out = (30 + (y2 - y1).abs() / 8 + arcs % 4 * 7).min(GAP - 60);
            let bend = x1 + out * 4 / 3;
            reach = reach.max(x1 + out + 6 + letters);
            (
                format!("M{x1} {y1}C{bend} {y1} {bend} {y2} {} {y2}", x2 + 7),
                x1 + out + 5,
                (y1 + y2) / 2 + 4,
                "start",
            )
        } else {
            let side = if x2 > x1 { 1 } else { -1 };
            let end = x2 - 7 * side;
            // The last part is straight, with the label over it.
            let straight = x2 - (letters + 18).min(GAP - 50) * side;
            let bend = (straight - x1).abs() / 2 * side;
            let anchor = if side == 1 { "end" } else { "start" };
            let path = match skips(link, tiers) {
                true => {
                    // Over the boxes of the tier between the two.
                    lanes += 1;
                    let (lane, turn) = (HEADER + lanes * LANE - 14, 25 * side);
                    let (up, down) = (x1 + 2 * turn, straight - 2 * turn);
                    format!(
                        "M{x1} {y1}C{} {y1} {} {lane} {up} {lane}H{down}C{} {lane} {} {y2} {straight} {y2}H{end}",
                        x1 + turn,
                        up - turn,
                        down + turn,
                        straight - turn
                    )
                }
                false => format!("M{x1} {y1}C{} {y1} {} {y2} {straight} {y2}H{end}", x1 + bend, straight - bend),
            };
            (path, x2 - 11 * side, y2 - 5, anchor)
        };
        let side = if x2 > x1 && one.x != other.x { -1 } else { 1 };
        lines.push(Line {
            class: link.state.class(),
            world: link.world,
            title: link.title(),
            path,
            head: format!("M{x2} {y2}l{} -4v8z", 8 * side),
            label,
            x,
            y,
            anchor,
        });
    }
    (lines, reach)
}

/// Whether there is another tier between the two.
fn skips(link: &Link<'_>, tiers: &[(Tier, Vec<&Node>)]) -> bool {
    let (from, to) = (Tier::of(link.from.sort), Tier::of(link.to.sort));
    tiers.iter().any(|(tier, _)| from.min(to) < *tier && *tier < from.max(to))
}

/// The end tells names apart more often than the middle does.
fn short(text: &str, most: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= most {
        return text.to_owned();
    }
    let tail = most / 2;
    let head: String = chars[..most - tail - 1].iter().collect();
    head + "…" + &chars[chars.len() - tail..].iter().collect::<String>()
}
