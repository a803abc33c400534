//! Writing services. An update sends nothing but what changed, so that what others decide stays theirs.

use aws_sdk_ecs::Client as Ecs;
use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, DeploymentCircuitBreaker,
    DeploymentConfiguration, LaunchType, LoadBalancer, NetworkConfiguration, PropagateTags, ServiceRegistry,
};

use super::{Attrs, DEADLINE_TAG};
use crate::aws::{Aws, CloudError, ErrorClass, OwnError, SdkResult};
use crate::kinds::compute::ecs_cluster::tagging;
use crate::kinds::compute::services::DIGEST_TAG;
use crate::kinds::{Create, Update, WriteResult, content_digest};
use crate::value::Tags;

/// Characters that a client token may have.
const LONGEST_TOKEN: usize = 36;

/// What ECS answers about services; it has one code for most of it.
pub(super) const ERRORS: &[OwnError] = &[
    OwnError {
        code: "InvalidParameterException",
        words: "ecs service role being passed has the proper permissions",
        class: ErrorClass::EventuallyConsistent,
        example: "Unable to assume role and validate the listeners configured on your load balancer. Please verify \
            that the ECS service role being passed has the proper permissions.",
    },
    OwnError {
        code: "InvalidParameterException",
        words: "does not have an associated load balancer",
        class: ErrorClass::EventuallyConsistent,
        example: "The target group does not have an associated load balancer.",
    },
    OwnError {
        code: "InvalidParameterException",
        words: "still draining",
        class: ErrorClass::InUse,
        example: "Unable to Start a service that is still Draining.",
    },
    OwnError {
        code: "InvalidParameterException",
        words: "was not idempotent",
        class: ErrorClass::InUse,
        example: "Creation of service was not idempotent.",
    },
    OwnError {
        code: "InvalidParameterException",
        words: "cannot be stopped while deployments are active",
        class: ErrorClass::InUse,
        example: "The service cannot be stopped while deployments are active.",
    },
    OwnError {
        code: "ServiceNotActiveException",
        words: "",
        class: ErrorClass::NotFound,
        example: "Service was not ACTIVE.",
    },
];

pub(super) async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
    let attrs = new.attrs;
    let token = if new.token.len() <= LONGEST_TOKEN { new.token.to_owned() } else { content_digest(&new.token) };
    let mut call = aws
        .client::<Ecs>()
        .create_service()
        .cluster(attrs.cluster.value())
        .service_name(&attrs.name)
        .client_token(token)
        .launch_type(LaunchType::Fargate)
        .task_definition(attrs.task_definition.value())
        .desired_count(attrs.desired_count.or(attrs.initial_count).unwrap_or_default())
        .network_configuration(network(attrs)?)
        .set_load_balancers(Some(load_balancers(attrs)))
        .set_service_registries(Some(registries(attrs)))
        .deployment_configuration(deployment(attrs))
        .enable_execute_command(attrs.execute_command)
        .enable_ecs_managed_tags(true)
        .propagate_tags(PropagateTags::from(attrs.propagate_tags.as_str()))
        .set_tags(Some(tagging::to_aws(&stored(attrs))));
    if !attrs.may_rebalance() {
        call = call.availability_zone_rebalancing(AvailabilityZoneRebalancing::Disabled);
    }
    // Refused for a service without a load balancer.
    if !attrs.load_balancers.is_empty() {
        call = call.health_check_grace_period_seconds(attrs.grace_period);
    }
    let made = call.send().await.operation("ecs:CreateService")?;
    let arn = made.service().and_then(|service| service.service_arn()).unwrap_or_default();
    Ok(WriteResult::new(&attrs.name).output("arn", arn))
}

pub(super) async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
    let attrs = change.attrs;
    let any = |fields: &[&str]| fields.iter().any(|field| change.changes(field));
    let mut call = aws.client::<Ecs>().update_service().cluster(attrs.cluster.value()).service(change.id);
    let unchanged = call.as_input().clone();
    if any(&["task_definition"]) {
        call = call.task_definition(attrs.task_definition.value());
    }
    if any(&["desired_count"]) {
        call = call.set_desired_count(attrs.desired_count);
    }
    if any(&["subnets", "security_groups", "public_ip"]) {
        call = call.network_configuration(network(attrs)?);
    }
    if any(&["load_balancers"]) {
        call = call.set_load_balancers(Some(load_balancers(attrs)));
    }
    if any(&["service_registries"]) {
        call = call.set_service_registries(Some(registries(attrs)));
    }
    if any(&["minimum_healthy_percent", "maximum_percent", "circuit_breaker", "rollback"]) {
        call = call.deployment_configuration(deployment(attrs));
        if !attrs.may_rebalance() {
            call = call.availability_zone_rebalancing(AvailabilityZoneRebalancing::Disabled);
        }
    }
    if any(&["grace_period", "load_balancers"]) && !attrs.load_balancers.is_empty() {
        call = call.health_check_grace_period_seconds(attrs.grace_period);
    }
    if any(&["execute_command"]) {
        call = call.enable_execute_command(attrs.execute_command);
    }
    if any(&["propagate_tags"]) {
        let from = PropagateTags::from(attrs.propagate_tags.as_str());
        call = call.propagate_tags(from).enable_ecs_managed_tags(true);
    }
    if *call.as_input() != unchanged {
        call.send().await.operation("ecs:UpdateService")?;
    }
    // Only now: a digest on a service that does not run the revision yet would vouch for the wrong one.
    if any(&["tags", "deadline", "task_definition_digest"]) {
        let arn = change.outputs.get("arn").map_or("", String::as_str);
        tagging::retag(aws, arn, &stored(change.before), &stored(attrs)).await?;
    }
    Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
}

/// Takes the tasks away first, and then the service; one that is no longer active is on its way already.
pub(super) async fn delete(aws: &Aws, cluster: &str, service: &str) -> Result<(), CloudError> {
    let call = aws.client::<Ecs>().update_service().cluster(cluster).service(service).desired_count(0);
    let stopped = there(call.send().await.operation("ecs:UpdateService"))?;
    if stopped.is_some() {
        let call = aws.client::<Ecs>().delete_service().cluster(cluster).service(service).force(true);
        there(call.send().await.operation("ecs:DeleteService"))?;
    }
    Ok(())
}

/// The answer, and `None` where the service is not there, or not active any more.
fn there<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer.map_err(|error| error.meant_by(ERRORS)) {
        Err(error) if error.is(ErrorClass::NotFound) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The tags with those that hold attributes.
fn stored(attrs: &Attrs) -> Tags {
    let mut tags = attrs.tags.clone();
    tags.insert(DIGEST_TAG.to_owned(), attrs.task_definition_digest.value().to_owned());
    tags.insert(DEADLINE_TAG.to_owned(), attrs.deadline.to_string());
    tags
}

fn network(attrs: &Attrs) -> Result<NetworkConfiguration, CloudError> {
    let public = if attrs.public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
    let network = AwsVpcConfiguration::builder()
        .set_subnets(Some(attrs.subnets.iter().map(|subnet| subnet.value().to_owned()).collect()))
        .set_security_groups(Some(attrs.security_groups.iter().map(|group| group.value().to_owned()).collect()))
        .assign_public_ip(public)
        .build()
        .map_err(|error| CloudError::internal(error.to_string()))?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(network).build())
}

fn load_balancers(attrs: &Attrs) -> Vec<LoadBalancer> {
    let routes = attrs.load_balancers.iter().map(|route| {
        LoadBalancer::builder()
            .target_group_arn(route.target_group.value())
            .container_name(&route.container_name)
            .container_port(route.container_port)
            .build()
    });
    routes.collect()
}

fn registries(attrs: &Attrs) -> Vec<ServiceRegistry> {
    attrs
        .service_registries
        .iter()
        .map(|name| ServiceRegistry::builder().registry_arn(name.value()).build())
        .collect()
}

fn deployment(attrs: &Attrs) -> DeploymentConfiguration {
    let breaker =
        DeploymentCircuitBreaker::builder().enable(attrs.circuit_breaker).rollback(attrs.rollback).build();
    DeploymentConfiguration::builder()
        .minimum_healthy_percent(attrs.minimum_healthy_percent)
        .maximum_percent(attrs.maximum_percent)
        .deployment_circuit_breaker(breaker)
        .build()
}
