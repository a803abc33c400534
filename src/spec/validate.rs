//! What the values of a spec must mean together; its structure has been checked before.

mod differs;

use super::{Catalog, Check, Environment, Problem, one_of};

/// What the parameters that are Baseplate's own begin with; a project of this name would find them among its own.
const OWN_PATH: &str = "baseplate";

/// Everything that is wrong, in no particular order.
pub fn validate(env: &Environment, catalog: &Catalog) -> Vec<Problem> {
    let mut check = Check::new(env);
    if env.project == OWN_PATH {
        let help = format!("choose another: Baseplate keeps its locks in the parameters under /{OWN_PATH}/");
        check.report(&["project"], format!("`{OWN_PATH}` is reserved"), help);
    }
    tags(&mut check);
    for section in &catalog.sections {
        section.validate(&mut check);
    }
    differs::differs(&mut check, &catalog.kinds);
    check.into_problems()
}

fn tags(check: &mut Check<'_>) {
    for (key, value) in &check.env.tags {
        let path = ["tags", key.as_str()];
        if key.starts_with("aws:") || key.starts_with("baseplate:") {
            check.report_key(
                &path,
                format!("`{key}` has a reserved prefix"),
                "the prefixes `aws:` and `baseplate:` are reserved",
            );
        }
        if key.chars().count() > 128 || value.chars().count() > 256 {
            check.report(&path, "the tag is too long", "AWS allows 128 characters for a key and 256 for a value");
        }
    }
    if check.env.tags.len() > 40 {
        let help = format!("AWS allows 50 per object; {}", one_of("tags", check.env.tags.keys()));
        check.report(&["tags"], "too many tags", help);
    }
}
