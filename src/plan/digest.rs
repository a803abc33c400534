use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cloud::Found;
use crate::value::tag;

/// SHA-256 of everything live. Secrets count by their version (an output), since their fingerprints are under
/// a key of this run; tags taken on trust do not count, since the index that they come from lags.
pub fn live_digest(found: &[Found]) -> String {
    let mut found: Vec<&Found> = found.iter().collect();
    // AWS lists in any order; ids are unique within a kind, but for what belongs to something else.
    found.sort_by_key(|Found { kind, live }| (kind.name(), &live.id, &live.address));
    let mut digest = Sha256::new();
    for Found { kind, live } in found {
        digest.update(format!("{} {} {:?}", kind.name(), live.id, live.outputs));
        match &live.attrs {
            Some(attrs) => {
                for (name, value) in attrs.as_object().into_iter().flatten().filter(|(name, _)| *name != "tags") {
                    digest.update(name);
                    take_in(&mut digest, &Masked(value));
                }
            }
            None => digest.update(live.seal.as_deref().unwrap_or_default()),
        }
        digest.update("\n");
    }
    hex(digest)
}

/// SHA-256 of a value's JSON, whose keys are sorted.
pub fn sha256(value: &Value) -> String {
    let mut digest = Sha256::new();
    take_in(&mut digest, value);
    hex(digest)
}

fn take_in(digest: &mut Sha256, value: &impl Serialize) {
    serde_json::to_writer(digest, value).unwrap_or_else(|error| unreachable!("attributes are JSON: {error}"));
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value with nothing in place of its secrets.
struct Masked<'a>(&'a Value);

impl Serialize for Masked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Masked)),
            Value::Object(map) if map.contains_key(tag::SECRET) => serializer.serialize_unit(),
            Value::Object(map) => serializer.collect_map(map.iter().map(|(key, value)| (key, Masked(value)))),
            other => other.serialize(serializer),
        }
    }
}
