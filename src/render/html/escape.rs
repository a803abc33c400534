use std::fmt::{self, Write};

use askama::filters::Escaper;

use crate::value::sanitize;

/// What a template shows, in elements and in quoted attributes. `askama.toml` names it for all that templates are
/// written in, so that no text gets into a page without it.
#[derive(Clone, Copy)]
pub struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: Write>(&self, mut out: W, text: &str) -> fmt::Result {
        let text = sanitize(text);
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            let instead = match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\'' => "&#39;",
                // As the line break that it is, but not in the source: a line of that belongs to us alone.
                b'\n' => "&#10;",
                _ => continue,
            };
            out.write_str(&text[written..at])?;
            out.write_str(instead)?;
            written = at + 1;
        }
        out.write_str(&text[written..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        let mut out = String::new();
        Html.write_escaped_str(&mut out, "<b a='\"'>&\n::é→##[x]\u{202e}").expect("a string takes all");
        assert_eq!(out, "&lt;b a=&#39;&quot;&#39;&gt;&amp;&#10;::é→#\\u{23}[x]\\u{202e}");
    }
}
