//! What RDS is asked to do to an instance that is there.

use super::{Attrs, DbInstance, version};
use crate::kinds::data::section::ApplyChanges;
use crate::kinds::{Impact, Kind};

#[cfg(feature = "aws")]
pub(super) use calls::{modify, snapshot_name};

/// What is seen of a major upgrade: AWS gives no figure, takes a snapshot before and after it, and the engine's own
/// upgrade between them is out of service
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.html>).
const MAJOR_UPGRADE_SECONDS: u64 = 1800;

/// What RDS says of each setting in "Settings for DB instances"
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>): some need a restart,
/// which a standby in another zone takes most of; both are upgraded at once. What that page does not name as downtime
/// has none: storage, its limit, gp2 and gp3, the standby, windows, password, insights, groups.
pub(super) fn impact(live: &Attrs, desired: &Attrs, changed: &[String]) -> Impact {
    let changes = |field: &str| changed.iter().any(|changed| changed == field);
    let moves = changes("class") || changes("subnet_group");
    let backups = changes("backup_retention") && first_or_last_backup(live, desired);
    let restarts = moves || changes("version") || changes("port") || backups;
    // RDS restarts the instance for another port at once, whatever else waits for the window.
    let waits = desired.apply_changes == ApplyChanges::Window && !changes("port");
    match restarts {
        true if backups && desired.backup_retention == 0 => Impact::DataLoss,
        false => Impact::None,
        true if waits => Impact::InWindow,
        true if changes("version") && is_major_upgrade(live, desired) => Impact::Outage,
        true if live.multi_az && moves => Impact::Failover,
        true => Impact::Reboot,
    }
}

/// RDS restarts an instance, with or without a standby, when backups begin and when they end.
fn first_or_last_backup(live: &Attrs, desired: &Attrs) -> bool {
    (live.backup_retention == 0) != (desired.backup_retention == 0)
}

fn is_major_upgrade(live: &Attrs, desired: &Attrs) -> bool {
    version::crosses_major(&desired.engine, &live.version, &desired.version)
        && !version::is_downgrade(desired, &live.version)
}

/// The seconds of an update that its impact does not tell.
pub(super) fn seconds(live: &Attrs, desired: &Attrs, changed: &[String]) -> Option<u64> {
    let waits = desired.apply_changes == ApplyChanges::Window;
    let changes = |field: &str| changed.iter().any(|changed| changed == field);
    match impact(live, desired, changed) {
        Impact::Outage => Some(MAJOR_UPGRADE_SECONDS),
        Impact::DataLoss if !waits => Some(DbInstance::EXPECTED_SECONDS),
        // Nobody is interrupted, but the instance is `modifying` meanwhile, which an apply waits for.
        Impact::None if !waits && ["multi_az", "storage", "storage_type"].iter().any(|field| changes(field)) => {
            Some(DbInstance::EXPECTED_SECONDS)
        }
        _ => None,
    }
}

/// What is less safe than the spec wants it.
pub(super) fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
    let mut dangers = Vec::new();
    if live.publicly_accessible && !desired.publicly_accessible {
        dangers.push(("publicly_accessible", "the database has a public address".to_owned()));
    }
    if live.backup_retention < desired.backup_retention {
        let kept = match live.backup_retention {
            0 => "there are no automated backups any more".to_owned(),
            days_left => format!("automated backups are kept for {} only", days(days_left)),
        };
        dangers.push(("backup_retention", kept));
    }
    if desired.deletion_protection && !live.deletion_protection {
        dangers.push(("deletion_protection", "deletion protection is off".to_owned()));
    }
    if desired.multi_az && !live.multi_az {
        dangers.push(("multi_az", "there is no standby in another zone".to_owned()));
    }
    dangers
}

/// What AWS does not do, or does not take back.
pub(super) fn notes(desired: &Attrs, live: &Attrs) -> Vec<String> {
    let mut notes = Vec::new();
    let when = match desired.apply_changes {
        ApplyChanges::Window => " in the maintenance window",
        ApplyChanges::Immediately => "",
    };
    let snapshot = format!(
        "Take a snapshot first: aws rds create-db-snapshot --db-instance-identifier {name} --db-snapshot-identifier \
         {name}-before",
        name = live.identifier
    );
    // What AWS grows by itself is meant.
    if live.storage > desired.storage && desired.max_storage == 0 {
        notes.push(format!(
            "AWS cannot shrink storage: it stays at {} GiB, where the spec says {}",
            live.storage, desired.storage
        ));
    }
    if is_major_upgrade(live, desired) {
        notes.push(format!(
            "{} → {} is a major version, which cannot be undone: the database is unavailable for about {} \
             minutes{when}. {snapshot}",
            live.version,
            desired.version,
            MAJOR_UPGRADE_SECONDS / 60
        ));
    }
    if live.backup_retention > 0 && desired.backup_retention == 0 {
        notes.push(format!(
            "without `backup-retention` AWS deletes the automated backups of {}{when}, and restarts the \
             database. {snapshot}",
            days(live.backup_retention)
        ));
    }
    if desired.backup_retention > 0 && live.backup_retention > desired.backup_retention {
        notes.push(format!(
            "AWS deletes the automated backups that are older than {}",
            days(desired.backup_retention)
        ));
    }
    notes
}

fn days(count: i32) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

/// Why RDS refuses to make one of the other.
pub(super) fn refusal(live: &Attrs, desired: &Attrs) -> Option<String> {
    if version::is_downgrade(desired, &live.version) {
        return Some(format!(
            "it runs version {live}, the spec says {wanted}, and AWS has no downgrade. Ask for {live}; or restore a \
             snapshot from before the upgrade into a new instance (aws rds restore-db-instance-from-db-snapshot), or \
             load a dump into a new entry of [databases]",
            live = live.version,
            wanted = desired.version
        ));
    }
    let stays_in_vpc = live.vpc.is_none() || live.vpc == desired.vpc;
    (live.subnet_group != desired.subnet_group && stays_in_vpc).then(|| {
        format!(
            "it is in the DB subnet group {}, and AWS moves no database to another one of its VPC \
             (InvalidVPCNetworkStateFault). Restore a snapshot of it into the new group (aws rds \
             restore-db-instance-from-db-snapshot --db-subnet-group-name …)",
            live.subnet_group.value()
        )
    })
}

#[cfg(feature = "aws")]
mod calls {
    use std::time::{SystemTime, UNIX_EPOCH};

    use aws_sdk_rds::Client as Rds;
    use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
    use aws_smithy_types::DateTime;
    use aws_smithy_types::date_time::Format;

    use super::super::{ids, reveal};
    use super::*;
    use crate::aws::{Aws, CloudError};
    use crate::kinds::Update;

    /// The one call for all fields that differ; `None` where only tags do.
    pub(in super::super) fn modify(
        aws: &Aws,
        change: &Update<'_, Attrs>,
    ) -> Result<Option<ModifyDBInstanceFluentBuilder>, CloudError> {
        let (before, attrs) = (change.before, change.attrs);
        let now = attrs.apply_changes == ApplyChanges::Immediately;
        let mut call =
            aws.client::<Rds>().modify_db_instance().db_instance_identifier(change.id).apply_immediately(now);
        let mut asked = false;
        for field in change.changed {
            call = match field.as_str() {
                "version" => call.engine_version(&attrs.version).allow_major_version_upgrade(
                    version::crosses_major(&attrs.engine, &before.version, &attrs.version),
                ),
                "class" => call.db_instance_class(&attrs.class),
                "storage" => call.allocated_storage(attrs.storage),
                "max_storage" if attrs.max_storage > 0 => call.max_allocated_storage(attrs.max_storage),
                // A limit that leaves no room is how autoscaling is switched off.
                "max_storage" => call.max_allocated_storage(attrs.storage.max(before.storage)),
                "storage_type" => call.storage_type(&attrs.storage_type),
                "port" => call.db_port_number(attrs.port),
                "subnet_group" => call.db_subnet_group_name(attrs.subnet_group.value()),
                "security_groups" => call.set_vpc_security_group_ids(Some(ids(&attrs.security_groups))),
                "multi_az" => call.multi_az(attrs.multi_az),
                "backup_retention" => call.backup_retention_period(attrs.backup_retention),
                "backup_window" => call.set_preferred_backup_window(attrs.backup_window.clone()),
                "maintenance_window" => call.set_preferred_maintenance_window(attrs.maintenance_window.clone()),
                "deletion_protection" => call.deletion_protection(attrs.deletion_protection),
                "auto_minor_upgrades" => call.auto_minor_version_upgrade(attrs.auto_minor_upgrades),
                "performance_insights" => call.enable_performance_insights(attrs.performance_insights),
                "copy_tags_to_snapshot" => call.copy_tags_to_snapshot(attrs.copy_tags_to_snapshot),
                "publicly_accessible" => call.publicly_accessible(attrs.publicly_accessible),
                "password_version" => call.master_user_password(reveal(change.secret_store, attrs)?.as_str()),
                // What the rest say is kept in tags.
                _ => continue,
            };
            asked = true;
        }
        Ok(asked.then_some(call))
    }

    /// A name for the last snapshot that no earlier delete can have taken.
    pub(in super::super) fn snapshot_name(identifier: &str) -> Result<String, CloudError> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut salt = [0_u8; 2];
        getrandom::fill(&mut salt).map_err(|error| CloudError::internal(format!("no randomness: {error}")))?;
        Ok(name_at(identifier, i64::try_from(seconds).unwrap_or_default(), salt))
    }

    fn name_at(identifier: &str, seconds: i64, salt: [u8; 2]) -> String {
        let time = DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default();
        let stamp: String = time.chars().filter(char::is_ascii_digit).collect();
        format!("{identifier}-final-{stamp}-{:02x}{:02x}", salt[0], salt[1])
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn snapshots_are_named_by_time_and_chance() {
            assert_eq!(
                name_at("legend-dev-main", 1_700_000_000, [0x0a, 0xff]),
                "legend-dev-main-final-20231114221320-0aff"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::attrs;
    use super::*;

    fn retention(days: i32) -> Attrs {
        Attrs { backup_retention: days, ..attrs() }
    }

    fn version(version: &str) -> Attrs {
        Attrs { version: version.to_owned(), auto_minor_upgrades: false, ..attrs() }
    }

    #[test]
    fn another_port_does_not_wait_for_the_window() {
        let windowed = || Attrs { apply_changes: ApplyChanges::Window, ..attrs() };
        let of = |field: &str| impact(&windowed(), &windowed(), &[field.to_owned()]);
        assert_eq!(of("port"), Impact::Reboot);
        assert_eq!(of("class"), Impact::InWindow);
        assert_eq!(of("storage"), Impact::None);
    }

    #[test]
    fn what_settings_do_is_what_rds_says() {
        let standby = Attrs { multi_az: true, ..attrs() };
        let of = |live: &Attrs, field: &str| impact(live, live, &[field.to_owned()]);
        for field in [
            "storage",
            "max_storage",
            "storage_type",
            "multi_az",
            "backup_retention",
            "backup_window",
            "maintenance_window",
            "deletion_protection",
            "auto_minor_upgrades",
            "performance_insights",
            "copy_tags_to_snapshot",
            "publicly_accessible",
            "password_version",
            "security_groups",
            "tags",
        ] {
            assert_eq!((of(&attrs(), field), of(&standby, field)), (Impact::None, Impact::None), "{field}");
        }
        assert_eq!((of(&attrs(), "class"), of(&standby, "class")), (Impact::Reboot, Impact::Failover));
        assert_eq!((of(&attrs(), "version"), of(&standby, "version")), (Impact::Reboot, Impact::Reboot));
    }

    #[test]
    fn the_last_backup_is_data() {
        let of = |from, to| impact(&retention(from), &retention(to), &["backup_retention".to_owned()]);
        assert_eq!((of(7, 3), of(0, 7), of(7, 0)), (Impact::None, Impact::Reboot, Impact::DataLoss));
        let windowed = |days| Attrs { apply_changes: ApplyChanges::Window, ..retention(days) };
        let of = |from, to| impact(&windowed(from), &windowed(to), &["backup_retention".to_owned()]);
        assert_eq!((of(0, 7), of(7, 0)), (Impact::InWindow, Impact::DataLoss));
        let told = notes(&retention(0), &retention(7));
        assert!(told.len() == 1 && told[0].contains("automated backups of 7 days"), "{told:?}");
        let told = notes(&retention(3), &retention(7));
        assert!(told.len() == 1 && told[0].ends_with("backups that are older than 3 days"), "{told:?}");
        assert_eq!(notes(&retention(7), &retention(3)), [""; 0]);
    }

    #[test]
    fn what_is_less_safe_than_wanted_is_dangerous() {
        let wanted = Attrs { deletion_protection: true, ..retention(7) };
        let of = |live: Attrs| dangers(&wanted, &live).into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(of(wanted.clone()), [""; 0]);
        assert_eq!(of(Attrs { publicly_accessible: true, ..wanted.clone() }), ["publicly_accessible"]);
        assert_eq!(of(Attrs { backup_retention: 0, ..wanted.clone() }), ["backup_retention"]);
        assert_eq!(of(Attrs { backup_retention: 14, ..wanted.clone() }), [""; 0], "more is not less safe");
        assert_eq!(of(Attrs { deletion_protection: false, ..wanted.clone() }), ["deletion_protection"]);
        let standby = Attrs { multi_az: true, ..wanted.clone() };
        assert_eq!(dangers(&standby, &wanted).len(), 1);
    }

    #[test]
    fn a_major_version_is_one_way() {
        let changed = ["version".to_owned()];
        let (live, minor, major) = (version("16.3"), version("16.4"), version("17"));
        assert_eq!(impact(&live, &minor, &changed), Impact::Reboot);
        assert_eq!(impact(&live, &major, &changed), Impact::Outage);
        assert_eq!((seconds(&live, &minor, &changed), seconds(&live, &major, &changed)), (None, Some(1800)));
        assert_eq!(notes(&minor, &live), [""; 0]);
        let told = notes(&major, &live);
        assert!(told.len() == 1 && told[0].starts_with("16.3 → 17 is a major version"), "{told:?}");
    }

    #[test]
    fn there_is_no_downgrade() {
        for (live, wanted) in [("16.4", "16.3"), ("16.4", "15"), ("16.10", "16.9"), ("16.4", "15.9")] {
            let why = refusal(&version(live), &version(wanted)).unwrap_or_default();
            assert!(why.starts_with(&format!("it runs version {live}, the spec says {wanted},")), "{why}");
            assert_eq!(notes(&version(wanted), &version(live)), [""; 0], "a refusal is enough");
        }
        for (live, wanted) in [("16.4", "16"), ("16.4", "16.4"), ("16.3", "16.4"), ("16.3", "17")] {
            assert_eq!(refusal(&version(live), &version(wanted)), None, "{live} → {wanted}");
        }
        let upgraded = Attrs { auto_minor_upgrades: true, ..version("16.3") };
        assert_eq!(refusal(&version("16.4"), &upgraded), None, "AWS did it, as it was told to");
    }

    #[test]
    fn a_database_stays_in_its_subnet_group() {
        use crate::value::Ref;
        let moved = Attrs { subnet_group: Ref::id("other"), ..attrs() };
        assert!(refusal(&attrs(), &moved).is_some_and(|why| why.contains("moves no database")));
        let elsewhere = Attrs { vpc: Some(Ref::id("vpc-2")), ..moved };
        assert_eq!(refusal(&Attrs { vpc: Some(Ref::id("vpc-1")), ..attrs() }, &elsewhere), None, "it is replaced");
    }
}
