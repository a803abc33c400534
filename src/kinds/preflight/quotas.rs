//! The account's quotas, from Service Quotas: one paged list a service, and only of services that a plan makes objects
//! of.

use std::collections::HashMap;

use aws_sdk_servicequotas::Client as Quotas;
use aws_sdk_servicequotas::types::ServiceQuota;

use super::{Answer, Coming, QUOTA, Verdict};
use crate::aws::{CloudError, Reader, SdkResult, service};

service!(aws_sdk_servicequotas);

/// A quota by the codes that Service Quotas has for it
/// (<https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html>).
#[derive(Clone, Copy)]
pub(in crate::kinds) struct Quota {
    pub service: &'static str,
    pub code: &'static str,
    /// What is counted: "VPCs in the region".
    pub counts: &'static str,
}

/// Answers for each object that is one more, in their order: there must be room for all of them together. `used` counts
/// what there is.
pub(in crate::kinds) async fn room<A>(
    read: &Reader<'_>,
    quota: Quota,
    coming: &[Coming<'_, A>],
    used: impl Future<Output = Result<usize, CloudError>>,
) -> Vec<Answer> {
    let more: Vec<_> = coming.iter().filter(|coming| coming.is_more).collect();
    if more.is_empty() {
        return Vec::new();
    }
    let verdict = match futures_util::future::try_join(limit(read, quota), used).await {
        Ok((limit, used)) => verdict(quota, limit, used as f64, more.len() as f64),
        Err(error) => Verdict::failed(&error),
    };
    more.into_iter().map(|coming| coming.answer(&QUOTA, verdict.clone())).collect()
}

/// Whether `added` fit beside what is `used`. `None` for a limit that AWS does not tell.
pub(in crate::kinds) fn verdict(quota: Quota, limit: Option<f64>, used: f64, added: f64) -> Verdict {
    let Quota { service, code, counts } = quota;
    let Some(limit) = limit else {
        return Verdict::unknown(format!("Service Quotas does not tell the quota {code} of {service}: {counts}"));
    };
    let room = format!("{counts}: {used} of {limit} are used, the plan adds {added}");
    if used + added <= limit {
        return Verdict::ok(room);
    }
    Verdict::bad(
        room,
        format!("AWS refuses what goes beyond the quota {code} of {service}"),
        format!(
            "delete what is no longer needed, or ask AWS for more: `aws service-quotas request-service-quota-increase \
             --service-code {service} --quota-code {code} --desired-value {}`",
            (used + added).ceil()
        ),
    )
}

/// The account's quota; AWS's default where the account has none of its own.
pub(in crate::kinds) async fn limit(read: &Reader<'_>, quota: Quota) -> Result<Option<f64>, CloudError> {
    let Quota { service, code, .. } = quota;
    let applied = read.shared(service, applied(read, service)).await?;
    if let Some(value) = applied.get(code) {
        return Ok(Some(*value));
    }
    let call = read.aws.soon::<Quotas>().list_aws_default_service_quotas();
    let pages = call.service_code(service).max_results(100).into_paginator().items().send();
    let defaults =
        pages.collect::<Result<Vec<_>, _>>().await.operation("servicequotas:ListAWSDefaultServiceQuotas")?;
    Ok(values(defaults).get(code).copied())
}

async fn applied(read: &Reader<'_>, service: &str) -> Result<HashMap<String, f64>, CloudError> {
    // Nobody waits long for what is only good to know.
    let call = read.aws.soon::<Quotas>().list_service_quotas();
    let pages = call.service_code(service).max_results(100).into_paginator().items().send();
    let applied = pages.collect::<Result<Vec<_>, _>>().await.operation("servicequotas:ListServiceQuotas")?;
    Ok(values(applied))
}

fn values(quotas: Vec<ServiceQuota>) -> HashMap<String, f64> {
    quotas.into_iter().filter_map(|quota| Some((quota.quota_code?, quota.value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VPCS: Quota = Quota { service: "vpc", code: "L-F678F1CE", counts: "VPCs in the region" };

    #[test]
    fn what_fits_just_so_fits() {
        let ok = verdict(VPCS, Some(5.0), 4.0, 1.0);
        assert_eq!(ok, Verdict::ok("VPCs in the region: 4 of 5 are used, the plan adds 1"));
        assert!(matches!(verdict(VPCS, None, 0.0, 1.0), Verdict::Unknown { .. }));
        let Verdict::Bad { evidence, next, .. } = verdict(VPCS, Some(5.0), 5.0, 1.0) else { panic!("it is full") };
        assert_eq!(evidence, "VPCs in the region: 5 of 5 are used, the plan adds 1");
        assert!(next.ends_with("--service-code vpc --quota-code L-F678F1CE --desired-value 6`"), "{next}");
    }
}
