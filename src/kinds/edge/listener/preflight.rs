//! Whether a certificate that exists already serves the names of its load balancer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_acm::types::CertificateDetail;
use futures_util::future::join_all;

use super::{Attrs, CERTIFICATE};
use crate::aws::{CloudError, Reader};
use crate::kinds::edge::certificate::{covered, describe, issued};
use crate::kinds::edge::entry::{Source, balancers};
use crate::kinds::preflight::{Answer, Coming, Verdict};

/// ACM renews what it issued 60 days before the end; what is imported nobody renews.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// One call for each certificate.
pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let all = balancers(read.scope.env);
    let mut asked = Vec::new();
    for coming in coming.iter().filter(|coming| coming.sets(&["certificate"])) {
        for certificate in &coming.attrs.certificate {
            let arn = certificate.value();
            let served = all.iter().find(|balancer| {
                matches!(balancer.certificate(), Some(Source::Existing(own)) if own == arn)
                    && balancer.application() == coming.address.name()
            });
            if let Some(balancer) = served {
                asked.push((coming, arn, balancer.names()));
            }
        }
    }
    let arns: BTreeSet<&str> = asked.iter().map(|(_, arn, _)| *arn).collect();
    let reads = arns.iter().map(|arn| async { (*arn, looked_up(read, arn).await) });
    let found: BTreeMap<&str, Result<Found, CloudError>> = join_all(reads).await.into_iter().collect();
    let answer = |(coming, arn, names): &(&Coming<'_, Attrs>, &str, BTreeSet<String>)| {
        let verdict = match found.get(arn) {
            Some(Ok(Found::Other(why))) => Verdict::unknown(why.clone()),
            Some(Ok(Found::Elsewhere(verdict))) => verdict.clone(),
            Some(Ok(Found::Detail(detail))) => judged(arn, detail.as_deref(), names, SystemTime::now()),
            Some(Err(error)) => Verdict::failed(error),
            None => Verdict::unknown("nobody was asked"),
        };
        coming.answer_at(&CERTIFICATE, "certificate", *arn, verdict)
    };
    asked.iter().map(answer).collect()
}

enum Found {
    /// As ACM tells it; `None` where it has no such certificate.
    Detail(Option<Box<CertificateDetail>>),
    /// In another region or account.
    Elsewhere(Verdict),
    /// Of another service.
    Other(String),
}

async fn looked_up(read: &Reader<'_>, arn: &str) -> Result<Found, CloudError> {
    let mut parts = arn.split(':').skip(2);
    let (service, region) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if service != "acm" {
        return Ok(Found::Other(format!("{arn} is of {service}: only certificates of ACM are looked up")));
    }
    if region != read.aws.region {
        return Ok(Found::Elsewhere(Verdict::bad(
            format!("{arn} is in {region}"),
            format!("a load balancer in {} takes only certificates of its own region", read.aws.region),
            "request or import one there, and give its ARN",
        )));
    }
    Ok(Found::Detail(describe(read.aws, arn).await?.map(Box::new)))
}

fn judged(arn: &str, detail: Option<&CertificateDetail>, names: &BTreeSet<String>, now: SystemTime) -> Verdict {
    const REFUSED: &str = "the listener is refused";
    let Some(detail) = detail else {
        return Verdict::bad(
            format!("ACM has no certificate {arn}"),
            REFUSED,
            "correct the ARN, or `certificate = { request = true }`",
        );
    };
    if !issued(detail) {
        let status = detail.status().map_or("?", aws_sdk_acm::types::CertificateStatus::as_str);
        let next = "see to it that it is issued, or give another one";
        return Verdict::bad(format!("the certificate is {status}"), REFUSED, next);
    }
    let covered = covered(detail);
    let missing: Vec<&str> =
        names.iter().filter(|name| !covered.iter().any(|one| serves(one, name))).map(String::as_str).collect();
    if !missing.is_empty() {
        let of: Vec<&str> = covered.iter().map(String::as_str).collect();
        return Verdict::bad(
            format!("the certificate is for {}, not for {}", of.join(", "), missing.join(", ")),
            "browsers refuse the connection",
            "give one that is for every name of the load balancer",
        );
    }
    let end = detail.not_after().and_then(|end| SystemTime::try_from(*end).ok());
    if let Some(end) = end
        && end < now + SOON
    {
        let end = crate::clock::rfc3339(end);
        let next = "renew it, or give another one";
        return Verdict::bad(format!("the certificate ends on {end}"), "browsers refuse the connection then", next);
    }
    Verdict::ok(match names.is_empty() {
        true => "the certificate is issued; the spec has no name that it must be for".to_owned(),
        false => {
            format!("the certificate is issued, and for {}", names.iter().cloned().collect::<Vec<_>>().join(", "))
        }
    })
}

/// Whether a name of a certificate is for this one: a star stands for one label.
fn serves(covered: &str, name: &str) -> bool {
    covered == name
        || covered
            .strip_prefix("*.")
            .is_some_and(|parent| name.split_once('.').is_some_and(|(_, own)| own == parent))
}

#[cfg(test)]
mod tests {
    use aws_sdk_acm::primitives::DateTime;
    use aws_sdk_acm::types::CertificateStatus;

    use super::*;

    fn of(status: CertificateStatus, name: &str, days: u64) -> Verdict {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let end = DateTime::from(now + Duration::from_secs(days * 24 * 3600));
        let detail =
            CertificateDetail::builder().domain_name("*.town.example").status(status).not_after(end).build();
        judged("arn", Some(&detail), &BTreeSet::from([name.to_owned()]), now)
    }

    #[test]
    fn a_certificate_serves_the_names_that_it_is_for() {
        let issued = || CertificateStatus::Issued;
        assert!(matches!(of(issued(), "shop.town.example", 300), Verdict::Ok { .. }));
        let evidence = |verdict| match verdict {
            Verdict::Bad { evidence, .. } => evidence,
            other => panic!("it does not serve: {other:?}"),
        };
        assert_eq!(
            evidence(of(issued(), "town.example", 300)),
            "the certificate is for *.town.example, not for town.example"
        );
        assert!(evidence(of(issued(), "a.b.town.example", 300)).ends_with("not for a.b.town.example"));
        assert!(evidence(of(issued(), "shop.town.example", 13)).starts_with("the certificate ends on 1970-"));
        let pending = of(CertificateStatus::PendingValidation, "shop.town.example", 300);
        assert_eq!(evidence(pending), "the certificate is PENDING_VALIDATION");
        assert_eq!(
            evidence(judged("arn", None, &BTreeSet::new(), SystemTime::now())),
            "ACM has no certificate arn"
        );
    }
}
