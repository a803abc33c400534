use std::fmt::Write;

use super::plan_text::{Detail, changes_by_origin, section};
use super::{Paint, sanitized};
use crate::cloud::{History, LastChange};
use crate::plan::{Action, Origin, Plan, Unmanaged, unmanaged_lines};
use crate::render::{Links, UNMANAGED, changes_markdown, markdown_list, markdown_text};
use crate::value::{one_line, prefix_lines};

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
    /// Who last changed what is shown, by address or [`Unmanaged::object`], as far as that is known.
    pub history: History,
    /// How many changes a plan has besides: what the spec asks for, and what follows from the others.
    pub others: usize,
    /// Where the lines of the spec are to be seen.
    pub links: Links,
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

    /// Who last changed each object that is shown, in the order of what is shown.
    fn last_changes(&self) -> Vec<(String, &LastChange)> {
        let open = self.plan.unmanaged.iter().filter(|one| one.accepted.is_none());
        let changed = self.plan.changes.iter().map(|change| change.address.to_string());
        let mut keys: Vec<String> = Vec::new();
        for key in changed.chain(open.filter_map(Unmanaged::object)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let found = &self.history.found;
        keys.into_iter().filter_map(|key| found.get(&key).map(|last| (key, last))).collect()
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
    let found = &drift.history.found;
    let changes: Vec<_> = plan.changes.iter().collect();
    changes_by_origin(&mut out, &changes, plan.destroy, Detail::Short, paint, &|change| {
        found.get(&change.address.to_string()).map(ToString::to_string)
    });
    unmanaged(&mut out, drift, plan, paint);
    section(&mut out, paint, "In the way of an apply", &drift.conflicts);
    section(&mut out, paint, "Scheduled by AWS", &plan.scheduled);
    let notes: Vec<String> = plan.notes.iter().chain(&drift.history.notes).cloned().collect();
    section(&mut out, paint, "Notes", &notes);
    let summary = one_line(&drift.summary());
    let _ = writeln!(out, "\n{}", if drift.is_empty() { paint.green(&summary) } else { paint.yellow(&summary) });
    if let Some(others) = drift.others() {
        let _ = writeln!(out, "{}", one_line(&others));
    }
    out
}

/// What is left as it is; who last changed an object stands once, under the last of its lines.
fn unmanaged(out: &mut String, drift: &Drift, plan: &Plan, paint: Paint) {
    let lines = unmanaged_lines(&plan.unmanaged);
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold(UNMANAGED));
    }
    let objects: Vec<Option<String>> =
        plan.unmanaged.iter().filter(|one| one.accepted.is_none()).map(Unmanaged::object).collect();
    for (index, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "  {}", prefix_lines(line, "  "));
        let object = objects.get(index).and_then(Option::as_ref);
        let goes_on = objects.get(index + 1).and_then(Option::as_ref) == object;
        if let Some(last) = object.filter(|_| !goes_on).and_then(|object| drift.history.found.get(object)) {
            let _ = writeln!(out, "      {}", paint.dim(&one_line(&last.to_string())));
        }
    }
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
    out += &changes_markdown(&drift.plan, &drift.links);
    out += &markdown_list(UNMANAGED, &unmanaged_lines(&drift.plan.unmanaged));
    let last_changes = drift.last_changes().into_iter().map(|(object, last)| format!("{object}: {last}"));
    out += &markdown_list("Who last changed what", &last_changes.collect::<Vec<_>>());
    out += &markdown_list("Notes", &drift.history.notes);
    out
}
