//! What ECS answers of a service, and what becomes of it.

use aws_sdk_ecs::types::{Deployment, DeploymentConfiguration, Service};

use crate::kinds::members::{Members, Setting, list, number, other};

/// What Fargate runs on where nothing else is asked for: the newest, and the only one that there is.
const PLATFORM_VERSIONS: [&str; 2] = ["LATEST", "1.4.0"];

fn deployment(service: &Service) -> Option<&DeploymentConfiguration> {
    service.deployment_configuration()
}

/// What the newest deployment says: only there ECS tells some of what a service was given.
fn newest(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

pub(super) const SETTINGS: &[Setting<Service>] = &[
    Setting::new("launchType", |service| {
        other(service.launch_type().map(aws_sdk_ecs::types::LaunchType::as_str), "FARGATE")
    }),
    Setting::new("capacityProviderStrategy", |service| {
        list(
            service
                .capacity_provider_strategy()
                .iter()
                .map(aws_sdk_ecs::types::CapacityProviderStrategyItem::capacity_provider),
        )
    }),
    Setting::new("platformVersion", |service| {
        service.platform_version().filter(|version| !PLATFORM_VERSIONS.contains(version)).map(str::to_owned)
    }),
    Setting::new("platformFamily", |service| {
        service.platform_family().filter(|family| !family.eq_ignore_ascii_case("linux")).map(str::to_owned)
    }),
    Setting::new("deploymentConfiguration.strategy", |service| {
        other(deployment(service)?.strategy().map(aws_sdk_ecs::types::DeploymentStrategy::as_str), "ROLLING")
    }),
    Setting::new("deploymentConfiguration.bakeTimeInMinutes", |service| {
        number(deployment(service)?.bake_time_in_minutes())
    }),
    Setting::new("deploymentConfiguration.alarms", |service| {
        let alarms = deployment(service)?.alarms().filter(|alarms| alarms.enable())?;
        list(alarms.alarm_names().iter().map(String::as_str))
    }),
    Setting::new("deploymentConfiguration.lifecycleHooks", |service| {
        list(deployment(service)?.lifecycle_hooks().iter().filter_map(|hook| hook.hook_target_arn()))
    }),
    Setting::new("loadBalancers.loadBalancerName", |service| {
        list(service.load_balancers().iter().filter_map(|one| one.load_balancer_name()))
    }),
    Setting::new("loadBalancers.advancedConfiguration", |service| {
        let more = service.load_balancers().iter().filter_map(|one| one.advanced_configuration());
        list(more.filter_map(|more| more.alternate_target_group_arn()))
    }),
    Setting::new("taskSets", |service| list(service.task_sets().iter().filter_map(|set| set.id()))),
    Setting::new("deployments.serviceConnectConfiguration", |service| {
        let connect = newest(service)?.service_connect_configuration().filter(|connect| connect.enabled())?;
        Some(connect.namespace().unwrap_or("enabled").to_owned())
    }),
    Setting::new("deployments.volumeConfigurations", |service| {
        list(
            newest(service)?
                .volume_configurations()
                .iter()
                .map(aws_sdk_ecs::types::ServiceVolumeConfiguration::name),
        )
    }),
    Setting::new("deployments.vpcLatticeConfigurations", |service| {
        list(
            newest(service)?
                .vpc_lattice_configurations()
                .iter()
                .map(aws_sdk_ecs::types::VpcLatticeConfiguration::target_group_arn),
        )
    }),
    Setting::new("placementConstraints", |service| {
        list(service.placement_constraints().iter().map(|one| one.expression().unwrap_or("distinctInstance")))
    }),
    Setting::new("placementStrategy", |service| {
        list(service.placement_strategy().iter().map(|one| one.field().unwrap_or("random")))
    }),
    Setting::new("schedulingStrategy", |service| {
        other(service.scheduling_strategy().map(aws_sdk_ecs::types::SchedulingStrategy::as_str), "REPLICA")
    }),
    Setting::new("deploymentController", |service| {
        other(service.deployment_controller().map(|controller| controller.r#type().as_str()), "ECS")
    }),
];

pub(super) fn members() -> Vec<Members> {
    vec![Members::of(
        "ecs:DescribeServices",
        "services",
        &[
            "serviceArn",
            "serviceName",
            "clusterArn",
            "status",
            "taskDefinition",
            "desiredCount",
            "networkConfiguration",
            "loadBalancers.targetGroupArn",
            "loadBalancers.containerName",
            "loadBalancers.containerPort",
            "serviceRegistries.registryArn",
            "deploymentConfiguration.deploymentCircuitBreaker.enable",
            "deploymentConfiguration.deploymentCircuitBreaker.rollback",
            "deploymentConfiguration.maximumPercent",
            "deploymentConfiguration.minimumHealthyPercent",
            "healthCheckGracePeriodSeconds",
            "enableExecuteCommand",
            "propagateTags",
            "tags",
        ],
        SETTINGS,
        &[
            (
                "follows from the container and the records in Cloud Map",
                &["serviceRegistries.port", "serviceRegistries.containerName", "serviceRegistries"],
            ),
            (
                "tells what runs and what happened",
                &[
                    "runningCount",
                    "pendingCount",
                    "deployments",
                    "events",
                    "createdAt",
                    "createdBy",
                    "currentServiceDeployment",
                    "currentServiceRevisions",
                ],
            ),
            (
                "differs by when the service was made: AWS has changed the default",
                &["availabilityZoneRebalancing", "enableECSManagedTags"],
            ),
            ("the role that ECS has for all services", &["roleArn"]),
            (
                "of a circuit breaker or a strategy that is told",
                &["deploymentConfiguration.deploymentCircuitBreaker", "deploymentConfiguration"],
            ),
            ("says who runs the service: ECS", &["resourceManagementType"]),
        ],
    )]
}
