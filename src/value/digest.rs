use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of a value's JSON, whose keys are sorted.
pub fn sha256(value: &Value) -> String {
    let mut digest = Sha256::new();
    serde_json::to_writer(&mut digest, value).unwrap_or_else(|error| unreachable!("attributes are JSON: {error}"));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
