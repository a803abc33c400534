//! What the values of a spec must mean together; its structure has been checked before.

mod differs;
mod moved;

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
    environments(&mut check);
    for section in &catalog.sections {
        section.validate(&mut check);
    }
    differs::differs(&mut check, &catalog.kinds);
    moved::moved(&mut check);
    check.into_problems()
}

/// Ours cannot be set by hand; what AWS takes besides is the rules' to say.
fn tags(check: &mut Check<'_>) {
    let env = check.env;
    for (section, tags) in [("tags", &env.tags), ("project-tags", &env.project_tags)] {
        for key in tags.keys().filter(|key| key.starts_with("baseplate:")) {
            let message = format!("`{key}` has a reserved prefix");
            let help = "the prefix `baseplate:` is reserved: objects are found by such tags";
            check.report_key(&[section, key], message, help);
        }
    }
}

/// More would not fit into a lifecycle policy of ECR, which has 50 rules.
const MOST_ENVIRONMENTS: usize = 40;

fn environments(check: &mut Check<'_>) {
    let env = check.env;
    let Some(names) = &env.environments else { return };
    // A name that cannot be read may be the one that is missed.
    let are_readable = names.iter().all(|name| name.len() > 1);
    if are_readable && !names.contains(&env.environment) {
        let message = format!("`{}` is not among the project's `environments`", env.environment);
        check.report(&["environments"], message, "add it, in the base that all of them extend");
    }
    if names.len() > MOST_ENVIRONMENTS {
        let message = format!("{} environments, the limit is {MOST_ENVIRONMENTS}", names.len());
        check.report(&["environments"], message, "registries have a rule for the images of each, and ECR takes 50");
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            let message = format!("`{name}` is there twice");
            check.report(&["environments", &index.to_string()], message, "remove one of the two");
        }
    }
}
