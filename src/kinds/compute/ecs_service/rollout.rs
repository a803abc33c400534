//! Whether a rollout has succeeded. ECS calls a service steady that it has rolled back; so a rollout is good
//! only when its deployment is complete *and* runs the revision that the plan named.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState as Rollout, Service};

use super::{Attrs, diagnosis};
use crate::aws::{Aws, CloudError, SdkResult};
use crate::kinds::{Outputs, Poll, PollTarget};

pub(super) async fn ready(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
    if !aws.wait {
        return Ok(Poll::Done(Outputs::new()));
    }
    let attrs = target.attrs;
    // One that is inactive may be the one before, of the same name.
    let service = describe(aws, attrs.cluster.value(), target.id).await?;
    let Some(service) = service.filter(|service| service.status() != Some("INACTIVE")) else {
        return Err(CloudError::not_shown("ecs:DescribeServices"));
    };
    let ours = rolling(&service, attrs.task_definition.value());
    Ok(match assess(&service, attrs.task_definition.value(), attrs.deadline, now()) {
        Verdict::Steady => Poll::Done(Outputs::new()),
        Verdict::Failed(why) => Poll::Failed(diagnosis::explain(aws, attrs, &service, ours, &why).await),
        Verdict::Moving(what) => match repeated(aws, attrs, &service, ours).await? {
            Some(why) => Poll::Failed(diagnosis::explain(aws, attrs, &service, ours, &why).await),
            None => Poll::Waiting(what),
        },
    })
}

pub(super) async fn gone(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
    let service = describe(aws, target.attrs.cluster.value(), target.id).await?;
    Ok(match service {
        Some(service) if service.status() != Some("INACTIVE") => {
            Poll::Waiting(format!("draining: {} tasks still running", service.running_count()))
        }
        _ => Poll::Done(Outputs::new()),
    })
}

async fn describe(aws: &Aws, cluster: &str, name: &str) -> Result<Option<Service>, CloudError> {
    let call = aws.client::<Ecs>().describe_services().cluster(cluster).services(name);
    let answer = call.send().await.optional("ecs:DescribeServices")?;
    Ok(answer.and_then(|answer| answer.services?.into_iter().next()))
}

/// Why to give up early: ECS itself may try for hours what has failed the same way again and again.
async fn repeated(
    aws: &Aws,
    attrs: &Attrs,
    service: &Service,
    ours: Option<&Deployment>,
) -> Result<Option<String>, CloudError> {
    match ours {
        Some(ours) if ours.failed_tasks() > 0 => {
            let stops = diagnosis::stops(aws, attrs, service, Some(ours)).await?;
            Ok(diagnosis::repeated(&stops).map(|(times, why)| {
                format!(
                    "{times} tasks stopped for the same reason: \
                                                                       {why}"
                )
            }))
        }
        _ => Ok(None),
    }
}

enum Verdict {
    Steady,
    Moving(String),
    Failed(String),
}

/// `wanted` is the ARN of the revision that the plan names; `deadline` and `now` are seconds.
fn assess(service: &Service, wanted: &str, deadline: u64, now: i64) -> Verdict {
    if service.status() == Some("DRAINING") {
        return Verdict::Failed(
            "the service is being deleted outside of Baseplate; apply again to create it anew".to_owned(),
        );
    }
    let deployments = service.deployments();
    let Some(primary) = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY")) else {
        return Verdict::Moving("ECS has not started the rollout yet".to_owned());
    };
    let running = primary.task_definition().unwrap_or_default();
    if !diagnosis::same(running, wanted) {
        // Accepted and not begun, unless ECS says that it goes back.
        let back = primary.rollout_state_reason().is_some_and(|reason| reason.contains("rolling back"));
        if !back && service.task_definition().is_some_and(|definition| diagnosis::same(definition, wanted)) {
            return Verdict::Moving(format!("ECS has not started the rollout of {} yet", diagnosis::tail(wanted)));
        }
        let reason = rolling(service, wanted).and_then(Deployment::rollout_state_reason);
        let reason = reason.or(primary.rollout_state_reason()).unwrap_or("no reason given");
        return Verdict::Failed(format!(
            "ECS runs {}, not {}: {reason}",
            diagnosis::tail(running),
            diagnosis::tail(wanted)
        ));
    }
    let state = primary.rollout_state();
    if state == Some(&Rollout::Failed) {
        let reason = primary.rollout_state_reason().unwrap_or("no reason given");
        return Verdict::Failed(format!("ECS stopped the rollout: {reason}"));
    }
    let complete = state == Some(&Rollout::Completed);
    if complete && primary.running_count() == primary.desired_count() {
        return Verdict::Steady;
    }
    // A change of the count alone goes on in a deployment that was complete long ago.
    let since = if complete { primary.updated_at() } else { primary.created_at() };
    let since = since.map_or(now, aws_smithy_types::DateTime::secs);
    if u64::try_from(now - since).is_ok_and(|passed| passed > deadline) {
        return Verdict::Failed(format!("not steady after {deadline} s: {}", progress(service, primary)));
    }
    Verdict::Moving(progress(service, primary))
}

/// How far a deployment is: "1 of 2 tasks running, 1 pending".
fn progress(service: &Service, deployment: &Deployment) -> String {
    let (running, desired) = (deployment.running_count(), deployment.desired_count());
    let (pending, failed) = (deployment.pending_count(), deployment.failed_tasks());
    let begun = deployment.created_at().map_or(0, aws_smithy_types::DateTime::secs);
    let mut events = service.events().iter().filter_map(|event| event.created_at());
    if desired > 0 && running + pending + failed == 0 && !events.any(|at| at.secs() >= begun) {
        return format!("ECS has started no task yet: 0 of {desired} tasks running");
    }
    let mut text = format!("{running} of {desired} tasks running");
    if pending > 0 {
        text.push_str(&format!(", {pending} pending"));
    }
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    if running == desired && pending == 0 {
        text.push_str(", not steady yet");
    }
    text
}

/// The deployment that rolls the revision out, while ECS still tells of it.
fn rolling<'a>(service: &'a Service, wanted: &str) -> Option<&'a Deployment> {
    let mut deployments = service.deployments().iter();
    deployments.find(|deployment| deployment.task_definition().is_some_and(|found| diagnosis::same(found, wanted)))
}

/// Seconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    const OURS: &str = "arn:aws:ecs:x:1:task-definition/web:8";
    const OLD: &str = "arn:aws:ecs:x:1:task-definition/web:7";

    fn primary(definition: &str, state: Rollout, running: i32) -> Deployment {
        Deployment::builder()
            .status("PRIMARY")
            .task_definition(definition)
            .rollout_state(state)
            .rollout_state_reason("because")
            .desired_count(2)
            .running_count(running)
            .created_at(DateTime::from_secs(1000))
            .updated_at(DateTime::from_secs(1000))
            .build()
    }

    fn say(service_runs: &str, primary: Deployment, now: i64) -> String {
        let service = Service::builder().task_definition(service_runs).deployments(primary).build();
        match assess(&service, OURS, 900, now) {
            Verdict::Steady => "steady".to_owned(),
            Verdict::Moving(what) => format!("moving: {what}"),
            Verdict::Failed(why) => format!("failed: {why}"),
        }
    }

    #[test]
    fn one_that_somebody_deletes_is_not_waited_for() {
        let service = Service::builder().status("DRAINING").build();
        let verdict = assess(&service, OURS, 900, 1100);
        assert!(matches!(verdict, Verdict::Failed(why) if why.contains("being deleted outside of Baseplate")));
    }

    #[test]
    fn complete_and_ours_is_steady() {
        assert_eq!(say(OURS, primary(OURS, Rollout::Completed, 2), 1100), "steady");
    }

    #[test]
    fn complete_and_not_ours_is_a_rollback() {
        assert_eq!(
            say(OLD, primary(OLD, Rollout::Completed, 2), 1100),
            "failed: ECS runs web:7, not web:8: because"
        );
    }

    #[test]
    fn given_up_is_failed() {
        let said = say(OURS, primary(OURS, Rollout::Failed, 0), 1100);
        assert_eq!(said, "failed: ECS stopped the rollout: because");
    }

    #[test]
    fn progress_is_told_until_the_deadline() {
        let early = say(OURS, primary(OURS, Rollout::InProgress, 1), 1100);
        assert_eq!(early, "moving: 1 of 2 tasks running");
        let late = say(OURS, primary(OURS, Rollout::InProgress, 1), 1901);
        assert_eq!(late, "failed: not steady after 900 s: 1 of 2 tasks running");
    }

    #[test]
    fn silence_is_told_too() {
        let said = say(OURS, primary(OURS, Rollout::InProgress, 0), 1100);
        assert_eq!(said, "moving: ECS has started no task yet: 0 of 2 tasks running");
    }
}
