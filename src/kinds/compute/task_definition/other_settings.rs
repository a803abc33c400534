//! What a revision has that no spec asks for, by the names of ECS: who registers one by hand can give its tasks rights,
//! files and settings that the attributes have no field for. All members of a definition and of a container are here or
//! there, but for what ECS says of every revision (its status, who registered it and when, what it is compatible with).

use std::collections::BTreeMap;
use std::fmt::Display;

use aws_sdk_ecs::types::{
    ContainerDefinition, KernelCapabilities, NetworkMode, Secret, TaskDefinition as Definition, TransportProtocol,
};

use super::VERSION_LABEL;
use crate::kinds::members::Members;

/// Under which revisions are told that somebody registered and no service runs.
pub(super) const NEWER: &str = "newer revisions";

/// What the log driver's options are for each container of ours.
const LOG_OPTIONS: [&str; 3] = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];

/// What becomes of a revision's members: what no attribute has a field for is in [`other_settings`].
pub(super) fn members() -> Vec<Members> {
    let answer = Members::of::<()>(
        "ecs:DescribeTaskDefinition",
        "",
        &[
            "taskDefinition.taskDefinitionArn",
            "taskDefinition.containerDefinitions",
            "taskDefinition.family",
            "taskDefinition.revision",
            "taskDefinition.status",
            "taskDefinition.taskRoleArn",
            "taskDefinition.executionRoleArn",
            "taskDefinition.networkMode",
            "taskDefinition.volumes",
            "taskDefinition.placementConstraints",
            "taskDefinition.runtimePlatform",
            "taskDefinition.cpu",
            "taskDefinition.memory",
            "taskDefinition.inferenceAccelerators",
            "taskDefinition.pidMode",
            "taskDefinition.ipcMode",
            "taskDefinition.proxyConfiguration",
            "taskDefinition.ephemeralStorage",
            "taskDefinition.enableFaultInjection",
            "tags",
        ],
        &[],
        &[
            (
                "what ECS makes of the rest, for every revision",
                &[
                    "taskDefinition.requiresAttributes",
                    "taskDefinition.compatibilities",
                    "taskDefinition.requiresCompatibilities",
                ],
            ),
            (
                "says who registered it and when",
                &[
                    "taskDefinition.registeredAt",
                    "taskDefinition.registeredBy",
                    "taskDefinition.deregisteredAt",
                    "taskDefinition.deleteRequestedAt",
                ],
            ),
            (
                "of instances of one's own, on which nothing of ours runs",
                &["taskDefinition.trustedExecutionConfiguration"],
            ),
        ],
    );
    let newer = Members::of_made("ecs:ListTaskDefinitions", "taskDefinitionArns", &[], [NEWER], &[]);
    vec![answer, newer]
}

/// By ECS's names, each with its value or with what tells it from others. What is not set, or as it is by default, is not
/// there.
pub(super) fn other_settings(definition: &Definition, container: &ContainerDefinition) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            found.insert(name.to_owned(), value);
        }
    };
    add("networkMode", definition.network_mode().filter(|mode| **mode != NetworkMode::Awsvpc).map(to_text));
    add("pidMode", definition.pid_mode().map(to_text));
    add("ipcMode", definition.ipc_mode().map(to_text));
    let family = definition.runtime_platform().and_then(|platform| platform.operating_system_family());
    add("operatingSystemFamily", family.filter(|family| family.as_str() != "LINUX").map(to_text));
    add("volumes", list(definition.volumes(), |volume| volume.name().unwrap_or_default().to_owned()));
    let storage = definition.ephemeral_storage().map(|storage| format!("{} GiB", storage.size_in_gib()));
    add("ephemeralStorage", storage);
    add("proxyConfiguration", definition.proxy_configuration().map(|proxy| proxy.container_name().to_owned()));
    add("enableFaultInjection", is_on(definition.enable_fault_injection()));
    let constraint = |one: &aws_sdk_ecs::types::TaskDefinitionPlacementConstraint| {
        one.expression().unwrap_or_default().to_owned()
    };
    add("placementConstraints", list(definition.placement_constraints(), constraint));
    add("inferenceAccelerators", list(definition.inference_accelerators(), |one| one.device_name().to_owned()));

    add("essential", container.essential().filter(|essential| !essential).map(to_text));
    add("privileged", is_on(container.privileged()));
    add("user", container.user().map(to_text));
    add("workingDirectory", container.working_directory().map(to_text));
    add("hostname", container.hostname().map(to_text));
    add("readonlyRootFilesystem", is_on(container.readonly_root_filesystem()));
    add("disableNetworking", is_on(container.disable_networking()));
    add("interactive", is_on(container.interactive()));
    add("pseudoTerminal", is_on(container.pseudo_terminal()));
    add("cpu", Some(container.cpu()).filter(|units| *units != 0).map(to_text));
    add("memory", container.memory().map(to_text));
    add("memoryReservation", container.memory_reservation().map(to_text));
    add("startTimeout", container.start_timeout().map(to_text));
    add("stopTimeout", container.stop_timeout().map(to_text));
    let consistency = container.version_consistency().filter(|one| one.as_str() != "enabled");
    add("versionConsistency", consistency.map(|one| one.as_str().to_owned()));
    add("environmentFiles", list(container.environment_files(), |file| file.value().to_owned()));
    let mount = |point: &aws_sdk_ecs::types::MountPoint| {
        let (volume, path) =
            (point.source_volume().unwrap_or_default(), point.container_path().unwrap_or_default());
        format!("{volume} at {path}")
    };
    add("mountPoints", list(container.mount_points(), mount));
    let source = |from: &aws_sdk_ecs::types::VolumeFrom| from.source_container().unwrap_or_default().to_owned();
    add("volumesFrom", list(container.volumes_from(), source));
    add("links", list(container.links(), Clone::clone));
    add("dnsServers", list(container.dns_servers(), Clone::clone));
    add("dnsSearchDomains", list(container.dns_search_domains(), Clone::clone));
    add("extraHosts", list(container.extra_hosts(), |host| format!("{} {}", host.hostname(), host.ip_address())));
    add("dockerSecurityOptions", list(container.docker_security_options(), Clone::clone));
    add("credentialSpecs", list(container.credential_specs(), Clone::clone));
    let limit = |limit: &aws_sdk_ecs::types::Ulimit| {
        format!("{} {}-{}", limit.name().as_str(), limit.soft_limit(), limit.hard_limit())
    };
    add("ulimits", list(container.ulimits(), limit));
    let control = |control: &aws_sdk_ecs::types::SystemControl| {
        let (name, value) = (control.namespace().unwrap_or_default(), control.value().unwrap_or_default());
        format!("{name}={value}")
    };
    add("systemControls", list(container.system_controls(), control));
    let resource =
        |one: &aws_sdk_ecs::types::ResourceRequirement| format!("{} {}", one.r#type().as_str(), one.value());
    add("resourceRequirements", list(container.resource_requirements(), resource));
    let depends_on = |on: &aws_sdk_ecs::types::ContainerDependency| {
        format!("{} {}", on.container_name(), on.condition().as_str())
    };
    add("dependsOn", list(container.depends_on(), depends_on));
    let credentials = container.repository_credentials();
    add("repositoryCredentials", credentials.map(|from| from.credentials_parameter().to_owned()));
    let restarts = container.restart_policy().filter(|policy| policy.enabled());
    add("restartPolicy", restarts.map(|_| "enabled".to_owned()));
    add("firelensConfiguration", container.firelens_configuration().map(|one| one.r#type().as_str().to_owned()));
    add("linuxParameters", linux_parameters(container));
    add("portMappings", other_ports(container));
    let labels = container.docker_labels().into_iter().flatten();
    let labels = labels.filter(|(label, _)| !label.starts_with(VERSION_LABEL));
    add("dockerLabels", joined(labels.map(|(label, value)| format!("{label}={value}"))));
    add("logConfiguration", other_logging(container));
    found
}

fn to_text(value: impl Display) -> String {
    value.to_string()
}

fn is_on(flag: Option<bool>) -> Option<String> {
    flag.filter(|flag| *flag).map(to_text)
}

fn list<T>(all: &[T], text: impl Fn(&T) -> String) -> Option<String> {
    joined(all.iter().map(text))
}

fn joined(all: impl Iterator<Item = String>) -> Option<String> {
    let mut all: Vec<String> = all.collect();
    all.sort();
    (!all.is_empty()).then(|| all.join(", "))
}

fn linux_parameters(container: &ContainerDefinition) -> Option<String> {
    let parameters = container.linux_parameters()?;
    let capabilities = parameters.capabilities();
    let added =
        capabilities.map(KernelCapabilities::add).unwrap_or_default().iter().map(|one| format!("add {one}"));
    let dropped =
        capabilities.map(KernelCapabilities::drop).unwrap_or_default().iter().map(|one| format!("drop {one}"));
    let devices = parameters.devices().iter().map(|device| format!("device {}", device.host_path()));
    let mounts = parameters.tmpfs().iter().map(|mount| format!("tmpfs {}", mount.container_path()));
    let init = is_on(parameters.init_process_enabled()).map(|_| "init process".to_owned());
    let memory = [
        ("shared memory", parameters.shared_memory_size()),
        ("swap", parameters.max_swap()),
        ("swappiness", parameters.swappiness()),
    ];
    let memory = memory.into_iter().filter_map(|(name, size)| Some(format!("{name} {}", size?)));
    joined(added.chain(dropped).chain(devices).chain(mounts).chain(init).chain(memory))
}

/// Ports of another protocol than TCP, and what else a mapping says.
fn other_ports(container: &ContainerDefinition) -> Option<String> {
    let others = container.port_mappings().iter().filter(|mapping| {
        mapping.protocol().is_some_and(|protocol| *protocol != TransportProtocol::Tcp)
            || mapping.name().is_some()
            || mapping.app_protocol().is_some()
            || mapping.container_port_range().is_some()
    });
    joined(others.map(|mapping| {
        let port = mapping.container_port().map(to_text);
        let port = port.or_else(|| mapping.container_port_range().map(to_text)).unwrap_or_default();
        let protocol = mapping.protocol().map_or("tcp", TransportProtocol::as_str);
        format!("{port}/{protocol} {}", mapping.name().unwrap_or_default()).trim_end().to_owned()
    }))
}

/// Another driver, and options besides ours, without their values: some hold tokens.
fn other_logging(container: &ContainerDefinition) -> Option<String> {
    let logging = container.log_configuration()?;
    let driver = Some(logging.log_driver().as_str()).filter(|driver| *driver != "awslogs");
    let options = logging.options().into_iter().flatten().map(|(name, _)| name.as_str());
    let options = options.filter(|name| !LOG_OPTIONS.contains(name));
    let secrets = logging.secret_options().iter().map(Secret::name);
    joined(driver.into_iter().chain(options).chain(secrets).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{EnvironmentFile, EnvironmentFileType, MountPoint, Volume};

    use super::*;

    #[test]
    fn what_ecs_answers_of_every_revision_is_nothing() {
        let container = ContainerDefinition::builder()
            .essential(true)
            .cpu(0)
            .set_mount_points(Some(Vec::new()))
            .set_volumes_from(Some(Vec::new()))
            .set_system_controls(Some(Vec::new()))
            .privileged(false)
            .build();
        let definition = Definition::builder().network_mode(NetworkMode::Awsvpc).build();
        assert_eq!(other_settings(&definition, &container), BTreeMap::new());
    }

    #[test]
    fn what_was_registered_by_hand_is_told() -> Result<(), aws_sdk_ecs::error::BuildError> {
        let file =
            EnvironmentFile::builder().value("arn:aws:s3:::elsewhere/web.env").r#type(EnvironmentFileType::S3);
        let container = ContainerDefinition::builder()
            .privileged(true)
            .user("0")
            .environment_files(file.build()?)
            .mount_points(MountPoint::builder().source_volume("data").container_path("/data").build())
            .docker_labels("team", "city")
            .docker_labels(format!("{VERSION_LABEL}web/key"), "3")
            .build();
        let definition = Definition::builder().volumes(Volume::builder().name("data").build()).build();
        let expected = [
            ("dockerLabels", "team=city"),
            ("environmentFiles", "arn:aws:s3:::elsewhere/web.env"),
            ("mountPoints", "data at /data"),
            ("privileged", "true"),
            ("user", "0"),
            ("volumes", "data"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(other_settings(&definition, &container), BTreeMap::from(expected));
        Ok(())
    }
}
