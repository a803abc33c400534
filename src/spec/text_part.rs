/// What every string of a spec may name, besides what its sections have.
pub const CORE_TEXTS: &[TextPart] = &[
    ("project", "the project"),
    ("environment", "the environment"),
    ("region", "the region"),
    ("account", "the account's number"),
];

/// What stands in the braces, with `…` for the key of an entry, and what it stands for.
pub type TextPart = (&'static str, &'static str);
