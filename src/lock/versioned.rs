use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::entry::Entry;
use super::{Held, Holder, LockLost, LockStore, Renewal, Take, UnlockResult};
use crate::aws::{CloudError, ErrorClass};
use crate::clock::{Clock, Timestamp};

/// A text with numbered versions, as Parameter Store has them.
pub trait Versions {
    /// Its name in errors.
    fn name(&self) -> String;

    /// One version with its number, or the newest. `None` where it is not there.
    fn read(&self, number: Option<i64>) -> LocalBoxFuture<'_, Result<Option<(i64, String)>, CloudError>>;

    /// Writes the next version and answers its number. With `first` only if there is none at all; an error of
    /// [`ErrorClass::AlreadyExists`] says that there is one.
    fn append<'a>(&'a self, text: &'a str, first: bool) -> LocalBoxFuture<'a, Result<i64, CloudError>>;

    /// Told for how long after a moment the lock is certain to be held.
    fn valid_for(&self, _from: Timestamp, _lasts: Duration) {}
}

/// A lock stored as versions of a parameter; [the module](super) explains how.
pub struct VersionedLock<V> {
    versions: V,
    clock: Rc<dyn Clock>,
    /// The newest version that is known for certain to exist.
    newest: Cell<i64>,
    /// The version in which this process last held the lock.
    ours: Cell<i64>,
    /// How many entries this process has written.
    attempts: Cell<u64>,
    /// Somebody else's version, and when this process first saw it, by the steady clock.
    seen: RefCell<Option<(i64, String, Duration)>>,
}

/// How far back a version that counts is looked for: Parameter Store keeps a hundred.
const LOOK_BACK: i64 = 90;

/// Between two attempts of which the first one did not count, or got no clear answer.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The versions as they were read.
struct Log {
    /// The newest version; 0 where there is none.
    newest: i64,
    /// The newest that counts.
    counts: Option<Entry>,
}

impl Log {
    fn next(&self) -> i64 {
        self.newest + 1
    }

    fn is_held_by(&self, holder: &Holder) -> bool {
        self.counts.as_ref().is_some_and(|entry| entry.is_held_by(holder))
    }

    fn held(&self) -> Option<&Entry> {
        self.counts.as_ref().filter(|entry| entry.held)
    }
}

/// The result of a write.
enum Written {
    Counts,
    /// Another write came first; and the log after it.
    Over(Log),
}

impl<V: Versions> VersionedLock<V> {
    pub fn new(versions: V, clock: Rc<dyn Clock>) -> Self {
        Self {
            versions,
            clock,
            newest: Cell::new(0),
            ours: Cell::new(0),
            attempts: Cell::new(0),
            seen: RefCell::default(),
        }
    }

    async fn read(&self) -> Result<Log, CloudError> {
        let name = self.versions.name();
        let wrong = |class, why: String| Err(unusable(class, format!("{name}: {why}")));
        let Some((newest, mut text)) = self.versions.read(None).await? else {
            return Ok(Log { newest: 0, counts: None });
        };
        let mut number = newest;
        loop {
            match Entry::counting(&text, number) {
                Ok(None) => {}
                Ok(counts) => return Ok(Log { newest, counts }),
                Err(unknown) => return wrong(ErrorClass::Rejected, unknown.to_string()),
            }
            number -= 1;
            if number == 0 {
                return Ok(Log { newest, counts: None });
            }
            if number + LOOK_BACK < newest {
                let why = format!(
                    "none of its last {LOOK_BACK} versions is a lock of Baseplate; if nothing else needs it, delete it"
                );
                return wrong(ErrorClass::Rejected, why);
            }
            // That an older version is not there can only mean that this place does not know it yet. To take it
            // for free would be to ignore its holder.
            match self.versions.read(Some(number)).await? {
                Some((_, older)) => text = older,
                None => return wrong(ErrorClass::Ambiguous, format!("version {number} cannot be read yet")),
            }
        }
    }

    /// Writes the entry on top of what was read.
    ///
    /// # Errors
    /// There was no clear answer, and nothing shows of it: it may still come.
    async fn write(&self, log: &Log, entry: Entry) -> Result<Written, CloudError> {
        self.attempts.set(self.attempts.get() + 1);
        let entry = Entry { attempt: self.attempts.get(), ..entry };
        let lost = match self.versions.append(&entry.text(), log.newest == 0).await {
            Ok(number) => {
                self.newest.set(number);
                if number == entry.version {
                    return Ok(self.counts(&entry));
                }
                None
            }
            Err(error) if error.is(ErrorClass::AlreadyExists) => None,
            Err(error) if error.is(ErrorClass::Throttled) || error.is(ErrorClass::Ambiguous) => Some(error),
            Err(error) => return Err(error),
        };
        self.clock.sleep(RETRY_DELAY).await;
        let log = self.read().await?;
        self.newest.set(self.newest.get().max(log.newest));
        match lost {
            _ if log.counts.as_ref() == Some(&entry) => Ok(self.counts(&entry)),
            Some(error) if log.newest < entry.version => Err(error),
            _ => Ok(Written::Over(log)),
        }
    }

    fn counts(&self, entry: &Entry) -> Written {
        if entry.held {
            self.ours.set(entry.version);
        }
        Written::Counts
    }

    fn now(&self) -> Timestamp {
        Timestamp::now(self.clock.as_ref())
    }

    /// For how long this process has seen this entry not move.
    fn idle(&self, entry: &Entry) -> Duration {
        let now = self.clock.monotonic();
        let mut seen = self.seen.borrow_mut();
        match &*seen {
            Some((version, id, since)) if (*version, id) == (entry.version, &entry.holder.id) => {
                now.saturating_sub(*since)
            }
            _ => {
                *seen = Some((entry.version, entry.holder.id.clone(), now));
                Duration::ZERO
            }
        }
    }

    async fn free(&self, mut log: Log, me: &Holder, still: impl Fn(&Log) -> bool) -> Result<bool, CloudError> {
        while still(&log) {
            let entry = Entry::free(me, self.clock.wall_clock(), log.next());
            match self.write(&log, entry).await? {
                Written::Counts => return Ok(true),
                Written::Over(newer) => log = newer,
            }
        }
        Ok(false)
    }
}

impl<V: Versions> LockStore for VersionedLock<V> {
    fn name(&self) -> String {
        self.versions.name()
    }

    fn poll_interval(&self, lease: Duration) -> Duration {
        (lease / 20).clamp(Duration::from_millis(100), Duration::from_secs(2))
    }

    fn take<'a>(&'a self, me: &'a Holder, lease: Duration) -> LocalBoxFuture<'a, Result<Take, CloudError>> {
        Box::pin(async move {
            let mut log = self.read().await?;
            loop {
                let mut from = None;
                if let Some(entry) = log.held().filter(|entry| !entry.is_held_by(me)) {
                    let idle = self.idle(entry);
                    let held = entry.as_held(idle);
                    if idle < entry.lease() {
                        return Ok(Take::Busy(held));
                    }
                    from = Some(held);
                }
                // Where it is ours already, an answer was lost: writing again tells from when on it counts.
                let at = self.now();
                let entry = Entry::held(me, lease, self.clock.wall_clock(), log.next());
                match self.write(&log, entry).await? {
                    Written::Counts => return Ok(Take::Taken { at, from }),
                    Written::Over(newer) => log = newer,
                }
            }
        })
    }

    fn renew<'a>(&'a self, me: &'a Holder, lease: Duration) -> LocalBoxFuture<'a, Result<Renewal, CloudError>> {
        Box::pin(async move {
            let mut log = self.read().await?;
            loop {
                if log.newest < self.newest.get() {
                    // Stale, or somebody deleted the parameter. Either way nothing is known.
                    let message = format!("{} does not show the latest write", self.versions.name());
                    return Err(unusable(ErrorClass::Ambiguous, message));
                }
                if !log.is_held_by(me) {
                    return Ok(Renewal::Lost(match log.counts {
                        Some(Entry { held: true, holder, .. }) => LockLost::HeldBy(holder),
                        Some(Entry { holder, .. }) => LockLost::Unlocked(holder),
                        None => LockLost::Overwritten,
                    }));
                }
                let at = self.now();
                let entry = Entry::held(me, lease, self.clock.wall_clock(), log.next());
                match self.write(&log, entry).await? {
                    Written::Counts => return Ok(Renewal::Renewed(at)),
                    Written::Over(newer) => log = newer,
                }
            }
        })
    }

    /// Begins with a write on top of the version in which we held it: mostly nobody wrote since, and if somebody
    /// did, it does not count.
    fn release<'a>(&'a self, me: &'a Holder) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let newest = self.ours.get();
            let ours = Entry::held(me, Duration::ZERO, self.clock.wall_clock(), newest);
            self.free(Log { newest, counts: Some(ours) }, me, |log| log.is_held_by(me)).await?;
            Ok(())
        })
    }

    fn valid_for(&self, from: Timestamp, lasts: Duration) {
        self.versions.valid_for(from, lasts);
    }

    fn current(&self) -> LocalBoxFuture<'_, Result<Option<Held>, CloudError>> {
        Box::pin(async move { Ok(self.read().await?.held().map(|entry| entry.as_held(Duration::ZERO))) })
    }

    fn unlock<'a>(
        &'a self,
        held: &'a Held,
        me: &'a Holder,
    ) -> LocalBoxFuture<'a, Result<UnlockResult, CloudError>> {
        Box::pin(async move {
            let log = self.read().await?;
            if self.free(log, me, |log| log.is_held_by(&held.holder)).await? {
                return Ok(UnlockResult::Unlocked);
            }
            Ok(UnlockResult::HolderChanged(self.current().await?))
        })
    }
}

fn unusable(class: ErrorClass, message: String) -> CloudError {
    CloudError { class, ..CloudError::new("ssm:GetParameter", "UnusableLock", message) }
}
