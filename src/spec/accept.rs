use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A finding of a check that is intended, and no longer shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accept {
    /// The code of the check, and after a space the address that it is accepted for, if not for all: `BP-NET-04
    /// ecs_service.worker`. `*` stands for any kind or name: `BP-NET-04 ecs_service.*`. With `drift` instead of a code, what
    /// was changed by hand stays as it is: `drift ecs_service.web desired_count` for one attribute or setting, `drift
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

    /// Whether it accepts what the check of this code finds of the object at this address.
    pub fn covers(&self, code: &str, address: &str) -> bool {
        let (own, pattern) = self.parts();
        own == code && pattern.is_none_or(|pattern| matches(pattern, address))
    }

    /// Whether it is about what somebody changed by hand.
    pub fn is_drift(&self) -> bool {
        self.parts().0 == DRIFT
    }

    /// Whether it accepts that this was changed by hand: an attribute or setting of the object at the address, or the
    /// object itself, which is at no address of a spec but `kind.id`.
    pub fn covers_drift(&self, address: &str, field: Option<&str>) -> bool {
        let (DRIFT, Some(pattern)) = self.parts() else { return false };
        let (pattern, only) = match pattern.split_once(' ') {
            Some((pattern, only)) => (pattern, Some(only.trim())),
            None => (pattern, None),
        };
        matches(pattern, address) && (only.is_none() || only == field)
    }

    /// Whether it holds on this day (`2026-11-27`). Dates of this form sort as text.
    pub fn holds(&self, today: &str) -> bool {
        self.until.as_deref().is_none_or(|until| until >= today)
    }
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

    #[test]
    fn an_entry_covers_what_was_changed_by_hand() {
        let entry =
            |what: &str| Accept { what: what.to_owned(), why: String::new(), until: Some("2026-11-27".into()) };
        let covers = |what: &str, address: &str, field: Option<&str>| entry(what).covers_drift(address, field);
        assert!(covers("drift ecs_service.web desired_count", "ecs_service.web", Some("desired_count")));
        assert!(!covers("drift ecs_service.web desired_count", "ecs_service.web", Some("subnets")));
        assert!(!covers("drift ecs_service.web desired_count", "ecs_service.web", None));
        assert!(covers("drift ecs_service.* ", "ecs_service.web", Some("subnets")));
        assert!(covers("drift subnet.subnet-1", "subnet.subnet-1", None));
        assert!(!covers("drift", "subnet.subnet-1", None), "all of it at once is nobody's intention");
        assert!(!covers("BP-NET-01 subnet.subnet-1", "subnet.subnet-1", None));
        let entry = entry("drift a.b");
        assert!(entry.holds("2026-11-27") && !entry.holds("2026-11-28"));
    }

    #[test]
    fn an_entry_covers_a_code_and_an_address() {
        let covers = |what: &str, code: &str, address: &str| {
            Accept { what: what.to_owned(), why: String::new(), until: None }.covers(code, address)
        };
        assert!(covers("BP-NET-01", "BP-NET-01", "ecs_service.web"));
        assert!(covers("BP-NET-01 ecs_service.web", "BP-NET-01", "ecs_service.web"));
        assert!(covers("BP-NET-01 ecs_service.*", "BP-NET-01", "ecs_service.web"));
        assert!(covers("BP-NET-01 *.web", "BP-NET-01", "ecs_service.web"));
        assert!(!covers("BP-NET-01 ecs_service.web", "BP-NET-01", "ecs_service.api"));
        assert!(!covers("BP-NET-02", "BP-NET-01", "ecs_service.web"));
        assert!(!covers("BP-NET-01 web", "BP-NET-01", "ecs_service.web"));
    }
}
