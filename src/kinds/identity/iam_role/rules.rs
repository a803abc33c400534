//! What IAM takes of a role.
//!
//! Name, path and description are made so as to fit; the trust policy is always the same and far below its 2,048
//! characters.

use serde_json::Value;

use super::Attrs;
use crate::kinds::rules::{Rule, edit};

const QUOTAS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";

/// Characters of a role's inline policies together; white space does not count.
const INLINE: usize = 10_240;
/// Policies attached to a role, unless the account has a higher quota.
const ATTACHED: usize = 10;

/// The permissions of an example.
const PERMISSION: &str = "actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::town-shop/*\"]";
const POLICY: &str = "[\"arn:aws:iam::aws:policy/AmazonSQSFullAccess\"]";

/// So many policies of a customer, and one of AWS.
macro_rules! policies {
    ($($name:literal)*) => {
        concat!(
            "[",
            $("\"arn:aws:iam::123456789012:policy/", $name, "\", ",)*
            "\"arn:aws:iam::aws:policy/AmazonSQSFullAccess\"]",
        )
    };
}

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-IAM-01",
        takes: "an action is `service:Action`, which may have * and ? in its second part, or `*`; a permission has one \
                or more",
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html",
        check: |attrs, violations| {
            for (at, statement) in statements(attrs) {
                let actions = strings(statement, "Action");
                if actions.is_empty() {
                    violations.report(at.as_str(), "", "no action is allowed");
                }
                for action in actions.iter().filter(|action| !is_action(action)) {
                    violations.must(at.as_str(), action, false);
                }
            }
        },
        inside: &[
            edit(PERMISSION, "actions = [\"*\"], resources = [\"*\"]"),
            edit(PERMISSION, "actions = [\"s3:Get*\", \"execute-api:Invok?\"], resources = [\"*\"]"),
        ],
        outside: &[
            edit(PERMISSION, "actions = [], resources = [\"*\"]"),
            edit(PERMISSION, "actions = [\"GetObject\"], resources = [\"*\"]"),
            edit(PERMISSION, "actions = [\"s3:\"], resources = [\"*\"]"),
            edit(PERMISSION, "actions = [\"s*:GetObject\"], resources = [\"*\"]"),
            edit(PERMISSION, "actions = [\"s3:Get Object\"], resources = [\"*\"]"),
            edit(PERMISSION, "actions = [\"s3:GetObject\", \"\"], resources = [\"*\"]"),
        ],
    },
    Rule {
        code: "BP-IAM-02",
        takes: "a resource is an ARN, `arn:partition:service:region:account:resource`, which may have * and ?, or `*`; \
                a permission has one or more",
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
        check: |attrs, violations| {
            for (at, statement) in statements(attrs) {
                let resources = strings(statement, "Resource");
                if resources.is_empty() {
                    violations.report(at.as_str(), "", "no resource is named");
                }
                for resource in resources.iter().filter(|resource| !is_resource(resource)) {
                    violations.must(at.as_str(), resource, false);
                }
            }
        },
        inside: &[
            edit(PERMISSION, "actions = [\"sqs:*\"], resources = [\"arn:*:sqs:*:*:town-*\"]"),
            edit(PERMISSION, "actions = [\"s3:*\"], resources = [\"arn:aws:s3:::town/${{aws:username}}/a é\"]"),
        ],
        outside: &[
            edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = []"),
            edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"town-shop/*\"]"),
            edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:town-shop/*\"]"),
            edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"arn:aws::::town-shop\"]"),
            edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::\"]"),
            edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::łódź\"]"),
        ],
    },
    Rule {
        code: "BP-IAM-03",
        takes: "the inline policies of a role have 10,240 characters together, white space aside: those of a task are \
                its permissions, those that start it name its secrets",
        source: QUOTAS,
        check: |attrs, violations| {
            let documents: String = attrs.inline_policies.values().map(Value::to_string).collect();
            let size = documents.chars().filter(|c| !c.is_whitespace()).count();
            if size > INLINE {
                let field = if attrs.inline_policies.contains_key("execution") { "secrets" } else { "permissions" };
                violations.report(field, "", format!("the role's policies have {size} characters"));
            }
        },
        inside: &[edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::<9500>\"]")],
        outside: &[edit(PERMISSION, "actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::<10240>\"]")],
    },
    Rule {
        code: "BP-IAM-04",
        takes: "a managed policy is named by its ARN, as in arn:aws:iam::aws:policy/ReadOnlyAccess, with 20 to 2048 \
                characters",
        source: "iam:AttachRolePolicy.PolicyArn",
        check: |attrs, violations| {
            for arn in &attrs.managed_policies {
                violations.must("managed_policies", arn, is_policy(arn));
            }
        },
        inside: &[
            edit(POLICY, "[\"arn:aws-cn:iam::123456789012:policy/team/town_shop+x=,.@-1\"]"),
            edit(POLICY, "[\"arn:aws:iam::aws:policy/<128>\"]"),
        ],
        outside: &[
            edit(POLICY, "[\"AmazonSQSFullAccess\"]"),
            edit(POLICY, "[\"arn:aws:iam::1234:policy/AmazonSQSFullAccess\"]"),
            edit(POLICY, "[\"arn:aws:iam::aws:role/AmazonSQSFullAccess\"]"),
            edit(POLICY, "[\"arn:aws:iam::aws:policy/\"]"),
            edit(POLICY, "[\"arn:aws:iam::aws:policy/Amazon SQS\"]"),
            edit(POLICY, "[\"arn:aws:iam::aws:policy/<129>\"]"),
            edit(POLICY, "[\"\"]"),
        ],
    },
    Rule {
        code: "BP-IAM-05",
        takes: "10 managed policies are attached to a role at most, unless AWS has raised the account's quota",
        source: QUOTAS,
        check: |attrs, violations| {
            violations.count("managed_policies", "managed policies", attrs.managed_policies.len(), ATTACHED);
        },
        inside: &[edit(POLICY, policies!("A" "B" "C" "D" "E" "F" "G" "H" "I"))],
        outside: &[edit(POLICY, policies!("A" "B" "C" "D" "E" "F" "G" "H" "I" "J"))],
    },
];

/// The statements of all inline policies, each with the field that it is.
fn statements(attrs: &Attrs) -> impl Iterator<Item = (String, &Value)> {
    attrs.inline_policies.iter().flat_map(|(name, document)| {
        let statements = document.get("Statement").and_then(Value::as_array).into_iter().flatten();
        statements
            .enumerate()
            .map(move |(index, statement)| (format!("inline_policies.{name}.Statement.{index}"), statement))
    })
}

fn strings<'a>(statement: &'a Value, key: &str) -> Vec<&'a str> {
    statement.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn is_action(action: &str) -> bool {
    let Some((service, name)) = action.split_once(':') else { return action == "*" };
    let is_service = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-*?".contains(c);
    action == "*:*"
        || (!service.is_empty() && service.chars().all(is_service) && !name.is_empty() && name.chars().all(is_name))
}

/// Documents take the characters of Latin-1.
fn is_resource(resource: &str) -> bool {
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    let is_arn = match fields[..] {
        ["arn", partition, service, _, _, rest] => ![partition, service, rest].contains(&""),
        _ => false,
    };
    (resource == "*" || is_arn) && resource.chars().all(|c| (' '..='\u{ff}').contains(&c))
}

fn is_policy(arn: &str) -> bool {
    let fields: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "iam", "", account, rest] = fields[..] else { return false };
    let is_account =
        account == "aws" || (account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()));
    let Some(path) = rest.strip_prefix("policy/") else { return false };
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    partition.starts_with("aws")
        && is_account
        && path.chars().all(|c| c.is_ascii_graphic())
        && (1..=128).contains(&name.len())
        && name.chars().all(is_name)
        && (20..=2048).contains(&arn.len())
}
