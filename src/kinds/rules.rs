//! AWS's rules on what is sent: each kind holds its own against its desired attributes, so that derived names, merged
//! tags, filled-in texts and composed documents are judged like what is written by hand.

pub(super) mod tags;

use std::ops::RangeInclusive;

use crate::value::{Part, Text};

pub use tags::TagCharacters;

/// One rule of AWS on the attributes of a kind.
pub struct Rule<A: 'static> {
    /// Stable: scripts and people refer to it. `BP-`, the area, a number: `BP-DB-03`.
    pub code: &'static str,
    /// What AWS takes, in a sentence without a full stop: the help of the error, and the table of rules.
    pub takes: &'static str,
    /// The page or the API's member that says so.
    pub source: &'static str,
    /// Reports each value that breaks it.
    pub check: fn(&A, &mut Violations<'_>),
    /// Edits of the examples after which the spec is still valid: values just inside.
    pub inside: &'static [Edit],
    /// Edits after which this rule is broken: values just outside.
    pub outside: &'static [Edit],
}

/// The texts of a rule, whatever the attributes are that it judges.
pub struct RuleInfo {
    pub code: &'static str,
    pub takes: &'static str,
    pub source: &'static str,
    pub inside: &'static [Edit],
    pub outside: &'static [Edit],
}

/// Another text in place of the first one in an example that holds `from` (an own one first, [`super::example::BASE`]
/// last); at the end of the first own example where `from` is empty. `<300>` stands for that many letters `a`,
/// `<50 keys>` for that many lines `k1 = ""`, `<5 items>` for `"k1", "k2", …`,
/// `<5 rules>` for as many rules of a security group.
pub struct Edit {
    pub from: &'static str,
    pub to: &'static str,
}

pub const fn edit(from: &'static str, to: &'static str) -> Edit {
    Edit { from, to }
}

/// A value that breaks a rule.
pub struct Violation {
    pub code: &'static str,
    /// Leads to the value in the attributes.
    pub field: Vec<String>,
    /// The value as the attributes have it, to find it in the spec where the field is a set or a document.
    pub value: String,
    pub message: String,
    /// What AWS takes.
    pub help: &'static str,
}

/// Where a value is in the attributes: names with dots between them (`"health_check.path"`), or each by itself where a
/// name is the user's own (`["tags", key]`).
pub trait Field {
    fn path(self) -> Vec<String>;
}

impl Field for &str {
    fn path(self) -> Vec<String> {
        self.split('.').map(str::to_owned).collect()
    }
}

impl Field for [&str; 2] {
    fn path(self) -> Vec<String> {
        self.map(str::to_owned).to_vec()
    }
}

/// The values of one object that break a rule.
pub struct Violations<'a> {
    /// The rule that is held against it now.
    rule: RuleInfo,
    list: &'a mut Vec<Violation>,
}

impl Violations<'_> {
    /// Reports a value. `message` says what is wrong with it; what AWS takes instead is the rule's own text.
    pub fn report(&mut self, field: impl Field, value: impl Into<String>, message: impl Into<String>) {
        let RuleInfo { code, takes, .. } = self.rule;
        let (field, value, message) = (field.path(), value.into(), message.into());
        self.list.push(Violation { code, field, value, message, help: takes });
    }

    /// A text must have so many characters.
    pub fn length(&mut self, field: impl Field, text: &str, allowed: RangeInclusive<usize>) {
        let count = text.chars().count();
        if !allowed.contains(&count) {
            let bound = match count < *allowed.start() {
                true => format!("at least {}", allowed.start()),
                false => format!("at most {}", allowed.end()),
            };
            self.report(field, text, format!("`{text}` has {count} characters, AWS takes {bound}"));
        }
    }

    /// A text may have these characters only.
    pub fn characters(&mut self, field: impl Field, text: &str, allowed: fn(char) -> bool) {
        if let Some(wrong) = text.chars().find(|&c| !allowed(c)) {
            self.report(field, text, format!("`{text}` has {}, which AWS does not take here", quoted(wrong)));
        }
    }

    /// The same for what a text has besides references; what those stand for is not known yet.
    pub fn known_characters(&mut self, field: impl Field + Copy, text: &Text, allowed: fn(char) -> bool) {
        for part in &text.parts {
            if let Part::Literal(part) = part {
                self.characters(field, part, allowed);
            }
        }
    }

    /// A number must lie between these.
    pub fn range(&mut self, field: impl Field, number: i64, allowed: RangeInclusive<i64>) {
        if !allowed.contains(&number) {
            let (least, most) = allowed.into_inner();
            self.report(field, number.to_string(), format!("{number} is not between {least} and {most}"));
        }
    }

    /// There may be so many of something, at most.
    pub fn count(&mut self, field: impl Field, what: &str, count: usize, most: usize) {
        if count > most {
            self.report(field, "", format!("{count} {what}, AWS takes {most} at most"));
        }
    }

    /// A text must match a regular expression, which the rule says in words.
    pub fn matches(&mut self, field: impl Field, text: &str, pattern: &str) {
        let holds = regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
        self.must(field, text, holds);
    }

    /// A value that must match something, said in words by the rule.
    pub fn must(&mut self, field: impl Field, value: &str, holds: bool) {
        if !holds {
            self.report(field, value, format!("AWS does not take `{value}` here"));
        }
    }
}

/// A character as a message names it: what has no shape of its own by its number.
fn quoted(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        '\n' => "a line break".to_owned(),
        '`' => "a backquote".to_owned(),
        c if c.is_control() || c.is_whitespace() => format!("the character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// What a rule over attributes found in one object.
pub(super) fn held<A>(rules: &[Rule<A>], attrs: &A) -> Vec<Violation> {
    let mut list = Vec::new();
    for rule in rules {
        (rule.check)(attrs, &mut Violations { rule: rule.info(), list: &mut list });
    }
    list
}

impl<A> Rule<A> {
    pub(super) fn info(&self) -> RuleInfo {
        let Self { code, takes, source, inside, outside, .. } = *self;
        RuleInfo { code, takes, source, inside, outside }
    }
}
