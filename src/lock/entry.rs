use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Held, Holder};
use crate::clock::rfc3339;

/// What a version of the parameter says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Always [`FORMAT`].
    pub lock_format: u64,
    /// The number that this version is meant to have: it counts only if it has it.
    pub version: i64,
    /// The how-manieth entry of its holder it is: no two are alike.
    #[serde(default)]
    pub attempt: u64,
    /// Whether the lock is held, or was freed by the holder.
    pub held: bool,
    pub holder: Holder,
    pub lease_seconds: u64,
    /// RFC 3339, by the holder's clock.
    pub expires: String,
}

const FORMAT: u64 = 1;

/// The format of an entry that another version of Baseplate wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its format is {0}, of a newer version of Baseplate; use that version")]
pub struct UnknownFormat(pub u64);

/// The longest lease, in seconds.
pub const LONGEST: u64 = 3600;

impl Entry {
    pub fn held(holder: &Holder, lease: Duration, now: SystemTime, version: i64) -> Self {
        let expires = rfc3339(now + lease);
        let (holder, lease_seconds) = (holder.clone(), lease.as_secs());
        Self { lock_format: FORMAT, version, attempt: 0, held: true, holder, lease_seconds, expires }
    }

    pub fn free(holder: &Holder, now: SystemTime, version: i64) -> Self {
        Self { held: false, ..Self::held(holder, Duration::ZERO, now, version) }
    }

    pub fn is_held_by(&self, holder: &Holder) -> bool {
        self.held && self.holder.id == holder.id
    }

    /// How long it has to stand still before it may be taken over.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.clamp(1, LONGEST))
    }

    pub fn as_held(&self, idle: Duration) -> Held {
        let (holder, expires) = (self.holder.clone(), Some(self.expires.clone()));
        Held { holder, lease: Some(self.lease()), expires, idle }
    }

    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The entry that is version `number`, if the version counts. What is no entry at all, written by hand for
    /// instance, does not count either.
    ///
    /// # Errors
    /// Another Baseplate wrote it in a format that this one does not know: to pass over it would be to ignore
    /// its lock.
    pub fn counting(text: &str, number: i64) -> Result<Option<Self>, UnknownFormat> {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Ok(None) };
        match value.get("lock_format").and_then(Value::as_u64) {
            None => Ok(None),
            Some(FORMAT) => Ok(Self::deserialize(value).ok().filter(|entry| entry.version == number)),
            Some(other) => Err(UnknownFormat(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_counts_only_under_the_number_it_states() {
        let entry = Entry::held(&Holder::this("apply"), Duration::from_secs(60), SystemTime::now(), 7);
        assert_eq!(Entry::counting(&entry.text(), 7), Ok(Some(entry.clone())));
        assert_eq!(Entry::counting(&entry.text(), 8), Ok(None));
        for garbage in ["", "free", "{}", "[]", r#"{"lock_format": 1, "version": 7}"#, r#"{"lock_format": "1"}"#] {
            assert_eq!(Entry::counting(garbage, 7), Ok(None), "{garbage}");
        }
        assert_eq!(Entry::counting(r#"{"lock_format": 2}"#, 7), Err(UnknownFormat(2)));
    }

    #[test]
    fn an_entry_fits_into_a_standard_parameter_and_refers_to_none() {
        let mut holder = Holder::this("apply");
        let long = "x".repeat(400);
        (holder.by, holder.run) = (long.clone(), Some(long));
        let text = Entry::held(&holder, Duration::from_secs(60), SystemTime::now(), i64::MAX).text();
        assert!(text.len() < 4096 && !text.contains("{{"), "{text}");
    }
}
