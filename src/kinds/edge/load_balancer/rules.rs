//! AWS's rules on a load balancer.

use super::{Attrs, NAME_LENGTH};
use crate::kinds::network::security_group::{self, ID_SOURCE, TAKES_ID};
use crate::kinds::rules::{Rule, edit};

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-LB-01",
        takes: "the name of a load balancer has 1 to 32 letters, digits and hyphens, with no hyphen at either end",
        source: "elbv2:CreateLoadBalancer.Name",
        check: |attrs, violations| {
            violations.length("name", &attrs.name, 1..=NAME_LENGTH);
            violations.characters("name", &attrs.name, |c| c.is_ascii_alphanumeric() || c == '-');
            violations.matches("name", &attrs.name, "^([A-Za-z0-9]+(-+[A-Za-z0-9]+)*)?$");
        },
        inside: &[edit("name = \"town\"", "name = \"<32>\""), edit("name = \"town\"", "name = \"2-Towns\"")],
        outside: &[
            edit("name = \"town\"", "name = \"<33>\""),
            edit("name = \"town\"", "name = \"\""),
            edit("name = \"town\"", "name = \"town_1\""),
            edit("name = \"town\"", "name = \"town-\""),
            edit("name = \"town\"", "name = \"-town\""),
        ],
    },
    Rule {
        code: "BP-LB-02",
        takes: "the name of a load balancer does not begin with `internal-`, which AWS puts before those names itself; \
                set `name` where it is derived from the project",
        source: "elbv2:CreateLoadBalancer.Name",
        check: |attrs, violations| {
            if attrs.name.starts_with("internal-") {
                violations.report("name", &attrs.name, format!("`{}` begins with `internal-`", attrs.name));
            }
        },
        inside: &[edit("name = \"town\"", "name = \"internals\"")],
        outside: &[
            edit("name = \"town\"", "name = \"internal-town\""),
            edit(
                "extends = \"base.toml\"\n\n[load-balancer]\nname = \"town\"",
                "extends = \"base.toml\"\nproject = \"internal-town\"\n[load-balancer] # its name is derived",
            ),
        ],
    },
    Rule {
        code: "BP-LB-03",
        takes: "a load balancer has 5 security groups at most: put their rules together in fewer groups",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
        check: |attrs, violations| security_group::check_count(&attrs.security_groups, violations),
        inside: &[edit(
            "security-groups = [\"app\"]\ninternal",
            "security-groups = [\"app\", \"sg-00000001\", \"sg-00000002\", \"sg-00000003\", \"sg-00000004\"]\ninternal",
        )],
        outside: &[edit(
            "security-groups = [\"app\"]\ninternal",
            "security-groups = [\"app\", \"sg-00000001\", \"sg-00000002\", \"sg-00000003\", \"sg-00000004\", \
             \"sg-00000005\"]\ninternal",
        )],
    },
    Rule {
        code: "BP-LB-04",
        takes: TAKES_ID,
        source: ID_SOURCE,
        check: |attrs, violations| security_group::check_ids("security_groups", &attrs.security_groups, violations),
        inside: &[edit("security-groups = [\"app\"]", "security-groups = [\"sg-0123456789abcdef0\"]")],
        outside: &[edit("security-groups = [\"app\"]", "security-groups = [\"sg-app\"]")],
    },
];
