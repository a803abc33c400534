//! Where something stands in a spec's files.

use std::ops::Range;

/// One file's text, and the name that messages give it.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

/// Where something stands: a file (index into the sources) and a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub file: usize,
    pub span: Range<usize>,
}

pub(super) fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.chars().rev().take_while(|&c| c != '\n').count() + 1)
}
