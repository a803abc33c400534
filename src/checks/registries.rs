//! Images that other environments push out.

use super::{Check, Findings, Subject};
use crate::kinds::registry::ecr_repository::section::Registries;
use crate::value::Address;

pub const UNCOUNTED_IMAGES: Check = Check {
    code: "BP-IMAGE-01",
    warns: "registries count the images of this environment together with those of others that `environments` does not \
            name: builds for one of them can expire what another runs",
    find,
};

fn find(subject: &Subject<'_>, found: &mut Findings) {
    let env = &subject.spec.env;
    if env.all_environments().contains(&env.environment.as_str()) {
        return;
    }
    // All of them are alike: one warning is enough.
    if let Some(key) = env.section::<Registries>().keys().next() {
        let message = format!("images of `{}` are not counted by themselves", env.environment);
        let help = "name all environments of the project in the base that they extend: environments = [\"dev\", …]";
        found.report(&Address::new("ecr_repository", key), &["registries"], message, help);
    }
}
