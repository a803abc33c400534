//! The one place that writes to a terminal or a file: results on stdout, progress and errors on stderr.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the one place that prints")]

mod compare_markdown;
mod compare_text;
mod drift_text;
mod images_text;
mod init_text;
mod list_text;
mod new_object;
mod outputs_text;
mod paint;
mod placeholders_text;
mod plan_text;
mod preflight_text;
mod progress;
mod rehearsal_text;
mod running;
mod sanitize;
mod spec_text;
mod traffic_text;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

pub use compare_markdown::compare_markdown;
pub use compare_text::compare_text;
pub use drift_text::{Drift, drift_markdown, drift_text};
pub use images_text::{images_text, push_text};
pub use init_text::{Initialised, init_text};
pub use list_text::{Listed, list_text};
pub use outputs_text::{outputs_env, outputs_summary, outputs_text};
pub use paint::Paint;
pub use placeholders_text::{EXAMPLE, placeholders_text};
pub use plan_text::{Detail, plan_text};
pub use preflight_text::{Preflighted, preflight_markdown, preflight_text};
pub use progress::Progress;
pub use rehearsal_text::{Rehearsed, rehearsal_text};
pub use sanitize::sanitized;
pub use spec_text::spec_text;
pub use traffic_text::traffic_text;

use crate::value::{is_unsafe, one_line, prefix_lines, sanitize};

/// What every command prints through.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    pub json: bool,
    /// Colour on stdout and on stderr.
    pub out: Paint,
    pub err: Paint,
    /// How many `-v` were given.
    pub verbose: u8,
}

impl Ui {
    /// Colour on a terminal that takes it, unless `NO_COLOR`, `CLICOLOR` or `CLICOLOR_FORCE` say otherwise
    /// (<https://bixense.com/clicolors/>).
    pub fn new(json: bool) -> Self {
        let takes_colour = |choice| choice != ColorChoice::Never;
        Self {
            json,
            out: Paint::new(takes_colour(AutoStream::choice(&std::io::stdout()))),
            err: Paint::new(takes_colour(AutoStream::choice(&std::io::stderr()))),
            verbose: 0,
        }
    }

    /// A result.
    ///
    /// # Errors
    /// It could not be written: whoever reads half of it must not take it for the whole.
    pub fn result(&self, text: &str) -> Result<(), OutputError> {
        let text = self.out.sanitize(text);
        let mut out = std::io::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        ignore_broken_pipe(write!(out, "{text}{end}").and_then(|()| out.flush()))
    }

    /// A result as JSON.
    ///
    /// # Errors
    /// As [`Self::result`].
    pub fn result_json(&self, value: &serde_json::Value) -> Result<(), OutputError> {
        self.result(&sanitized_json(value))
    }

    /// A message on stderr; not part of the result.
    pub fn note(&self, text: &str) {
        let text = self.err.sanitize(text);
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A line that only `-v` asked for.
    pub fn detail(&self, text: &str) {
        self.note(&self.err.dim(&prefix_lines(text, "  ")));
    }

    pub fn error(&self, message: &str, help: &str) {
        let mut text = format!("{} {}", self.err.red("error:"), prefix_lines(message, "  "));
        if !help.is_empty() {
            text += &format!("\n  {} {}", self.err.blue("help:"), prefix_lines(help, "  "));
        }
        self.note(&text);
    }

    /// Whether somebody can be asked.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks for a line on the terminal. What is empty is `default`, if there is one; `None` at the end of input.
    pub fn ask_line(&self, question: &str, default: Option<&str>) -> Option<String> {
        let default_shown = default.map(|default| format!(" [{}]", one_line(default))).unwrap_or_default();
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{}{default_shown}: ", one_line(question)).and_then(|()| err.flush());
        drop(err);
        let mut answer = String::new();
        match std::io::stdin().read_line(&mut answer) {
            Ok(read) if read > 0 => Some(match answer.trim() {
                "" => default.unwrap_or_default().to_owned(),
                answer => answer.to_owned(),
            }),
            _ => {
                self.note("");
                None
            }
        }
    }

    /// Asks on the terminal; `None` without one. Other tasks continue meanwhile; if the caller stops waiting, a thread
    /// remains until the process ends.
    pub async fn ask(&self, question: &str) -> Option<bool> {
        if !self.can_ask() {
            return None;
        }
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{} Only `yes` is accepted: ", one_line(question)).and_then(|()| err.flush());
        drop(err);
        let (say, hear) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut answer = String::new();
            let _ = std::io::stdin().read_line(&mut answer);
            let _ = say.send(answer.trim() == "yes");
        });
        Some(hear.await.unwrap_or(false))
    }
}

/// A result that did not reach where it goes: a full disk, say.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
pub struct OutputError(#[source] std::io::Error);

/// What a write to stdout came to. A reader that has gone (`baseplate … | head`) has what it wanted.
///
/// # Errors
/// Any other failure.
pub fn ignore_broken_pipe(written: std::io::Result<()>) -> Result<(), OutputError> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}

/// JSON allows some unsafe characters. They are escaped here, as JSON does: parsed, the text is the same.
fn sanitized_json(value: &serde_json::Value) -> String {
    let mut text = format!("{value:#}");
    if matches!(sanitize(&text), Cow::Owned(_)) {
        let mut units = [0; 2];
        let mut out = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            match is_unsafe(c) || c == '#' && out.ends_with('#') {
                true => c.encode_utf16(&mut units).iter().for_each(|unit| out += &format!("\\u{unit:04x}")),
                false => out.push(c),
            }
        }
        text = out;
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn json_is_inert_and_says_the_same() {
        let value = json!({ "##[error]": "a\u{e0041}\u{200b}\u{9b}b\n::error::c ##vso[x] ###[ 😀" });
        let text = sanitized_json(&value);
        assert!(!text.contains("##") && !text.contains(is_unsafe), "{text}");
        assert!(text.lines().all(|line| !line.trim_start().starts_with("::")), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }
}
