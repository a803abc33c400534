use std::fmt::Write;

use super::Paint;
use crate::spec::{Catalog, text_parts, texts_as_they_are, texts_with_outputs};

/// What texts of a spec may refer to, and which of its strings do.
pub fn placeholders_text(catalog: &Catalog, paint: Paint) -> String {
    let mut out = format!("{}\n\n", paint.bold("Placeholders"));
    out += "A string of a spec refers to something else in braces. `…` is the key of an entry, `{{` and `}}` are braces.\n\n";
    let parts = text_parts(catalog);
    let width = parts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    for (name, what) in parts {
        let _ = writeln!(out, "  {:<width$}  {what}", format!("{{{name}}}"));
    }
    out += "\nThese strings take all of them, also what is known only once an object is there:\n\n";
    list(&mut out, &texts_with_outputs(catalog));
    out += "\nEvery other string takes what the spec says itself. In these, braces are only braces:\n\n";
    list(&mut out, &texts_as_they_are(catalog));
    out += "\nFor example:\n\n";
    for line in EXAMPLE.lines() {
        let _ = writeln!(out, "  {line}");
    }
    out
}

fn list(out: &mut String, paths: &[String]) {
    for path in paths {
        let _ = writeln!(out, "  {path}");
    }
}

/// What an example says.
pub const EXAMPLE: &str = "[parameters]
\"db-url\" = \"postgres://{databases.main.username}:{databases.main.password}@{databases.main.endpoint}/shop\"

[services.web]
image = \"{registries.web.url}:1.4\"
environment = { HOME_URL = \"https://{dns.domain}\", FLAGS = '{{\"beta\": true}}' }";
