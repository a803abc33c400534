use std::borrow::Cow;

use crate::value::steers;

/// Colours, or nothing at all.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    pub fn is_on(self) -> bool {
        self.on
    }

    fn code(self, code: u8, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The last look at a text before it is printed: nothing but colour codes may steer the terminal, and those
    /// only where there is colour.
    pub fn clean(self, text: &str) -> Cow<'_, str> {
        if !self.on || !text.contains(steers) {
            return clean(text);
        }
        let mut parts = text.split('\u{1b}');
        let mut out = clean(parts.next().unwrap_or_default()).into_owned();
        for part in parts {
            let rest = part.strip_prefix('[').unwrap_or_default();
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
            out += if rest[end..].starts_with('m') { "\u{1b}" } else { "\\u{1b}" };
            out += &clean(part);
        }
        Cow::Owned(out)
    }

    pub fn red(self, text: &str) -> String {
        self.code(31, text)
    }

    pub fn green(self, text: &str) -> String {
        self.code(32, text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.code(33, text)
    }

    pub fn blue(self, text: &str) -> String {
        self.code(34, text)
    }

    pub fn bold(self, text: &str) -> String {
        self.code(1, text)
    }

    pub fn dim(self, text: &str) -> String {
        self.code(2, text)
    }
}

/// Text from outside without the characters that would steer a terminal, or show a text in another order than it
/// has.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(escaped).collect())
}

fn escaped(c: char) -> String {
    if steers(c) { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
        assert_eq!(clean("\u{9b}2J \u{202e}gpj.exe \r"), "\\u{9b}2J \\u{202e}gpj.exe \\u{d}");
    }

    #[test]
    fn only_colour_passes_and_only_where_there_is_some() {
        let (on, off) = (Paint::new(true), Paint::new(false));
        let text = format!("{} \u{1b}[2J\u{1b}]0;title\u{7}", on.red("no"));
        assert_eq!(on.clean(&text), "\u{1b}[31mno\u{1b}[0m \\u{1b}[2J\\u{1b}]0;title\\u{7}");
        assert!(!off.clean(&text).contains('\u{1b}'));
        assert_eq!(on.clean("\u{1b}[38;5;9mx\u{1b}"), "\u{1b}[38;5;9mx\\u{1b}");
    }
}
