//! What RDS is asked to do to an instance that is there.

use super::Attrs;
use crate::kinds::Impact;
use crate::kinds::data::section::ApplyChanges;

#[cfg(feature = "aws")]
pub(super) use calls::{modify, snapshot_name};

/// What RDS says of each setting in "Settings for DB instances"
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>): some need a restart,
/// which a standby in another zone takes most of.
pub(super) fn impact(live: &Attrs, desired: &Attrs, changed: &[String]) -> Impact {
    let changes = |field: &str| changed.iter().any(|changed| changed == field);
    let first_or_last_backup = (live.backup_retention == 0) != (desired.backup_retention == 0);
    let moves = changes("class") || changes("subnet_group");
    let restarts =
        moves || changes("version") || changes("port") || (changes("backup_retention") && first_or_last_backup);
    // RDS restarts the instance for another port at once, whatever else waits for the window.
    let waits = desired.apply_changes == ApplyChanges::Window && !changes("port");
    match restarts {
        false => Impact::None,
        true if waits => Impact::InWindow,
        true if live.multi_az && moves => Impact::Failover,
        true => Impact::Reboot,
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::time::{SystemTime, UNIX_EPOCH};

    use aws_sdk_rds::Client as Rds;
    use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
    use aws_smithy_types::DateTime;
    use aws_smithy_types::date_time::Format;

    use super::super::{ids, reveal, version};
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
                "public" => call.publicly_accessible(attrs.public),
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

    #[test]
    fn another_port_does_not_wait_for_the_window() {
        let windowed = || Attrs { apply_changes: ApplyChanges::Window, ..attrs() };
        let of = |field: &str| impact(&windowed(), &windowed(), &[field.to_owned()]);
        assert_eq!(of("port"), Impact::Reboot);
        assert_eq!(of("class"), Impact::InWindow);
        assert_eq!(of("storage"), Impact::None);
    }
}
