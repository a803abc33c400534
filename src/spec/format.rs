//! Specs in one layout: spaces, indentation and empty lines. Nothing is reordered, and comments and strings stay as they
//! are.
//!
//! It works on the tokens of the parser that reads specs: what stands between two of them is chosen anew, and the tokens
//! themselves are not touched.

use std::path::Path;

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::source::{MAX_BYTES, normal, read_bytes};
use super::{Catalog, Problem, Problems, Tree, schema};
use crate::files::FileError;

/// Spaces for each line around that opened a bracket.
const INDENT: usize = 2;

/// A spec's file as it should be laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    pub text: String,
    /// Whether that is not what it is.
    pub is_changed: bool,
}

/// The layout of one file, without what it extends.
///
/// # Errors
/// It cannot be read, is not TOML, or has nothing that a spec has.
pub fn layout(path: &Path, catalog: &Catalog) -> Result<Layout, Problems> {
    let name = path.display().to_string();
    let bytes = read_bytes(path).map_err(|error| {
        let help = "give the path of a TOML spec, as in environments/dev.toml";
        Problems::new(Vec::new(), vec![Problem::new(format!("cannot read {name}: {error}"), help)])
    })?;
    layout_of(&name, bytes, catalog)
}

/// The layout of the bytes of a spec, which messages call `name`.
///
/// # Errors
/// As [`layout`].
pub fn layout_of(name: &str, bytes: Vec<u8>, catalog: &Catalog) -> Result<Layout, Problems> {
    let wrong = |message: String, help| Problems::new(Vec::new(), vec![Problem::new(message, help)]);
    if bytes.len() > MAX_BYTES {
        let error = FileError::Endless { limit: MAX_BYTES };
        return Err(wrong(format!("cannot read {name}: {error}"), "give a spec"));
    }
    let given = String::from_utf8(bytes)
        .map_err(|error| wrong(format!("{name} is not UTF-8: {error}"), "save it as UTF-8"))?;
    let text = normal(&given);
    Tree::of(name, &text, &schema(catalog))?;
    let text = format(&text).map_err(|error| wrong(format!("{name}: {error}"), "nothing was written"))?;
    Ok(Layout { is_changed: text != given, text })
}

/// A text that is not TOML, or that would not say the same: then it must not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it could not be laid out without a change of what it says")]
struct FormatError;

/// A text of TOML in the one layout.
///
/// # Errors
/// It is not TOML, or what came out would not say the same.
fn format(text: &str) -> Result<String, FormatError> {
    let meaning = |text: &str| toml::from_str::<toml::Table>(text).map_err(|_| FormatError);
    let formatted = laid_out(text);
    if meaning(text)? == meaning(&formatted)? { Ok(formatted) } else { Err(FormatError) }
}

/// A token that is more than the space between others.
#[derive(Clone, Copy)]
struct Token<'a> {
    kind: TokenKind,
    text: &'a str,
    /// The blanks before it in its line.
    before: usize,
}

fn laid_out(text: &str) -> String {
    let source = Source::new(text);
    let (mut line, mut before) = (Vec::new(), 0);
    let mut printer = Printer::default();
    for token in source.lex() {
        let part = text.get(token.span().start()..token.span().end()).unwrap_or_default();
        match token.kind() {
            TokenKind::Whitespace => before = part.len(),
            TokenKind::Newline | TokenKind::Eof => {
                printer.line(&line);
                line.clear();
                before = 0;
            }
            kind => {
                line.push(Token { kind, text: part, before });
                before = 0;
            }
        }
    }
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    /// The open brackets of the values around, each with the number of the line that opened it.
    open: Vec<(TokenKind, usize)>,
    /// How many lines there were.
    lines: usize,
    /// Whether an empty line comes before the next one.
    is_parted: bool,
}

impl Printer {
    fn line(&mut self, tokens: &[Token<'_>]) {
        self.lines += 1;
        if tokens.is_empty() {
            self.is_parted = !self.out.is_empty();
            return;
        }
        if std::mem::take(&mut self.is_parted) {
            self.out.push('\n');
        }
        let closed = tokens.iter().take_while(|token| is_closing(token.kind)).count().min(self.open.len());
        // A line that closes something stands as the one that opened it.
        let opened = if closed == 0 { self.lines } else { self.open[self.open.len() - closed].1 };
        let mut around: Vec<usize> =
            self.open.iter().map(|(_, line)| *line).filter(|line| *line < opened).collect();
        around.dedup();
        self.out.extend(std::iter::repeat_n(' ', INDENT * around.len()));
        // Brackets at the beginning of a line outside of any value are those of a table's name.
        let is_header = self.open.is_empty() && tokens[0].kind == TokenKind::LeftSquareBracket;
        let mut last: Option<Token<'_>> = None;
        for token in tokens {
            let space = last.map_or(0, |last| match is_header && token.kind != TokenKind::Comment {
                true => 0,
                false => self.space(last, *token),
            });
            self.out.extend(std::iter::repeat_n(' ', space));
            let is_comment = token.kind == TokenKind::Comment;
            self.out.push_str(if is_comment { token.text.trim_end() } else { token.text });
            match token.kind {
                _ if is_header => {}
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                    self.open.push((token.kind, self.lines));
                }
                kind if is_closing(kind) => {
                    self.open.pop();
                }
                _ => {}
            }
            last = Some(*token);
        }
        self.out.push('\n');
    }

    /// How many blanks stand between two tokens of a line.
    fn space(&self, last: Token<'_>, next: Token<'_>) -> usize {
        use TokenKind::{Comma, Comment, Dot, Equals, LeftCurlyBracket, LeftSquareBracket, RightCurlyBracket};
        match (last.kind, next.kind) {
            // Comments may stand below one another.
            (_, Comment) => next.before.max(1),
            (LeftCurlyBracket, RightCurlyBracket) => 0,
            (LeftCurlyBracket, _) | (_, RightCurlyBracket) => 1,
            (LeftSquareBracket, _) | (_, TokenKind::RightSquareBracket | Comma) => 0,
            (Equals | Comma, _) | (_, Equals) => 1,
            // Of a key with dots, or of a number, which has no blanks.
            (Dot, _) | (_, Dot) => 0,
            // A date and a time.
            _ => next.before.min(1),
        }
    }
}

fn is_closing(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_formatted(text: &str, expected: &str) {
        assert_eq!(format(text).as_deref(), Ok(expected));
        assert_eq!(format(expected).as_deref(), Ok(expected), "once more");
    }

    #[test]
    fn blanks_are_where_they_belong() {
        assert_formatted("a=1\n  b  =  [1,2 , 3,]  \n", "a = 1\nb = [1, 2, 3,]\n");
        assert_formatted("a={b=1,c = {} }\n", "a = { b = 1, c = {} }\n");
        assert_formatted("[ a . \"b c\" ]\nx . y=1.5\n[[ d ]]\n", "[a.\"b c\"]\nx.y = 1.5\n[[d]]\n");
        assert_formatted("a=2026-11-27 10:00:00\n", "a = 2026-11-27 10:00:00\n");
        assert_formatted("a = [ ]\nb = [[1,2],[ 3 ]]", "a = []\nb = [[1, 2], [3]]\n");
    }

    #[test]
    fn lines_are_indented_by_the_lines_that_are_open() {
        assert_formatted("a = [\n1,\n      2, # two\n# three\n  ]\n", "a = [\n  1,\n  2, # two\n  # three\n]\n");
        assert_formatted("a = [{ b = [\n1\n]\n},\n{}]\n", "a = [{ b = [\n  1\n]\n},\n  {}]\n");
        assert_formatted("a = [\n[\n1,\n],\n]\n", "a = [\n  [\n    1,\n  ],\n]\n");
    }

    #[test]
    fn comments_and_empty_lines_stay() {
        assert_formatted(
            "\n\n#:schema x  \n# a\n\n\n\na = 1   # below\nbb = 2  # one another\n\n\n",
            "#:schema x\n# a\n\na = 1   # below\nbb = 2  # one another\n",
        );
        assert_formatted("a = 1# near\n  # alone\n[b]#c\n", "a = 1 # near\n# alone\n[b] #c\n");
        assert_formatted("", "");
        assert_formatted(" \n\t\n", "");
    }

    #[test]
    fn strings_stay_as_they_are() {
        let text =
            "a = \"\"\"\n  x  =  1  \n\n\n  [ b ]\n\"\"\"\nb = '''\n # no comment  \n'''\nc = \"a=b,  [c]\"\n";
        assert_formatted(text, text);
    }

    #[test]
    fn what_is_not_toml_is_refused() {
        for text in ["a = ", "a = [1", "[a", "a = 1 b = 2", "= 1", "a = \"x"] {
            assert_eq!(format(text), Err(FormatError), "{text}");
        }
    }

    proptest! {
        /// However blanks are spread over a spec, it comes to the same.
        #[test]
        fn one_layout_comes_out(blanks in proptest::collection::vec(0_usize..4, 64)) {
            let text = include_str!("../../environments/dev.toml");
            let formatted = format(text).expect("TOML");
            let mut blanks = blanks.iter().cycle();
            let mut more = || " ".repeat(*blanks.next().unwrap_or(&0));
            let spread: String = text
                .lines()
                .map(|line| match line.starts_with('#') || line.contains('"') {
                    true => format!("{}{line}{}\n", more(), more()),
                    false => format!("{}{}{}\n", more(), line.replace(" = ", &format!("{}={}", more(), more())), more()),
                })
                .collect();
            prop_assert_eq!(format(&spread).expect("TOML"), formatted);
        }
    }
}
