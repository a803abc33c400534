//! What a document says of a plan, whatever it is written in.

use crate::kinds::Impact;
use crate::plan::{Action, Change, Origin, Plan};
use crate::spec::Reported;

/// How dangerous a change is: 0 for the most. What somebody made dangerous by hand and what loses data come before what is replaced or leaves somebody without,
/// then what goes, then what interrupts, and last what nobody notices.
pub fn danger(change: &Change) -> u8 {
    match (change.impact, change.action) {
        _ if !change.dangers.is_empty() => 0,
        (Impact::DataLoss, _) => 0,
        (Impact::Replaced | Impact::Outage, _) | (_, Action::Replace) => 1,
        (_, Action::Delete) => 2,
        (Impact::Failover | Impact::Reboot, _) => 3,
        (Impact::Rolling, _) => 4,
        (Impact::InWindow, _) => 5,
        (Impact::None, _) => 6,
    }
}

/// From here on a change needs no second look.
pub const HARMLESS: u8 = 5;

/// All changes with their places in the plan, most dangerous first; the plan's own order among equals.
pub fn by_danger(plan: &Plan) -> Vec<(usize, &Change)> {
    let mut changes: Vec<(usize, &Change)> = plan.changes.iter().enumerate().collect();
    changes.sort_by_key(|(_, change)| danger(change));
    changes
}

/// The sections of a plan, in the order of a document.
pub const ORIGINS: [Origin; 3] = [Origin::Requested, Origin::Drift, Origin::Unmanaged];

/// What stands above what somebody made by hand and an apply leaves alone.
pub const UNMANAGED: &str = "Unmanaged, and left as it is";

/// What stands above what keeps a plan from being applied.
pub const REFUSED: &str = "Refused: nothing of this is applied as long as this stands in the way";

/// What stands above what an apply needs and this run does not have.
pub const NEEDS: &str = "Needs at apply: set these environment variables there";

/// What stands above the changes that come from there.
pub fn heading(origin: Origin, destroy: bool) -> &'static str {
    match origin {
        Origin::Requested if destroy => "Destroyed",
        Origin::Requested => "Requested by the spec, or following from other changes",
        Origin::Drift => "Drift: live state changed, the spec did not",
        Origin::Unmanaged => "Added by hand: not in the spec; an apply removes it",
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
        (true, _) if !plan.refused.is_empty() => {
            return format!("No changes besides; {} objects are up to date.", plan.unchanged);
        }
        (true, true) => return "Nothing to destroy.".to_owned(),
        (true, false) => return format!("No changes: all {} objects are up to date.", plan.unchanged),
        _ => {}
    }
    let counts = plan.counts().into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(action, count)| format!("{count} to {}", action.verb())).collect();
    format!("{}; {} unchanged.", counts.join(", "), plan.unchanged)
}

/// "2 changes lose data, 1 object is replaced": what a reviewer must not miss. Empty where there is nothing of the
/// sort.
pub fn warnings(plan: &Plan) -> Vec<String> {
    // Each fact is counted by itself, as the plan counts it: a replacement that loses data is both.
    let count = |wanted: fn(&Change) -> bool| plan.changes.iter().filter(|change| wanted(change)).count();
    let say = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let lost = count(|change| change.impact == Impact::DataLoss);
    let replaced = count(|change| change.action == Action::Replace);
    let outages = count(|change| change.impact == Impact::Outage);
    let interrupted = count(|change| matches!(change.impact, Impact::Failover | Impact::Reboot));
    let rolling = count(|change| change.impact == Impact::Rolling);
    [
        say(lost, "change loses data", "changes lose data"),
        say(replaced, "object is replaced", "objects are replaced"),
        say(outages, "change is an outage", "changes are outages"),
        say(interrupted, "change breaks open connections", "changes break open connections"),
        say(rolling, "service restarts task by task", "services restart task by task"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A typical duration, no more precise than it is known.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

/// Whether a reader asks why: of what is replaced, goes, has moved or is taken over, and of what is missing though nobody
/// asked for that.
pub fn needs_reason(change: &Change) -> bool {
    match change.action {
        Action::Replace | Action::Delete | Action::Adopt | Action::Forget => true,
        Action::Create => change.origin == Origin::Drift,
        Action::Update => change.moved_from.is_some(),
    }
}

/// `BP-NET-01 environments/prod.toml:41:8: …`.
pub fn line(warning: &Reported) -> String {
    let Reported { code, message, help, file, line, column, .. } = warning;
    format!("{}{}: {message}; {help}", code.unwrap_or_default(), place(file.as_deref(), *line, *column))
}

/// ` environments/prod.toml:41:8`, or nothing.
pub fn place(file: Option<&str>, line: Option<usize>, column: Option<usize>) -> String {
    match (file, line, column) {
        (Some(file), Some(line), Some(column)) => format!(" {file}:{line}:{column}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan with one change for each of these actions and impacts.
    fn plan(changes: &[(&str, &str)]) -> Plan {
        let change = |(action, impact): &(&str, &str)| {
            serde_json::json!({
                "address": "db_instance.main", "stage": "database", "action": action, "reason": "", "impact": impact,
                "depends_on": [], "seconds": 1, "fields": [],
            })
        };
        serde_json::from_value(serde_json::json!({
            "format_version": crate::plan::FORMAT_VERSION, "project": "", "environment": "", "account": "",
            "region": "", "destroy": false, "spec_digest": "", "live_digest": "", "unchanged": 0, "seconds": 0,
            "scheduled": [], "kept": [], "notes": [], "left_to_aws": [], "missing": [],
            "changes": changes.iter().map(change).collect::<Vec<_>>(),
        }))
        .expect("a plan")
    }

    #[test]
    fn warnings_count_as_the_plan_does() {
        let plan = plan(&[
            ("replace", "data_loss"),
            ("replace", "replaced"),
            ("delete", "data_loss"),
            ("delete", "outage"),
            ("update", "reboot"),
            ("adopt", "failover"),
            ("update", "rolling"),
        ]);
        assert_eq!(counts(&plan), "2 to update, 2 to replace, 2 to delete, 1 to adopt; 0 unchanged.");
        assert_eq!(
            warnings(&plan),
            [
                "2 changes lose data",
                "2 objects are replaced",
                "1 change is an outage",
                "2 changes break open connections",
                "1 service restarts task by task",
            ]
        );
    }
}
