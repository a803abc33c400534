use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Found;
use crate::kinds::{Outputs, find};
use crate::plan::Applied;
use crate::spec::Environment;
use crate::value::Address;

/// The format of a cloud file. A file of another version is refused.
pub const FORMAT: &str = "baseplate-cloud";
pub const VERSION: u32 = 1;

/// Live objects in a file: what the file cloud lives on, and what `observe` captures from an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub format: String,
    pub version: u32,
    pub account: String,
    pub region: String,
    /// Hex; under it the fingerprints are made that stand in place of secret values.
    pub fingerprint_key: String,
    /// Numbers the ids that the file cloud gives out.
    pub next_id: u64,
    pub objects: Vec<Record>,
    /// By `<project>/<environment>`, what its spec asked for when it was last applied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub applied: BTreeMap<String, Applied>,
}

/// One object: references in `attrs` are by id, secrets by fingerprint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub project: String,
    /// `None` for what belongs to the project and is shared by its environments.
    pub environment: Option<String>,
    pub address: Address,
    pub id: String,
    /// How often it was updated: outputs that an update moves depend on it.
    #[serde(default)]
    pub revision: u64,
    #[serde(default)]
    pub outputs: Outputs,
    pub attrs: Value,
}

impl Capture {
    pub fn new(env: &Environment, key: &[u8]) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            account: env.account.clone(),
            region: env.region.clone(),
            fingerprint_key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
            next_id: 1,
            objects: Vec::new(),
            applied: BTreeMap::new(),
        }
    }

    /// What an observation saw, as records.
    pub fn of(env: &Environment, key: &[u8], found: &[Found], shared: impl Fn(&Address) -> bool) -> Self {
        let record = |found: &Found| {
            let address = found.live.address.clone()?;
            Some(Record {
                project: env.project.clone(),
                environment: (!shared(&address)).then(|| env.environment.clone()),
                address,
                id: found.live.id.clone(),
                revision: 0,
                outputs: found.live.outputs.clone(),
                attrs: found.live.attrs.clone()?,
            })
        };
        Self { objects: found.iter().filter_map(record).collect(), ..Self::new(env, key) }
    }

    /// Reads a cloud file.
    ///
    /// # Errors
    /// It cannot be read, is not a cloud file, is of another version, or holds kinds unknown here.
    pub fn read(path: &Path) -> Result<Self, String> {
        let say = |why: String| format!("{} is not usable as a cloud file: {why}", path.display());
        let text = std::fs::read(path).map_err(|error| say(error.to_string()))?;
        let value: Value = serde_json::from_slice(&text).map_err(|error| say(error.to_string()))?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(say(format!("it does not say \"format\": \"{FORMAT}\"")));
        }
        if value.get("version").and_then(Value::as_u64) != Some(u64::from(VERSION)) {
            return Err(say(format!("it is of another version than {VERSION}; use the Baseplate that wrote it")));
        }
        let capture = Self::deserialize(value).map_err(|error| say(error.to_string()))?;
        match capture.objects.iter().find(|record| find(record.address.kind()).is_none()) {
            Some(record) => Err(say(format!("{} is of a kind unknown here", record.address))),
            None => Ok(capture),
        }
    }

    /// Writes the file at once or not at all, readable only by its owner.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        write_private(path, &text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    pub fn key(&self) -> Vec<u8> {
        let digits = self.fingerprint_key.as_bytes().chunks(2);
        digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    }
}

/// Writes beside the file and renames, mode 0600: a reader sees the old text or the new, never half.
pub fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    // A left-over of a killed run of the same process id would otherwise keep its own mode.
    let _ = std::fs::remove_file(&beside);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}
