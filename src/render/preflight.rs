use schemars::JsonSchema;
use serde::Serialize;

use super::view::{line, place};
use crate::checks;
use crate::kinds::preflight::Verdict;
use crate::spec::{Accept, Problem, Reported, Severity, Source};

/// What AWS answered before a plan is applied, as documents have it.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Preflight {
    /// How many answers are ok, bad and unknown, without what the spec accepts.
    pub ok: usize,
    pub bad: usize,
    pub unknown: usize,
    /// By code, and then in the order of the plan.
    pub answers: Vec<Answer>,
    /// Entries of `[[accept]]` whose findings have all gone.
    pub left_over: Vec<Reported>,
}

/// The answer to one question about one object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// Stable.
    pub code: &'static str,
    pub category: &'static str,
    /// The address of the object.
    pub address: String,
    #[serde(flatten)]
    pub verdict: Answered,
    /// `null` where the spec writes nothing of it.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// The entry of `[[accept]]` that accepts it.
    pub accepted: Option<Accept>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answered {
    Ok {
        evidence: String,
    },
    Bad {
        /// What was found.
        evidence: String,
        /// What comes of it.
        cause: String,
        /// What to do.
        next: String,
    },
    /// Nobody could look: never the same as ok.
    Unknown {
        why: String,
    },
}

impl Preflight {
    /// `sources` are those of the spec.
    pub fn of(preflight: &checks::Preflight, sources: &[Source]) -> Self {
        let answers: Vec<Answer> = preflight.findings.iter().map(|finding| Answer::of(finding, sources)).collect();
        let count = |is: fn(&Answered) -> bool| {
            answers.iter().filter(|answer| answer.accepted.is_none() && is(&answer.verdict)).count()
        };
        Self {
            ok: count(|verdict| matches!(verdict, Answered::Ok { .. })),
            bad: count(|verdict| matches!(verdict, Answered::Bad { .. })),
            unknown: count(|verdict| matches!(verdict, Answered::Unknown { .. })),
            left_over: preflight.left_over.iter().map(|problem| problem.reported(sources)).collect(),
            answers,
        }
    }

    /// What is bad, then what is unknown, one line each, and how many there are of each: what stands beside a plan.
    /// Empty where nothing was asked.
    pub fn lines(&self) -> Vec<String> {
        let open = || self.answers.iter().filter(|answer| answer.accepted.is_none());
        let bad = open().filter(|answer| matches!(answer.verdict, Answered::Bad { .. }));
        let unknown = open().filter(|answer| matches!(answer.verdict, Answered::Unknown { .. }));
        let left_over = self.left_over.iter().map(line);
        let summary = (!self.answers.is_empty()).then(|| self.summary());
        bad.chain(unknown).map(Answer::line).chain(left_over).chain(summary).collect()
    }

    /// "12 ok, 1 bad, 2 unknown, 1 accepted in the spec".
    pub fn summary(&self) -> String {
        let accepted = self.answers.len() - self.ok - self.bad - self.unknown;
        let counts =
            [(self.ok, "ok"), (self.bad, "bad"), (self.unknown, "unknown"), (accepted, "accepted in the spec")];
        let counts = counts.into_iter().filter(|(count, what)| *count > 0 || *what == "ok");
        counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

impl Answer {
    fn of(finding: &checks::Finding, sources: &[Source]) -> Self {
        let checks::Finding { answer, place, accepted } = finding;
        let verdict = match answer.verdict.clone() {
            Verdict::Ok { evidence } => Answered::Ok { evidence },
            Verdict::Bad { evidence, cause, next } => Answered::Bad { evidence, cause, next },
            Verdict::Unknown { why } => Answered::Unknown { why },
        };
        let placed = Problem { place: place.clone(), severity: Severity::Warning, ..Problem::new("", "") };
        let Reported { file, line, column, .. } = placed.reported(sources);
        Self {
            code: answer.question.code,
            category: answer.question.category,
            address: answer.address.to_string(),
            verdict,
            file,
            line,
            column,
            accepted: accepted.clone(),
        }
    }

    /// `bad BP-PRE-02 environments/prod.toml:12:1: vpc.main: …`.
    fn line(&self) -> String {
        format!("{} {}{}: {}: {}", self.word(), self.code, self.place(), self.address, self.text())
    }

    pub fn word(&self) -> &'static str {
        match self.verdict {
            Answered::Ok { .. } => "ok",
            Answered::Bad { .. } => "bad",
            Answered::Unknown { .. } => "unknown",
        }
    }

    /// ` environments/prod.toml:12:1`, or nothing.
    pub fn place(&self) -> String {
        place(self.file.as_deref(), self.line, self.column)
    }

    /// What was found, what comes of it, and what to do.
    pub fn text(&self) -> String {
        match &self.verdict {
            Answered::Ok { evidence } => evidence.clone(),
            Answered::Bad { evidence, cause, next } => format!("{evidence}. {cause}; {next}"),
            Answered::Unknown { why } => why.clone(),
        }
    }
}
