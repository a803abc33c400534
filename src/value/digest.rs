use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of something's JSON, in hex. The keys of its maps are to be sorted.
pub fn sha256(value: &impl Serialize) -> String {
    let mut digest = Sha256::new();
    serde_json::to_writer(&mut digest, value).unwrap_or_else(|error| unreachable!("it is JSON: {error}"));
    hex::encode(digest.finalize())
}
