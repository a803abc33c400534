use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use crate::plan::Plan;
use crate::value::{one_line, sanitize};

/// A plan with its texts sanitized: values from AWS or a file may contain codes that control a terminal, or line ends
/// that would make one change look like two.
pub fn sanitized(plan: &Plan) -> Cow<'_, Plan> {
    if is_plain(plan) {
        return Cow::Borrowed(plan);
    }
    let mut plan = plan.clone();
    // Change by change: all of them at once, as JSON, would be many times the plan.
    let changes = std::mem::take(&mut plan.changes).into_iter().map(sanitized_value).collect();
    Cow::Owned(Plan { changes, ..sanitized_value(plan) })
}

fn sanitized_value<T: Serialize + DeserializeOwned>(one: T) -> T {
    if is_plain(&one) {
        return one;
    }
    let Ok(mut json) = serde_json::to_value(&one) else { return one };
    if !sanitize_json(&mut json, false) {
        return one;
    }
    serde_json::from_value(json).unwrap_or(one)
}

/// Whether nothing needs sanitizing.
fn is_plain<T: Serialize>(one: &T) -> bool {
    one.serialize(&mut Serializer::with_formatter(io::sink(), Plain)).is_ok()
}

/// Stops at the first text that may need sanitizing. No command of a CI runner contains what JSON escapes, so the text
/// between two escapes can be checked alone.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        if is_unsafe(fragment, false) { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote | CharEscape::ReverseSolidus | CharEscape::Tab => Ok(()),
            _ => Err(io::ErrorKind::Other.into()),
        }
    }
}

/// Returns whether anything was changed. Only values may have several lines.
fn sanitize_json(value: &mut Value, lines: bool) -> bool {
    match value {
        Value::String(text) => sanitize_text(text, lines),
        Value::Array(items) => items.iter_mut().fold(false, |any, item| sanitize_json(item, lines) | any),
        Value::Object(map) => {
            let mut any = map.iter_mut().fold(false, |any, (key, value)| {
                sanitize_json(value, lines || key == "before" || key == "after" || key == "notes") | any
            });
            if map.keys().any(|key| is_unsafe(key, false)) {
                any = true;
                let entries = std::mem::take(map).into_iter();
                map.extend(entries.map(|(mut key, value)| {
                    sanitize_text(&mut key, false);
                    (key, value)
                }));
            }
            any
        }
        _ => false,
    }
}

fn sanitize_text(text: &mut String, lines: bool) -> bool {
    let is_unsafe = is_unsafe(text, lines);
    if is_unsafe {
        *text = if lines { sanitize(text).into_owned() } else { one_line(text) };
    }
    is_unsafe
}

fn is_unsafe(text: &str, lines: bool) -> bool {
    !lines && text.contains('\n') || matches!(sanitize(text), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn in_what_is_plain_nothing_is_to_be_tamed(text in "[a#v\\[\"\\\\\t\n\r\u{1b}\u{202e}é:]{0,8}") {
            for mut json in [Value::from(text.as_str()), serde_json::json!({ text.as_str(): [text] })] {
                let plain = is_plain(&json);
                prop_assert!(!plain || !sanitize_json(&mut json, false), "{json}");
            }
        }
    }

    #[test]
    fn quotes_and_backslashes_are_plain_and_what_steers_is_not() {
        assert!(is_plain(&["{\"a\": \"b\\c\"}", "Größe # ##\t"]));
        for text in ["a\nb", "\u{1b}[2J", "\u{7f}", "\u{202e}", "##[error]"] {
            assert!(!is_plain(&[text]), "{text:?}");
        }
    }
}
