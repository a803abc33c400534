use std::fmt::Write;

use super::plan_text::{changes_by_origin, section};
use super::{Paint, sanitized};
use crate::plan::{Action, Origin, Plan, unmanaged_lines};
use crate::render::{UNMANAGED, changes_markdown, markdown_list, markdown_text};
use crate::value::one_line;

/// What was changed by hand in one environment.
pub struct Drift {
    /// The cloud, in words.
    pub place: String,
    /// A plan without what the spec asks for.
    pub plan: Plan,
    /// What stands in the way of an apply.
    pub conflicts: Vec<String>,
    /// Whether there is a record of the last apply. Without it the plan is all that differs.
    pub is_recorded: bool,
    /// How many changes a plan has besides: what the spec asks for, and what follows from the others.
    pub others: usize,
    /// The spec and its cloud, as a command line has them.
    pub command: String,
}

impl Drift {
    pub fn is_empty(&self) -> bool {
        self.plan.is_empty() && self.conflicts.is_empty() && self.unmanaged() == 0
    }

    /// How many things somebody made by hand are left as they are, without those that the spec accepts.
    fn unmanaged(&self) -> usize {
        self.plan.unmanaged.iter().filter(|one| one.accepted.is_none()).count()
    }

    fn title(&self) -> String {
        let Plan { project, environment, .. } = &self.plan;
        format!("Drift: {project} {environment} on {}", self.place)
    }

    /// "3 objects changed or deleted, 1 object added to", or that none was, and what to do.
    fn summary(&self) -> String {
        let Self { plan, command, .. } = self;
        let mut said = match (self.is_recorded, plan.changes.len()) {
            (true, 0) if self.is_empty() => {
                return match plan.unmanaged.is_empty() {
                    true => format!("No drift: all {} objects are as they were applied.", plan.unchanged),
                    false => "No drift but for what the spec accepts.".to_owned(),
                };
            }
            (false, 0) if self.is_empty() => {
                return format!("No drift: all {} objects are as the spec says.", plan.unchanged);
            }
            (false, count) if plan.changes.iter().all(|change| change.action == Action::Create) => {
                format!("No record of an apply, and {count} objects do not exist.")
            }
            (false, count) => {
                format!("No record of an apply: {count} objects differ, and nobody can tell who changed them.")
            }
            (true, _) => {
                let count = |origin| plan.changes.iter().filter(|change| change.origin == origin).count();
                let counted = [
                    (count(Origin::Drift), "changed or deleted"),
                    (count(Origin::Unmanaged), "with something added"),
                    (self.unmanaged(), "unmanaged and left as is"),
                    (self.conflicts.len(), "in the way of an apply"),
                ];
                let counted = counted.into_iter().filter(|(count, _)| *count > 0);
                let counted: Vec<String> = counted.map(|(count, what)| format!("{count} {what}")).collect();
                format!("Drift: {}.", counted.join(", "))
            }
        };
        if self.conflicts.is_empty() && self.is_recorded && !plan.is_empty() {
            said += &match self.others {
                0 => format!(" `baseplate plan {command}` shows how an apply puts it right."),
                others => format!(
                    " `baseplate plan {command}` shows how an apply puts it right, and {others} further change{s}, \
                     from the spec or following from these.",
                    s = if others == 1 { "" } else { "s" }
                ),
            };
        }
        said
    }

    fn others(&self) -> Option<String> {
        let is_spec_only = self.is_empty() && self.others > 0;
        is_spec_only.then(|| format!("The spec asks for changes: `baseplate plan {}` shows them.", self.command))
    }
}

/// For a terminal: what is dangerous first within each stage.
pub fn drift_text(drift: &Drift, paint: Paint) -> String {
    let plan = &*sanitized(&drift.plan);
    let mut out = format!("{}\n", paint.bold(&one_line(&drift.title())));
    changes_by_origin(&mut out, plan, paint);
    section(&mut out, paint, UNMANAGED, &unmanaged_lines(&plan.unmanaged));
    section(&mut out, paint, "In the way of an apply", &drift.conflicts);
    section(&mut out, paint, "Scheduled by AWS", &plan.scheduled);
    section(&mut out, paint, "Notes", &plan.notes);
    let summary = one_line(&drift.summary());
    let _ = writeln!(out, "\n{}", if drift.is_empty() { paint.green(&summary) } else { paint.yellow(&summary) });
    if let Some(others) = drift.others() {
        let _ = writeln!(out, "{}", one_line(&others));
    }
    out
}

/// For an issue or a comment: what is dangerous first.
pub fn drift_markdown(drift: &Drift) -> String {
    let mut out = format!("### {}\n\n**{}**\n", markdown_text(&drift.title()), markdown_text(&drift.summary()));
    if let Some(others) = drift.others() {
        let _ = writeln!(out, "\n{}", markdown_text(&others));
    }
    for conflict in &drift.conflicts {
        let _ = write!(out, "\n- {}\n", markdown_text(conflict));
    }
    out += &changes_markdown(&drift.plan);
    out += &markdown_list(UNMANAGED, &unmanaged_lines(&drift.plan.unmanaged));
    out
}
