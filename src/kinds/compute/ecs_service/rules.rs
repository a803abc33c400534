//! What ECS takes of a service.
//!
//! The percentages by themselves, the count and the grace period are within bounds by the spec's schema; a service has
//! one private name at most.

use super::Attrs;
use crate::kinds::compute::ecs_cluster::is_named_by;
use crate::kinds::network::security_group;
use crate::kinds::rules::{Rule, edit};

const SUBNETS: usize = 16;
/// Tags that a resource may have, and those that hold what ECS has no field for (`write::stored`).
const TAGS: usize = 50;
const STORED_TAGS: usize = 2;
const TARGET_GROUPS: usize = 5;

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-ECS-02",
        takes: "the name of a service has 1 to 255 letters, digits, hyphens and underscores",
        source: "ecs:CreateService.serviceName",
        check: |attrs, violations| {
            violations.length("name", &attrs.name, 1..=255);
            violations.characters("name", &attrs.name, is_named_by);
        },
        inside: &[
            edit("name = \"town-shop\"", "name = \"<255>\""),
            edit("name = \"town-shop\"", "name = \"Town_shop-1\""),
        ],
        outside: &[
            edit("name = \"town-shop\"", "name = \"<256>\""),
            edit("name = \"town-shop\"", "name = \"\""),
            edit("name = \"town-shop\"", "name = \"town shop\""),
            edit("name = \"town-shop\"", "name = \"town/shop\""),
        ],
    },
    Rule {
        code: "BP-ECS-03",
        takes: "the tasks of a service run in 1 to 16 subnets: those it names, else every private one",
        source: "ecs:CreateService.AwsVpcConfiguration.subnets",
        check: |attrs, violations| {
            let count = attrs.subnets.len();
            if count == 0 {
                violations.report("subnets", "", "no subnet to run in");
            }
            violations.count("subnets", "subnets", count, SUBNETS);
        },
        inside: &[edit("[services.door]", SIXTEEN_SUBNETS)],
        outside: &[
            edit("[services.door]", SEVENTEEN_SUBNETS),
            edit("subnets = [\"private-a\", \"private-b\"]", "subnets = []"),
        ],
    },
    Rule {
        code: "BP-ECS-04",
        takes: "the tasks of a service are in 5 security groups at most",
        source: "ecs:CreateService.AwsVpcConfiguration.securityGroups",
        check: |attrs, violations| security_group::check_count(&attrs.security_groups, violations),
        inside: &[edit("security-groups = [\"app\"]\npublic-ip", FIVE_GROUPS)],
        outside: &[edit("security-groups = [\"app\"]\npublic-ip", SIX_GROUPS)],
    },
    Rule {
        code: "BP-ECS-05",
        takes: "the percentages of a rollout are not both 100, which would let it neither start nor stop a task",
        source: "ecs:CreateService.DeploymentConfiguration",
        check: |attrs, violations| {
            if is_blocked(attrs) {
                let message = "with 100 per cent at least and at most no task can be replaced";
                violations.report("maximum_percent", attrs.maximum_percent.to_string(), message);
            }
        },
        inside: &[
            edit(PERCENTAGES, "minimum-healthy-percent = 50\nmaximum-percent = 100"),
            edit(PERCENTAGES, "minimum-healthy-percent = 100\nmaximum-percent = 200"),
        ],
        outside: &[edit(PERCENTAGES, "minimum-healthy-percent = 100\nmaximum-percent = 100")],
    },
    Rule {
        code: "BP-ECS-06",
        takes: "a rollout may run more tasks than it must: the count times the maximum, rounded down, is above the \
                count times the minimum, rounded up, unless the count is 0",
        source: "ecs:CreateService.DeploymentConfiguration.maximumPercent",
        check: |attrs, violations| {
            // A scalable target runs as many as it decides.
            let count = i64::from(attrs.desired_count.unwrap_or(0));
            let least = (count * i64::from(attrs.minimum_healthy_percent) + 99) / 100;
            let most = count * i64::from(attrs.maximum_percent) / 100;
            if count > 0 && most <= least && !is_blocked(attrs) {
                let message = format!(
                    "a rollout of {count} may run {most} at most and must run {least} at least: no task can be \
                     replaced"
                );
                violations.report("maximum_percent", attrs.maximum_percent.to_string(), message);
            }
        },
        inside: &[
            edit(PERCENTAGES, "minimum-healthy-percent = 100\nmaximum-percent = 150"),
            edit(PERCENTAGES, "minimum-healthy-percent = 51\nmaximum-percent = 150"),
            edit(PERCENTAGES, "minimum-healthy-percent = 0\nmaximum-percent = 100"),
            edit("count = 2\nautoscaled = false", "count = 0\nautoscaled = false"),
            edit("count = 2\nautoscaled = false", "count = 1\nautoscaled = true"),
        ],
        outside: &[
            edit(PERCENTAGES, "minimum-healthy-percent = 100\nmaximum-percent = 149"),
            edit(PERCENTAGES, "minimum-healthy-percent = 51\nmaximum-percent = 149"),
        ],
    },
    Rule {
        code: "BP-ECS-07",
        takes: "a service has 50 tags at most, with two of Baseplate's that hold what ECS has no field for",
        source: "ecs:CreateService.tags",
        check: |attrs, violations| {
            // More are too many for any object, which is said once.
            let count = attrs.tags.len();
            if count <= TAGS {
                violations.count("tags", "tags", count + STORED_TAGS, TAGS);
            }
        },
        inside: &[edit("[tags]", "[tags]\n<44 keys>")],
        outside: &[edit("[tags]", "[tags] # many\n<45 keys>")],
    },
    Rule {
        code: "BP-ECS-08",
        takes: "a service has 5 target groups at most, one for each load balancer that sends to it",
        source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html",
        check: |attrs, violations| {
            violations.count(
                "load_balancers",
                "load balancers that send to it",
                attrs.load_balancers.len(),
                TARGET_GROUPS,
            );
        },
        inside: &[edit(ROUTE, FIVE_BALANCERS)],
        outside: &[edit(ROUTE, SIX_BALANCERS)],
    },
];

fn is_blocked(attrs: &Attrs) -> bool {
    (attrs.minimum_healthy_percent, attrs.maximum_percent) == (100, 100)
}

const PERCENTAGES: &str = "minimum-healthy-percent = 50\nmaximum-percent = 150";

const FIVE_GROUPS: &str = "security-groups = [\"app\", \"sg-01\", \"sg-02\", \"sg-03\", \"sg-04\"]\npublic-ip";
const SIX_GROUPS: &str =
    "security-groups = [\"app\", \"sg-01\", \"sg-02\", \"sg-03\", \"sg-04\", \"sg-05\"]\npublic-ip";

const ROUTE: &str = "[services.shop.route]\npaths = [\"/shop*\"]\nhosts = [\"shop.example.org\"]\npriority = 10\n\
                     deregistration-delay = 20\n";

macro_rules! balancers {
    ($($key:literal)*) => {
        concat!($(
            "[load-balancers.", $key, "]\nsecurity-groups = [\"app\"]\n",
            "[[services.shop.route]]\nload-balancer = \"", $key, "\"\npaths = [\"/shop*\"]\npriority = 10\n",
        )*)
    };
}
const FIVE_BALANCERS: &str = balancers!("b1" "b2" "b3" "b4" "b5");
const SIX_BALANCERS: &str = balancers!("b1" "b2" "b3" "b4" "b5" "b6");

/// With the two private ones of the base.
macro_rules! private_subnets {
    ($($third:literal)*) => {
        concat!(
            "[network.subnets]\n",
            $("k", $third, " = { tier = \"private\", zone = \"eu-central-1a\", cidr = \"10.40.", $third, ".0/24\" }\n",)*
            "[services.door] # every private subnet",
        )
    };
}
const SIXTEEN_SUBNETS: &str = private_subnets!(160 161 162 163 164 165 166 167 168 169 170 171 172 173);
const SEVENTEEN_SUBNETS: &str = private_subnets!(160 161 162 163 164 165 166 167 168 169 170 171 172 173 174);
