//! The Cloud Map namespace under which services have private DNS names.

#[cfg(feature = "aws")]
pub(in crate::kinds) mod operation;
#[cfg(feature = "aws")]
pub(in crate::kinds) mod tagging;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::compute::ecs_cluster::section::Cluster;
use crate::kinds::compute::section::Services;
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, Section};
use crate::value::{Ref, Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{IN_PROGRESS, namespaces, request_id};

pub struct DiscoveryNamespace;

impl Target for DiscoveryNamespace {
    const KIND: &'static str = "discovery_namespace";
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Attrs {
    /// The domain, as in `prod.example.internal`.
    pub name: String,
    /// The VPC in which the names resolve. Cloud Map never tells it.
    pub vpc: Ref<Vpc>,
    pub description: String,
    pub tags: Tags,
}

/// The private domain, once a service has a name in it.
pub(in crate::kinds) fn domain(env: &Environment) -> Option<&str> {
    let domain = env.section::<Cluster>().private_domain.as_deref()?;
    env.section::<Services>().values().any(|service| service.dns_name.is_some()).then_some(domain)
}

fn description(env: &Environment) -> String {
    format!("Private names of {}", env.prefix())
}

/// The line of an example whose services have names in the domain.
const DOMAIN: &str = "[cluster]\nprivate-domain = \"town.internal\"";

impl Kind for DiscoveryNamespace {
    const RULES: &'static [Rule<Attrs>] = &[Rule {
        code: "BP-MAP-01",
        takes: "a private domain has 253 visible ASCII characters at most, 1 to 63 between its dots, and is no ARN",
        source: "servicediscovery:CreatePrivateDnsNamespace.Name",
        check: |attrs, violations| {
            let name = attrs.name.as_str();
            violations.length("name", name, 0..=253);
            violations.characters("name", name, |c| c.is_ascii_graphic());
            let is_label = |label: &str| (1..=63).contains(&label.len());
            violations.must("name", name, !name.starts_with("arn:") && name.split('.').all(is_label));
        },
        inside: &[
            edit(DOMAIN, "[cluster]\nprivate-domain = \"local\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"<63>.<63>.<63>.<61>\""),
        ],
        outside: &[
            edit(DOMAIN, "[cluster]\nprivate-domain = \"<63>.<63>.<63>.<62>\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"<64>.internal\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"town internal\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"tówn.internal\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"town..internal\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"arn:town\""),
            edit(DOMAIN, "[cluster]\nprivate-domain = \"\""),
        ],
    }];
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("name", "private-domain")];
    const SUMMARY: &'static [&'static str] = &["name"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] = &["name", "vpc"];
    const UNREAD: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("servicediscovery:namespace");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const OUTPUTS: &'static [&'static str] = &["arn"];
    const IDENTITY: Option<&'static str> = Some("name");
    const EXPECTED_SECONDS: u64 = 45;
    const EXPECTED_DELETE_SECONDS: u64 = 30;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let Some(domain) = domain(env) else { return Vec::new() };
        let attrs = Attrs {
            name: domain.to_owned(),
            vpc: vpc::reference(env),
            description: description(env),
            tags: env.tags_of::<Self>("main"),
        };
        vec![Desired::new("main", &[Cluster::KEY], attrs)]
    }

    /// AWS keeps it as long as a name is in it: those are missed.
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "name": attrs.name,
            "vpc": attrs.vpc,
            "description": attrs.description,
            "tags": attrs.tags,
        });
        Block::one("aws_service_discovery_private_dns_namespace", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::rc::Rc;

    use aws_sdk_servicediscovery::Client as Discovery;
    use aws_sdk_servicediscovery::error::SdkError;
    use aws_sdk_servicediscovery::operation::create_private_dns_namespace::CreatePrivateDnsNamespaceError as CreateError;
    use aws_sdk_servicediscovery::types::{
        FilterCondition, NamespaceFilter, NamespaceFilterName, NamespaceSummary, NamespaceType,
        PrivateDnsNamespaceChange,
    };
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult, service};
    use crate::kinds::members::Members;
    use crate::kinds::ownership::{Ownership, confirm_tags};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};
    use crate::value::Address;

    service!(aws_sdk_servicediscovery);

    /// Cloud Map works on a request like this one.
    pub(in crate::kinds) const IN_PROGRESS: OwnError = OwnError {
        code: "DuplicateRequest",
        words: "",
        class: ErrorClass::InUse,
        example: "Another operation of type UpdateService and id 1 is in progress",
    };

    impl Calls for DiscoveryNamespace {
        const ERRORS: &'static [OwnError] = &[IN_PROGRESS];

        fn members() -> Vec<Members> {
            vec![Members::of::<()>(
                "servicediscovery:ListNamespaces",
                "Namespaces",
                &["Id", "Arn", "Name", "Type", "Description"],
                &[],
                &[
                    ("whose it is, where it is shared", &["ResourceOwner"]),
                    ("counts what is in it, when it was made", &["ServiceCount", "CreateDate"]),
                    ("the zone that Cloud Map keeps", &["Properties"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            Ok(namespaces(read).await?.to_vec())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tagging::of(read.aws, live.outputs.get("arn").map_or("", String::as_str)).await?;
            confirm_tags::<Self>(read, live, tags, |attrs| &mut attrs.tags);
            Ok(())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let Attrs { name, vpc, description, tags } = new.attrs;
            let call = aws
                .client::<Discovery>()
                .create_private_dns_namespace()
                .name(name)
                .vpc(vpc.value())
                .description(description);
            let call = call.creator_request_id(request_id(new.token)).set_tags(Some(tagging::to_aws(tags)?));
            let operation = match call.send().await {
                Ok(accepted) => accepted.operation_id.unwrap_or_default(),
                Err(error) => match before(&error, new.token) {
                    Some(Before::WriteResult(id)) => return Ok(WriteResult::new(id)),
                    Some(Before::Making(operation)) => operation,
                    None => return Err(error).operation("servicediscovery:CreatePrivateDnsNamespace"),
                },
            };
            let operation = operation::settled(aws, &operation).await?;
            let id = operation::namespace(&operation)
                .ok_or_else(|| CloudError::internal("Cloud Map created a namespace without returning its id"))?;
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("description") {
                let namespace = PrivateDnsNamespaceChange::builder().description(&change.attrs.description).build();
                let call =
                    aws.client::<Discovery>().update_private_dns_namespace().id(change.id).namespace(namespace);
                let call = call.updater_request_id(request_id(change.token));
                let accepted = call.send().await.operation("servicediscovery:UpdatePrivateDnsNamespace")?;
                operation::settled(aws, accepted.operation_id().unwrap_or_default()).await?;
            }
            if change.changes("tags") {
                let arn = change.outputs.get("arn").map_or("", String::as_str);
                tagging::retag(aws, arn, &change.before.tags, &change.attrs.tags).await?;
            }
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Discovery>()
                .delete_namespace()
                .id(gone.id)
                .send()
                .await
                .optional("servicediscovery:DeleteNamespace")?;
            Ok(())
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            let found = aws
                .client::<Discovery>()
                .get_namespace()
                .id(target.id)
                .send()
                .await
                .optional("servicediscovery:GetNamespace")?;
            let arn = found.and_then(|found| found.namespace?.arn);
            Ok(match (target.goal, arn) {
                (Goal::Ready, Some(arn)) => Poll::Done(Outputs::from([("arn".to_owned(), arn)])),
                (Goal::Ready, None) => return Err(CloudError::not_shown("servicediscovery:GetNamespace")),
                (Goal::Gone, Some(_)) => Poll::Waiting("Cloud Map is deleting its hosted zone".to_owned()),
                (Goal::Gone, None) => Poll::Done(Outputs::new()),
            })
        }
    }

    /// What became of an earlier attempt of the same create, whose answer was lost.
    enum Before {
        WriteResult(String),
        Making(String),
    }

    fn before<R>(error: &SdkError<CreateError, R>, token: &str) -> Option<Before> {
        match error.as_service_error()? {
            CreateError::NamespaceAlreadyExists(there)
                if there.creator_request_id() == Some(&request_id(token)) =>
            {
                Some(Before::WriteResult(there.namespace_id()?.to_owned()))
            }
            CreateError::DuplicateRequest(running) => {
                Some(Before::Making(running.duplicate_operation_id()?.to_owned()))
            }
            _ => None,
        }
    }

    /// The environment's live namespaces, for the services in them.
    pub(in crate::kinds) async fn namespaces(read: &Reader<'_>) -> Result<Rc<Vec<Live<Attrs>>>, CloudError> {
        read.shared("discovery namespaces", read_namespaces(read)).await
    }

    async fn read_namespaces(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
        // Not by name: a namespace that the spec has renamed must be found too.
        let private = NamespaceFilter::builder()
            .name(NamespaceFilterName::Type)
            .condition(FilterCondition::Eq)
            .values(NamespaceType::DnsPrivate.as_str())
            .build()
            .map_err(|error| CloudError::internal(error.to_string()))?;
        let pages = read.aws.client::<Discovery>().list_namespaces().filters(private).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.operation("servicediscovery:ListNamespaces")?;
        let found = pages
            .iter()
            .flat_map(aws_sdk_servicediscovery::operation::list_namespaces::ListNamespacesOutput::namespaces);
        let found = found.filter(|namespace| namespace.r#type() == Some(&NamespaceType::DnsPrivate));
        Ok(try_join_all(found.map(|namespace| live(read, namespace))).await?.into_iter().flatten().collect())
    }

    /// `None` for a namespace that does not concern this environment.
    async fn live(read: &Reader<'_>, namespace: &NamespaceSummary) -> Result<Option<Live<Attrs>>, CloudError> {
        let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
        let (arn, name) = (text(namespace.arn()), text(namespace.name()));
        let description = text(namespace.description());
        // The description stays when the spec has renamed the domain.
        let ours =
            domain(read.scope.env) == Some(name.as_str()) || description == self::description(read.scope.env);
        let implied = ours.then(|| Address::new(DiscoveryNamespace::KIND, "main"));
        let ownership =
            Ownership::of::<DiscoveryNamespace>(read, &arn, implied, tagging::of(read.aws, &arn)).await?;
        if !ownership.concerns::<DiscoveryNamespace>(read, &name) {
            return Ok(None);
        }
        let attrs = |tags| Attrs { name, vpc: Ref::id(""), description, tags };
        Ok(Some(ownership.live(namespace.id().unwrap_or_default(), attrs).output("arn", arn)))
    }

    /// A request id that Cloud Map takes: 64 characters at most.
    pub(in crate::kinds) fn request_id(token: &str) -> String {
        if token.len() <= 64 { token.to_owned() } else { crate::kinds::content_digest(&token) }
    }
}
