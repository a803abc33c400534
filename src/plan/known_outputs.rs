use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::kinds::Outputs;
use crate::value::walk::{self, Lookup};
use crate::value::{Address, SecretStore, tag};

/// The ids and outputs that are known of each object: while planning, live ones that will not change; while applying,
/// also those just created.
#[derive(Default)]
pub struct KnownOutputs {
    /// Without an id where the object is to be replaced.
    known: RefCell<HashMap<Address, (Option<String>, Outputs)>>,
}

impl KnownOutputs {
    pub fn record(&self, address: &Address, id: &str, outputs: Outputs) {
        self.known.borrow_mut().insert(address.clone(), (Some(id.to_owned()), outputs));
    }

    /// Records outputs of the object that will replace the one at the address.
    pub fn record_replacement(&self, address: &Address, outputs: Outputs) {
        self.known.borrow_mut().insert(address.clone(), (None, outputs));
    }

    /// Adds outputs that became known later.
    pub fn add_outputs(&self, address: &Address, more: Outputs) {
        if let Some((_, outputs)) = self.known.borrow_mut().get_mut(address) {
            outputs.extend(more);
        }
    }

    pub fn get(&self, address: &Address) -> Option<(String, Outputs)> {
        let (id, outputs) = self.known.borrow().get(address).cloned()?;
        Some((id?, outputs))
    }

    /// One output of an object, or its `id`.
    pub fn output(&self, address: &Address, output: &str) -> Option<String> {
        let known = self.known.borrow();
        let (id, outputs) = known.get(address)?;
        if output == "id" { id.clone() } else { outputs.get(output).cloned() }
    }
}

/// Whether missing secrets are created: not while planning, since an apply would have to use the same ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SecretMode {
    Compare,
    Create,
}

/// `attrs` with every reference, text and secret resolved, as far as they are known.
pub fn resolve_with(
    attrs: &Value,
    known_outputs: &KnownOutputs,
    secret_store: &SecretStore,
    secrets: SecretMode,
) -> Value {
    walk::resolve(attrs, &Known { known_outputs, secret_store, secrets, inside_secret: false })
}

struct Known<'a> {
    known_outputs: &'a KnownOutputs,
    secret_store: &'a SecretStore,
    secrets: SecretMode,
    /// Only a text that is itself a secret may hold the value of one.
    inside_secret: bool,
}

impl Lookup for Known<'_> {
    fn output(&self, address: &Address, output: &str) -> Option<Zeroizing<String>> {
        let plain = self.known_outputs.output(address, output);
        if plain.is_none() && self.inside_secret && output == "value" && self.known_outputs.get(address).is_some() {
            return self.secret_store.value_at(address);
        }
        plain.map(Zeroizing::new)
    }

    fn secret(&self, source: &Value) -> Option<Value> {
        let clear = if let Some(name) = source.get("env").and_then(Value::as_str) {
            match self.secret_store.variable(name) {
                Some(value) => value,
                None if self.secrets == SecretMode::Create => self.secret_store.placeholder(name)?,
                None => return None,
            }
        } else if let Some(length) = source.get("generate").and_then(Value::as_u64) {
            if self.secrets == SecretMode::Compare {
                return None;
            }
            generate(usize::try_from(length).ok()?)?
        } else if let Some(text) = source.get("text") {
            let parts = match text.get(tag::TEXT) {
                Some(Value::Array(parts)) => parts.clone(),
                _ => vec![text.clone()],
            };
            walk::text(&parts, &Known { inside_secret: true, ..*self })?
        } else {
            return Some(json!({ tag::SECRET: source }));
        };
        serde_json::to_value(self.secret_store.store(clear)).ok()
    }
}

/// The environment variables that hold secrets of these attributes.
pub fn variables(attrs: &Value) -> Vec<String> {
    let secrets = attrs.as_object().into_iter().flatten().filter_map(|(_, value)| value.get(tag::SECRET));
    secrets.filter_map(|source| source.get("env")?.as_str().map(str::to_owned)).collect()
}

/// Letters and digits, each equally likely: 62 of them divide no byte, so the bytes past 4 × 62 are left out.
fn generate(length: usize) -> Option<Zeroizing<String>> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut value = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while value.len() < length {
        getrandom::fill(bytes.as_mut()).ok()?;
        let letters =
            bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(LETTERS[usize::from(*byte) % 62]));
        let missing = length - value.len();
        value.extend(letters.take(missing));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_secrets_have_their_length_and_differ() {
        let (a, b) = (generate(40).expect("entropy"), generate(40).expect("entropy"));
        assert_eq!(a.len(), 40);
        assert_ne!(*a, *b);
        assert!(a.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_plain_text_never_holds_a_secret() {
        let (known_outputs, secret_store) = (KnownOutputs::default(), SecretStore::new(vec![1; 32]));
        let address = Address::new("ssm_parameter", "key");
        let secret = secret_store.store(Zeroizing::new("hunter2".to_owned()));
        secret_store.assign(address.clone(), &secret);
        known_outputs.record(&address, "/p/e/key", Outputs::new());
        let text = json!({ "$text": ["x-", { "$to": "ssm_parameter.key", "output": "value" }] });
        assert_eq!(resolve_with(&text, &known_outputs, &secret_store, SecretMode::Create), text);
        let wrapped = resolve_with(
            &json!({ "$secret": { "text": text } }),
            &known_outputs,
            &secret_store,
            SecretMode::Create,
        );
        assert!(!wrapped.to_string().contains("hunter2"));
        assert!(wrapped["$secret"]["fingerprint"].is_string());
    }
}
