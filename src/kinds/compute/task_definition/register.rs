//! Writing revisions: registering a new one, and letting go of old ones.

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, CpuArchitecture, HealthCheck as Check, KeyValuePair, LogConfiguration,
    LogDriver, NetworkMode, OsFamily, PortMapping, RuntimePlatform, Secret, TransportProtocol,
};
use futures_util::future::{join_all, try_join_all};

use super::{Attrs, HealthCheck, KEPT_REVISIONS, VERSION_LABEL, content_digest, live, revision_of};
use crate::aws::{Aws, CloudError, SdkResult};
use crate::kinds::compute::ecs_cluster::tagging;
use crate::kinds::{self, WriteResult};

/// `DeleteTaskDefinitions` takes this many; deregistering goes on in as many calls at once.
const AT_ONCE: usize = 10;

/// Registers the attributes as a new revision, unless the newest one has them: registered by a call whose answer
/// was lost, or by a run that ended before the service took it up. ECS takes no token for this call.
pub(super) async fn revision(aws: &Aws, attrs: &Attrs) -> Result<WriteResult, CloudError> {
    if let Some((definition, tags)) = live::definition(aws, &attrs.family).await?
        && kinds::content_digest(&live::canonical(&definition, &tags, Some(&attrs.container)))
            == kinds::content_digest(attrs)
    {
        return Ok(made(attrs, definition.task_definition_arn()));
    }
    let platform = RuntimePlatform::builder()
        .cpu_architecture(CpuArchitecture::from(attrs.architecture.as_str()))
        .operating_system_family(OsFamily::Linux)
        .build();
    let call = aws
        .once::<Ecs>()
        .register_task_definition()
        .family(&attrs.family)
        .requires_compatibilities(Compatibility::Fargate)
        .network_mode(NetworkMode::Awsvpc)
        .runtime_platform(platform)
        .cpu(attrs.cpu.to_string())
        .memory(attrs.memory.to_string())
        .execution_role_arn(attrs.execution_role.value())
        .task_role_arn(attrs.task_role.value())
        .container_definitions(container(attrs, &aws.region)?)
        .set_tags(Some(tagging::to_aws(&attrs.tags)));
    let answer = call.send().await.operation("ecs:RegisterTaskDefinition")?;
    Ok(made(attrs, answer.task_definition().and_then(|definition| definition.task_definition_arn())))
}

fn made(attrs: &Attrs, arn: Option<&str>) -> WriteResult {
    let arn = arn.unwrap_or_default();
    WriteResult::new(&attrs.family).output("arn", arn).output("seal", content_digest(revision_of(arn), attrs))
}

/// Deregisters old revisions: those neither among the newest nor the one that runs, to which ECS may still have
/// to roll back. Nothing hangs on it, so a refusal is left to the next update.
pub(super) async fn prune(aws: &Aws, family: &str, running: &str) {
    let Ok(revisions) = live::active(aws, family).await else { return };
    let old: Vec<&String> = revisions.iter().skip(KEPT_REVISIONS).filter(|arn| *arn != running).collect();
    for chunk in old.chunks(AT_ONCE) {
        join_all(chunk.iter().map(|arn| deregister(aws, arn))).await;
    }
}

/// Deregisters every revision, and then deletes them, which is only for tidiness: an inactive revision is no
/// longer used for anything new.
pub(super) async fn remove(aws: &Aws, family: &str) -> Result<(), CloudError> {
    let revisions = live::active(aws, family).await?;
    for chunk in revisions.chunks(AT_ONCE) {
        try_join_all(chunk.iter().map(|arn| deregister(aws, arn))).await?;
        let call = aws.client::<Ecs>().delete_task_definitions().set_task_definitions(Some(chunk.to_vec()));
        let _ = call.send().await.operation("ecs:DeleteTaskDefinitions");
    }
    Ok(())
}

async fn deregister(aws: &Aws, arn: &str) -> Result<(), CloudError> {
    let call = aws.client::<Ecs>().deregister_task_definition().task_definition(arn);
    call.send().await.optional("ecs:DeregisterTaskDefinition")?;
    Ok(())
}

pub(super) fn container(attrs: &Attrs, region: &str) -> Result<ContainerDefinition, CloudError> {
    let pair = |(name, value)| KeyValuePair::builder().name(name).value(value).build();
    let environment = attrs.environment.iter().map(|(name, text)| pair((name, text.plain())));
    let secrets =
        attrs.secrets.iter().map(|(name, arn)| Secret::builder().name(name).value_from(arn.value()).build());
    let ports = attrs.ports.iter().map(|port| {
        PortMapping::builder().container_port(*port).host_port(*port).protocol(TransportProtocol::Tcp).build()
    });
    let labels = attrs.parameter_versions.iter();
    let labels = labels.map(|(key, version)| (format!("{VERSION_LABEL}{key}"), version.value().to_owned()));
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    Ok(ContainerDefinition::builder()
        .name(&attrs.container)
        .image(attrs.image.plain())
        .essential(true)
        .set_command(some(&attrs.command))
        .set_entry_point(some(&attrs.entry_point))
        .set_port_mappings(Some(ports.collect()))
        .set_environment(Some(environment.collect()))
        .set_secrets(Some(secrets.collect::<Result<_, _>>().map_err(incomplete)?))
        .set_docker_labels(Some(labels.collect()))
        .set_health_check(health_check(&attrs.health_check)?)
        .log_configuration(logging(attrs, region)?)
        .build())
}

fn health_check(check: &HealthCheck) -> Result<Option<Check>, CloudError> {
    if check.command.is_empty() {
        return Ok(None);
    }
    let check = Check::builder()
        .set_command(Some(check.command.clone()))
        .interval(check.interval)
        .timeout(check.timeout)
        .start_period(check.start_period)
        .retries(check.retries);
    check.build().map(Some).map_err(incomplete)
}

fn logging(attrs: &Attrs, region: &str) -> Result<LogConfiguration, CloudError> {
    let options = [
        ("awslogs-group", attrs.log_group.value()),
        ("awslogs-region", region),
        ("awslogs-stream-prefix", &attrs.container),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let logging = LogConfiguration::builder().log_driver(LogDriver::Awslogs).set_options(Some(options.into()));
    logging.build().map_err(incomplete)
}

fn incomplete(error: impl std::fmt::Display) -> CloudError {
    CloudError::internal(format!("container definition: {error}"))
}
