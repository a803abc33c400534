use std::fmt;
use std::marker::PhantomData;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Address, tag};

/// What a reference may point at: each kind's marker type names the kind. `Ref<Vpc>` cannot hold a subnet.
pub trait Target {
    /// The kind's address prefix, e.g. `"vpc"`.
    const KIND: &'static str;
    /// Whether its objects belong to the project: every environment shares them, and destroying one leaves them.
    const SHARED: bool = false;
}

/// A typed reference to an output of another object.
///
/// In desired attributes it is mostly `To` (an address in this environment) and sometimes `Id` (something the
/// spec names by id). In live attributes, and in the attributes handed to `create` and `update`, it is `Id`.
/// The output `"id"` is the object's own id; others (`"arn"`, `"dns_name"`) are what the kind lists in `OUTPUTS`.
pub enum Ref<K> {
    To { address: Address, output: String },
    Id { id: String, output: String, kind: PhantomData<K> },
}

impl<K: Target> Ref<K> {
    /// The id of the object called `name` of kind `K`.
    pub fn to(name: impl Into<String>) -> Self {
        Self::output(name, "id")
    }

    /// An output of the object called `name` of kind `K`.
    pub fn output(name: impl Into<String>, output: &str) -> Self {
        Self::To { address: Address::new(K::KIND, name), output: output.to_owned() }
    }

    /// Something that exists already, by the id that AWS gave it.
    pub fn id(id: impl Into<String>) -> Self {
        Self::live("id", id)
    }

    /// A live output's value: what `read_all` found where the desired attribute refers to `output`.
    pub fn live(output: &str, value: impl Into<String>) -> Self {
        Self::Id { id: value.into(), output: output.to_owned(), kind: PhantomData }
    }

    /// The resolved value. Empty for a reference that is not resolved, which the engine never hands to a kind.
    pub fn value(&self) -> &str {
        match self {
            Self::To { .. } => "",
            Self::Id { id, .. } => id,
        }
    }
}

impl<K: Target> Serialize for Ref<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::To { address, output } => {
                map.serialize_entry(tag::TO, address)?;
                map.serialize_entry("output", output)?;
            }
            Self::Id { id, output, .. } => {
                map.serialize_entry(tag::ID, id)?;
                map.serialize_entry("kind", K::KIND)?;
                map.serialize_entry("output", output)?;
            }
        }
        map.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(rename = "$to")]
    to: Option<Address>,
    #[serde(rename = "$id")]
    id: Option<String>,
    kind: Option<String>,
    output: String,
}

impl<'de, K: Target> Deserialize<'de> for Ref<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let found = raw.kind.as_deref().or(raw.to.as_ref().map(Address::kind));
        if found != Some(K::KIND) {
            return Err(D::Error::custom(format!(
                "a reference to {} where {} belongs",
                found.unwrap_or("?"),
                K::KIND
            )));
        }
        match (raw.to, raw.id) {
            (Some(address), None) => Ok(Self::To { address, output: raw.output }),
            (None, Some(id)) => Ok(Self::Id { id, output: raw.output, kind: PhantomData }),
            _ => Err(D::Error::custom("a reference needs either $to or $id")),
        }
    }
}

// Written out because a derive would ask the same of the marker `K`.
impl<K> Clone for Ref<K> {
    fn clone(&self) -> Self {
        match self {
            Self::To { address, output } => Self::To { address: address.clone(), output: output.clone() },
            Self::Id { id, output, .. } => Self::Id { id: id.clone(), output: output.clone(), kind: PhantomData },
        }
    }
}

impl<K> Ref<K> {
    fn key(&self) -> (u8, String, &str) {
        match self {
            Self::To { address, output } => (0, address.to_string(), output),
            Self::Id { id, output, .. } => (1, id.clone(), output),
        }
    }
}

impl<K> PartialEq for Ref<K> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<K> Eq for Ref<K> {}

impl<K> PartialOrd for Ref<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Ref<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<K> fmt::Debug for Ref<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To { address, output } => write!(f, "{address}.{output}"),
            Self::Id { id, .. } => f.write_str(id),
        }
    }
}
