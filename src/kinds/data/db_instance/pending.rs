//! Changes that RDS has accepted and makes later.

use std::fmt;

use aws_sdk_rds::types::PendingModifiedValues;

use super::{Attrs, DbInstance, Kind};

/// One such change. The master password, whose value AWS hides here too, is not among them.
pub(super) enum Pending {
    Class(String),
    Version(String),
    Storage(i32),
    StorageType(String),
    Port(i32),
    MultiAz(bool),
    BackupRetention(i32),
}

impl Pending {
    pub fn all(values: &PendingModifiedValues) -> Vec<Self> {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let all = [
            text(values.db_instance_class()).map(Self::Class),
            text(values.engine_version()).map(Self::Version),
            values.allocated_storage().map(Self::Storage),
            text(values.storage_type()).map(Self::StorageType),
            values.port().map(Self::Port),
            values.multi_az().map(Self::MultiAz),
            values.backup_retention_period().map(Self::BackupRetention),
        ];
        all.into_iter().flatten().collect()
    }

    /// Has the attributes say what will be.
    pub fn put(&self, attrs: &mut Attrs) {
        match self {
            Self::Class(class) => attrs.class.clone_from(class),
            Self::Version(version) => attrs.version.clone_from(version),
            Self::Storage(storage) => attrs.storage = *storage,
            Self::StorageType(storage_type) => attrs.storage_type.clone_from(storage_type),
            Self::Port(port) => attrs.port = *port,
            Self::MultiAz(multi_az) => attrs.multi_az = *multi_az,
            Self::BackupRetention(days) => attrs.backup_retention = *days,
        }
    }

    /// Whether it leads to what is wanted.
    pub fn is_wanted(&self, attrs: &Attrs) -> bool {
        let mut after = attrs.clone();
        self.put(&mut after);
        DbInstance::normalize(attrs, &mut after);
        after == *attrs
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(f, "class → {class}"),
            Self::Version(version) => write!(f, "version → {version}"),
            Self::Storage(storage) => write!(f, "storage → {storage}"),
            Self::StorageType(storage_type) => write!(f, "storage_type → {storage_type}"),
            Self::Port(port) => write!(f, "port → {port}"),
            Self::MultiAz(multi_az) => write!(f, "multi_az → {multi_az}"),
            Self::BackupRetention(days) => write!(f, "backup_retention → {days}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::attrs;
    use super::*;

    #[test]
    fn what_is_scheduled_counts_as_done() {
        let values = PendingModifiedValues::builder().db_instance_class("db.t4g.small").build();
        let pending = Pending::all(&values);
        let mut live = attrs();
        pending.iter().for_each(|change| change.put(&mut live));
        assert_eq!(live.class, "db.t4g.small");
        assert_eq!(pending.iter().map(Pending::to_string).collect::<Vec<_>>(), ["class → db.t4g.small"]);
    }

    #[test]
    fn a_pending_version_may_be_more_precise_than_the_wanted_one() {
        let wanted = Attrs { version: "17".to_owned(), ..attrs() };
        assert!(Pending::Version("17.2".to_owned()).is_wanted(&wanted));
        assert!(!Pending::Class("db.m7g.large".to_owned()).is_wanted(&wanted));
    }

    #[test]
    fn a_password_is_never_listed() {
        let values = PendingModifiedValues::builder().master_user_password("****").build();
        assert!(Pending::all(&values).is_empty());
    }
}
