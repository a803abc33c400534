//! Instances as RDS tells them.

use std::collections::BTreeSet;

use aws_sdk_rds::Client as Rds;
use aws_sdk_rds::types::{
    AvailabilityZone, DbInstance as Instance, DbSubnetGroup, Endpoint, PendingModifiedValues,
    VpcSecurityGroupMembership,
};

use super::members::SETTINGS;
use super::pending::Pending;
use super::{Attrs, DbInstance, identifier};
use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult};
use crate::kinds::data::db_subnet_group::from_rds;
use crate::kinds::data::section::{ApplyChanges, Databases};
use crate::kinds::members::settings;
use crate::kinds::network::subnet::Subnet;
use crate::kinds::network::vpc;
use crate::kinds::{Live, Outputs, Poll};
use crate::value::{Ref, Secret, SecretSource, Tags, Target};

/// The tags that keep what RDS has no attribute for, so that it is known when no spec tells any more.
const FINAL_SNAPSHOT: &str = "baseplate:final-snapshot";
const APPLY_CHANGES: &str = "baseplate:apply-changes";
const PASSWORD_VERSION: &str = "baseplate:password-version";

pub(super) async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
    let pages = read.aws.client::<Rds>().describe_db_instances().into_paginator().items().send();
    let instances = pages.collect::<Result<Vec<_>, _>>().await.operation("rds:DescribeDBInstances")?;
    let env = read.scope.env;
    let deferred = |name: &str| {
        env.section::<Databases>().iter().any(|(key, database)| {
            database.apply_changes == ApplyChanges::Window && identifier(env, key, database) == name
        })
    };
    let searched = vpc::searched(read).await?;
    let is_inside = |instance: &Instance| {
        let vpc = instance.db_subnet_group().and_then(DbSubnetGroup::vpc_id);
        vpc.is_some_and(|vpc| searched.contains(vpc))
    };
    let there = instances.iter().filter(|instance| status(instance) != "deleting");
    let ours = there.filter_map(|instance| {
        let name = instance.db_instance_identifier().unwrap_or_default();
        let tags = from_rds(instance.tag_list());
        let address = read.scope.owner::<DbInstance>(&tags);
        let concerns = read.scope.has_ownership_tags::<DbInstance>(&tags)
            || read.scope.concerns(DbInstance::KIND, name)
            || is_inside(instance);
        concerns.then(|| {
            let mut live =
                Live { unread: unread(instance), ..Live::new(address, name, attributes(instance, tags)) };
            live.outputs = outputs(instance);
            live.stuck = stuck(instance);
            live.settings = settings(SETTINGS, instance);
            if deferred(name) {
                live.scheduled = schedule(instance, live.attrs.as_mut());
            }
            live
        })
    });
    Ok(ours.collect())
}

/// The one instance with this identifier.
pub(super) async fn find(aws: &Aws, identifier: &str) -> Result<Option<Instance>, CloudError> {
    let call = aws.client::<Rds>().describe_db_instances().db_instance_identifier(identifier);
    let answer = call.send().await.optional("rds:DescribeDBInstances")?;
    Ok(answer.and_then(|answer| answer.db_instances.unwrap_or_default().pop()))
}

/// All tags of the one instance with this identifier.
pub(super) async fn tags(aws: &Aws, identifier: &str) -> Result<Tags, CloudError> {
    Ok(find(aws, identifier).await?.map(|instance| from_rds(instance.tag_list())).unwrap_or_default())
}

pub(super) fn status(instance: &Instance) -> &str {
    instance.db_instance_status().unwrap_or_default()
}

/// The tags that an instance with these attributes carries: its own, and those that keep fields.
pub(super) fn all_tags(attrs: &Attrs) -> Tags {
    let apply_changes = match attrs.apply_changes {
        ApplyChanges::Immediately => "immediately",
        ApplyChanges::Window => "window",
    };
    let mut tags = attrs.tags.clone();
    tags.insert(FINAL_SNAPSHOT.to_owned(), attrs.final_snapshot.to_string());
    tags.insert(APPLY_CHANGES.to_owned(), apply_changes.to_owned());
    tags.insert(PASSWORD_VERSION.to_owned(), attrs.password_version.value().to_owned());
    tags
}

/// Whether an instance is as these attributes want it, or on its way.
pub(super) fn readiness(instance: &Instance, wanted: &Attrs) -> Poll {
    let pending = instance.pending_modified_values();
    let status = status(instance);
    match status {
        // Storage is optimised for hours while the database works as ever.
        "available" | "storage-optimization" | "storage-config-upgrade" => {
            match pending.and_then(|pending| in_flight(pending, wanted)) {
                Some(change) => Poll::Waiting(change),
                None => Poll::Done(outputs(instance)),
            }
        }
        // It takes a while to leave this state once its storage has been raised.
        "storage-full" if grows(instance, wanted) => Poll::Waiting("storage-full, its storage grows".to_owned()),
        _ => match stuck(instance) {
            Some(why) => Poll::Failed(format!("{why}, then apply again")),
            None => Poll::Waiting(status.to_owned()),
        },
    }
}

/// Whether RDS has accepted more storage than the instance has.
fn grows(instance: &Instance, wanted: &Attrs) -> bool {
    let pending = instance.pending_modified_values().and_then(PendingModifiedValues::allocated_storage);
    pending.is_some() || instance.allocated_storage().is_some_and(|storage| storage < wanted.storage)
}

/// The state of an instance that does not become available by itself, and what ends it
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>).
pub(super) fn stuck(instance: &Instance) -> Option<String> {
    let (name, status) = (instance.db_instance_identifier().unwrap_or_default(), status(instance));
    let is_stuck = match status {
        "failed" | "storage-full" | "restore-error" | "insufficient-capacity" | "stopped" | "deleting" => true,
        _ => status.starts_with("incompatible-") || status.starts_with("inaccessible-"),
    };
    if !is_stuck {
        return None;
    }
    let remedy = match status {
        "stopped" => format!("start it (aws rds start-db-instance --db-instance-identifier {name})"),
        "storage-full" => "raise its `storage`".to_owned(),
        "deleting" => "it is being deleted outside of Baseplate; wait until that is done".to_owned(),
        _ => format!(
            "its events say why (aws rds describe-events --source-type db-instance --source-identifier {name})"
        ),
    };
    Some(format!("database {name} is {status}: {remedy}"))
}

/// What RDS answers about an instance that is at work.
pub(super) const ERRORS: &[OwnError] = &[
    OwnError {
        code: "InvalidDBInstanceState",
        words: "",
        class: ErrorClass::InUse,
        example: "DB instance main is not in available state.",
    },
    OwnError {
        code: "InvalidDBInstanceStateFault",
        words: "",
        class: ErrorClass::InUse,
        example: "DB instance main is not in available state.",
    },
    OwnError {
        code: "InvalidParameterCombination",
        words: "previous storage change is being optimized",
        class: ErrorClass::InUse,
        example: "You can't currently modify the storage of this DB instance because the previous storage change \
            is being optimized.",
    },
];

/// An error of a call that the instance's state does not allow, as one that waiting does not end where it is stuck there.
pub(super) async fn unless_stuck(aws: &Aws, identifier: &str, error: CloudError) -> CloudError {
    let error = error.meant_by(ERRORS);
    if !error.is(ErrorClass::InUse) {
        return error;
    }
    match find(aws, identifier).await.ok().flatten().and_then(|instance| stuck(&instance)) {
        Some(why) => CloudError {
            class: ErrorClass::Rejected,
            message: format!("{}; {why}, then apply again", error.message),
            ..error
        },
        None => error,
    }
}

/// A change that RDS is about to make now. A password never waits for the window, whatever else does.
fn in_flight(pending: &PendingModifiedValues, wanted: &Attrs) -> Option<String> {
    if pending.master_user_password().is_some() {
        return Some("password is being changed".to_owned());
    }
    let now = wanted.apply_changes == ApplyChanges::Immediately;
    Pending::all(pending)
        .into_iter()
        .find(|change| now && change.is_wanted(wanted))
        .map(|change| format!("{change} now"))
}

/// Counts what waits for the maintenance window as done, and lists it.
fn schedule(instance: &Instance, attrs: Option<&mut Attrs>) -> Vec<String> {
    let (Some(pending), Some(attrs)) = (instance.pending_modified_values(), attrs) else { return Vec::new() };
    let changes = Pending::all(pending).into_iter().map(|change| {
        change.put(attrs);
        format!("{change} in the maintenance window")
    });
    changes.collect()
}

fn outputs(instance: &Instance) -> Outputs {
    // There is no endpoint yet while the instance is being created.
    let endpoint = instance.endpoint();
    let known = [
        ("arn", instance.db_instance_arn().map(str::to_owned)),
        ("endpoint", endpoint.and_then(Endpoint::address).map(str::to_owned)),
        ("port", endpoint.and_then(Endpoint::port).map(|port| port.to_string())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn unread(instance: &Instance) -> Vec<&'static str> {
    let mut unread = Vec::new();
    if instance.endpoint().is_none() {
        unread.push("port");
    }
    if instance.performance_insights_enabled().is_none() {
        unread.push("performance_insights");
    }
    unread
}

/// The subnets in the zones of an instance and its standby. RDS does not name them: where a group has several in one
/// zone, any of them may be it, and none is told.
fn placed_in(instance: &Instance, group: &DbSubnetGroup) -> BTreeSet<Ref<Subnet>> {
    let zones = [instance.availability_zone(), instance.secondary_availability_zone()];
    let of_zone = |zone: &str| {
        let is_there = |subnet: &&aws_sdk_rds::types::Subnet| {
            subnet.subnet_availability_zone().and_then(AvailabilityZone::name) == Some(zone)
        };
        let mut subnets = group.subnets().iter().filter(is_there);
        subnets.next().filter(|_| subnets.next().is_none()).and_then(|subnet| subnet.subnet_identifier())
    };
    zones.into_iter().flatten().filter_map(of_zone).map(Ref::id).collect()
}

fn attributes(instance: &Instance, mut tags: Tags) -> Attrs {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let final_snapshot = tags.remove(FINAL_SNAPSHOT);
    let apply_changes = tags.remove(APPLY_CHANGES);
    let password_version = tags.remove(PASSWORD_VERSION).unwrap_or_default();
    let storage = instance.allocated_storage().unwrap_or_default();
    let groups = instance.vpc_security_groups().iter().filter(|group| group.status() != Some("removing"));
    let subnet_group = instance.db_subnet_group().and_then(DbSubnetGroup::db_subnet_group_name);
    Attrs {
        identifier: text(instance.db_instance_identifier()),
        engine: text(instance.engine()),
        version: text(instance.engine_version()),
        class: text(instance.db_instance_class()),
        storage,
        // Autoscaling is off where the limit leaves no room.
        max_storage: instance.max_allocated_storage().filter(|max| *max > storage).unwrap_or_default(),
        storage_type: text(instance.storage_type()),
        database: text(instance.db_name()),
        username: text(instance.master_username()),
        // `DbInstancePort` is 0 for an instance outside a cluster.
        port: instance.endpoint().and_then(Endpoint::port).unwrap_or_default(),
        vpc: instance.db_subnet_group().and_then(DbSubnetGroup::vpc_id).map(Ref::id),
        subnet_group: Ref::id(subnet_group.unwrap_or_default()),
        placed_in: instance.db_subnet_group().map(|group| placed_in(instance, group)),
        security_groups: groups
            .filter_map(VpcSecurityGroupMembership::vpc_security_group_id)
            .map(Ref::id)
            .collect(),
        multi_az: instance.multi_az().unwrap_or_default(),
        backup_retention: instance.backup_retention_period().unwrap_or_default(),
        backup_window: instance.preferred_backup_window().map(str::to_owned),
        maintenance_window: instance.preferred_maintenance_window().map(str::to_lowercase),
        deletion_protection: instance.deletion_protection().unwrap_or_default(),
        encrypted: instance.storage_encrypted().unwrap_or_default(),
        auto_minor_upgrades: instance.auto_minor_version_upgrade().unwrap_or_default(),
        final_snapshot: final_snapshot.as_deref() != Some("false"),
        apply_changes: match apply_changes.as_deref() {
            Some("window") => ApplyChanges::Window,
            _ => ApplyChanges::Immediately,
        },
        performance_insights: instance.performance_insights_enabled().unwrap_or_default(),
        copy_tags_to_snapshot: instance.copy_tags_to_snapshot().unwrap_or_default(),
        publicly_accessible: instance.publicly_accessible().unwrap_or_default(),
        password: Secret::new(SecretSource::Fingerprint(String::new())),
        password_version: Ref::live("version", password_version),
        tags,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::attrs;
    use super::*;

    #[test]
    fn tags_keep_what_rds_does_not() {
        let kept = Attrs {
            final_snapshot: false,
            apply_changes: ApplyChanges::Window,
            password_version: Ref::live("version", "3"),
            ..attrs()
        };
        let live = attributes(&Instance::builder().build(), all_tags(&kept));
        assert!(!live.final_snapshot);
        assert_eq!(live.apply_changes, ApplyChanges::Window);
        assert_eq!(live.password_version.value(), "3");
        assert_eq!(live.tags, kept.tags);
    }

    #[test]
    fn a_limit_without_room_is_no_autoscaling() {
        let instance = |max| Instance::builder().allocated_storage(20).max_allocated_storage(max).build();
        assert_eq!(attributes(&instance(20), Tags::new()).max_storage, 0);
        assert_eq!(attributes(&instance(100), Tags::new()).max_storage, 100);
    }

    #[test]
    fn one_that_somebody_deletes_is_not_waited_for() {
        let instance = Instance::builder().db_instance_identifier("main").db_instance_status("deleting").build();
        assert!(
            matches!(readiness(&instance, &attrs()), Poll::Failed(why) if why.contains("being deleted outside of \
                                                                                        Baseplate"))
        );
    }

    #[test]
    fn one_whose_full_storage_was_raised_is_waited_for() {
        let full = || Instance::builder().db_instance_identifier("main").db_instance_status("storage-full");
        let raised = Attrs { storage: 40, ..attrs() };
        let accepted = full().allocated_storage(20).build();
        assert!(matches!(readiness(&accepted, &raised), Poll::Waiting(_)));
        let pending = PendingModifiedValues::builder().allocated_storage(40).build();
        let pending = full().allocated_storage(20).pending_modified_values(pending).build();
        assert!(matches!(readiness(&pending, &raised), Poll::Waiting(_)));
        let full = full().allocated_storage(20).build();
        assert!(matches!(readiness(&full, &attrs()), Poll::Failed(why) if why.contains("raise its `storage`")));
    }

    #[test]
    fn a_database_stands_where_its_zone_has_one_subnet() {
        let subnet = |id: &str, zone: &str| {
            let zone = AvailabilityZone::builder().name(zone).build();
            aws_sdk_rds::types::Subnet::builder().subnet_identifier(id).subnet_availability_zone(zone).build()
        };
        let group = DbSubnetGroup::builder()
            .subnets(subnet("subnet-1", "eu-central-1a"))
            .subnets(subnet("subnet-2", "eu-central-1b"))
            .subnets(subnet("subnet-3", "eu-central-1b"))
            .build();
        let placed = |zone: &str, standby: Option<&str>| {
            let instance = Instance::builder().availability_zone(zone);
            let instance = instance.set_secondary_availability_zone(standby.map(str::to_owned)).build();
            placed_in(&instance, &group).iter().map(|subnet| subnet.value().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(placed("eu-central-1a", None), ["subnet-1"]);
        assert_eq!(placed("eu-central-1a", Some("eu-central-1b")), ["subnet-1"]);
        assert_eq!(placed("eu-central-1b", None), [""; 0], "it may be either");
    }

    #[test]
    fn an_available_instance_waits_for_its_own_changes_only() {
        let pending = PendingModifiedValues::builder().db_instance_class("db.t4g.small").build();
        let instance = Instance::builder().db_instance_status("available").pending_modified_values(pending).build();
        let small = Attrs { class: "db.t4g.small".to_owned(), ..attrs() };
        assert!(matches!(readiness(&instance, &small), Poll::Waiting(_)));
        assert!(matches!(readiness(&instance, &attrs()), Poll::Done(_)));
        let later = Attrs { apply_changes: ApplyChanges::Window, ..small };
        assert!(matches!(readiness(&instance, &later), Poll::Done(_)));
    }
}
