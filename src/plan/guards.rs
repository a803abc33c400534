use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Action, Change};
use crate::kinds::Impact;
use crate::value::{Address, is_unsafe};

/// What the options allow to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowances {
    /// Objects that hold data and may be deleted.
    pub destroy: Vec<AddressPattern>,
    /// How many objects may be deleted at once.
    pub deletes: Option<usize>,
}

impl Allowances {
    pub fn may_destroy(&self, address: &Address) -> bool {
        self.destroy.iter().any(|pattern| pattern.matches(address))
    }
}

/// An address, `<kind>.*` for all of a kind, `*` for all, or a path of the spec for what derives from there.
#[derive(Clone, Debug, PartialEq)]
pub enum AddressPattern {
    One(Address),
    Kind(String),
    All,
    Path {
        text: String,
        /// Empty until the spec is known.
        addresses: BTreeSet<Address>,
    },
}

impl AddressPattern {
    pub fn matches(&self, address: &Address) -> bool {
        match self {
            Self::One(one) => one == address,
            Self::Kind(kind) => kind == address.kind(),
            Self::All => true,
            Self::Path { addresses, .. } => addresses.contains(address),
        }
    }

    /// The objects that it names one by one.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let (one, several) = match self {
            Self::One(address) => (Some(address), None),
            Self::Path { addresses, .. } => (None, Some(addresses)),
            Self::Kind(_) | Self::All => (None, None),
        };
        one.into_iter().chain(several.into_iter().flatten())
    }
}

/// A text that is no [`AddressPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address (db_instance.main) or a path of the spec (databases.main)")]
pub struct PatternError;

impl FromStr for AddressPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::All);
        }
        let address = text.parse::<Address>().ok();
        if let Some(address) = address.filter(|address| crate::kinds::find(address.kind()).is_some()) {
            let is_all = address.name() == "*";
            return Ok(if is_all { Self::Kind(address.kind().to_owned()) } else { Self::One(address) });
        }
        if text.is_empty() || text.contains(|c: char| is_unsafe(c) || c.is_whitespace()) {
            return Err(PatternError);
        }
        Ok(Self::Path { text: text.to_owned(), addresses: BTreeSet::new() })
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(address) => write!(f, "{address}"),
            Self::Kind(kind) => write!(f, "{kind}.*"),
            Self::All => f.write_str("*"),
            Self::Path { text, .. } => f.write_str(text),
        }
    }
}

impl Serialize for AddressPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// So many deletions in one apply need no approval; more look like a mistake (another base, an empty table) if they are
/// also more than a quarter of all objects.
const FEW: usize = 10;

/// The options without which `apply` refuses these changes.
pub(super) fn missing(changes: &[Change], unchanged: usize, destroy: bool, allowed: &Allowances) -> Vec<String> {
    let named = changes.iter().filter(|change| change.guarded);
    let mut missing: Vec<String> = named.map(|change| format!("--allow-destroy {}", change.address)).collect();
    let (go, there) = going(changes, unchanged);
    let many = !destroy && go > FEW && go * 4 > there;
    if many && allowed.deletes.is_none_or(|deletes| deletes < go) {
        missing.push(format!("--allow-deletes {go}"));
    }
    missing
}

/// How many objects are deleted or replaced, and how many there are.
pub fn going(changes: &[Change], unchanged: usize) -> (usize, usize) {
    let go = changes.iter().filter(|change| matches!(change.action, Action::Delete | Action::Replace)).count();
    (go, unchanged + changes.iter().filter(|change| change.action != Action::Create).count())
}

/// Whether the change requires approval by address.
pub(super) fn is_guarded(change: &Change, protect: bool, allowed: &Allowances) -> bool {
    protect && change.impact == Impact::DataLoss && !allowed.may_destroy(&change.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say() {
        let address = Address::new("ssm_parameter", "web/token");
        let matches = |pattern: &str| pattern.parse::<AddressPattern>().map(|pattern| pattern.matches(&address));
        assert_eq!(matches("*"), Ok(true));
        assert_eq!(matches("ssm_parameter.*"), Ok(true));
        assert_eq!(matches("ssm_parameter.web/token"), Ok(true));
        assert_eq!(matches("ssm_parameter.web"), Ok(false));
        assert_eq!(matches("parameters.web/token"), Ok(false), "nobody knows yet what derives from there");
        for text in ["", "a b", "a.b\n", "a.\u{202e}b"] {
            assert_eq!(matches(text), Err(PatternError), "{text:?}");
        }
        let addresses = BTreeSet::from([address.clone()]);
        let path = AddressPattern::Path { text: "parameters.web/token".to_owned(), addresses };
        assert!(path.matches(&address) && !path.matches(&Address::new("ssm_parameter", "web")));
    }
}
