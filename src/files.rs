//! The files that are read and written: only regular ones, of limited size, and private where they are ours.

use std::fs::{File, OpenOptions, remove_file, rename, symlink_metadata};
use std::io::{Read, Write};
use std::path::Path;

/// Bytes of a plan or a cloud file, at most, read and written: several times what ten thousand objects take.
pub const LARGEST: usize = 64 << 20;

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// What is in the way, in words that go after the file's name and a colon.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    // Asked before it is opened: opening a pipe waits for somebody who writes to it.
    let known = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !known.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if known.len() > limit as u64 {
        return Err(format!("it has {} bytes, more than the limit of {limit}", known.len()));
    }
    // What says that it is empty may still go on for ever, as files under /proc do.
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > limit {
        return Err(format!("it has more than the limit of {limit} bytes"));
    }
    Ok(bytes)
}

/// Whether a file may be written at `path`: nothing is there yet, or a regular file. A symbolic link is not
/// followed, since it may lead to a file that somebody else chose, and a device is not replaced.
///
/// # Errors
/// What is there, in words that go after the path and a colon.
pub fn may_write(path: &Path) -> Result<(), String> {
    match symlink_metadata(path) {
        Ok(there) if there.is_symlink() => Err("it is a symbolic link, which is not followed".to_owned()),
        Ok(there) if !there.is_file() => Err("it is not a regular file".to_owned()),
        _ => Ok(()),
    }
}

/// Writes beside the file and renames, mode 0600: a reader sees the old text or the new, never half.
///
/// # Errors
/// [`may_write`], what could not be read again, or what the file system says.
pub fn write_private(path: &Path, text: &[u8]) -> Result<(), String> {
    use std::os::unix::fs::OpenOptionsExt;
    may_write(path)?;
    if text.len() > LARGEST {
        return Err(format!("it would have {} bytes, more than the limit of {LARGEST}", text.len()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    // A left-over of a killed run of the same process id would otherwise keep its own mode.
    let _ = remove_file(&beside);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
        let written = file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| rename(&beside, path));
        if written.is_err() {
            let _ = remove_file(&beside);
        }
        written
    });
    written.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_written_is_private_whatever_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan");
        std::fs::write(&path, "old").expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("its mode");
        write_private(&path, b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"new");
        assert_eq!(std::fs::metadata(&path).expect("its mode").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn links_and_devices_are_not_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).expect("a link");
        assert!(write_private(&link, b"x").is_err_and(|why| why.contains("symbolic link")));
        std::fs::write(&target, "kept").expect("a file");
        assert!(write_private(&link, b"x").is_err());
        assert_eq!(std::fs::read(&target).expect("read"), b"kept");
        assert!(may_write(Path::new("/dev/null")).is_err_and(|why| why.contains("not a regular file")));
    }

    #[test]
    fn what_cannot_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan");
        let mut text = vec![b' '; LARGEST];
        write_private(&path, &text).expect("written");
        assert!(read(&path, LARGEST).is_ok_and(|read| read.len() == LARGEST));
        text.push(b' ');
        assert!(write_private(&path, &text).is_err_and(|why| why.contains("the limit of")));
        assert_eq!(std::fs::metadata(&path).expect("it").len(), LARGEST as u64, "it is as it was");
    }

    #[test]
    fn nothing_endless_is_read() {
        assert_eq!(read(Path::new("/dev/zero"), 10), Err("it is not a regular file".to_owned()));
        assert!(read(Path::new("/proc/self/maps"), 10).is_err_and(|why| why.contains("more than the limit of 10")));
    }
}
