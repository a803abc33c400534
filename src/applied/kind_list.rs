//! The environment's list of kinds: those of which it may have objects, whatever its spec says by now.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::kinds::find;
use crate::spec::Environment;

/// The version of its text.
const FORMAT: u64 = 1;

/// For how long AWS may not show what was just made: a kind of which nothing is found stays on the list until the list
/// has stood for this long.
const UNSEEN: Duration = Duration::from_secs(3600);

/// The parameter in which an account keeps the list: under the path of the record of what was applied, so that one call
/// reads both.
pub fn parameter(env: &Environment) -> String {
    format!("/baseplate/{}/applied/kinds", env.path())
}

/// The list as it was read.
#[derive(Clone, Debug)]
pub struct KindList {
    format: u64,
    /// By name.
    kinds: BTreeSet<String>,
    /// When it was last written, by AWS's clock.
    written: SystemTime,
}

impl KindList {
    /// Takes the text of a list. What is no list counts as none.
    pub fn parse(text: &str, written: SystemTime) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let format = value.get("list_format")?.as_u64()?;
        let names = value.get("kinds").and_then(Value::as_array);
        let kinds = match format {
            FORMAT => names?.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            _ => BTreeSet::new(),
        };
        Some(Self { format, kinds, written })
    }

    /// The text of a list of these kinds.
    pub fn text(kinds: &BTreeSet<String>) -> String {
        json!({ "list_format": FORMAT, "kinds": kinds }).to_string()
    }

    pub fn has(&self, kind: &str) -> bool {
        self.kinds.contains(kind)
    }

    /// Checks that this Baseplate knows all of it.
    ///
    /// # Errors
    /// A newer one wrote it: the environment is not for this one to plan.
    pub fn check_known(&self, env: &Environment) -> Result<(), NewerList> {
        let kinds: Vec<String> = self.kinds.iter().filter(|kind| find(kind).is_none()).cloned().collect();
        let unknown = match self.format {
            FORMAT if kinds.is_empty() => return Ok(()),
            FORMAT => UnknownPart::Kinds(kinds),
            format => UnknownPart::Format(format),
        };
        let (project, environment) = (env.project.clone(), env.environment.clone());
        Err(NewerList { project, environment, parameter: parameter(env), unknown })
    }
}

/// A list of kinds that a newer Baseplate wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the list of kinds of {project} {environment} (parameter {parameter}) {unknown}, which this Baseplate ({}) does \
     not know: a newer version applied this environment, and may have made objects that this one would not see. Use \
     that version, or a newer one",
    env!("CARGO_PKG_VERSION")
)]
pub struct NewerList {
    pub project: String,
    pub environment: String,
    /// Where the list is kept.
    pub parameter: String,
    pub unknown: UnknownPart,
}

/// What this Baseplate does not know of a list of kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownPart {
    /// The version of its text.
    Format(u64),
    /// Some of its kinds, by name.
    Kinds(Vec<String>),
}

impl fmt::Display for UnknownPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(format) => write!(f, "is written in format {format}"),
            Self::Kinds(kinds) => write!(f, "names {}", kinds.join(", ")),
        }
    }
}

/// Of which kinds an environment has objects or may get them, and its list as it was read.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// `None` where there is no list, or it could not be read: then every kind was read.
    pub list: Option<KindList>,
    /// Kinds that the spec wants.
    pub wanted: BTreeSet<&'static str>,
    /// Kinds of which there are objects of the environment or its project.
    pub live: BTreeSet<&'static str>,
    /// Kinds of which anything was found that concerns the environment, be it without its tags.
    pub found: BTreeSet<&'static str>,
}

/// How the list is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChange {
    pub add: BTreeSet<String>,
    /// Kinds whose first object may be made now: be they listed or not, the list is written, and counts as new.
    pub renew: BTreeSet<String>,
    pub remove: BTreeSet<String>,
}

impl InUse {
    /// What is to be on the list before anything is written, and what need not be there any more.
    pub fn change(&self, now: SystemTime) -> ListChange {
        let is_listed = |kind: &str| self.list.as_ref().is_some_and(|list| list.has(kind));
        let in_use = self.wanted.union(&self.live);
        let add = in_use.filter(|kind| !is_listed(kind)).map(|&kind| kind.to_owned());
        let stands = |list: &&KindList| now.duration_since(list.written).is_ok_and(|age| age >= UNSEEN);
        let listed = self.list.as_ref().filter(stands).into_iter().flat_map(|list| &list.kinds);
        let may_be = |kind: &str| self.wanted.contains(kind) || self.found.contains(kind);
        let remove = listed.filter(|kind| !may_be(kind)).cloned();
        let renew = self.wanted.difference(&self.live).map(|&kind| kind.to_owned());
        ListChange { add: add.collect(), renew: renew.collect(), remove: remove.collect() }
    }
}

impl ListChange {
    pub fn is_empty(&self) -> bool {
        self.must().is_empty() && self.remove.is_empty()
    }

    /// What has to be on the list before anything is written.
    pub fn must(&self) -> BTreeSet<&str> {
        self.add.iter().chain(&self.renew).map(String::as_str).collect()
    }

    /// The kinds of a list after the change. `None` where it is not to be written.
    pub fn of(&self, list: Option<&KindList>) -> Option<BTreeSet<String>> {
        let before = list.map(|list| &list.kinds);
        let kept = before.into_iter().flatten().filter(|kind| !self.remove.contains(*kind));
        let after: BTreeSet<String> = kept.chain(&self.add).chain(&self.renew).cloned().collect();
        (!self.renew.is_empty() || before.map_or(!after.is_empty(), |before| *before != after)).then_some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{all, catalog};

    fn names(kinds: &[&str]) -> BTreeSet<String> {
        kinds.iter().map(|&kind| kind.to_owned()).collect()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn list(kinds: &[&str]) -> Option<KindList> {
        KindList::parse(&KindList::text(&names(kinds)), at(0))
    }

    fn town() -> Environment {
        let spec = include_str!("../../fixtures/small.toml");
        crate::spec::parse("small.toml", spec, &catalog()).expect("a spec").env
    }

    #[test]
    fn a_list_of_every_kind_fits_into_a_parameter_twice_and_is_read_again() {
        let kinds = all().iter().map(|kind| kind.name().to_owned()).collect();
        let text = KindList::text(&kinds);
        assert!(text.len() < 2048 && !text.contains("{{"), "{text}");
        let read = KindList::parse(&text, at(0)).expect("a list");
        assert_eq!(read.kinds, kinds);
        assert_eq!(read.check_known(&town()), Ok(()));
    }

    #[test]
    fn what_is_no_list_is_none() {
        let formless = r#"{"kinds": ["vpc"]}"#;
        for text in
            ["", "vpc", "[]", "{}", formless, r#"{"list_format": 1}"#, r#"{"list_format": 1, "kinds": [1]}"#]
        {
            assert!(KindList::parse(text, at(0)).is_none(), "{text}");
        }
    }

    #[test]
    fn a_kind_or_a_format_of_a_newer_baseplate_is_told() {
        let error = list(&["moon_base", "vpc"]).expect("a list").check_known(&town()).expect_err("it is told");
        assert_eq!(error.unknown, UnknownPart::Kinds(vec!["moon_base".to_owned()]));
        assert!(
            error.to_string().contains("/baseplate/town/test/applied/kinds) names moon_base, which"),
            "{error}"
        );
        let newer =
            KindList::parse(r#"{"list_format": 2, "kinds": {"vpc": 1}}"#, at(0)).expect("a list all the same");
        let error = newer.check_known(&town()).expect_err("it is told");
        assert_eq!(error.unknown, UnknownPart::Format(2));
        let text = error.to_string();
        assert!(text.contains("format 2") && text.contains("Use that version"), "{text}");
    }

    fn in_use(list: Option<KindList>, wanted: &[&'static str], live: &[&'static str]) -> InUse {
        let [wanted, live] = [wanted, live].map(|kinds| kinds.iter().copied().collect::<BTreeSet<_>>());
        InUse { list, wanted, found: live.clone(), live }
    }

    #[test]
    fn what_is_wanted_or_live_is_to_be_listed() {
        let (wanted, live) = (["subnet", "vpc"], ["iam_role", "subnet"]);
        let change = in_use(None, &wanted, &live).change(at(9999));
        assert_eq!(change.of(None), Some(names(&["iam_role", "subnet", "vpc"])));
        assert_eq!(in_use(list(&["vpc"]), &wanted, &live).change(at(0)).add, names(&["iam_role", "subnet"]));
        assert!(in_use(list(&["vpc"]), &["vpc"], &["vpc"]).change(at(9999)).is_empty());
        // Who could not read the list by its path finds it as it is to be.
        let unread = ListChange { add: names(&["vpc"]), ..ListChange::default() };
        assert_eq!(unread.of(list(&["subnet", "vpc"]).as_ref()), None);
    }

    /// A run that died may have made the first object of a kind a moment ago, which AWS does not show yet.
    #[test]
    fn a_kind_leaves_the_list_only_once_nothing_new_can_be_hidden() {
        let list = list(&["iam_role", "nat_gateway", "vpc"]);
        let gone = in_use(list.clone(), &["vpc"], &["iam_role", "vpc"]);
        assert!(gone.change(at(3599)).is_empty());
        let change = gone.change(at(3600));
        assert_eq!(change, ListChange { remove: names(&["nat_gateway"]), ..ListChange::default() });
        assert_eq!(change.of(list.as_ref()), Some(names(&["iam_role", "vpc"])));
        let untagged = InUse { found: BTreeSet::from(["nat_gateway"]), ..in_use(list.clone(), &["vpc"], &["vpc"]) };
        assert_eq!(untagged.change(at(3600)).remove, names(&["iam_role"]), "somebody may have taken off its tags");
        // One that is listed since long ago begins anew when its first object is made.
        let change = in_use(list.clone(), &["nat_gateway", "vpc"], &["iam_role", "vpc"]).change(at(3600));
        assert_eq!((&change.renew, change.is_empty()), (&names(&["nat_gateway"]), false));
        assert_eq!(change.of(list.as_ref()), Some(names(&["iam_role", "nat_gateway", "vpc"])));
    }
}
