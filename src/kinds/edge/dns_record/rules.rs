//! Route 53's rules on a record.

use super::{Attrs, certificate, ownership};
use crate::kinds::rules::{Rule, edit};
use crate::value::Part;

/// Characters of a name in Route 53, dots among them.
const LONGEST: usize = 255;

/// Characters that ACM puts before a domain in the name of its validation record: `_`, 32 digits and a dot.
const VALIDATION: usize = 34;

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-DNS-01",
        takes: "a name in Route 53 has 255 characters at most, and `_baseplate.<name>` beside each record says whose it \
                is: 244 are left for a domain (236 for a wildcard), and 210 if a certificate is requested for it",
        source: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html",
        check: |attrs, violations| {
            let (name, more) = match attrs.name.parts.as_slice() {
                [Part::Output { output, .. }] => match certificate::validated_by(output) {
                    Some(domain) => (domain.to_owned(), VALIDATION),
                    None => return,
                },
                _ => (attrs.name.plain(), 0),
            };
            // A wildcard is validated by the record of the domain under it.
            let recorded = if more > 0 { name.trim_start_matches("*.") } else { &name };
            let length = ownership::name_for(recorded).chars().count() + more;
            if length > LONGEST {
                let message =
                    format!("the record that says whose `{name}` is would have a name of {length} characters");
                violations.report("name", &name, message);
            }
        },
        inside: &[
            edit(
                "certificate = { request = true }\n\n[dns]\ndomain = \"town.example\"\naliases = [\"www.town.example\"]",
                "\n[dns]\ndomain = \"<63>.<63>.<63>.<39>.town.example\"\naliases = [\"*.<63>.<63>.<63>.<29>.town.example\"]",
            ),
            edit("\"www.town.example\"", "\"<63>.<63>.<63>.<5>.town.example\""),
        ],
        outside: &[
            edit(
                "certificate = { request = true }\n\n[dns]\ndomain = \"town.example\"\naliases = [\"www.town.example\"]",
                "\n[dns]\ndomain = \"<63>.<63>.<63>.<40>.town.example\"",
            ),
            edit(
                "certificate = { request = true }\n\n[dns]\ndomain = \"town.example\"\naliases = [\"www.town.example\"]",
                "\n[dns]\ndomain = \"*.<63>.<63>.<63>.<30>.town.example\"",
            ),
            edit("\"www.town.example\"", "\"<63>.<63>.<63>.<6>.town.example\""),
        ],
    },
    Rule {
        code: "BP-DNS-02",
        takes: "the id of a hosted zone has 32 characters at most",
        source: "route53:ChangeResourceRecordSets.HostedZoneId",
        check: |attrs, violations| {
            let is_id = attrs.zone.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            if is_id {
                violations.length("zone-id", &attrs.zone, 1..=32);
            }
        },
        inside: &[edit("zone = \"town.example\"", "zone-id = \"Z012345678901234567890123456789A\"")],
        outside: &[edit("zone = \"town.example\"", "zone-id = \"Z012345678901234567890123456789AB\"")],
    },
];
