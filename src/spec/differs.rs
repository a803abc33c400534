use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A difference between two environments that is intended: `compare` shows what it covers only with `--all`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Differs {
    /// An address, and after it a field where not all of the object is intended to differ: `db_instance.main.multi_az`, as
    /// `compare` prints it. `*` stands for any one part, and everything below is covered too: `nat_gateway.*`.
    pub path: String,
    /// Why the two are not alike.
    pub why: String,
}

impl Differs {
    /// Whether this is about `path` or something around it. Parts are what dots separate; the `[]` after the name
    /// of a set does not count.
    pub fn covers(&self, path: &str) -> bool {
        let mut parts = path.split('.').map(|part| part.trim_end_matches("[]"));
        self.path.split('.').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_covers_itself_and_what_is_below() {
        let covers =
            |pattern: &str, path: &str| Differs { path: pattern.to_owned(), why: String::new() }.covers(path);
        assert!(covers("db_instance.main", "db_instance.main"));
        assert!(covers("db_instance.main", "db_instance.main.class"));
        assert!(covers("db_instance.*.class", "db_instance.main.class"));
        assert!(covers("*.*.tags", "vpc.main.tags.team"));
        assert!(covers("task_definition.web.ports", "task_definition.web.ports[]"));
        assert!(covers("dns_record.*", "dns_record.shop.example.org"));
        assert!(!covers("db_instance.main.class", "db_instance.main"));
        assert!(!covers("db_instance.main", "db_instance.mainline"));
        assert!(!covers("db_instance.*.class", "db_instance.main.storage"));
    }
}
