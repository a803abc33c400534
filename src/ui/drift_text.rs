use std::fmt::Write;

use super::plan_text::{changes_by_origin, section};
use super::{Paint, sanitized};
use crate::plan::{Origin, Plan};
use crate::render::{changes_markdown, markdown_text};
use crate::value::one_line;

/// What was changed by hand in one environment.
pub struct Drift {
    /// The cloud, in words.
    pub place: String,
    /// A plan without what the spec asks for.
    pub plan: Plan,
    /// What stands in the way of a plan; then there is none.
    pub conflicts: Vec<String>,
    /// How many changes the spec asks for besides.
    pub requested: usize,
    /// The spec and its cloud, as a command line has them.
    pub command: String,
}

impl Drift {
    pub fn is_empty(&self) -> bool {
        self.plan.is_empty() && self.conflicts.is_empty()
    }

    fn title(&self) -> String {
        let Plan { project, environment, .. } = &self.plan;
        format!("Drift: {project} {environment} on {}", self.place)
    }

    /// "3 objects were changed by hand, 1 was added", or that none was.
    fn summary(&self) -> String {
        if !self.conflicts.is_empty() {
            return format!("Drift: no plan can be made of {}; the above says why.", self.command);
        }
        if self.plan.is_empty() {
            return format!("No drift: all {} objects are as they were applied.", self.plan.unchanged);
        }
        let count = |origin| self.plan.changes.iter().filter(|change| change.origin == origin).count();
        let objects = |count: usize| if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
        let parts = [(count(Origin::Drift), "changed or deleted"), (count(Origin::Unmanaged), "added to")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!("{} {what}", objects(count))).collect();
        format!("Drift: {}. `baseplate apply {}` puts it right.", parts.join(", "), self.command)
    }

    fn requested(&self) -> Option<String> {
        match self.requested {
            0 => None,
            1 => Some(format!(
                "1 change of the spec is not applied yet: `baseplate plan {}` shows it.",
                self.command
            )),
            count => Some(format!(
                "{count} changes of the spec are not applied yet: `baseplate plan {}` shows them.",
                self.command
            )),
        }
    }
}

/// For a terminal: what is dangerous first within each stage.
pub fn drift_text(drift: &Drift, paint: Paint) -> String {
    let plan = &*sanitized(&drift.plan);
    let mut out = format!("{}\n", paint.bold(&one_line(&drift.title())));
    changes_by_origin(&mut out, plan, paint);
    section(&mut out, paint, "In the way of a plan", &drift.conflicts);
    section(&mut out, paint, "Scheduled by AWS", &plan.scheduled);
    section(&mut out, paint, "Notes", &plan.notes);
    let summary = one_line(&drift.summary());
    let _ = writeln!(out, "\n{}", if drift.is_empty() { paint.green(&summary) } else { paint.yellow(&summary) });
    if let Some(requested) = drift.requested() {
        let _ = writeln!(out, "{}", one_line(&requested));
    }
    out
}

/// For an issue or a comment: what is dangerous first.
pub fn drift_markdown(drift: &Drift) -> String {
    let mut out = format!("### {}\n\n**{}**\n", markdown_text(&drift.title()), markdown_text(&drift.summary()));
    if let Some(requested) = drift.requested() {
        let _ = writeln!(out, "\n{}", markdown_text(&requested));
    }
    for conflict in &drift.conflicts {
        let _ = write!(out, "\n- {}\n", markdown_text(conflict));
    }
    out += &changes_markdown(&drift.plan);
    out
}
