//! Targets that somebody registered by address: ECS registers the tasks of a service itself.

use aws_sdk_elasticloadbalancingv2::Client as Elb;
use aws_sdk_elasticloadbalancingv2::types::{TargetHealthDescription, TargetHealthStateEnum as State};

use super::TARGETS;
use crate::aws::{CloudError, Reader, SdkResult};
use crate::kinds::members::{self, Members};
use crate::kinds::network::interfaces;

pub(super) fn members() -> Members {
    Members::of_made(
        "elasticloadbalancing:DescribeTargetHealth",
        "TargetHealthDescriptions",
        &["Target.Id", "Target.Port", "TargetHealth.State"],
        [TARGETS],
        &[("changes with what runs", &["TargetHealth", "HealthCheckPort", "AnomalyDetection"])],
    )
}

/// `10.0.128.7:3000, …`, for who wants to know everything: AWS tells of one group a call only.
pub(super) async fn by_hand(read: &Reader<'_>, group: &str) -> Result<Option<String>, CloudError> {
    if !read.scope.everything {
        return Ok(None);
    }
    let answer = read.aws.client::<Elb>().describe_target_health().target_group_arn(group).send().await;
    let answer = answer.operation("elasticloadbalancing:DescribeTargetHealth")?;
    let settled: Vec<_> = answer.target_health_descriptions().iter().filter(|one| is_settled(one)).collect();
    if settled.is_empty() {
        return Ok(None);
    }
    let tasks = interfaces::of_tasks(read).await?;
    let others = settled.into_iter().filter_map(TargetHealthDescription::target);
    let mut others: Vec<String> = others
        .filter(|target| target.id().is_some_and(|id| !tasks.contains(id)))
        .map(|target| match target.port() {
            Some(port) => format!("{}:{port}", target.id().unwrap_or_default()),
            None => target.id().unwrap_or_default().to_owned(),
        })
        .collect();
    others.sort_unstable();
    Ok(members::list(others.iter().map(String::as_str)))
}

/// The interface of a task that comes or goes may be seen too late, or no longer.
fn is_settled(target: &TargetHealthDescription) -> bool {
    let state = target.target_health().and_then(|health| health.state());
    !matches!(state, Some(State::Initial | State::Draining))
}
