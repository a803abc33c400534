use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Ui;
use crate::apply::{Event, Report};
use crate::value::{Address, one_line, prefix_lines};

/// The indent of lines without a count.
const MARGIN: &str = "         ";

/// Progress: what runs, what it waits for, and how much is done; a progress bar on a terminal, plain lines elsewhere.
pub struct Progress {
    ui: Ui,
    bar: Option<ProgressBar>,
    total: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    ended: usize,
    /// What runs, and what it waits for.
    running: BTreeMap<String, String>,
}

impl Progress {
    /// Progress of `total` operations.
    pub fn new(ui: Ui, total: usize) -> Self {
        // The lines of `-v` and a progress bar would overwrite one another.
        let bar = (std::io::stderr().is_terminal() && ui.verbose == 0).then(|| {
            let bar = ProgressBar::new(total as u64);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} [{elapsed}] {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { ui, bar, total, state: RefCell::default() }
    }

    pub fn show_event(&self, event: &Event<'_>) {
        let paint = self.ui.err;
        match event {
            Event::Started { address, verb } => {
                self.state.borrow_mut().running.insert(address.to_string(), String::new());
                if self.bar.is_none() {
                    self.line(&format!("         {} {address}", verb.present()));
                }
            }
            Event::Waiting { address, what } => {
                let mut state = self.state.borrow_mut();
                let known = state.running.entry(address.to_string()).or_default();
                if known != what {
                    what.clone_into(known);
                    drop(state);
                    if self.bar.is_none() {
                        self.line(&format!("         waiting for {address}: {}", prefix_lines(what, MARGIN)));
                    }
                }
            }
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
        self.refresh();
    }

    fn ended(&self, address: &Address, text: &str) {
        let ended = {
            let mut state = self.state.borrow_mut();
            state.running.remove(&address.to_string());
            state.ended += 1;
            state.ended
        };
        let width = self.total.to_string().len();
        self.line(&format!("[{ended:>width$}/{}] {text}", self.total));
    }

    fn line(&self, text: &str) {
        let text = self.ui.err.sanitize(text);
        match &self.bar {
            Some(bar) => bar.println(text.as_ref()),
            None => self.ui.note(&text),
        }
    }

    fn refresh(&self) {
        let Some(bar) = &self.bar else { return };
        let state = self.state.borrow();
        bar.set_position(state.ended as u64);
        let running = state.running.iter().map(|(address, waits)| match waits.is_empty() {
            true => address.clone(),
            false => format!("{address} ({})", one_line(waits)),
        });
        bar.set_message(running.collect::<Vec<_>>().join(", "));
    }

    /// Removes the progress bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The result, in a line or a few.
    pub fn finish(&self, report: &Report) {
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
        let skipped = report.skipped.len();
        let text = format!(
            "{} done, {} failed, {skipped} skipped in {}",
            report.done.len(),
            report.failed.len(),
            seconds(report.took)
        );
        let again = "Run the same command again to continue.";
        match report.is_success() {
            true => self.line(&self.ui.err.green(&format!("Applied: {text}."))),
            false if report.is_interrupted() => {
                self.line(&self.ui.err.yellow(&format!("Interrupted: {text}. {again}")));
            }
            false => self.line(&self.ui.err.red(&format!("Apply incomplete: {text}. {again}"))),
        }
    }
}

fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..=99 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
