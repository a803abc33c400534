use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cloud::Found;
use crate::value::tag;

/// SHA-256 of everything live. Secrets count by their version (an output), since their fingerprints are under
/// a key of this run; tags taken on trust do not count, since the index that they come from lags.
pub fn live_digest(found: &[Found]) -> String {
    let mut lines: Vec<String> = found
        .iter()
        .map(|Found { kind, live }| {
            let mut attrs = live.attrs.clone().unwrap_or_else(|| live.seal.clone().into());
            mask(&mut attrs);
            if let Some(map) = attrs.as_object_mut() {
                map.remove("tags");
            }
            format!("{} {} {:?} {attrs}", kind.name(), live.id, live.outputs)
        })
        .collect();
    lines.sort_unstable();
    hex(lines.join("\n").as_bytes())
}

/// SHA-256 of a value's JSON, whose keys are sorted.
pub fn sha256(value: &Value) -> String {
    hex(value.to_string().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) if map.contains_key(tag::SECRET) => map.clear(),
        Value::Object(map) => map.values_mut().for_each(mask),
        _ => {}
    }
}
