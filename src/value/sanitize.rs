//! Sanitizes text from outside for a terminal, and for the log of a CI job, whose runner executes lines that look like
//! its workflow commands.

use std::borrow::Cow;

/// Whether a character is unsafe to print: it would control the terminal, reverse the text after it, or be invisible,
/// so that two names look the same.
pub fn is_unsafe(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && c != '\n' && c != '\t';
    }
    // Letters and marks by their category, and shown as nothing all the same.
    let blank = matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    blank || !is_printable(c)
}

/// Whether Unicode has it as something to be seen: not a control, a format character, a space other than the plain
/// one, or a code without a character. The standard library knows that of all but the first character of a text,
/// which it also escapes if it is a combining mark.
fn is_printable(c: char) -> bool {
    let mut buffer = [b' '; 5];
    let length = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..length]).is_ok_and(|text| text.escape_debug().count() == 2)
}

/// Text from outside with unsafe characters escaped, and with the commands that CI runners execute anywhere in a line.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(is_unsafe) && !has_command(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match is_unsafe(c) || c == '#' && is_command(text, at) {
            true => out += &format!("\\u{{{:x}}}", u32::from(c)),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether it is nothing but ASCII to be seen, as nearly all texts are: byte by byte that is known far faster.
/// Without a `#` there is no command within a line.
fn is_plain(text: &str) -> bool {
    let is_seen = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t') & (byte != b'#');
    // Without an early end, so that the compiler takes many bytes at once.
    text.bytes().fold(true, |plain, byte| plain & is_seen(byte))
}

fn has_command(text: &str) -> bool {
    // One letter is looked for far faster than two, and hardly any text has it.
    text.contains('#')
        && text.match_indices("##").any(|(at, _)| is_command(text, at + 1) || text[at + 2..].starts_with('#'))
}

/// Whether the `#` at this place is the second of `##[`, `##vso[` or `##teamcity[`. GitHub's and Azure's runners look
/// for them anywhere in a line.
fn is_command(text: &str, at: usize) -> bool {
    text[..at].ends_with('#')
        && text[at + 1..].trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[')
}

/// The same on one line.
pub fn one_line(text: &str) -> String {
    sanitize(text).replace('\n', "\\n")
}

/// The same with a prefix before every line but the first, which follows text of ours: no line can be mistaken for
/// one of ours, or for a command of a CI runner.
pub fn prefix_lines(text: &str, margin: &str) -> String {
    sanitize(text.trim_end_matches('\n')).replace('\n', &format!("\n{margin}{LINE_PREFIX}"))
}

/// The prefix of each line of a text from outside.
pub const LINE_PREFIX: &str = "| ";

/// Whether GitHub's runner may take a line for a workflow command: it skips white space before the `::`.
fn begins_command(line: &str) -> bool {
    line.trim_start().starts_with("::")
}

/// A whole output, in which lines that begin as commands get a mark: no line of ours does.
pub fn without_workflow_commands(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("::") || !text.split('\n').any(begins_command) {
        return text;
    }
    let line = |line: &str| match begins_command(line) {
        true => {
            let (blank, rest) = line.split_at(line.len() - line.trim_start().len());
            format!("{blank}{LINE_PREFIX}{rest}")
        }
        false => line.to_owned(),
    };
    Cow::Owned(text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_or_hides_is_escaped() {
        assert_eq!(sanitize("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
        assert_eq!(sanitize("\u{9b}2J \u{202e}gpj.exe \r"), "\\u{9b}2J \\u{202e}gpj.exe \\u{d}");
        let hidden =
            "\u{200b}\u{200d}\u{2060}\u{2064}\u{feff}\u{ad}\u{34f}\u{fe0f}\u{3164}\u{e0041}\u{e01ef}\u{a0}\u{fdd0}";
        assert_eq!(sanitize(hidden).matches("\\u{").count(), hidden.chars().count(), "{}", sanitize(hidden));
        assert!(sanitize(hidden).is_ascii());
    }

    #[test]
    fn what_is_to_be_read_stays() {
        for text in
            ["Größe → 3 · „fünf“ … –", "e\u{301}", "हिन्दी", "日本語", "العربية", "😀", "### a\n\tb", "#[a] ## [b]"]
        {
            assert_eq!(sanitize(text), text);
        }
    }

    #[test]
    fn commands_within_a_line_are_broken() {
        assert_eq!(sanitize("a ##[error]b"), "a #\\u{23}[error]b");
        assert_eq!(
            sanitize("##vso[task.setvariable]b ##teamcity[x]"),
            "#\\u{23}vso[task.setvariable]b #\\u{23}teamcity[x]"
        );
        assert_eq!(sanitize("###[x]"), "##\\u{23}[x]");
        assert_eq!(sanitize(&sanitize("####VSO[x]")), "###\\u{23}VSO[x]");
    }

    #[test]
    fn no_line_begins_as_a_command() {
        assert_eq!(prefix_lines("a\n::error::b\n\n::c::", "  "), "a\n  | ::error::b\n  | \n  | ::c::");
        assert_eq!(without_workflow_commands("a ::b\n \t::error::b\n::c".into()), "a ::b\n \t| ::error::b\n| ::c");
        assert!(matches!(without_workflow_commands("a::b".into()), Cow::Borrowed(_)));
    }
}
