mod change;
#[cfg(feature = "aws")]
mod live;
#[cfg(feature = "aws")]
mod members;
#[cfg(feature = "aws")]
mod pending;
#[cfg(feature = "aws")]
mod preflight;
mod reserved;
mod rules;
mod version;
mod window;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::config::ssm_parameter::SsmParameter;
use crate::kinds::data::db_subnet_group::DbSubnetGroup;
use crate::kinds::data::section::{ApplyChanges, Database, Databases, Engine, StorageType, password_parameter};
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::Example;
use crate::kinds::network::security_group::{self, SecurityGroup};
use crate::kinds::network::security_group_rules;
use crate::kinds::network::subnet::Subnet;
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::preflight::{QUOTA, Question, SERVICE_LINKED_ROLE};
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{self, AnySection, Environment, Section};
use crate::value::{Address, Ref, Secret, SecretSource, Tags, Target, Text};

#[cfg(feature = "aws")]
use calls::{ids, reveal};

const OFFERED: Question = Question {
    code: "BP-PRE-01",
    category: "database",
    asks: "RDS offers the engine, its version, the class and the storage together in the region, with a standby, encryption \
           and Performance Insights where the spec wants them",
    permissions: &["rds:DescribeOrderableDBInstanceOptions"],
    stops: true,
};

/// A database server.
pub struct DbInstance;

impl Target for DbInstance {
    const KIND: &'static str = "db_instance";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attrs {
    pub identifier: String,
    pub engine: String,
    pub version: String,
    pub class: String,
    /// GiB.
    pub storage: i32,
    /// GiB up to which AWS grows the storage; 0 for never.
    pub max_storage: i32,
    pub storage_type: String,
    /// The first database in the instance.
    pub database: String,
    pub username: String,
    pub port: i32,
    /// The VPC of its subnet group. An instance moves to another only by way of a snapshot. A cloud file of an earlier
    /// version does not have it.
    #[serde(default)]
    pub vpc: Option<Ref<Vpc>>,
    pub subnet_group: Ref<DbSubnetGroup>,
    /// The subnets of its group in which it runs, and its standby, where their zones tell: AWS chooses them. A cloud
    /// file does not have it.
    #[serde(default)]
    pub placed_in: Option<BTreeSet<Ref<Subnet>>>,
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    pub multi_az: bool,
    /// Days; 0 for no automated backups.
    pub backup_retention: i32,
    pub backup_window: Option<String>,
    pub maintenance_window: Option<String>,
    pub deletion_protection: bool,
    pub encrypted: bool,
    pub auto_minor_upgrades: bool,
    /// Kept as a tag: a delete must know it when no spec tells any more.
    pub final_snapshot: bool,
    /// Kept as a tag.
    pub apply_changes: ApplyChanges,
    pub performance_insights: bool,
    pub copy_tags_to_snapshot: bool,
    /// Whether it has a public address.
    #[serde(alias = "public")]
    pub publicly_accessible: bool,
    /// AWS never tells it: `password_version` stands for it in comparisons.
    pub password: Secret,
    /// The version of the parameter whose value the password is. Kept as a tag.
    pub password_version: Ref<SsmParameter>,
    /// Without those that keep the fields above.
    pub tags: Tags,
}

const MAX_NAME: usize = 63;

fn wanted(env: &Environment, key: &str, database: &Database) -> Attrs {
    let password = password_parameter(key);
    let value = Text::output(Address::new(SsmParameter::KIND, &password), "value");
    Attrs {
        identifier: identifier(env, key, database),
        engine: match database.engine {
            Engine::Postgres => "postgres",
            Engine::Mysql => "mysql",
        }
        .to_owned(),
        version: database.version.clone(),
        class: database.class.clone(),
        storage: database.storage,
        // AWS reports a limit only where it leaves room to grow.
        max_storage: if database.max_storage > database.storage { database.max_storage } else { 0 },
        storage_type: match database.storage_type {
            StorageType::Gp3 => "gp3",
            StorageType::Gp2 => "gp2",
        }
        .to_owned(),
        database: database.database.clone(),
        username: database.username.clone(),
        port: i32::from(database.port()),
        vpc: Some(vpc::reference(env)),
        subnet_group: Ref::to(key),
        placed_in: None,
        security_groups: security_group::references(env, &database.security_groups),
        multi_az: database.multi_az,
        backup_retention: database.backup_retention,
        backup_window: database.backup_window.clone(),
        maintenance_window: database.maintenance_window.as_ref().map(|window| window.to_lowercase()),
        deletion_protection: database.deletion_protection,
        encrypted: database.encrypted,
        auto_minor_upgrades: database.auto_minor_upgrades,
        final_snapshot: database.final_snapshot,
        apply_changes: database.apply_changes,
        performance_insights: database.performance_insights,
        copy_tags_to_snapshot: true,
        publicly_accessible: false,
        password: Secret::new(SecretSource::Text(value)),
        password_version: Ref::output(password, "version"),
        tags: env.tags_of::<DbInstance>(key),
    }
}

/// RDS keeps identifiers in lower case.
fn identifier(env: &Environment, key: &str, database: &Database) -> String {
    database.name.clone().unwrap_or_else(|| env.name(env.naming_key(Databases::KEY, key), MAX_NAME)).to_lowercase()
}

impl Kind for DbInstance {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Databases>()];
    const EXAMPLES: &'static [Example] = crate::kinds::data::section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("identifier", "name")];
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] =
        &["databases.….endpoint", "databases.….port", "databases.….database", "databases.….username"];
    const SUMMARY: &'static [&'static str] =
        &["engine", "version", "class", "storage", "multi_az", "publicly_accessible"];
    const STAGE: Stage = Stage::Database;
    const PROTECTED_BY: Option<&'static str> = Some("deletion_protection");
    const REPLACE_ON: &'static [&'static str] =
        &["identifier", "engine", "database", "username", "encrypted", "vpc"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const UNREAD: &'static [&'static str] = &["password"];
    const TAG_INDEX: Option<&'static str> = Some("rds:db");
    const TWO_PHASE_WRITES: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const OUTPUTS: &'static [&'static str] = &["arn", "endpoint", "port"];
    const IDENTITY: Option<&'static str> = Some("identifier");
    const CREATE_FIRST: bool = false;
    const DEADLINE: u64 = 3600;
    const EXPECTED_SECONDS: u64 = 420;
    const EXPECTED_DELETE_SECONDS: u64 = 300;
    const PREFLIGHT: &'static [&'static Question] = &[&OFFERED, &QUOTA, &SERVICE_LINKED_ROLE];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let databases = env.section::<Databases>().iter().map(|(key, database)| {
            let protect = database.protect.unwrap_or(env.protect);
            let after = security_group_rules::of_groups(env, &database.security_groups).collect();
            Desired { protect, after, ..Desired::new(key, &[Databases::KEY, key], wanted(env, key, database)) }
        });
        databases.collect()
    }

    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if version::satisfies(desired, &live.version) {
            live.version.clone_from(&desired.version);
        }
        if live.vpc.is_none() {
            live.vpc.clone_from(&desired.vpc);
        }
        // Storage never shrinks, and a growth of less than a tenth is rounded up to one.
        live.storage = live.storage.min(desired.storage);
    }

    fn notes(desired: &Attrs, live: &Attrs) -> Vec<String> {
        change::notes(desired, live)
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        change::dangers(desired, live)
    }

    fn refusal(live: &Attrs, desired: &Attrs, _users: &Users<'_>) -> Option<String> {
        change::refusal(live, desired)
    }

    fn holds_data(_live: &Attrs) -> bool {
        true
    }

    fn impact(live: &Attrs, desired: &Attrs, changed: &[String], _users: &Users<'_>) -> Impact {
        change::impact(live, desired, changed)
    }

    fn update_seconds(live: &Attrs, desired: &Attrs, changed: &[String]) -> Option<u64> {
        change::seconds(live, desired, changed)
    }

    fn expand(live: &Attrs, desired: &Attrs) -> Option<Attrs> {
        let security_groups = security_group::both(&live.security_groups, &desired.security_groups)?;
        Some(Attrs { security_groups, ..desired.clone() })
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let name = |field| format!("{}.{}.{field}", Databases::KEY, live.name);
        let endpoint = live.outputs.get("endpoint").map(String::as_str);
        [
            live.output(name("endpoint"), OutputSort::Endpoint, endpoint),
            live.output(name("port"), OutputSort::Name, Some(&live.attrs.port.to_string())),
            live.output(name("database"), OutputSort::Name, Some(&live.attrs.database)),
            live.output(name("username"), OutputSort::Name, Some(&live.attrs.username)),
        ]
        .concat()
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one(
            "aws_db_instance",
            json!({
                "identifier": attrs.identifier,
                "engine": attrs.engine,
                "engine_version": attrs.version,
                "instance_class": attrs.class,
                "allocated_storage": attrs.storage,
                "max_allocated_storage": attrs.max_storage,
                "storage_type": attrs.storage_type,
                "storage_encrypted": attrs.encrypted,
                "db_name": attrs.database,
                "username": attrs.username,
                "password": attrs.password,
                "port": attrs.port,
                "db_subnet_group_name": attrs.subnet_group,
                "vpc_security_group_ids": attrs.security_groups,
                "multi_az": attrs.multi_az,
                "backup_retention_period": attrs.backup_retention,
                "backup_window": attrs.backup_window,
                "maintenance_window": attrs.maintenance_window,
                "deletion_protection": attrs.deletion_protection,
                "auto_minor_version_upgrade": attrs.auto_minor_upgrades,
                "skip_final_snapshot": !attrs.final_snapshot,
                "apply_immediately": attrs.apply_changes == ApplyChanges::Immediately,
                "performance_insights_enabled": attrs.performance_insights,
                "copy_tags_to_snapshot": attrs.copy_tags_to_snapshot,
                "publicly_accessible": attrs.publicly_accessible,
                "tags": attrs.tags,
            }),
        )
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_rds::Client as Rds;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult, service};
    use crate::kinds::data::db_subnet_group::{rds_tags, retag};
    use crate::kinds::members::Members;
    use crate::kinds::ownership::unless_created;
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};
    use crate::value::SecretStore;

    service!(aws_sdk_rds);

    impl Calls for DbInstance {
        const ERRORS: &'static [OwnError] = live::ERRORS;

        fn members() -> Vec<Members> {
            members::members()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            live::read_all(read).await
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let tags = live::all_tags(attrs);
            let created = aws
                .client::<Rds>()
                .create_db_instance()
                .db_instance_identifier(&attrs.identifier)
                .engine(&attrs.engine)
                .engine_version(&attrs.version)
                .db_instance_class(&attrs.class)
                .allocated_storage(attrs.storage)
                .set_max_allocated_storage((attrs.max_storage > 0).then_some(attrs.max_storage))
                .storage_type(&attrs.storage_type)
                .db_name(&attrs.database)
                .master_username(&attrs.username)
                .master_user_password(reveal(new.secret_store, attrs)?.as_str())
                .port(attrs.port)
                .db_subnet_group_name(attrs.subnet_group.value())
                .set_vpc_security_group_ids(Some(ids(&attrs.security_groups)))
                .multi_az(attrs.multi_az)
                .backup_retention_period(attrs.backup_retention)
                .set_preferred_backup_window(attrs.backup_window.clone())
                .set_preferred_maintenance_window(attrs.maintenance_window.clone())
                .deletion_protection(attrs.deletion_protection)
                .storage_encrypted(attrs.encrypted)
                .auto_minor_version_upgrade(attrs.auto_minor_upgrades)
                .enable_performance_insights(attrs.performance_insights)
                .copy_tags_to_snapshot(attrs.copy_tags_to_snapshot)
                .publicly_accessible(attrs.publicly_accessible)
                .set_tags(Some(rds_tags(&tags)))
                .send()
                .await
                .operation("rds:CreateDBInstance");
            if let Err(error) = created {
                unless_created(error, &tags, live::tags(aws, &attrs.identifier)).await?;
            }
            Ok(WriteResult::new(&attrs.identifier).output("arn", arn(aws, &attrs.identifier)))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if let Some(call) = change::modify(aws, change)? {
                let modified = call.send().await.operation("rds:ModifyDBInstance");
                if let Err(error) = modified {
                    return Err(live::unless_stuck(aws, change.id, error).await);
                }
            }
            // Last, since a tag says that the password it names is in place.
            let (before, after) = (live::all_tags(change.before), live::all_tags(change.attrs));
            retag(aws, &arn(aws, change.id), &before, &after).await?;
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            const CALL: &str = "rds:DeleteDBInstance";
            if gone.attrs.deletion_protection {
                let message = format!(
                    "{} is protected from deletion: set `deletion-protection = false` for it, apply that, and then delete",
                    gone.id
                );
                return Err(CloudError::new(CALL, "InvalidParameterCombination", message));
            }
            let snapshot = gone.attrs.final_snapshot.then(|| change::snapshot_name(gone.id)).transpose()?;
            let call = aws.client::<Rds>().delete_db_instance().db_instance_identifier(gone.id);
            let call = call.skip_final_snapshot(snapshot.is_none()).set_final_db_snapshot_identifier(snapshot);
            match call.send().await.optional(CALL).map_err(|error| error.meant_by(Self::ERRORS)) {
                Err(error) if error.is(ErrorClass::InUse) && error.message.contains("already being deleted") => {
                    Ok(())
                }
                other => other.map(|_| ()),
            }
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            let found = live::find(aws, target.id).await?;
            Ok(match (target.goal, found) {
                (Goal::Gone, None) => Poll::Done(Outputs::new()),
                (Goal::Ready, None) => return Err(CloudError::not_shown("rds:DescribeDBInstances")),
                (Goal::Gone, Some(instance)) => Poll::Waiting(live::status(&instance).to_owned()),
                (Goal::Ready, Some(instance)) => live::readiness(&instance, target.attrs),
            })
        }
    }

    fn arn(aws: &Aws, identifier: &str) -> String {
        aws.arn("rds", &format!("db:{identifier}"))
    }

    pub(super) fn ids(groups: &BTreeSet<Ref<SecurityGroup>>) -> Vec<String> {
        groups.iter().map(|group| group.value().to_owned()).collect()
    }

    pub(super) fn reveal(
        secret_store: &SecretStore,
        attrs: &Attrs,
    ) -> Result<zeroize::Zeroizing<String>, CloudError> {
        let missing = || CloudError::internal(format!("the password of {} is not available", attrs.identifier));
        secret_store.reveal(&attrs.password).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::kinds) fn attrs() -> Attrs {
        Attrs {
            identifier: "legend-dev-main".to_owned(),
            engine: "postgres".to_owned(),
            version: "16.3".to_owned(),
            class: "db.t4g.micro".to_owned(),
            storage: 20,
            max_storage: 0,
            storage_type: "gp3".to_owned(),
            database: "main".to_owned(),
            username: "admin".to_owned(),
            port: 5432,
            vpc: None,
            subnet_group: Ref::id("legend-dev-main"),
            placed_in: None,
            security_groups: BTreeSet::new(),
            multi_az: false,
            backup_retention: 1,
            backup_window: None,
            maintenance_window: None,
            deletion_protection: false,
            encrypted: true,
            auto_minor_upgrades: true,
            final_snapshot: true,
            apply_changes: ApplyChanges::Immediately,
            performance_insights: false,
            copy_tags_to_snapshot: true,
            publicly_accessible: false,
            password: Secret::new(SecretSource::Fingerprint(String::new())),
            password_version: Ref::live("version", "1"),
            tags: Tags::new(),
        }
    }

    #[test]
    fn storage_never_shrinks() {
        for (max_storage, told) in [(0, true), (100, false)] {
            let (desired, mut live) = (Attrs { max_storage, ..attrs() }, Attrs { storage: 40, ..attrs() });
            assert_eq!(!DbInstance::notes(&desired, &live).is_empty(), told);
            DbInstance::normalize(&desired, &mut live);
            assert_eq!(live.storage, 20);
        }
        let mut smaller = Attrs { storage: 10, ..attrs() };
        assert_eq!(DbInstance::notes(&attrs(), &smaller), [""; 0]);
        DbInstance::normalize(&attrs(), &mut smaller);
        assert_eq!(smaller.storage, 10, "a growth is a difference");
    }

    #[test]
    fn a_group_that_goes_stays_until_all_that_connects_has_changed() {
        let of = |group: &str, class: &str| Attrs {
            security_groups: [Ref::id(group)].into(),
            class: class.to_owned(),
            ..attrs()
        };
        let (live, desired) = (of("old", "db.t4g.micro"), of("new", "db.t4g.small"));
        let wide = DbInstance::expand(&live, &desired).expect("both groups fit");
        assert_eq!((wide.security_groups.len(), wide.class.as_str()), (2, "db.t4g.small"));
        assert!(DbInstance::expand(&live, &of("old", "db.t4g.small")).is_none());
    }
}
