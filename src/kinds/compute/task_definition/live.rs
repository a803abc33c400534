//! Reading revisions, in the words of the spec: what AWS adds, reorders or writes otherwise is made alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::{
    ContainerDefinition, Service, SortOrder, Tag, TaskDefinition as Definition, TaskDefinitionFamilyStatus,
    TaskDefinitionField, TaskDefinitionStatus,
};
use futures_util::future::{join, try_join_all};

use super::other_settings::{NEWER, other_settings};
use super::{Attrs, HealthCheck, TaskDefinition, VERSION_LABEL, content_digest, family_of, revision_of};
use crate::aws::{Aws, CloudError, ErrorClass, Reader, SdkResult};
use crate::kinds::Live;
use crate::kinds::compute::ecs_cluster::tagging;
use crate::kinds::compute::services::{self, EcsService};
use crate::kinds::config::ssm_parameter::SsmParameter;
use crate::kinds::members;
use crate::value::{Address, Ref, Target, Text};

/// Families are listed; a revision is described only where no service's tag vouches for it.
pub(super) async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
    let prefix = format!("{}-", read.scope.env.prefix());
    let call = read.aws.client::<Ecs>().list_task_definition_families().family_prefix(prefix);
    let call = call.status(TaskDefinitionFamilyStatus::Active).into_paginator().items().send();
    let (families, services) = join(call.collect::<Result<Vec<_>, _>>(), services::services(read)).await;
    let (families, services) = (families.operation("ecs:ListTaskDefinitionFamilies")?, services?);
    let running = running(read, &services);
    let found = families.iter().map(|family| async {
        let Some(run) = running.get(family.as_str()) else { return describe(read, family, None).await };
        let live = match vouched(family, run) {
            Some(live) => Some(live),
            None => describe(read, &run.arn, Some(run.address.clone())).await?,
        };
        let newer = newer(read, family, run).await?;
        let with_newer = |mut live: Live<Attrs>| {
            live.settings.extend(newer.map(|newer| (NEWER.to_owned(), newer)));
            live
        };
        Ok(live.map(with_newer))
    });
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// The numbers of the family's revisions after the one that runs, for who wants to know everything. What is older is left of
/// our own updates.
async fn newer(read: &Reader<'_>, family: &str, run: &Run) -> Result<Option<String>, CloudError> {
    if !read.scope.everything {
        return Ok(None);
    }
    let all = active(read.aws, family).await?;
    let newer = all.iter().map(|arn| revision_of(arn)).filter(|revision| *revision > revision_of(&run.arn));
    let newer: Vec<String> = newer.map(|revision| revision.to_string()).collect();
    Ok(members::list(newer.iter().map(String::as_str)))
}

/// ARNs of the family's active revisions, newest first.
pub(super) async fn active(aws: &Aws, family: &str) -> Result<Vec<String>, CloudError> {
    let call = aws.client::<Ecs>().list_task_definitions().family_prefix(family);
    let call = call.status(TaskDefinitionStatus::Active).sort(SortOrder::Desc);
    let found = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let mut found = found.operation("ecs:ListTaskDefinitions")?;
    found.retain(|arn| super::family_of(arn) == family);
    found.sort_by_key(|arn| std::cmp::Reverse(revision_of(arn)));
    Ok(found)
}

/// The revision that a service of ours runs.
struct Run {
    /// The definition's own, after its service's: a revision that a deploy tool registered has no tags of ours.
    address: Address,
    arn: String,
    /// The service's tag.
    content_digest: Option<String>,
}

/// What the environment's services run, by family.
fn running(read: &Reader<'_>, services: &[Service]) -> HashMap<String, Run> {
    let runs = services.iter().filter_map(|service| {
        let tags = tagging::from_aws(service.tags());
        let owner = read.scope.owner::<EcsService>(&tags)?;
        let arn = services::definition_arn(read.aws, service.task_definition()?);
        let address = Address::new(TaskDefinition::KIND, owner.name());
        Some((
            family_of(&arn).to_owned(),
            Run { address, arn, content_digest: tags.get(services::DIGEST_TAG).cloned() },
        ))
    });
    runs.collect()
}

/// The revision as the service's tag has it, if that speaks of the revision that the service runs.
fn vouched(family: &str, run: &Run) -> Option<Live<Attrs>> {
    let content_digest = run.content_digest.as_ref()?;
    let (revision, digest) = content_digest.split_once(':')?;
    if revision.parse() != Ok(revision_of(&run.arn)) {
        return None;
    }
    Some(Live {
        address: Some(run.address.clone()),
        id: family.to_owned(),
        outputs: [("arn", &run.arn), ("seal", content_digest)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into(),
        attrs: None,
        unread: Vec::new(),
        unconfirmed: true,
        content_digest: Some(digest.to_owned()),
        stuck: None,
        scheduled: Vec::new(),
        settings: BTreeMap::new(),
    })
}

/// A revision by its ARN, or the newest active one of a family; `None` if there is none. `owner` is the address
/// for a revision whose own tags do not say it.
pub(super) async fn describe(
    read: &Reader<'_>,
    name: &str,
    owner: Option<Address>,
) -> Result<Option<Live<Attrs>>, CloudError> {
    let found = definition(read.aws, name).await?;
    Ok(found.map(|(definition, tags)| live(read, &definition, &tags, owner)))
}

/// What [`describe`] describes, as ECS says it, with its tags.
pub(super) async fn definition(aws: &Aws, name: &str) -> Result<Option<(Definition, Vec<Tag>)>, CloudError> {
    let call =
        aws.client::<Ecs>().describe_task_definition().task_definition(name).include(TaskDefinitionField::Tags);
    let answer = match call.send().await.optional("ecs:DescribeTaskDefinition") {
        // ECS has no error code of its own for a definition that is not there.
        Err(error) if error.code == "ClientException" && error.is(ErrorClass::Rejected) => return Ok(None),
        answer => answer?,
    };
    let Some(answer) = answer else { return Ok(None) };
    let (definition, tags) = (answer.task_definition, answer.tags.unwrap_or_default());
    let by_family = !name.contains(':');
    let gone = |definition: &Definition| definition.status().is_some_and(|it| *it != TaskDefinitionStatus::Active);
    Ok(definition.filter(|definition| !(by_family && gone(definition))).map(|definition| (definition, tags)))
}

fn live(read: &Reader<'_>, definition: &Definition, tags: &[Tag], owner: Option<Address>) -> Live<Attrs> {
    let address = read.scope.owner::<TaskDefinition>(&tagging::from_aws(tags)).or(owner);
    let attrs = canonical(definition, tags, address.as_ref().map(Address::name));
    let content_digest = content_digest(definition.revision(), &attrs);
    let arn = definition.task_definition_arn().unwrap_or_default();
    let family = attrs.family.clone();
    Live::new(address, family, attrs).output("arn", arn).output("seal", content_digest)
}

/// A revision's attributes. `service` is the container that is ours; without it the first one is.
pub(super) fn canonical(definition: &Definition, tags: &[Tag], service: Option<&str>) -> Attrs {
    let containers = definition.container_definitions();
    let named = containers.iter().find(|container| container.name().is_some() && container.name() == service);
    let nothing = ContainerDefinition::builder().build();
    let ours = named.or(containers.first()).unwrap_or(&nothing);
    let name = ours.name().unwrap_or_default();
    let others = containers.iter().filter_map(ContainerDefinition::name).filter(|other| *other != name);
    let architecture = definition.runtime_platform().and_then(|platform| platform.cpu_architecture());
    let role = |arn: Option<&str>| Ref::live("arn", arn.unwrap_or_default());
    let text = |text: Option<&str>| Text::from(text.unwrap_or_default());
    let named = |name: Option<&str>| name.unwrap_or_default().to_owned();
    Attrs {
        family: named(definition.family()),
        cpu: units(definition.cpu().unwrap_or_default(), "vcpu"),
        memory: units(definition.memory().unwrap_or_default(), "gb"),
        // Left out, it is what Fargate has always run on.
        architecture: architecture.map_or("X86_64", |architecture| architecture.as_str()).to_owned(),
        execution_role: role(definition.execution_role_arn()),
        task_role: role(definition.task_role_arn()),
        container: name.to_owned(),
        image: text(ours.image()),
        command: ours.command().to_vec(),
        entry_point: ours.entry_point().to_vec(),
        ports: ours.port_mappings().iter().filter_map(aws_sdk_ecs::types::PortMapping::container_port).collect(),
        environment: ours.environment().iter().map(|pair| (named(pair.name()), text(pair.value()))).collect(),
        secrets: ours
            .secrets()
            .iter()
            .map(|secret| (secret.name().to_owned(), Ref::live("arn", secret.value_from())))
            .collect(),
        parameter_versions: versions(ours),
        health_check: health_check(ours),
        log_group: Ref::id(log_option(ours, "awslogs-group").unwrap_or_default()),
        other_containers: others.map(str::to_owned).collect::<BTreeSet<_>>(),
        other_settings: other_settings(definition, ours),
        tags: tagging::from_aws(tags),
    }
}

fn versions(container: &ContainerDefinition) -> BTreeMap<String, Ref<SsmParameter>> {
    let labels = container.docker_labels().into_iter().flatten();
    let versions = labels.filter_map(|(label, version)| Some((label.strip_prefix(VERSION_LABEL)?, version)));
    versions.map(|(key, version)| (key.to_owned(), Ref::live("version", version))).collect()
}

/// An option of the container's log driver.
fn log_option<'a>(container: &'a ContainerDefinition, option: &str) -> Option<&'a str> {
    container.log_configuration()?.options()?.get(option).map(String::as_str)
}

fn health_check(container: &ContainerDefinition) -> HealthCheck {
    match container.health_check() {
        Some(check) if !check.command().is_empty() => HealthCheck {
            command: check.command().to_vec(),
            interval: check.interval().unwrap_or(30),
            timeout: check.timeout().unwrap_or(5),
            start_period: check.start_period().unwrap_or(0),
            retries: check.retries().unwrap_or(3),
        },
        _ => HealthCheck::default(),
    }
}

/// CPU units or MiB: plain, or of the unit that is 1024 of them (`0.25 vCPU`, `.5 GB`).
fn units(text: &str, unit: &str) -> i32 {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_suffix(unit) {
        None => text.parse().unwrap_or(0),
        Some(number) => number.trim().parse::<f32>().map_or(0, |number| (number * 1024.0).round() as i32),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{KeyValuePair, RuntimePlatform};

    use super::super::register::container;
    use super::*;
    use crate::value::Tags;

    fn attrs() -> Attrs {
        let text = |name: &str, value: &str| (name.to_owned(), Text::from(value));
        let parameter = |name: &str, output, value: &str| (name.to_owned(), Ref::live(output, value));
        Attrs {
            family: "legend-dev-web".to_owned(),
            cpu: 256,
            memory: 512,
            architecture: "ARM64".to_owned(),
            execution_role: Ref::live("arn", "arn:aws:iam::123456789012:role/legend-dev-web-execution"),
            task_role: Ref::live("arn", "arn:aws:iam::123456789012:role/legend-dev-web-task"),
            container: "web".to_owned(),
            image: Text::from("nginx:1"),
            command: Vec::new(),
            entry_point: vec!["/bin/web".to_owned()],
            ports: BTreeSet::from([80]),
            environment: BTreeMap::from([text("A", "1"), text("B", "")]),
            secrets: BTreeMap::from([parameter("KEY", "arn", "arn:aws:ssm:x:1:parameter/legend/dev/key")]),
            parameter_versions: BTreeMap::from([parameter("web/key", "version", "3")]),
            health_check: HealthCheck {
                command: vec!["CMD".to_owned(), "true".to_owned()],
                interval: 30,
                timeout: 5,
                start_period: 60,
                retries: 3,
            },
            log_group: Ref::id("/ecs/legend-dev/web"),
            other_containers: BTreeSet::new(),
            other_settings: BTreeMap::new(),
            tags: Tags::from([("team".to_owned(), "x".to_owned())]),
        }
    }

    fn definition(attrs: &Attrs, containers: Vec<ContainerDefinition>) -> Definition {
        let platform = RuntimePlatform::builder().cpu_architecture("ARM64".into()).build();
        Definition::builder()
            .family(&attrs.family)
            .cpu("0.25 vCPU")
            .memory(".5 GB")
            .runtime_platform(platform)
            .execution_role_arn(attrs.execution_role.value())
            .task_role_arn(attrs.task_role.value())
            .set_container_definitions(Some(containers))
            .build()
    }

    #[test]
    fn an_unchanged_revision_has_the_digest_of_what_was_registered() -> Result<(), CloudError> {
        let wanted = attrs();
        let mut ours = container(&wanted, "eu-central-1")?;
        if let Some(environment) = &mut ours.environment {
            environment.reverse();
        }
        let read = canonical(&definition(&wanted, vec![ours]), &tagging::to_aws(&wanted.tags), Some("web"));
        assert_eq!(serde_json::json!(read), serde_json::json!(wanted));
        assert_eq!(content_digest(7, &read), content_digest(7, &wanted));
        Ok(())
    }

    #[test]
    fn a_tag_vouches_for_its_own_revision_only() {
        let run = |content_digest: &str| Run {
            address: Address::new(TaskDefinition::KIND, "web"),
            arn: "arn:aws:ecs:x:1:task-definition/legend-dev-web:7".to_owned(),
            content_digest: Some(content_digest.to_owned()),
        };
        let live = vouched("legend-dev-web", &run("7:ab12"));
        assert_eq!(live.and_then(|live| live.content_digest).as_deref(), Some("ab12"));
        assert!(vouched("legend-dev-web", &run("6:ab12")).is_none());
        assert!(vouched("legend-dev-web", &run("")).is_none());
    }

    #[test]
    fn a_container_added_by_hand_shows() -> Result<(), CloudError> {
        let wanted = attrs();
        let sidecar = ContainerDefinition::builder().name("agent").environment(KeyValuePair::builder().build());
        let containers = vec![sidecar.build(), container(&wanted, "eu-central-1")?];
        let read = canonical(&definition(&wanted, containers), &[], Some("web"));
        assert_eq!(read.container, "web");
        assert_eq!(read.other_containers, BTreeSet::from(["agent".to_owned()]));
        Ok(())
    }

    #[test]
    fn sizes_have_two_spellings() {
        assert_eq!(units("256", "vcpu"), 256);
        assert_eq!(units("0.25 vCPU", "vcpu"), 256);
        assert_eq!(units("1 GB", "gb"), 1024);
        assert_eq!(units(".5GB", "gb"), 512);
    }
}
