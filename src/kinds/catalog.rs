//! What a spec may speak of, and AWS's rules on what it wants.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::preflight::{Answer, Question};
use super::rules::tags::TAG_RULES;
use super::rules::{Field, Rule, RuleInfo, Violation, edit, tags};
use super::{AnyKind, Desired, all, find, origin};
use crate::spec::{Catalog, Environment, Place, Problem, Tree};

/// What a spec may speak of.
pub fn catalog() -> Catalog {
    Catalog {
        kinds: all().iter().map(|kind| kind.name()).collect(),
        sections: all().iter().flat_map(|kind| kind.sections()).copied().collect(),
        rules: Some(broken_rules),
    }
}

/// Of two objects with one name the second would be taken for the first.
const UNIQUE_NAME: RuleInfo = RuleInfo {
    code: "BP-NAME-01",
    takes: "a name that is unique in its account, region, VPC or cluster belongs to one object: give one of the two another \
            `name`",
    source: "https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html",
    inside: &[edit("", "[topics.other]\nname = \"town-other\"")],
    outside: &[
        edit(
            "",
            "[topics.other]\nname = \"town-test-other\"\n[topics.town-test-other]\nname = \"town-test-other\"",
        ),
        edit("", "[security-groups.one]\nname = \"gate\"\n[security-groups.other]\nname = \"gate\""),
    ],
};

/// Every rule, with the kind that brings it; those that all kinds share, with none.
pub fn all_rules() -> Vec<(Option<&'static dyn AnyKind>, RuleInfo)> {
    let shared = TAG_RULES.iter().map(Rule::info).chain([UNIQUE_NAME]).map(|rule| (None, rule));
    shared.chain(all().iter().flat_map(|kind| kind.rules().into_iter().map(|rule| (Some(*kind), rule)))).collect()
}

/// What AWS would refuse of what a spec wants, each at the place of the spec that it comes from.
pub fn broken_rules(env: &Environment, tree: &Tree) -> Vec<Problem> {
    let (mut problems, mut seen) = (Vec::new(), HashSet::new());
    for kind in all() {
        let mut names = HashMap::new();
        for desired in kind.desired(env) {
            let mut violations = kind.violations(&desired.attrs);
            violations.extend(tags::violations(kind.tag_characters(), &desired.attrs));
            let address = format!("{}.{}", kind.name(), desired.name);
            violations.extend(same_name(*kind, &desired, &address, &mut names));
            for violation in violations {
                let (fields, Violation { field, value, .. }) = (kind.spec_fields(), &violation);
                let place = origin::place(tree, fields, &desired.origin, field, value);
                // A tag of the environment goes to every object.
                if seen.insert((place.clone(), violation.code, violation.value.clone())) {
                    let Violation { code, message, help, .. } = violation;
                    let message = if place.is_none() { format!("{address}: {message}") } else { message };
                    problems.push(Problem { place, code: Some(code), ..Problem::new(message, help) });
                }
            }
        }
    }
    problems
}

/// What is asked before a plan is applied, by code, each with the kinds that ask it.
pub fn questions() -> BTreeMap<&'static str, (&'static Question, Vec<&'static dyn AnyKind>)> {
    let mut questions: BTreeMap<_, (_, Vec<_>)> = BTreeMap::new();
    for kind in all() {
        for question in kind.preflight_questions() {
            questions.entry(question.code).or_insert((*question, Vec::new())).1.push(*kind);
        }
    }
    questions
}

/// The places of the spec that answers are about, in their order; `None` where nothing of an object is written.
pub fn places(answers: &[Answer], env: &Environment, tree: &Tree) -> Vec<Option<Place>> {
    let asked: HashSet<&str> = answers.iter().map(|answer| answer.address.kind()).collect();
    let mut entries = HashMap::new();
    for kind in asked.into_iter().filter_map(find) {
        let own = kind.desired(env).into_iter().map(|desired| (desired.name, desired.origin));
        entries.insert(kind.name(), (kind, own.collect::<HashMap<_, _>>()));
    }
    let place = |answer: &Answer| {
        let (kind, own) = entries.get(answer.address.kind())?;
        let field = if answer.field.is_empty() { Vec::new() } else { answer.field.path() };
        origin::place(tree, kind.spec_fields(), own.get(answer.address.name())?, &field, &answer.value)
    };
    answers.iter().map(place).collect()
}

/// Whether an object before this one has its name. What is external may stand for the same one twice.
fn same_name(
    kind: &dyn AnyKind,
    desired: &Desired<serde_json::Value>,
    address: &str,
    names: &mut HashMap<String, String>,
) -> Option<Violation> {
    let field = kind.unique().filter(|_| !desired.external)?;
    let name = desired.attrs.get(field)?.as_str()?;
    // Two entries that come to one address are for their sections to tell.
    let other = names.insert(name.to_owned(), address.to_owned()).filter(|other| other != address)?;
    Some(Violation {
        code: UNIQUE_NAME.code,
        field: vec![field.to_owned()],
        value: name.to_owned(),
        message: format!("{other} has the name `{name}`, too"),
        help: UNIQUE_NAME.takes,
    })
}
