use std::borrow::Cow;

use serde_json::Value;

use crate::plan::Plan;
use crate::value::{clean, one_line};

/// A plan whose texts do nothing but be read: what AWS or a file says may hold codes that steer a terminal, or line
/// ends that would make one change look like two.
pub fn inert(plan: &Plan) -> Cow<'_, Plan> {
    let Ok(mut json) = serde_json::to_value(plan) else { return Cow::Borrowed(plan) };
    if !tame(&mut json, false) {
        return Cow::Borrowed(plan);
    }
    serde_json::from_value(json).map_or(Cow::Borrowed(plan), Cow::Owned)
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
