//! What the Parameter Store takes.
//!
//! A name stays far below its 1,011 characters, which count with the ARN: the address tag holds the key and is shorter.
//! What a variable holds is not known before it is put.

use super::Attrs;
use crate::kinds::rules::{Rule, edit};
use crate::value::{Part, Secret, SecretSource, Text};

const NAMES: &str =
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html";

const LEVELS: usize = 15;

/// A line of an example.
const MODE: &str =
    "\"shop/mode\" = { value = \"strict\", description = \"How orders are checked\", tier = \"advanced\" }";

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-SSM-01",
        takes: "the name of a parameter has ASCII letters, digits and _ . - with single slashes between its levels",
        source: "ssm:PutParameter.Name",
        check: |attrs, violations| {
            let name = &attrs.name;
            violations.characters("name", name, |c| c.is_ascii_alphanumeric() || "_.-/".contains(c));
            if name.split('/').skip(1).any(str::is_empty) {
                violations.report("name", name, format!("`{name}` has a slash too many"));
            }
        },
        inside: &[edit("", "\"Shop_2.a-b/c\" = \"x\"")],
        outside: &[
            edit("", "\"shop mode\" = \"x\""),
            edit("", "\"größe\" = \"x\""),
            edit("", "\"shop:mode\" = \"x\""),
            edit("", "\"/shop\" = \"x\""),
            edit("", "\"shop/\" = \"x\""),
            edit("", "\"shop//a\" = \"x\""),
            edit("", "\"\" = \"x\""),
        ],
    },
    Rule {
        code: "BP-SSM-02",
        takes: "the path of a parameter, which begins with the project, does not begin with `aws` or `ssm`, in any case",
        source: NAMES,
        check: |attrs, violations| {
            let project = attrs.name.split('/').nth(1).unwrap_or_default();
            let is_reserved = |prefix: &&str| project.to_lowercase().starts_with(*prefix);
            if let Some(prefix) = ["aws", "ssm"].iter().find(|prefix| is_reserved(prefix)) {
                let message =
                    format!("parameters under /{project}/ would begin with `{prefix}`, which is AWS's own");
                violations.report("project", project, message);
            }
        },
        inside: &[edit("project = \"town\"", "project = \"my-aws\"")],
        outside: &[
            edit("project = \"town\"", "project = \"aws-town\""),
            edit("project = \"town\"", "project = \"ssmtown\""),
        ],
    },
    Rule {
        code: "BP-SSM-03",
        takes: "the name of a parameter has 15 levels at most, project and environment among them",
        source: NAMES,
        check: |attrs, violations| {
            violations.count("name", "levels", attrs.name.split('/').skip(1).count(), LEVELS);
        },
        inside: &[edit("", "\"a/b/c/d/e/f/g/h/i/j/k/l/m\" = \"x\"")],
        outside: &[edit("", "\"a/b/c/d/e/f/g/h/i/j/k/l/m/n\" = \"x\"")],
    },
    Rule {
        code: "BP-SSM-04",
        takes: "the value of a parameter has 1 to 4096 bytes once filled in, or 8192 in the advanced tier and with \
                intelligent tiering",
        source: "ssm:PutParameter.Value",
        check: |attrs, violations| {
            let Some(text) = text(attrs) else { return };
            let known = text.plain();
            let most = attrs.tier.most();
            if known.len() > most {
                let message = format!("the value has {} bytes and more, its tier takes {most}", known.len());
                violations.report("value", known, message);
            } else if known.is_empty() && text.parts.iter().all(|part| matches!(part, Part::Literal(_))) {
                violations.report("value", known, "the value is empty");
            }
        },
        inside: &[
            edit("", "\"shop/a\" = \"<4096>\""),
            edit("", "\"shop/a\" = { value = \"<8192>\", tier = \"intelligent-tiering\" }"),
            edit(MODE, "\"shop/mode\" = { value = \"<8192>\", tier = \"advanced\" }"),
        ],
        outside: &[
            edit("", "\"shop/a\" = \"<4097>\""),
            edit("", "\"shop/a\" = \"<4095>ß\""),
            edit("", "\"shop/a\" = \"<4093>{project}\""),
            edit("", "\"shop/a\" = { value = \"<4097>\", secret = true }"),
            edit("", "\"shop/a\" = \"\""),
            edit("", "\"shop/a\" = { value = \"\", tier = \"advanced\" }"),
            edit(MODE, "\"shop/mode\" = { value = \"<8193>\", tier = \"advanced\" }"),
        ],
    },
    Rule {
        code: "BP-SSM-05",
        takes: "a value holds nothing in double braces, by which AWS would name another parameter",
        source: "ssm:PutParameter.Value",
        check: |attrs, violations| {
            let known = text(attrs).map(Text::plain).unwrap_or_default();
            if let Some((_, rest)) = known.split_once("{{")
                && rest.contains("}}")
            {
                violations.report("value", known, "the value, once filled in, has text between `{{` and `}}`");
            }
        },
        inside: &[edit("", "\"shop/a\" = \"{{shop}}\""), edit("", "\"shop/a\" = '{{\"a\": {{\"b\": 1}}}}'")],
        outside: &[edit("", "\"shop/a\" = \"Dear {{{{name}}}}\""), edit("", "\"shop/a\" = \"{{{{ssm:other}}}}\"")],
    },
    Rule {
        code: "BP-SSM-06",
        takes: "the description of a parameter has 1024 characters at most",
        source: "ssm:PutParameter.Description",
        check: |attrs, violations| violations.length("description", &attrs.description, 0..=1024),
        inside: &[edit("How orders are checked", "<1024>")],
        outside: &[edit("How orders are checked", "<1025>")],
    },
];

/// The value, where the spec has it.
fn text(attrs: &Attrs) -> Option<&Text> {
    match (&attrs.value, attrs.secret.as_ref().map(Secret::source)) {
        (Some(text), _) | (None, Some(SecretSource::Text(text))) => Some(text),
        _ => None,
    }
}
