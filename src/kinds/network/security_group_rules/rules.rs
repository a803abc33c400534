//! AWS's rules on the rules of a group.

use std::collections::BTreeSet;

use super::{Attrs, MOST_RULES, Peer, Rule};
use crate::kinds::network::security_group::{ID_SOURCE, TAKES_ID, check_ids, is_plain};
use crate::kinds::rules::{Rule as AwsRule, Violations, edit};
use crate::kinds::terraform::name_of;

pub(super) const RULES: &[AwsRule<Attrs>] = &[
    AwsRule {
        code: "BP-SGR-01",
        takes: "the description of a rule has up to 255 of a-z, A-Z, 0-9, space and ._-:/()#,@[]+=&;{}!$*",
        source: "ec2:AuthorizeSecurityGroupIngress.IpPermissions.IpRanges.Description",
        check: |attrs, violations| {
            for (field, rule) in both_ways(attrs) {
                violations.length(field, &rule.description, 0..=255);
                violations.characters(field, &rule.description, is_plain);
            }
        },
        inside: &[
            edit("description = \"Requests\"", "description = \"<255>\""),
            edit("description = \"Requests\"", "description = \"Requests ._-:/()#,@[]+=&;{{}}!$*\""),
            edit("description = \"Requests\"", "description = \"\""),
        ],
        outside: &[
            edit("description = \"Requests\"", "description = \"<256>\""),
            edit("description = \"Requests\"", "description = \"the door's requests\""),
            edit("description = \"Requests\"", "description = \"door -> shop\""),
            edit(
                "{ ports = \"443\", from = \"0.0.0.0/0\", description = \"HTTPS\" }",
                "{ ports = \"443\", from = \"0.0.0.0/0\", description = \"für alle\" }",
            ),
        ],
    },
    AwsRule {
        code: "BP-SGR-02",
        takes: "two rules of a group differ in more than their description: to AWS `8080` is `8080-8080`, `self` is \
                the group's own key and 2001:0DB8::/32 is 2001:db8::/32; remove one of them",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        check: |attrs, violations| {
            same("ingress", &attrs.ingress, violations);
            same("egress", &attrs.egress, violations);
        },
        inside: &[edit(
            "egress = [{ protocol = \"udp\", ports = \"53\", to = \"10.40.0.2/32\" }]",
            "egress = [\n\
             { protocol = \"udp\", ports = \"53\", to = \"10.40.0.2/32\" },\n\
             { ports = \"53\", to = \"10.40.0.2/32\" },\n\
             { protocol = \"udp\", ports = \"53-54\", to = \"10.40.0.2/32\" },\n\
             { protocol = \"udp\", ports = \"53\", to = \"10.40.0.2/31\" },\n\
             ]",
        )],
        outside: &[
            edit(
                "ingress = [{ ports = \"8000-8010\", from = \"door\" }, { protocol = \"all\", from = \"self\" }]",
                "ingress = [{ ports = \"80\", from = \"door\" }, { ports = \"80-80\", from = \"door\", description = \"x\" }]",
            ),
            edit(
                "ingress = [{ ports = \"8000-8010\", from = \"door\" }, { protocol = \"all\", from = \"self\" }]",
                "ingress = [{ protocol = \"all\", from = \"shop\", description = \"x\" }, { protocol = \"all\", from = \"self\" }]",
            ),
            edit(
                "{ ports = \"443\", from = \"::/0\", description = \"HTTPS\" },",
                "{ ports = \"9\", from = \"2001:0DB8::/32\", description = \"one\" }, # wide\n\
                 { ports = \"9\", from = \"2001:db8::/32\", description = \"other\" },",
            ),
            edit(
                "egress = [{ protocol = \"tcp\", ports = \"8000-8010\", to = \"shop\", description = \"Requests\" }]",
                "egress = [{ ports = \"80\", to = \"shop\" }, { protocol = \"tcp\", ports = \"80\", to = \"shop\", description = \"x\" }]",
            ),
        ],
    },
    AwsRule {
        code: "BP-SGR-03",
        takes: "a group has 60 rules for IPv4 and 60 for IPv6 in each direction, where one that names a group counts \
                as both: split the group",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
        check: |attrs, violations| {
            many("ingress", &attrs.ingress, violations);
            many("egress", &attrs.egress, violations);
        },
        inside: &[
            edit("{ ports = \"8000-8010\", from = \"door\" }, {", "<59 rules>, {"),
            edit("{ protocol = \"all\", from = \"self\" }]", "<59 rules>, { ports = \"9\", from = \"::/0\" }]"),
        ],
        outside: &[edit("{ ports = \"8000-8010\", from = \"door\" }, {", "<60 rules>, {")],
    },
    AwsRule {
        code: "BP-SGR-04",
        takes: TAKES_ID,
        source: ID_SOURCE,
        check: |attrs, violations| {
            for (field, rule) in both_ways(attrs) {
                if let Peer::Group(group) = &rule.peer {
                    check_ids(field, [group], violations);
                }
            }
        },
        inside: &[
            edit("from = \"door\"", "from = \"sg-0123456789abcdef0\""),
            edit("from = \"door\"", "from = \"sg-01234567\""),
        ],
        outside: &[
            edit("from = \"door\"", "from = \"sg-door\""),
            edit("from = \"door\"", "from = \"sg-0123456789\""),
        ],
    },
];

fn both_ways(attrs: &Attrs) -> impl Iterator<Item = (&'static str, &Rule)> {
    let egress = attrs.egress.iter().map(|rule| ("egress", rule));
    attrs.ingress.iter().map(|rule| ("ingress", rule)).chain(egress)
}

/// Reports rules that AWS holds to be one, each by its description: one of two has some, for a set has nothing twice.
fn same(field: &'static str, rules: &BTreeSet<Rule>, violations: &mut Violations<'_>) {
    for (index, rule) in rules.iter().enumerate() {
        if let Some(other) = rules.iter().take(index).find(|other| other.allows_the_same(rule)) {
            let named = |rule: &Rule| match rule.description.as_str() {
                "" => "without a description".to_owned(),
                description => format!("as `{description}`"),
            };
            let message = format!("{} is listed twice, {} and {}", words(rule), named(other), named(rule));
            violations.report(field, &rule.description, message);
        }
    }
}

/// Protocol, ports and peer: `tcp 8000-8010 of shop`.
fn words(rule: &Rule) -> String {
    let ports = match (rule.from_port, rule.to_port) {
        (-1, _) => String::new(),
        (first, last) if first == last => format!(" {first}"),
        (first, last) => format!(" {first}-{last}"),
    };
    let protocol = if rule.protocol == "-1" { "all" } else { &rule.protocol };
    let peer = match &rule.peer {
        Peer::Cidr(range) => range.clone(),
        Peer::Group(group) => name_of(group),
        Peer::PrefixList(id) => id.clone(),
    };
    format!("{protocol}{ports} of {peer}")
}

fn many(field: &'static str, rules: &BTreeSet<Rule>, violations: &mut Violations<'_>) {
    let count = |is_counted: fn(&Peer) -> bool| rules.iter().filter(|rule| is_counted(&rule.peer)).count();
    let of_v4 = count(|peer| !matches!(peer, Peer::Cidr(range) if range.contains(':')));
    let of_v6 = count(|peer| !matches!(peer, Peer::Cidr(range) if !range.contains(':')));
    violations.count(field, "rules for IPv4 in one direction", of_v4, MOST_RULES);
    violations.count(field, "rules for IPv6 in one direction", of_v6, MOST_RULES);
}
