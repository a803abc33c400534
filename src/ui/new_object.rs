use std::fmt::Write;

use serde_json::Value;

use crate::kinds;
use crate::plan::{Change, Field};
use crate::render::{in_words, inline, said};
use crate::value::one_line;

/// Longer values go over several lines.
const WIDTH: usize = 116;

/// Room for a summary beside its address.
const BESIDE: usize = 76;

/// How many digits of an image's digest are shown.
const DIGITS: usize = 12;

/// What a reader asks about first of a new object.
#[derive(Default)]
pub struct Summary {
    /// Beside its address, where it is short enough.
    pub line: Option<String>,
    /// Otherwise under it.
    pub below: Vec<String>,
}

/// Of the fields that the kind says: all on one line where there is room, else each rule and the like on its own.
pub fn summary(change: &Change) -> Summary {
    let Some(kind) = kinds::find(change.address.kind()) else { return Summary::default() };
    let (mut plain, mut elements) = (Vec::new(), Vec::new());
    for name in kind.summary() {
        let Some(field) = change.fields.iter().find(|field| field.path == *name) else { continue };
        match &field.after {
            _ if field.secret => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if items.iter().any(Value::is_object) => {
                elements.extend(items.iter().map(|item| (name, said(kind.name(), field, item))));
            }
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => plain.push(one_line(name)),
            value => match in_words(kind.name(), field, value) {
                Some(words) => plain.push(words),
                None => plain.push(format!("{} {}", one_line(name), without_end_of_digest(&inline(value)))),
            },
        }
    }
    let plain = plain.join(", ");
    let beside = elements.iter().map(|(name, words)| format!("{name} {words}"));
    let parts = Some(plain.clone()).filter(|plain| !plain.is_empty()).into_iter().chain(beside);
    let line = parts.collect::<Vec<_>>().join(", ");
    if line.chars().count() <= BESIDE {
        return Summary { line: Some(line).filter(|line| !line.is_empty()), below: Vec::new() };
    }
    let below = Some(plain).filter(|plain| !plain.is_empty()).into_iter();
    Summary {
        line: None,
        below: below.chain(elements.iter().map(|(name, words)| format!("{name:<8} {words}"))).collect(),
    }
}

/// The first digits of an image's digest tell it from others.
fn without_end_of_digest(text: &str) -> String {
    match text.split_once("@sha256:") {
        Some((image, digest)) if digest.chars().count() > DIGITS => {
            format!("{image}@sha256:{}…", digest.chars().take(DIGITS).collect::<String>())
        }
        _ => text.to_owned(),
    }
}

/// Every field of a new object but its tags, which follow from its address.
pub fn fields(out: &mut String, change: &Change) {
    let shown = change.fields.iter().filter(|field| !field.path.starts_with("tags"));
    shown.for_each(|field| created(out, field));
}

/// A field of a new object. That references are known only after the apply goes without saying here.
fn created(out: &mut String, field: &Field) {
    if field.secret {
        let _ = writeln!(out, "      {:<22} (sensitive value)", field.path);
        return;
    }
    let line = format!("      {:<22} {}", field.path, inline(&field.after));
    if line.chars().count() <= WIDTH {
        let _ = writeln!(out, "{line}");
        return;
    }
    let _ = writeln!(out, "      {}", field.path);
    block(out, &field.after, 8);
}

/// Structure over lines, each as long as it reads well.
fn block(out: &mut String, value: &Value, indent: usize) {
    let margin = " ".repeat(indent);
    let children: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| ("- ".to_owned(), item)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (format!("{}: ", one_line(key)), value)).collect(),
        scalar => {
            let _ = writeln!(out, "{margin}{}", inline(scalar));
            return;
        }
    };
    for (lead, child) in children {
        let line = format!("{margin}{lead}{}", inline(child));
        if line.chars().count() <= WIDTH || !(child.is_array() || child.is_object()) {
            let _ = writeln!(out, "{line}");
        } else {
            let _ = writeln!(out, "{margin}{}", lead.trim_end());
            block(out, child, indent + 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(address: &str, fields: &[(&str, Value)]) -> Change {
        let fields: Vec<Value> = fields
            .iter()
            .map(
                |(path, after)| json!({ "path": path, "before": null, "after": after, "known_after_apply": false }),
            )
            .collect();
        serde_json::from_value(json!({
            "address": address, "stage": "network", "action": "create", "reason": "", "impact": "none", "seconds": 1,
            "depends_on": [], "fields": fields,
        }))
        .expect("a change")
    }

    #[test]
    fn what_a_reader_asks_about_first_is_on_a_line() {
        let subnet = created(
            "subnet.a",
            &[
                ("cidr", json!("10.0.0.0/24")),
                ("vpc", json!("vpc.main")),
                ("zone", json!("eu-central-1a")),
                ("map_public_ip_on_launch", json!(true)),
            ],
        );
        let Summary { line, below } = summary(&subnet);
        let expected = "cidr 10.0.0.0/24, zone eu-central-1a, map_public_ip_on_launch";
        assert_eq!((line.as_deref(), below.len()), (Some(expected), 0));
    }

    #[test]
    fn many_rules_have_a_line_each_and_digests_their_first_digits() {
        let rule = |port| json!({ "protocol": "tcp", "from_port": port, "to_port": port, "cidr": "10.0.0.0/8" });
        let rules = created("security_group_rules.a", &[("ingress", json!([rule(80), rule(443)]))]);
        assert_eq!(
            summary(&rules).line.as_deref(),
            Some("ingress tcp 80 from 10.0.0.0/8, ingress tcp 443 from 10.0.0.0/8")
        );
        let rules = created("security_group_rules.a", &[("ingress", json!([rule(80), rule(443), rule(8080)]))]);
        let expected = ["80", "443", "8080"].map(|port| format!("ingress  tcp {port} from 10.0.0.0/8"));
        assert_eq!((summary(&rules).line, summary(&rules).below), (None, expected.to_vec()));
        let image = format!("web@sha256:{}", "0123456789abcdef".repeat(4));
        let revision = created("task_definition.a", &[("image", json!(image)), ("cpu", json!(256))]);
        assert_eq!(summary(&revision).line.as_deref(), Some("image web@sha256:0123456789ab…, cpu 256"));
    }
}
