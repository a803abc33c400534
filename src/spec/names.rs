//! Deterministic physical names, within AWS's limits.

use sha2::{Digest, Sha256};

use super::{Environment, partition};
use crate::value::{Address, Tags, Target};

impl Environment {
    /// `<project>-<environment>`: how every derived name begins.
    pub fn prefix(&self) -> String {
        format!("{}-{}", self.project, self.environment)
    }

    /// `<project>/<environment>`: what Baseplate keeps of its own for an environment is under this path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }

    /// The physical name of `part`, `max` characters at most.
    pub fn name(&self, part: &str, max: usize) -> String {
        fit(&format!("{}-{part}", self.prefix()), max)
    }

    /// `/<project>/<environment>/<key>`.
    pub fn parameter_path(&self, key: &str) -> String {
        format!("/{}/{key}", self.path())
    }

    /// The second part of every ARN: `aws`, `aws-cn`, `aws-eusc`, …
    pub fn partition(&self) -> &'static str {
        partition(&self.region)
    }

    /// The ARN of something in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// The tags that an object of this environment carries from the call that creates it.
    pub fn tags_of<K: Target>(&self, name: &str) -> Tags {
        let mut tags = self.tags.clone();
        tags.insert("baseplate:environment".to_owned(), self.environment.clone());
        tags.extend(self.address_tags::<K>(name));
        tags
    }

    /// The tags of an object that belongs to the project: the environments share it, so none of them says more.
    pub fn project_tags_of<K: Target>(&self, name: &str) -> Tags {
        let mut tags = self.project_tags.clone();
        tags.extend(self.address_tags::<K>(name));
        tags
    }

    fn address_tags<K: Target>(&self, name: &str) -> Tags {
        Tags::from([
            ("baseplate:project".to_owned(), self.project.clone()),
            ("baseplate:address".to_owned(), Address::new(K::KIND, name).to_string()),
        ])
    }

    /// The names of the project's environments.
    pub fn all_environments(&self) -> Vec<&str> {
        match &self.environments {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => vec!["dev", "prod"],
        }
    }
}

/// `name` itself if it has at most `max` characters, else its beginning and a hash of the whole.
pub fn fit(name: &str, max: usize) -> String {
    if name.chars().count() <= max {
        return name.to_owned();
    }
    let start: String = name.chars().take(max.saturating_sub(7)).collect();
    format!("{}-{}", start.trim_end_matches('-'), hash(name))
}

/// Another name for the same thing, for a replacement that must live beside what it replaces.
pub fn alternate(name: &str, salt: &str, max: usize) -> String {
    let start: String = name.chars().take(max.saturating_sub(7)).collect();
    format!("{}-{}", start.trim_end_matches('-'), hash(salt))
}

/// Whether `live` is `name` or an alternate of it.
pub fn is_name_or_alternate(live: &str, name: &str, max: usize) -> bool {
    let start: String = name.chars().take(max.saturating_sub(7)).collect();
    live == name
        || live
            .strip_prefix(start.trim_end_matches('-'))
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|hash| hash.len() == 6 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (a, b) = (fit(&"a".repeat(40), 32), fit(&"a".repeat(41), 32));
        assert_eq!(a.len(), 32);
        assert_ne!(a, b);
        assert_eq!(fit("short", 32), "short");
    }

    #[test]
    fn alternates_are_recognised() {
        let other = alternate("legend-dev-web", "80/HTTP", 32);
        assert!(is_name_or_alternate(&other, "legend-dev-web", 32));
        assert!(!is_name_or_alternate("legend-dev-website", "legend-dev-web", 32));
    }
}
