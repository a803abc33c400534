use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions, symlink_metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cloud::record::{Capture, CaptureError, Change, CloudFileError, Objects, Record, name};
use crate::files;
use crate::spec::OWNERSHIP;

/// The objects, and the file that holds them.
///
/// A change is appended to the document, so that its cost grows with the change and not with the file. Once the
/// changes are as long as the document, and when a run ends, they are compacted into a new document. All is in one
/// file and not in a separate journal, so that copying or moving the file keeps it whole. A run that is killed leaves
/// every change that was reported as made, and the next one reads them.
pub struct Store {
    pub objects: Objects,
    /// `None` for what lives in memory only.
    disk: Option<Disk>,
}

struct Disk {
    path: PathBuf,
    /// The file as it was when this last read or wrote it; `None` while there is none.
    stamp: Option<Stamp>,
    /// Bytes of the document, and of the changes behind it; `None` before this has written a document.
    written: Option<(usize, usize)>,
}

/// Identifies the state of a file, to notice changes by others.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(there: &Metadata) -> Self {
        let modified = (there.mtime(), there.mtime_nsec());
        Self { device: there.dev(), inode: there.ino(), bytes: there.len(), modified }
    }

    fn at(path: &Path) -> Option<Self> {
        symlink_metadata(path).ok().map(|there| Self::of(&there))
    }
}

/// Changes of fewer bytes than this are not worth a new document.
const FEW: usize = 64 << 10;
/// A change takes at most so many times its bytes in the document, where each of its lines is indented further.
const GROWTH: usize = 3;

impl Store {
    /// Reads the file, or begins one that the first change writes.
    ///
    /// # Errors
    /// It is there and is not a cloud file, or could not be written.
    pub fn open(path: &Path, new: impl FnOnce() -> Capture) -> Result<Self, CloudFileError> {
        let unusable = |error| CloudFileError::Unusable { path: path.to_owned(), source: Box::new(error) };
        files::may_write(path).map_err(|error| unusable(error.into()))?;
        // Taken before it is read: what is written to it meanwhile is then seen.
        let stamp = Stamp::at(path);
        let objects = match stamp {
            Some(_) => Objects::read(path)?,
            None => Objects::of(new()),
        };
        check_unique_addresses(&objects).map_err(unusable)?;
        Ok(Self { objects, disk: Some(Disk { path: path.to_owned(), stamp, written: None }) })
    }

    pub fn in_memory(objects: Objects) -> Self {
        Self { objects, disk: None }
    }

    pub fn path(&self) -> Option<&Path> {
        self.disk.as_ref().map(|disk| disk.path.as_path())
    }

    /// Makes a change, in the file and in memory or in neither.
    ///
    /// # Errors
    /// Somebody else wrote to the file since it was read, or what the file system says.
    pub fn make(&mut self, change: Change) -> Result<(), CloudFileError> {
        if let Some(disk) = &mut self.disk {
            disk.append(&self.objects, &change)?;
        }
        self.objects.make(change);
        Ok(())
    }

    /// Compacts the file into one document.
    ///
    /// # Errors
    /// As for [`Self::make`]. Nothing is lost then: the changes stay behind the document, where they are found.
    pub fn close(&mut self) -> Result<(), CloudFileError> {
        match &mut self.disk {
            // A run that was killed may have left nothing to do but this.
            Some(disk) if disk.written.map_or(self.objects.has_appended_changes, |(_, changes)| changes > 0) => {
                disk.rewrite(&self.objects)
            }
            _ => Ok(()),
        }
    }
}

impl Disk {
    fn append(&mut self, objects: &Objects, change: &Change) -> Result<(), CloudFileError> {
        let mut entry = b"\n".to_vec();
        // Laid out as the document is: by that it is known how long the document will be.
        serde_json::to_writer_pretty(&mut entry, change).map_err(|error| unwritten(&self.path, error.into()))?;
        entry.push(b'\n');
        let (document, changes) = match self.written {
            Some((document, changes)) if changes + entry.len() <= document.max(FEW) => (document, changes),
            _ => {
                self.rewrite(objects)?;
                self.written.unwrap_or_default()
            }
        };
        if document + GROWTH * (changes + entry.len()) > files::LARGEST {
            return Err(CloudFileError::TooLarge { path: self.path.clone() });
        }
        self.unmoved()?;
        let opened = OpenOptions::new().append(true).open(&self.path);
        let opened = opened.and_then(|file| Ok((Stamp::of(&file.metadata()?), file)));
        let (before, mut file) = opened.map_err(|error| unwritten(&self.path, error))?;
        if self.stamp != Some(before) {
            return Err(self.moved());
        }
        let written = file.write_all(&entry).and_then(|()| file.sync_data());
        let after = written.and_then(|()| file.metadata());
        match after {
            Ok(after) => {
                self.written = Some((document, changes + entry.len()));
                self.stamp = Some(Stamp::of(&after));
                Ok(())
            }
            Err(error) => {
                self.take_back(&file, before.bytes);
                Err(unwritten(&self.path, error))
            }
        }
    }

    /// Removes a partly written change: it must not be read together with later ones.
    fn take_back(&mut self, file: &File, bytes: u64) {
        let _ = file.set_len(bytes);
        self.stamp = Stamp::at(&self.path);
        self.written = None;
    }

    /// Puts a document in place of all that the file holds.
    fn rewrite(&mut self, objects: &Objects) -> Result<(), CloudFileError> {
        self.unmoved()?;
        let document = objects.capture().write(&self.path)?;
        self.written = Some((document, 0));
        self.stamp = Stamp::at(&self.path);
        Ok(())
    }

    fn unmoved(&self) -> Result<(), CloudFileError> {
        if Stamp::at(&self.path) == self.stamp { Ok(()) } else { Err(self.moved()) }
    }

    fn moved(&self) -> CloudFileError {
        CloudFileError::Changed { path: self.path.clone() }
    }
}

fn unwritten(path: &Path, error: io::Error) -> CloudFileError {
    CloudFileError::Write { path: path.to_owned(), source: error.into() }
}

/// Two objects have the same address only after an interrupted replacement: then they differ, and have different
/// names if their kind has names.
fn check_unique_addresses(objects: &Objects) -> Result<(), CaptureError> {
    let mut places: HashMap<_, Vec<_>> = HashMap::new();
    for record in objects.records().filter(|record| tags_match(record)) {
        let place = (&record.project, &record.environment, &record.address);
        let others = places.entry(place).or_default();
        let is_copy = |other: &&&Record| {
            other.attrs == record.attrs || name(other).is_some_and(|other| Some(other) == name(record))
        };
        if let Some(other) = others.iter().find(is_copy) {
            let (one, other) = (other.id.clone(), record.id.clone());
            return Err(CaptureError::Copies { one, other, owner: super::owner(record) });
        }
        others.push(record);
    }
    Ok(())
}

/// Whether its tags, where it has tags, name the address of its record.
fn tags_match(record: &Record) -> bool {
    let Some(tags) = record.attrs.get("tags").and_then(Value::as_object) else { return true };
    let address = record.address.to_string();
    let names = [Some(record.project.as_str()), record.environment.as_deref(), Some(address.as_str())];
    OWNERSHIP.into_iter().zip(names).all(|(key, name)| tags.get(key).and_then(Value::as_str) == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::Environment;
    use crate::value::Address;

    fn empty() -> Capture {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        let env: Environment = crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env;
        Capture::new(&env, &[7; 32])
    }

    fn group(number: u64) -> Change {
        let object = Record {
            project: "shop".to_owned(),
            environment: Some("dev".to_owned()),
            address: Address::new("log_group", format!("g{number}")),
            id: format!("id-{number}"),
            revision: 0,
            outputs: Default::default(),
            settings: Default::default(),
            attrs: json!({ "name": format!("/shop/{number}"), "retention_days": 7 }),
        };
        Change::Put { object, next_id: number + 1 }
    }

    fn ids(objects: &Objects) -> Vec<String> {
        objects.records().map(|record| record.id.clone()).collect()
    }

    /// A store in a folder of its own, and the path of its file.
    fn store() -> (tempfile::TempDir, PathBuf, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cloud.json");
        let store = Store::open(&path, empty).expect("nothing is there yet");
        (folder, path, store)
    }

    fn size(path: &Path) -> usize {
        std::fs::read(path).expect("the file").len()
    }

    #[test]
    fn what_is_written_grows_with_the_changes() {
        let (_folder, path, mut store) = store();
        let (mut rewritten, mut appended, mut before) = (0, 0, 0);
        for number in 0..2000 {
            store.make(group(number)).expect("it is written");
            let now = size(&path);
            match store.disk.as_ref().and_then(|disk| disk.written) {
                // The document was written anew, and the change behind it.
                Some((document, _)) if now < before || before == 0 => rewritten += document,
                _ => appended += now - before,
            }
            before = now;
        }
        store.close().expect("it is written");
        let whole = size(&path);
        assert!(appended <= 2 * whole, "{appended} bytes of changes for {whole}");
        assert!(rewritten <= 3 * whole, "{rewritten} bytes of documents for {whole}");
        let read: Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("one document");
        assert_eq!(read["objects"].as_array().map(Vec::len), Some(2000));
    }

    #[test]
    fn every_change_is_there_after_a_kill_at_any_byte() {
        let (_folder, path, mut store) = store();
        let mut ends = Vec::new();
        for change in [group(1), group(2), Change::Delete { kind: "log_group".into(), id: "id-1".into() }] {
            store.make(change).expect("it is written");
            ends.push((size(&path), ids(&store.objects)));
        }
        let text = std::fs::read(&path).expect("read");
        let first = ends[0].0;
        for end in first..=text.len() {
            std::fs::write(&path, &text[..end]).expect("what the kill left");
            let read = ids(&Objects::read(&path).expect("it is readable"));
            let told = ends.iter().rev().find(|(bytes, _)| *bytes <= end).expect("the first change");
            let next = ends.iter().find(|(bytes, _)| *bytes > end);
            assert!(read == told.1 || next.is_some_and(|next| read == next.1), "{end} bytes: {read:?}");
        }
        std::fs::write(&path, &text[..text.len() - 9]).expect("what the kill left");
        let mut again = Store::open(&path, empty).expect("it is readable");
        again.make(group(3)).expect("it is written");
        assert_eq!(ids(&Objects::read(&path).expect("it is readable")), ["id-1", "id-2", "id-3"]);
        Store::open(&path, empty).and_then(|mut store| store.close()).expect("who has nothing to change tidies up");
        let read: Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("one document");
        assert_eq!(read["objects"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn somebody_elses_edit_is_kept() {
        let (_folder, path, mut store) = store();
        for is_in_place in [true, false] {
            store.make(group(1)).expect("it is written");
            let edited =
                String::from_utf8(std::fs::read(&path).expect("read")).expect("text").replace(": 7", ": 9");
            if !is_in_place {
                std::fs::remove_file(&path).expect("as editors do");
            }
            std::fs::write(&path, &edited).expect("an edit");
            let now = ids(&store.objects);
            for refused in [store.make(group(2)), store.close()] {
                assert!(matches!(refused, Err(CloudFileError::Changed { .. })), "{refused:?}");
            }
            assert_eq!(ids(&store.objects), now, "nor is it in memory");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), edited);
            store = Store::open(&path, empty).expect("it is readable");
        }
        std::fs::remove_file(&path).expect("it goes");
        assert!(store.make(group(2)).is_err() && !path.exists());
    }

    #[test]
    fn two_of_one_id_and_copies_are_refused() {
        let (_folder, path, mut store) = store();
        store.make(group(1)).and_then(|()| store.close()).expect("it is written");
        let text = std::fs::read(&path).expect("read");
        let opened = |change: &dyn Fn(&mut Value)| {
            let mut file: Value = serde_json::from_slice(&text).expect("one document");
            let mut copy = file["objects"][0].clone();
            change(&mut copy);
            file["objects"].as_array_mut().expect("objects").push(copy);
            std::fs::write(&path, file.to_string()).expect("an edit");
            match Store::open(&path, empty) {
                Ok(_) => None,
                Err(CloudFileError::Unusable { source, .. }) => Some(*source),
                Err(other) => panic!("{other}"),
            }
        };
        let (id, name) = (json!("id-2"), json!("/shop/other"));
        let same = opened(&|copy| copy["address"] = "log_group.other".into());
        assert!(matches!(same, Some(CaptureError::SameId { .. })), "{same:?}");
        let same = same.map(|why| why.to_string()).unwrap_or_default();
        assert!(same.starts_with("log_group.g1 and log_group.other have the same id, id-1:"), "{same}");
        let copy = opened(&|copy| copy["id"] = id.clone());
        assert!(matches!(copy, Some(CaptureError::Copies { .. })), "{copy:?}");
        let copy = copy.map(|why| why.to_string()).unwrap_or_default();
        assert!(
            copy.starts_with("id-1 and id-2 are both log_group.g1 of shop dev, and neither replaces"),
            "{copy}"
        );
        let named = opened(&|copy| (copy["id"], copy["attrs"]["retention_days"]) = (id.clone(), 9.into()));
        assert!(matches!(named, Some(CaptureError::Copies { .. })), "{named:?}");
        assert!(opened(&|copy| (copy["id"], copy["attrs"]["name"]) = (id.clone(), name.clone())).is_none());
        assert!(opened(&|copy| (copy["id"], copy["environment"]) = (id.clone(), "prod".into())).is_none());
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let (_folder, path, mut store) = store();
        store.make(group(1)).expect("it is written");
        let Change::Put { mut object, next_id } = group(2) else { unreachable!() };
        object.attrs["name"] = "x".repeat(files::LARGEST / 2).into();
        let refused = store.make(Change::Put { object, next_id });
        assert!(matches!(refused, Err(CloudFileError::TooLarge { .. })), "{refused:?}");
        assert_eq!(ids(&Objects::read(&path).expect("it is readable")), ["id-1"]);
        store.make(group(3)).and_then(|()| store.close()).expect("it goes on");
    }
}
