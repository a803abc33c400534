use std::fmt::Write;

use super::Paint;
use crate::apply::Report;
use crate::plan::Change;
use crate::rehearse::Interruption;
use crate::render::duration;
use crate::value::{one_line, prefix_lines};

/// How a rehearsal went.
pub struct Rehearsed<'a> {
    pub report: &'a Report,
    pub interruptions: &'a [Interruption],
    /// How many changes are outages by the plan. Of those that are none of an object that is not there for a time, such as
    /// of no task running, a rehearsal sees nothing.
    pub outages: usize,
    /// Options without which an apply is refused.
    pub required: &'a [String],
    /// What a plan afterwards would still change.
    pub left: &'a [Change],
    /// How long it typically takes on AWS: the longest chain of changes that wait for one another.
    pub seconds: u64,
}

/// The result in a few lines: what happened, or which step would fail and why.
pub fn rehearsal_text(rehearsed: &Rehearsed<'_>, paint: Paint) -> String {
    let Rehearsed { report, interruptions, outages, required, left, seconds } = rehearsed;
    let mut out = String::from("\n");
    let steps = |count: usize| if count == 1 { "1 step".to_owned() } else { format!("{count} steps") };
    for (address, why) in &report.failed {
        let _ = writeln!(out, "Would fail: {}: {}", one_line(&address.to_string()), prefix_lines(why, "  "));
    }
    if !report.skipped.is_empty() {
        let skipped: Vec<String> = report.skipped.iter().map(|(address, _)| address.to_string()).collect();
        let _ = writeln!(out, "Would be skipped: {}", one_line(&skipped.join(", ")));
    }
    for Interruption { address, from, until, why } in *interruptions {
        let time = match until {
            Some(until) => format!("for {}", duration(until.saturating_sub(*from).as_secs())),
            None => "from then on".to_owned(),
        };
        let text = format!(
            "Would be unavailable {time}, {} after the start: {}: {}",
            duration(from.as_secs()),
            one_line(&address.to_string()),
            one_line(why)
        );
        let _ = writeln!(out, "{}", paint.yellow(&text));
    }
    for change in *left {
        let _ = writeln!(
            out,
            "Still to {} after all steps: {}",
            change.action.verb(),
            one_line(&change.address.to_string())
        );
    }
    let verdict = if report.is_success() && left.is_empty() {
        let done = report.done.len();
        match done {
            0 => paint.green("Rehearsal passed: there is nothing to change."),
            _ => {
                let (passed, done) = ("each verified, and the plan afterwards is empty", steps(done));
                let takes = format!("On AWS this typically takes {}.", duration(*seconds));
                match interruptions.len() {
                    0 if *outages > 0 => paint.yellow(&format!(
                        "Rehearsal passed, and the plan above marks {outages} change{s} as outage: {done} succeeded, {passed}. {takes}",
                        s = if *outages == 1 { "" } else { "s" }
                    )),
                    0 => paint.green(&format!("Rehearsal passed: {done} succeeded, {passed}. {takes}")),
                    count => paint.yellow(&format!(
                        "Rehearsal passed with {count} interruption{s}, listed above: {done} succeeded, {passed}. {takes}",
                        s = if count == 1 { "" } else { "s" }
                    )),
                }
            }
        }
    } else {
        paint.red(&format!(
            "Rehearsal failed after {}. Only a copy in memory was changed.",
            steps(report.done.len())
        ))
    };
    let _ = writeln!(out, "{verdict}");
    if !required.is_empty() {
        let options = format!("An apply needs these options: {}", one_line(&required.join(" ")));
        let _ = writeln!(out, "{}", paint.yellow(&options));
    }
    out
}
