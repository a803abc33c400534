//! The files that are read and written: only regular ones, of limited size, and private where they are ours.

use std::fs::{File, OpenOptions, remove_file, rename, symlink_metadata};
use std::io::{self, Read, Write};
use std::path::Path;

/// Bytes of a plan or a cloud file, at most, read and written: several times what ten thousand objects take.
pub const LARGEST: usize = 64 << 20;

/// Why a file is not read or written, in words that go after its path and a colon. The path is the caller's to name,
/// with what the file was to be.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// In place of a file to be written.
    #[error("it is a symbolic link, which is not followed")]
    SymbolicLink,
    #[error("it has {bytes} bytes, more than the limit of {limit}")]
    TooLarge { bytes: u64, limit: usize },
    /// Larger than the file system said that it is.
    #[error("it has more than the limit of {limit} bytes")]
    Endless { limit: usize },
    /// What was to be written could not be read again.
    #[error("it would have {bytes} bytes, more than the limit of {LARGEST}")]
    WouldBeTooLarge { bytes: usize },
    /// What the file system says.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// It is not one, is larger, or cannot be read.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    // Asked before it is opened: opening a pipe waits for somebody who writes to it.
    let known = std::fs::metadata(path)?;
    if !known.is_file() {
        return Err(FileError::NotRegular);
    }
    if known.len() > limit as u64 {
        return Err(FileError::TooLarge { bytes: known.len(), limit });
    }
    // What says that it is empty may still go on for ever, as files under /proc do.
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(FileError::Endless { limit });
    }
    Ok(bytes)
}

/// Whether a file may be written at `path`: nothing is there yet, or a regular file. A symbolic link is not
/// followed, since it may lead to a file that somebody else chose, and a device is not replaced.
///
/// # Errors
/// A link or something else that is not a regular file.
pub fn may_write(path: &Path) -> Result<(), FileError> {
    match symlink_metadata(path) {
        Ok(there) if there.is_symlink() => Err(FileError::SymbolicLink),
        Ok(there) if !there.is_file() => Err(FileError::NotRegular),
        _ => Ok(()),
    }
}

/// Writes beside the file and renames, mode 0600: a reader sees the old text or the new, never half.
///
/// # Errors
/// [`may_write`], what could not be read again, or what the file system says.
pub fn write_private(path: &Path, text: &[u8]) -> Result<(), FileError> {
    write(path, text, 0o600)
}

/// Writes as [`write_private`] does what everybody may read, mode 0644.
///
/// # Errors
/// As [`write_private`].
pub fn write_public(path: &Path, text: &[u8]) -> Result<(), FileError> {
    write(path, text, 0o644)
}

/// Writes a file that is not there yet, for everybody to read.
///
/// # Errors
/// Something is there, a link that leads nowhere included, or what the file system says; then nothing of it is left.
pub fn create_public(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = remove_file(path);
    }
    written
}

/// Writes a file anew that is there, as [`write_private`] does; its mode stays.
///
/// # Errors
/// As [`write_private`].
pub fn rewrite(path: &Path, text: &[u8]) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt;
    write(path, text, symlink_metadata(path)?.permissions().mode() & 0o777)
}

fn write(path: &Path, text: &[u8], mode: u32) -> Result<(), FileError> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    may_write(path)?;
    if text.len() > LARGEST {
        return Err(FileError::WouldBeTooLarge { bytes: text.len() });
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    // A left-over of a killed run of the same process id would otherwise keep its own mode.
    let _ = remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file
        .write_all(text)
        // Whatever the umask takes away.
        .and_then(|()| file.set_permissions(PermissionsExt::from_mode(mode)))
        .and_then(|()| file.sync_all())
        .and_then(|()| rename(&beside, path));
    if written.is_err() {
        let _ = remove_file(&beside);
    }
    Ok(written?)
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
    fn what_is_rewritten_keeps_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, "old").expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).expect("its mode");
        rewrite(&path, b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"new");
        assert_eq!(std::fs::metadata(&path).expect("its mode").permissions().mode() & 0o777, 0o664);
        assert!(rewrite(&folder.path().join("none"), b"new").is_err());
    }

    #[test]
    fn what_is_there_is_not_created_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("spec.toml"), folder.path().join("link"));
        create_public(&path, b"one").expect("created");
        assert!(create_public(&path, b"two").is_err());
        symlink(folder.path().join("nowhere"), &link).expect("a link");
        assert!(create_public(&link, b"two").is_err());
        assert_eq!(std::fs::read(&path).expect("read"), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 2);
    }

    #[test]
    fn links_and_devices_are_not_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).expect("a link");
        assert!(matches!(write_private(&link, b"x"), Err(FileError::SymbolicLink)));
        std::fs::write(&target, "kept").expect("a file");
        assert!(write_private(&link, b"x").is_err());
        assert_eq!(std::fs::read(&target).expect("read"), b"kept");
        assert!(matches!(may_write(Path::new("/dev/null")), Err(FileError::NotRegular)));
    }

    #[test]
    fn what_cannot_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan");
        let mut text = vec![b' '; LARGEST];
        write_private(&path, &text).expect("written");
        assert!(read(&path, LARGEST).is_ok_and(|read| read.len() == LARGEST));
        text.push(b' ');
        let refused = write_private(&path, &text);
        assert!(
            matches!(refused, Err(FileError::WouldBeTooLarge { bytes }) if bytes == LARGEST + 1),
            "{refused:?}"
        );
        assert_eq!(std::fs::metadata(&path).expect("it").len(), LARGEST as u64, "it is as it was");
    }

    #[test]
    fn nothing_endless_is_read() {
        assert!(matches!(read(Path::new("/dev/zero"), 10), Err(FileError::NotRegular)));
        let endless = read(Path::new("/proc/self/maps"), 10);
        assert!(matches!(endless, Err(FileError::Endless { limit: 10 })), "{endless:?}");
    }
}
