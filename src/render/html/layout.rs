//! Where the boxes of the picture stand: the documented stages from top to bottom, and in each stage what is
//! needed above what needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::algo::toposort;
use petgraph::algo::tred::{dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure};
use petgraph::graph::DiGraph;
use petgraph::visit::IntoNeighbors;

use crate::kinds::Stage;
use crate::plan::{Action, Change};
use crate::value::Address;

/// In the unit of the picture, a CSS pixel at full size.
pub const WIDTH: i32 = 166;
pub const HEIGHT: i32 = 38;
const GAP: i32 = 14;
const ROW: i32 = HEIGHT + 30;
const MARGIN: i32 = 16;
/// Above the first row of a stage, for its name.
const TITLE: i32 = 34;
/// A letter of that name takes no more.
const LETTER: i32 = 8;
/// More boxes than this go over several rows.
const ACROSS: usize = 7;
/// Passes down and up again after which nothing moves any more, in practice.
const PASSES: usize = 4;

pub struct Layout {
    pub width: i32,
    pub height: i32,
    /// One for each change, in the same order.
    pub boxes: Vec<Place>,
    /// Stages with the upper edge and the height of their bands.
    pub bands: Vec<(Stage, i32, i32)>,
    /// From what is needed to what needs it, without what follows from other edges.
    pub edges: Vec<(usize, usize)>,
}

/// The upper left corner of a box.
#[derive(Clone, Copy, Default)]
pub struct Place {
    pub x: i32,
    pub y: i32,
}

/// Lays out the changes of a plan.
pub fn layout(changes: &[Change]) -> Layout {
    let needs = needs(changes);
    let mut rows = rows(changes, &needs);
    let edges = reduced(&needs);
    untangle(&mut rows, &edges, changes.len());

    let across = rows.values().flatten().map(Vec::len).max().unwrap_or(1);
    let title = |stage: &Stage| LETTER * i32::try_from(stage.title().chars().count()).unwrap_or_default();
    let width = 2 * MARGIN + span(across).max(rows.keys().map(title).max().unwrap_or_default());
    let mut boxes = vec![Place::default(); changes.len()];
    let (mut bands, mut y) = (Vec::new(), 0);
    for (stage, rows) in &rows {
        let top = y;
        y += TITLE;
        for row in rows {
            let left = (width - span(row.len())) / 2;
            for (index, node) in row.iter().enumerate() {
                boxes[*node] = Place { x: left + span(index + 1) - WIDTH, y };
            }
            y += ROW;
        }
        y -= ROW - HEIGHT - MARGIN;
        bands.push((*stage, top, y - top));
        y += GAP / 2;
    }
    Layout { width, height: y, boxes, bands, edges }
}

/// How wide so many boxes are side by side.
fn span(boxes: usize) -> i32 {
    let boxes = i32::try_from(boxes).unwrap_or_default();
    boxes * (WIDTH + GAP) - GAP
}

/// By change, the changes that it depends on.
fn needs(changes: &[Change]) -> Vec<BTreeSet<usize>> {
    let mut nodes: HashMap<&Address, usize> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        // An object that is left over has the address of the one that takes its place.
        if change.action != Action::Delete || !nodes.contains_key(&change.address) {
            nodes.insert(&change.address, index);
        }
    }
    let own = |index: usize, change: &Change| {
        let found = change.depends_on.iter().filter_map(|address| nodes.get(address).copied());
        found.filter(|need| *need != index).collect()
    };
    changes.iter().enumerate().map(|(index, change)| own(index, change)).collect()
}

/// The rows of each stage: a change stands below all of its stage that it needs.
fn rows(changes: &[Change], needs: &[BTreeSet<usize>]) -> BTreeMap<Stage, Vec<Vec<usize>>> {
    let mut depth = vec![0_usize; changes.len()];
    // Each pass carries depths one step on; without a cycle there are fewer steps than changes.
    for _ in 0..changes.len() {
        let before = depth.clone();
        for (index, needs) in needs.iter().enumerate() {
            let own = needs.iter().filter(|need| changes[**need].stage == changes[index].stage);
            depth[index] = own.map(|need| depth[*need] + 1).max().unwrap_or_default().min(changes.len());
        }
        if depth == before {
            break;
        }
    }
    let mut levels: BTreeMap<(Stage, usize), Vec<usize>> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        levels.entry((change.stage, depth[index])).or_default().push(index);
    }
    let mut rows: BTreeMap<Stage, Vec<Vec<usize>>> = BTreeMap::new();
    for ((stage, _), level) in levels {
        // As even as may be: 8 become 4 and 4, not 7 and 1.
        let even = level.len().div_ceil(level.len().div_ceil(ACROSS));
        rows.entry(stage).or_default().extend(level.chunks(even).map(<[usize]>::to_vec));
    }
    rows
}

/// The edges that are left when one that others make by way of something is left out (a transitive reduction). All of
/// them where there is a cycle.
fn reduced(needs: &[BTreeSet<usize>]) -> Vec<(usize, usize)> {
    let edges = needs.iter().enumerate().flat_map(|(index, own)| own.iter().map(move |need| (*need, index)));
    let graph: DiGraph<(), (), usize> = DiGraph::from_edges(edges.clone());
    let Ok(order) = toposort(&graph, None) else { return edges.collect() };
    let (sorted, _) = dag_to_toposorted_adjacency_list::<_, usize>(&graph, &order);
    let (reduction, _) = dag_transitive_reduction_closure(&sorted);
    let left = |from| (&reduction).neighbors(from).map(move |to| (from, to));
    let mut edges: Vec<(usize, usize)> = reduction
        .node_indices()
        .flat_map(left)
        .map(|(from, to): (usize, usize)| (order[from].index(), order[to].index()))
        .collect();
    edges.sort_unstable_by_key(|(from, to)| (*to, *from));
    edges
}

/// Puts each box near those that it is tied to (barycentres, down and up in turns).
fn untangle(rows: &mut BTreeMap<Stage, Vec<Vec<usize>>>, edges: &[(usize, usize)], nodes: usize) {
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to) in edges {
        near[*from].push(*to);
        near[*to].push(*from);
    }
    // In half boxes from the middle.
    let mut x = vec![0_i64; nodes];
    let place = |row: &[usize], x: &mut [i64]| {
        let count = i64::try_from(row.len()).unwrap_or_default();
        for (index, node) in row.iter().enumerate() {
            x[*node] = 2 * i64::try_from(index).unwrap_or_default() - (count - 1);
        }
    };
    rows.values().flatten().for_each(|row| place(row, &mut x));
    for pass in 0..PASSES {
        let mut order: Vec<&mut Vec<usize>> = rows.values_mut().flatten().collect();
        if pass % 2 == 1 {
            order.reverse();
        }
        for row in order {
            let middle = |node: usize| {
                let tied = &near[node];
                let sum: i64 = tied.iter().map(|other| x[*other]).sum();
                if tied.is_empty() { x[node] * 1000 } else { sum * 1000 / i64::try_from(tied.len()).unwrap_or(1) }
            };
            let mut keyed: Vec<(i64, usize)> = row.iter().map(|node| (middle(*node), *node)).collect();
            keyed.sort_by_key(|(middle, _)| *middle);
            *row = keyed.into_iter().map(|(_, node)| node).collect();
            place(row, &mut x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(needs: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        needs.iter().map(|needs| needs.iter().copied().collect()).collect()
    }

    #[test]
    fn what_follows_from_other_edges_is_not_drawn() {
        let needs = sets(&[&[], &[0], &[0, 1]]);
        assert_eq!(reduced(&needs), [(0, 1), (1, 2)]);
    }

    #[test]
    fn a_ring_ends() {
        let needs = sets(&[&[1], &[0]]);
        assert_eq!(reduced(&needs).len(), 2);
    }
}
