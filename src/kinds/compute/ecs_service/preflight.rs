//! What the tasks that a plan starts take: addresses of their subnets, and vCPUs of Fargate.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::{LaunchType, Task};
use futures_util::future::{join, try_join_all};

use super::Attrs;
use crate::aws::{CloudError, Reader, SdkResult};
use crate::kinds::compute::section::Services;
use crate::kinds::network::subnet::Subnet;
use crate::kinds::preflight::addresses::{Free, free, name};
use crate::kinds::preflight::quotas::{self, Quota};
use crate::kinds::preflight::{ADDRESSES, Answer, Coming, QUOTA, Verdict};
use crate::value::Ref;

const VCPUS: Quota = Quota { service: "fargate", code: "L-3032A538", counts: "vCPUs of Fargate in the region" };

/// CPU units of one vCPU.
const UNITS: u64 = 1024;

/// `DescribeTasks` takes this many.
const DESCRIBED_AT_ONCE: usize = 100;

/// What makes ECS start every task anew.
const ROLLS: [&str; 6] =
    ["task_definition", "subnets", "security_groups", "public_ip", "load_balancers", "service_registries"];

pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let starting: Vec<Starting<'_, '_>> = coming.iter().filter_map(Starting::of).collect();
    if starting.is_empty() {
        return Vec::new();
    }
    let (mut answers, more) = join(addresses(read, &starting), vcpus(read, &starting)).await;
    answers.extend(more);
    answers
}

/// A service of which the plan starts tasks beside those that run.
struct Starting<'a, 'c> {
    coming: &'a Coming<'c, Attrs>,
    tasks: u64,
}

impl<'a, 'c> Starting<'a, 'c> {
    fn of(coming: &'a Coming<'c, Attrs>) -> Option<Self> {
        let tasks = u64::try_from(started(coming)).ok().filter(|tasks| *tasks > 0)?;
        Some(Self { coming, tasks })
    }
}

/// How many tasks run beside those that run now, at most: during a rollout up to `maximum_percent` of the count
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html>).
fn started(coming: &Coming<'_, Attrs>) -> i32 {
    let attrs = &coming.attrs;
    if !coming.sets(&ROLLS) && !coming.sets(&["desired_count"]) {
        return 0;
    }
    // What is replaced goes before the next one comes.
    let now = coming.live.as_ref().filter(|_| !coming.is_more).and_then(|live| live.desired_count);
    // Where something else sets the count, it stays.
    let count = attrs.desired_count.or(now).or(attrs.initial_count).unwrap_or(1);
    let is_rolled = !coming.is_made && coming.sets(&ROLLS);
    let most = if is_rolled { count.max(count.saturating_mul(attrs.maximum_percent) / 100) } else { count };
    most - now.unwrap_or(if coming.is_made { 0 } else { count })
}

/// One address a task, in the subnets of its service. Tasks that may run there only must fit in there together.
async fn addresses(read: &Reader<'_>, starting: &[Starting<'_, '_>]) -> Vec<Answer> {
    let mut places: BTreeMap<&BTreeSet<Ref<Subnet>>, u64> = BTreeMap::new();
    for one in starting {
        *places.entry(&one.coming.attrs.subnets).or_default() += one.tasks;
    }
    let all = places.keys().flat_map(|subnets| subnets.iter().cloned()).collect();
    let found = free(read, &all).await;
    let verdict = |own: &BTreeSet<Ref<Subnet>>| {
        let confined = places.iter().filter(|(subnets, _)| subnets.is_subset(own));
        let tasks: u64 = confined.map(|(_, tasks)| tasks).sum();
        match &found {
            Ok(found) => {
                let known = |name: String| found.get(&name).map(|free| (name, *free));
                room(&own.iter().map(name).filter_map(known).collect(), tasks)
            }
            Err(error) => Verdict::failed(error),
        }
    };
    let verdicts: BTreeMap<_, _> = places.keys().map(|subnets| (*subnets, verdict(subnets))).collect();
    let answer = |one: &Starting<'_, '_>| {
        let verdict = verdicts.get(&one.coming.attrs.subnets)?.clone();
        Some(one.coming.answer_at(&ADDRESSES, "subnets", "", verdict))
    };
    starting.iter().filter_map(answer).collect()
}

fn room(subnets: &Free, tasks: u64) -> Verdict {
    if let Some((name, _)) = subnets.iter().find(|(_, free)| free.is_none()) {
        return Verdict::bad(
            format!("the subnet {name} does not exist"),
            "ECS starts no task in it",
            "correct its id under [network.subnets]",
        );
    }
    let free: u64 = subnets.values().flatten().sum();
    let each = subnets.iter().map(|(name, free)| format!("{name} {}", free.unwrap_or_default()));
    let evidence = format!(
        "the plan starts up to {tasks} task{} in subnets with {free} free addresses ({})",
        if tasks == 1 { "" } else { "s" },
        each.collect::<Vec<_>>().join(", ")
    );
    if tasks <= free {
        return Verdict::ok(evidence);
    }
    Verdict::bad(
        evidence,
        "each task takes one address, and ECS cannot start those that get none",
        "add a subnet with a free range, take fewer tasks, or lower `deployment.maximum-percent`",
    )
}

async fn vcpus(read: &Reader<'_>, starting: &[Starting<'_, '_>]) -> Vec<Answer> {
    let services = read.scope.env.section::<Services>();
    let units = |one: &Starting<'_, '_>| {
        let cpu = services.get(one.coming.address.name()).and_then(|service| u64::try_from(service.cpu).ok());
        cpu.unwrap_or_default() * one.tasks
    };
    let added: u64 = starting.iter().map(units).sum();
    let verdict = match futures_util::future::try_join(quotas::limit(read, VCPUS), used(read)).await {
        Ok((limit, used)) => quotas::verdict(VCPUS, limit, vcpus_of(used), vcpus_of(added)),
        Err(error) => Verdict::failed(&error),
    };
    starting.iter().map(|one| one.coming.answer(&QUOTA, verdict.clone())).collect()
}

fn vcpus_of(units: u64) -> f64 {
    units as f64 / UNITS as f64
}

/// The CPU units of all Fargate tasks in the region: calls grow with clusters and with pages of tasks.
async fn used(read: &Reader<'_>) -> Result<u64, CloudError> {
    let pages = read.aws.client::<Ecs>().list_clusters().into_paginator().items().send();
    let clusters = pages.collect::<Result<Vec<_>, _>>().await.operation("ecs:ListClusters")?;
    let each = try_join_all(clusters.iter().map(|cluster| of_cluster(read, cluster))).await?;
    Ok(each.iter().flatten().filter(|task| is_counted(task)).map(units).sum())
}

async fn of_cluster(read: &Reader<'_>, cluster: &str) -> Result<Vec<Task>, CloudError> {
    let call = read.aws.client::<Ecs>().list_tasks().cluster(cluster).launch_type(LaunchType::Fargate);
    let pages = call.into_paginator().items().send();
    let arns = pages.collect::<Result<Vec<_>, _>>().await.operation("ecs:ListTasks")?;
    let reads = arns.chunks(DESCRIBED_AT_ONCE).map(|arns| async {
        let call = read.aws.client::<Ecs>().describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
        Ok(call.send().await.operation("ecs:DescribeTasks")?.tasks.unwrap_or_default())
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Spot has a quota of its own.
fn is_counted(task: &Task) -> bool {
    task.capacity_provider_name() != Some("FARGATE_SPOT")
}

fn units(task: &Task) -> u64 {
    task.cpu().and_then(|units| units.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::EcsService;
    use super::*;
    use crate::kinds::Kind;
    use crate::value::Address;

    fn attrs(count: i32, maximum_percent: i32) -> Attrs {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        let env = crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env;
        let attrs = EcsService::desired(&env).remove(0).attrs;
        Attrs { desired_count: Some(count), maximum_percent, ..attrs }
    }

    fn tasks(live: Option<Attrs>, attrs: Attrs, changed: &[&str]) -> i32 {
        let address = Address::new("ecs_service", "web");
        let (is_made, changed) = (live.is_none(), changed.iter().map(ToString::to_string).collect());
        started(&Coming { address: &address, attrs, live, is_made, is_more: is_made, changed })
    }

    #[test]
    fn tasks_are_counted_that_run_beside_the_others() {
        assert_eq!(tasks(None, attrs(3, 200), &[]), 3);
        assert_eq!(tasks(Some(attrs(2, 200)), attrs(5, 200), &["desired_count"]), 3);
        assert_eq!(tasks(Some(attrs(3, 200)), attrs(3, 200), &["task_definition"]), 3, "a rollout doubles them");
        assert_eq!(tasks(Some(attrs(3, 150)), attrs(3, 150), &["task_definition"]), 1, "ECS rounds down");
        assert_eq!(tasks(Some(attrs(3, 100)), attrs(3, 100), &["task_definition"]), 0);
        assert_eq!(tasks(Some(attrs(5, 200)), attrs(2, 200), &["desired_count"]), -3);
        assert_eq!(tasks(Some(attrs(3, 200)), attrs(3, 200), &["tags"]), 0);
        let address = Address::new("ecs_service", "web");
        let (attrs, live) = (attrs(3, 200), Some(attrs(2, 200)));
        let replaced =
            Coming { address: &address, attrs, live, is_made: true, is_more: false, changed: Vec::new() };
        assert_eq!(started(&replaced), 1, "the old ones go first");
    }

    #[test]
    fn tasks_fit_into_what_is_free() {
        let free =
            |free: &[(&str, Option<u64>)]| free.iter().map(|(name, free)| ((*name).to_owned(), *free)).collect();
        assert!(matches!(room(&free(&[("a", Some(2)), ("b", Some(1))]), 3), Verdict::Ok { .. }));
        assert!(matches!(room(&free(&[("a", Some(2)), ("b", Some(1))]), 4), Verdict::Bad { .. }));
        assert!(matches!(room(&free(&[("a", Some(2)), ("b", None)]), 1), Verdict::Bad { .. }));
    }

    #[test]
    fn spot_is_not_counted() {
        let task = Task::builder().cpu("512");
        assert_eq!(units(&task.clone().build()), 512);
        assert!(is_counted(&task.clone().build()));
        assert!(!is_counted(&task.capacity_provider_name("FARGATE_SPOT").build()));
    }
}
