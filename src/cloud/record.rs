mod objects;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Observed;
use crate::applied::Applied;
use crate::files;
use crate::kinds::{Outputs, find};
use crate::spec::Environment;
use crate::value::Address;

pub use objects::{Change, Objects, name};

/// The format of a cloud file. A file of another version is refused.
pub const FORMAT: &str = "baseplate-cloud";
pub const VERSION: u32 = 1;

/// Live objects in a file: the format of the file cloud, and of what `observe` captures from an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub format: String,
    pub version: u32,
    pub account: String,
    pub region: String,
    /// The key, in hex, of the fingerprints that replace secret values.
    pub fingerprint_key: String,
    /// The number of the next id that the file cloud assigns.
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
    /// How often it was updated: outputs that an update changes depend on it.
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
            fingerprint_key: hex::encode(key),
            next_id: 1,
            objects: Vec::new(),
            applied: BTreeMap::new(),
        }
    }

    /// Observed objects as records.
    pub fn of(env: &Environment, key: &[u8], found: &[Observed]) -> Self {
        let record = |found: &Observed| {
            let address = found.live.address.clone()?;
            Some(Record {
                project: env.project.clone(),
                environment: (!found.kind.shared()).then(|| env.environment.clone()),
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
    /// It cannot be read, or [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self, String> {
        Objects::read(path).map(Objects::into_capture)
    }

    /// Takes the text of a cloud file.
    ///
    /// # Errors
    /// It is not a cloud file, is of another version, holds kinds unknown here, or two objects with one id.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        Objects::parse(text).map(Objects::into_capture)
    }

    /// Writes the file at once or not at all, readable only by its owner, and answers how many bytes it holds.
    ///
    /// # Errors
    /// What the file system says, or that it would be too long to be read again.
    pub fn write(&self, path: &Path) -> Result<usize, String> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        let failed = |why| format!("cannot write {}: {why}", path.display());
        files::write_private(path, &text).map_err(failed)?;
        Ok(text.len())
    }

    pub fn key(&self) -> Vec<u8> {
        hex::decode(&self.fingerprint_key).unwrap_or_default()
    }

    /// The JSON document alone, without what may follow it.
    fn of_document(value: Value) -> Result<Self, String> {
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(format!("its \"format\" is not \"{FORMAT}\""));
        }
        if value.get("version").and_then(Value::as_u64) != Some(u64::from(VERSION)) {
            return Err(format!("its version is not {VERSION}; use the version of Baseplate that wrote it"));
        }
        let capture = Self::deserialize(value).map_err(|error| error.to_string())?;
        match hex::decode(&capture.fingerprint_key) {
            Ok(key) if !key.is_empty() => Ok(capture),
            _ => Err("its fingerprint_key is not hexadecimal".to_owned()),
        }
    }
}

impl Objects {
    /// # Errors
    /// As [`Capture::read`].
    pub fn read(path: &Path) -> Result<Self, String> {
        files::read(path, files::LARGEST)
            .and_then(|text| Self::parse(&text))
            .map_err(|why| format!("{} cannot be used as a cloud file: {why}", path.display()))
    }

    /// A cloud file is one JSON document, followed by the changes of a run that did not end normally. The last change
    /// may be truncated: it was never reported as made.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let first = documents.next().unwrap_or_else(|| serde_json::from_slice(text));
        let end = documents.byte_offset();
        let capture = Capture::of_document(first.map_err(|error| error.to_string())?)?;
        check_unique_ids(&capture.objects)?;
        let mut objects = Self::of(capture);
        objects.has_appended_changes = !text[end..].trim_ascii().is_empty();
        for change in serde_json::Deserializer::from_slice(&text[end..]).into_iter() {
            match change {
                Ok(change) => objects.make(change),
                Err(error) if error.is_eof() => break,
                Err(error) => return Err(format!("what follows the document is not a change: {error}")),
            }
        }
        let unknown = objects.records().find(|record| find(record.address.kind()).is_none());
        if let Some(record) = unknown {
            return Err(format!("{} has an unknown kind", record.address));
        }
        Ok(objects)
    }
}

fn check_unique_ids(records: &[Record]) -> Result<(), String> {
    let mut ids = HashMap::with_capacity(records.len());
    for record in records {
        if let Some(other) = ids.insert((record.address.kind(), &record.id), record) {
            return Err(format!(
                "{} and {} have the same id, {}: ids are unique within a kind; remove one of them",
                other.address, record.address, record.id
            ));
        }
    }
    Ok(())
}
