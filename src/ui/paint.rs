use std::borrow::Cow;

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
    let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || reorders(c);
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if steers(c) { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(super::clean("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
        assert_eq!(super::clean("nimda\u{202e}admin"), "nimda\\u{202e}admin");
    }
}
