use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A finding of a check that is intended, and no longer shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accept {
    /// The code of the check, and after a space the address that it is accepted for, if not for all: `BP-NET-04
    /// ecs_service.worker`. `*` stands for any kind or name: `BP-NET-04 ecs_service.*`. A path of the spec stands for all that
    /// derives from there: `BP-NET-04 services.worker`. With `drift` instead of a code, what was changed by hand stays as
    /// it is: `drift ecs_service.web desired_count` (or `drift services.web.count`) for one attribute or setting, `drift
    /// ecs_service.web` for all of them, and `drift subnet.subnet-0a1b` for an object by its id.
    pub what: String,
    /// Why it is intended.
    pub why: String,
    /// The last day on which it is accepted, as in `2027-03-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))]
    pub until: Option<String>,
}

impl Accept {
    /// The code, and the address where there is one.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self.what.trim().split_once(' ') {
            Some((code, address)) => (code, Some(address.trim())),
            None => (self.what.trim(), None),
        }
    }

    /// Whether it accepts what the check of this code finds of this object.
    pub fn covers(&self, code: &str, subject: &Subject<'_>) -> bool {
        let (own, pattern) = self.parts();
        own == code && pattern.is_none_or(|pattern| subject.is_called(pattern))
    }

    /// Whether it is about what somebody changed by hand.
    pub fn is_drift(&self) -> bool {
        self.parts().0 == DRIFT
    }

    /// Whether it accepts that this was changed by hand: an attribute or setting of the object, or the object itself, which
    /// is at no address of a spec but `kind.id`. An attribute is given by its name, and by its path in the spec.
    pub fn covers_drift(&self, subject: &Subject<'_>, field: Option<(&str, Option<&str>)>) -> bool {
        let (DRIFT, Some(pattern)) = self.parts() else { return false };
        let (pattern, only) = match pattern.split_once(' ') {
            Some((pattern, only)) => (pattern, Some(only.trim())),
            None => (pattern, None),
        };
        let is_whole = subject.is_called(pattern) && (only.is_none() || only == field.map(|(name, _)| name));
        let by_path = field.and_then(|(_, path)| path).filter(|_| only.is_none());
        is_whole || by_path.is_some_and(|path| is_within(path, pattern))
    }

    /// Whether it holds on this day (`2026-11-27`). Dates of this form sort as text.
    pub fn holds(&self, today: &str) -> bool {
        self.until.as_deref().is_none_or(|until| until >= today)
    }
}

/// An object that something was found of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `kind.name`, or `kind.id` of what no spec asks for.
    pub address: &'a str,
    /// The path of its entry in the spec, if it has one.
    pub path: Option<&'a str>,
}

impl Subject<'_> {
    /// Whether a pattern of addresses or a path of the spec means it.
    pub fn is_called(&self, pattern: &str) -> bool {
        matches(pattern, self.address) || self.path.is_some_and(|path| is_within(path, pattern))
    }
}

/// Whether a path of the spec is another, or leads to what is inside of that.
pub fn is_within(path: &str, around: &str) -> bool {
    path.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Stands in `what` where a check has its code.
const DRIFT: &str = "drift";

/// `kind.name`, either of which may be `*`; a name may have dots.
fn matches(pattern: &str, address: &str) -> bool {
    let (Some((kind, name)), Some((own_kind, own_name))) = (pattern.split_once('.'), address.split_once('.'))
    else {
        return false;
    };
    (kind == "*" || kind == own_kind) && (name == "*" || name == own_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: Subject<'static> = Subject { address: "ecs_service.web", path: Some("services.web") };
    const BY_HAND: Subject<'static> = Subject { address: "subnet.subnet-1", path: None };
    const COUNT: Option<(&str, Option<&str>)> = Some(("desired_count", Some("services.web.count")));
    const SUBNETS: Option<(&str, Option<&str>)> = Some(("subnets", Some("services.web.subnets")));

    fn entry(what: &str) -> Accept {
        Accept { what: what.to_owned(), why: String::new(), until: Some("2026-11-27".into()) }
    }

    #[test]
    fn an_entry_covers_what_was_changed_by_hand() {
        let covers = |what: &str, subject, field| entry(what).covers_drift(subject, field);
        assert!(covers("drift ecs_service.web desired_count", &WEB, COUNT));
        assert!(!covers("drift ecs_service.web desired_count", &WEB, SUBNETS));
        assert!(!covers("drift ecs_service.web desired_count", &WEB, None));
        assert!(covers("drift ecs_service.* ", &WEB, SUBNETS));
        assert!(covers("drift subnet.subnet-1", &BY_HAND, None));
        assert!(!covers("drift", &BY_HAND, None), "all of it at once is nobody's intention");
        assert!(!covers("BP-NET-01 subnet.subnet-1", &BY_HAND, None));
        let entry = entry("drift a.b");
        assert!(entry.holds("2026-11-27") && !entry.holds("2026-11-28"));
    }

    #[test]
    fn a_path_of_the_spec_says_the_same() {
        let covers = |what: &str, field| entry(what).covers_drift(&WEB, field);
        assert!(covers("drift services.web", COUNT) && covers("drift services.web", None));
        assert!(covers("drift services", COUNT));
        assert!(covers("drift services.web.count", COUNT));
        assert!(covers("drift services.web desired_count", COUNT));
        assert!(!covers("drift services.web.count", SUBNETS) && !covers("drift services.web.count", None));
        assert!(!covers("drift services.we", COUNT) && !covers("drift services.web.cou", COUNT));
        assert!(!entry("drift services.web").covers_drift(&BY_HAND, None));
        assert!(entry("BP-NET-01 services.web").covers("BP-NET-01", &WEB));
        assert!(!entry("BP-NET-01 services.webshop").covers("BP-NET-01", &WEB));
    }

    #[test]
    fn an_entry_covers_a_code_and_an_address() {
        let api = Subject { address: "ecs_service.api", path: Some("services.api") };
        assert!(entry("BP-NET-01").covers("BP-NET-01", &WEB));
        assert!(entry("BP-NET-01 ecs_service.web").covers("BP-NET-01", &WEB));
        assert!(entry("BP-NET-01 ecs_service.*").covers("BP-NET-01", &WEB));
        assert!(entry("BP-NET-01 *.web").covers("BP-NET-01", &WEB));
        assert!(!entry("BP-NET-01 ecs_service.web").covers("BP-NET-01", &api));
        assert!(!entry("BP-NET-02").covers("BP-NET-01", &WEB));
        assert!(!entry("BP-NET-01 web").covers("BP-NET-01", &WEB));
    }
}
