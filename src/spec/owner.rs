use super::Environment;
use crate::value::{Address, Tags};

/// The tags by which an object is found again, in the order in which messages name them.
pub const OWNERSHIP: [&str; 3] = ["baseplate:project", "baseplate:environment", "baseplate:address"];

/// Whose an object is, as far as its tags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This environment's, or its project's.
    Ours(Address),
    /// It has tags of ours and none of anybody else's, but not these, or none that can be read.
    PartlyTagged(Vec<&'static str>),
    /// Somebody else's, by name: "shop prod".
    Another(String),
    Untagged,
}

impl Owner {
    /// Of an object of this kind, whose tags `tag` tells by key. Objects of a `shared` kind belong to the project and
    /// name no environment; any other that names none has lost the tag, and may be another environment's.
    pub fn of<'t>(env: &Environment, kind: &str, shared: bool, tag: impl Fn(&str) -> Option<&'t str>) -> Self {
        let [project, environment, address] = OWNERSHIP.map(tag);
        let is_other = |found: Option<&str>, ours: &str| found.is_some_and(|found| found != ours);
        if is_other(project, &env.project) || is_other(environment, &env.environment) {
            let parts = [project.unwrap_or("another project"), environment.unwrap_or_default()];
            return Self::Another(parts.join(" ").trim_end().to_owned());
        }
        if [project, environment, address].iter().all(Option::is_none) {
            return Self::Untagged;
        }
        let place = address.and_then(|address| address.parse::<Address>().ok());
        let place = place.filter(|address| address.kind() == kind);
        let has = [project.is_some(), environment.is_some() || shared, place.is_some()];
        match place {
            Some(address) if has == [true; 3] => Self::Ours(address),
            _ => {
                let missing = OWNERSHIP.into_iter().zip(has).filter(|(_, has)| !has);
                Self::PartlyTagged(missing.map(|(key, _)| key).collect())
            }
        }
    }

    /// Whether it is this environment's, or its project's, even if nobody can tell at which address.
    pub fn is_this_environment(&self) -> bool {
        match self {
            Self::Ours(_) => true,
            Self::PartlyTagged(missing) => *missing == ["baseplate:address"],
            Self::Another(_) | Self::Untagged => false,
        }
    }
}

/// Whether an object has all the tags that the wanted one has besides those of ownership, of which there must be
/// some: what tells two objects apart that may be alike in all else.
pub fn same_other_tags(desired: &Tags, live: &Tags) -> bool {
    let mut others = desired.iter().filter(|(key, _)| !OWNERSHIP.contains(&key.as_str())).peekable();
    others.peek().is_some() && others.all(|(key, value)| live.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn owner(kind: &str, shared: bool, pairs: &[(&str, &str)]) -> Owner {
        let text = include_str!("../../fixtures/small.toml");
        let spec = crate::spec::parse("small.toml", text, &crate::kinds::catalog()).expect("a shipped spec");
        Owner::of(&spec.env, kind, shared, |key| {
            let short = key.strip_prefix("baseplate:")?;
            pairs.iter().find(|(key, _)| *key == short).map(|(_, value)| *value)
        })
    }

    const OURS: [(&str, &str); 3] = [("project", "town"), ("environment", "test"), ("address", "vpc.main")];

    #[test]
    fn only_all_three_tags_make_an_object_ours() {
        let main = Address::new("vpc", "main");
        assert_eq!(owner("vpc", false, &OURS), Owner::Ours(main));
        for (without, tag) in OWNERSHIP.iter().enumerate() {
            let mut rest = OURS.to_vec();
            let (missing, _) = rest.remove(without);
            let expected = Owner::PartlyTagged(vec![*tag]);
            assert_eq!(owner("vpc", false, &rest), expected, "{missing}");
            // Another environment's object that has lost its environment must not seem to be everybody's.
            assert_eq!(owner("vpc", false, &rest).is_this_environment(), missing == "address");
        }
        assert_eq!(owner("vpc", false, &[]), Owner::Untagged);
    }

    #[test]
    fn an_address_that_cannot_be_the_objects_is_none() {
        for address in ["subnet.main", "vpc", ""] {
            let tags = [OURS[0], OURS[1], ("address", address)];
            assert_eq!(owner("vpc", false, &tags), Owner::PartlyTagged(vec!["baseplate:address"]), "{address}");
        }
    }

    #[test]
    fn what_others_have_is_theirs_by_name() {
        let other = |tags| owner("vpc", false, tags);
        assert_eq!(other(&[("project", "shop"), OURS[1], OURS[2]]), Owner::Another("shop test".to_owned()));
        assert_eq!(other(&[("environment", "prod")]), Owner::Another("another project prod".to_owned()));
        assert_eq!(other(&[OURS[0], ("environment", "prod")]), Owner::Another("town prod".to_owned()));
    }

    #[test]
    fn what_belongs_to_the_project_names_no_environment() {
        let tags = [OURS[0], ("address", "ecr_repository.web")];
        let web = Address::new("ecr_repository", "web");
        assert_eq!(owner("ecr_repository", true, &tags), Owner::Ours(web));
    }

    #[test]
    fn tags_besides_those_of_ownership_tell_apart() {
        let desired = tags(&[("baseplate:project", "town"), ("Name", "town-test")]);
        assert!(same_other_tags(&desired, &tags(&[("Name", "town-test"), ("by", "hand")])));
        assert!(!same_other_tags(&desired, &tags(&[("Name", "other")])));
        assert!(!same_other_tags(&tags(&[("baseplate:project", "town")]), &tags(&[])), "nothing is no likeness");
    }
}
