//! The subnets of the region: their zones and free addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aws_sdk_ec2::Client as Ec2;

use crate::aws::{CloudError, Reader, SdkResult};
use crate::kinds::network::section::Network;
use crate::kinds::network::subnet::Subnet;
use crate::value::Ref;

/// Addresses of every subnet that AWS keeps for itself
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>).
const RESERVED: u64 = 5;

/// A subnet as it is.
pub(in crate::kinds) struct Found {
    pub zone: String,
    pub free: u64,
}

/// By what messages call a subnet, its free addresses; `None` where AWS tells no such subnet.
pub(in crate::kinds) type Free = BTreeMap<String, Option<u64>>;

/// The free addresses of these subnets. One that the plan makes has all that its range leaves.
pub(in crate::kinds) async fn free(read: &Reader<'_>, subnets: &BTreeSet<Ref<Subnet>>) -> Result<Free, CloudError> {
    let is_live = |subnet: &Ref<Subnet>| matches!(subnet, Ref::Id { .. });
    let live = match subnets.iter().any(is_live) {
        true => found(read).await?,
        false => Rc::default(),
    };
    let wanted = &read.scope.env.section::<Network>().subnets;
    let size = |subnet: &Ref<Subnet>| match subnet {
        Ref::Id { id, .. } => live.get(id).map(|found| found.free),
        Ref::To { address, .. } => {
            let range = wanted.get(address.name())?.cidr?;
            Some((1_u64 << (32 - range.prefix_len())).saturating_sub(RESERVED))
        }
    };
    Ok(subnets.iter().map(|subnet| (name(subnet), size(subnet))).collect())
}

/// What messages call it: its id, or the address of one that is yet to be made.
pub(in crate::kinds) fn name(subnet: &Ref<Subnet>) -> String {
    match subnet {
        Ref::Id { id, .. } => id.clone(),
        Ref::To { address, .. } => address.to_string(),
    }
}

/// Every subnet in the region, by id: one paged call, however many of them are asked about.
pub(in crate::kinds) async fn found(read: &Reader<'_>) -> Result<Rc<BTreeMap<String, Found>>, CloudError> {
    read.shared("subnets of the region", async {
        let pages = read.aws.client::<Ec2>().describe_subnets().into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeSubnets")?;
        let each = found.into_iter().filter_map(|subnet| {
            let free = u64::try_from(subnet.available_ip_address_count?).unwrap_or_default();
            Some((subnet.subnet_id?, Found { zone: subnet.availability_zone.unwrap_or_default(), free }))
        });
        Ok(each.collect())
    })
    .await
}
