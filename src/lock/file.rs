use std::cell::RefCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Held, Holder, LockLost, LockStore, Renewal, Take, UnlockResult};
use crate::aws::CloudError;
use crate::clock::{Clock, Timestamp};
use crate::files;

/// Bytes of a lock, at most: it names a holder.
const LIMIT: usize = 64 << 10;

/// An advisory lock of the operating system on a file beside a cloud file. It ends with the process that holds
/// it, so it needs no lease. The file says who holds it and goes when it is released.
pub struct FileLock {
    path: PathBuf,
    clock: Rc<dyn Clock>,
    file: RefCell<Option<File>>,
}

impl FileLock {
    /// The lock of the cloud file at `path`: of all environments in it, since they are written together.
    pub fn of(path: &Path, clock: Rc<dyn Clock>) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self { path: path.with_file_name(format!(".{name}.lock")), clock, file: RefCell::default() }
    }

    fn error(&self, what: &str, error: &dyn std::error::Error) -> CloudError {
        CloudError::new("file:Lock", "FileCloud", format!("cannot {what} {}: {error}", self.path.display()))
    }

    /// Whether this is the file that others find at the path. Who held the lock before takes it away at the end.
    fn is_in_place(&self, file: &File) -> bool {
        let of = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let there = std::fs::metadata(&self.path).map(of);
        there.is_ok_and(|there| file.metadata().map(of).is_ok_and(|ours| ours == there))
    }

    fn try_take(&self, me: &Holder) -> Result<Take, CloudError> {
        // What a link leads to would be emptied.
        files::may_write(&self.path).map_err(|error| self.error("lock", &error))?;
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let mut file = options.open(&self.path).map_err(|error| self.error("lock", &error))?;
            match file.try_lock() {
                Ok(()) if !self.is_in_place(&file) => {}
                Ok(()) => {
                    let text = serde_json::to_string_pretty(me).unwrap_or_default();
                    let written = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
                    written.map_err(|error| self.error("write", &error))?;
                    *self.file.borrow_mut() = Some(file);
                    return Ok(Take::Taken { at: Timestamp::now(self.clock.as_ref()), from: None });
                }
                Err(TryLockError::WouldBlock) => return Ok(Take::Busy(self.held())),
                Err(TryLockError::Error(error)) => return Err(self.error("lock", &error)),
            }
        }
    }

    /// Who holds it, as the file says it: just after it was taken, it may say nothing yet.
    fn held(&self) -> Held {
        let text = files::read(&self.path, LIMIT).unwrap_or_default();
        let unknown = Holder {
            id: String::new(),
            by: "another process".to_owned(),
            pid: 0,
            command: String::new(),
            run: None,
            since: String::new(),
        };
        let holder = serde_json::from_slice(&text).unwrap_or(unknown);
        Held { holder, lease: None, expires: None, idle: Duration::ZERO }
    }
}

impl LockStore for FileLock {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn poll_interval(&self, _lease: Duration) -> Duration {
        Duration::from_millis(50)
    }

    fn take<'a>(&'a self, me: &'a Holder, _lease: Duration) -> LocalBoxFuture<'a, Result<Take, CloudError>> {
        Box::pin(async move { self.try_take(me) })
    }

    fn renew<'a>(&'a self, _me: &'a Holder, _lease: Duration) -> LocalBoxFuture<'a, Result<Renewal, CloudError>> {
        Box::pin(async move {
            let ours = self.file.borrow().as_ref().is_some_and(|file| self.is_in_place(file));
            Ok(match ours {
                true => Renewal::Renewed(Timestamp::now(self.clock.as_ref())),
                false => Renewal::Lost(LockLost::Removed(self.path.clone())),
            })
        })
    }

    fn release<'a>(&'a self, _me: &'a Holder) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let Some(file) = self.file.take() else { return Ok(()) };
            if self.is_in_place(&file) {
                std::fs::remove_file(&self.path).map_err(|error| self.error("remove", &error))?;
            }
            Ok(())
        })
    }

    fn current(&self) -> LocalBoxFuture<'_, Result<Option<Held>, CloudError>> {
        Box::pin(async move {
            let file = match File::open(&self.path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.error("open", &error)),
            };
            match file.try_lock_shared() {
                Ok(()) => Ok(None),
                Err(TryLockError::WouldBlock) => Ok(Some(self.held())),
                Err(TryLockError::Error(error)) => Err(self.error("lock", &error)),
            }
        })
    }

    fn unlock<'a>(
        &'a self,
        held: &'a Held,
        _me: &'a Holder,
    ) -> LocalBoxFuture<'a, Result<UnlockResult, CloudError>> {
        Box::pin(async move {
            Ok(match self.current().await? {
                Some(now) if now.holder.id == held.holder.id => UnlockResult::HolderAlive,
                other => UnlockResult::HolderChanged(other),
            })
        })
    }
}
