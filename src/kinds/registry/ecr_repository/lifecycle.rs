//! The policy by which a repository forgets images.

use serde_json::{Value, json};

use crate::kinds::registry::ecr_repository::section::Registry;
use crate::kinds::registry::images::in_use;

#[cfg(feature = "aws")]
pub(super) use calls::parse;

/// More images than a repository ever has in use, so that the rule expires none.
const NEVER: u32 = 9_999;

/// Images in use stay; untagged ones go by age; the others by number, and each environment's are counted by themselves,
/// so that many builds of one never push out what the other runs. `environments` are all of the project, in one order:
/// so the policy says the same whichever environment's spec it comes from.
///
/// An image is expired by one rule at most, the first that fits its tags; that is how a rule that expires nothing keeps
/// an image. But a rule *counts* all that fits it, also what earlier rules have taken
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html>). So where `dev-*` fits the images of
/// `dev-eu`, too, the rule of `dev-eu` comes first, and that of `dev` counts to twice as many more: as many as `dev-eu`
/// keeps, and as many again that it has pushed since, which count until they go. So does the last rule, which fits all,
/// for every environment.
pub(super) fn policy(registry: &Registry, environments: &[&str]) -> Value {
    let expire = |priority: usize, description: String, selection: Value| {
        json!({
            "rulePriority": priority,
            "description": description,
            "selection": selection,
            "action": { "type": "expire" },
        })
    };
    let beyond = |count: u32, pattern: String| {
        json!({
            "tagStatus": "tagged",
            "tagPatternList": [pattern],
            "countType": "imageCountMoreThan",
            "countNumber": count,
        })
    };
    let untagged = json!({
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": registry.untagged_days,
    });
    let keep = registry.keep_images;
    let times = |others: usize| keep.saturating_mul(u32::try_from(1 + 2 * others).unwrap_or(u32::MAX));
    let mut rules = vec![
        expire(1, "keep the images in use".to_owned(), beyond(NEVER, format!("{}*", in_use::PREFIX))),
        expire(2, format!("expire untagged images after {} days", registry.untagged_days), untagged),
    ];
    for environment in longer_first(environments) {
        let within = environments.iter().filter(|other| is_within(other, environment)).count();
        let description = match within {
            0 => format!("keep the newest {keep} of {environment}"),
            _ => {
                format!(
                    "keep the newest {keep} of {environment}, and of each whose name begins with {environment}-"
                )
            }
        };
        rules.push(expire(rules.len() + 1, description, beyond(times(within), format!("{environment}-*"))));
    }
    let others = times(environments.len()) - keep;
    let description = format!("keep the newest {keep} others, beside {others} of the environments");
    rules.push(expire(rules.len() + 1, description, beyond(times(environments.len()), "*".to_owned())));
    json!({ "rules": rules })
}

/// Whether `dev-*` fits the images of this environment, too: of `dev-eu`.
fn is_within(name: &str, of: &str) -> bool {
    name.strip_prefix(of).is_some_and(|rest| rest.starts_with('-'))
}

/// The environments in their order, but each after those within it.
fn longer_first<'a>(environments: &[&'a str]) -> Vec<&'a str> {
    let mut ordered: Vec<&str> = Vec::new();
    for environment in environments {
        let before = ordered.iter().position(|other| is_within(environment, other));
        ordered.insert(before.unwrap_or(ordered.len()), environment);
    }
    ordered
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

#[cfg(feature = "aws")]
#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "aws")]
    #[test]
    fn a_policy_survives_its_text() {
        let wanted = policy(&Registry::default(), &["dev", "prod"]);
        assert_eq!(parse(&wanted.to_string()), wanted);
    }

    #[cfg(feature = "aws")]
    #[test]
    fn the_order_of_rules_is_their_priority() {
        let turned = r#"{"rules":[{"rulePriority":2},{"rulePriority":1}]}"#;
        assert_eq!(parse(turned), json!({"rules": [{"rulePriority": 1}, {"rulePriority": 2}]}));
    }

    /// Of each rule, its pattern and how many it counts to.
    fn rules(environments: &[&str]) -> Vec<(String, u64)> {
        let policy = policy(&Registry { keep_images: 5, ..Registry::default() }, environments);
        let selection = |rule: &Value| {
            let pattern = rule.pointer("/selection/tagPatternList/0")?.as_str()?.to_owned();
            Some((pattern, rule.pointer("/selection/countNumber")?.as_u64()?))
        };
        policy["rules"].as_array().expect("rules").iter().filter_map(selection).collect()
    }

    fn expected(rules: &[(&str, u64)]) -> Vec<(String, u64)> {
        rules.iter().map(|(pattern, count)| ((*pattern).to_owned(), *count)).collect()
    }

    #[test]
    fn each_environment_is_counted_by_itself() {
        let wanted = [("in-use-*", 9999), ("dev-*", 5), ("prod-*", 5), ("*", 25)];
        assert_eq!(rules(&["dev", "prod"]), expected(&wanted));
    }

    #[test]
    fn an_environment_whose_name_begins_another_is_counted_after_it_and_beside_it() {
        let wanted = [
            ("in-use-*", 9999),
            ("dev-eu-1-*", 5),
            ("dev-eu-*", 15),
            ("dev-us-*", 5),
            ("dev-*", 35),
            ("devel-*", 5),
            ("*", 55),
        ];
        assert_eq!(rules(&["dev", "devel", "dev-eu", "dev-us", "dev-eu-1"]), expected(&wanted));
    }

    /// As the page of AWS says: every rule marks what is beyond its count, of all that fits it; an image goes if the
    /// first rule that fits it has marked it.
    fn expired(policy: &Value, images: &[(&str, u32)]) -> Vec<String> {
        let mut images = images.to_vec();
        images.sort_by_key(|(_, age)| *age);
        let fits = |pattern: &str, tag: &str| tag.starts_with(pattern.trim_end_matches('*'));
        let mut gone = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for rule in policy["rules"].as_array().expect("rules") {
            let Some(pattern) = rule.pointer("/selection/tagPatternList/0").and_then(Value::as_str) else {
                continue;
            };
            let count = rule.pointer("/selection/countNumber").and_then(Value::as_u64).expect("a count");
            let found: Vec<&str> = images.iter().map(|(tag, _)| *tag).filter(|tag| fits(pattern, tag)).collect();
            let marked = found.iter().skip(usize::try_from(count).expect("a number"));
            gone.extend(marked.filter(|tag| !seen.contains(tag)).map(|tag| (*tag).to_owned()));
            seen.extend(found);
        }
        gone.sort();
        gone
    }

    #[test]
    fn builds_of_one_environment_push_out_only_its_own() {
        let policy = policy(&Registry { keep_images: 2, ..Registry::default() }, &["dev", "dev-eu", "prod"]);
        let old = [("dev-1", 90), ("dev-2", 91), ("prod-1", 92), ("v1", 95), ("in-use-dev.web.1", 99)];
        let mut images = old.to_vec();
        images.extend([("dev-eu-1", 1), ("dev-eu-2", 2)]);
        assert_eq!(expired(&policy, &images), [""; 0]);
        images.extend([("dev-3", 3), ("prod-2", 4), ("prod-3", 5)]);
        assert_eq!(expired(&policy, &images), ["prod-1"], "of each at least its own stay");
        images.extend([("dev-eu-3", 0), ("dev-eu-4", 0)]);
        assert_eq!(expired(&policy, &images), ["dev-2", "dev-eu-1", "dev-eu-2", "prod-1"]);
    }
}
