//! What a document says of a plan, whatever it is written in.

use crate::kinds::Impact;
use crate::plan::{Action, Change, Plan};

/// How dangerous a change is: 0 for the most. What loses data comes before what is replaced, then what goes, then
/// what interrupts, and last what nobody notices.
pub fn danger(change: &Change) -> u8 {
    match (change.impact, change.action) {
        (Impact::DataLoss, _) => 0,
        (Impact::Replaced, _) | (_, Action::Replace) => 1,
        (_, Action::Delete) => 2,
        (Impact::Failover | Impact::Reboot, _) => 3,
        (Impact::Rolling, _) => 4,
        (Impact::InWindow, _) => 5,
        (Impact::None, _) => 6,
    }
}

/// From here on a change needs no second look.
pub const HARMLESS: u8 = 5;

/// All changes, most dangerous first; the plan's own order among equals.
pub fn by_danger(plan: &Plan) -> Vec<&Change> {
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    changes.sort_by_key(|change| danger(change));
    changes
}

/// What a change means to who uses the object, in words; empty where nobody notices.
pub fn impact(change: &Change) -> String {
    match change.impact {
        Impact::None => String::new(),
        impact => impact.to_string(),
    }
}

/// A section of changes: what the spec asks for, or what only puts right what moved by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Asked,
    Drift,
}

impl Section {
    pub const ALL: [Self; 2] = [Self::Asked, Self::Drift];

    pub fn of(change: &Change) -> Self {
        if change.drift { Self::Drift } else { Self::Asked }
    }

    pub fn title(self, destroy: bool) -> &'static str {
        match self {
            Self::Asked if destroy => "Goes",
            Self::Asked => "You asked",
            Self::Drift => "Drift: live moved, the spec did not",
        }
    }
}

/// "Plan: shop prod", as a heading.
pub fn title(plan: &Plan) -> String {
    let what = if plan.destroy { "Destroy" } else { "Plan" };
    format!("{what}: {} {}", plan.project, plan.environment)
}

/// "2 to create, 1 to replace; 40 unchanged", or that there is nothing to do.
pub fn counts(plan: &Plan) -> String {
    match (plan.is_empty(), plan.destroy) {
        (true, true) => return "Nothing to destroy.".to_owned(),
        (true, false) => return format!("No changes: all {} objects are as the spec says.", plan.unchanged),
        _ => {}
    }
    let counts = plan.counts().into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(action, count)| format!("{count} to {}", action.verb())).collect();
    format!("{}; {} unchanged.", counts.join(", "), plan.unchanged)
}

/// "2 lose data, 1 is replaced": what a reviewer must not miss. Empty where there is nothing of the sort.
pub fn warnings(plan: &Plan) -> Vec<String> {
    let count = |wanted: fn(&Change) -> bool| plan.changes.iter().filter(|change| wanted(change)).count();
    let say = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let lost = count(|change| change.impact == Impact::DataLoss);
    let replaced = count(|change| danger(change) == 1);
    let interrupted = count(|change| danger(change) == 3);
    let rolling = count(|change| change.impact == Impact::Rolling);
    [
        say(lost, "loses data", "lose data"),
        say(replaced, "is replaced", "are replaced"),
        say(interrupted, "interrupts a database", "interrupt databases"),
        say(rolling, "service restarts task by task", "services restart task by task"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A typical duration in words: `~40 s`, `~12 min`, `~1 h 5 min`.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0 => "at once".to_owned(),
        1..=90 => format!("~{seconds} s"),
        _ => match seconds.div_ceil(60) {
            minutes @ ..=90 => format!("~{minutes} min"),
            minutes => format!("~{} h {} min", minutes / 60, minutes % 60),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_they_are_known() {
        let said: Vec<String> = [0, 2, 90, 91, 720, 5400, 5460].map(duration).into();
        assert_eq!(said, ["at once", "~2 s", "~90 s", "~2 min", "~12 min", "~90 min", "~1 h 31 min"]);
    }
}
