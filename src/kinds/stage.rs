use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The documented order of an environment's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Network,
    Database,
    Registries,
    Parameters,
    Compute,
    LoadBalancer,
    Dns,
    Monitoring,
}

impl Stage {
    pub const ALL: [Self; 8] = [
        Self::Network,
        Self::Database,
        Self::Registries,
        Self::Parameters,
        Self::Compute,
        Self::LoadBalancer,
        Self::Dns,
        Self::Monitoring,
    ];

    /// 1 to 9. Verifying is 8, and holds no objects.
    pub fn number(self) -> usize {
        match self {
            Self::Monitoring => 9,
            earlier => earlier as usize + 1,
        }
    }

    /// As a heading: `2 · database`.
    pub fn title(self) -> String {
        format!("{} · {self}", self.number())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network and security groups",
            Self::Database => "database",
            Self::Registries => "registries",
            Self::Parameters => "parameters",
            Self::Compute => "cluster, task definitions, services",
            Self::LoadBalancer => "load balancer",
            Self::Dns => "DNS",
            Self::Monitoring => "monitoring",
        })
    }
}

/// What a change means to those who use the object, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    None,
    /// Tasks are replaced one by one.
    Rolling,
    /// Waits for the maintenance window.
    InWindow,
    /// The database restarts.
    Reboot,
    /// Another takes over at once, such as the database in its other zone: open connections break, new ones get through.
    Failover,
    /// Who uses it is without it: for as long as the change takes, or for good where it goes.
    Outage,
    /// Another object takes its place: open connections through the old one break.
    Replaced,
    /// What it holds is lost.
    DataLoss,
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no interruption",
            Self::Rolling => "rolling restart",
            Self::InWindow => "in the maintenance window",
            Self::Reboot => "reboot",
            Self::Failover => "failover",
            Self::Outage => "outage",
            Self::Replaced => "replaced",
            Self::DataLoss => "data lost",
        })
    }
}
