//! `[registries]`: an entry is a repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::example::{Example, change};
use crate::kinds::registry::images::in_use;
use crate::spec::{Check, Entries, Environment, Keyed, Section, TextPart, Unknown, entry};
use crate::value::Part;

/// `[registries]`.
pub struct Registries;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[registries.shop]
name = "town/shop"
protect = false
immutable-tags = false
scan-on-push = false
keep-images = 30
untagged-days = 7
"#,
    changes: &[
        change("immutable-tags = false", "immutable-tags = true", &["update ecr_repository.shop: immutable_tags"]),
        change("scan-on-push = false", "scan-on-push = true", &["update ecr_repository.shop: scan_on_push"]),
        change("keep-images = 30", "keep-images = 10", &["update ecr_repository.shop: lifecycle.rules[]"]),
        change("town/shop", "town/store", &["replace ecr_repository.shop: name"]),
    ],
}];

impl Section for Registries {
    const KEY: &'static str = "registries";
    const TEXTS: &'static [TextPart] = &[("registries.….url", "the URL of a registry, without a tag")];
    const ENTRY_TABLE: Option<&'static str> = Some("");
    /// A registry that moves must say its name.
    const NAMED_BY_KEY: bool = false;

    type Value = Keyed<Registry>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    fn validate(check: &mut Check<'_>) {
        validate(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        let (key, _, field) = entry(env.section::<Self>(), "registry", path)?;
        match field {
            "url" => Ok(Part::output("ecr_repository", key, "url")),
            _ => Err(Unknown::field(Self::KEY, field, "url")),
        }
    }
}

/// An ECR repository. It belongs to the project: both environments push to it and pull from it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Registry {
    /// The repository's name; `<project>-<key>` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As the environment's `protect`, for this repository with its images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    /// Whether a pushed tag can never be moved.
    pub immutable_tags: bool,
    /// Whether images are scanned for vulnerabilities as they arrive.
    pub scan_on_push: bool,
    /// How many tagged images to keep for each environment's tag prefix.
    #[schemars(range(min = 1, max = 10000))]
    pub keep_images: u32,
    /// After how many days an image without a tag is deleted.
    #[schemars(range(min = 1, max = 3650))]
    pub untagged_days: u32,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            name: None,
            protect: None,
            immutable_tags: false,
            scan_on_push: true,
            keep_images: 30,
            untagged_days: 7,
        }
    }
}

fn validate(check: &mut Check<'_>) {
    let registries = check.env.section::<Registries>();
    check.keys(&["registries"], registries.keys());
    unnamed_moves(check);
    // Its images would be kept as those in use are, for ever.
    let taken = in_use::PREFIX.trim_end_matches('-');
    let is_taken = |name: &&str| **name == *taken || name.starts_with(in_use::PREFIX);
    if let Some(name) = check.env.all_environments().into_iter().find(is_taken).filter(|_| !registries.is_empty()) {
        let message = format!("an environment that has registries cannot be called `{name}`");
        let help =
            format!("tags of images that begin with `{}` are Baseplate's own: choose another name", in_use::PREFIX);
        check.report(&["environments"], message, help);
    }
}

/// The project's environments share a registry, and images are pushed to it by its name: one that has another key says
/// in the spec which name it keeps.
fn unnamed_moves(check: &mut Check<'_>) {
    let env = check.env;
    for moved in &env.moved {
        let (Ok(from), Ok(to)) = (env.entry(&moved.from), env.entry(&moved.to)) else { continue };
        let unnamed = env.section::<Registries>().get(&to.key).is_some_and(|registry| registry.name.is_none());
        if to.section == Registries::KEY && unnamed {
            let message =
                format!("`{}` has moved, and its repository keeps its name only if the spec says it", moved.to);
            let help = format!("add `name = \"{}-{}\"` to it", env.project, from.key);
            check.report_key(&[Registries::KEY, &to.key], message, help);
        }
    }
}
