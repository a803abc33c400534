//! The lock around whatever changes an environment, and `unlock`.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::options::{self, Use};
use super::session::{Session, unreadable};
use crate::apply::Stop;
use crate::aws::{CloudError, ErrorClass};
use crate::cli::{CloudArgs, Exit, LockArgs, UnlockArgs, Wait};
use crate::clock::SystemClock;
use crate::lock::{Held, Holder, Lock, LockError, LockOptions, NotStarted, UnlockResult};
use crate::ui::Ui;
use crate::value::{one_line, prefix_lines};

/// How long letting go of the lock may take: at the end of the work, and after a second signal, when the process
/// may be killed any moment.
const RELEASE: Duration = Duration::from_secs(10);
const RELEASE_AT_ONCE: Duration = Duration::from_secs(1);

/// Does the work under the environment's lock, so that nothing changes between planning and applying. The lock is
/// renewed meanwhile, also while waiting for confirmation, and released however the work ends. The first signal asks
/// the work to stop, a second ends it immediately.
pub async fn locked(
    ui: Ui,
    session: &mut Session,
    spec: &Path,
    command: &str,
    args: LockArgs,
    work: impl AsyncFnOnce(&Session, &Lock, &Stop) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let stop = Stop::default();
    let mut signals = std::pin::pin!(signals(&stop));
    let at_once = || {
        let (message, help) = ("stopped immediately by a second signal", "plan again to see what was done");
        Err(Failure::new(Exit::Interrupted, message, help))
    };
    let lock = tokio::select! {
        biased;
        () = &mut signals => return at_once(),
        lock = acquire(ui, session, spec, command, args, &stop) => lock?,
    };
    let (result, patience) = match reload(session) {
        Err(failure) => (Err(failure), RELEASE),
        Ok(()) => tokio::select! {
            biased;
            () = &mut signals => (at_once(), RELEASE_AT_ONCE),
            result = work(session, &lock, &stop) => (result, RELEASE),
            never = lock.keep() => never,
        },
    };
    let close = async {
        // Who has lost the lock leaves everything to who has it.
        match lock.fence().await {
            Ok(()) => session.cloud.close(&session.spec.env).await,
            Err(_) => Ok(()),
        }
    };
    if let Ok(Err(error)) = tokio::time::timeout(patience, close).await {
        ui.note(&prefix_lines(&error.to_string(), "  "));
    }
    let kept = match tokio::time::timeout(patience, lock.release()).await {
        Ok(Ok(())) => return result,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no response within {} s", patience.as_secs()),
    };
    let kept = prefix_lines(&kept, "  ");
    ui.note(&format!("the lock could not be released ({kept}); it expires after {} s", args.lock_lease));
    result
}

/// Why a record beside the changes was not written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// Does this write, which has not begun, if the lock is still held.
pub async fn fenced(lock: &Lock, write: impl Future<Output = Result<(), CloudError>>) -> Result<(), RecordError> {
    lock.fence().await?;
    Ok(write.await?)
}

/// The same of several writes, each of which may fail.
///
/// # Errors
/// What each says.
pub async fn fenced_all(
    lock: &Lock,
    writes: impl Future<Output = Result<(), Vec<CloudError>>>,
) -> Result<(), Vec<String>> {
    lock.fence().await.map_err(|lost| vec![lost.to_string()])?;
    writes.await.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn reload(session: &mut Session) -> Result<(), Failure> {
    session.cloud.reload().map_err(|error| unreadable(&[error]))?;
    session.secret_store = session.cloud.secret_store();
    Ok(())
}

async fn acquire(
    ui: Ui,
    session: &Session,
    spec: &Path,
    command: &str,
    args: LockArgs,
    stop: &Stop,
) -> Result<Lock, Failure> {
    let lease = Duration::from_secs(args.lock_lease.into());
    let timeout = args.lock_timeout.map_or(lease * 2, |seconds| Duration::from_secs(seconds.into()));
    let store = session.cloud.lock(&session.spec.env);
    let (name, environment) = (store.name(), environment(session));
    let waiting = Waiting::default();
    let on_wait = |held: &Held| waiting.on_wait(ui, &environment, held);
    let (me, terms) = (Holder::this(command), LockOptions { lease, timeout });
    match Lock::acquire(store, me, terms, SystemClock::shared(), &on_wait, stop.wait()).await {
        Ok((lock, None)) => Ok(lock),
        Ok((lock, Some(from))) => {
            let text = format!("took over the expired lock of {}", describe(&from.holder));
            ui.note(&text);
            Ok(lock)
        }
        Err(LockError::Held(held)) => Err(refused(&environment, &held, spec)),
        Err(LockError::Cancelled) => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was changed", "")),
        Err(LockError::Cloud(error)) => Err(unusable(&environment, &name, &error)),
    }
}

/// Reports who holds the lock while waiting, and whether its holder still renews it.
#[derive(Default)]
struct Waiting {
    holder: RefCell<String>,
    idle: RefCell<Duration>,
}

impl Waiting {
    /// A holder that lives renews after a third of its lease; one silent for longer is worth a line now and then.
    const OFTEN: Duration = Duration::from_secs(10);

    fn on_wait(&self, ui: Ui, environment: &str, held: &Held) {
        if *self.holder.borrow() != held.holder.id {
            held.holder.id.clone_into(&mut self.holder.borrow_mut());
            ui.note(&format!("waiting for the lock of {environment}: held by {}", describe(&held.holder)));
        }
        let Some(lease) = held.lease.filter(|lease| held.idle > *lease / 2) else {
            self.idle.take();
            return;
        };
        let told = *self.idle.borrow();
        if told.is_zero() || held.idle > told + Self::OFTEN {
            self.idle.replace(held.idle);
            let (idle, lease) = (held.idle.as_secs(), lease.as_secs());
            ui.note(&format!("its holder has not renewed it for {idle} s; it is taken over after {lease} s"));
        }
    }
}

fn environment(session: &Session) -> String {
    format!("{} {}", session.spec.env.project, session.spec.env.environment)
}

/// On one line: whoever may write the parameter wrote it.
fn describe(holder: &Holder) -> String {
    let Holder { by, command, pid, since, run, .. } = holder;
    if since.is_empty() {
        return one_line(by);
    }
    let run = run.as_ref().map(|run| format!(" (run {run})")).unwrap_or_default();
    one_line(&format!("{by} ({command}, process {pid}) since {since}{run}"))
}

fn refused(environment: &str, held: &Held, spec: &Path) -> Failure {
    let mut message = format!("{environment} is locked by {}", describe(&held.holder));
    let wait = "wait longer (--lock-timeout SECONDS)";
    let help = match &held.expires {
        Some(expires) => {
            message += &format!(", until {expires} unless renewed");
            format!("{wait}, or if that run has certainly died: baseplate unlock {}", spec.display())
        }
        None => format!("{wait}, or end that process: its lock ends with it"),
    };
    Failure::new(Exit::Refused, message + "; nothing was changed", help)
}

fn unusable(environment: &str, name: &str, error: &CloudError) -> Failure {
    let place = if error.message.contains(name) { String::new() } else { format!(" ({name})") };
    let message = format!("cannot acquire the lock of {environment}{place}: {error}; nothing was changed");
    if error.is(ErrorClass::Denied) {
        let help = "allow these credentials ssm:GetParameter and ssm:PutParameter on parameter/baseplate/*";
        return Failure::new(Exit::Failed, message, help);
    }
    Failure::new(Exit::Failed, message, "an environment is changed only under its lock; `plan` needs none")
}

/// The first signal asks to stop; the second ends this, and the command with it.
async fn signals(stop: &Stop) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    // The terminal was closed, or the connection to it: nobody reads on, and the lock is to be released all the same.
    let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
    let mut hung_up = async || match &mut hangup {
        Some(hangup) => hangup.recv().await,
        None => std::future::pending().await,
    };
    for _ in 0..2 {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hung_up() => {}
        }
        stop.request();
    }
}

/// Whether it was started to go on without its terminal, as by `nohup`. Linux tells the signals that a process ignores
/// as a mask, in which SIGHUP is the first.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Releases the lock of another run, once a person has confirmed that.
pub async fn unlock(ui: Ui, args: &UnlockArgs) -> Result<Exit, Failure> {
    let cloud = CloudArgs { wait: Wait::Never, ..args.cloud.clone() };
    options::of_cloud(&args.cloud, Use::Reads)?;
    let session = Session::open(ui, &args.spec, &cloud, None).await?;
    session.guard().await?;
    let environment = environment(&session);
    let store = session.cloud.lock(&session.spec.env);
    let name = store.name();
    let failed = |error: CloudError| unusable(&environment, &name, &error);
    let Some(held) = store.current().await.map_err(failed)? else {
        if ui.json {
            ui.result_json(&serde_json::json!({ "held": null, "unlocked": false }))?;
        } else {
            ui.result(&format!("The lock of {environment} is not held."))?;
        }
        return Ok(Exit::Done);
    };
    show(ui, &environment, &held);
    let Some(lease) = held.lease else { return Err(alive(&held)) };
    if !args.yes {
        let question = format!(
            "Release it? If that run is still alive, it continues for up to {} s before it notices.",
            lease.as_secs().div_ceil(3)
        );
        match ui.ask(&question).await {
            Some(true) => {}
            Some(false) => return Err(Failure::new(Exit::Refused, "not confirmed; the lock is kept", "")),
            None => {
                let message = "cannot ask for confirmation without a terminal; the lock is kept";
                return Err(Failure::new(Exit::Refused, message, "add --yes if that run has certainly died"));
            }
        }
    }
    let unlocked = match store.unlock(&held, &Holder::this("unlock")).await.map_err(failed)? {
        UnlockResult::Unlocked => true,
        UnlockResult::HolderChanged(None) => false,
        UnlockResult::HolderChanged(Some(other)) => {
            let message = format!("the lock is now held by {}, and is kept", describe(&other.holder));
            return Err(Failure::new(Exit::Refused, message, "run `unlock` again to decide about that one"));
        }
        UnlockResult::HolderAlive => return Err(alive(&held)),
    };
    if ui.json {
        ui.result_json(&serde_json::json!({ "held": held.holder, "unlocked": unlocked }))?;
    } else {
        ui.result(if unlocked { "Unlocked." } else { "It was released meanwhile." })?;
    }
    Ok(Exit::Done)
}

fn show(ui: Ui, environment: &str, held: &Held) {
    let Holder { by, pid, command, run, since, .. } = &held.holder;
    let (by, command, since) = (one_line(by), one_line(command), one_line(since));
    let mut text =
        format!("The lock of {environment} is held.\n  by       {by}, process {pid}\n  for      {command}\n");
    if let Some(run) = run {
        text += &format!("  run      {}\n", one_line(run));
    }
    text += &format!("  since    {since}\n");
    if let (Some(expires), Some(lease)) = (&held.expires, held.lease) {
        text += &format!("  expires  {expires}, unless renewed; then the next run takes it over by itself\n");
        text += &format!("  lease    {} s\n", lease.as_secs());
    }
    ui.note(text.trim_end());
}

fn alive(held: &Held) -> Failure {
    let message = format!("process {} is alive, and a cloud file's lock ends only with it", held.holder.pid);
    Failure::new(Exit::Refused, message, "wait for that process, or end it")
}
