//! `[cluster]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::example::{Example, change};
use crate::spec::{Check, Section};

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[cluster]
name = "town"
container-insights = true
private-domain = "town.internal"
"#,
    changes: &[
        change(
            "container-insights = true",
            "container-insights = false",
            &["update ecs_cluster.main: container_insights"],
        ),
        change("name = \"town\"", "name = \"village\"", &["replace ecs_cluster.main: name"]),
    ],
}];

impl Section for Cluster {
    const KEY: &'static str = "cluster";

    type Value = Self;

    fn validate(_check: &mut Check<'_>) {}

    fn own_names(cluster: &Self) -> Vec<(String, &'static str)> {
        cluster.private_domain.clone().map(|domain| (domain, "<private-domain>")).into_iter().collect()
    }
}

/// The ECS cluster that all services run in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Cluster {
    /// `<project>-<environment>` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub container_insights: bool,
    /// Domain of the private DNS names, as in `prod.example.internal`. Needed once a service has a `dns-name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_domain: Option<String>,
}
