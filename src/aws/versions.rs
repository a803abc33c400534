//! What a run knows of the versions of parameters.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// By the name of a parameter, a digest of one version, its time and its value.
pub type Entries = BTreeMap<String, String>;

/// The record of versions as a run found it, and what the run has to add.
#[derive(Default)]
pub struct Versions {
    pub kept: RefCell<Entries>,
    pub found: RefCell<Entries>,
    /// What this run wrote, or at least tried to; `false` where it deleted it.
    written: RefCell<BTreeMap<String, bool>>,
}

impl Versions {
    pub fn put(&self, name: &str) {
        self.written.borrow_mut().insert(name.to_owned(), true);
    }

    pub fn deleted(&self, name: &str) {
        self.written.borrow_mut().insert(name.to_owned(), false);
    }

    pub fn written(&self) -> BTreeMap<String, bool> {
        self.written.borrow().clone()
    }
}
