//! `[databases]`: from one entry derive the instance, its subnet group, and the parameter with its password.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::config::ssm_parameter::section::Parameters;
use crate::kinds::example::{Example, change};
use crate::kinds::network::section::{Tier, check_tier, check_two_zones};
use crate::kinds::network::security_group::section::check_groups;
use crate::spec::{Check, Entries, Environment, Keyed, Section, TextPart, Unknown, entry};
use crate::value::Part;

/// `[databases]`.
pub struct Databases;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[databases.main]
name = "town-main"
engine = "postgres"
version = "16"
class = "db.t4g.micro"
storage = 20
max-storage = 100
storage-type = "gp3"
database = "shop"
username = "shop"
port = 5433
subnets = ["private-a", "private-b"]
security-groups = ["app"]
multi-az = false
backup-retention = 7
backup-window = "02:00-03:00"
maintenance-window = "sun:04:00-sun:05:00"
deletion-protection = false
protect = false
encrypted = true
auto-minor-upgrades = true
apply-changes = "immediately"
final-snapshot = false
performance-insights = true
"#,
    changes: &[
        change("backup-retention = 7", "backup-retention = 3", &["update db_instance.main: backup_retention"]),
        change("db.t4g.micro", "db.t4g.small", &["update db_instance.main: class"]),
        change("version = \"16\"", "version = \"17\"", &["update db_instance.main: version"]),
        change("multi-az = false", "multi-az = true", &["update db_instance.main: multi_az"]),
        change(
            "subnets = [\"private-a\", \"private-b\"]\n",
            "subnets = [\"public-a\", \"private-a\", \"private-b\"]\n",
            &["update db_subnet_group.main: subnets[]"],
        ),
        change(
            "deletion-protection = false",
            "deletion-protection = true",
            &["update db_instance.main: deletion_protection"],
        ),
        change(
            "deletion-protection = true",
            "deletion-protection = false",
            &["update db_instance.main: deletion_protection"],
        ),
        change("username = \"shop\"", "username = \"keeper\"", &["replace db_instance.main: username"]),
    ],
}];

impl Section for Databases {
    const KEY: &'static str = "databases";
    const TEXTS: &'static [TextPart] = &[
        ("databases.….endpoint", "the host name of a database"),
        ("databases.….port", "its port"),
        ("databases.….database", "the first database in it"),
        ("databases.….username", "its master user"),
        ("databases.….password", "the generated password, only in parameters"),
    ];
    const ENTRY_TABLE: Option<&'static str> = Some("");

    type Value = Keyed<Database>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    fn validate(check: &mut Check<'_>) {
        validate(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        let (key, database, field) = entry(env.section::<Self>(), "database", path)?;
        match field {
            "endpoint" => Ok(Part::output("db_instance", key, "endpoint")),
            "password" => Ok(Part::output("ssm_parameter", &password_parameter(key), "value")),
            "port" => Ok(Part::Literal(database.port().to_string())),
            "database" => Ok(Part::Literal(database.database.clone())),
            "username" => Ok(Part::Literal(database.username.clone())),
            _ => Err(Unknown::field(Self::KEY, field, "endpoint, port, database, username, password")),
        }
    }
}

/// An RDS instance with its subnet group. Its password is generated, stored in SSM and never shown.
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
    /// Whether AWS refuses to delete the instance, whoever asks; `protect` is what Baseplate refuses.
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

impl Database {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.engine {
            Engine::Postgres => 5432,
            Engine::Mysql => 3306,
        })
    }
}

const PASSWORD: &str = "/db-password";

/// The key of the parameter that holds a database's generated password.
pub fn password_parameter(database: &str) -> String {
    format!("{database}{PASSWORD}")
}

/// The database whose password a parameter of this key holds.
pub fn password_of<'p>(env: &Environment, parameter: &'p str) -> Option<&'p str> {
    parameter.strip_suffix(PASSWORD).filter(|database| env.section::<Databases>().contains_key(database))
}

fn validate(check: &mut Check<'_>) {
    let databases = check.env.section::<Databases>();
    check.keys(&["databases"], databases.keys());
    if databases.values().any(|database| database.subnets.is_none()) {
        check_tier(check, Tier::Private, "a database");
    }
    for (key, database) in databases {
        let at = |field| ["databases", key.as_str(), field];
        check_groups(check, &at("security-groups"), &database.security_groups);
        if let Some(subnets) = &database.subnets {
            check_two_zones(check, &at("subnets"), subnets, "a database");
        }
        if database.max_storage != 0 && database.max_storage <= database.storage {
            check.report(&at("max-storage"), "`max-storage` must be above `storage`", "raise it, or leave it out");
        }
        let password = password_parameter(key);
        if check.env.section::<Parameters>().contains_key(&password) {
            let message = format!("`{password}` is reserved for the password of database `{key}`");
            check.report(&["parameters", &password], message, "remove it: Baseplate generates and keeps it");
        }
    }
}
