//! Hosted zones: found by name, listed, looked into and changed.

use std::collections::HashSet;

use aws_sdk_route53::Client as Route53;
use aws_sdk_route53::types as route53;

use super::wire;
use crate::aws::{Aws, CloudError, ErrorClass, SdkResult, service};

service!(aws_sdk_route53);

const LIST: &str = "route53:ListResourceRecordSets";
const BY_NAME: &str = "route53:ListHostedZonesByName";

/// The id of the zone that the spec names, or has by its id already.
pub(super) async fn resolve(aws: &Aws, zone: &str) -> Result<String, CloudError> {
    if is_id(zone) {
        return Ok(zone.to_owned());
    }
    let answer =
        aws.client::<Route53>().list_hosted_zones_by_name().dns_name(zone).send().await.operation(BY_NAME)?;
    // The answer goes on with the zones that follow in the alphabet.
    let named = answer.hosted_zones().iter().filter(|found| wire::plain(found.name()) == wire::plain(zone));
    let private = |found: &route53::HostedZone| {
        found.config().is_some_and(aws_sdk_route53::types::HostedZoneConfig::private_zone)
    };
    let (inside, public): (Vec<_>, Vec<_>) = named.partition(|found| private(found));
    match (public.as_slice(), inside.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one.id().trim_start_matches("/hostedzone/").to_owned()),
        ([], []) => Err(missing(BY_NAME, zone)),
        _ => Err(CloudError::new(
            BY_NAME,
            "AmbiguousHostedZone",
            format!("several hosted zones are named {zone}; set `zone-id` under [dns]"),
        )),
    }
}

/// Every record set of a zone: 300 a page.
pub(super) async fn records(
    aws: &Aws,
    zone: &str,
    id: &str,
) -> Result<Vec<route53::ResourceRecordSet>, CloudError> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    let mut call = aws.client::<Route53>().list_resource_record_sets().hosted_zone_id(id);
    loop {
        let Some(page) = call.send().await.optional(LIST)? else { return Err(missing(LIST, zone)) };
        let more = page.is_truncated;
        let next = (page.next_record_name, page.next_record_type, page.next_record_identifier);
        all.extend(page.resource_record_sets);
        if !more || next.0.is_none() {
            return Ok(all);
        }
        // Names, not tokens, lead from page to page here, each time to one that was not there before.
        if !seen.insert(next.clone()) {
            let message = format!(
                "pagination of the records of {zone} does not end: a page leads back to an \
                                   earlier one"
            );
            return Err(CloudError::new(LIST, "EndlessPages", message));
        }
        let (name, sort, identifier) = next;
        call = aws
            .client::<Route53>()
            .list_resource_record_sets()
            .hosted_zone_id(id)
            .set_start_record_name(name)
            .set_start_record_type(sort)
            .set_start_record_identifier(identifier);
    }
}

/// One record set exactly as it is, which is how Route 53 wants it named in a delete.
pub(super) async fn find(
    aws: &Aws,
    id: &str,
    name: &str,
    sort: route53::RrType,
) -> Result<Option<route53::ResourceRecordSet>, CloudError> {
    let call = aws.client::<Route53>().list_resource_record_sets().hosted_zone_id(id).max_items(1);
    let answer = call.start_record_name(name).start_record_type(sort.clone()).send().await.optional(LIST)?;
    let sets = answer.map(|answer| answer.resource_record_sets).unwrap_or_default();
    Ok(sets.into_iter().find(|set| wire::plain(set.name()) == wire::plain(name) && *set.r#type() == sort))
}

/// Makes all these changes, or none.
pub(super) async fn change(
    aws: &Aws,
    id: &str,
    changes: impl IntoIterator<Item = (route53::ChangeAction, route53::ResourceRecordSet)>,
) -> Result<(), CloudError> {
    let changes = changes.into_iter().map(|(action, set)| {
        route53::Change::builder().action(action).resource_record_set(set).build().map_err(wire::incomplete)
    });
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let batch = route53::ChangeBatch::builder().set_changes(Some(changes)).build().map_err(wire::incomplete)?;
    let answer =
        aws.client::<Route53>().change_resource_record_sets().hosted_zone_id(id).change_batch(batch).send().await;
    answer.operation("route53:ChangeResourceRecordSets").map(drop)
}

fn is_id(zone: &str) -> bool {
    zone.starts_with('Z') && zone.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Refused rather than missing: the zone is not ours to make, so its absence is never what anybody wants.
fn missing(operation: &str, zone: &str) -> CloudError {
    let message = format!(
        "no hosted zone {zone} in this account; create it, correct `zone` or `zone-id` under [dns], \
         or leave both out and set the records where the domain's DNS is"
    );
    CloudError { class: ErrorClass::Rejected, ..CloudError::new(operation, "NoSuchHostedZone", message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_told_apart() {
        assert!(is_id("Z0123456789ABC"));
        assert!(!is_id("Zoo.example.org") && !is_id("example.org"));
    }
}
