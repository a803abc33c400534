//! AWS's rules on a target group. What its health check's numbers may be is in the spec's schema.

use super::Attrs;
use crate::kinds::edge::load_balancer::NAME_LENGTH;
use crate::kinds::rules::{Rule, edit};

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-TG-01",
        takes: "the name of a target group has 1 to 32 letters, digits and single hyphens, with no hyphen at either \
                end; it is derived from the project, the environment and the service's key",
        source: "elbv2:CreateTargetGroup.Name",
        check: |attrs, violations| {
            violations.length("name", &attrs.name, 1..=NAME_LENGTH);
            violations.characters("name", &attrs.name, |c| c.is_ascii_alphanumeric() || c == '-');
            violations.matches("name", &attrs.name, "^([A-Za-z0-9]+(-[A-Za-z0-9]+)*)?$");
        },
        inside: &[edit(
            "extends = \"base.toml\"\n\n[network]",
            "extends = \"base.toml\"\nproject = \"the-town\"\nload-balancer = { security-groups = [\"app\"] }\n\
             services.web-that-has-a-long-key = { image = \"nginx:1\", cpu = 256, memory = 512, port = 80, \
             security-groups = [\"app\"], route = { default = true } }\n[network]",
        )],
        outside: &[edit(
            "extends = \"base.toml\"\n\n[network]",
            "extends = \"base.toml\"\nproject = \"the--town\"\nload-balancer = { security-groups = [\"app\"] }\n\
             services.web = { image = \"nginx:1\", cpu = 256, memory = 512, port = 80, \
             security-groups = [\"app\"], route = { default = true } }\n[network]",
        )],
    },
    Rule {
        code: "BP-TG-02",
        takes: "the path of a health check has 1 to 1024 printable ASCII characters without spaces, `/` first",
        source: "elbv2:CreateTargetGroup.HealthCheckPath",
        check: |attrs, violations| {
            let path = &attrs.health_check.path;
            violations.length("health_check.path", path, 1..=1024);
            violations.characters("health_check.path", path, |c| c.is_ascii_graphic());
        },
        inside: &[
            edit("path = \"/ready\"", "path = \"/<1023>\""),
            edit("path = \"/ready\"", "path = \"/ready?a={{b}}&c=%20#\""),
        ],
        outside: &[
            edit("path = \"/ready\"", "path = \"/<1024>\""),
            edit("path = \"/ready\"", "path = \"/is ready\""),
            edit("path = \"/ready\"", "path = \"/fähig\""),
        ],
    },
    Rule {
        code: "BP-TG-03",
        takes: "the codes that mean healthy are 200 to 499, as in `200`, `200,302` or `200-299`; a range goes from the \
                lower to the higher",
        source: "elbv2:CreateTargetGroup.Matcher.HttpCode",
        check: |attrs, violations| {
            let status = &attrs.health_check.status;
            violations.must("health_check.status", status, status.split(',').all(is_code_or_range));
        },
        inside: &[
            edit("status = \"200-299\"", "status = \"499\""),
            edit("status = \"200-299\"", "status = \"200-499\""),
            edit("status = \"200-299\"", "status = \"200,202,300-399\""),
        ],
        outside: &[
            edit("status = \"200-299\"", "status = \"199\""),
            edit("status = \"200-299\"", "status = \"200-500\""),
            edit("status = \"200-299\"", "status = \"299-200\""),
            edit("status = \"200-299\"", "status = \"2xx\""),
            edit("status = \"200-299\"", "status = \"200, 302\""),
            edit("status = \"200-299\"", "status = \"\""),
        ],
    },
];

fn is_code_or_range(text: &str) -> bool {
    let code = |text: &str| {
        let is_number = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|code| is_number && (200..=499).contains(code))
    };
    match text.split_once('-') {
        Some((first, last)) => code(first).zip(code(last)).is_some_and(|(first, last)| first < last),
        None => code(text).is_some(),
    }
}
