use super::Keyed;
use super::problem::listed;

/// What a placeholder of a text names and the spec does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub message: String,
    pub help: String,
}

impl Unknown {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    /// No entry of a table has this key. `what` is one entry in words.
    pub fn key<T>(what: &str, key: &str, table: &Keyed<T>) -> Self {
        let keys: Vec<&str> = table.keys().map(String::as_str).collect();
        let likeness = keys.iter().map(|known| (strsim::jaro(known, key), *known));
        let help = match likeness.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((likeness, near)) if likeness > 0.7 => format!("did you mean `{near}`?"),
            Some(_) => format!("defined: {}", listed(keys)),
            None => format!("the spec defines no {what}"),
        };
        Self::new(format!("no {what} is named `{key}`"), help)
    }

    /// Nothing of this section that a text can refer to is called so; `fields` are those that are.
    pub fn field(section: &str, field: &str, fields: &str) -> Self {
        let message = format!("[{section}] has no `{field}` for placeholders");
        Self::new(message, format!("it has: {fields}"))
    }
}

/// The entry that a path of a placeholder begins with, and the field that it ends with: `main.endpoint`.
///
/// # Errors
/// There is no such entry. `what` is one entry in words.
pub fn entry<'a, T>(table: &'a Keyed<T>, what: &str, path: &'a str) -> Result<(&'a str, &'a T, &'a str), Unknown> {
    let (key, field) = path.rsplit_once('.').unwrap_or((path, ""));
    let value = table.get(key).ok_or_else(|| Unknown::key(what, key, table))?;
    Ok((key, value, field))
}
