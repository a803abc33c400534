//! Who comes before whom on a listener. `ModifyRule` cannot change a priority, and no two rules may have one
//! at any time, so what a rule's new priority displaces has to move in the same call.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client as Elb;
use aws_sdk_elasticloadbalancingv2::types as elb;
use tokio::sync::Mutex;

use super::{LAST, describe};
use crate::aws::{Aws, CloudError, SdkResult};

/// Reading the order and changing it is one step: two rules that trade places at the same time would each
/// move what the other has just placed.
pub(super) static ORDER: Mutex<()> = Mutex::const_new(());

/// Makes `wanted` the priority of `rule`, or keeps it free for a rule that is yet to be made (`None`).
pub(super) async fn place(aws: &Aws, listener: &str, rule: Option<&str>, wanted: i32) -> Result<(), CloudError> {
    let _order = ORDER.lock().await;
    let rules = describe(aws, listener).await?;
    let order: BTreeMap<i32, String> =
        rules.iter().filter_map(|rule| Some((priority(rule)?, rule.rule_arn()?.to_owned()))).collect();
    let moves = moves(&order, rule, wanted);
    match set(aws, &moves).await {
        // Not taken as one: the displaced rule waits at a place that nobody has.
        Err(error) if error.code == "PriorityInUse" && moves.len() > 1 => {
            set(aws, &[(moves[0].0.clone(), spare(&order))]).await?;
            for step in moves.iter().rev() {
                set(aws, std::slice::from_ref(step)).await?;
            }
            Ok(())
        }
        answer => answer,
    }
}

/// The last place of a listener that no rule has.
pub(super) async fn free(aws: &Aws, listener: &str) -> Result<i32, CloudError> {
    let rules = describe(aws, listener).await?;
    let order = rules.iter().filter_map(|rule| Some((priority(rule)?, String::new()))).collect();
    Ok(spare(&order))
}

/// The default rule, which is always last, has none.
pub(super) fn priority(rule: &elb::Rule) -> Option<i32> {
    rule.priority()?.parse().ok()
}

/// What has to move, and where to. Whoever holds `wanted` takes the rule's old place: its own turn comes, or it
/// is a rule to be deleted. (If its turn has been, it does not hold `wanted` any more.)
fn moves(order: &BTreeMap<i32, String>, rule: Option<&str>, wanted: i32) -> Vec<(String, i32)> {
    let old = order.iter().find(|(_, arn)| Some(arn.as_str()) == rule).map(|(priority, _)| *priority);
    if old == Some(wanted) {
        return Vec::new();
    }
    let displaced = order.get(&wanted).map(|arn| (arn.clone(), old.unwrap_or_else(|| spare(order))));
    displaced.into_iter().chain(rule.map(|rule| (rule.to_owned(), wanted))).collect()
}

/// The last free place: there a rule takes only what no other rule takes.
fn spare(order: &BTreeMap<i32, String>) -> i32 {
    (1..=LAST).rev().find(|priority| !order.contains_key(priority)).unwrap_or(LAST)
}

async fn set(aws: &Aws, moves: &[(String, i32)]) -> Result<(), CloudError> {
    if moves.is_empty() {
        return Ok(());
    }
    let pairs = moves
        .iter()
        .map(|(arn, priority)| elb::RulePriorityPair::builder().rule_arn(arn).priority(*priority).build());
    let answer = aws.client::<Elb>().set_rule_priorities().set_rule_priorities(Some(pairs.collect())).send().await;
    answer.operation("elasticloadbalancing:SetRulePriorities").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> BTreeMap<i32, String> {
        BTreeMap::from([(10, "a".to_owned()), (20, "b".to_owned()), (LAST, "c".to_owned())])
    }

    #[test]
    fn two_rules_trade_places_in_one_call() {
        assert_eq!(moves(&order(), Some("a"), 20), [("b".to_owned(), 10), ("a".to_owned(), 20)]);
    }

    #[test]
    fn a_free_place_moves_nobody_else() {
        assert_eq!(moves(&order(), Some("a"), 30), [("a".to_owned(), 30)]);
        assert!(moves(&order(), Some("a"), 10).is_empty());
    }

    #[test]
    fn a_new_rule_sends_the_holder_of_its_place_to_the_end() {
        assert_eq!(moves(&order(), None, 10), [("a".to_owned(), LAST - 1)]);
        assert!(moves(&order(), None, 30).is_empty());
    }
}
