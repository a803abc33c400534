use serde_json::Value;

use crate::spec::Environment;
use crate::value::Address;

/// Replaces everything that names an environment by placeholders: project and environment, account and region, its
/// domains. (In angle brackets: braces would be references of templates.)
pub struct Anonymizer {
    /// Longer ones first, where one may hold another.
    replaced: Vec<(String, &'static str)>,
}

const PROJECT: &str = "<project>";
const ENVIRONMENT: &str = "<environment>";
const ACCOUNT: &str = "<account>";
const REGION: &str = "<region>";

impl Anonymizer {
    pub fn of(env: &Environment) -> Self {
        let mut replaced = vec![
            (format!("/{}/{}", env.project, env.environment), "/<project>/<environment>"),
            (env.prefix(), "<project>-<environment>"),
        ];
        replaced.extend(env.own_names());
        replaced.extend([(env.account.clone(), ACCOUNT), (env.region.clone(), REGION)]);
        Self { replaced }
    }

    /// The anonymized environment: two of them derive the same names from the same specs, also those that are
    /// shortened with a hash.
    pub fn environment(&self, env: &Environment) -> Environment {
        let mut anonymizer = env.renamed(&|value| self.value(value));
        for value in anonymizer.tags.values_mut() {
            *value = self.text(value);
        }
        PROJECT.clone_into(&mut anonymizer.project);
        ENVIRONMENT.clone_into(&mut anonymizer.environment);
        ACCOUNT.clone_into(&mut anonymizer.account);
        REGION.clone_into(&mut anonymizer.region);
        anonymizer
    }

    pub fn address(&self, address: &Address) -> Address {
        Address::new(address.kind(), self.text(address.name()))
    }

    /// Anonymized attributes.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), self.value(value))).collect(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (name, placeholder)| whole(&text, name, placeholder))
    }
}

/// Replaces `name` where it is not part of a longer word.
fn whole(text: &str, name: &str, placeholder: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let goes_on = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        // A name that begins with a separator begins where that does.
        let joined = name.starts_with(char::is_alphanumeric) && goes_on(before.chars().next_back());
        out.push_str(before);
        out.push_str(if joined || goes_on(after.chars().next()) { name } else { placeholder });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_name_is_replaced_as_a_whole_word_only() {
        assert_eq!(whole("/ecs/town-dev/web", "town-dev", "<x>"), "/ecs/<x>/web");
        assert_eq!(
            whole("town-dev-web town-developers my-town-dev", "town-dev", "<x>"),
            "<x>-web town-developers my-<x>"
        );
        assert_eq!(whole("downtown-dev", "town-dev", "<x>"), "downtown-dev");
        assert_eq!(whole("parameter/town/dev/key", "/town/dev", "<x>"), "parameter<x>/key");
        assert_eq!(whole("eu-central-1a eu-central-1", "eu-central-1", "<r>"), "eu-central-1a <r>");
    }
}
