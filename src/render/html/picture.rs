//! The dependency graph as a picture: what `picture.svg` draws.

use super::layout::{HEIGHT, Layout, Place, WIDTH, layout};
use crate::kinds::Impact;
use crate::plan::{Change, Plan};
use crate::render::view::duration;

/// Characters that fit into a box: of the name, which is set larger, and of the kind.
const NAME: usize = 19;
const KIND: usize = 22;

/// From this length on a line is drawn fainter: it passes behind much that it has nothing to do with.
const LONG: i32 = 200;
/// Wider pictures are scrolled on a narrow screen rather than shrunk until nobody can read them.
const WIDE: i32 = 640;

/// All changes of a plan. Each box leads to the change's own words.
pub struct Picture<'a> {
    changes: &'a [Change],
    pub layout: Layout,
}

/// A curve from the lower edge of one box to the upper edge of another.
pub struct Line {
    /// The change that is needed and the one that needs it, by their places in the plan.
    pub from: usize,
    pub to: usize,
    /// Whether what is needed stands below.
    pub up: bool,
    pub long: bool,
    pub x1: i32,
    pub y1: i32,
    pub x2: i32,
    pub y2: i32,
    /// How far the curve goes straight down at either end.
    pub bend: i32,
}

/// A box.
pub struct Node<'a> {
    pub change: &'a Change,
    /// The place of the change in the plan.
    pub index: usize,
    pub x: i32,
    pub y: i32,
    pub kind: String,
    pub name: String,
    pub duration: String,
    /// Whether the change interrupts, replaces or loses something.
    pub danger: bool,
}

impl<'a> Picture<'a> {
    pub fn of(plan: &'a Plan) -> Self {
        Self { changes: &plan.changes, layout: layout(&plan.changes) }
    }

    pub fn is_wide(&self) -> bool {
        self.layout.width > WIDE
    }

    pub fn lines(&self) -> impl Iterator<Item = Line> {
        self.layout.edges.iter().map(|(from, to)| self.line(*from, *to))
    }

    fn line(&self, from: usize, to: usize) -> Line {
        let (a, b) = (self.layout.boxes[from], self.layout.boxes[to]);
        // Now and then an earlier stage needs something of a later one: such a line goes up.
        let up = a.y >= b.y;
        let (upper, lower) = if up { (b, a) } else { (a, b) };
        let (y1, y2) = (upper.y + HEIGHT, lower.y);
        Line {
            from,
            to,
            up,
            long: y2 - y1 > LONG,
            x1: upper.x + WIDTH / 2,
            y1,
            x2: lower.x + WIDTH / 2,
            y2,
            bend: ((y2 - y1) / 2).clamp(14, 60),
        }
    }

    pub fn nodes(&self) -> impl Iterator<Item = Node<'a>> {
        let node = |(index, (change, place)): (usize, (&'a Change, &Place))| Node {
            change,
            index,
            x: place.x,
            y: place.y,
            kind: short(change.address.kind(), KIND),
            name: short(change.address.name(), NAME),
            duration: duration(change.seconds),
            danger: change.impact >= Impact::Reboot,
        };
        self.changes.iter().zip(&self.layout.boxes).enumerate().map(node)
    }
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

#[cfg(test)]
mod tests {
    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(super::short("external/weather/api-key", 11), "exter…i-key");
        assert_eq!(super::short("web", 11), "web");
    }
}
