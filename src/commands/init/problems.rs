//! What is wrong with answers, by the rules that specs are checked by.

use std::path::Path;

use super::answers::{Accounts, AnswerError, Answers, Component, ENVIRONMENTS, What, components};
use super::specs;
use crate::kinds;
use crate::spec::{self, Drafts, Problem};
use crate::value::one_line;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    Project,
    Account,
    Region,
    Components,
    Domain,
}

impl Question {
    /// In the order in which they are asked.
    pub const ALL: [Self; 5] = [Self::Project, Self::Account, Self::Region, Self::Components, Self::Domain];

    /// Without its dashes.
    pub fn option(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Account => "account",
            Self::Region => "region",
            Self::Components => "components",
            Self::Domain => "domain",
        }
    }

    /// Which answer a value of the specs comes from.
    fn of(path: &[String]) -> Option<Self> {
        match path.first()?.as_str() {
            "project" => Some(Self::Project),
            "account" => Some(Self::Account),
            "region" => Some(Self::Region),
            "dns" => Some(Self::Domain),
            _ => None,
        }
    }
}

/// The answers as they are given; what is `None` is not given yet.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub project: Option<String>,
    pub account: Option<Vec<String>>,
    pub region: Option<String>,
    pub components: Option<Vec<String>>,
    pub domain: Option<String>,
}

/// What is wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub question: Question,
    pub message: String,
    pub help: String,
}

impl Given {
    /// What is missing that must be there.
    pub fn missing(&self) -> Vec<Question> {
        let is_missing = |question: &Question| match question {
            Question::Project => self.project.is_none(),
            Question::Account => self.account.is_none(),
            Question::Region => self.region.is_none(),
            Question::Components => self.components.is_none(),
            Question::Domain => false,
        };
        Question::ALL.into_iter().filter(is_missing).collect()
    }

    /// The answers, and all that is wrong with them. In the place of what is missing, or cannot be read, stands something
    /// that is right, so that the rest can be looked at.
    pub fn read(&self) -> (Answers, Vec<Wrong>) {
        let mut wrong = Vec::new();
        let mut note = |question, errors: Vec<AnswerError>| {
            wrong.extend(errors.into_iter().map(|error| {
                let (message, help) = (error.to_string(), error.help());
                Wrong { question, message, help }
            }));
        };
        let one = || Accounts::One("123456789012".to_owned());
        let accounts = self.account.as_ref().map_or_else(|| Ok(one()), |parts| Accounts::parse(parts));
        let accounts = accounts.unwrap_or_else(|error| {
            note(Question::Account, vec![error]);
            one()
        });
        let web = || vec![Component { what: What::Web, name: "web".to_owned() }];
        let given = self.components.as_ref().map_or_else(|| Ok(web()), |parts| components(parts));
        let has_readable_components = given.is_ok();
        let components = given.unwrap_or_else(|errors| {
            note(Question::Components, errors);
            web()
        });
        let or = |text: &Option<String>, instead: &str| text.clone().unwrap_or_else(|| instead.to_owned());
        let answers = Answers {
            project: or(&self.project, "shop"),
            accounts,
            region: or(&self.region, "eu-central-1"),
            components,
            domain: self.domain.clone(),
        };
        if self.domain.is_some() && has_readable_components && !answers.has_web() {
            wrong.push(Wrong {
                question: Question::Domain,
                message: "a domain leads to the load balancer, which is there for `web` components only".to_owned(),
                help: "add `web` to the components, or omit the domain".to_owned(),
            });
        }
        // A domain is looked at even if nothing leads to it.
        let components = if answers.has_web() { answers.components.clone() } else { web() };
        let paths = specs_of(Path::new(""), &Answers { components, ..answers.clone() });
        // Prod first: its domain is the one that was given.
        for environment in ENVIRONMENTS.iter().rev() {
            let path = format!("{environment}.toml");
            let Err(problems) = spec::load_drafts(Path::new(&path), &paths, &kinds::catalog()) else { continue };
            for problem in problems.list {
                note_problem(&mut wrong, &problem);
            }
        }
        wrong.sort_by_key(|wrong| wrong.question);
        (answers, wrong)
    }
}

/// What the specs are wrong in because an answer is. The rest follows from that, or is found when the specs are checked.
fn note_problem(wrong: &mut Vec<Wrong>, problem: &Problem) {
    let Some(question) = Question::of(&problem.path) else { return };
    let one = Wrong { question, message: one_line(&problem.message), help: one_line(&problem.help) };
    // Both specs say so, and the domain of dev is made of that of prod.
    let is_same =
        |told: &Wrong| told.message == one.message || question == Question::Domain && told.help == one.help;
    let is_told = |told: &Wrong| told.question == question && is_same(told);
    if !wrong.iter().any(is_told) {
        wrong.push(one);
    }
}

/// The files in `folder`, by their paths.
pub fn specs_of(folder: &Path, answers: &Answers) -> Drafts {
    let base = (folder.join(specs::BASE), specs::base(answers));
    let of = |name: &&str| (folder.join(format!("{name}.toml")), specs::environment(answers, name));
    std::iter::once(base).chain(ENVIRONMENTS.iter().map(of)).collect()
}
