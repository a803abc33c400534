use crate::spec::Check;

/// `kinds` are the names of all kinds, as a path may begin.
pub fn differs(check: &mut Check<'_>, kinds: &[&str]) {
    let entries = &check.env.differs;
    for (index, entry) in entries.iter().enumerate() {
        let index = index.to_string();
        let at = |field| ["differs", index.as_str(), field];
        let mut parts = entry.path.split('.');
        let kind = parts.next().unwrap_or_default();
        if kind != "*" && !kinds.contains(&kind) {
            let near = kinds.iter().map(|known| (strsim::jaro_winkler(known, kind), known));
            let near = near.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
            let help = match near {
                Some((_, near)) => format!("did you mean `{near}`?"),
                None => "begin with an address as `compare` prints it, as in db_instance.main.multi_az".to_owned(),
            };
            check.report(&at("path"), format!("unknown kind `{kind}`"), help);
        } else if parts.clone().next().is_none() {
            let help = format!("`{kind}.*` matches every object of this kind");
            check.report(&at("path"), format!("`{}` does not name an object", entry.path), help);
        } else if parts.any(|part| part.is_empty() || (part.contains('*') && part != "*")) {
            let help = "separate parts by single dots; `*` matches any part";
            check.report(&at("path"), format!("`{}` is not a path", entry.path), help);
        }
        if entry.why.trim().is_empty() {
            check.report(&at("why"), "no reason is given", "say why the two differ, for later readers");
        }
    }
}
