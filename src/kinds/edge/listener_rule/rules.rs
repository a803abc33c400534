//! AWS's rules on a listener's rule.

use ipnet::IpNet;

use super::Attrs;
use crate::kinds::rules::{Rule, edit};
use crate::value::{Part, Text};

/// Characters of a path or a host.
const LONGEST: usize = 128;

const WILDCARDS: usize = 5;

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-RULE-01",
        takes: "a path has up to 128 of A-Z, a-z, 0-9 and _-.$/~\"'@:+&, with * for any characters and ? for one; it is \
                no regular expression",
        source: "elbv2:CreateRule.Conditions.Values",
        check: |attrs, violations| {
            for path in &attrs.paths {
                violations.length("paths", path, 1..=LONGEST);
                let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c);
                violations.characters("paths", path, allowed);
            }
        },
        inside: &[
            edit("paths = [\"/shop*\"]", "paths = [\"/<127>\"]"),
            edit("paths = [\"/shop*\"]", "paths = ['/Shop_-.$/~\"@:+&*?', \"/'\"]"),
        ],
        outside: &[
            edit("paths = [\"/shop*\"]", "paths = [\"/über/*\"]"),
            edit("paths = [\"/shop*\"]", "paths = [\"/shop*\", \"/the shop\"]"),
            edit("paths = [\"/shop*\"]", "paths = [\"/shop/{{id}}\"]"),
            edit("paths = [\"/shop*\"]", "paths = [\"/shop#top\"]"),
            edit("paths = [\"/shop*\"]", "paths = ['/shop\\d+']"),
            edit("paths = [\"/shop*\"]", "paths = [\"/shop%20\"]"),
        ],
    },
    Rule {
        code: "BP-RULE-02",
        takes: "a host has up to 128 letters, digits, hyphens and dots, with * for any characters and ? for one; it has \
                a dot, and letters only after the last one: no scheme, no port and no path",
        source: "elbv2:CreateRule.Conditions.HostHeaderConfig.Values",
        check: |attrs, violations| {
            for host in &attrs.hosts {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-.*?".contains(c);
                violations.known_characters("hosts", host, allowed);
                if let Some(host) = known(host) {
                    violations.length("hosts", &host, 1..=LONGEST);
                    // Top-level domains of other scripts are spelled `xn--…`.
                    violations.matches("hosts", &host, r"\.([A-Za-z]+|[Xx][Nn]--[A-Za-z0-9-]+)$");
                }
            }
        },
        inside: &[
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"<124>.org\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"*.Shop-?.example.org\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"shop.xn--p1ai\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"{load-balancer.dns}\"]"),
        ],
        outside: &[
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"<125>.org\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"localhost\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"shop.example.org:8443\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"https://shop.example.org\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"the_shop.example.org\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"straße.example.org\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"10.40.0.1\"]"),
            edit("hosts = [\"shop.example.org\"]", "hosts = [\"shop.example.*\"]"),
        ],
    },
    Rule {
        code: "BP-RULE-03",
        takes: "the paths and hosts of a rule have 5 wildcards together, * and ?",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html",
        check: |attrs, violations| {
            let wildcards = |text: &str| text.matches(['*', '?']).count();
            let of_paths: usize = attrs.paths.iter().map(|path| wildcards(path)).sum();
            let of_hosts: usize = attrs.hosts.iter().map(|host| wildcards(&host.plain())).sum();
            let field = if of_paths > 0 { "paths" } else { "hosts" };
            violations.count(field, "wildcards in the paths and hosts of a rule", of_paths + of_hosts, WILDCARDS);
        },
        inside: &[edit("paths = [\"/shop*\"]", "paths = [\"/*/?/*/?/*\"]")],
        outside: &[
            edit("paths = [\"/shop*\"]", "paths = [\"/*/*\", \"/shop????\"]"),
            edit("paths = [\"/shop*\"]\nhosts = [\"shop.example.org\"]", "hosts = [\"*.*.*.*.*.?.org\"]"),
        ],
    },
    Rule {
        code: "BP-RULE-04",
        takes: "a source is a network, as in 203.0.113.0/24 or 2001:db8::/32, spelled as AWS spells it: without bits \
                beyond its prefix",
        source: "elbv2:CreateRule.Conditions.SourceIpConfig.Values",
        check: |attrs, violations| {
            for network in &attrs.source_ips {
                let holds = network.parse::<IpNet>().is_ok_and(|read| read.trunc().to_string() == *network);
                violations.must("source_ips", network, holds);
            }
        },
        inside: &[
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"203.0.113.7/32\", \"2001:db8::/32\"]"),
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"0.0.0.0/0\"]"),
        ],
        outside: &[
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"203.0.113.7\"]"),
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"203.0.113.7/24\"]"),
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"203.0.113.0/33\"]"),
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"2001:DB8::/32\"]"),
            edit("hosts = [\"shop.example.org\"]", "source-ips = [\"the office\"]"),
        ],
    },
];

/// The whole of a text that refers to nothing.
fn known(text: &Text) -> Option<String> {
    text.parts.iter().all(|part| matches!(part, Part::Literal(_))).then(|| text.plain())
}
