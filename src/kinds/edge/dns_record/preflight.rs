//! Whether the world asks the hosted zone that records are written to, and whom its CAA records let issue certificates.

use std::collections::BTreeSet;
use std::rc::Rc;

use aws_sdk_route53::Client as Route53;
use aws_sdk_route53::types::{HostedZone, HostedZoneConfig, RrType};

use super::section::Dns;
use super::{Attrs, CNAME, DELEGATED, spec_zone, wire, zone};
use crate::aws::{CloudError, Reader, SdkResult};
use crate::kinds::preflight::{Answer, Coming, Verdict};

/// The spec's zone as Route 53 has it.
pub(in crate::kinds) struct Zone {
    id: String,
    name: String,
    pub is_private: bool,
    /// By name, in lower case and without a dot at the end.
    name_servers: BTreeSet<String>,
}

/// The spec's zone, shared with the certificates. `None` where it names none.
pub(in crate::kinds) async fn of_spec(read: &Reader<'_>) -> Result<Rc<Option<Zone>>, CloudError> {
    read.shared("hosted zone of the spec", async {
        let Some(named) = read.scope.env.section::<Dns>().as_ref().and_then(spec_zone) else { return Ok(None) };
        let id = zone::resolve(read.aws, named).await?;
        let answer = read.aws.client::<Route53>().get_hosted_zone().id(&id).send().await;
        let answer = answer.operation("route53:GetHostedZone")?;
        let found = answer.hosted_zone();
        let servers = answer.delegation_set().map(|set| set.name_servers().to_vec()).unwrap_or_default();
        Ok(Some(Zone {
            id,
            name: found.map(|found| wire::plain(found.name())).unwrap_or_default(),
            is_private: found.is_some_and(is_private),
            name_servers: servers.iter().map(|server| wire::plain(server)).collect(),
        }))
    })
    .await
}

/// Names and values of the zone's CAA records.
pub(in crate::kinds) async fn caa(
    read: &Reader<'_>,
    zone: &Zone,
) -> Result<Vec<(String, Vec<String>)>, CloudError> {
    let sets = zone::records(read.aws, &zone.name, &zone.id).await?;
    let own = sets.iter().filter(|set| *set.r#type() == RrType::Caa);
    Ok(own
        .map(|set| {
            let values = set.resource_records().iter().map(|record| record.value().to_owned());
            (wire::plain(set.name()), values.collect())
        })
        .collect())
}

/// One answer for all records, which are in one zone: it stands at the first of them that is made, and where ACM asks for
/// one, at that.
pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let made = || coming.iter().filter(|coming| coming.is_made);
    let proving = made().find(|coming| coming.attrs.sort == CNAME);
    let Some(coming) = proving.or_else(|| made().next()) else { return Vec::new() };
    let verdict = match known(read).await {
        Ok((zone, above)) => match zone.as_ref() {
            Some(zone) => judged(zone, above.as_ref(), proving.is_some()),
            None => Verdict::unknown("the spec names no zone any more"),
        },
        Err(error) => Verdict::failed(&error),
    };
    vec![coming.answer(&DELEGATED, verdict)]
}

async fn known(read: &Reader<'_>) -> Result<(Rc<Option<Zone>>, Option<Above>), CloudError> {
    let zone = of_spec(read).await?;
    let above = match zone.as_ref() {
        Some(zone) if !zone.is_private => above(read, zone).await?,
        _ => None,
    };
    Ok((zone, above))
}

fn is_private(zone: &HostedZone) -> bool {
    zone.config().is_some_and(HostedZoneConfig::private_zone)
}

/// What the zone above names as the name servers of this one.
struct Above {
    name: String,
    /// `None` where it names none.
    delegates_to: Option<BTreeSet<String>>,
    /// What the zone names itself: the same servers may have names of one's own there.
    own: BTreeSet<String>,
}

/// The next public zone above, where the account has one.
async fn above(read: &Reader<'_>, zone: &Zone) -> Result<Option<Above>, CloudError> {
    let pages = read.aws.client::<Route53>().list_hosted_zones().into_paginator().items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.operation("route53:ListHostedZones")?;
    let is_public = |found: &&HostedZone| !is_private(found);
    let is_above = |name: &str| zone.name.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    let public = all.iter().filter(is_public).map(|found| (wire::plain(found.name()), found.id()));
    let Some((name, id)) = public.filter(|(name, _)| is_above(name)).max_by_key(|(name, _)| name.len()) else {
        return Ok(None);
    };
    let id = id.trim_start_matches("/hostedzone/");
    let servers = async |id: &str| {
        let set = zone::find(read.aws, id, &zone.name, RrType::Ns).await?;
        let named =
            set.map(|set| set.resource_records().iter().map(|record| wire::plain(record.value())).collect());
        Ok::<Option<BTreeSet<String>>, CloudError>(named)
    };
    let (delegates_to, own) = futures_util::future::try_join(servers(id), servers(&zone.id)).await?;
    Ok(Some(Above { name, delegates_to, own: own.unwrap_or_default() }))
}

/// `proves` says whether ACM asks for a record.
fn judged(zone: &Zone, above: Option<&Above>, proves: bool) -> Verdict {
    let Zone { name, name_servers, .. } = zone;
    let listed = |servers: &BTreeSet<String>| servers.iter().cloned().collect::<Vec<_>>().join(", ");
    match (zone.is_private, above) {
        (true, _) if proves => Verdict::bad(
            format!("the zone {name} is private"),
            "ACM asks the public DNS: the certificate stays pending for ever",
            "give the public zone of the domain (`zone` or `zone-id` under [dns])",
        ),
        (true, _) => Verdict::ok(format!("the zone {name} is private: the VPCs that it is associated with ask it")),
        (false, Some(Above { name: parent, delegates_to: None, .. })) => Verdict::bad(
            format!("the zone {parent} of this account has no NS record for {name}"),
            "the world does not ask this zone: no record of it is found",
            format!("add to {parent} the NS record {name} with {}", listed(name_servers)),
        ),
        (false, Some(Above { name: parent, delegates_to: Some(servers), own }))
            if servers == name_servers || servers == own =>
        {
            Verdict::ok(format!("the zone {parent} of this account delegates {name} to this zone"))
        }
        (false, Some(Above { name: parent, delegates_to: Some(servers), .. })) => Verdict::bad(
            format!("the zone {parent} of this account delegates {name} to {}", listed(servers)),
            "the world asks another zone than this one",
            format!(
                "change its NS record {name} to {}, or give the other zone by `zone-id` under [dns]",
                listed(name_servers)
            ),
        ),
        (false, None) => Verdict::unknown(format!(
            "who delegates {name} is not in this account; its domain's name servers must be {}: `dig +short NS {name}` \
             shows them",
            listed(name_servers)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(is_private: bool) -> Zone {
        let name_servers = BTreeSet::from(["ns-1.example.net".to_owned(), "ns-2.example.net".to_owned()]);
        Zone { id: "Z1".to_owned(), name: "town.example".to_owned(), is_private, name_servers }
    }

    #[test]
    fn the_world_asks_the_zone_that_it_is_sent_to() {
        let above = |servers: Option<&[&str]>| Above {
            name: "example".to_owned(),
            delegates_to: servers.map(|servers| servers.iter().map(ToString::to_string).collect()),
            own: BTreeSet::from(["ns.town.example".to_owned()]),
        };
        let of = |above: Option<Above>| judged(&zone(false), above.as_ref(), false);
        assert!(matches!(of(None), Verdict::Unknown { why } if why.contains("ns-1.example.net, ns-2.example.net")));
        assert!(matches!(of(Some(above(None))), Verdict::Bad { .. }));
        assert!(matches!(of(Some(above(Some(&["ns-9.example.net"])))), Verdict::Bad { .. }));
        assert!(matches!(of(Some(above(Some(&["ns-2.example.net", "ns-1.example.net"])))), Verdict::Ok { .. }));
        assert!(matches!(of(Some(above(Some(&["ns.town.example"])))), Verdict::Ok { .. }), "names of one's own");
    }

    #[test]
    fn nothing_is_proven_in_a_private_zone() {
        assert!(matches!(judged(&zone(true), None, true), Verdict::Bad { .. }));
        assert!(matches!(judged(&zone(true), None, false), Verdict::Ok { .. }));
    }
}
