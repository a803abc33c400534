//! Reading services: listed by cluster, described ten at a time, and put into the words of the spec.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{AssignPublicIp, Service};

use super::members::SETTINGS;
use super::{Attrs, DEADLINE_TAG, EcsService, Route};
use crate::aws::Reader;
use crate::kinds::Live;
use crate::kinds::compute::ecs_cluster::tagging;
use crate::kinds::compute::services::{DIGEST_TAG, definition_arn};
use crate::kinds::members::settings;
use crate::value::{Ref, Tags};

pub(super) fn live(read: &Reader<'_>, service: &Service) -> Live<Attrs> {
    let tags = tagging::from_aws(service.tags());
    let definition = definition_arn(read.aws, service.task_definition().unwrap_or_default());
    let name = service.service_name().unwrap_or_default();
    let arn = service.service_arn().unwrap_or_default();
    let (attrs, unread) = canonical(service, &definition, &tags);
    let settings = settings(SETTINGS, service);
    Live { unread, settings, ..Live::new(read.scope.owner::<EcsService>(&tags), name, attrs).output("arn", arn) }
}

/// The attributes, and the fields that the answer is silent about. AWS tells them all; what an answer leaves
/// out is not compared, rather than taken for a default.
fn canonical(service: &Service, definition: &str, tags: &Tags) -> (Attrs, Vec<&'static str>) {
    let mut unread = Vec::new();
    let network = service.network_configuration().and_then(|network| network.awsvpc_configuration());
    let deployment = service.deployment_configuration();
    if deployment.is_none() {
        unread.extend(["minimum_healthy_percent", "maximum_percent", "circuit_breaker", "rollback"]);
    }
    let breaker = deployment.and_then(|deployment| deployment.deployment_circuit_breaker());
    let routes = routes(service);
    // ECS keeps the grace period of a service whose routes have gone, but it means nothing then.
    let grace = service.health_check_grace_period_seconds().filter(|_| !routes.is_empty());
    if grace.is_none() && !routes.is_empty() {
        unread.push("grace_period");
    }
    // The SDK cannot tell a `false` from a field that is not there. A Fargate service has a platform version,
    // so an answer without one is not a full one.
    if !service.enable_execute_command() && service.platform_version().is_none() {
        unread.push("execute_command");
    }
    let cluster = service.cluster_arn().unwrap_or_default();
    let kept = |tag: &str| tags.get(tag).map(String::as_str).unwrap_or_default();
    let ids = |list: Option<&[String]>| list.unwrap_or_default().to_vec();
    let attrs = Attrs {
        name: service.service_name().unwrap_or_default().to_owned(),
        cluster: Ref::id(cluster.rsplit('/').next().unwrap_or(cluster)),
        task_definition: Ref::live("arn", definition),
        task_definition_digest: Ref::live("seal", kept(DIGEST_TAG)),
        desired_count: Some(service.desired_count()),
        initial_count: None,
        subnets: ids(network.map(aws_sdk_ecs::types::AwsVpcConfiguration::subnets))
            .into_iter()
            .map(Ref::id)
            .collect(),
        security_groups: ids(network.map(aws_sdk_ecs::types::AwsVpcConfiguration::security_groups))
            .into_iter()
            .map(Ref::id)
            .collect(),
        public_ip: network.and_then(|network| network.assign_public_ip()) == Some(&AssignPublicIp::Enabled),
        load_balancers: routes,
        service_registries: service
            .service_registries()
            .iter()
            .filter_map(|registry| Some(Ref::live("arn", registry.registry_arn()?)))
            .collect(),
        minimum_healthy_percent: deployment
            .and_then(aws_sdk_ecs::types::DeploymentConfiguration::minimum_healthy_percent)
            .unwrap_or(100),
        maximum_percent: deployment
            .and_then(aws_sdk_ecs::types::DeploymentConfiguration::maximum_percent)
            .unwrap_or(200),
        circuit_breaker: breaker.is_some_and(aws_sdk_ecs::types::DeploymentCircuitBreaker::enable),
        rollback: breaker.is_some_and(|breaker| breaker.enable() && breaker.rollback()),
        grace_period: grace.unwrap_or(0),
        execute_command: service.enable_execute_command(),
        propagate_tags: service.propagate_tags().map_or("NONE", |from| from.as_str()).to_owned(),
        deadline: kept(DEADLINE_TAG).parse().unwrap_or(0),
        tags: own(tags),
    };
    (attrs, unread)
}

/// The tags without those that hold attributes.
fn own(tags: &Tags) -> Tags {
    let tags = tags.iter().filter(|(key, _)| ![DIGEST_TAG, DEADLINE_TAG].contains(&key.as_str()));
    tags.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn routes(service: &Service) -> BTreeSet<Route> {
    let routes = service.load_balancers().iter().filter_map(|route| {
        Some(Route {
            target_group: Ref::id(route.target_group_arn()?),
            container_name: route.container_name().unwrap_or_default().to_owned(),
            container_port: route.container_port().unwrap_or_default(),
        })
    });
    routes.collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{DeploymentCircuitBreaker, DeploymentConfiguration, LoadBalancer};

    use super::*;

    fn routed() -> aws_sdk_ecs::types::builders::ServiceBuilder {
        let route = LoadBalancer::builder().target_group_arn("arn:tg").container_name("web").container_port(80);
        Service::builder()
            .service_name("legend-dev-web")
            .cluster_arn("arn:x:cluster/legend-dev")
            .load_balancers(route.build())
    }

    #[test]
    fn what_an_answer_leaves_out_is_not_compared() {
        let (attrs, unread) = canonical(&routed().build(), "arn:td:1", &Tags::new());
        assert_eq!(attrs.cluster.value(), "legend-dev");
        for field in ["minimum_healthy_percent", "rollback", "grace_period", "execute_command"] {
            assert!(unread.contains(&field), "{field}");
        }
    }

    #[test]
    fn a_full_answer_is_compared_in_full() {
        let breaker = DeploymentCircuitBreaker::builder().enable(false).rollback(true).build();
        let deployment = DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build();
        let service = routed().deployment_configuration(deployment).platform_version("1.4.0");
        let service = service.health_check_grace_period_seconds(60).build();
        let tags = Tags::from([(DIGEST_TAG.to_owned(), "3:ab".to_owned()), ("team".to_owned(), "x".to_owned())]);
        let (attrs, unread) = canonical(&service, "arn:td:3", &tags);
        assert_eq!(unread, [""; 0]);
        assert_eq!((attrs.minimum_healthy_percent, attrs.maximum_percent, attrs.grace_period), (100, 200, 60));
        assert!(!attrs.rollback, "without a breaker there is nothing to go back on");
        assert_eq!(attrs.task_definition_digest.value(), "3:ab");
        assert_eq!(attrs.tags, Tags::from([("team".to_owned(), "x".to_owned())]));
    }
}
