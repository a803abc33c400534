//! What a load balancer takes: addresses of its subnets, a place in the account's quota, and ELB's role.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::Client as Elb;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use futures_util::future::join3;

use super::Attrs;
use crate::aws::{Reader, SdkResult};
use crate::kinds::network::subnet::Subnet;
use crate::kinds::preflight::addresses::{Free, free};
use crate::kinds::preflight::quotas::{self, Quota};
use crate::kinds::preflight::{ADDRESSES, Answer, Coming, Verdict, roles};
use crate::value::Ref;

const BALANCERS: Quota = Quota {
    service: "elasticloadbalancing",
    code: "L-53DA6B97",
    counts: "application load balancers in the region",
};

/// Free addresses that it must have in each subnet
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#subnets-load-balancer>).
const FREE: u64 = 8;

pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let used = async {
        let pages = read.aws.client::<Elb>().describe_load_balancers().into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().await;
        let found = found.operation("elasticloadbalancing:DescribeLoadBalancers")?;
        Ok(found.iter().filter(|one| one.r#type() == Some(&LoadBalancerTypeEnum::Application)).count())
    };
    let role = "AWSServiceRoleForElasticLoadBalancing";
    let role = roles::service_linked(read, role, "elasticloadbalancing.amazonaws.com", coming);
    let (addresses, room, role) =
        join3(addresses(read, coming), quotas::room(read, BALANCERS, coming, used), role).await;
    addresses.into_iter().chain(room).chain(role).collect()
}

/// The subnets that it gets.
fn added(coming: &Coming<'_, Attrs>) -> BTreeSet<Ref<Subnet>> {
    let wanted = &coming.attrs.subnets;
    match coming.live.as_ref().filter(|_| !coming.is_made) {
        Some(live) => wanted.difference(&live.subnets).cloned().collect(),
        None => wanted.clone(),
    }
}

async fn addresses(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let asked: Vec<_> = coming.iter().filter(|coming| !added(coming).is_empty()).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    // What is asked about at once takes one call.
    let answers = asked.into_iter().map(|coming| async {
        let verdict = match free(read, &added(coming)).await {
            Ok(found) => room(&found),
            Err(error) => Verdict::failed(&error),
        };
        coming.answer_at(&ADDRESSES, "subnets", "", verdict)
    });
    futures_util::future::join_all(answers).await
}

fn room(subnets: &Free) -> Verdict {
    let each = subnets.iter().map(|(name, free)| format!("{name} {}", free.unwrap_or_default()));
    let evidence = format!("free addresses: {}", each.collect::<Vec<_>>().join(", "));
    let full: Vec<&str> = subnets
        .iter()
        .filter(|(_, free)| free.is_none_or(|free| free < FREE))
        .map(|(name, _)| name.as_str())
        .collect();
    if full.is_empty() {
        return Verdict::ok(evidence);
    }
    Verdict::bad(
        evidence,
        format!("a load balancer takes a subnet only if {FREE} of its addresses are free"),
        format!("free addresses in {}, or choose other `subnets`", full.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subnet_must_have_eight_free_addresses() {
        let free = |free: &[(&str, Option<u64>)]| {
            room(&free.iter().map(|(name, free)| ((*name).to_owned(), *free)).collect())
        };
        assert_eq!(free(&[("a", Some(8)), ("b", Some(251))]), Verdict::ok("free addresses: a 8, b 251"));
        let Verdict::Bad { next, .. } = free(&[("a", Some(7)), ("b", Some(251)), ("c", None)]) else {
            panic!("there is no room")
        };
        assert_eq!(next, "free addresses in a, c, or choose other `subnets`");
    }
}
