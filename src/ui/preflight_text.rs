use std::fmt::Write;

use super::Paint;
use crate::plan::Plan;
use crate::render::{Answer, Answered, Preflight, markdown_text};
use crate::value::{one_line, prefix_lines};

/// What AWS answered about the changes of one environment.
pub struct Preflighted {
    /// The cloud, in words.
    pub place: String,
    pub plan: Plan,
    /// `None` where nobody can be asked.
    pub preflight: Option<Preflight>,
    /// The spec and its cloud, as a command line has them.
    pub command: String,
}

impl Preflighted {
    fn title(&self) -> String {
        let Plan { project, environment, .. } = &self.plan;
        format!("Preflight: {project} {environment} on {}", self.place)
    }

    fn answers(&self) -> &[Answer] {
        self.preflight.as_ref().map(|preflight| preflight.answers.as_slice()).unwrap_or_default()
    }

    /// How many answers of each sort there are, or why there is none.
    fn summary(&self) -> String {
        let changes = self.plan.changes.len();
        let said = match &self.preflight {
            None => {
                return "Nothing was asked: a cloud file has no quotas and no registries. What a plan of it refuses, such \
                        as a parameter that does not exist or a name that somebody else has, is refused on AWS, too."
                    .to_owned();
            }
            Some(_) if changes == 0 => return "Nothing was asked: the plan has no changes.".to_owned(),
            Some(preflight) if preflight.answers.is_empty() => {
                return format!("Nothing was asked: no question is about the {changes} changes of the plan.");
            }
            Some(preflight) => format!("Preflight: {}.", preflight.summary()),
        };
        let is_bad = self.preflight.as_ref().is_some_and(|preflight| preflight.bad > 0);
        if is_bad { format!("{said} An apply of {} stops there.", self.command) } else { said }
    }
}

/// For a terminal: every answer, by code.
pub fn preflight_text(found: &Preflighted, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.bold(&one_line(&found.title())));
    let mut above = "";
    for answer in found.answers() {
        if answer.code != above {
            let _ = writeln!(out, "\n{}", paint.bold(&format!("{} {}", answer.code, answer.category)));
            above = answer.code;
        }
        let word = match answer.verdict {
            _ if answer.accepted.is_some() => paint.dim("accepted"),
            Answered::Ok { .. } => paint.green("ok"),
            Answered::Bad { .. } => paint.red("bad"),
            Answered::Unknown { .. } => paint.yellow("unknown"),
        };
        let place = paint.dim(&one_line(&answer.place()));
        let _ = writeln!(out, "  {word} {}{place}", one_line(&answer.address));
        for line in said(answer) {
            let _ = writeln!(out, "      {}", prefix_lines(&line, "      "));
        }
    }
    let left_over = found.preflight.iter().flat_map(|preflight| &preflight.left_over);
    for entry in left_over {
        let _ = writeln!(out, "\n{}", one_line(&format!("{}; {}", entry.message, entry.help)));
    }
    let summary = one_line(&found.summary());
    let is_bad = found.preflight.as_ref().is_some_and(|preflight| preflight.bad > 0);
    let _ = writeln!(out, "\n{}", if is_bad { paint.red(&summary) } else { paint.bold(&summary) });
    out
}

/// What was found; of what is bad also what comes of it and what to do; of what is accepted why.
fn said(answer: &Answer) -> Vec<String> {
    let mut said = match &answer.verdict {
        Answered::Ok { evidence } => vec![evidence.clone()],
        Answered::Bad { evidence, cause, next } => vec![evidence.clone(), cause.clone(), format!("next: {next}")],
        Answered::Unknown { why } => vec![why.clone()],
    };
    said.extend(answer.accepted.as_ref().map(|entry| format!("accepted: {}", entry.why)));
    said
}

/// For an issue or a comment: what is bad first, then what is unknown; what is ok is folded.
pub fn preflight_markdown(found: &Preflighted) -> String {
    let mut out = format!("### {}\n\n**{}**\n", markdown_text(&found.title()), markdown_text(&found.summary()));
    let (ok, mut others): (Vec<&Answer>, Vec<&Answer>) =
        found.answers().iter().partition(|answer| matches!(answer.verdict, Answered::Ok { .. }));
    others.sort_by_key(|answer| (answer.accepted.is_some(), matches!(answer.verdict, Answered::Unknown { .. })));
    let line = |answer: &Answer| {
        let word = if answer.accepted.is_some() { "accepted" } else { answer.word() };
        let place = markdown_text(&answer.place());
        let said = said(answer).iter().map(|line| markdown_text(line)).collect::<Vec<_>>().join(". ");
        format!("- **{word}** {} {}{place}: {said}\n", answer.code, markdown_text(&answer.address))
    };
    if !others.is_empty() {
        out.push('\n');
        out.extend(others.into_iter().map(line));
    }
    if !ok.is_empty() {
        let _ = write!(out, "\n<details><summary>{} ok</summary>\n\n", ok.len());
        out.extend(ok.into_iter().map(line));
        out += "\n</details>\n";
    }
    out
}
