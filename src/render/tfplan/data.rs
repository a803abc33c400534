//! Databases, registries and parameters.

use serde_json::{Value, json};

use super::{Block, document};
use crate::kinds::config::ssm_parameter;
use crate::kinds::data::{db_instance, db_subnet_group};
use crate::kinds::registry::ecr_repository;
use crate::spec::{ApplyChanges, ParameterTier};

pub fn subnet_group(attrs: &db_subnet_group::Attrs) -> Vec<Block> {
    let body = json!({
        "name": attrs.name,
        "description": attrs.description,
        "subnet_ids": attrs.subnets,
        "tags": attrs.tags,
    });
    Block::one("aws_db_subnet_group", body)
}

pub fn instance(attrs: &db_instance::Attrs) -> Vec<Block> {
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
            "publicly_accessible": attrs.public,
            "tags": attrs.tags,
        }),
    )
}

pub fn repository(attrs: &ecr_repository::Attrs, own: &Value) -> Vec<Block> {
    let body = json!({
        "name": attrs.name,
        "image_tag_mutability": if attrs.immutable_tags { "IMMUTABLE" } else { "MUTABLE" },
        "image_scanning_configuration": [{ "scan_on_push": attrs.scan_on_push }],
        "tags": attrs.tags,
    });
    let mut blocks = Block::one("aws_ecr_repository", body);
    if !attrs.lifecycle.is_null() {
        let body = json!({ "repository": own, "policy": document(&attrs.lifecycle) });
        blocks.push(Block::part("aws_ecr_lifecycle_policy", String::new(), body));
    }
    blocks
}

/// `value` is sensitive, as in Terraform; what everybody may read is in `insecure_value`.
pub fn parameter(attrs: &ssm_parameter::Attrs) -> Vec<Block> {
    let tier = match attrs.tier {
        ParameterTier::Standard => "Standard",
        ParameterTier::Advanced => "Advanced",
        ParameterTier::IntelligentTiering => "Intelligent-Tiering",
    };
    let body = json!({
        "name": attrs.name,
        "type": if attrs.secure { "SecureString" } else { "String" },
        "tier": tier,
        "insecure_value": attrs.value,
        "value": attrs.secret,
        "description": attrs.description,
        "tags": attrs.tags,
    });
    Block::one("aws_ssm_parameter", body)
}
