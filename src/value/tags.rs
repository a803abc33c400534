use std::collections::BTreeMap;

/// Tags of an object, those of ownership included.
pub type Tags = BTreeMap<String, String>;
