use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A finding of a check that is intended, and no longer shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accept {
    /// The code of the check, and after a space the address that it is accepted for, if not for all: `BP-NET-04
    /// ecs_service.worker`. `*` stands for any kind or name: `BP-NET-04 ecs_service.*`.
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
}

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
