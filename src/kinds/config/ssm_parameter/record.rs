//! Which version of a plain parameter has the value that the spec gives it. AWS tells the versions of fifty parameters
//! in a call, and the values of ten: a value whose version and time of change are those in this record is not read.
//!
//! The record is in parameters of Baseplate's own, `/baseplate/<project>/<environment>/values/<n>`. For each name it
//! has one digest, of a version, its time and its value together, as AWS told them in one answer. That stays true
//! whatever happens later: a parameter that is written again gets another version, and one that is deleted and made
//! anew, which begins at version 1 again, another time. So an entry that is old or missing costs a call and no more.
//! Of secrets nothing is in it, nor of a value that is not the spec's.

use std::collections::BTreeSet;

use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::{Parameter, ParameterMetadata, ParameterType};

use super::values::by_name;
use crate::aws::{Aws, CloudError, Entries, pages};
use crate::kinds::config::ssm_parameter::section::{Parameters, is_secret};
use crate::kinds::content_digest;
use crate::spec::Environment;
use crate::value::{Part, Text};

/// The values of fewer parameters are read in as few calls as the record takes.
const WORTH: usize = 50;

/// The value of the parameter, if it is certain to be the one that the spec gives.
pub fn value(aws: &Aws, env: &Environment, described: &ParameterMetadata) -> Option<Text> {
    let (name, entry, text) = certain(&aws.versions.kept.borrow(), env, described)?;
    aws.versions.found.borrow_mut().insert(name, entry);
    Some(text)
}

/// Takes note of a value that was read.
pub fn note(aws: &Aws, env: &Environment, parameter: &Parameter) {
    aws.versions.found.borrow_mut().extend(of(env, parameter));
}

/// The name, entry and value of a parameter that this record has with the spec's value.
fn certain(kept: &Entries, env: &Environment, described: &ParameterMetadata) -> Option<(String, String, Text)> {
    let name = described.name().filter(|_| described.r#type() != Some(&ParameterType::SecureString))?;
    let text = literal(env, name)?;
    let entry = entry(described.version(), described.last_modified_date()?, &text)?;
    (kept.get(name) == Some(&entry)).then(|| (name.to_owned(), entry, text))
}

/// The text that the spec gives to the plain parameter of this name, where that refers to nothing.
fn literal(env: &Environment, name: &str) -> Option<Text> {
    let key = name.strip_prefix(&env.parameter_path(""))?;
    let text = env.text(env.section::<Parameters>().get(key)?.value.as_ref()?);
    let is_literal = text.parts.iter().all(|part| matches!(part, Part::Literal(_)));
    (is_literal && !is_secret(env, key)).then_some(text)
}

fn entry(version: i64, changed: &DateTime, value: &Text) -> Option<String> {
    Some(content_digest(&(version, changed.to_millis().ok()?, value.plain())))
}

/// The name and the entry of a parameter that has the value that the spec gives it.
fn of(env: &Environment, parameter: &Parameter) -> Option<(String, String)> {
    let text = literal(env, parameter.name()?)?;
    let is_it =
        parameter.r#type() != Some(&ParameterType::SecureString) && parameter.value() == Some(&text.plain());
    let entry = entry(parameter.version(), parameter.last_modified_date()?, &text)?;
    is_it.then(|| (parameter.name.clone().unwrap_or_default(), entry))
}

/// The names that the record is for; none where there are too few.
fn names(env: &Environment) -> BTreeSet<String> {
    let names = env.section::<Parameters>().keys().map(|key| env.parameter_path(key));
    let names: BTreeSet<String> = names.filter(|name| literal(env, name).is_some()).collect();
    if names.len() < WORTH { BTreeSet::new() } else { names }
}

fn path(env: &Environment) -> String {
    format!("/baseplate/{}/values", env.path())
}

/// Reads the record. Where that fails, or is not allowed, all values are read.
pub(super) async fn read(aws: &Aws, env: &Environment) {
    if names(env).is_empty() {
        return;
    }
    let pages = pages::read(aws, &path(env)).await.unwrap_or_default();
    let pages = pages.iter().filter_map(Parameter::value);
    let entries = pages.filter_map(|page| serde_json::from_str::<Entries>(page).ok()).flatten();
    let entries = entries.map(|(key, entry)| (env.parameter_path(&key), entry)).collect();
    aws.versions.kept.replace(entries);
}

/// Writes the record anew, if it is another by now.
pub async fn save_cache(aws: &Aws, env: &Environment) -> Result<(), CloudError> {
    let names = names(env);
    let (mut entries, written) = (aws.versions.found.borrow().clone(), aws.versions.written());
    entries.retain(|name, _| names.contains(name) && !written.contains_key(name));
    // When it was written AWS does not answer to a put. What it tells of a version by now is read with its value: it
    // may be somebody else's already.
    let anew = written.iter().filter(|(name, is_there)| **is_there && names.contains(*name));
    let anew: Vec<String> = anew.map(|(name, _)| name.clone()).collect();
    for parameter in by_name(aws, &anew).await? {
        entries.extend(of(env, &parameter));
    }
    // Where there is no record it was not read, and one of a spec that had more may still be there.
    let may_be_left = names.is_empty() && !written.is_empty();
    if entries == *aws.versions.kept.borrow() && !may_be_left {
        return Ok(());
    }
    let root = env.parameter_path("");
    let pages = cut(entries.iter().filter_map(|(name, entry)| Some((name.strip_prefix(&root)?, entry.as_str()))));
    pages::write(aws, &path(env), "Versions of parameters whose values Baseplate knows, as digests", &pages).await
}

/// The entries as JSON texts that each fit into a parameter, and are complete in themselves.
fn cut<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut pages: Vec<String> = Vec::new();
    for entry in entries.map(|(key, entry)| format!("{}:{}", serde_json::json!(key), serde_json::json!(entry))) {
        match pages.last_mut().filter(|page| page.len() + entry.len() + ",}".len() <= pages::PAGE) {
            Some(page) => {
                page.push(',');
                page.push_str(&entry);
            }
            None => pages.push(format!("{{{entry}")),
        }
    }
    pages.iter_mut().for_each(|page| page.push('}'));
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = include_str!("../../../../fixtures/small.toml");

    /// The small town with two more parameters: one plain, one secret.
    fn town() -> Environment {
        let more = "[parameters]\n\"plain\" = \"one\"\n\"hidden\" = { value = \"one\", secret = true }\n";
        let text = SPEC.replacen("[parameters]\n", more, 1);
        crate::spec::parse("small.toml", &text, &crate::kinds::catalog()).expect("a spec").env
    }

    fn described(name: &str, version: i64, millis: i64) -> ParameterMetadata {
        let described = ParameterMetadata::builder().name(format!("/town/test/{name}")).version(version);
        described.r#type(ParameterType::String).last_modified_date(DateTime::from_millis(millis)).build()
    }

    fn parameter(name: &str, value: &str, r#type: ParameterType) -> Parameter {
        let parameter = Parameter::builder().name(format!("/town/test/{name}")).value(value).r#type(r#type);
        parameter.version(3).last_modified_date(DateTime::from_millis(1_700_000_000_123)).build()
    }

    #[test]
    fn a_value_is_certain_by_version_and_time_and_only_if_the_spec_has_it_still() {
        let env = town();
        let kept = Entries::from_iter(of(&env, &parameter("plain", "one", ParameterType::String)));
        let is_certain = |env, version, millis| certain(&kept, env, &described("plain", version, millis)).is_some();
        assert!(is_certain(&env, 3, 1_700_000_000_123));
        assert!(!is_certain(&env, 4, 1_700_000_000_123), "written again");
        assert!(!is_certain(&env, 3, 1_700_000_000_124), "deleted and made anew");
        let mut other = town();
        let mut parameters = other.section::<Parameters>().clone();
        parameters.get_mut("plain").expect("it is there").value = Some("two".to_owned());
        other.set_section::<Parameters>(parameters);
        assert!(!is_certain(&other, 3, 1_700_000_000_123), "the spec has changed");
        let mut secure = described("plain", 3, 1_700_000_000_123);
        secure.r#type = Some(ParameterType::SecureString);
        assert_eq!(certain(&kept, &env, &secure), None);
    }

    #[test]
    fn nothing_is_noted_of_secrets_nor_of_other_values() {
        let env = town();
        for (name, value, r#type) in [
            ("hidden", "one", ParameterType::SecureString),
            ("hidden", "one", ParameterType::String),
            ("plain", "one", ParameterType::SecureString),
            ("plain", "by hand", ParameterType::String),
            ("unknown", "one", ParameterType::String),
        ] {
            assert_eq!(of(&env, &parameter(name, value, r#type.clone())), None, "{name}, {type}");
        }
    }

    #[test]
    fn pages_fit_and_come_together_again() {
        let entries: Entries =
            (0..1000).map(|number| (format!("key/{number}"), format!("{number:016x}"))).collect();
        let pages = cut(entries.iter().map(|(key, entry)| (key.as_str(), entry.as_str())));
        assert!(pages.len() < 9 && pages.iter().all(|page| page.len() <= pages::PAGE), "{pages:?}");
        let read = pages.iter().map(|page| serde_json::from_str::<Entries>(page).expect("JSON"));
        assert_eq!(read.flatten().collect::<Entries>(), entries);
        assert_eq!(cut(std::iter::empty()), [""; 0]);
    }
}
