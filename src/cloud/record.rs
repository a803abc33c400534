mod objects;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Observed;
use crate::applied::Applied;
use crate::files::{self, FileError};
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
    /// Settings by AWS's names that no attribute holds and that are not AWS's defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    pub attrs: Value,
}

/// Why a cloud file cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum CloudFileError {
    /// What is at the path is no cloud file of this version.
    #[error("{} cannot be used as a cloud file: {source}", path.display())]
    Unusable { path: PathBuf, source: Box<CaptureError> },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: FileError },
    #[error("{} would exceed {} bytes, the limit for a cloud file", path.display(), files::LARGEST)]
    TooLarge { path: PathBuf },
    /// Somebody else wrote to it since it was read.
    #[error(
        "{} was changed by another process during this run, and was left untouched; run the command again to continue",
        path.display()
    )]
    Changed { path: PathBuf },
}

/// Why a text is not a [`Capture`], in words that go after the name of its file and a colon.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be read, or may not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not JSON, or not of this shape.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("its \"format\" is not \"{FORMAT}\"")]
    Format,
    #[error("its version is not {VERSION}; use the version of Baseplate that wrote it")]
    Version,
    #[error("its fingerprint_key is not hexadecimal")]
    FingerprintKey,
    /// Behind the document.
    #[error("what follows the document is not a change: {0}")]
    Change(#[source] serde_json::Error),
    #[error("{0} has an unknown kind")]
    UnknownKind(Address),
    #[error("{one} and {other} have the same id, {id}: ids are unique within a kind; remove one of them")]
    SameId { one: Address, other: Address, id: String },
    /// Two ids of objects with one address, which is told with whose it is.
    #[error("{one} and {other} are both {owner}, and neither replaces the other; remove one of them")]
    Copies { one: String, other: String, owner: String },
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
                settings: found.live.settings.clone(),
                attrs: found.live.attrs.clone()?,
            })
        };
        Self { objects: found.iter().filter_map(record).collect(), ..Self::new(env, key) }
    }

    /// Reads a cloud file.
    ///
    /// # Errors
    /// It cannot be read, or [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self, CloudFileError> {
        Objects::read(path).map(Objects::into_capture)
    }

    /// Takes the text of a cloud file.
    ///
    /// # Errors
    /// It is not a cloud file, is of another version, holds kinds unknown here, or two objects with one id.
    pub fn parse(text: &[u8]) -> Result<Self, CaptureError> {
        Objects::parse(text).map(Objects::into_capture)
    }

    /// Writes the file at once or not at all, readable only by its owner, and answers how many bytes it holds.
    ///
    /// # Errors
    /// What the file system says, or that it would be too long to be read again.
    pub fn write(&self, path: &Path) -> Result<usize, CloudFileError> {
        let failed = |source| CloudFileError::Write { path: path.to_owned(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(io::Error::from(error).into()))?;
        files::write_private(path, &text).map_err(failed)?;
        Ok(text.len())
    }

    pub fn key(&self) -> Vec<u8> {
        hex::decode(&self.fingerprint_key).unwrap_or_default()
    }

    /// The JSON document alone, without what may follow it.
    fn of_document(value: Value) -> Result<Self, CaptureError> {
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(CaptureError::Format);
        }
        if value.get("version").and_then(Value::as_u64) != Some(u64::from(VERSION)) {
            return Err(CaptureError::Version);
        }
        let capture = Self::deserialize(value)?;
        match hex::decode(&capture.fingerprint_key) {
            Ok(key) if !key.is_empty() => Ok(capture),
            _ => Err(CaptureError::FingerprintKey),
        }
    }
}

impl Objects {
    /// # Errors
    /// As [`Capture::read`].
    pub fn read(path: &Path) -> Result<Self, CloudFileError> {
        let read = || Self::parse(&files::read(path, files::LARGEST)?);
        read().map_err(|error| CloudFileError::Unusable { path: path.to_owned(), source: Box::new(error) })
    }

    /// A cloud file is one JSON document, followed by the changes of a run that did not end normally. The last change
    /// may be truncated: it was never reported as made.
    fn parse(text: &[u8]) -> Result<Self, CaptureError> {
        let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let first = documents.next().unwrap_or_else(|| serde_json::from_slice(text));
        let end = documents.byte_offset();
        let capture = Capture::of_document(first?)?;
        check_unique_ids(&capture.objects)?;
        let mut objects = Self::of(capture);
        objects.has_appended_changes = !text[end..].trim_ascii().is_empty();
        for change in serde_json::Deserializer::from_slice(&text[end..]).into_iter() {
            match change {
                Ok(change) => objects.make(change),
                Err(error) if error.is_eof() => break,
                Err(error) => return Err(CaptureError::Change(error)),
            }
        }
        let unknown = objects.records().find(|record| find(record.address.kind()).is_none());
        if let Some(record) = unknown {
            return Err(CaptureError::UnknownKind(record.address.clone()));
        }
        Ok(objects)
    }
}

fn check_unique_ids(records: &[Record]) -> Result<(), CaptureError> {
    let mut ids = HashMap::with_capacity(records.len());
    for record in records {
        if let Some(other) = ids.insert((record.address.kind(), &record.id), record) {
            let (one, other) = (other.address.clone(), record.address.clone());
            return Err(CaptureError::SameId { one, other, id: record.id.clone() });
        }
    }
    Ok(())
}
