//! Network interfaces in our VPC: who is there, whoever put it there.

use std::collections::BTreeSet;
use std::rc::Rc;

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::types::{Filter, NetworkInterface};

use super::vpc;
use crate::aws::{CloudError, Reader, SdkResult};

/// All of them, in one paged call, for who wants to know everything; for others none.
pub(in crate::kinds) async fn interfaces(read: &Reader<'_>) -> Result<Rc<Vec<NetworkInterface>>, CloudError> {
    let ask = async {
        let searched = vpc::searched(read).await?;
        if searched.is_empty() {
            return Ok(Vec::new());
        }
        let inside = Filter::builder().name("vpc-id").set_values(Some(searched.into_iter().collect())).build();
        let call = read.aws.client::<Ec2>().describe_network_interfaces().filters(inside);
        let pages = call.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeNetworkInterfaces")
    };
    read.shared("network interfaces", ask).await
}

/// The addresses of tasks: ECS describes the interface of one by the ARN of its attachment
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html>).
pub(in crate::kinds) async fn of_tasks(read: &Reader<'_>) -> Result<BTreeSet<String>, CloudError> {
    let all = interfaces(read).await?;
    let is_task = |one: &&NetworkInterface| one.description().is_some_and(|it| it.contains(":ecs:"));
    let of_task = all.iter().filter(is_task);
    let addresses = of_task.flat_map(|one| {
        let further = one.private_ip_addresses().iter().filter_map(|it| it.private_ip_address());
        one.private_ip_address().into_iter().chain(further)
    });
    Ok(addresses.map(str::to_owned).collect())
}
