//! Why a rollout failed: what stopped the tasks, what the load balancer finds, what the container logged, and
//! what ECS says. Whatever cannot be learned is left out, so that it does not hide the rest.

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::{ContainerDefinition, Deployment, DesiredStatus, Service, Task};
use aws_sdk_elasticloadbalancingv2::Client as Elb;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum as Health;
use regex_lite::Regex;

use super::Attrs;
use crate::aws::{Aws, CloudError, SdkResult};

/// So many equal stops are enough.
const TOO_OFTEN: usize = 3;

/// `DescribeTasks` takes this many, and `ListTasks` answers as many a page.
const DESCRIBED_AT_ONCE: i32 = 100;

/// How much is told.
const LOG_LINES: i32 = 10;
const EVENTS: usize = 5;

/// A task that stopped, and not because it was no longer wanted.
pub(super) struct Stop {
    /// Last part of the task's ARN.
    task: String,
    /// The container that exited with an error, if one did.
    container: Option<String>,
    why: String,
}

/// The stopped tasks of a deployment, newest first; ECS remembers them for an hour.
pub(super) async fn stops(
    aws: &Aws,
    attrs: &Attrs,
    service: &Service,
    deployment: Option<&Deployment>,
) -> Result<Vec<Stop>, CloudError> {
    let cluster = attrs.cluster.value();
    let call =
        aws.client::<Ecs>().list_tasks().cluster(cluster).service_name(service.service_name().unwrap_or_default());
    let call = call.desired_status(DesiredStatus::Stopped).max_results(DESCRIBED_AT_ONCE);
    let listed = call.send().await.operation("ecs:ListTasks")?.task_arns.unwrap_or_default();
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let call = aws.client::<Ecs>().describe_tasks().cluster(cluster).set_tasks(Some(listed));
    let mut tasks = call.send().await.operation("ecs:DescribeTasks")?.tasks.unwrap_or_default();
    // ECS forgets a deployment that it has rolled back; then the revision says whose tasks they were.
    tasks.retain(|task| match deployment.and_then(Deployment::id) {
        Some(id) => task.started_by() == Some(id),
        None => task.task_definition_arn().is_some_and(|arn| same(arn, attrs.task_definition.value())),
    });
    tasks.sort_by_key(|task| std::cmp::Reverse(task.stopped_at().map(aws_smithy_types::DateTime::secs)));
    Ok(tasks.iter().filter_map(stop).collect())
}

fn stop(task: &Task) -> Option<Stop> {
    let reason = task.stopped_reason().unwrap_or("stopped, and ECS gives no reason");
    if reason.starts_with("Scaling activity initiated") {
        return None;
    }
    let mut parts = vec![reason.to_owned()];
    for container in task.containers() {
        let name = container.name().unwrap_or("container");
        match (container.reason(), container.exit_code().filter(|code| *code != 0)) {
            (Some(reason), Some(code)) => parts.push(format!("{name}: {reason} (exit code {code})")),
            (Some(reason), None) => parts.push(format!("{name}: {reason}")),
            (None, Some(code)) => parts.push(format!("{name}: exit code {code}")),
            (None, None) => {}
        }
    }
    let failed = task.containers().iter().find(|container| container.exit_code().is_some_and(|code| code != 0));
    let arn = task.task_arn().unwrap_or_default();
    Some(Stop {
        task: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        container: failed.and_then(|container| container.name()).map(str::to_owned),
        why: parts.join("; "),
    })
}

/// Equal stops, counted; the newest first.
fn counted(stops: &[Stop]) -> Vec<(usize, &str)> {
    let mut counted: Vec<(usize, &str)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for stop in stops {
        let place = *places.entry(general(&stop.why)).or_insert(counted.len());
        match counted.get_mut(place) {
            Some((times, _)) => *times += 1,
            None => counted.push((1, &stop.why)),
        }
    }
    counted
}

/// A reason without what differs from task to task: addresses, ports, ids of tasks and requests.
fn general(why: &str) -> String {
    let varying = Regex::new(r"\d+\.\d+\.\d+\.\d+(:\d+)?|[0-9a-fA-F-]{16,}");
    varying.map_or_else(|_| why.to_owned(), |varying| varying.replace_all(why, "…").into_owned())
}

/// The reason that has come too often, and how often.
pub(super) fn repeated(stops: &[Stop]) -> Option<(usize, &str)> {
    counted(stops).into_iter().find(|(times, _)| *times >= TOO_OFTEN)
}

/// `why` with everything that may tell what is behind it.
pub(super) async fn explain(
    aws: &Aws,
    attrs: &Attrs,
    service: &Service,
    deployment: Option<&Deployment>,
    why: &str,
) -> String {
    let stops = stops(aws, attrs, service, deployment).await.unwrap_or_default();
    let (targets, log) = futures_util::future::join(targets(aws, attrs), log(aws, attrs, stops.first())).await;
    let stopped = counted(&stops).into_iter().map(|(times, why)| match times {
        1 => why.to_owned(),
        _ => format!("{why} ({times} times)"),
    });
    let events = service.events().iter().take(EVENTS).filter_map(|event| event.message());
    let mut text = why.to_owned();
    section(&mut text, "stopped tasks", &stopped.collect::<Vec<_>>());
    section(&mut text, "load balancer", &targets);
    if let Some((group, lines)) = log {
        section(&mut text, &format!("end of the log in {group}"), &lines);
    }
    section(&mut text, "events", &events.map(str::to_owned).collect::<Vec<_>>());
    text.push_str("\nFix what stopped the tasks and apply again.");
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        text.push_str(&format!("\n{title}:"));
        // What a container logs in several lines stays under its title, and forges none.
        let lines = lines.iter().map(|line| line.replace('\n', "\n    "));
        lines.for_each(|line| text.push_str(&format!("\n  {line}")));
    }
}

/// What the load balancer has against the targets.
async fn targets(aws: &Aws, attrs: &Attrs) -> Vec<String> {
    let mut found = Vec::new();
    for route in &attrs.load_balancers {
        let call = aws.client::<Elb>().describe_target_health().target_group_arn(route.target_group.value());
        let answer = call.send().await.operation("elasticloadbalancing:DescribeTargetHealth");
        let Ok(answer) = answer else { continue };
        for target in answer.target_health_descriptions() {
            let Some(health) = target.target_health() else { continue };
            if health.state() == Some(&Health::Healthy) {
                continue;
            }
            let id = target.target().and_then(|target| target.id()).unwrap_or_default();
            let state = health.state().map_or("unknown", Health::as_str);
            let reason = health
                .description()
                .or(health.reason().map(aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum::as_str))
                .unwrap_or_default();
            found.push(format!("{id} is {state}: {reason}"));
        }
    }
    found
}

/// The log group, and the last lines that the stopped task wrote there.
async fn log(aws: &Aws, attrs: &Attrs, stop: Option<&Stop>) -> Option<(String, Vec<String>)> {
    let stop = stop?;
    let call = aws.client::<Ecs>().describe_task_definition().task_definition(attrs.task_definition.value());
    let definition = call.send().await.operation("ecs:DescribeTaskDefinition").ok()?.task_definition?;
    let mut containers = definition.container_definitions().iter();
    let container = match &stop.container {
        Some(name) => containers.find(|container| container.name() == Some(name))?,
        None => containers.next()?,
    };
    let (group, stream) = stream(container, &stop.task)?;
    let call = aws.client::<Logs>().get_log_events().log_group_name(&group).log_stream_name(stream);
    let call = call.limit(LOG_LINES).start_from_head(false);
    let answer = call.send().await.operation("logs:GetLogEvents").ok()?;
    let lines = answer.events().iter().filter_map(|event| Some(event.message()?.trim_end().to_owned()));
    Some((group, lines.collect()))
}

/// Log group and stream of one task's container: `<prefix>/<container>/<task>`.
fn stream(container: &ContainerDefinition, task: &str) -> Option<(String, String)> {
    let options = container.log_configuration()?.options()?;
    let prefix = options.get("awslogs-stream-prefix")?;
    Some((options.get("awslogs-group")?.clone(), format!("{prefix}/{}/{task}", container.name()?)))
}

/// Whether two names of task definitions, ARN or `family:revision`, mean the same revision.
pub(super) fn same(one: &str, other: &str) -> bool {
    tail(one) == tail(other)
}

pub(super) fn tail(definition: &str) -> &str {
    definition.rsplit('/').next().unwrap_or(definition)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Container;

    use super::*;

    fn crashed(reason: &str) -> Option<Stop> {
        let container = Container::builder().name("web").exit_code(1).build();
        stop(&Task::builder().task_arn("arn:x:task/c/0a1b").stopped_reason(reason).containers(container).build())
    }

    #[test]
    fn what_is_logged_forges_no_title() {
        let mut text = String::new();
        section(&mut text, "end of the log", &["a\nevents:\n  b".to_owned()]);
        assert_eq!(text, "\nend of the log:\n  a\n    events:\n      b");
    }

    #[test]
    fn a_stop_tells_reason_and_exit_code() {
        let stop = crashed("Essential container in task exited");
        assert_eq!(
            stop.as_ref().map(|stop| stop.why.as_str()),
            Some("Essential container in task exited; web: exit code 1")
        );
        assert_eq!(stop.and_then(|stop| stop.container).as_deref(), Some("web"));
        assert!(crashed("Scaling activity initiated by (deployment ecs-svc/1)").is_none());
    }

    #[test]
    fn reasons_that_differ_in_addresses_only_are_one() {
        let stops: Vec<Stop> = ["10.0.1.23:443", "10.0.2.7:443", "10.0.1.9:443"]
            .into_iter()
            .filter_map(|address| crashed(&format!("CannotPullContainerError: dial tcp {address}: i/o timeout")))
            .collect();
        assert_eq!(repeated(&stops).map(|(times, _)| times), Some(3));
        assert!(repeated(&stops[..2]).is_none());
    }
}
