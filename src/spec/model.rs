//! The typed environment: what a merged and checked spec says. The JSON Schema is generated from these types,
//! and the spec's structure is checked against that schema, so a key exists in exactly one place: here.

mod database;
mod differs;
mod edge;
mod network;
mod parameter;
mod service;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Keyed;
pub use database::{ApplyChanges, Database, Engine, StorageType};
pub use differs::Differs;
pub use edge::{Certificate, Dns, LoadBalancer};
pub use network::{Egress, Ingress, Nat, Network, Protocol, SecurityGroup, Subnet, Tier};
pub use parameter::{Generate, Parameter, ParameterTier};
pub use service::{Architecture, Cluster, Deployment, HealthCheck, Permission, Route, Service};

/// One environment of one project, in one account and region.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Environment {
    /// The spec that this one builds on, as a path beside it. Tables merge by key, arrays replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// The project's name: the first part of every name and parameter path.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$"))]
    pub project: String,
    /// The environment's name: the second part of every name and parameter path.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,14}[a-z0-9]$"))]
    pub environment: String,
    /// The AWS account, 12 digits. Nothing is written to any other.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub account: String,
    /// The AWS region, as in `eu-central-1`.
    #[schemars(regex(pattern = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"))]
    pub region: String,
    /// Whether what holds data (databases, registries, secret parameters, logs) is deleted or replaced only if
    /// `--allow-destroy` names it. A database, registry, parameter or service can say otherwise for itself.
    #[serde(default = "yes")]
    pub protect: bool,
    /// Tags of every object that belongs to this environment.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    pub network: Network,
    #[serde(default)]
    pub security_groups: Keyed<SecurityGroup>,
    #[serde(default)]
    pub databases: Keyed<Database>,
    #[serde(default)]
    pub registries: Keyed<Registry>,
    /// SSM parameters by their name under `/<project>/<environment>/`.
    #[serde(default)]
    pub parameters: Keyed<Parameter>,
    #[serde(default)]
    pub cluster: Cluster,
    #[serde(default)]
    pub services: Keyed<Service>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// How this environment differs from the project's others on purpose: `compare` folds these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<Differs>,
}

fn yes() -> bool {
    true
}

/// An ECR repository. It belongs to the project: both environments push to it and pull from it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Registry {
    /// The repository's name; `<project>-<key>` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As the environment's `protect`, for this repository with its images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    /// Whether a pushed tag can never be moved.
    pub immutable_tags: bool,
    /// Whether images are scanned for vulnerabilities as they arrive.
    pub scan_on_push: bool,
    /// How many tagged images to keep for each environment's tag prefix.
    #[schemars(range(min = 1, max = 10000))]
    pub keep_images: u32,
    /// After how many days an image without a tag goes.
    #[schemars(range(min = 1, max = 3650))]
    pub untagged_days: u32,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            name: None,
            protect: None,
            immutable_tags: false,
            scan_on_push: true,
            keep_images: 30,
            untagged_days: 7,
        }
    }
}
