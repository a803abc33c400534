use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use crate::plan::Plan;
use crate::value::{clean, one_line};

/// A plan whose texts do nothing but be read: what AWS or a file says may hold codes that steer a terminal, or line
/// ends that would make one change look like two.
pub fn inert(plan: &Plan) -> Cow<'_, Plan> {
    if is_plain(plan) {
        return Cow::Borrowed(plan);
    }
    let mut plan = plan.clone();
    // Change by change: all of them at once, as JSON, would be many times the plan.
    let changes = std::mem::take(&mut plan.changes).into_iter().map(tamed).collect();
    Cow::Owned(Plan { changes, ..tamed(plan) })
}

fn tamed<T: Serialize + DeserializeOwned>(one: T) -> T {
    if is_plain(&one) {
        return one;
    }
    let Ok(mut json) = serde_json::to_value(&one) else { return one };
    if !tame(&mut json, false) {
        return one;
    }
    serde_json::from_value(json).unwrap_or(one)
}

/// Whether there is nothing to tame, whatever the texts are for.
fn is_plain<T: Serialize>(one: &T) -> bool {
    one.serialize(&mut Serializer::with_formatter(io::sink(), Plain)).is_ok()
}

/// Stops at the first text that may have to be tamed. No command of a runner has in it what JSON escapes, so what stands
/// between two escapes can be looked at alone.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        if is_live(fragment, false) { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote | CharEscape::ReverseSolidus | CharEscape::Tab => Ok(()),
            _ => Err(io::ErrorKind::Other.into()),
        }
    }
}

/// Answers whether anything was to be tamed. Only values may have several lines.
fn tame(value: &mut Value, lines: bool) -> bool {
    match value {
        Value::String(text) => tame_text(text, lines),
        Value::Array(items) => items.iter_mut().fold(false, |any, item| tame(item, lines) | any),
        Value::Object(map) => {
            let mut any = map.iter_mut().fold(false, |any, (key, value)| {
                tame(value, lines || key == "before" || key == "after" || key == "notes") | any
            });
            if map.keys().any(|key| is_live(key, false)) {
                any = true;
                let entries = std::mem::take(map).into_iter();
                map.extend(entries.map(|(mut key, value)| {
                    tame_text(&mut key, false);
                    (key, value)
                }));
            }
            any
        }
        _ => false,
    }
}

fn tame_text(text: &mut String, lines: bool) -> bool {
    let is_live = is_live(text, lines);
    if is_live {
        *text = if lines { clean(text).into_owned() } else { one_line(text) };
    }
    is_live
}

fn is_live(text: &str, lines: bool) -> bool {
    !lines && text.contains('\n') || matches!(clean(text), Cow::Owned(_))
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
                prop_assert!(!plain || !tame(&mut json, false), "{json}");
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
