//! What the values of a spec must mean together; its structure has been checked before.

mod differs;

use super::{Catalog, Check, Environment, Problem};

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

/// Ours cannot be set by hand; what AWS takes besides is the rules' to say.
fn tags(check: &mut Check<'_>) {
    for key in check.env.tags.keys().filter(|key| key.starts_with("baseplate:")) {
        let message = format!("`{key}` has a reserved prefix");
        check.report_key(
            &["tags", key],
            message,
            "the prefix `baseplate:` is reserved: objects are found by such tags",
        );
    }
}
