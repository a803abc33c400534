//! What AWS answers before a plan is applied: the one engine over the questions that kinds bring.

use std::collections::HashMap;

use serde_json::Value;

use super::accept::{Accepting, CODE};
use crate::cloud::{Cloud, Context};
use crate::kinds::preflight::{Answer, Coming, Question, Verdict};
use crate::kinds::{self, AnyKind};
use crate::plan::{Action, Change, ExecutionPlan, SecretMode, Step, resolve_with};
use crate::spec::{Accept, Place, Problem, Severity, Spec};
use crate::value::Address;

/// What was asked of the changes of a plan, and answered.
#[derive(Clone, Debug, Default)]
pub struct Preflight {
    /// By code, and then in the order of the plan.
    pub findings: Vec<Finding>,
    /// Entries of `[[accept]]` whose findings have all gone.
    pub left_over: Vec<Problem>,
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub answer: Answer,
    /// Where the spec says what it is about.
    pub place: Option<Place>,
    /// The entry of the spec that accepts it, where it is not ok.
    pub accepted: Option<Accept>,
}

impl Finding {
    /// Whether an apply is refused for it.
    pub fn stops(&self) -> bool {
        self.answer.question.stops && self.accepted.is_none() && matches!(self.answer.verdict, Verdict::Bad { .. })
    }
}

impl Preflight {
    /// Whether anything is bad that the spec does not accept.
    pub fn is_bad(&self) -> bool {
        self.open().any(|finding| matches!(finding.answer.verdict, Verdict::Bad { .. }))
    }

    /// What is not accepted.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.accepted.is_none())
    }
}

/// Asks the questions of the kinds that a plan makes or changes objects of; `asks` says which of them. `None` where
/// nobody can be asked: in a cloud file is all that there is. `today` (`2026-11-27`, UTC) decides which entries of
/// `[[accept]]` still hold.
pub async fn preflight(
    cloud: &dyn Cloud,
    context: Context<'_>,
    spec: &Spec,
    execution: &ExecutionPlan,
    asks: impl Fn(&Question) -> bool,
    today: &str,
) -> Option<Preflight> {
    if !cloud.is_asked() {
        return None;
    }
    let mut answers = cloud.preflight(context, &coming(context, execution, &asks)).await;
    answers.retain(|answer| asks(answer.question));
    let addresses = execution.plan.changes.iter().map(|change| &change.address);
    let order: HashMap<&Address, usize> = addresses.enumerate().map(|(index, address)| (address, index)).collect();
    answers.sort_by_key(|answer| (answer.question.code, order.get(&answer.address)));
    Some(judged(answers, spec, context, today))
}

/// The changes that somebody is asked about, by kind.
fn coming<'a>(
    context: Context<'_>,
    execution: &'a ExecutionPlan,
    asks: &impl Fn(&Question) -> bool,
) -> Vec<(&'static dyn AnyKind, Vec<Coming<'a, Value>>)> {
    let asking =
        kinds::all().iter().filter(|kind| kind.preflight_questions().iter().any(|question| asks(question)));
    let of_kind = |kind: &&'static dyn AnyKind| {
        let own = execution.plan.changes.iter().zip(&execution.steps);
        let own = own.filter(|(change, _)| change.address.kind() == kind.name());
        let coming: Vec<_> = own.filter_map(|(change, step)| one(context, execution, change, step)).collect();
        (!coming.is_empty()).then_some((*kind, coming))
    };
    asking.filter_map(of_kind).collect()
}

/// `None` for a deletion.
fn one<'a>(
    context: Context<'_>,
    execution: &ExecutionPlan,
    change: &'a Change,
    step: &Step,
) -> Option<Coming<'a, Value>> {
    let desired = step.desired.as_ref()?;
    let is_made = matches!(change.action, Action::Create | Action::Replace);
    let mut changed: Vec<String> = change.fields.iter().map(|field| field.name().to_owned()).collect();
    changed.dedup();
    Some(Coming {
        address: &change.address,
        attrs: resolve_with(desired, &execution.known_outputs, context.secret_store, SecretMode::Compare),
        live: step.live.as_ref().and_then(|live| live.attrs.clone()),
        is_made,
        is_more: change.action == Action::Create || change.action == Action::Replace && step.create_first,
        changed: if is_made { Vec::new() } else { changed },
    })
}

/// The answers with their places, and what the spec accepts of them.
fn judged(answers: Vec<Answer>, spec: &Spec, context: Context<'_>, today: &str) -> Preflight {
    let mut accepting = Accepting::new(spec, context.graph, today);
    let mut findings = Vec::new();
    let places = kinds::places(&answers, context.env, &spec.tree);
    for (answer, place) in answers.into_iter().zip(places) {
        let is_ok = matches!(answer.verdict, Verdict::Ok { .. });
        let entry = if is_ok { None } else { accepting.entry(answer.question.code, &answer.address) };
        findings.push(Finding { place, accepted: entry.cloned(), answer });
    }
    // Of what the plan does not touch nothing is known.
    let is_asked = |entry: &Accept| {
        let covers =
            |finding: &Finding| accepting.covers(entry, finding.answer.question.code, &finding.answer.address);
        findings.iter().any(covers)
    };
    let left_over = accepting.unused().filter(|(_, entry)| is_asked(entry)).map(|(index, entry)| {
        let path = ["accept".to_owned(), index.to_string(), "what".to_owned()];
        let message = format!("nothing is found that `{}` accepts", entry.what);
        let problem = Problem::new(message, "remove the entry: what it accepted is gone");
        let place = super::place(spec, &path);
        Problem { place, code: Some(CODE), severity: Severity::Warning, ..problem }
    });
    let left_over = left_over.collect();
    Preflight { findings, left_over }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::kinds::preflight::QUOTA;
    use crate::value::SecretStore;

    fn spec(accept: &str) -> Spec {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        let text = std::fs::read_to_string(path).expect("the fixture") + accept;
        crate::spec::parse("small.toml", &text, &kinds::catalog()).expect("a sound spec")
    }

    fn answers(verdict: &Verdict) -> Vec<Answer> {
        let answer = |kind, name| Answer {
            question: &QUOTA,
            address: Address::new(kind, name),
            field: "",
            value: String::new(),
            verdict: verdict.clone(),
        };
        vec![answer("vpc", "main"), answer("ecs_service", "web")]
    }

    fn of(accept: &str, verdict: &Verdict) -> Preflight {
        let spec = spec(accept);
        in_context(answers(verdict), &spec)
    }

    fn in_context(answers: Vec<Answer>, spec: &Spec) -> Preflight {
        let (graph, secret_store) = (Graph::of(&spec.env).expect("no cycle"), SecretStore::new(vec![7; 32]));
        let context = Context { env: &spec.env, graph: &graph, secret_store: &secret_store };
        judged(answers, spec, context, "2026-11-28")
    }

    fn bad() -> Verdict {
        Verdict::bad("6 of 5", "AWS refuses it", "ask for more")
    }

    #[test]
    fn each_answer_has_its_line() {
        let spec = spec("");
        let found = in_context(answers(&bad()), &spec);
        let lines = found.findings.iter().map(|finding| {
            let place = finding.place.as_ref().expect("a place");
            spec.tree.sources[place.file].text[place.span.clone()].to_owned()
        });
        assert_eq!(lines.collect::<Vec<_>>(), ["network", "web"]);
    }

    #[test]
    fn what_is_bad_stops_unless_the_spec_accepts_it() {
        let stops = |preflight: &Preflight| preflight.findings.iter().filter(|finding| finding.stops()).count();
        let open = of("", &bad());
        assert_eq!((stops(&open), open.is_bad()), (2, true));
        let one = of("\n[[accept]]\nwhat = \"BP-PRE-02 vpc.main\"\nwhy = \"raised today\"\n", &bad());
        assert_eq!((stops(&one), one.open().count()), (1, 1));
        let ended = "\n[[accept]]\nwhat = \"BP-PRE-02\"\nwhy = \"raised today\"\nuntil = \"2026-11-27\"\n";
        assert_eq!(stops(&of(ended, &bad())), 2);
        let unknown = of("", &Verdict::unknown("denied"));
        assert_eq!((stops(&unknown), unknown.is_bad()), (0, false), "who may not look stops nobody");
    }

    #[test]
    fn an_entry_is_left_over_once_all_that_it_covers_is_ok() {
        let accept = "\n[[accept]]\nwhat = \"BP-PRE-02\"\nwhy = \"raised today\"\n";
        assert_eq!(of(accept, &Verdict::ok("2 of 5")).left_over.len(), 1);
        assert_eq!(of(accept, &bad()).left_over, []);
        let other = "\n[[accept]]\nwhat = \"BP-PRE-03\"\nwhy = \"raised today\"\n";
        assert_eq!(of(other, &Verdict::ok("2 of 5")).left_over, [], "nobody asked");
    }
}
