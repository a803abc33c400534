//! The policy by which a repository forgets images.

use serde_json::{Value, json};

use crate::kinds::registry::ecr_repository::section::Registry;

#[cfg(feature = "aws")]
pub(super) use calls::parse;

/// Untagged images go by age; tagged ones by number, and each environment's are counted by themselves, so that
/// many builds of one never push out what the other runs. (AWS lets an image expire only by the first rule that
/// fits its tags.) `environments` are all of the project, in one order: so the policy says the same whichever
/// environment's spec it comes from.
pub(super) fn policy(registry: &Registry, environments: &[&str]) -> Value {
    let expire = |priority: usize, description: String, selection: Value| {
        json!({
            "rulePriority": priority,
            "description": description,
            "selection": selection,
            "action": { "type": "expire" },
        })
    };
    let keep = |pattern: &str| {
        json!({
            "tagStatus": "tagged",
            "tagPatternList": [pattern],
            "countType": "imageCountMoreThan",
            "countNumber": registry.keep_images,
        })
    };
    let untagged = json!({
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": registry.untagged_days,
    });
    let mut rules = vec![expire(1, format!("untagged for {} days", registry.untagged_days), untagged)];
    for environment in environments {
        let description = format!("beyond {} of {environment}", registry.keep_images);
        rules.push(expire(rules.len() + 1, description, keep(&format!("{environment}-*"))));
    }
    rules.push(expire(rules.len() + 1, format!("beyond {} of the rest", registry.keep_images), keep("*")));
    json!({ "rules": rules })
}

#[cfg(feature = "aws")]
mod calls {
    use super::*;

    /// A live policy, with rules and lists in one order. Text that is no JSON stays text, and so shows as different.
    pub(in super::super) fn parse(text: &str) -> Value {
        let Ok(mut policy) = serde_json::from_str::<Value>(text) else { return Value::from(text) };
        if let Some(rules) = policy.get_mut("rules").and_then(Value::as_array_mut) {
            rules.sort_by_key(|rule| rule.get("rulePriority").and_then(Value::as_u64));
            for list in
                rules.iter_mut().filter_map(|rule| rule.pointer_mut("/selection/tagPatternList")?.as_array_mut())
            {
                list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
        }
        policy
    }
}

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    #[test]
    fn a_policy_survives_its_text() {
        let wanted = policy(&Registry::default(), &["dev", "prod"]);
        assert_eq!(parse(&wanted.to_string()), wanted);
    }

    #[test]
    fn the_order_of_rules_is_their_priority() {
        let turned = r#"{"rules":[{"rulePriority":2},{"rulePriority":1}]}"#;
        assert_eq!(parse(turned), json!({"rules": [{"rulePriority": 1}, {"rulePriority": 2}]}));
    }

    #[test]
    fn each_environment_is_counted_by_itself() {
        let policy = policy(&Registry { keep_images: 5, ..Registry::default() }, &["dev", "prod"]);
        let pattern = |rule: usize| policy.pointer(&format!("/rules/{rule}/selection/tagPatternList/0")).cloned();
        assert_eq!([pattern(1), pattern(2), pattern(3)].map(Option::unwrap), ["dev-*", "prod-*", "*"]);
    }
}
