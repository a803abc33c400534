use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressDrawTarget;

use super::Ui;
use super::running::RunningLines;
use crate::apply::{Event, Report};
use crate::value::{Address, prefix_lines};

/// Lines of a small terminal.
const SCREEN: usize = 24;

/// The indent of lines without a count.
const MARGIN: &str = "         ";

/// Progress: what runs, what it waits for, and how much is done; lines that move on a terminal, plain ones elsewhere.
pub struct Progress {
    ui: Ui,
    /// `None` where nothing can be moved.
    running: Option<RunningLines>,
    total: usize,
    ended: Cell<usize>,
    /// What was last said to be waited for.
    waits: RefCell<BTreeMap<Address, String>>,
}

impl Progress {
    /// Progress of `total` operations.
    pub fn new(ui: Ui, total: usize) -> Self {
        // The lines of `-v` and those that move would overwrite one another; a dumb terminal has no cursor to move.
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let moves = std::io::stderr().is_terminal() && ui.verbose == 0 && !dumb;
        let running = moves.then(|| RunningLines::new(total, ProgressDrawTarget::stderr()));
        Self { ui, running, total, ended: Cell::default(), waits: RefCell::default() }
    }

    pub fn show_event(&self, event: &Event<'_>) {
        let paint = self.ui.err;
        match event {
            Event::Started { address, verb } => match &self.running {
                Some(running) => running.started(address, *verb),
                None => self.line(&format!("{MARGIN}{} {address}", verb.present())),
            },
            Event::Waiting { address, what } => self.waiting(address, what),
            Event::Finished { address, verb, took } => {
                let text = format!("{} {address} in {}", verb.past(), seconds(*took));
                self.ended(address, &paint.green(&text));
            }
            Event::Unchanged { address } => self.ended(address, &format!("{address} is up to date")),
            Event::Failed { address, verb, why } => {
                let text = format!("FAILED {} {address}: {}", verb.present(), prefix_lines(why, MARGIN));
                self.ended(address, &paint.red(&text));
            }
            Event::Skipped { address, verb, because } => {
                let text = format!("skipped {} {address}: {because} failed", verb.present());
                self.ended(address, &paint.yellow(&text));
            }
            Event::Stopping { running } => {
                self.line(
                    &paint.yellow(&format!(
                        "stopping: no more changes are started, {running} in progress may finish"
                    )),
                );
            }
            Event::LockLost { why, running } => {
                let why = prefix_lines(why, MARGIN);
                self.line(
                    &paint.red(&format!("{why}: no more changes are started, {running} in progress may finish")),
                );
            }
        }
    }

    fn waiting(&self, address: &Address, what: &str) {
        if let Some(running) = &self.running {
            return running.waiting(address, what);
        }
        // Once, however often it is asked for.
        let mut waits = self.waits.borrow_mut();
        if waits.get(address).is_none_or(|known| known != what) {
            waits.insert(address.clone(), what.to_owned());
            self.line(&format!("{MARGIN}waiting for {address}: {}", prefix_lines(what, MARGIN)));
        }
    }

    fn ended(&self, address: &Address, text: &str) {
        self.waits.borrow_mut().remove(address);
        self.ended.set(self.ended.get() + 1);
        if let Some(running) = &self.running {
            running.ended(address);
        }
        let width = self.total.to_string().len();
        self.line(&format!("[{:>width$}/{}] {text}", self.ended.get(), self.total));
    }

    fn line(&self, text: &str) {
        let text = self.ui.err.sanitize(text);
        match &self.running {
            Some(running) => running.print(&text),
            None => self.ui.note(&text),
        }
    }

    /// Removes the lines that move.
    pub fn clear(&self) {
        if let Some(running) = &self.running {
            running.clear();
        }
    }

    /// The result, in a line or a few.
    pub fn finish(&self, report: &Report, destroy: bool) {
        self.clear();
        let list = |what: &str, addresses: &mut dyn Iterator<Item = String>| {
            let addresses: Vec<String> = addresses.collect();
            if !addresses.is_empty() {
                self.line(&format!("{what}: {}", addresses.join(", ")));
            }
        };
        if report.is_interrupted() {
            list("done", &mut report.done.iter().map(|(address, verb)| format!("{} {address}", verb.past())));
        }
        list(
            "unfinished (may or may not have taken effect)",
            &mut report.unfinished.iter().map(ToString::to_string),
        );
        list("not started", &mut report.not_begun.iter().map(ToString::to_string));
        // In a long run they went by some screens ago.
        if self.total > SCREEN {
            for (address, why) in &report.failed {
                self.line(&self.ui.err.red(&format!("FAILED {address}: {}", prefix_lines(why, MARGIN))));
            }
        }
        let skipped = report.skipped.len();
        let text = format!(
            "{} done, {} failed, {skipped} skipped in {}",
            report.done.len(),
            report.failed.len(),
            seconds(report.took)
        );
        let again = match report.failed.is_empty() {
            true => "Run the same command again to continue.",
            false => "Fix what failed, then run the same command again.",
        };
        match report.is_success() {
            true => self
                .line(&self.ui.err.green(&format!("{}: {text}.", if destroy { "Destroyed" } else { "Applied" }))),
            false if report.is_interrupted() => {
                self.line(&self.ui.err.yellow(&format!("Interrupted: {text}. {again}")));
            }
            false => self.line(
                &self
                    .ui
                    .err
                    .red(&format!("{} incomplete: {text}. {again}", if destroy { "Destroy" } else { "Apply" })),
            ),
        }
    }
}

fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..=99 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
