//! AWS's rules on what is sent, by the examples of the kinds: a value just inside each is valid, one just outside is
//! refused with the rule's code and at the place of the spec that it comes from.

use std::collections::BTreeSet;

use baseplate::kinds::example::BASE;
use baseplate::kinds::rules::{Edit, RuleInfo};
use baseplate::kinds::{self, AnyKind};
use baseplate::spec::{self, Problem, Problems};

use crate::cli::Bench;
use crate::examples::examples;

/// An edited example as it is on disk, and the lines of `spec.toml` and `base.toml` that are new in it.
struct Edited {
    files: [String; 2],
    new_lines: [BTreeSet<usize>; 2],
}

/// The examples that an edit fits, the kind's own first; edited.
fn edited(kind: Option<&dyn AnyKind>, edit: &Edit) -> Vec<Edited> {
    let all = examples();
    let own: Vec<_> = all.iter().filter(|(by, _)| kind.is_some_and(|kind| kind.name() == by.name())).collect();
    let others = all.iter().filter(|(by, _)| kind.is_none_or(|kind| kind.name() != by.name()));
    let to = written_out(edit.to);
    let mut fitting = Vec::new();
    for (_, example) in own.into_iter().chain(others) {
        let files = [format!("extends = \"base.toml\"\n{}", example.spec), BASE.to_owned()];
        let after = match edit.from {
            "" => [format!("{}{to}\n", files[0]), files[1].clone()],
            from if files[0].contains(from) => [files[0].replacen(from, &to, 1), files[1].clone()],
            from if files[1].contains(from) => [files[0].clone(), files[1].replacen(from, &to, 1)],
            _ => continue,
        };
        let new_lines = [0, 1].map(|file| new_lines(&files[file], &after[file]));
        fitting.push(Edited { files: after, new_lines });
        if kind.is_some() {
            break;
        }
    }
    fitting
}

/// What `Edit` says may stand in its text, written out.
fn written_out(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        out += before;
        match after.split_once('>').and_then(|(inner, after)| Some((many(inner)?, after))) {
            Some((many, after)) => {
                out += &many;
                rest = after;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out + rest
}

fn many(text: &str) -> Option<String> {
    let (count, what) = text.split_once(' ').unwrap_or((text, "letters"));
    let numbers = 1..=count.parse::<usize>().ok()?;
    match what {
        "letters" => Some(numbers.map(|_| 'a').collect()),
        "keys" => Some(numbers.map(|number| format!("k{number} = \"\"\n")).collect()),
        "items" => Some(numbers.map(|number| format!("\"k{number}\"")).collect::<Vec<_>>().join(", ")),
        "rules" => {
            let rule = |number| format!("{{ ports = \"{number}\", from = \"10.0.0.0/8\" }}");
            Some(numbers.map(rule).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

fn new_lines(before: &str, after: &str) -> BTreeSet<usize> {
    let known: BTreeSet<&str> = before.lines().collect();
    after.lines().enumerate().filter(|(_, line)| !known.contains(line)).map(|(index, _)| index + 1).collect()
}

fn load(bench: &Bench, edited: &Edited) -> Result<(), Problems> {
    bench.write("spec.toml", &edited.files[0]);
    bench.write("base.toml", &edited.files[1]);
    spec::load(&bench.path("spec.toml"), &kinds::catalog()).map(drop)
}

/// Whether a problem stands on a line that the edit made.
fn is_placed(problems: &Problems, problem: &Problem, edited: &Edited) -> bool {
    let Some(place) = &problem.place else { return false };
    let line = problems.sources[place.file].text[..place.span.start].matches('\n').count() + 1;
    edited.new_lines[place.file].contains(&line)
}

fn describe(problems: &Problems) -> String {
    problems.render(false)
}

#[test]
fn a_value_just_inside_a_rule_is_valid_and_one_just_outside_is_refused_at_its_place() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    let (mut inside, mut outside) = (0, 0);
    for (kind, RuleInfo { code, inside: valid, outside: refused, .. }) in kinds::all_rules() {
        for edit in valid {
            let specs = edited(kind, edit);
            if specs.is_empty() {
                wrong.push(format!("{code}: no example has {:?}", edit.from));
            }
            for spec in specs {
                inside += 1;
                if let Err(problems) = load(&bench, &spec) {
                    wrong.push(format!("{code}: {:?} is refused\n{}", edit.to, describe(&problems)));
                }
            }
        }
        for edit in refused {
            outside += 1;
            let mut said = Vec::new();
            let mut is_refused = false;
            for spec in edited(kind, edit) {
                let Err(problems) = load(&bench, &spec) else { continue };
                let is_alone = problems.list.iter().all(|problem| problem.code == Some(code));
                is_refused |= is_alone && is_placed(&problems, &problems.list[0], &spec);
                said.push(describe(&problems));
            }
            if !is_refused {
                wrong.push(format!(
                    "{code}: {:?} is not refused by it alone and in its line\n{}",
                    edit.to,
                    said.join("")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(inside > 0 && outside > 0);
}

#[test]
fn codes_are_unique_and_every_rule_has_a_value_outside() {
    let mut codes = BTreeSet::new();
    for (_, rule) in kinds::all_rules() {
        assert!(codes.insert(rule.code), "{} is there twice", rule.code);
        assert!(!rule.outside.is_empty(), "{} has no value outside", rule.code);
        assert!(!rule.takes.ends_with('.'), "{}: {}", rule.code, rule.takes);
        assert!(rule.source.starts_with("https://") || rule.source.contains(':'), "{}: {}", rule.code, rule.source);
    }
}

/// The policies of the role that starts tasks name every secret: no single edit of an example makes them too large.
#[test]
fn many_secrets_are_too_much_for_the_role_that_starts_tasks() {
    let bench = Bench::new();
    let codes = |count: usize| {
        let parameters: String = (0..count).map(|at| format!("\"key-{at:03}\" = \"x\"\n")).collect();
        let secrets: Vec<String> = (0..count).map(|at| format!("K{at} = \"key-{at:03}\"")).collect();
        let service = "image = \"nginx:1\"\ncpu = 256\nmemory = 512\nsecurity-groups = [\"app\"]";
        let files = [
            format!(
                "extends = \"base.toml\"\n[parameters]\n{parameters}[services.shop]\n{service}\nsecrets = {{ {} }}\n",
                secrets.join(", ")
            ),
            BASE.to_owned(),
        ];
        let new_lines = [BTreeSet::from([files[0].lines().count()]), BTreeSet::new()];
        let spec = Edited { files, new_lines };
        let Err(problems) = load(&bench, &spec) else { return Vec::new() };
        problems.list.iter().map(|problem| (problem.code, is_placed(&problems, problem, &spec))).collect()
    };
    assert_eq!(codes(120), []);
    assert_eq!(codes(180), [(Some("BP-IAM-03"), true)]);
}

#[test]
fn every_object_says_which_entry_it_is_derived_from() {
    let bench = Bench::new();
    for (_, example) in examples() {
        crate::examples::write(&bench, example);
        let spec = spec::load(&bench.path("spec.toml"), &kinds::catalog()).expect("a valid example");
        for kind in kinds::all() {
            for desired in kind.desired(&spec.env) {
                let is_section = desired.origin.len() == 1;
                let is_there = spec.tree.find(&desired.origin).is_some();
                assert!(is_section || is_there, "{}.{}: {:?}", kind.name(), desired.name, desired.origin);
            }
        }
    }
}
