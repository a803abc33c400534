use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Parameter, Parameters, held, holds_secret, parameter_of};
use crate::spec::{Check, Environment};
use crate::value::Part;

pub fn parameters(check: &mut Check<'_>) {
    for (key, parameter) in check.env.section::<Parameters>() {
        let path = ["parameters", key.as_str()];
        source(check, &path, key, parameter);
    }
    cycles(check);
    sizes(check);
}

fn source(check: &mut Check<'_>, path: &[&str], key: &str, parameter: &Parameter) {
    let given =
        [parameter.value.is_some(), parameter.env.is_some(), parameter.generate.is_some(), parameter.external];
    if given.iter().filter(|&&given| given).count() != 1 {
        let message = format!("`{key}` needs exactly one source");
        check.report(
            path,
            message,
            "a text, or one of env = \"VARIABLE\", generate = { length = 40 }, external = true",
        );
    }
    if let Some(value) = &parameter.value {
        // A bare string stands at the key itself, the long form one level down.
        let at = [path, &["value"]].concat();
        check.template(&at, value);
        let secret = holds_secret(check.env, &check.env.text(value));
        if secret && parameter.secret == Some(false) {
            let message = format!("`{key}` holds a secret, but has `secret = false`");
            check.report(&[path, &["secret"]].concat(), message, "leave `secret` out: it becomes a SecureString");
        }
    } else if parameter.secret == Some(false) && !parameter.external {
        let message = format!("`{key}` is secret by its source");
        check.report(&[path, &["secret"]].concat(), message, "leave `secret` out");
    }
    if let Some(variable) = &parameter.env
        && (variable.is_empty() || !variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    {
        check.report(
            &[path, &["env"]].concat(),
            format!("`{variable}` is not a valid name for a variable"),
            "as in WEATHER_API_KEY",
        );
    }
}

/// A value may be too large by what it holds of other parameters alone; its own text is the rules' to judge.
fn sizes(check: &mut Check<'_>) {
    let env = check.env;
    let mut known = BTreeMap::new();
    for (key, parameter) in env.section::<Parameters>() {
        let Some(value) = &parameter.value else { continue };
        let (own, bytes) = (env.text(value).plain().len(), filled(env, key, &mut known, DEEPEST));
        let most = parameter.tier.most();
        if own <= most && bytes > most {
            let message = format!("the value has {bytes} bytes and more once filled in, its tier takes {most}");
            let help = "shorten the parameters that it holds, or choose a larger `tier`";
            check.report(&["parameters", key, "value"], message, help);
        }
    }
}

/// How far parameters are followed that hold one another.
const DEEPEST: usize = 50;

/// The bytes of a parameter's value, as far as they are known.
fn filled(env: &Environment, key: &str, known: &mut BTreeMap<String, usize>, depth: usize) -> usize {
    if let Some(bytes) = known.get(key) {
        return *bytes;
    }
    // What holds itself is reported as a cycle.
    known.insert(key.to_owned(), 0);
    let Some(parameter) = env.section::<Parameters>().get(key).filter(|_| depth > 0) else { return 0 };
    let bytes = match (&parameter.value, parameter.generate) {
        (Some(value), _) => {
            let text = env.text(value);
            let sizes = text.parts.iter().map(|part| match part {
                Part::Literal(text) => text.len(),
                part => parameter_of(part).map_or(0, |key| filled(env, key, known, depth - 1)),
            });
            sizes.fold(0, usize::saturating_add)
        }
        (None, Some(generate)) => generate.length,
        (None, None) => 0,
    };
    known.insert(key.to_owned(), bytes);
    bytes
}

/// Parameters may hold one another, but not in a cycle.
fn cycles(check: &mut Check<'_>) {
    let env = check.env;
    let held = |parameter: &Parameter| parameter.value.as_ref().map(|value| held(env, value)).unwrap_or_default();
    let held: BTreeMap<&str, Vec<String>> =
        env.section::<Parameters>().iter().map(|(key, parameter)| (key.as_str(), held(parameter))).collect();
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    for start in held.keys().copied() {
        // Each cycle is reported once, at its first key.
        if reported.contains(start) {
            continue;
        }
        if let Some(cycle) = ring_through(start, &held) {
            let message = format!("cycle of parameters: {} → {start}", cycle.join(" → "));
            check.report(&["parameters", start], message, "remove one of these references");
            reported.extend(cycle);
        }
    }
}

/// The shortest way from `start` back to it.
fn ring_through<'a>(start: &'a str, held: &'a BTreeMap<&str, Vec<String>>) -> Option<Vec<&'a str>> {
    // By key, who holds it on the way from `start`.
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(holder) = next.pop_front() {
        for key in held.get(holder).into_iter().flatten() {
            if key == start {
                let back = std::iter::successors(Some(holder), |key| before.get(key).copied());
                let mut cycle: Vec<&str> = back.collect();
                cycle.reverse();
                return Some(cycle);
            }
            if !before.contains_key(key.as_str()) {
                before.insert(key, holder);
                next.push_back(key);
            }
        }
    }
    None
}
