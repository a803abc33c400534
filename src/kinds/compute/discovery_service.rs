//! The Cloud Map service behind one private DNS name: ECS registers each task's address in it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::compute::discovery_namespace::{self, DiscoveryNamespace};
use crate::kinds::compute::section::Services;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{Environment, Section};
use crate::value::{Ref, Tags, Target};

pub struct DiscoveryService;

impl Target for DiscoveryService {
    const KIND: &'static str = "discovery_service";
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Attrs {
    /// The first label of the private DNS name.
    pub name: String,
    pub namespace: Ref<DiscoveryNamespace>,
    /// `A`, which is what tasks with an address of their own need.
    pub record_type: String,
    /// Seconds that a resolver may keep an answer.
    pub ttl: i64,
    /// `MULTIVALUE`: an answer holds up to eight healthy tasks.
    pub routing_policy: String,
    /// Whether the registering party, which is ECS, reports the health of instances. Only a new service can
    /// get it.
    pub custom_health: bool,
    pub description: String,
    pub tags: Tags,
}

/// Short, because a task that went must not be called for long.
const TTL: i64 = 10;

/// What Cloud Map's pattern of names says of what stands between two dots.
fn is_label(label: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=63).contains(&label.len())
        && label.chars().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label != "_"
}

impl Kind for DiscoveryService {
    const RULES: &'static [Rule<Attrs>] = &[Rule {
        code: "BP-MAP-02",
        takes: "a private name has 127 characters at most; between its dots are 1 to 63 letters, digits, hyphens and \
                underscores, no hyphen at either end",
        source: "servicediscovery:CreateService.Name",
        check: |attrs, violations| {
            violations.length("name", &attrs.name, 0..=127);
            violations.must("name", &attrs.name, attrs.name.split('.').all(is_label));
        },
        inside: &[
            edit("dns-name = \"shop\"", "dns-name = \"<63>.<63>\""),
            edit("dns-name = \"shop\"", "dns-name = \"_shop.Blue-1\""),
        ],
        outside: &[
            edit("dns-name = \"shop\"", "dns-name = \"<63>.<62>.a\""),
            edit("dns-name = \"shop\"", "dns-name = \"<64>\""),
            edit("dns-name = \"shop\"", "dns-name = \"shop-\""),
            edit("dns-name = \"shop\"", "dns-name = \"-shop\""),
            edit("dns-name = \"shop\"", "dns-name = \"the shop\""),
            edit("dns-name = \"shop\"", "dns-name = \"shop.\""),
            edit("dns-name = \"shop\"", "dns-name = \"_\""),
            edit("dns-name = \"shop\"", "dns-name = \"\""),
        ],
    }];
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("name", "dns-name")];
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["services.….dns"];
    const SUMMARY: &'static [&'static str] = &["name"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] =
        &["name", "namespace", "record_type", "routing_policy", "custom_health"];
    const INSIDE: &'static [&'static str] = &["namespace"];
    const TAG_INDEX: Option<&'static str> = Some("servicediscovery:service");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const BACKED_BY: Option<&'static str> = Some("ecs_service");
    const OUTPUTS: &'static [&'static str] = &["arn"];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        if discovery_namespace::domain(env).is_none() {
            return Vec::new();
        }
        let named =
            env.section::<Services>().iter().filter_map(|(key, service)| Some((key, service.dns_name.as_ref()?)));
        let desired = named.map(|(key, name)| {
            let attrs = Attrs {
                name: name.clone(),
                namespace: Ref::to("main"),
                record_type: "A".to_owned(),
                ttl: TTL,
                routing_policy: "MULTIVALUE".to_owned(),
                custom_health: true,
                description: format!("Tasks of {}", env.naming_key(Services::KEY, key)),
                tags: env.tags_of::<Self>(key),
            };
            Desired::new(key, &[Services::KEY, key], attrs)
        });
        desired.collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.namespace == live.namespace && desired.name == live.name
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let domain = discovery_namespace::domain(live.env);
        let name = domain.map(|domain| format!("{}.{domain}", live.attrs.name));
        live.output(format!("{}.{}.dns", Services::KEY, live.name), OutputSort::Name, name.as_deref())
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let health = if attrs.custom_health { json!([{ "failure_threshold": 1 }]) } else { json!([]) };
        let body = json!({
            "name": attrs.name,
            "description": attrs.description,
            "dns_config": [{
                "namespace_id": attrs.namespace,
                "routing_policy": attrs.routing_policy,
                "dns_records": [{ "type": attrs.record_type, "ttl": attrs.ttl }],
            }],
            "health_check_custom_config": health,
            "tags": attrs.tags,
        });
        Block::one("aws_service_discovery_service", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_servicediscovery::Client as Discovery;
    use aws_sdk_servicediscovery::error::SdkError;
    use aws_sdk_servicediscovery::operation::create_service::CreateServiceError as CreateError;
    use aws_sdk_servicediscovery::types::{
        DnsConfig, DnsConfigChange, DnsRecord, FilterCondition, HealthCheckCustomConfig, RecordType, RoutingPolicy,
        ServiceChange, ServiceFilter, ServiceFilterName, ServiceSummary,
    };
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, OwnError, Reader, SdkResult};
    use crate::kinds::compute::discovery_namespace::{operation, request_id, tagging};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::ownership::{Ownership, confirm_tags};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    const SETTINGS: &[Setting<ServiceSummary>] = &[Setting::new("HealthCheckConfig", |service| {
        members::text(service.health_check_config().map(|check| check.r#type().as_str()))
    })];

    impl Calls for DiscoveryService {
        const ERRORS: &'static [OwnError] = &[discovery_namespace::IN_PROGRESS];

        fn members() -> Vec<Members> {
            vec![Members::of(
                "servicediscovery:ListServices",
                "Services",
                &["Id", "Arn", "Name", "Description", "DnsConfig", "HealthCheckCustomConfig"],
                SETTINGS,
                &[
                    ("whose it is, where it is shared", &["ResourceOwner", "CreatedByAccount"]),
                    ("counts what is in it, when it was made", &["InstanceCount", "CreateDate"]),
                    ("follows from the records", &["Type"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let namespaces = discovery_namespace::namespaces(read).await?;
            // A namespace that has lost its tags is known by its name, and still holds what is ours.
            let domain = discovery_namespace::domain(read.scope.env);
            let is_named = |attrs: &discovery_namespace::Attrs| Some(attrs.name.as_str()) == domain;
            let ours = namespaces
                .iter()
                .filter(|namespace| namespace.address.is_some() || namespace.attrs.as_ref().is_some_and(is_named));
            let found = try_join_all(ours.map(|namespace| read_namespace(read, &namespace.id))).await?;
            Ok(found.into_iter().flatten().collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tagging::of(read.aws, live.outputs.get("arn").map_or("", String::as_str)).await?;
            confirm_tags::<Self>(read, live, tags, |attrs| &mut attrs.tags);
            Ok(())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let call =
                aws.once::<Discovery>().create_service().name(&attrs.name).namespace_id(attrs.namespace.value());
            let mut call = call.description(&attrs.description).dns_config(dns(attrs)?);
            if attrs.custom_health {
                call = call.health_check_custom_config(HealthCheckCustomConfig::builder().build());
            }
            let call = call.creator_request_id(request_id(new.token)).set_tags(Some(tagging::to_aws(&attrs.tags)?));
            let (id, arn) = match call.send().await {
                Ok(made) => made.service.map(|service| (service.id, service.arn)).unwrap_or_default(),
                Err(error) => match made_before(&error, new.token) {
                    Some(ids) => ids,
                    None => return Err(error).operation("servicediscovery:CreateService"),
                },
            };
            Ok(WriteResult::new(id.unwrap_or_default()).output("arn", arn.unwrap_or_default()))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("ttl") || change.changes("description") {
                // The records always go along: Cloud Map takes away what an update leaves out.
                let records = DnsConfigChange::builder().dns_records(record(change.attrs)?).build();
                let records = records.map_err(|error| CloudError::internal(error.to_string()))?;
                let service =
                    ServiceChange::builder().description(&change.attrs.description).dns_config(records).build();
                let call = aws.client::<Discovery>().update_service().id(change.id).service(service);
                let accepted = call.send().await.operation("servicediscovery:UpdateService")?;
                operation::settled(aws, accepted.operation_id().unwrap_or_default()).await?;
            }
            if change.changes("tags") {
                let arn = change.outputs.get("arn").map_or("", String::as_str);
                tagging::retag(aws, arn, &change.before.tags, &change.attrs.tags).await?;
            }
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        /// Refused as in use while a task is still registered.
        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Discovery>()
                .delete_service()
                .id(gone.id)
                .send()
                .await
                .optional("servicediscovery:DeleteService")?;
            Ok(())
        }
    }

    fn record(attrs: &Attrs) -> Result<DnsRecord, CloudError> {
        let record =
            DnsRecord::builder().r#type(RecordType::from(attrs.record_type.as_str())).ttl(attrs.ttl).build();
        record.map_err(|error| CloudError::internal(error.to_string()))
    }

    // The namespace stands in the DNS settings too, because only from there does a list answer with it.
    #[expect(deprecated)]
    fn dns(attrs: &Attrs) -> Result<DnsConfig, CloudError> {
        let config = DnsConfig::builder()
            .namespace_id(attrs.namespace.value())
            .routing_policy(RoutingPolicy::from(attrs.routing_policy.as_str()))
            .dns_records(record(attrs)?);
        config.build().map_err(|error| CloudError::internal(error.to_string()))
    }

    /// Id and ARN from an earlier attempt of the same create, whose answer was lost.
    fn made_before<R>(error: &SdkError<CreateError, R>, token: &str) -> Option<(Option<String>, Option<String>)> {
        match error.as_service_error()? {
            CreateError::ServiceAlreadyExists(there) if there.creator_request_id() == Some(&request_id(token)) => {
                Some((there.service_id.clone(), there.service_arn.clone()))
            }
            _ => None,
        }
    }

    async fn read_namespace(read: &Reader<'_>, namespace: &str) -> Result<Vec<Live<Attrs>>, CloudError> {
        let inside = ServiceFilter::builder()
            .name(ServiceFilterName::NamespaceId)
            .condition(FilterCondition::Eq)
            .values(namespace)
            .build()
            .map_err(|error| CloudError::internal(error.to_string()))?;
        let pages = read.aws.client::<Discovery>().list_services().filters(inside).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.operation("servicediscovery:ListServices")?;
        let found = pages
            .iter()
            .flat_map(aws_sdk_servicediscovery::operation::list_services::ListServicesOutput::services)
            .filter(|service| is_inside(service, namespace));
        try_join_all(found.map(|service| live(read, namespace, service))).await
    }

    /// Whether a listed service is not known to be in another namespace.
    #[expect(deprecated)]
    fn is_inside(service: &ServiceSummary, namespace: &str) -> bool {
        service.dns_config().and_then(DnsConfig::namespace_id).is_none_or(|found| found == namespace)
    }

    /// Also one that somebody else put into the namespace.
    async fn live(read: &Reader<'_>, namespace: &str, service: &ServiceSummary) -> Result<Live<Attrs>, CloudError> {
        let arn = service.arn().unwrap_or_default();
        let implied = implied(read.scope.env, service.name().unwrap_or_default());
        let ownership = Ownership::of::<DiscoveryService>(read, arn, implied, tagging::of(read.aws, arn)).await?;
        let id = service.id().unwrap_or_default();
        let mut live = ownership.live(id, |tags| attrs(namespace, service, tags)).output("arn", arn);
        live.settings = settings(SETTINGS, service);
        // Neither indexed nor named by the spec. Left behind, it would keep the namespace from being deleted: worth
        // a call.
        if live.address.is_none() && live.unread.contains(&"tags") {
            let tags = tagging::of(read.aws, arn).await?;
            confirm_tags::<DiscoveryService>(read, &mut live, tags, |attrs| &mut attrs.tags);
        }
        Ok(live)
    }

    /// The address that a DNS name stands for in the spec.
    fn implied(env: &Environment, name: &str) -> Option<Address> {
        let (key, _) =
            env.section::<Services>().iter().find(|(_, service)| service.dns_name.as_deref() == Some(name))?;
        Some(Address::new(DiscoveryService::KIND, key))
    }

    /// What a list tells of a service, which is everything but its tags.
    fn attrs(namespace: &str, service: &ServiceSummary, tags: Tags) -> Attrs {
        let records = service.dns_config().map(DnsConfig::dns_records).unwrap_or_default();
        let types: Vec<&str> = records.iter().map(|record| record.r#type().as_str()).collect();
        // MULTIVALUE is the default, which an answer may leave out.
        let policy = service.dns_config().and_then(DnsConfig::routing_policy).unwrap_or(&RoutingPolicy::Multivalue);
        Attrs {
            name: service.name().unwrap_or_default().to_owned(),
            namespace: Ref::id(namespace),
            record_type: types.join(","),
            ttl: records.first().map_or(0, DnsRecord::ttl),
            routing_policy: policy.as_str().to_owned(),
            custom_health: service.health_check_custom_config().is_some(),
            description: service.description().unwrap_or_default().to_owned(),
            tags,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn wanted() -> Attrs {
            Attrs {
                name: "api".to_owned(),
                namespace: Ref::id("ns-1"),
                record_type: "A".to_owned(),
                ttl: TTL,
                routing_policy: "MULTIVALUE".to_owned(),
                custom_health: true,
                description: "Tasks of api".to_owned(),
                tags: Tags::new(),
            }
        }

        #[test]
        fn what_is_written_reads_back_the_same() -> Result<(), CloudError> {
            let wanted = wanted();
            let listed = ServiceSummary::builder()
                .name(&wanted.name)
                .description(&wanted.description)
                .dns_config(dns(&wanted)?)
                .health_check_custom_config(HealthCheckCustomConfig::builder().build())
                .build();
            assert_eq!(serde_json::json!(attrs("ns-1", &listed, Tags::new())), serde_json::json!(wanted));
            assert!(is_inside(&listed, "ns-1"));
            assert!(!is_inside(&listed, "ns-2"));
            Ok(())
        }
    }
}
