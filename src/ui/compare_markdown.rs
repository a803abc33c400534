use std::fmt::Write;

use super::compare_text::{Cell, Row, labels, rows, stale, summary, title};
use crate::compare::{Comparison, ObjectDifference};
use crate::kinds::Stage;
use crate::render::markdown_text;
use crate::value::one_line;

/// A comparison for a pull request: unexplained differences in tables by documented stage, explained ones folded.
pub fn compare_markdown(comparison: &Comparison) -> String {
    let labels = labels(comparison);
    let mut out = format!(
        "### {}\n\n**{}**\n",
        markdown_text(&title(comparison, &labels)),
        markdown_text(&summary(comparison, ""))
    );
    let head = format!("| | {} | {} |", markdown_text(&labels.one), markdown_text(&labels.other));
    for stage in Stage::ALL {
        let differences: Vec<ObjectDifference> =
            comparison.unexplained.iter().filter(|difference| difference.stage == stage).cloned().collect();
        if !differences.is_empty() {
            let _ = writeln!(out, "\n#### {}\n\n{head}\n|---|---|---|", stage.title());
            for Row { path, here, there } in rows(&differences, &labels) {
                let _ = writeln!(out, "| {} | {} | {} |", code(&path), cell(&here), cell(&there));
            }
        }
    }
    if !comparison.explained.is_empty() {
        let count = comparison.explained_count();
        let _ =
            write!(out, "\n<details>\n<summary>{count} explained</summary>\n\n{head} why |\n|---|---|---|---|\n");
        for explained in &comparison.explained {
            for Row { path, here, there } in rows(&explained.objects, &labels) {
                let (path, why) = (code(&path), markdown_text(&explained.why));
                let _ = writeln!(out, "| {path} | {} | {} | {why} |", cell(&here), cell(&there));
            }
        }
        out += "\n</details>\n";
    }
    if !comparison.stale.is_empty() {
        out.push('\n');
        for entry in &comparison.stale {
            let _ = writeln!(out, "- {}", markdown_text(&stale(&entry.path)));
        }
    }
    out
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Value(text) => code(text),
        Cell::Words(words) => markdown_text(words),
        Cell::Nothing => "–".to_owned(),
    }
}

/// Text as code in the cell of a table: the fence is longer than any run of backticks inside, and a bar is escaped
/// even there.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_cell() {
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a``b"), "``` a``b ```");
    }
}
