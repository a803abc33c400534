//! Policies that AWS keeps with an object and that say who else may use it.

use serde_json::Value;

/// What everybody may do by this policy (JSON): the actions of its statements that allow any principal and name no
/// condition. `None` where there are none.
pub fn open_to_everybody(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = match policy.get("Statement")? {
        Value::Array(statements) => statements.iter().collect(),
        single => vec![single],
    };
    let open = statements.into_iter().filter(|statement| {
        let condition = statement.get("Condition").and_then(Value::as_object).is_some_and(|it| !it.is_empty());
        statement.get("Effect").and_then(Value::as_str) == Some("Allow") && is_anybody(statement) && !condition
    });
    let actions = open.flat_map(|statement| texts(statement.get("Action").unwrap_or(&Value::Null)));
    let actions: Vec<&str> = actions.collect();
    (!actions.is_empty()).then(|| actions.join(", "))
}

/// A statement of a policy in words: `Allow ecr:BatchGetImage, logs:PutLogEvents on arn:…`.
pub fn in_words(statement: &Value) -> Option<String> {
    let (effect, actions) = (statement["Effect"].as_str()?, texts(&statement["Action"]));
    let mut words = format!("{effect} {}", actions.join(", "));
    let resources = texts(&statement["Resource"]);
    if !resources.is_empty() {
        words += &format!(" on {}", resources.join(", "));
    }
    let principals = match &statement["Principal"] {
        Value::Object(sorts) => sorts.values().flat_map(texts).collect(),
        single => texts(single),
    };
    if !principals.is_empty() {
        words += &format!(" by {}", principals.join(", "));
    }
    let is_conditional = statement["Condition"].as_object().is_some_and(|conditions| !conditions.is_empty());
    (!actions.is_empty()).then(|| if is_conditional { words + " under conditions" } else { words })
}

fn is_anybody(statement: &Value) -> bool {
    match statement.get("Principal") {
        Some(Value::Object(sorts)) => sorts.values().any(|names| texts(names).contains(&"*")),
        Some(names) => texts(names).contains(&"*"),
        None => false,
    }
}

/// One text or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        single => single.as_str().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everybody_is_any_principal_without_a_condition() {
        let open = |statement: Value| open_to_everybody(&json!({ "Statement": statement }).to_string());
        let pull = json!({ "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage", "ecr:GetAuthorizationToken"] });
        assert_eq!(open(json!([pull])).as_deref(), Some("ecr:BatchGetImage, ecr:GetAuthorizationToken"));
        let aws = json!({ "Effect": "Allow", "Principal": { "AWS": ["*"] }, "Action": "sns:Publish" });
        assert_eq!(open(aws).as_deref(), Some("sns:Publish"));
        let one = json!({ "Effect": "Allow", "Principal": { "AWS": "123456789012" }, "Action": "sns:Publish" });
        assert_eq!(open(json!([one])), None);
        let condition = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } });
        let within =
            json!({ "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Condition": condition });
        assert_eq!(open(json!([within])), None);
        assert_eq!(open(json!([{ "Effect": "Deny", "Principal": "*", "Action": "*" }])), None);
        assert_eq!(open_to_everybody("no JSON"), None);
    }

    #[test]
    fn a_statement_in_a_plan_is_said_in_words() {
        let words = |statement: Value| in_words(&statement).unwrap_or_default();
        let logs = json!({ "Effect": "Allow", "Action": ["logs:PutLogEvents", "logs:CreateLogStream"], "Resource": "arn:a" });
        assert_eq!(words(logs), "Allow logs:PutLogEvents, logs:CreateLogStream on arn:a");
        let role = json!({
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": ["ecs-tasks.amazonaws.com"] },
            "Condition": { "StringEquals": { "aws:SourceAccount": ["123456789012"] } },
        });
        assert_eq!(words(role), "Allow sts:AssumeRole by ecs-tasks.amazonaws.com under conditions");
        assert_eq!(
            words(json!({ "Effect": "Allow", "NotAction": "*" })),
            "",
            "what has no words is shown as it is"
        );
    }
}
