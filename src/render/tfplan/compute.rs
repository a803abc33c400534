//! Cluster, task definitions, services, and how they find one another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Block, document};
use crate::kinds::compute::task_definition::{self, HealthCheck};
use crate::kinds::compute::{discovery_namespace, discovery_service, ecs_cluster, ecs_service};
use crate::kinds::monitoring::log_group;

pub fn logs(attrs: &log_group::Attrs) -> Vec<Block> {
    let body = json!({ "name": attrs.name, "retention_in_days": attrs.retention_days, "tags": attrs.tags });
    Block::one("aws_cloudwatch_log_group", body)
}

pub fn cluster(attrs: &ecs_cluster::Attrs) -> Vec<Block> {
    let insights = if attrs.container_insights { "enabled" } else { "disabled" };
    let body = json!({
        "name": attrs.name,
        "setting": [{ "name": "containerInsights", "value": insights }],
        "tags": attrs.tags,
    });
    Block::one("aws_ecs_cluster", body)
}

/// CPU and memory are strings in Terraform.
pub fn task(attrs: &task_definition::Attrs, region: &str) -> Vec<Block> {
    let body = json!({
        "family": attrs.family,
        "cpu": attrs.cpu.to_string(),
        "memory": attrs.memory.to_string(),
        "network_mode": "awsvpc",
        "requires_compatibilities": ["FARGATE"],
        "runtime_platform": [{ "cpu_architecture": attrs.architecture, "operating_system_family": "LINUX" }],
        "execution_role_arn": attrs.execution_role,
        "task_role_arn": attrs.task_role,
        "container_definitions": document(&json!([container(attrs, region)])),
        "tags": attrs.tags,
    });
    Block::one("aws_ecs_task_definition", body)
}

fn container(attrs: &task_definition::Attrs, region: &str) -> Value {
    let ports =
        attrs.ports.iter().map(|port| json!({ "containerPort": port, "hostPort": port, "protocol": "tcp" }));
    let environment = attrs.environment.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let secrets = attrs.secrets.iter().map(|(name, from)| json!({ "name": name, "valueFrom": from }));
    let versions: BTreeMap<String, Value> = attrs
        .parameter_versions
        .iter()
        .map(|(key, version)| (format!("{}{key}", task_definition::VERSION_LABEL), json!(version)))
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

pub fn service(attrs: &ecs_service::Attrs) -> Vec<Block> {
    let balancers = attrs.routes.iter().map(|route| {
        json!({
            "target_group_arn": route.target_group,
            "container_name": route.container,
            "container_port": route.port,
        })
    });
    let registries = attrs.discovery.iter().map(|service| json!({ "registry_arn": service }));
    let body = json!({
        "name": attrs.name,
        "cluster": attrs.cluster,
        "task_definition": attrs.task_definition,
        "desired_count": attrs.desired_count,
        "launch_type": "FARGATE",
        "network_configuration": [{
            "subnets": attrs.subnets,
            "security_groups": attrs.security_groups,
            "assign_public_ip": attrs.public_ip,
        }],
        "load_balancer": balancers.collect::<Vec<_>>(),
        "service_registries": registries.collect::<Vec<_>>(),
        "deployment_minimum_healthy_percent": attrs.minimum_percent,
        "deployment_maximum_percent": attrs.maximum_percent,
        "deployment_circuit_breaker": [{ "enable": attrs.circuit_breaker, "rollback": attrs.rollback }],
        "health_check_grace_period_seconds": attrs.grace_period,
        "enable_execute_command": attrs.execute_command,
        "propagate_tags": attrs.propagate_tags,
        "tags": attrs.tags,
    });
    Block::one("aws_ecs_service", body)
}

pub fn namespace(attrs: &discovery_namespace::Attrs) -> Vec<Block> {
    let body = json!({
        "name": attrs.name,
        "vpc": attrs.vpc,
        "description": attrs.description,
        "tags": attrs.tags,
    });
    Block::one("aws_service_discovery_private_dns_namespace", body)
}

pub fn discovery(attrs: &discovery_service::Attrs) -> Vec<Block> {
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
