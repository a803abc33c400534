use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An RDS instance with its subnet group. Its password is generated, lives in SSM and shows nowhere.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Database {
    /// The instance's identifier; `<project>-<environment>-<key>` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub engine: Engine,
    /// As precise as you like: `16` accepts every 16.x that AWS upgrades to.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+){0,3}$"))]
    pub version: String,
    /// The instance class, as in `db.t4g.micro`.
    #[schemars(regex(pattern = r"^db\.[a-z0-9-]+\.[a-z0-9-]+$"))]
    pub class: String,
    /// GiB. Growth by storage autoscaling is not drift.
    #[schemars(range(min = 20, max = 65536))]
    pub storage: i32,
    /// GiB up to which AWS may grow the storage by itself; 0 for never.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65536))]
    pub max_storage: i32,
    #[serde(default)]
    pub storage_type: StorageType,
    /// The first database in the instance.
    pub database: String,
    /// The master user.
    pub username: String,
    /// 5432 for PostgreSQL and 3306 for MySQL unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1150, max = 65535))]
    pub port: Option<u16>,
    /// Keys of subnets; every private one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// Keys of security groups, or ids of existing ones.
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub multi_az: bool,
    /// Days that automated backups are kept, which is also how far point-in-time recovery reaches; 0 for none.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 35))]
    pub backup_retention: i32,
    /// UTC, `hh:mm-hh:mm`; AWS picks one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_window: Option<String>,
    /// UTC, `ddd:hh:mm-ddd:hh:mm`; AWS picks one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_window: Option<String>,
    /// Whether AWS refuses to delete the instance.
    #[serde(default)]
    pub deletion_protection: bool,
    /// As the environment's `protect`, for this database and its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    /// Encryption at rest. Only a new instance can get it.
    #[serde(default = "yes")]
    pub encrypted: bool,
    #[serde(default = "yes")]
    pub auto_minor_upgrades: bool,
    /// When changes that restart the database happen.
    #[serde(default)]
    pub apply_changes: ApplyChanges,
    /// Whether a snapshot is taken before the instance is deleted.
    #[serde(default = "yes")]
    pub final_snapshot: bool,
    #[serde(default)]
    pub performance_insights: bool,
}

fn one() -> i32 {
    1
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    Postgres,
    Mysql,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StorageType {
    #[default]
    Gp3,
    Gp2,
}

/// `window` leaves such changes to the next maintenance window; `immediately` makes them at once, along with
/// whatever else is pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyChanges {
    #[default]
    Immediately,
    Window,
}
