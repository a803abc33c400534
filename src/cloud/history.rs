//! Who last changed an object: what is recorded of calls to AWS, as far as it may be read.

#[cfg(any(test, feature = "aws"))]
pub mod event;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// An object that is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What its answer is found by: its address, or kind and id of one that somebody made.
    pub key: String,
    /// What the records may call it: an id, a name or an ARN, the likeliest first.
    pub names: Vec<String>,
    /// A text that stands in each of its records, where others have theirs under the same name.
    pub text: Option<String>,
    /// Whether its service is global: its records are in the region of those.
    pub is_global: bool,
    /// Whether somebody made it by hand: then the call that made it is what is looked for, whatever that is called.
    pub is_by_hand: bool,
}

/// The newest recorded call that changed an object. It need not have made the difference that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastChange {
    /// The principal, as an ARN where there is one: `arn:aws:sts::123456789012:assumed-role/admin/alice`.
    pub by: String,
    /// In UTC: `2026-11-28T01:20:33Z`.
    pub at: String,
    /// The operation: `AuthorizeSecurityGroupIngress`.
    pub event: String,
    /// With what it was called, where that is known: `console`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// An address, or the name of the AWS service that called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How many further calls before it, since Baseplate's own last one, changed the object; of the newest that were read.
    pub earlier: usize,
}

impl fmt::Display for LastChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, at, event, with, earlier, .. } = self;
        write!(f, "last changed by {by}, {at}, {event}")?;
        if let Some(with) = with {
            write!(f, " ({with})")?;
        }
        match earlier {
            0 => Ok(()),
            1 => write!(f, "; one earlier change"),
            _ => write!(f, "; {earlier} earlier changes"),
        }
    }
}

/// What the records tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// By the key of the subject. Of one without a record that fits, there is nothing.
    pub found: BTreeMap<String, LastChange>,
    /// Why it is not known of some or all.
    pub notes: Vec<String>,
}

impl History {
    /// The same with every text put through `change`.
    #[must_use]
    pub fn map(self, change: impl Fn(&str) -> String) -> Self {
        let changed = |last: LastChange| LastChange {
            by: change(&last.by),
            at: change(&last.at),
            event: change(&last.event),
            with: last.with.as_deref().map(&change),
            from: last.from.as_deref().map(&change),
            earlier: last.earlier,
        };
        Self {
            found: self.found.into_iter().map(|(key, last)| (key, changed(last))).collect(),
            notes: self.notes.iter().map(|note| change(note)).collect(),
        }
    }
}
