use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of something's JSON, in hex. The keys of its maps are to be sorted.
pub fn sha256(value: &impl Serialize) -> String {
    let mut hasher = Hasher(Sha256::new());
    serde_json::to_writer(&mut hasher, value).unwrap_or_else(|error| unreachable!("it is JSON: {error}"));
    hex::encode(hasher.0.finalize())
}

/// Hashes what is written to it: the JSON is never there as a whole.
struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
