use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Address, Text};

/// A secret as attributes hold it: where it comes from, or the fingerprint of its value. The value itself
/// stays in the [`SecretStore`] and has neither `Display` nor `Serialize`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secret {
    #[serde(rename = "$secret")]
    source: SecretSource,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The value's keyed fingerprint: what live secrets and resolved ones look like.
    Fingerprint(String),
    /// An environment variable of the process that applies.
    Env(String),
    /// Generated once, of this many letters and digits, and then kept.
    Generate(usize),
    /// Text in which some output is itself secret.
    Text(Text),
}

impl Secret {
    pub fn new(source: SecretSource) -> Self {
        Self { source }
    }

    pub fn source(&self) -> &SecretSource {
        &self.source
    }
}

/// The one place in memory that holds secret values, for as long as a command runs. Values are found again by
/// fingerprint (HMAC-SHA-256 under a key that is not in the spec, so a low-entropy secret cannot be guessed
/// from a fingerprint alone) or by the object that holds them. Values are overwritten when the last clone goes.
#[derive(Clone)]
pub struct SecretStore {
    inner: Rc<Inner>,
    placeholders: bool,
    /// Whether environment variables are read.
    variables: bool,
}

struct Inner {
    key: Zeroizing<Vec<u8>>,
    by_fingerprint: RefCell<HashMap<String, StoredValue>>,
    by_address: RefCell<HashMap<Address, String>>,
}

struct StoredValue {
    clear: Zeroizing<String>,
    /// Whether it is a secret, and not just a value to compare with one.
    hidden: bool,
}

/// Replaces a redacted value.
const MASK: &str = "(secret)";
/// Shorter values occur in too many texts by chance to be redacted.
const MASKED_FROM: usize = 4;

impl SecretStore {
    pub fn new(key: Vec<u8>) -> Self {
        let (by_fingerprint, by_address) = (RefCell::default(), RefCell::default());
        let inner = Inner { key: Zeroizing::new(key), by_fingerprint, by_address };
        Self { inner: Rc::new(inner), placeholders: false, variables: true }
    }

    /// For trying changes: placeholders stand for secrets whose variable is not set.
    #[must_use]
    pub fn with_placeholders(self) -> Self {
        Self { placeholders: true, ..self }
    }

    /// The same as if no environment variable were set: what a job without secrets plans.
    #[must_use]
    pub fn without_variables(&self) -> Self {
        Self { variables: false, ..self.clone() }
    }

    /// The value of an environment variable, where it is set and to be read.
    pub fn variable(&self, name: &str) -> Option<Zeroizing<String>> {
        from_variable(name).filter(|_| self.variables)
    }

    /// The placeholder for a variable that is not set, where there are placeholders.
    pub fn placeholder(&self, variable: &str) -> Option<Zeroizing<String>> {
        self.placeholders.then(|| Zeroizing::new(format!("${variable}")))
    }

    /// The key of its fingerprints.
    pub fn key(&self) -> &[u8] {
        &self.inner.key
    }

    /// Stores a value and returns its secret.
    pub fn store(&self, clear: Zeroizing<String>) -> Secret {
        self.take_in(clear, true)
    }

    /// The same for a value that is not secret, but may have to be compared with a secret.
    pub fn store_plain(&self, clear: Zeroizing<String>) -> Secret {
        self.take_in(clear, false)
    }

    fn take_in(&self, clear: Zeroizing<String>, hidden: bool) -> Secret {
        let fingerprint = self.fingerprint(&clear);
        let mut kept = self.inner.by_fingerprint.borrow_mut();
        kept.entry(fingerprint.clone()).or_insert(StoredValue { clear, hidden: false }).hidden |= hidden;
        Secret::new(SecretSource::Fingerprint(fingerprint))
    }

    /// A text from outside with the secret values of this run redacted: AWS quotes what it rejects.
    pub fn mask(&self, text: &str) -> String {
        let kept = self.inner.by_fingerprint.borrow();
        let hidden = kept.values().filter(|kept| kept.hidden && kept.clear.chars().count() >= MASKED_FROM);
        let mut values: Vec<&str> = hidden.map(|kept| kept.clear.as_str()).collect();
        // A value within another goes after it, else what is around it would stay.
        values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
        values.into_iter().fold(text.to_owned(), |text, value| match text.contains(value) {
            true => text.replace(value, MASK),
            false => text,
        })
    }

    /// Where the cloud has only fingerprints, the fingerprint replaces the value in texts that contain it.
    pub fn use_fingerprint(&self, secret: &Secret) {
        if let SecretSource::Fingerprint(fingerprint) = secret.source() {
            let kept = StoredValue { clear: Zeroizing::new(fingerprint.clone()), hidden: false };
            self.inner.by_fingerprint.borrow_mut().insert(fingerprint.clone(), kept);
        }
    }

    /// Records that the object at `address` has this secret, so that texts may refer to it.
    pub fn assign(&self, address: Address, secret: &Secret) {
        if let SecretSource::Fingerprint(fingerprint) = secret.source() {
            self.inner.by_address.borrow_mut().insert(address, fingerprint.clone());
        }
    }

    /// The value behind a resolved secret, for the one call that hands it to AWS.
    pub fn reveal(&self, secret: &Secret) -> Option<Zeroizing<String>> {
        match secret.source() {
            SecretSource::Fingerprint(fingerprint) => self.value(fingerprint),
            _ => None,
        }
    }

    /// The secret that the object at `address` holds, by its fingerprint.
    pub fn secret_of(&self, address: &Address) -> Option<Secret> {
        let fingerprint = self.inner.by_address.borrow().get(address)?.clone();
        Some(Secret::new(SecretSource::Fingerprint(fingerprint)))
    }

    /// The value that the object at `address` holds.
    pub fn value_at(&self, address: &Address) -> Option<Zeroizing<String>> {
        self.value(self.inner.by_address.borrow().get(address)?)
    }

    fn value(&self, fingerprint: &str) -> Option<Zeroizing<String>> {
        self.inner.by_fingerprint.borrow().get(fingerprint).map(|kept| kept.clear.clone())
    }

    fn fingerprint(&self, clear: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key()).unwrap_or_else(|_| unreachable!("any key length"));
        mac.update(clear.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// The secret in an environment variable. CI sets a variable to nothing where it has no such secret: one that is empty
/// is not set.
pub fn from_variable(name: &str) -> Option<Zeroizing<String>> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(Zeroizing::new)
}

/// A URL without its user information, which may be a password.
pub fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(secret_store: &SecretStore, clear: &str) -> Secret {
        secret_store.store(Zeroizing::new(clear.to_owned()))
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(without_password("http://ada:pl@nted@host:1/a?b=c@d"), "http://host:1/a?b=c@d");
        assert_eq!(without_password("https://host?ada@b"), "https://host?ada@b");
        assert_eq!(without_password("host"), "host");
    }

    #[test]
    fn neither_json_nor_debug_shows_a_value() {
        let secret_store = SecretStore::new(vec![7; 32]);
        let secret = keep(&secret_store, "hunter2!");
        let shown = format!("{secret:?} {secret_store:?} {}", serde_json::to_string(&secret).expect("JSON"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(secret_store.reveal(&secret).expect("the value").as_str(), "hunter2!");
    }

    #[test]
    fn values_are_taken_out_of_texts_the_longest_first() {
        let secret_store = SecretStore::new(vec![7; 32]);
        keep(&secret_store, "hunter2!");
        keep(&secret_store, "postgres://me:hunter2!@db/shop");
        keep(&secret_store, "abc");
        secret_store.store_plain(Zeroizing::new("shop".to_owned()));
        let said = "`postgres://me:hunter2!@db/shop` is no name for a shop, nor is hunter2! or abc";
        assert_eq!(secret_store.mask(said), "`(secret)` is no name for a shop, nor is (secret) or abc");
        keep(&secret_store, "shop");
        assert_eq!(secret_store.mask("shop"), "(secret)", "once it is known to be secret, it is");
    }

    #[test]
    fn fingerprints_depend_on_the_key() {
        assert_ne!(keep(&SecretStore::new(vec![1; 32]), "demo"), keep(&SecretStore::new(vec![2; 32]), "demo"));
    }
}
