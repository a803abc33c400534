//! `[services]`: from one entry derive the service and all that it alone uses, in four folders of kinds.

mod mentions;
mod route;
mod routes;
mod validate;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ecs_cluster::section::Cluster;
use crate::kinds::example::{Example, change};
use crate::spec::{Check, Entries, Environment, Keyed, Section, TextPart, Unknown, entry};
use crate::value::Part;
pub use mentions::mentioned;
pub use route::{Route, Routes};

/// `[services]`.
pub struct Services;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: include_str!("section/example.toml"),
    changes: &[
        change("count = 2", "count = 3", &["update ecs_service.shop: desired_count"]),
        change(
            "memory = 512",
            "memory = 2048",
            &["update ecs_service.shop: task_definition", "update task_definition.shop: memory"],
        ),
        change(
            "MODE = \"strict\"",
            "MODE = \"lax\"",
            &["update ecs_service.shop: task_definition", "update task_definition.shop: environment.MODE"],
        ),
        change(
            "interval = 15",
            "interval = 20",
            &[
                "update ecs_service.shop: task_definition",
                "update target_group.shop: health_check.interval",
                "update task_definition.shop: health_check.interval",
            ],
        ),
        change(
            "paths = [\"/shop*\"]",
            "paths = [\"/shop*\", \"/store*\"]",
            &["update listener_rule.shop: paths[]"],
        ),
        change("log-retention = 14", "log-retention = 30", &["update log_group.shop: retention_days"]),
        change("log-retention = 30", "log-retention = 0", &["update log_group.shop: retention_days"]),
        change(
            "s3:GetObject",
            "s3:PutObject",
            &["update iam_role.shop-task: inline_policies.permissions.Statement[]"],
        ),
        change(
            "dns-name = \"shop\"",
            "dns-name = \"store\"",
            &["replace discovery_service.shop: name", "update ecs_service.shop: service_registries[]"],
        ),
        change("name = \"town-shop\"", "name = \"town-store\"", &["replace ecs_service.shop: name"]),
    ],
}];

impl Section for Services {
    const KEY: &'static str = "services";
    const TEXTS: &'static [TextPart] = &[
        ("services.….dns", "the private DNS name of a service"),
        ("services.….port", "the port that its container listens on"),
    ];
    const ENTRY_TABLE: Option<&'static str> = Some("");

    type Value = Keyed<Service>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    fn validate(check: &mut Check<'_>) {
        validate::services(check);
        routes::routes(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        let (key, service, field) = entry(env.section::<Self>(), "service", path)?;
        match field {
            "dns" => match (&service.dns_name, &env.section::<Cluster>().private_domain) {
                (Some(name), Some(domain)) => Ok(Part::Literal(format!("{name}.{domain}"))),
                _ => Err(Unknown::new(
                    format!("service `{key}` has no private DNS name"),
                    "set its `dns-name`, and `private-domain` under [cluster]",
                )),
            },
            "port" => match service.port {
                Some(port) => Ok(Part::Literal(port.to_string())),
                None => Err(Unknown::new(format!("service `{key}` has no port"), "set its `port`")),
            },
            _ => Err(Unknown::field(Self::KEY, field, "dns, port")),
        }
    }
}

/// A long-running Fargate service. Its log group, roles, task definition, target group and listener rule follow.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Service {
    /// `<project>-<environment>-<key>` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The image, which may hold `{registries.<key>.url}`.
    #[schemars(extend("x-placeholders" = "outputs"))]
    pub image: String,
    /// CPU units: 1024 are one vCPU. Fargate takes certain pairs of cpu and memory only.
    pub cpu: i32,
    /// MiB.
    pub memory: i32,
    #[serde(default)]
    pub architecture: Architecture,
    /// The port the container listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// How many tasks run.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 5000))]
    pub count: i32,
    /// Whether something else (a scalable target) decides the count: then `count` is only the initial value.
    #[serde(default)]
    pub autoscaled: bool,
    /// Updates go wave by wave: the next starts when the one before is steady.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 99))]
    pub wave: u32,
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    pub entry_point: Vec<String>,
    /// Plain environment variables; texts may hold outputs. Secrets go through `secrets`.
    #[serde(default)]
    #[schemars(extend("x-placeholders" = "outputs"))]
    pub environment: BTreeMap<String, String>,
    /// Environment variables that a task gets from SSM at its start: variable = parameter key.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Which requests come to it: one route, or a list of them. Without it no load balancer knows the service.
    #[serde(default, skip_serializing_if = "Routes::is_empty")]
    pub route: Routes,
    /// Its private DNS name: `<dns-name>.<cluster.private-domain>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// Keys of subnets; every private one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// Keys of security groups, or ids of existing ones.
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub public_ip: bool,
    /// Days that logs are kept: one of the values CloudWatch Logs takes.
    #[serde(default = "month")]
    pub log_retention: i32,
    /// As the environment's `protect`, for this service's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    /// What the running task may do in AWS; nothing unless set.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// ARNs of managed policies for the running task.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    #[serde(default)]
    pub deployment: Deployment,
    /// Whether `aws ecs execute-command` may open a shell in a task.
    #[serde(default)]
    pub execute_command: bool,
}

fn one() -> i32 {
    1
}

fn first() -> u32 {
    1
}

fn month() -> i32 {
    30
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    #[default]
    #[serde(rename = "x86-64")]
    X86_64,
    Arm64,
}

/// The load balancer's health check of a routed service; `command` is the container's own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HealthCheck {
    /// The path that is requested, as in `/health`.
    #[schemars(regex(pattern = r"^/"))]
    pub path: String,
    /// HTTP codes that mean healthy: `200`, `200-299`, `200,302`.
    pub status: String,
    /// Seconds between checks.
    #[schemars(range(min = 5, max = 300))]
    pub interval: i32,
    /// Seconds until a check counts as failed.
    #[schemars(range(min = 2, max = 120))]
    pub timeout: i32,
    /// Checks in a row that make a task healthy.
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: i32,
    /// Checks in a row that make a task unhealthy.
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: i32,
    /// Seconds after a task's start in which a failing check does not count.
    #[schemars(range(min = 0, max = 2147483647))]
    pub grace_period: i32,
    /// A command inside the container that exits 0 when it is healthy, as in `["CMD-SHELL", "curl -f localhost"]`.
    pub command: Vec<String>,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            status: "200".to_owned(),
            interval: 30,
            timeout: 5,
            healthy_threshold: 3,
            unhealthy_threshold: 3,
            grace_period: 60,
            command: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Permission {
    pub actions: Vec<String>,
    pub resources: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Deployment {
    /// Per cent of `count` that keep running during a rollout.
    #[schemars(range(min = 0, max = 100))]
    pub minimum_healthy_percent: i32,
    /// Per cent of `count` that may run during a rollout.
    #[schemars(range(min = 100, max = 200))]
    pub maximum_percent: i32,
    /// Whether ECS stops a failing rollout.
    pub circuit_breaker: bool,
    /// Whether ECS then goes back to the last good task definition.
    pub rollback: bool,
    /// Seconds after which Baseplate treats a rollout as failed.
    #[schemars(range(min = 60, max = 7200))]
    pub deadline: u64,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            circuit_breaker: true,
            rollback: true,
            deadline: 900,
        }
    }
}
