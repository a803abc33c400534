//! What a new project is to be made of, as the command line or a person says it.

use std::fmt;

use crate::value::one_line;

/// The environments that are written.
pub const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];

/// The key of the load balancer's security group, which no component can have.
pub const BALANCER: &str = "alb";

/// Most letters of a component's name: with the project and the environment it is still read in names on AWS.
const LONGEST_NAME: usize = 20;

/// All that the specs of a new project follow from.
#[derive(Clone, Debug)]
pub struct Answers {
    pub project: String,
    pub accounts: Accounts,
    pub region: String,
    pub components: Vec<Component>,
    /// Of prod; dev gets `dev.` before it. Without one there is plain HTTP at the load balancer's own name.
    pub domain: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    One(String),
    Each { dev: String, prod: String },
}

/// A part of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub what: What,
    /// The key of its entry in the spec.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A service that the load balancer routes to.
    Web,
    /// A service that nobody calls.
    Worker,
    Postgres,
    Mysql,
    Topic,
}

impl What {
    pub const ALL: [Self; 5] = [Self::Web, Self::Worker, Self::Postgres, Self::Mysql, Self::Topic];

    /// The word for it, which is also the name of a component that is given none.
    pub fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Topic => "topic",
        }
    }
}

/// What may be wrong with an answer, and is not the spec's to say.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("`{0}` is neither one account nor `dev=ACCOUNT,prod=ACCOUNT`")]
    Accounts(String),
    #[error("there are no components")]
    NoComponents,
    #[error("unknown component `{0}`")]
    UnknownComponent(String),
    #[error("`{0}` is no name for a component")]
    Name(String),
    #[error("two components are called `{0}`")]
    Twice(String),
    #[error("`{BALANCER}` is the load balancer's own name")]
    Taken,
}

impl AnswerError {
    pub fn help(&self) -> String {
        let words: Vec<&str> = What::ALL.into_iter().map(What::word).collect();
        let as_in = "as in web,worker:mailer,postgres";
        match self {
            Self::Accounts(_) => "an account has 12 digits; `aws sts get-caller-identity` prints yours".to_owned(),
            Self::NoComponents | Self::UnknownComponent(_) => format!("there are {}; {as_in}", words.join(", ")),
            Self::Name(_) => {
                format!("a letter, then lowercase letters, digits and hyphens, {LONGEST_NAME} in all; {as_in}")
            }
            Self::Twice(name) => format!("name one of them, as in worker:{}-2", shortened(name)),
            Self::Taken => "choose another name".to_owned(),
        }
    }
}

/// So that a name made of it is still one.
fn shortened(name: &str) -> &str {
    name.get(..name.len().min(LONGEST_NAME - 2)).unwrap_or(name)
}

impl Accounts {
    /// One account, or one for each environment: `123456789012`, or `dev=…` and `prod=…`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(parts: &[String]) -> Result<Self, AnswerError> {
        let parts: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
        let of = |environment: &str| {
            parts.iter().find_map(|part| part.strip_prefix(environment)?.strip_prefix('=')).map(str::to_owned)
        };
        match (parts.as_slice(), of("dev"), of("prod")) {
            ([_, _], Some(dev), Some(prod)) if dev == prod => Ok(Self::One(dev)),
            ([_, _], Some(dev), Some(prod)) => Ok(Self::Each { dev, prod }),
            ([one], None, None) => Ok(Self::One((*one).to_owned())),
            _ => Err(AnswerError::Accounts(one_line(&parts.join(",")))),
        }
    }

    /// The account of an environment, if each has its own.
    pub fn own(&self, environment: &str) -> Option<&str> {
        match self {
            Self::One(_) => None,
            Self::Each { dev, .. } if environment == "dev" => Some(dev),
            Self::Each { prod, .. } => Some(prod),
        }
    }
}

/// Components as `TYPE` or `TYPE:NAME`.
///
/// # Errors
/// All that is wrong with them.
pub fn components(parts: &[String]) -> Result<Vec<Component>, Vec<AnswerError>> {
    let (mut components, mut errors): (Vec<Component>, Vec<AnswerError>) = (Vec::new(), Vec::new());
    for part in parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let (word, name) = part.split_once(':').unwrap_or((part, part));
        let Some(what) = What::ALL.into_iter().find(|what| what.word() == word) else {
            errors.push(AnswerError::UnknownComponent(one_line(word)));
            continue;
        };
        if !is_name(name) {
            errors.push(AnswerError::Name(one_line(name)));
        } else if name == BALANCER {
            errors.push(AnswerError::Taken);
        } else if components.iter().any(|component| component.name == name) {
            errors.push(AnswerError::Twice(name.to_owned()));
        } else {
            components.push(Component { what, name: name.to_owned() });
        }
    }
    if components.is_empty() && errors.is_empty() {
        errors.push(AnswerError::NoComponents);
    }
    if errors.is_empty() { Ok(components) } else { Err(errors) }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Answers {
    pub fn of(&self, what: What) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(move |component| component.what == what)
    }

    pub fn services(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|component| matches!(component.what, What::Web | What::Worker))
    }

    pub fn databases(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|component| matches!(component.what, What::Postgres | What::Mysql))
    }

    pub fn has_web(&self) -> bool {
        self.of(What::Web).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn a_component_is_called_by_its_type_unless_it_has_a_name() {
        let given = components(&split("web, worker:mailer,postgres:orders")).expect("components");
        let named: Vec<String> = given.iter().map(|one| format!("{} {one}", one.what.word())).collect();
        assert_eq!(named, ["web web", "worker mailer", "postgres orders"]);
    }

    #[test]
    fn all_that_is_wrong_with_components_is_told() {
        let errors =
            components(&split("web,worker:web,cache,web:alb,web:A,topic:,web:a--b")).expect_err("none is right");
        assert_eq!(
            errors,
            [
                AnswerError::Twice("web".to_owned()),
                AnswerError::UnknownComponent("cache".to_owned()),
                AnswerError::Taken,
                AnswerError::Name("A".to_owned()),
                AnswerError::Name(String::new()),
                AnswerError::Name("a--b".to_owned()),
            ]
        );
        assert_eq!(components(&split(" ,")), Err(vec![AnswerError::NoComponents]));
        let longest = "a".repeat(LONGEST_NAME);
        assert!(components(&[format!("web:{longest}")]).is_ok());
        assert!(components(&[format!("web:{longest}a")]).is_err());
        let help = AnswerError::Twice(longest).help();
        let suggested = help.split_once("worker:").expect("a suggestion").1;
        assert!(is_name(suggested), "{suggested}");
    }

    #[test]
    fn accounts_are_one_or_each_has_its_own() {
        let one = Accounts::parse(&split("123456789012")).expect("one");
        assert_eq!(one.own("dev"), None);
        assert_eq!(one, Accounts::One("123456789012".to_owned()));
        let each = Accounts::parse(&split("prod=222222222222, dev=111111111111")).expect("two");
        assert_eq!((each.own("dev"), each.own("prod")), (Some("111111111111"), Some("222222222222")));
        let same = Accounts::parse(&split("dev=123456789012,prod=123456789012"));
        assert_eq!(same, Ok(Accounts::One("123456789012".to_owned())));
        for wrong in ["dev=1", "1,2", "dev=1,dev=2", "dev=1,prod=2,3", "dev=1,2"] {
            assert!(Accounts::parse(&split(wrong)).is_err(), "{wrong}");
        }
    }
}
