//! Records in Route 53: the names that lead to the load balancer, and those that prove whose a domain is.
//! There are none if the spec names no zone.

#[cfg(feature = "aws")]
mod beside;
mod ownership;
#[cfg(feature = "aws")]
pub(in crate::kinds) mod preflight;
mod rules;
pub mod section;
#[cfg(feature = "aws")]
mod wire;
#[cfg(feature = "aws")]
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::kinds::compute::services::EcsService;
use crate::kinds::edge::certificate::{self, Certificate};
use crate::kinds::edge::dns_record::section::Dns;
use crate::kinds::edge::entry::{Listener, balancers};
use crate::kinds::edge::load_balancer::LoadBalancer;
use crate::kinds::edge::routes::routed;
use crate::kinds::example::Example;
use crate::kinds::preflight::Question;
use crate::kinds::rules::{Rule, TagCharacters};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Outputs, Stage, Users};
use crate::spec::{self, AnySection, Environment};
use crate::value::{Address, Ref, Tags, Target, Text};

pub struct DnsRecord;

impl Target for DnsRecord {
    const KIND: &'static str = "dns_record";
}

const DELEGATED: Question = Question {
    code: "BP-PRE-07",
    category: "dns",
    asks: "the world asks the hosted zone: it is public, and the zone above it, where that is in the account too, names its \
           name servers",
    permissions: &[
        "route53:ListHostedZonesByName",
        "route53:GetHostedZone",
        "route53:ListHostedZones",
        "route53:ListResourceRecordSets",
    ],
    stops: true,
};

const ZONE_ID: &str = "zone_id";

const CNAME: &str = "CNAME";

/// Seconds that resolvers keep a validation record.
const VALIDATION_TTL: i64 = 60;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// The hosted zone, by name or id as the spec has it.
    pub zone: String,
    /// The full name in lower case, without a dot at its end.
    pub name: Text,
    /// `A` or `CNAME`.
    #[serde(rename = "type")]
    pub sort: String,
    #[serde(flatten, deserialize_with = "leads_to")]
    pub leads_to: LeadsTo,
    /// The tags of ownership; the TXT record beside this one holds them.
    pub tags: Tags,
}

/// What the record says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LeadsTo {
    /// The load balancer's own addresses, whatever they are just then.
    Alias { alias: Alias },
    /// `ttl` in seconds.
    Records {
        ttl: i64,
        #[serde(alias = "values")]
        records: BTreeSet<Text>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alias {
    pub dns_name: Ref<LoadBalancer>,
    pub zone_id: Ref<LoadBalancer>,
    pub evaluate_target_health: bool,
}

/// Cloud files of earlier versions hold both under a name of their own, and records as `values`.
fn leads_to<'de, D: Deserializer<'de>>(record: D) -> Result<LeadsTo, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Nested { answer: Answer },
        Flat(LeadsTo),
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answer {
        Alias(LeadsTo),
        Records { values: LeadsTo },
    }
    let stored = Stored::deserialize(record)?;
    let (Stored::Flat(leads_to)
    | Stored::Nested { answer: Answer::Alias(leads_to) | Answer::Records { values: leads_to } }) = stored;
    Ok(leads_to)
}

/// The validation records of these names: name of the record and domain. A wildcard and the domain under it have one
/// record together.
pub(in crate::kinds) fn validation_records(
    env: &Environment,
    names: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    if env.section::<Dns>().as_ref().and_then(spec_zone).is_none() {
        return BTreeMap::new();
    }
    let names = names.iter();
    names.map(|name| (format!("validation-{}", name.trim_start_matches("*.")), name.clone())).collect()
}

fn spec_zone(dns: &Dns) -> Option<&str> {
    dns.zone_id.as_deref().or(dns.zone.as_deref())
}

/// The names that lead to load balancers.
#[cfg(feature = "aws")]
fn names(env: &Environment) -> BTreeSet<String> {
    balancers(env).iter().flat_map(super::entry::Balancer::names).collect()
}

/// Types of records that lead a client somewhere beside a plain A record, such as AAAA, which clients that have IPv6 prefer.
const BESIDE: [&str; 3] = ["AAAA", "HTTPS", "SVCB"];

impl Kind for DnsRecord {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Dns>()];
    const EXAMPLES: &'static [Example] = section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    /// They are no tags of AWS's but the text of a TXT record, in which a name may begin with `*`.
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const SUMMARY: &'static [&'static str] = &["type", "alias"];
    const STAGE: Stage = Stage::Dns;
    const REPLACE_ON: &'static [&'static str] = &["zone", "name", "type"];
    const SERVES_TRAFFIC: bool = true;
    const OUTPUTS: &'static [&'static str] = &[ZONE_ID];
    /// A name leads to another load balancer once all who answer there are ready.
    const UPDATES_FOLLOW: bool = true;
    const IDENTITY: Option<&'static str> = Some("name");
    const GLOBAL_EVENTS: bool = true;
    const CREATE_FIRST: bool = false;
    const PREFLIGHT: &'static [&'static Question] = &[&DELEGATED];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let Some(zone) = env.section::<Dns>().as_ref().and_then(spec_zone) else { return Vec::new() };
        let attrs = |key: &str, name: Text, sort: &str, leads_to: LeadsTo| Attrs {
            zone: zone.to_owned(),
            name,
            sort: sort.to_owned(),
            leads_to,
            tags: ownership::only(&env.tags_of::<Self>(key)),
        };
        let mut desired = Vec::new();
        // Two certificates for one domain share its record.
        let mut seen = BTreeSet::new();
        for balancer in certificate::requested(env) {
            for (key, domain) in validation_records(env, &balancer.names()) {
                if !seen.insert(key.clone()) {
                    continue;
                }
                let (name, value) = certificate::validation_outputs(&domain);
                let output = |output: &str| Text::output(Address::new(Certificate::KIND, balancer.key), output);
                let records = BTreeSet::from([output(&value)]);
                let leads_to = LeadsTo::Records { ttl: VALIDATION_TTL, records };
                let attrs = attrs(&key, output(&name), CNAME, leads_to);
                let record = Desired::new(key, &balancer.names_path(), attrs);
                // The listener waits for the certificate, and the certificate for this.
                desired.push(Desired { stage: Some(Stage::LoadBalancer), ..record });
            }
        }
        let routed = routed(env);
        for balancer in balancers(env) {
            for name in balancer.names() {
                let alias = Alias {
                    dns_name: Ref::output(balancer.key, "dns_name"),
                    zone_id: Ref::output(balancer.key, "zone_id"),
                    evaluate_target_health: false,
                };
                let attrs = attrs(&name, name.as_str().into(), "A", LeadsTo::Alias { alias });
                // A name leads only to where somebody listens, with a certificate for it.
                let after = vec![Address::new(Listener::KIND, balancer.application())];
                let served = routed.iter().filter(|routed| routed.balancer.key == balancer.key);
                let follows = served.map(|routed| Address::new(EcsService::KIND, routed.key)).collect();
                desired.push(Desired { after, follows, ..Desired::new(name, &balancer.names_path(), attrs) });
            }
        }
        desired
    }

    /// ACM looks for the record of a domain as long as there is a certificate for that.
    fn deleted_after(live: &Attrs) -> &'static [&'static str] {
        if live.sort == CNAME { &["certificate"] } else { Self::DELETE_AFTER }
    }

    /// Who asks for a name comes from outside; what proves a domain is asked for by ACM alone, and by the next one.
    fn deletion_impact(live: &Attrs, _users: &Users<'_>) -> Impact {
        if matches!(live.leads_to, LeadsTo::Alias { .. }) { Impact::Outage } else { Impact::None }
    }

    fn dangers(_desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let what = match &live.leads_to {
            LeadsTo::Alias { alias } => ("alias", format!("the name leads to {}", alias.dns_name.value())),
            LeadsTo::Records { records, .. } => {
                let records: Vec<_> = records.iter().map(Text::plain).collect();
                ("records", format!("the name leads to {}", records.join(", ")))
            }
        };
        vec![what]
    }

    fn setting_danger(name: &str, value: &str) -> Option<String> {
        BESIDE.contains(&name).then(|| format!("the name leads to {value}, too"))
    }

    /// The zone's id is the record's own output: a spec may name the zone by its domain.
    /// CloudTrail names the zone, and what is changed in it stands among the parameters of the request.
    fn event_names(id: &str, _outputs: &Outputs) -> Vec<String> {
        id.split_once('/').map(|(zone, _)| zone.to_owned()).into_iter().collect()
    }

    fn event_text(id: &str) -> Option<String> {
        id.split('/').nth(1).map(str::to_owned)
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        Some(format!("alias of {}", value["dns_name"].as_str()?))
    }

    fn terraform(attrs: &Attrs, this: &This<'_>) -> Vec<Block> {
        let zone: Ref<DnsRecord> = Ref::output(this.address.name(), "zone_id");
        let (ttl, records, alias) = match &attrs.leads_to {
            LeadsTo::Alias { alias: Alias { dns_name, zone_id, evaluate_target_health } } => (
                Value::Null,
                Value::Null,
                json!([{
                    "name": dns_name,
                    "zone_id": zone_id,
                    "evaluate_target_health": evaluate_target_health,
                }]),
            ),
            LeadsTo::Records { ttl, records } => (json!(ttl), json!(records), json!([])),
        };
        let body = json!({
            "zone_id": zone,
            "name": attrs.name,
            "type": attrs.sort,
            "ttl": ttl,
            "records": records,
            "alias": alias,
        });
        Block::one("aws_route53_record", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::HashMap;

    use aws_sdk_route53::types as route53;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    const SETTINGS: &[Setting<route53::ResourceRecordSet>] = &[
        Setting::new("HealthCheckId", |set| members::text(set.health_check_id())),
        Setting::new("TrafficPolicyInstanceId", |set| members::text(set.traffic_policy_instance_id())),
    ];

    impl Calls for DnsRecord {
        fn members() -> Vec<Members> {
            let plain = Members::of(
                "route53:ListResourceRecordSets",
                "ResourceRecordSets",
                &["Name", "Type", "TTL", "ResourceRecords", "AliasTarget"],
                SETTINGS,
                &[(
                    "of a routing policy: such a record is another than the plain one, and told as one that is not ours",
                    &[
                        "SetIdentifier",
                        "Weight",
                        "Region",
                        "GeoLocation",
                        "Failover",
                        "MultiValueAnswer",
                        "CidrRoutingConfig",
                        "GeoProximityLocation",
                        "AZAffinity",
                    ],
                )],
            );
            vec![plain, beside::members()]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let env = read.scope.env;
            let Some(spec) = env.section::<Dns>().as_ref().and_then(spec_zone) else { return Ok(Vec::new()) };
            let id = zone::resolve(read.aws, spec).await?;
            let sets = zone::records(read.aws, spec, &id).await?;
            let marks: HashMap<String, Tags> = sets
                .iter()
                .filter(|set| *set.r#type() == route53::RrType::Txt)
                .map(|set| (wire::plain(set.name()), ownership::read(set)))
                .collect();
            let ours = names(env);
            let beside = beside::by_name(&sets);
            let live = sets.iter().filter(|set| is_simple(set)).filter_map(|set| {
                let name = wire::plain(set.name());
                let tags = marks.get(&ownership::name_for(&name)).cloned().unwrap_or_default();
                let address = read.scope.owner::<Self>(&tags);
                let concerns = match set.r#type() {
                    route53::RrType::A => ours.contains(&name),
                    _ => is_validation(set, &ours),
                };
                if !read.scope.has_ownership_tags::<Self>(&tags) && !concerns {
                    return None;
                }
                let live = Live::new(address, record_id(&id, &name, set.r#type()), wire::read(spec, set, tags));
                let mut settings = settings(SETTINGS, set);
                settings.extend(beside.get(&name).cloned().into_iter().flatten());
                Some(Live { settings, ..live.output(ZONE_ID, &id) })
            });
            Ok(live.collect())
        }

        /// The record itself is created and not overwritten, so that one that somebody else made stops us.
        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let (attrs, name) = (new.attrs, new.attrs.name.plain());
            let id = zone::resolve(aws, &attrs.zone).await?;
            let (record, mark) = (wire::write(attrs)?, ownership::write(&name, &attrs.tags)?);
            let batch = |action| [(action, record.clone()), (route53::ChangeAction::Upsert, mark.clone())];
            if let Err(error) = zone::change(aws, &id, batch(route53::ChangeAction::Create)).await {
                if !already_exists(&error) {
                    return Err(error);
                }
                // A try whose answer got lost may have made it.
                if belongs_to_another(aws, &id, attrs).await? {
                    return Err(CloudError {
                        message: format!(
                            "{}. Delete that record, or plan again to see how to adopt it",
                            error.message.trim_end_matches('.')
                        ),
                        ..error
                    });
                }
                zone::change(aws, &id, batch(route53::ChangeAction::Upsert)).await?;
            }
            let sort = route53::RrType::from(attrs.sort.as_str());
            Ok(WriteResult::new(record_id(&id, &name, &sort)).output(ZONE_ID, id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let (id, name, tags) = (zone_of(change.id), change.attrs.name.plain(), &change.attrs.tags);
            let mut sets = Vec::new();
            if change.changed.iter().any(|field| field != "tags") {
                sets.push((route53::ChangeAction::Upsert, wire::write(change.attrs)?));
            }
            if tags.is_empty() {
                // Nobody's record has none beside it.
                let mark = zone::find(aws, id, &ownership::name_for(&name), route53::RrType::Txt).await?;
                sets.extend(mark.map(|mark| (route53::ChangeAction::Delete, mark)));
            } else {
                sets.push((route53::ChangeAction::Upsert, ownership::write(&name, tags)?));
            }
            if !sets.is_empty() {
                zone::change(aws, id, sets).await?;
            }
            Ok(WriteResult::new(change.id).output(ZONE_ID, id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let (id, name) = (zone_of(gone.id), gone.attrs.name.plain());
            // Route 53 deletes only what is named to the letter, so both are read again as they are.
            let record = zone::find(aws, id, &name, route53::RrType::from(gone.attrs.sort.as_str())).await?;
            let mark = zone::find(aws, id, &ownership::name_for(&name), route53::RrType::Txt).await?;
            let sets: Vec<_> = record.into_iter().chain(mark).collect();
            if sets.is_empty() {
                return Ok(());
            }
            zone::change(aws, id, sets.into_iter().map(|set| (route53::ChangeAction::Delete, set))).await
        }
    }

    /// What Baseplate writes: an A or CNAME record that is the only one of its name and type.
    fn is_simple(set: &route53::ResourceRecordSet) -> bool {
        matches!(set.r#type(), route53::RrType::A | route53::RrType::Cname) && set.set_identifier().is_none()
    }

    /// Whether a CNAME proves one of our domains to ACM: `_<hash>.<domain>`, leading to ACM.
    fn is_validation(set: &route53::ResourceRecordSet, ours: &BTreeSet<String>) -> bool {
        let name = wire::plain(set.name());
        let proves = name
            .strip_prefix('_')
            .and_then(|name| name.split_once('.'))
            .is_some_and(|(_, domain)| ours.iter().any(|name| name.trim_start_matches("*.") == domain));
        proves
            && set
                .resource_records()
                .iter()
                .any(|record| wire::plain(record.value()).ends_with(".acm-validations.aws"))
    }

    async fn belongs_to_another(aws: &Aws, zone: &str, attrs: &Attrs) -> Result<bool, CloudError> {
        let name = attrs.name.plain();
        if zone::find(aws, zone, &name, route53::RrType::from(attrs.sort.as_str())).await?.is_none() {
            return Ok(false);
        }
        let mark = zone::find(aws, zone, &ownership::name_for(&name), route53::RrType::Txt).await?;
        Ok(mark.map(|mark| ownership::read(&mark)).unwrap_or_default() != attrs.tags)
    }

    fn already_exists(error: &CloudError) -> bool {
        error.code == "InvalidChangeBatch" && error.message.contains("already exists")
    }

    /// `<zone id>/<name>/<type>`: records have no id of their own.
    fn record_id(zone: &str, name: &str, sort: &route53::RrType) -> String {
        format!("{zone}/{name}/{}", sort.as_str())
    }

    fn zone_of(id: &str) -> &str {
        id.split('/').next().unwrap_or_default()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn cname(name: &str, value: &str) -> Result<route53::ResourceRecordSet, CloudError> {
            route53::ResourceRecordSet::builder()
                .name(name)
                .r#type(route53::RrType::Cname)
                .resource_records(wire::record(value)?)
                .build()
                .map_err(wire::incomplete)
        }

        #[test]
        fn validation_records_are_recognised() -> Result<(), CloudError> {
            let ours = BTreeSet::from(["*.example.org".to_owned()]);
            assert!(is_validation(&cname("_1a.example.org.", "_2b.acm-validations.aws.")?, &ours));
            assert!(!is_validation(&cname("_1a.other.org.", "_2b.acm-validations.aws.")?, &ours));
            assert!(!is_validation(&cname("_1a.example.org.", "elsewhere.example.net.")?, &ours));
            Ok(())
        }

        #[test]
        fn the_zone_is_in_the_id() {
            assert_eq!(zone_of(&record_id("Z1", "*.example.org", &route53::RrType::A)), "Z1");
        }
    }
}
