//! Texts with outputs of other objects inside: `http://{services.api.dns}:1026`. `{{` and `}}` stand for braces.

use super::text_part::CORE_TEXTS;
use super::{Environment, Unknown};
use crate::value::{Part, Text};

/// What is wrong with one placeholder of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The placeholder as written, without braces.
    pub placeholder: String,
    pub message: String,
    pub help: String,
}

impl Environment {
    /// A checked template as text. A placeholder that means nothing stays as written (checking reports it).
    pub fn text(&self, template: &str) -> Text {
        self.parse_template(template).unwrap_or_else(|_| template.into())
    }

    /// Parses a template.
    ///
    /// # Errors
    /// Every placeholder that names nothing in this environment, and braces that do not close.
    pub fn parse_template(&self, template: &str) -> Result<Text, Vec<TemplateError>> {
        expand(template, |name| self.placeholder(name))
    }

    /// What a placeholder stands for.
    ///
    /// # Errors
    /// It names nothing in this environment.
    pub(super) fn placeholder(&self, name: &str) -> Result<Part, Unknown> {
        let literal = |text: &str| Ok(Part::Literal(text.to_owned()));
        match name {
            "project" => return literal(&self.project),
            "environment" => return literal(&self.environment),
            "account" => return literal(&self.account),
            "region" => return literal(&self.region),
            _ => {}
        }
        let (key, path) = name.split_once('.').unwrap_or((name, ""));
        match self.held(key).filter(|section| !section.texts().is_empty()) {
            Some(section) => section.part(self, path),
            None => {
                let texts = CORE_TEXTS.iter().map(|(name, _)| *name).chain(self.texts());
                let texts: Vec<String> = texts.map(|text| format!("{{{text}}}")).collect();
                let help = format!("known: {}", texts.join(", "));
                Err(Unknown::new(format!("unknown placeholder `{{{name}}}`"), help))
            }
        }
    }
}

/// A template with `stands_for` asked what each placeholder stands for.
///
/// # Errors
/// Every placeholder that stands for nothing, and braces that do not close.
pub(super) fn expand(
    template: &str,
    stands_for: impl Fn(&str) -> Result<Part, Unknown>,
) -> Result<Text, Vec<TemplateError>> {
    let (mut text, mut errors) = (Text::default(), Vec::new());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push(Part::Literal(rest[..at].to_owned()));
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push(Part::Literal(brace.to_owned()));
            rest = after;
            continue;
        }
        let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
            errors.push(TemplateError {
                placeholder: template.to_owned(),
                message: format!("unmatched `{brace}`"),
                help: LITERAL_BRACES.to_owned(),
            });
            return Err(errors);
        };
        if !could_be_name(name) {
            // JSON, say, or a shell's variable.
            errors.push(TemplateError {
                placeholder: name.to_owned(),
                message: "the text in these braces is not a placeholder".to_owned(),
                help: LITERAL_BRACES.to_owned(),
            });
        } else {
            match stands_for(name) {
                Ok(part) => text.push(part),
                Err(Unknown { message, help }) => {
                    errors.push(TemplateError { placeholder: name.to_owned(), message, help });
                }
            }
        }
        rest = after;
    }
    text.push(Part::Literal(rest.to_owned()));
    if errors.is_empty() { Ok(text) } else { Err(errors) }
}

const LITERAL_BRACES: &str = "write every brace that is meant as such twice, as in `{{\"json\": true}}`";

/// Whether a placeholder can be called so: paths of keys of the spec.
fn could_be_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c))
}

/// What stands in the single braces of a template.
pub fn placeholders(template: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), template);
    while let Some((_, after)) = rest.split_once('{') {
        rest = match after.strip_prefix('{') {
            Some(after) => after,
            None => {
                let Some((name, after)) = after.split_once('}') else { break };
                found.push(name);
                after
            }
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_braces_hold_something() {
        assert_eq!(placeholders("{a}:{{b}}:{c.d}"), ["a", "c.d"]);
        assert_eq!(placeholders("{{{a}}}"), ["a"]);
        assert_eq!(placeholders("{a"), Vec::<&str>::new());
    }
}
