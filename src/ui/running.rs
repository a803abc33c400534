//! What runs, at the bottom of a terminal: a line for each change, and one that counts.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::apply::Verb;
use crate::value::{Address, one_line};

/// So many changes have a line of their own. Of more only the number is told: the lines must not fill the screen.
const LINES: usize = 5;

const TICK: Duration = Duration::from_millis(120);

pub struct RunningLines {
    lines: MultiProgress,
    /// How many changes run that have no line, where there are any.
    more: RefCell<Option<ProgressBar>>,
    /// How many are done, of how many.
    count: ProgressBar,
    changes: RefCell<Vec<Running>>,
}

/// A change that runs.
struct Running {
    address: Address,
    verb: Verb,
    /// What it waits for; empty where it waits for nothing.
    waits: String,
    since: Instant,
    line: Option<ProgressBar>,
}

impl RunningLines {
    /// Lines for `total` changes. Nothing is drawn on what is not a terminal.
    pub fn new(total: usize, target: ProgressDrawTarget) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let count = ProgressBar::new(total as u64).with_style(style("{spinner} {msg} [{elapsed}]"));
        let count = lines.add(count);
        count.enable_steady_tick(TICK);
        let running = Self { lines, more: RefCell::default(), count, changes: RefCell::default() };
        running.tell_count();
        running
    }

    pub fn started(&self, address: &Address, verb: Verb) {
        let (address, waits) = (address.clone(), String::new());
        self.changes.borrow_mut().push(Running { address, verb, waits, since: Instant::now(), line: None });
        self.draw();
    }

    pub fn waiting(&self, address: &Address, what: &str) {
        let mut changes = self.changes.borrow_mut();
        if let Some(change) = changes.iter_mut().find(|change| change.address == *address) {
            change.waits = one_line(what);
            if let Some(line) = &change.line {
                line.set_message(change.text());
            }
        }
    }

    pub fn ended(&self, address: &Address) {
        let mut changes = self.changes.borrow_mut();
        if let Some(index) = changes.iter().position(|change| change.address == *address)
            && let Some(line) = changes.remove(index).line
        {
            self.lines.remove(&line);
        }
        drop(changes);
        self.count.inc(1);
        self.tell_count();
        self.draw();
    }

    /// A line that stays, above those that run.
    pub fn print(&self, text: &str) {
        // A terminal that has gone is no reason to stop an apply.
        let _ = self.lines.println(text);
    }

    /// Removes all lines but those that stay.
    pub fn clear(&self) {
        self.changes.borrow_mut().clear();
        self.more.take();
        self.count.finish_and_clear();
        let _ = self.lines.clear();
    }

    /// As a message, which is drawn at once; a position is drawn when the spinner turns.
    fn tell_count(&self) {
        self.count.set_message(format!("{}/{}", self.count.position(), self.count.length().unwrap_or_default()));
    }

    /// Gives lines to the changes that have run longest, and counts the others.
    fn draw(&self) {
        let mut changes = self.changes.borrow_mut();
        let mut more = self.more.borrow_mut();
        for change in changes.iter_mut().take(LINES).filter(|change| change.line.is_none()) {
            let line = ProgressBar::new_spinner()
                .with_style(style("{spinner} {wide_msg} {elapsed:>6}"))
                .with_elapsed(change.since.elapsed())
                .with_message(change.text());
            let line = self.lines.insert_before(more.as_ref().unwrap_or(&self.count), line);
            line.tick();
            line.enable_steady_tick(TICK);
            change.line = Some(line);
        }
        match changes.len().saturating_sub(LINES) {
            0 => {
                if let Some(line) = more.take() {
                    self.lines.remove(&line);
                }
            }
            count => {
                let new = || ProgressBar::new_spinner().with_style(style("  {wide_msg}"));
                let line = more.get_or_insert_with(|| self.lines.insert_before(&self.count, new()));
                line.set_message(format!("and {count} more"));
            }
        }
    }
}

impl Running {
    fn text(&self) -> String {
        let Self { address, verb, waits, .. } = self;
        match waits.is_empty() {
            true => format!("{} {address}", verb.present()),
            false => format!("{} {address}: waiting for {waits}", verb.present()),
        }
    }
}

/// A wrong template is a fault of ours, which the test below finds; the line is drawn in indicatif's own style then.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    fn lines(total: usize) -> (RunningLines, InMemoryTerm) {
        let terminal = InMemoryTerm::new(20, 100);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        (RunningLines::new(total, target), terminal)
    }

    /// What is on the terminal. A line that stays is drawn at once, and with it what was not drawn yet: a terminal is
    /// not drawn on more than some twenty times a second.
    fn on_terminal(lines: &RunningLines, terminal: &InMemoryTerm) -> String {
        lines.print("drawn");
        terminal.contents()
    }

    fn subnet(number: usize) -> Address {
        Address::new("subnet", format!("private-{number}"))
    }

    #[test]
    fn each_change_has_a_line_until_it_ends() {
        let (lines, terminal) = lines(3);
        lines.started(&subnet(1), Verb::Create);
        lines.started(&subnet(2), Verb::Delete);
        lines.waiting(&subnet(2), "state: pending\nall");
        let shown = on_terminal(&lines, &terminal);
        assert!(shown.contains("creating subnet.private-1 "), "{shown}");
        assert!(shown.contains("deleting subnet.private-2: waiting for state: pending\\nall"), "{shown}");

        lines.ended(&subnet(1));
        lines.print("[1/3] created subnet.private-1");
        let shown = on_terminal(&lines, &terminal);
        assert!(shown.contains("[1/3] created subnet.private-1\n"), "{shown}");
        assert!(!shown.contains("creating"), "{shown}");
        assert!(shown.contains(" 1/3 "), "{shown}");
    }

    #[test]
    fn of_more_than_five_the_number_is_told() {
        let (lines, terminal) = lines(9);
        (1..=7).for_each(|number| lines.started(&subnet(number), Verb::Create));
        let shown = on_terminal(&lines, &terminal);
        assert!(shown.contains("private-5") && !shown.contains("private-6"), "{shown}");
        assert!(shown.contains("and 2 more"), "{shown}");

        // The one that has waited longest for a line takes the place.
        lines.ended(&subnet(2));
        let shown = on_terminal(&lines, &terminal);
        assert!(shown.contains("private-6") && !shown.contains("private-2"), "{shown}");
        assert!(shown.contains("and 1 more"), "{shown}");
        lines.ended(&subnet(3));
        let shown = on_terminal(&lines, &terminal);
        assert!(!shown.contains(" more"), "{shown}");
    }

    #[test]
    fn nothing_is_left_in_the_end() {
        let (lines, terminal) = lines(2);
        lines.started(&subnet(1), Verb::Create);
        lines.print("[1/2] created vpc.main");
        lines.clear();
        assert_eq!(terminal.contents(), "[1/2] created vpc.main");
    }
}
