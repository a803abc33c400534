use std::borrow::Cow;
use std::fmt::Write;

use super::Paint;
use crate::spec::{Data, Node, Tree};
use crate::value::{is_unsafe, one_line, sanitize};

/// The merged spec as TOML, each value with the place that it comes from.
pub fn spec_text(tree: &Tree, paint: Paint) -> String {
    let mut out = String::new();
    table(&mut out, tree, &tree.root, &mut Vec::new(), paint);
    out
}

fn table(out: &mut String, tree: &Tree, node: &Node, path: &mut Vec<String>, paint: Paint) {
    let Data::Table(entries) = &node.data else { return };
    let (tables, values): (Vec<_>, Vec<_>) =
        entries.iter().partition(|(_, entry)| matches!(entry.node.data, Data::Table(_)));
    // A table without values is one all the same: `web = {}` is a registry.
    if (!values.is_empty() || tables.is_empty()) && !path.is_empty() {
        let _ = writeln!(
            out,
            "\n[{}]",
            paint.bold(&path.iter().map(|key| quoted_key(key)).collect::<Vec<_>>().join("."))
        );
    }
    for (key, entry) in values {
        let (line, _) = tree.line_column(&entry.node.place);
        let origin = format!("# {}:{line}", tree.sources[entry.node.place.file].name);
        let _ = writeln!(out, "{} = {}  {}", quoted_key(key), value(&entry.node), paint.dim(&one_line(&origin)));
    }
    for (key, entry) in tables {
        path.push(key.clone());
        table(out, tree, &entry.node, path, paint);
        path.pop();
    }
}

fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let written = toml::Value::from(text).to_string();
    // TOML lets some of what is unsafe to print stand as it is, and the ends of lines between three quotes.
    if matches!(sanitize(&written), Cow::Borrowed(_)) && !written.contains('\n') {
        return written;
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            c if is_unsafe(c) || c == '#' && out.ends_with('#') => {
                let code = u32::from(c);
                out += &if code > 0xffff { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") };
            }
            c => out.push(c),
        }
    }
    out + "\""
}

fn value(node: &Node) -> String {
    match &node.data {
        Data::String(text) => quoted(text),
        Data::Datetime(text) => text.clone(),
        Data::Integer(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::Boolean(value) => value.to_string(),
        Data::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Data::Table(entries) => {
            let parts: Vec<String> = entries
                .iter()
                .map(|(key, entry)| format!("{} = {}", quoted_key(key), value(&entry.node)))
                .collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}
