//! Whether RDS offers a database in the region: its version on its class, and what else it is to have.

use std::collections::BTreeMap;
use std::rc::Rc;

use aws_sdk_rds::Client as Rds;
use aws_sdk_rds::types::OrderableDbInstanceOption as Offer;
use futures_util::future::{join, join_all, join3};

use super::version::is_within;
use super::{Attrs, OFFERED};
use crate::aws::{CloudError, Reader, SdkResult};
use crate::kinds::preflight::quotas::{self, Quota};
use crate::kinds::preflight::{Answer, Coming, Verdict, roles};

const DATABASES: Quota = Quota { service: "rds", code: "L-7B6409FD", counts: "databases in the region" };

/// What RDS offers only together.
const CHOICES: [&str; 6] = ["engine", "version", "class", "storage_type", "multi_az", "performance_insights"];

/// Versions that are listed of what is offered.
const LISTED: usize = 5;

pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let role = roles::service_linked(read, "AWSServiceRoleForRDS", "rds.amazonaws.com", coming);
    let used = async {
        let pages = read.aws.client::<Rds>().describe_db_instances().into_paginator().items().send();
        Ok(pages.collect::<Result<Vec<_>, _>>().await.operation("rds:DescribeDBInstances")?.len())
    };
    let room = quotas::room(read, DATABASES, coming, used);
    let (offered, role, room) = join3(offered(read, coming), role, room).await;
    offered.into_iter().chain(role).chain(room).collect()
}

/// What an offer says of one of its features.
type Has = fn(&Offer) -> Option<bool>;

type Offers = Result<Rc<Vec<Offer>>, CloudError>;

/// One paged call for each engine and class.
async fn offered(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let asked: Vec<_> = coming.iter().filter(|coming| coming.sets(&CHOICES)).collect();
    let mut choices: BTreeMap<(&str, &str), ()> = BTreeMap::new();
    for coming in &asked {
        choices.insert((&coming.attrs.engine, &coming.attrs.class), ());
    }
    let reads = choices.keys().map(|choice| async { (*choice, offers(read, choice.0, choice.1).await) });
    let (offers, ()) = join(join_all(reads), std::future::ready(())).await;
    let offers: BTreeMap<(&str, &str), Offers> = offers.into_iter().collect();
    let answer = |coming: &&Coming<'_, Attrs>| {
        let attrs = &coming.attrs;
        let verdict = match offers.get(&(attrs.engine.as_str(), attrs.class.as_str())) {
            Some(Ok(offers)) => return judged(coming, offers, &read.aws.region),
            Some(Err(error)) => Verdict::failed(error),
            None => Verdict::unknown("nobody was asked"),
        };
        coming.answer_at(&OFFERED, "version", attrs.version.clone(), verdict)
    };
    asked.iter().map(answer).collect()
}

async fn offers(read: &Reader<'_>, engine: &str, class: &str) -> Offers {
    let call = read.aws.client::<Rds>().describe_orderable_db_instance_options();
    let pages = call.engine(engine).db_instance_class(class).into_paginator().items().send();
    let offers = pages.collect::<Result<Vec<_>, _>>().await.operation("rds:DescribeOrderableDBInstanceOptions")?;
    Ok(Rc::new(offers))
}

fn judged(coming: &Coming<'_, Attrs>, offers: &[Offer], region: &str) -> Answer {
    let Attrs { engine, version, class, storage_type, .. } = &coming.attrs;
    let bad = |field, value: &str, evidence: String, next: String| {
        let cause = "RDS refuses to make the database";
        coming.answer_at(&OFFERED, field, value, Verdict::bad(evidence, cause, next))
    };
    if offers.is_empty() {
        let classes = format!(
            "choose another class: `aws rds describe-orderable-db-instance-options --engine {engine} --region {region} \
             --query 'OrderableDBInstanceOptions[].DBInstanceClass'` lists them"
        );
        return bad("class", class, format!("{engine} is not offered on {class} in {region}"), classes);
    }
    let of_version: Vec<&Offer> =
        offers.iter().filter(|offer| is_within(version, offer.engine_version().unwrap_or_default())).collect();
    if of_version.is_empty() {
        let evidence = format!("{engine} {version} is not offered on {class} in {region}");
        return bad("version", version, evidence, format!("choose an offered version: {}", versions(offers)));
    }
    let of_type: Vec<&&Offer> =
        of_version.iter().filter(|offer| offer.storage_type() == Some(storage_type.as_str())).collect();
    if of_type.is_empty() {
        let evidence =
            format!("{engine} {version} on {class} is not offered with {storage_type} storage in {region}");
        return bad("storage_type", storage_type, evidence, "choose another `storage-type`".to_owned());
    }
    let wanted: [(&'static str, &str, bool, Has); 3] = [
        ("multi_az", "a standby in another zone", coming.attrs.multi_az, Offer::multi_az_capable),
        ("encrypted", "encrypted storage", coming.attrs.encrypted, Offer::supports_storage_encryption),
        (
            "performance_insights",
            "Performance Insights",
            coming.attrs.performance_insights,
            Offer::supports_performance_insights,
        ),
    ];
    for (field, what, is_wanted, has) in wanted {
        if is_wanted && !of_type.iter().any(|offer| has(offer) == Some(true)) {
            let evidence = format!("{engine} {version} on {class} is not offered with {what} in {region}");
            return bad(field, "true", evidence, format!("choose another class, or do without {what}"));
        }
    }
    let offered = of_type.iter().filter_map(|offer| offer.engine_version()).max_by_key(|version| numbers(version));
    let evidence =
        format!("{engine} {} is offered on {class} with {storage_type} storage", offered.unwrap_or(version));
    coming.answer_at(&OFFERED, "version", version.clone(), Verdict::ok(evidence))
}

/// The latest versions.
fn versions(offers: &[Offer]) -> String {
    let mut versions: Vec<&str> = offers.iter().filter_map(Offer::engine_version).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(numbers(version)));
    versions.dedup();
    let more = if versions.len() > LISTED { ", …" } else { "" };
    versions.truncate(LISTED);
    format!("{}{more}", versions.join(", "))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|segment| segment.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::attrs;
    use super::*;
    use crate::value::Address;

    fn offer(version: &str, storage: &str, multi_az: bool) -> Offer {
        let offer = Offer::builder().engine("postgres").db_instance_class("db.t4g.micro");
        let offer = offer.engine_version(version).storage_type(storage).multi_az_capable(multi_az);
        offer.supports_storage_encryption(true).supports_performance_insights(true).build()
    }

    fn of(change: impl FnOnce(&mut Attrs), offers: &[Offer]) -> (&'static str, Verdict) {
        let mut attrs = Attrs {
            engine: "postgres".to_owned(),
            version: "16".to_owned(),
            class: "db.t4g.micro".to_owned(),
            storage_type: "gp3".to_owned(),
            multi_az: false,
            ..attrs()
        };
        change(&mut attrs);
        let address = Address::new("db_instance", "main");
        let coming =
            Coming { address: &address, attrs, live: None, is_made: true, is_more: true, changed: Vec::new() };
        let answer = judged(&coming, offers, "eu-central-1");
        (answer.field, answer.verdict)
    }

    #[test]
    fn what_is_offered_is_told_from_what_is_not() {
        let offers = [offer("16.3", "gp3", false), offer("16.10", "gp3", true), offer("15.7", "gp2", false)];
        let (_, ok) = of(|_| {}, &offers);
        assert_eq!(ok, Verdict::ok("postgres 16.10 is offered on db.t4g.micro with gp3 storage"));
        let bad = |change: fn(&mut Attrs), offers: &[Offer]| match of(change, offers) {
            (field, Verdict::Bad { evidence, next, .. }) => (field, evidence, next),
            (_, verdict) => panic!("it is not offered: {verdict:?}"),
        };
        let (field, evidence, _) = bad(|_| {}, &[]);
        assert_eq!(
            (field, evidence.as_str()),
            ("class", "postgres is not offered on db.t4g.micro in eu-central-1")
        );
        let (field, _, next) = bad(|attrs| attrs.version = "17".to_owned(), &offers);
        assert_eq!((field, next.as_str()), ("version", "choose an offered version: 16.10, 16.3, 15.7"));
        assert_eq!(bad(|attrs| attrs.version = "15".to_owned(), &offers).0, "storage_type");
        let one = [offer("16.3", "gp3", false)];
        assert_eq!(bad(|attrs| attrs.multi_az = true, &one).0, "multi_az");
        assert!(matches!(of(|attrs| attrs.multi_az = true, &offers).1, Verdict::Ok { .. }));
    }
}
