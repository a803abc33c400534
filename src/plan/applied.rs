use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::sha256;
use crate::value::Address;

/// What the spec asked for when it was last applied: by address, a digest of each wanted field. By it a plan tells
/// what somebody asked for from what somebody did by hand. It holds digests of what specs say (a secret's source,
/// never its value), and nothing is lost with it but this distinction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Applied(BTreeMap<Address, String>);

/// Hex digits of one field's digest: that two values share theirs would only put a change under the wrong heading.
const DIGITS: usize = 6;

impl Applied {
    /// Remembers that the object is as these attributes, unresolved, want it.
    pub fn learn(&mut self, address: &Address, desired: &Value) {
        self.0.insert(address.clone(), digests(desired));
    }

    /// Forgets all others.
    pub fn retain(&mut self, keep: impl Fn(&Address) -> bool) {
        self.0.retain(|address, _| keep(address));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the field was asked for in the same words when the object was last applied.
    pub fn asked(&self, address: &Address, desired: &Value, field: &str) -> bool {
        let (Some(then), Some(fields)) = (self.0.get(address), desired.as_object()) else { return false };
        let now = digests(desired);
        let Some(place) = fields.keys().position(|name| name == field) else { return false };
        let of = |digests: &str| digests.get(place * DIGITS..(place + 1) * DIGITS).map(str::to_owned);
        // Another number of fields: another Baseplate wrote it, and its places mean other fields.
        then.len() == now.len() && of(then) == of(&now)
    }

    /// Whether the whole object was asked for in the same words.
    pub fn is_same(&self, address: &Address, desired: &Value) -> bool {
        self.0.get(address).is_some_and(|then| *then == digests(desired))
    }

    /// The record as JSON texts of at most so many bytes, each complete in itself.
    pub fn pages(&self, bytes: usize) -> Vec<String> {
        let mut pages = Vec::new();
        let mut page = Self::default();
        let mut size = 2;
        for (address, digests) in &self.0 {
            let entry = address.to_string().len() + digests.len() + 6;
            if size + entry > bytes && !page.is_empty() {
                pages.push(std::mem::take(&mut page).json());
                size = 2;
            }
            page.0.insert(address.clone(), digests.clone());
            size += entry;
        }
        if !page.is_empty() {
            pages.push(page.json());
        }
        pages
    }

    /// Puts together what [`Self::pages`] took apart. A page that is none is left out.
    pub fn of_pages<'a>(pages: impl IntoIterator<Item = &'a str>) -> Self {
        let read = |page: &str| serde_json::from_str::<Self>(page).unwrap_or_default();
        Self(pages.into_iter().flat_map(|page| read(page).0).collect())
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("a map of strings: {error}"))
    }
}

fn digests(desired: &Value) -> String {
    let fields = desired.as_object().into_iter().flat_map(|fields| fields.values());
    fields.map(|value| sha256(value)[..DIGITS].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn address(name: &str) -> Address {
        Address::new("vpc", name)
    }

    #[test]
    fn fields_are_told_apart() {
        let mut applied = Applied::default();
        applied.learn(&address("main"), &json!({"cidr": "10.0.0.0/16", "dns": true}));
        let now = json!({"cidr": "10.1.0.0/16", "dns": true});
        assert!(applied.asked(&address("main"), &now, "dns"));
        assert!(!applied.asked(&address("main"), &now, "cidr"));
        assert!(!applied.asked(&address("other"), &now, "dns"));
        assert!(!applied.is_same(&address("main"), &now));
    }

    #[test]
    fn another_set_of_fields_is_not_comparable() {
        let mut applied = Applied::default();
        applied.learn(&address("main"), &json!({"cidr": "10.0.0.0/16"}));
        assert!(!applied.asked(&address("main"), &json!({"arn": 1, "cidr": "10.0.0.0/16"}), "cidr"));
    }

    #[test]
    fn pages_come_together_again() {
        let mut applied = Applied::default();
        for number in 0..100 {
            applied.learn(&address(&format!("n{number}")), &json!({"number": number}));
        }
        let pages = applied.pages(400);
        assert!(pages.len() > 3 && pages.iter().all(|page| page.len() <= 400), "{pages:?}");
        assert_eq!(Applied::of_pages(pages.iter().map(String::as_str)), applied);
        assert_eq!(Applied::of_pages(["not JSON"]), Applied::default());
    }
}
