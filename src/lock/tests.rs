//! A store and a clock in memory: every order of steps can be tried, and time passes as a test wants.

mod orders;
mod times;

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use futures_util::future::LocalBoxFuture;

use super::{Holder, VersionedLock, Versions};
use crate::aws::{CloudError, ErrorClass};
use crate::clock::Clock;

const LEASE: Duration = Duration::from_secs(60);

fn run_of(name: &str) -> Holder {
    let (id, by, since) = (name.to_owned(), format!("{name}@host"), "2026-03-01T14:02:11Z".to_owned());
    Holder { id, by, pid: 1, command: "apply".to_owned(), run: None, since }
}

#[derive(Default)]
struct TestClock {
    now: Cell<Duration>,
    /// By how much the clock on the wall is ahead, for the machine slept.
    slept: Cell<Duration>,
    /// Whether sleeping takes no time.
    hurries: bool,
    alarms: Rc<RefCell<Vec<Duration>>>,
}

impl TestClock {
    fn pass(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
    }
}

/// A clock that two sides share.
#[derive(Clone, Default)]
struct Shared(Rc<TestClock>);

impl Clock for Shared {
    fn monotonic(&self) -> Duration {
        self.0.now.get()
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.now.get() + self.0.slept.get()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let (clock, until) = (Rc::clone(&self.0), self.0.now.get() + duration);
        Box::pin(async move {
            while clock.now.get() < until && !clock.hurries {
                clock.alarms.borrow_mut().push(until);
                step().await;
            }
        })
    }
}

/// Lets the others go first, once.
async fn step() {
    let mut waited = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// What goes wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It gets nowhere.
    Dropped,
    /// The SDK repeats it although it took effect, and the second answer is seen.
    Repeated,
    /// It takes effect only when the others are at it.
    Delayed,
}

/// What all runs see.
#[derive(Default)]
struct Account {
    versions: RefCell<Vec<String>>,
    delayed: RefCell<Vec<String>>,
    down: Cell<bool>,
    calls: Cell<usize>,
}

impl Account {
    fn write(&self, text: &str) -> i64 {
        self.versions.borrow_mut().push(text.to_owned());
        i64::try_from(self.versions.borrow().len()).unwrap()
    }

    fn deliver(&self) {
        for text in self.delayed.take() {
            self.write(&text);
        }
    }
}

/// The account as one run sees it.
#[derive(Clone)]
struct View {
    account: Rc<Account>,
    /// What goes wrong with the next writes, in turn.
    faults: Rc<RefCell<Vec<Fault>>>,
    /// How often reads will miss the newest version.
    stale: Rc<Cell<usize>>,
}

impl View {
    fn of(account: &Rc<Account>) -> Self {
        Self { account: Rc::clone(account), faults: Rc::default(), stale: Rc::default() }
    }

    fn chain(&self, clock: &Shared) -> VersionedLock<Self> {
        VersionedLock::new(self.clone(), Rc::new(clock.clone()))
    }

    async fn call(&self) -> Result<(), CloudError> {
        step().await;
        self.account.calls.set(self.account.calls.get() + 1);
        if self.account.down.get() { Err(ambiguous()) } else { Ok(()) }
    }
}

fn ambiguous() -> CloudError {
    CloudError { class: ErrorClass::Ambiguous, ..CloudError::new("trial", "", "no answer") }
}

impl Versions for View {
    fn name(&self) -> String {
        "the trial".to_owned()
    }

    fn read(&self, number: Option<i64>) -> LocalBoxFuture<'_, Result<Option<(i64, String)>, CloudError>> {
        Box::pin(async move {
            self.call().await?;
            let versions = self.account.versions.borrow();
            let mut newest = versions.len();
            if number.is_none() && newest > 0 && self.stale.get() > 0 {
                self.stale.set(self.stale.get() - 1);
                newest -= 1;
            }
            let number = number.map_or(newest, |number| usize::try_from(number).unwrap());
            let text = number.checked_sub(1).and_then(|index| versions.get(index));
            Ok(text.map(|text| (i64::try_from(number).unwrap(), text.clone())))
        })
    }

    fn append<'a>(&'a self, text: &'a str, first: bool) -> LocalBoxFuture<'a, Result<i64, CloudError>> {
        Box::pin(async move {
            self.call().await?;
            let fault =
                if self.faults.borrow().is_empty() { Fault::None } else { self.faults.borrow_mut().remove(0) };
            match fault {
                Fault::Dropped => return Err(ambiguous()),
                Fault::Delayed => {
                    self.account.delayed.borrow_mut().push(text.to_owned());
                    return Err(ambiguous());
                }
                _ => {}
            }
            if first && !self.account.versions.borrow().is_empty() {
                return Err(CloudError::new("trial", "ParameterAlreadyExists", "it is there"));
            }
            let number = self.account.write(text);
            match fault {
                Fault::AnswerLost => Err(ambiguous()),
                // Repeated with `first`, the SDK is told that it is there already.
                Fault::Repeated if first => Err(CloudError::new("trial", "ParameterAlreadyExists", "it is there")),
                Fault::Repeated => Ok(self.account.write(text)),
                _ => Ok(number),
            }
        })
    }
}

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn poll(task: &mut Task<'_>) -> bool {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Runs the tasks side by side until the first one ends, and time with them: whenever all of them wait, it goes
/// on to the next moment that one waits for.
fn in_time(clock: &Shared, mut tasks: Vec<Task<'_>>) {
    loop {
        clock.0.alarms.borrow_mut().clear();
        // As many steps as there may be calls at one moment.
        for _ in 0..30 {
            if poll(&mut tasks[0]) {
                return;
            }
            let mut index = 1;
            while index < tasks.len() {
                if poll(&mut tasks[index]) {
                    drop(tasks.remove(index));
                } else {
                    index += 1;
                }
            }
        }
        let now = clock.0.now.get();
        let next = clock.0.alarms.borrow().iter().copied().filter(|alarm| *alarm > now).min();
        clock.0.now.set(next.expect("somebody waits for a moment to come"));
    }
}
