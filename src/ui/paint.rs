use std::borrow::Cow;

use anstyle::{AnsiColor, Effects, Style};

use crate::value::{is_unsafe, sanitize, without_workflow_commands};

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

    fn styled(self, style: impl Into<Style>, text: &str) -> String {
        let style = style.into();
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Sanitizes a text before it is printed: only colour codes may control the terminal, and those only where colour
    /// is on; and no line is a command to a CI runner.
    pub fn sanitize(self, text: &str) -> Cow<'_, str> {
        without_workflow_commands(self.but_for_colour(text))
    }

    fn but_for_colour(self, text: &str) -> Cow<'_, str> {
        if !self.on || !text.contains(is_unsafe) {
            return sanitize(text);
        }
        let mut parts = text.split('\u{1b}');
        let mut out = sanitize(parts.next().unwrap_or_default()).into_owned();
        for part in parts {
            let rest = part.strip_prefix('[').unwrap_or_default();
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
            out += if rest[end..].starts_with('m') { "\u{1b}" } else { "\\u{1b}" };
            out += &sanitize(part);
        }
        Cow::Owned(out)
    }

    pub fn red(self, text: &str) -> String {
        self.styled(AnsiColor::Red.on_default(), text)
    }

    pub fn green(self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default(), text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.styled(AnsiColor::Yellow.on_default(), text)
    }

    pub fn blue(self, text: &str) -> String {
        self.styled(AnsiColor::Blue.on_default(), text)
    }

    pub fn bold(self, text: &str) -> String {
        self.styled(Effects::BOLD, text)
    }

    pub fn dim(self, text: &str) -> String {
        self.styled(Effects::DIMMED, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colour_passes_and_only_where_there_is_some() {
        let (on, off) = (Paint::new(true), Paint::new(false));
        let text = format!("{} \u{1b}[2J\u{1b}]0;title\u{7}", on.red("no"));
        assert_eq!(on.sanitize(&text), "\u{1b}[31mno\u{1b}[0m \\u{1b}[2J\\u{1b}]0;title\\u{7}");
        assert!(!off.sanitize(&text).contains('\u{1b}'));
        assert_eq!(on.sanitize("\u{1b}[38;5;9mx\u{1b}"), "\u{1b}[38;5;9mx\\u{1b}");
    }

    #[test]
    fn no_line_is_a_command() {
        for paint in [Paint::new(true), Paint::new(false)] {
            assert_eq!(paint.sanitize("a\n  ::error::b"), "a\n  | ::error::b");
            assert_eq!(paint.sanitize("##[error]\u{7}"), "#\\u{23}[error]\\u{7}");
        }
    }
}
