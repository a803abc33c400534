use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A table of the spec whose keys are names, in the order in which the spec lists them: among equals that is the order
/// in which things are made.
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    entries: Vec<(String, T)>,
    indices: BTreeMap<String, usize>,
}

impl<T> Keyed<T> {
    pub fn get(&self, key: &str) -> Option<&T> {
        self.indices.get(key).map(|&index| &self.entries[index].1)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.indices.get(key).map(|&index| &mut self.entries[index].1)
    }

    /// The key as the spec holds it.
    pub fn get_key(&self, key: &str) -> Option<&String> {
        self.indices.get_key_value(key).map(|(key, _)| key)
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.indices.contains_key(key)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn iter(&self) -> Iter<'_, T> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.entries.iter().map(|(key, _)| key)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }
}

/// A table of entries, whatever they are.
pub trait Entries {
    fn keys(&self) -> Vec<String>;
    /// Gives an entry another key, at its place. Whether there is such an entry.
    fn rename(&mut self, from: &str, to: &str) -> bool;
}

impl<T> Entries for Keyed<T> {
    fn keys(&self) -> Vec<String> {
        Keyed::keys(self).cloned().collect()
    }

    fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(index) = self.indices.remove(from) else { return false };
        to.clone_into(&mut self.entries[index].0);
        self.indices.insert(to.to_owned(), index);
        true
    }
}

type Iter<'a, T> = std::iter::Map<std::slice::Iter<'a, (String, T)>, fn(&(String, T)) -> (&String, &T)>;

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), indices: BTreeMap::new() }
    }
}

impl<T> FromIterator<(String, T)> for Keyed<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        let entries: Vec<(String, T)> = entries.into_iter().collect();
        let indices = entries.iter().enumerate().map(|(index, (key, _))| (key.clone(), index)).collect();
        Self { entries, indices }
    }
}

impl<'a, T> IntoIterator for &'a Keyed<T> {
    type Item = (&'a String, &'a T);
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Keyed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keyed<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// To a schema it is any other table.
impl<T: JsonSchema> JsonSchema for Keyed<T> {
    fn inline_schema() -> bool {
        <BTreeMap<String, T>>::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        <BTreeMap<String, T>>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <BTreeMap<String, T>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::kinds::compute::section::Services;
    use crate::kinds::config::ssm_parameter::section::Parameters;

    #[test]
    fn the_order_of_the_spec_is_kept_through_extends() {
        let folder = tempfile::tempdir().expect("a folder");
        let small = include_str!("../../fixtures/small.toml");
        let service = |key: &str| {
            format!(
                "[services.{key}]\nimage = \"x\"\ncpu = 256\nmemory = 512\nsecurity-groups = [\"app\"]\nsubnets = [\"public-a\"]\n"
            )
        };
        let base = format!("{small}\n{}{}", service("zeta"), service("mail"));
        std::fs::write(folder.path().join("base.toml"), base).expect("a file");
        let over =
            format!("extends = \"base.toml\"\n{}[services.mail]\ncount = 2\n{}", service("beta"), service("alpha"));
        let path = folder.path().join("over.toml");
        std::fs::write(&path, over).expect("a file");
        let env = crate::spec::load(Path::new(&path), &crate::kinds::catalog()).expect("a sound spec").env;
        let (services, parameters) = (env.section::<Services>(), env.section::<Parameters>());
        assert_eq!(services.keys().collect::<Vec<_>>(), ["web", "zeta", "mail", "beta", "alpha"]);
        assert_eq!(services.get("mail").map(|service| service.count), Some(2));
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["web/greeting", "web/token"]);
    }
}
