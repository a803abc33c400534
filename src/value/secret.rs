use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Address, Text};

/// A secret as attributes hold it: where it comes from, or the fingerprint of its value. The value itself
/// stays in the [`Vault`] and has neither `Display` nor `Serialize`.
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
    /// Made once, of this many letters and digits, and kept ever after.
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
/// from a fingerprint alone) or by the object that holds them.
pub struct Vault {
    key: Zeroizing<Vec<u8>>,
    by_fingerprint: RefCell<HashMap<String, Zeroizing<String>>>,
    by_address: RefCell<HashMap<Address, String>>,
    supposes: bool,
}

impl Vault {
    pub fn new(key: Vec<u8>) -> Self {
        Self {
            key: Zeroizing::new(key),
            by_fingerprint: RefCell::default(),
            by_address: RefCell::default(),
            supposes: false,
        }
    }

    /// A vault for trying changes: a secret whose variable is not set counts as given.
    #[must_use]
    pub fn supposing(self) -> Self {
        Self { supposes: true, ..self }
    }

    /// What stands for the value of a variable that is not set, where it counts as given.
    pub fn supposed(&self, variable: &str) -> Option<Zeroizing<String>> {
        self.supposes.then(|| Zeroizing::new(format!("${variable}")))
    }

    /// What its fingerprints are made under.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Takes a value in and answers with the secret that stands for it.
    pub fn keep(&self, clear: Zeroizing<String>) -> Secret {
        let fingerprint = self.fingerprint(&clear);
        self.by_fingerprint.borrow_mut().entry(fingerprint.clone()).or_insert(clear);
        Secret::new(SecretSource::Fingerprint(fingerprint))
    }

    /// Where the cloud holds only fingerprints, the fingerprint stands for the value in texts that hold it.
    pub fn stand_in(&self, secret: &Secret) {
        if let SecretSource::Fingerprint(fingerprint) = secret.source() {
            let clear = Zeroizing::new(fingerprint.clone());
            self.by_fingerprint.borrow_mut().insert(fingerprint.clone(), clear);
        }
    }

    /// Remembers that the object at `address` holds this secret, so that texts may refer to it.
    pub fn hold(&self, address: Address, secret: &Secret) {
        if let SecretSource::Fingerprint(fingerprint) = secret.source() {
            self.by_address.borrow_mut().insert(address, fingerprint.clone());
        }
    }

    /// The value behind a resolved secret, for the one call that hands it to AWS.
    pub fn reveal(&self, secret: &Secret) -> Option<Zeroizing<String>> {
        match secret.source() {
            SecretSource::Fingerprint(fingerprint) => self.by_fingerprint.borrow().get(fingerprint).cloned(),
            _ => None,
        }
    }

    /// The secret that the object at `address` holds, by its fingerprint.
    pub fn secret_of(&self, address: &Address) -> Option<Secret> {
        let fingerprint = self.by_address.borrow().get(address)?.clone();
        Some(Secret::new(SecretSource::Fingerprint(fingerprint)))
    }

    /// The value that the object at `address` holds.
    pub fn held(&self, address: &Address) -> Option<Zeroizing<String>> {
        let fingerprint = self.by_address.borrow().get(address)?.clone();
        self.by_fingerprint.borrow().get(&fingerprint).cloned()
    }

    fn fingerprint(&self, clear: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!("any key length"));
        mac.update(clear.as_bytes());
        mac.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}
