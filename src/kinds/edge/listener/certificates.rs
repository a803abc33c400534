//! Certificates that somebody gave a listener beside its own.

use aws_sdk_elasticloadbalancingv2::Client as Elb;
use aws_sdk_elasticloadbalancingv2::types::{Listener, ProtocolEnum};

use crate::aws::{CloudError, Reader, SdkResult};
use crate::kinds::members::{self, Members};

/// Under which they are told.
pub(super) const MEMBER: &str = "ListenerCertificates";

pub(super) fn members() -> Members {
    Members::of_made(
        "elasticloadbalancing:DescribeListenerCertificates",
        "Certificates",
        &["CertificateArn", "IsDefault"],
        [MEMBER],
        &[],
    )
}

/// Their ARNs, for who wants to know everything: AWS tells of one listener a call only.
pub(super) async fn further(read: &Reader<'_>, listener: &Listener) -> Result<Option<String>, CloudError> {
    let (true, Some(ProtocolEnum::Https), Some(arn)) =
        (read.scope.everything, listener.protocol(), listener.listener_arn())
    else {
        return Ok(None);
    };
    let pages =
        read.aws.client::<Elb>().describe_listener_certificates().listener_arn(arn).into_paginator().items();
    let all = pages.send().collect::<Result<Vec<_>, _>>().await;
    let all = all.operation("elasticloadbalancing:DescribeListenerCertificates")?;
    // The one that it begins with is there, too.
    let own = listener.certificates();
    let is_own = |arn: &str| own.iter().any(|one| one.certificate_arn() == Some(arn));
    let further = all.iter().filter(|one| one.is_default() != Some(true)).filter_map(|one| one.certificate_arn());
    Ok(members::list(further.filter(|arn| !is_own(arn))))
}
