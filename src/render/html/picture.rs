//! The dependency graph as a picture.

use std::fmt::Write;

use super::escape::escape;
use super::layout::{HEIGHT, Picture, WIDTH, layout};
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

/// An SVG of all changes, coloured by action. Each box leads to the change's own words.
pub fn picture(plan: &Plan) -> String {
    let Picture { width, height, boxes, bands, edges } = layout(&plan.changes);
    let mut out = format!(
        "<svg{} viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Dependencies\">\n",
        if width > WIDE { " class=\"wide\"" } else { "" },
    );
    for (stage, y, high) in bands {
        let _ = writeln!(
            out,
            "<rect class=\"band\" x=\"0\" y=\"{y}\" width=\"{width}\" height=\"{high}\" rx=\"8\"/>\
             <text class=\"stage\" x=\"14\" y=\"{}\">{}</text>",
            y + 21,
            escape(&stage.title()),
        );
    }
    for (from, to) in edges {
        let (a, b) = (boxes[from], boxes[to]);
        // Now and then an earlier stage needs something of a later one: such a line goes up.
        let (upper, lower, up) = if a.y < b.y { (a, b, "") } else { (b, a, " up") };
        let (x1, y1, x2, y2) = (upper.x + WIDTH / 2, upper.y + HEIGHT, lower.x + WIDTH / 2, lower.y);
        let bend = ((y2 - y1) / 2).clamp(14, 60);
        let long = if y2 - y1 > LONG { " long" } else { "" };
        let _ = writeln!(
            out,
            "<path class=\"edge{up}{long}\" data-from=\"{from}\" data-to=\"{to}\" d=\"M{x1} {y1}C{x1} {} {x2} {} {x2} {y2}\"/>",
            y1 + bend,
            y2 - bend,
        );
    }
    for (index, (change, place)) in plan.changes.iter().zip(&boxes).enumerate() {
        out += &node(index, change, place.x, place.y);
    }
    out + "</svg>\n"
}

fn node(index: usize, change: &Change, x: i32, y: i32) -> String {
    let action = change.action.verb();
    let danger = if change.impact >= Impact::Reboot { " danger" } else { "" };
    let title = format!("{action} {}, {}, {}", change.address, change.impact, duration(change.seconds));
    format!(
        "<a href=\"#c{index}\" class=\"node {action}{danger}\" data-node=\"{index}\"><title>{}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\
         <text class=\"mark\" x=\"{}\" y=\"{}\">{}</text>\
         <text class=\"kind\" x=\"{}\" y=\"{}\">{}</text>\
         <text class=\"name\" x=\"{}\" y=\"{}\">{}</text></a>\n",
        escape(&title),
        x + 10,
        y + 24,
        change.action.mark(),
        x + 26,
        y + 15,
        escape(&short(change.address.kind(), KIND)),
        x + 26,
        y + 30,
        escape(&short(change.address.name(), NAME)),
    )
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
