//! `[dns]`: the environment's domain, its other names, and the zone that they lie in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::example::{Example, change};
use crate::spec::{Check, Environment, Section, TextPart, Unknown};
use crate::value::Part;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[load-balancer]
security-groups = ["app"]
certificate = { request = true }

[dns]
domain = "town.example"
aliases = ["www.town.example"]
zone = "town.example"
"#,
    changes: &[change(
        "\"www.town.example\"",
        "\"shop.town.example\"",
        &[
            "create dns_record.shop.town.example",
            "create dns_record.validation-shop.town.example",
            "delete dns_record.validation-www.town.example",
            "delete dns_record.www.town.example",
            "replace certificate.main: alternative_names[]",
            "replace certificate_validation.main: certificate, names[]",
            "update listener.https: certificate[]",
        ],
    )],
}];

impl Section for Dns {
    const KEY: &'static str = "dns";
    const TEXTS: &'static [TextPart] = &[("dns.domain", "the domain of the environment")];
    // One zone may hold the domains of both; where it is also the domain of one, it is still the same zone.
    const COMMON_FIELDS: &'static [&'static str] = &["zone"];

    type Value = Option<Self>;

    fn validate(check: &mut Check<'_>) {
        validate(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        match (path, env.section::<Self>()) {
            ("domain", Some(dns)) => Ok(Part::Literal(dns.domain.clone())),
            ("domain", None) => Err(Unknown::new("this environment has no [dns]", "add [dns] with a domain")),
            _ => Err(Unknown::field(Self::KEY, path, "domain")),
        }
    }

    fn own_names(dns: &Option<Self>) -> Vec<(String, &'static str)> {
        dns.iter().map(|dns| (dns.domain.clone(), "<domain>")).collect()
    }
}

/// The domain names that lead to the load balancer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dns {
    pub domain: String,
    /// Further names, as in `admin.example.org`; they must lie in the same zone.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The key of the load balancer that they lead to, where there are several: `main`, or the only one, unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// The Route 53 hosted zone by name. With neither `zone` nor `zone-id` nothing is written to any DNS, and
    /// `apply` says what to set elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The hosted zone by id, if two zones share a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^Z[A-Z0-9]+$"))]
    pub zone_id: Option<String>,
}

fn validate(check: &mut Check<'_>) {
    let Some(dns) = check.env.section::<Dns>() else { return };
    if dns.zone.is_some() && dns.zone_id.is_some() {
        check.report(&["dns", "zone-id"], "the zone is given twice", "keep `zone` or `zone-id`");
    }
    let names = std::iter::once((vec!["dns".to_owned(), "domain".to_owned()], &dns.domain)).chain(
        dns.aliases
            .iter()
            .enumerate()
            .map(|(index, name)| (vec!["dns".to_owned(), "aliases".to_owned(), index.to_string()], name)),
    );
    for (path, name) in names {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        check_name(check, &path, Some(dns), name);
    }
}

/// A name that leads to a load balancer must be one, and in the zone.
pub fn check_name(check: &mut Check<'_>, path: &[&str], dns: Option<&Dns>, name: &str) {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let bare = name.strip_prefix("*.").unwrap_or(name);
    if name.len() > 253 || !bare.contains('.') || !bare.split('.').all(label) {
        let help = "lowercase letters, digits and hyphens, as in app.example.org";
        check.report(path, format!("`{name}` is not a domain name"), help);
    } else if let Some(zone) = dns.and_then(|dns| dns.zone.as_ref())
        && bare != zone
        && !bare.ends_with(&format!(".{zone}"))
    {
        check.report(path, format!("`{name}` is not in zone {zone}"), "choose a name within the zone");
    }
}
