//! AWS's rules on a certificate.

use super::Attrs;
use crate::kinds::rules::{Rule, edit};

/// Domains that are Amazon's own.
const AMAZON: [&str; 3] = ["amazonaws.com", "cloudfront.net", "elasticbeanstalk.com"];

/// Names that a certificate may have unless AWS has raised the account's quota.
const NAMES: usize = 10;

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-CERT-01",
        takes: "the domain of a certificate has 64 characters at most; make a shorter one the `domain` and this one an \
                alias",
        source: "acm:RequestCertificate.DomainName",
        check: |attrs, violations| violations.length("domain", &attrs.domain, 1..=64),
        inside: &[edit("domain = \"town.example\"", "domain = \"<51>.town.example\"")],
        outside: &[edit("domain = \"town.example\"", "domain = \"<52>.town.example\"")],
    },
    Rule {
        code: "BP-CERT-02",
        takes: "a certificate has 10 names at most, the domain among them; a wildcard (*.example.org) stands for many",
        source: "https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html",
        check: |attrs, violations| {
            let count = attrs.alternative_names.len() + 1;
            violations.count("alternative_names", "names of one certificate", count, NAMES);
        },
        inside: &[edit(
            "aliases = [\"www.town.example\"]",
            "aliases = [\"a.town.example\", \"b.town.example\", \"c.town.example\", \"d.town.example\", \
             \"e.town.example\", \"f.town.example\", \"g.town.example\", \"h.town.example\", \"i.town.example\"]",
        )],
        outside: &[edit(
            "aliases = [\"www.town.example\"]",
            "aliases = [\"a.town.example\", \"b.town.example\", \"c.town.example\", \"d.town.example\", \
             \"e.town.example\", \"f.town.example\", \"g.town.example\", \"h.town.example\", \"i.town.example\", \
             \"j.town.example\"]",
        )],
    },
    Rule {
        code: "BP-CERT-03",
        takes: "what follows the last dot of a certificate's name has 2 characters or more",
        source: "acm:RequestCertificate.DomainName",
        check: |attrs, violations| {
            // What has no dot is no domain at all, which the spec's own check says.
            for (field, name) in names(attrs).filter(|(_, name)| name.contains('.')) {
                violations.matches(field, name, r"\.[A-Za-z0-9-]{2,}$");
            }
        },
        inside: &[edit(
            "domain = \"town.example\"\nzone = \"town.example\"",
            "domain = \"town.ex\"\nzone = \"town.ex\"",
        )],
        outside: &[edit(
            "domain = \"town.example\"\nzone = \"town.example\"",
            "domain = \"town.e\"\nzone = \"town.e\"",
        )],
    },
    Rule {
        code: "BP-CERT-04",
        takes: "names under amazonaws.com, cloudfront.net and elasticbeanstalk.com are Amazon's own: certificates are \
                issued for one's own domains",
        source: "https://docs.aws.amazon.com/acm/latest/userguide/acm-certificate-characteristics.html",
        check: |attrs, violations| {
            for (field, name) in names(attrs) {
                let is_under = |domain: &&&str| name.strip_suffix(**domain).is_some_and(|rest| rest.ends_with('.'));
                if let Some(domain) = AMAZON.iter().find(is_under) {
                    violations.report(field, name, format!("`{name}` lies under {domain}"));
                }
            }
        },
        inside: &[edit(
            "domain = \"town.example\"\nzone = \"town.example\"",
            "domain = \"my-cloudfront.net\"\nzone = \"my-cloudfront.net\"",
        )],
        outside: &[edit(
            "domain = \"town.example\"\nzone = \"town.example\"",
            "domain = \"town.cloudfront.net\"\nzone = \"cloudfront.net\"",
        )],
    },
];

fn names(attrs: &Attrs) -> impl Iterator<Item = (&'static str, &str)> {
    let others = attrs.alternative_names.iter().map(|name| ("alternative_names", name.as_str()));
    [("domain", attrs.domain.as_str())].into_iter().chain(others)
}
