//! An ECS task definition: one Fargate container, as a family of immutable revisions of which one is live.

#[cfg(feature = "aws")]
mod live;
#[cfg(feature = "aws")]
mod other_settings;
#[cfg(feature = "aws")]
mod preflight;
#[cfg(feature = "aws")]
mod register;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::compute::section::{Architecture, Service, Services};
use crate::kinds::config::ssm_parameter;
use crate::kinds::config::ssm_parameter::SsmParameter;
use crate::kinds::identity::iam_role::IamRole;
use crate::kinds::monitoring::log_group::LogGroup;
use crate::kinds::preflight::Question;
use crate::kinds::registry::images::{self, NeededImage};
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This, document};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, Section};
use crate::value::{Ref, Tags, Target, Text};

#[cfg(feature = "aws")]
use calls::{content_digest, revision_of};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::family_of;

const IMAGE: Question = Question {
    code: "BP-PRE-04",
    category: "image",
    asks: "the images that tasks are started from are in their ECR repositories, for the architecture of the task",
    permissions: &["ecr:BatchGetImage", "ecr:DescribePullThroughCacheRules"],
    // An apply does what does not need them (`--missing-images`).
    stops: false,
};

pub struct TaskDefinition;

impl Target for TaskDefinition {
    const KIND: &'static str = "task_definition";
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Attrs {
    pub family: String,
    /// CPU units: 1024 are one vCPU.
    pub cpu: i32,
    /// MiB.
    pub memory: i32,
    /// `X86_64` or `ARM64`.
    pub architecture: String,
    /// What ECS itself may do to start the task: pull, log, read the secrets.
    pub execution_role: Ref<IamRole>,
    /// What the running task may do.
    pub task_role: Ref<IamRole>,
    /// The container's name, by which routes find it.
    pub container: String,
    pub image: Text,
    /// Replaces the image's command, where there is any; likewise the entry point.
    pub command: Vec<String>,
    pub entry_point: Vec<String>,
    /// The TCP ports that the container listens on.
    pub ports: BTreeSet<i32>,
    pub environment: BTreeMap<String, Text>,
    /// Environment variables that ECS fills from parameters when a task starts.
    pub secrets: BTreeMap<String, Ref<SsmParameter>>,
    /// The version of each of these parameters, kept as docker labels. ECS looks at a parameter only when a
    /// task starts; so a changed one must make a new revision, which restarts the tasks.
    pub parameter_versions: BTreeMap<String, Ref<SsmParameter>>,
    pub health_check: HealthCheck,
    pub log_group: Ref<LogGroup>,
    /// Containers that somebody else added.
    pub other_containers: BTreeSet<String>,
    /// What else somebody registered by hand, by ECS's names. Left out where there is nothing, as in the digests that
    /// services carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_settings: BTreeMap<String, String>,
    pub tags: Tags,
}

/// The container's own health check; with an empty command there is none, and all is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub command: Vec<String>,
    /// Seconds between checks, until one counts as failed, and after the start in which failures do not count.
    pub interval: i32,
    pub timeout: i32,
    pub start_period: i32,
    /// Failures in a row that make the container unhealthy.
    pub retries: i32,
}

/// Active revisions of a family that stay, so that there is something to go back to.
#[cfg(feature = "aws")]
const KEPT_REVISIONS: usize = 5;

/// Seconds: the longest timeout and start period that ECS takes for a container's health check.
const LONGEST_TIMEOUT: i32 = 60;

const LONGEST_START: i32 = 300;

/// Docker labels that hold parameter versions begin so.
pub(crate) const VERSION_LABEL: &str = "baseplate.parameter.";

fn attrs(env: &Environment, key: &str, service: &Service) -> Attrs {
    let arn = |role: &str| Ref::output(format!("{key}-{role}"), "arn");
    let parameter = |key: &String, output| Ref::output(key, output);
    let version = |key: &String| (ssm_parameter::key_in_path(env, key), parameter(key, "version"));
    let named = env.naming_key(Services::KEY, key);
    Attrs {
        family: env.name(named, 255),
        cpu: service.cpu,
        memory: service.memory,
        architecture: match service.architecture {
            Architecture::X86_64 => "X86_64".to_owned(),
            Architecture::Arm64 => "ARM64".to_owned(),
        },
        execution_role: arn("execution"),
        task_role: arn("task"),
        container: named.to_owned(),
        image: env.text(&service.image),
        command: service.command.clone(),
        entry_point: service.entry_point.clone(),
        ports: service.port.map(i32::from).into_iter().collect(),
        environment: service.environment.iter().map(|(name, text)| (name.clone(), env.text(text))).collect(),
        secrets: service.secrets.iter().map(|(name, key)| (name.clone(), parameter(key, "arn"))).collect(),
        parameter_versions: service.secrets.values().map(version).collect(),
        health_check: health_check(service),
        log_group: Ref::to(key),
        other_containers: BTreeSet::new(),
        other_settings: BTreeMap::new(),
        tags: env.tags_of::<TaskDefinition>(key),
    }
}

fn health_check(service: &Service) -> HealthCheck {
    match &service.health_check {
        Some(check) if !check.command.is_empty() => HealthCheck {
            command: check.command.clone(),
            interval: check.interval,
            timeout: check.timeout.min(LONGEST_TIMEOUT),
            start_period: check.grace_period.min(LONGEST_START),
            retries: check.unhealthy_threshold,
        },
        _ => HealthCheck::default(),
    }
}

/// The image that a task definition with these attributes names, wanted or live, for the service of this key. `None` for
/// attributes of another shape.
pub fn needed_image(env: &Environment, service: &str, attrs: &Value) -> Option<NeededImage> {
    let attrs = Attrs::deserialize(attrs).ok()?;
    Some(images::needed(env, service, &attrs.image, &attrs.architecture))
}

impl Kind for TaskDefinition {
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("ports", "port")];
    /// A service goes on with a revision that is inactive.
    const DELETED_IN_USE: bool = true;
    const SUMMARY: &'static [&'static str] = &["image", "cpu", "memory"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] = &["family"];
    const TAG_INDEX: Option<&'static str> = Some("ecs:task-definition");
    const OUTPUTS: &'static [&'static str] = &["arn", "seal"];
    const CHANGING_OUTPUTS: &'static [&'static str] = &["arn", "seal"];
    const EXPECTED_SECONDS: u64 = 1;
    const PREFLIGHT: &'static [&'static Question] = &[&IMAGE];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        env.section::<Services>()
            .iter()
            .map(|(key, service)| Desired::new(key, &[Services::KEY, key], attrs(env, key, service)))
            .collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.family == live.family
    }

    /// Tags change on the revision that runs; only the digest counts them.
    fn changes_output(output: &str, changed: &[String]) -> bool {
        output == "seal" || changed.iter().any(|field| field != "tags")
    }

    fn dangers(_desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let dangerous = [
            ("privileged", "its container has the rights of its host"),
            ("pidMode", "its containers see the processes of one another"),
            ("environmentFiles", "its environment comes from files, too, that others may write"),
        ];
        let found = dangerous.into_iter().filter(|(name, _)| live.other_settings.contains_key(*name));
        found.map(|(_, danger)| ("other_settings", danger.to_owned())).collect()
    }

    /// Services go on with a revision that is inactive
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html>).
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    /// CPU and memory are strings in Terraform.
    fn terraform(attrs: &Attrs, this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "family": attrs.family,
            "cpu": attrs.cpu.to_string(),
            "memory": attrs.memory.to_string(),
            "network_mode": "awsvpc",
            "requires_compatibilities": ["FARGATE"],
            "runtime_platform": [{ "cpu_architecture": attrs.architecture, "operating_system_family": "LINUX" }],
            "execution_role_arn": attrs.execution_role,
            "task_role_arn": attrs.task_role,
            "container_definitions": document(&json!([container_definition(attrs, this.region)])),
            "tags": attrs.tags,
        });
        Block::one("aws_ecs_task_definition", body)
    }
}

/// As `RegisterTaskDefinition` takes it.
fn container_definition(attrs: &Attrs, region: &str) -> Value {
    let ports =
        attrs.ports.iter().map(|port| json!({ "containerPort": port, "hostPort": port, "protocol": "tcp" }));
    let environment = attrs.environment.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let secrets = attrs.secrets.iter().map(|(name, from)| json!({ "name": name, "valueFrom": from }));
    let versions: BTreeMap<String, Value> = attrs
        .parameter_versions
        .iter()
        .map(|(key, version)| (format!("{VERSION_LABEL}{key}"), json!(version)))
        .collect();
    let mut container = json!({
        "name": attrs.container,
        "image": attrs.image,
        "essential": true,
        "portMappings": ports.collect::<Vec<_>>(),
        "environment": environment.collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
        "dockerLabels": versions,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": attrs.log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": attrs.container,
            },
        },
    });
    let HealthCheck { command, interval, timeout, start_period, retries } = &attrs.health_check;
    let optional = [
        ("command", json!(attrs.command), attrs.command.is_empty()),
        ("entryPoint", json!(attrs.entry_point), attrs.entry_point.is_empty()),
        (
            "healthCheck",
            json!({
                "command": command,
                "interval": interval,
                "timeout": timeout,
                "startPeriod": start_period,
                "retries": retries,
            }),
            command.is_empty(),
        ),
    ];
    for (name, value, _) in optional.into_iter().filter(|(_, _, absent)| !absent) {
        container[name] = value;
    }
    container
}

#[cfg(feature = "aws")]
mod calls {
    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader};
    use crate::kinds::compute::ecs_cluster::tagging;
    use crate::kinds::members::Members;
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    impl Calls for TaskDefinition {
        const ERRORS: &'static [OwnError] = &[OwnError {
            code: "ClientException",
            words: "too many concurrent attempts to create a new revision",
            class: ErrorClass::Throttled,
            example: "Too many concurrent attempts to create a new revision of the specified family.",
        }];

        fn members() -> Vec<Members> {
            other_settings::members()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            live::read_all(read).await
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let Some(arn) = live.outputs.get("arn") else { return Ok(()) };
            if let Some(found) = live::describe(read, arn, live.address.clone()).await? {
                let settings = std::mem::take(&mut live.settings);
                *live = Live { settings, ..found };
            }
            Ok(())
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            register::revision(aws, new.attrs).await
        }

        /// A new revision, except for tags, which AWS can change on the one that runs.
        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let running = change.outputs.get("arn").map_or("", String::as_str);
            if change.changed.iter().all(|field| field == "tags") {
                tagging::retag(aws, running, &change.before.tags, &change.attrs.tags).await?;
                let content_digest = content_digest(revision_of(running), change.attrs);
                return Ok(WriteResult::new(change.id).output("arn", running).output("seal", content_digest));
            }
            let made = register::revision(aws, change.attrs).await?;
            register::prune(aws, change.id, running).await;
            Ok(made)
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            register::remove(aws, gone.id).await
        }
    }

    /// The output `content_digest`: `<revision>:<digest of the attributes>`. The service that runs the revision
    /// carries it as a tag, by which the revision is known to be unchanged without being described.
    pub(super) fn content_digest(revision: i32, attrs: &Attrs) -> String {
        format!("{revision}:{}", crate::kinds::content_digest(attrs))
    }

    /// The revision that an ARN names; 0 if it names none.
    pub(super) fn revision_of(arn: &str) -> i32 {
        arn.rsplit_once(':').and_then(|(_, revision)| revision.parse().ok()).unwrap_or(0)
    }

    /// The family that the ARN of a revision names, as `…:task-definition/<family>:<revision>`.
    pub(in crate::kinds) fn family_of(arn: &str) -> &str {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        name.rsplit_once(':').map_or(name, |(family, _)| family)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn arns_name_family_and_revision() {
            let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/legend-dev-web:12";
            assert_eq!((family_of(arn), revision_of(arn)), ("legend-dev-web", 12));
            assert_eq!((family_of("legend-dev-web:3"), revision_of("legend-dev-web:3")), ("legend-dev-web", 3));
            assert_eq!((family_of("legend-dev-web"), revision_of("legend-dev-web")), ("legend-dev-web", 0));
        }
    }
}
