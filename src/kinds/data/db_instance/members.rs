//! What RDS answers of an instance, and what becomes of it.

use aws_sdk_rds::types::{
    AutomationMode, DatabaseInsightsMode, DbInstance as Instance, DbParameterGroupStatus,
    DbSecurityGroupMembership, DomainMembership,
};

use crate::kinds::members::{Members, Setting, list, number, on, other, text};

/// AWS's own groups begin so, as `default.postgres16`.
const DEFAULT_PARAMETERS: &str = "default.";
const DEFAULT_OPTIONS: &str = "default:";

/// What gp3 volumes have below 400 GiB, and from there on
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html>).
const BASELINE_IOPS: [i32; 2] = [3_000, 12_000];
const BASELINE_THROUGHPUT: [i32; 2] = [125, 500];

pub(super) const SETTINGS: &[Setting<Instance>] = &[
    Setting::new("DBParameterGroups", |instance| {
        let groups =
            instance.db_parameter_groups().iter().filter_map(DbParameterGroupStatus::db_parameter_group_name);
        list(groups.filter(|name| !name.starts_with(DEFAULT_PARAMETERS)))
    }),
    Setting::new("OptionGroupMemberships", |instance| {
        let groups = instance.option_group_memberships().iter().filter_map(|group| group.option_group_name());
        list(groups.filter(|name| !name.starts_with(DEFAULT_OPTIONS)))
    }),
    Setting::new("IAMDatabaseAuthenticationEnabled", |instance| on(instance.iam_database_authentication_enabled())),
    Setting::new("EnabledCloudwatchLogsExports", |instance| {
        list(instance.enabled_cloudwatch_logs_exports().iter().map(String::as_str))
    }),
    Setting::new("Iops", |instance| number(instance.iops().filter(|iops| !BASELINE_IOPS.contains(iops)))),
    Setting::new("StorageThroughput", |instance| {
        number(instance.storage_throughput().filter(|rate| !BASELINE_THROUGHPUT.contains(rate)))
    }),
    Setting::new("MonitoringInterval", |instance| number(instance.monitoring_interval())),
    Setting::new("DatabaseInsightsMode", |instance| {
        other(instance.database_insights_mode().map(DatabaseInsightsMode::as_str), "standard")
    }),
    Setting::new("PerformanceInsightsRetentionPeriod", |instance| {
        number(instance.performance_insights_retention_period().filter(|days| *days != 7))
    }),
    Setting::new("ProcessorFeatures", |instance| {
        list(instance.processor_features().iter().filter_map(|feature| feature.name()))
    }),
    Setting::new("AssociatedRoles", |instance| {
        list(instance.associated_roles().iter().filter_map(|role| role.role_arn()))
    }),
    Setting::new("DomainMemberships", |instance| {
        list(instance.domain_memberships().iter().filter_map(DomainMembership::domain))
    }),
    Setting::new("ActivityStreamStatus", |instance| {
        other(instance.activity_stream_status().map(aws_sdk_rds::types::ActivityStreamStatus::as_str), "stopped")
    }),
    Setting::new("NetworkType", |instance| other(instance.network_type(), "IPV4")),
    Setting::new("CustomerOwnedIpEnabled", |instance| on(instance.customer_owned_ip_enabled())),
    Setting::new("MasterUserSecret", |instance| {
        text(instance.master_user_secret().and_then(|secret| secret.secret_arn()))
    }),
    Setting::new("DedicatedLogVolume", |instance| on(instance.dedicated_log_volume())),
    Setting::new("MultiTenant", |instance| on(instance.multi_tenant())),
    Setting::new("AutomationMode", |instance| {
        other(instance.automation_mode().map(AutomationMode::as_str), "full")
    }),
    Setting::new("ReadReplicaSourceDBInstanceIdentifier", |instance| {
        text(instance.read_replica_source_db_instance_identifier())
    }),
    Setting::new("ReadReplicaSourceDBClusterIdentifier", |instance| {
        text(instance.read_replica_source_db_cluster_identifier())
    }),
    Setting::new("ReadReplicaDBInstanceIdentifiers", |instance| {
        list(instance.read_replica_db_instance_identifiers().iter().map(String::as_str))
    }),
    Setting::new("ReadReplicaDBClusterIdentifiers", |instance| {
        list(instance.read_replica_db_cluster_identifiers().iter().map(String::as_str))
    }),
    Setting::new("DBClusterIdentifier", |instance| text(instance.db_cluster_identifier())),
    Setting::new("DBSecurityGroups", |instance| {
        let groups = instance.db_security_groups().iter();
        list(groups.filter_map(DbSecurityGroupMembership::db_security_group_name))
    }),
    Setting::new("DBInstanceAutomatedBackupsReplications", |instance| {
        let copies = instance.db_instance_automated_backups_replications().iter();
        list(copies.filter_map(|copy| copy.db_instance_automated_backups_arn()))
    }),
    Setting::new("BackupTarget", |instance| other(instance.backup_target(), "region")),
    Setting::new("CustomIamInstanceProfile", |instance| text(instance.custom_iam_instance_profile())),
    Setting::new("TdeCredentialArn", |instance| text(instance.tde_credential_arn())),
    Setting::new("AdditionalStorageVolumes", |instance| {
        list(instance.additional_storage_volumes().iter().map(|volume| volume.volume_name().unwrap_or("?")))
    }),
];

pub(super) fn members() -> Vec<Members> {
    vec![Members::of(
        "rds:DescribeDBInstances",
        "DBInstances",
        &[
            "DBInstanceIdentifier",
            "DBInstanceArn",
            "DBInstanceClass",
            "Engine",
            "EngineVersion",
            "DBInstanceStatus",
            "MasterUsername",
            "DBName",
            "Endpoint.Address",
            "Endpoint.Port",
            "AllocatedStorage",
            "MaxAllocatedStorage",
            "StorageType",
            "StorageEncrypted",
            "PreferredBackupWindow",
            "BackupRetentionPeriod",
            "PreferredMaintenanceWindow",
            "VpcSecurityGroups",
            "AvailabilityZone",
            "SecondaryAvailabilityZone",
            "DBSubnetGroup.DBSubnetGroupName",
            "DBSubnetGroup.VpcId",
            "DBSubnetGroup.Subnets.SubnetIdentifier",
            "DBSubnetGroup.Subnets.SubnetAvailabilityZone",
            "MultiAZ",
            "AutoMinorVersionUpgrade",
            "PubliclyAccessible",
            "CopyTagsToSnapshot",
            "PerformanceInsightsEnabled",
            "DeletionProtection",
            "TagList",
            "PendingModifiedValues.DBInstanceClass",
            "PendingModifiedValues.AllocatedStorage",
            "PendingModifiedValues.MasterUserPassword",
            "PendingModifiedValues.Port",
            "PendingModifiedValues.BackupRetentionPeriod",
            "PendingModifiedValues.MultiAZ",
            "PendingModifiedValues.EngineVersion",
            "PendingModifiedValues.StorageType",
        ],
        SETTINGS,
        &[
            ("becomes the member of the same name, which is told then", &["PendingModifiedValues"]),
            ("of the subnet group, which is read as a kind of its own", &["DBSubnetGroup"]),
            (
                "fixed when the instance is made: the account's default key, or what the engine gives",
                &[
                    "KmsKeyId",
                    "StorageEncryptionType",
                    "LicenseModel",
                    "CharacterSetName",
                    "NcharCharacterSetName",
                    "Timezone",
                    "DBSystemId",
                    "PerformanceInsightsKMSKeyId",
                    "EngineLifecycleSupport",
                ],
            ),
            ("the account's default, which AWS renews", &["CACertificateIdentifier", "CertificateDetails"]),
            ("goes with `MonitoringInterval`", &["MonitoringRoleArn", "EnhancedMonitoringResourceArn"]),
            (
                "goes with `ActivityStreamStatus`",
                &[
                    "ActivityStreamKmsKeyId",
                    "ActivityStreamKinesisStreamName",
                    "ActivityStreamMode",
                    "ActivityStreamEngineNativeAuditFieldsIncluded",
                    "ActivityStreamPolicyStatus",
                ],
            ),
            ("goes with `AutomationMode`", &["ResumeFullAutomationModeTime"]),
            ("of a replica or a cluster, which its source tells", &["ReplicaMode", "PromotionTier", "StatusInfos"]),
            (
                "another name of the same",
                &[
                    "DbiResourceId",
                    "DbInstancePort",
                    "Endpoint.HostedZoneId",
                    "PrimaryEndpoint",
                    "ListenerEndpoint",
                ],
            ),
            (
                "tells what AWS does and when",
                &[
                    "InstanceCreateTime",
                    "LatestRestorableTime",
                    "AutomaticRestartTime",
                    "PercentProgress",
                    "StorageVolumeStatus",
                    "StorageOperationStatus",
                    "StorageOperationPercentProgress",
                    "IsStorageConfigUpgradeAvailable",
                    "AwsBackupRecoveryPointArn",
                    "UpgradeRolloutOrder",
                ],
            ),
            ("how AWS places and bills it", &["DBCapacityReservationIdentifier", "VPCNetworkingEnabled"]),
        ],
    )]
}
