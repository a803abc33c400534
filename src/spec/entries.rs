//! The entries of a spec by their paths, and what is named after their keys.

use std::sync::Arc;

use super::environment::Held;
use super::{EntryKey, Environment, Moved, Names, Unknown};

impl Environment {
    /// The entry that a path names, which need not be there.
    ///
    /// # Errors
    /// It is no path of an entry that objects are made for.
    pub fn entry(&self, path: &str) -> Result<EntryKey, Unknown> {
        let (section, rest) = path.split_once('.').unwrap_or((path, ""));
        let tables = || self.all_held().filter_map(|held| Some((held, held.entry_table()?)));
        let spelled = |(held, table): (&Arc<dyn Held>, &str)| match table {
            "" => format!("{}.<key>", held.key()),
            table => format!("{}.{table}.<key>", held.key()),
        };
        let Some((held, table)) = tables().find(|(held, _)| held.key() == section) else {
            let near = tables().map(|(held, table)| (strsim::jaro(held.key(), section), held, table));
            let help = match near.filter(|near| near.0 > 0.7).max_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((_, held, table)) => format!("did you mean `{}`?", spelled((held, table))),
                None => format!("entries are {}", tables().map(spelled).collect::<Vec<_>>().join(", ")),
            };
            return Err(Unknown::new(format!("`{path}` names no entry: no section `{section}` has entries"), help));
        };
        let key = match table {
            "" => Some(rest),
            table => rest.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')),
        };
        match key.filter(|key| !key.is_empty()) {
            Some(key) => Ok(EntryKey { section: held.key(), key: key.to_owned() }),
            None => {
                let help = format!("write it as `{}`", spelled((held, table)));
                Err(Unknown::new(format!("`{path}` names no entry"), help))
            }
        }
    }

    /// Whether the spec has the entry.
    pub fn has_entry(&self, entry: &EntryKey) -> bool {
        self.held(entry.section).is_some_and(|held| held.entry_keys().contains(&entry.key))
    }

    /// The keys of the entries of a section.
    pub fn entry_keys(&self, section: &str) -> Vec<String> {
        self.held(section).map(|held| held.entry_keys()).unwrap_or_default()
    }

    /// The entry that an object comes from, by the path of where it does. `None` where that has no entries.
    pub fn entry_of(&self, origin: &[String]) -> Option<EntryKey> {
        let held = self.held(origin.first()?)?;
        let key = match held.entry_table()? {
            "" => origin.get(1)?,
            table => origin.get(2).filter(|_| origin[1] == table)?,
        };
        Some(EntryKey { section: held.key(), key: key.clone() })
    }

    /// The path of an entry, as the spec writes it.
    pub fn entry_path(&self, EntryKey { section, key }: &EntryKey) -> String {
        match self.held(section).and_then(|held| held.entry_table()).unwrap_or_default() {
            "" => format!("{section}.{key}"),
            table => format!("{section}.{table}.{key}"),
        }
    }

    /// The same with another key for an entry, at its place. Most of what refers to it by the key it has leads to nothing
    /// then: it is good for what objects are called. `None` where there is no such entry.
    pub fn with_key(&self, entry: &EntryKey, key: &str) -> Option<Self> {
        let (mut other, held) = (self.clone(), self.held(entry.section)?);
        other.hold(held.with_key(&entry.key, key)?);
        held.refer_anew(&mut other, &entry.key, key);
        Some(other)
    }

    /// The same with entries that are named after an earlier key.
    #[must_use]
    pub fn with_names(&self, names: Names) -> Self {
        let mut named = self.clone();
        named.names = names;
        named
    }

    /// Whether any entry is named after an earlier key.
    pub fn keeps_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether what is made for entries of this section has names of their keys.
    pub fn is_named_by_key(&self, section: &str) -> bool {
        self.held(section).is_some_and(|held| held.named_by_key())
    }

    /// The key that the names of an entry's objects are made of: an earlier one, where they keep that.
    pub fn naming_key<'k>(&'k self, section: &'static str, key: &'k str) -> &'k str {
        if self.names.is_empty() {
            return key;
        }
        self.names.get(&EntryKey { section, key: key.to_owned() }).unwrap_or(key)
    }

    /// What the tag [`MOVED_FROM`] says of the objects of an entry, if they have it.
    pub fn moved_from(&self, entry: &EntryKey) -> Option<String> {
        let key = self.names.get(entry)?.to_owned();
        Some(self.entry_path(&EntryKey { section: entry.section, key }))
    }

    /// The key that an entry has now which had this one.
    pub fn key_now<'k>(&'k self, section: &'static str, key: &'k str) -> &'k str {
        let is_it = |moved: &&Moved| {
            self.entry(&moved.from).is_ok_and(|from| (from.section, from.key.as_str()) == (section, key))
        };
        let to = self.moved.iter().find(is_it).map(|moved| moved.to.as_str());
        to.and_then(|to| Some(&to[to.len() - self.entry(to).ok()?.key.len()..])).unwrap_or(key)
    }
}
