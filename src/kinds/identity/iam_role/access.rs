//! What the roles of a service allow: no more than that service needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::policy::canonical;
use crate::kinds::compute::section::Service;
use crate::kinds::config::ssm_parameter;
use crate::kinds::monitoring::log_group;
use crate::kinds::registry::ecr_repository::{self, EcrRepository};
use crate::spec::Environment;
use crate::spec::partition;
use crate::value::{Part, Target};

/// ECS may take the role, on behalf of this account only.
pub(super) fn trust(env: &Environment) -> Value {
    document(&[json!({
        "Effect": "Allow",
        "Principal": { "Service": "ecs-tasks.amazonaws.com" },
        "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "aws:SourceAccount": env.account } },
    })])
}

/// What ECS needs to start a task: its image, its log group and its own parameters.
pub(super) fn execution(env: &Environment, key: &str, service: &Service) -> BTreeMap<String, Value> {
    let mut statements = Vec::new();
    let repositories = repositories(env, &service.image);
    if !repositories.is_empty() {
        statements.push(allow("Registry", &["ecr:GetAuthorizationToken"], ["*".to_owned()]));
        let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
        statements.push(allow("Images", &pull, repositories));
    }
    let streams = env.arn("logs", &format!("log-group:{}:*", log_group::name(env, key)));
    statements.push(allow("Logs", &["logs:CreateLogStream", "logs:PutLogEvents"], [streams]));
    let parameters: BTreeSet<String> = service
        .secrets
        .values()
        .map(|parameter| env.arn("ssm", &format!("parameter{}", ssm_parameter::path(env, parameter))))
        .collect();
    if !parameters.is_empty() {
        statements.push(allow("Parameters", &["ssm:GetParameters"], parameters));
    }
    BTreeMap::from([("execution".to_owned(), document(&statements))])
}

/// What the running task may do.
pub(super) fn task(service: &Service) -> BTreeMap<String, Value> {
    let mut policies = BTreeMap::new();
    if !service.permissions.is_empty() {
        let statements = service.permissions.iter().map(|permission| {
            json!({ "Effect": "Allow", "Action": permission.actions, "Resource": permission.resources })
        });
        policies.insert("permissions".to_owned(), document(&statements.collect::<Vec<_>>()));
    }
    if service.execute_command {
        let channels = [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ];
        let shell = allow("Shell", &channels, ["*".to_owned()]);
        policies.insert("execute-command".to_owned(), document(&[shell]));
    }
    policies
}

fn allow(sid: &str, actions: &[&str], resources: impl IntoIterator<Item = String>) -> Value {
    let resources: Vec<String> = resources.into_iter().collect();
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

fn document(statements: &[Value]) -> Value {
    canonical(json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// ARNs of the private ECR repositories that an image comes from; none for an image from elsewhere.
fn repositories(env: &Environment, image: &str) -> BTreeSet<String> {
    let image = env.text(image);
    let ours = image.parts.iter().filter_map(|part| match part {
        Part::Output { address, .. } if address.kind() == EcrRepository::KIND => {
            let name = ecr_repository::name(env, address.name());
            Some(env.arn("ecr", &format!("repository/{name}")))
        }
        _ => None,
    });
    let mut arns: BTreeSet<String> = ours.collect();
    if arns.is_empty() {
        arns.extend(private_repository(&image.plain()));
    }
    arns
}

/// The ARN behind `<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag][@digest]`.
fn private_repository(image: &str) -> Option<String> {
    let (host, path) = image.split_once('/')?;
    let mut labels = host.split('.');
    let account = labels.next().filter(|account| account.len() == 12)?;
    if !account.bytes().all(|digit| digit.is_ascii_digit()) || labels.next()? != "dkr" || labels.next()? != "ecr" {
        return None;
    }
    let region = labels.next()?;
    let name = path.split(['@', ':']).next().filter(|name| !name.is_empty()).unwrap_or("*");
    Some(format!("arn:{}:ecr:{region}:{account}:repository/{name}", partition(region)))
}

/// The statements of a policy that allow something.
fn allowed(policy: &Value) -> impl Iterator<Item = &Value> {
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().filter(|statement| statement["Effect"] == "Allow")
}

/// Whether a field of a statement, a text or a list, holds this.
fn holds(field: &Value, wanted: &str) -> bool {
    field == wanted || field.as_array().is_some_and(|all| all.iter().any(|one| one == wanted))
}

/// Whether a policy allows any action, all of IAM's, or all but some, on anything, on whatever condition.
pub(super) fn allows_everything(policy: &Value) -> bool {
    allowed(policy).any(|statement| {
        let actions = ["*", "*:*", "iam:*"].iter().any(|all| holds(&statement["Action"], all));
        (actions || statement.get("NotAction").is_some()) && holds(&statement["Resource"], "*")
    })
}

/// Whom a trust policy lets in, on whatever condition; `*` is anybody.
pub(super) fn principals(policy: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_statement = |statement: &Value| match &statement["Principal"] {
        Value::Object(by_type) => by_type
            .values()
            .flat_map(|value| match value {
                Value::Array(all) => all.iter().filter_map(text).collect::<Vec<_>>(),
                one => text(one).into_iter().collect(),
            })
            .collect(),
        one => text(one).into_iter().collect::<Vec<_>>(),
    };
    allowed(policy).flat_map(of_statement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_image_names_its_repository() {
        let image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web:prod-1@sha256:ab";
        let arn = "arn:aws:ecr:eu-central-1:123456789012:repository/team/web";
        assert_eq!(private_repository(image).as_deref(), Some(arn));
    }

    #[test]
    fn images_from_elsewhere_need_nothing() {
        for image in ["nginx:1", "public.ecr.aws/nginx/nginx:1", "ghcr.io/a/b@sha256:ab", "localhost:5000/a"] {
            assert_eq!(private_repository(image), None);
        }
    }

    #[test]
    fn every_action_on_anything_is_administration() {
        let policy = |statement: Value| json!({ "Version": "2012-10-17", "Statement": statement });
        let all = json!({ "Effect": "Allow", "Action": ["s3:*", "*"], "Resource": "*" });
        assert!(allows_everything(&policy(all.clone())) && allows_everything(&policy(json!([all]))));
        for actions in [json!({ "Action": "iam:*" }), json!({ "NotAction": "s3:*" })] {
            let mut statement = json!({ "Effect": "Allow", "Resource": "*" });
            statement.as_object_mut().expect("a table").extend(actions.as_object().cloned().unwrap_or_default());
            assert!(allows_everything(&policy(statement.clone())), "{statement}");
        }
        for statement in [
            json!({ "Effect": "Deny", "Action": "*", "Resource": "*" }),
            json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }),
            json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::town/*" }),
        ] {
            assert!(!allows_everything(&policy(statement.clone())), "{statement}");
        }
    }

    #[test]
    fn principals_are_told_whatever_their_type() {
        let trust = |principal: Value| json!({ "Statement": [{ "Effect": "Allow", "Principal": principal }] });
        let of = |principal: Value| principals(&trust(principal)).into_iter().collect::<Vec<_>>();
        assert_eq!(of(json!("*")), ["*"]);
        assert_eq!(
            of(json!({ "AWS": ["1", "*"], "Service": "ecs-tasks.amazonaws.com" })),
            ["*", "1", "ecs-tasks.amazonaws.com"]
        );
        assert_eq!(principals(&json!({ "Statement": { "Effect": "Deny", "Principal": "*" } })), BTreeSet::new());
    }
}
