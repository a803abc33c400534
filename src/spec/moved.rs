//! Entries that have another key than before, and what they keep of the earlier one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another key for an entry: what was made for `from` is what `to` stands for now. Nothing is replaced for it. The
/// objects get new tags, and keep the names that AWS cannot change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Moved {
    /// The entry as the spec had it, by its path: `databases.main`.
    pub from: String,
    /// The entry as the spec has it now, in the same section: `databases.core`.
    pub to: String,
}

/// The tag of an object that keeps the name of an earlier key of its entry: that entry's path then.
pub const MOVED_FROM: &str = "baseplate:moved-from";

/// An entry of a section: the section's key, and its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    pub section: &'static str,
    pub key: String,
}

/// The earlier keys after which entries are still named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<EntryKey, String>);

impl Names {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names an entry after a key, which may be its own, if none was told before.
    pub fn keep(&mut self, entry: EntryKey, key: &str) {
        self.0.entry(entry).or_insert_with(|| key.to_owned());
    }

    /// Without the entries that are named after their own keys.
    #[must_use]
    pub fn earlier(mut self) -> Self {
        self.0.retain(|entry, key| entry.key != *key);
        self
    }

    /// The key that an entry is named after, if that is not its own.
    pub(super) fn get(&self, entry: &EntryKey) -> Option<&str> {
        self.0.get(entry).map(String::as_str)
    }
}
