//! Who keeps something of EC2 from being deleted. AWS says `DependencyViolation` and no more.

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::types::NetworkInterface;

use super::filter;
use crate::aws::{Aws, CloudError, ErrorClass, SdkResult};

/// What is named at most: a VPC in use may hold hundreds.
const NAMED: usize = 5;

/// What cannot go, by id.
#[derive(Clone, Copy)]
pub(in crate::kinds) enum Used<'a> {
    SecurityGroup(&'a str),
    Subnet(&'a str),
    Vpc(&'a str),
    /// The internet gateway of this VPC.
    GatewayOf(&'a str),
}

/// Adds to the refusal of a delete what still uses the object: network interfaces with their owners, else other
/// objects.
pub(in crate::kinds) async fn named<T>(
    aws: &Aws,
    used: Used<'_>,
    deleted: Result<T, CloudError>,
) -> Result<T, CloudError> {
    let mut error = match deleted {
        Err(error) if error.is(ErrorClass::InUse) => error,
        other => return other,
    };
    // Who may not look it up still learns that the object is in use.
    let users = users(aws, used).await.unwrap_or_default();
    if !users.is_empty() {
        let more = users.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let users: Vec<String> = users.into_iter().take(NAMED).collect();
        error.message = format!("{} Still used by {}{more}.", error.message, users.join(", "));
    }
    Err(error)
}

async fn users(aws: &Aws, used: Used<'_>) -> Result<Vec<String>, CloudError> {
    let (by, id) = match used {
        Used::SecurityGroup(id) => ("group-id", id),
        Used::Subnet(id) => ("subnet-id", id),
        Used::Vpc(id) | Used::GatewayOf(id) => ("vpc-id", id),
    };
    let pages =
        aws.client::<Ec2>().describe_network_interfaces().filters(filter(by, id)).into_paginator().items().send();
    let interfaces = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeNetworkInterfaces")?;
    if !interfaces.is_empty() {
        return Ok(interfaces.iter().map(interface).collect());
    }
    let by = match used {
        // The rules of another group may name this one.
        Used::SecurityGroup(_) => "ip-permission.group-id",
        // Somebody else may have put groups and subnets into it.
        Used::Vpc(_) => "vpc-id",
        Used::Subnet(_) | Used::GatewayOf(_) => return Ok(Vec::new()),
    };
    let pages =
        aws.client::<Ec2>().describe_security_groups().filters(filter(by, id)).into_paginator().items().send();
    let groups = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeSecurityGroups")?;
    let others =
        groups.iter().filter(|group| group.group_id() != Some(id) && group.group_name() != Some("default"));
    let mut users: Vec<String> = others
        .map(|group| {
            let (id, name) = (group.group_id().unwrap_or_default(), group.group_name().unwrap_or_default());
            format!("security group {id} ({name})")
        })
        .collect();
    if let Used::Vpc(_) = used {
        let pages = aws.client::<Ec2>().describe_subnets().filters(filter(by, id)).into_paginator().items().send();
        let subnets = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeSubnets")?;
        users.extend(subnets.iter().filter_map(|subnet| Some(format!("subnet {}", subnet.subnet_id()?))));
    }
    Ok(users)
}

/// `eni-1 "ELB app/shop/50dc" of amazon-elb`.
fn interface(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or("a network interface");
    let attachment = interface.attachment();
    let owner = attachment
        .and_then(|attachment| attachment.instance_id())
        .or(interface.requester_id())
        .or(attachment.and_then(|attachment| attachment.instance_owner_id()))
        .or(interface.owner_id());
    let description = interface.description().filter(|text| !text.is_empty());
    let description = description.map(|text| format!(" \"{text}\"")).unwrap_or_default();
    let owner = owner.map(|owner| format!(" of {owner}")).unwrap_or_default();
    format!("{id}{description}{owner}")
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

    use super::*;

    #[test]
    fn an_interface_is_named_with_its_owner() {
        let balancer = NetworkInterface::builder().network_interface_id("eni-1").description("ELB app/shop/50dc");
        assert_eq!(
            interface(&balancer.requester_id("amazon-elb").build()),
            "eni-1 \"ELB app/shop/50dc\" of amazon-elb"
        );
        let attachment = NetworkInterfaceAttachment::builder().instance_id("i-2").build();
        let machine = NetworkInterface::builder().network_interface_id("eni-2").attachment(attachment);
        assert_eq!(interface(&machine.requester_id("1234").build()), "eni-2 of i-2");
    }
}
