//! The small values that every kind's attributes are made of: addresses, typed references, text with
//! references inside, and secrets that are never spelled out.

mod address;
mod digest;
mod random;
mod reference;
mod sanitize;
mod secret;
mod shell;
mod tags;
mod text;
pub mod walk;

pub use address::{Address, AddressError};
pub use digest::sha256;
pub use random::random_key;
pub use reference::{Ref, Target};
pub use sanitize::{LINE_PREFIX, is_unsafe, one_line, prefix_lines, sanitize, without_workflow_commands};
pub use secret::{Secret, SecretSource, SecretStore, from_variable, without_password};
pub use shell::shell_word;
pub use tags::Tags;
pub use text::{Part, Text};

/// Keys of the tagged JSON objects that stand for something other than themselves in serialised attributes.
pub mod tag {
    /// An unresolved reference: `{"$to": "vpc.main", "output": "id"}`.
    pub const TO: &str = "$to";
    /// A resolved reference: `{"$id": "vpc-0a1b", "kind": "vpc", "output": "id"}`.
    pub const ID: &str = "$id";
    /// Text with references inside: `{"$text": ["http://", {"$to": …}]}`.
    pub const TEXT: &str = "$text";
    /// A secret: `{"$secret": {"fingerprint": "…"}}` once resolved, `{"$secret": {"env": "…"}}` and the like before.
    pub const SECRET: &str = "$secret";
}
