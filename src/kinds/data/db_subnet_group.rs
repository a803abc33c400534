use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::data::section::Databases;
use crate::kinds::network::section::Tier;
use crate::kinds::network::subnet::{self, Subnet};
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage, Users};
use crate::spec::{Environment, Section};
use crate::value::{Ref, Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{from_rds, rds_tags, retag};

/// The subnets that a database may be placed in.
pub struct DbSubnetGroup;

impl Target for DbSubnetGroup {
    const KIND: &'static str = "db_subnet_group";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    pub description: String,
    /// The VPC of its subnets, which a group cannot leave. A cloud file of an earlier version does not have it.
    #[serde(default)]
    pub vpc: Option<Ref<Vpc>>,
    pub subnets: BTreeSet<Ref<Subnet>>,
    pub tags: Tags,
}

/// Where a database runs.
#[derive(Deserialize)]
struct Placement {
    identifier: String,
    multi_az: bool,
    #[serde(default)]
    placed_in: Option<BTreeSet<Ref<Subnet>>>,
}

impl Placement {
    /// The subnets of its group that AWS keeps for it. Where nobody knows, as on a cloud file, they are the first: one,
    /// and one more for a standby.
    fn subnets(&self, group: &BTreeSet<Ref<Subnet>>) -> BTreeSet<Ref<Subnet>> {
        match &self.placed_in {
            Some(placed) => placed.clone(),
            None => group.iter().take(if self.multi_az { 2 } else { 1 }).cloned().collect(),
        }
    }
}

/// RDS takes longer names for groups, but this keeps a group's name the same as its instance's.
const MAX_NAME: usize = 63;

impl Kind for DbSubnetGroup {
    const SUMMARY: &'static [&'static str] = &["subnets"];
    const STAGE: Stage = Stage::Database;
    const REPLACE_ON: &'static [&'static str] = &["name", "vpc"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("rds:subgrp");
    const TAGS_FROM_INDEX: bool = true;
    const IDENTITY: Option<&'static str> = Some("name");
    const CREATE_FIRST: bool = false;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let groups = env.section::<Databases>().iter().map(|(key, database)| {
            let named = env.naming_key(Databases::KEY, key);
            let attrs = Attrs {
                name: env.name(named, MAX_NAME).to_lowercase(),
                description: format!("Subnets of database {named}"),
                vpc: Some(vpc::reference(env)),
                subnets: subnet::references(env, database.subnets.as_ref(), Tier::Private),
                tags: env.tags_of::<Self>(key),
            };
            Desired::new(key, &[Databases::KEY, key], attrs)
        });
        groups.collect()
    }

    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if live.vpc.is_none() {
            live.vpc.clone_from(&desired.vpc);
        }
    }

    /// RDS takes no subnet out of a group in which a database runs, and EC2 deletes none with an interface in it
    /// (<https://repost.aws/knowledge-center/rds-db-subnet-group>).
    fn refusal(live: &Attrs, desired: &Attrs, users: &Users<'_>) -> Option<String> {
        let leaves = |database: &Placement| {
            let stands_in = database.subnets(&live.subnets);
            stands_in.into_iter().find(|subnet| live.subnets.contains(subnet) && !desired.subnets.contains(subnet))
        };
        let mut databases = users.of::<Placement>("db_instance");
        let (subnet, name) = databases.find_map(|database| Some((leaves(&database)?, database.identifier)))?;
        Some(format!(
            "database {name} runs in {subnet}, and as long as it does AWS neither takes that subnet out of the group \
             nor deletes it. Keep the subnet as it is, and add others beside it under new keys; to move the database, \
             set `multi-az = true` and apply, run aws rds reboot-db-instance --db-instance-identifier {name} \
             --force-failover, and set `multi-az` back; or restore a snapshot into a new entry of [databases]",
            subnet = subnet.value()
        ))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "name": attrs.name,
            "description": attrs.description,
            "subnet_ids": attrs.subnets,
            "tags": attrs.tags,
        });
        Block::one("aws_db_subnet_group", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_rds::Client as Rds;
    use aws_sdk_rds::types::Tag;
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult};
    use crate::kinds::members::{Members, Setting, settings};
    use crate::kinds::ownership::{Ownership, TagChange, confirm_tags, implied, unless_created, visible};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    const SETTINGS: &[Setting<aws_sdk_rds::types::DbSubnetGroup>] =
        &[Setting::new("Subnets.SubnetOutpost", |group| {
            let outposts = group.subnets().iter().filter_map(|subnet| subnet.subnet_outpost()?.arn());
            crate::kinds::members::list(outposts)
        })];

    impl Calls for DbSubnetGroup {
        const ERRORS: &'static [OwnError] = &[
            OwnError {
                code: "InvalidDBSubnetGroupStateFault",
                words: "",
                class: ErrorClass::InUse,
                example: "Cannot delete the subnet group 'town-test' because at least one database instance: main \
                    is still using it.",
            },
            OwnError {
                code: "InvalidDBSubnetStateFault",
                words: "",
                class: ErrorClass::InUse,
                example: "The DB subnet is not in the available state.",
            },
        ];

        fn members() -> Vec<Members> {
            vec![Members::of(
                "rds:DescribeDBSubnetGroups",
                "DBSubnetGroups",
                &[
                    "DBSubnetGroupName",
                    "DBSubnetGroupDescription",
                    "VpcId",
                    "Subnets.SubnetIdentifier",
                    "DBSubnetGroupArn",
                ],
                SETTINGS,
                &[(
                    "follows from the subnets",
                    &[
                        "SubnetGroupStatus",
                        "Subnets.SubnetAvailabilityZone",
                        "Subnets.SubnetStatus",
                        "SupportedNetworkTypes",
                    ],
                )],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let aws = read.aws;
            let pages = aws.client::<Rds>().describe_db_subnet_groups().into_paginator().items().send();
            let groups = pages.collect::<Result<Vec<_>, _>>().await.operation("rds:DescribeDBSubnetGroups")?;
            let implied = implied::<Self>(read.scope.env, |attrs| attrs.name);
            let searched = vpc::searched(read).await?;
            let prefix = format!("{}-", read.scope.env.prefix());
            let owned = try_join_all(groups.iter().map(async |group| {
                let (name, arn) = (
                    group.db_subnet_group_name().unwrap_or_default(),
                    group.db_subnet_group_arn().unwrap_or_default(),
                );
                let ours = || name.strip_prefix(&prefix).map(|key| Address::new(Self::KIND, key));
                let implied = implied.get(name).cloned().or_else(ours);
                let ownership = Ownership::of::<Self>(read, arn, implied, tags(aws, arn)).await?;
                let is_inside = group.vpc_id().is_some_and(|vpc| searched.contains(vpc));
                if !is_inside && !ownership.concerns::<Self>(read, name) {
                    return Ok(None);
                }
                let live = ownership.live(name, |tags| Attrs {
                    name: name.to_owned(),
                    description: group.db_subnet_group_description().unwrap_or_default().to_owned(),
                    vpc: group.vpc_id().map(Ref::id),
                    subnets: group
                        .subnets()
                        .iter()
                        .filter_map(aws_sdk_rds::types::Subnet::subnet_identifier)
                        .map(Ref::id)
                        .collect(),
                    tags,
                });
                Ok(Some(Live { settings: settings(SETTINGS, group), ..live }))
            }));
            Ok(owned.await?.into_iter().flatten().collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tags(read.aws, &arn(read.aws, &live.id)).await?;
            confirm_tags::<Self>(read, live, tags, |attrs| &mut attrs.tags);
            Ok(())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let made = aws
                .client::<Rds>()
                .create_db_subnet_group()
                .db_subnet_group_name(&attrs.name)
                .db_subnet_group_description(&attrs.description)
                .set_subnet_ids(Some(ids(&attrs.subnets)))
                .set_tags(Some(rds_tags(&attrs.tags)))
                .send()
                .await
                .operation("rds:CreateDBSubnetGroup");
            if let Err(error) = made {
                unless_created(error, &attrs.tags, tags(aws, &arn(aws, &attrs.name))).await?;
            }
            Ok(WriteResult::new(&attrs.name))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = change.attrs;
            if change.changes("description") || change.changes("subnets") {
                aws.client::<Rds>()
                    .modify_db_subnet_group()
                    .db_subnet_group_name(change.id)
                    .db_subnet_group_description(&attrs.description)
                    .set_subnet_ids(Some(ids(&attrs.subnets)))
                    .send()
                    .await
                    .operation("rds:ModifyDBSubnetGroup")?;
            }
            if change.changes("tags") {
                retag(aws, &arn(aws, change.id), &change.before.tags, &attrs.tags).await?;
            }
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let call = aws.client::<Rds>().delete_db_subnet_group().db_subnet_group_name(gone.id);
            call.send().await.optional("rds:DeleteDBSubnetGroup")?;
            Ok(())
        }
    }

    fn arn(aws: &Aws, name: &str) -> String {
        aws.arn("rds", &format!("subgrp:{name}"))
    }

    fn ids(subnets: &BTreeSet<Ref<Subnet>>) -> Vec<String> {
        subnets.iter().map(|subnet| subnet.value().to_owned()).collect()
    }

    /// The tags of an RDS object.
    async fn tags(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
        let call = aws.client::<Rds>().list_tags_for_resource().resource_name(arn);
        Ok(from_rds(call.send().await.operation("rds:ListTagsForResource")?.tag_list()))
    }

    pub(in crate::kinds) fn from_rds(tags: &[Tag]) -> Tags {
        visible(tags.iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default())))
    }

    pub(in crate::kinds) fn rds_tags(tags: &Tags) -> Vec<Tag> {
        tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
    }

    /// Brings the tags of an RDS object from one state to another.
    pub(in crate::kinds) async fn retag(
        aws: &Aws,
        arn: &str,
        before: &Tags,
        after: &Tags,
    ) -> Result<(), CloudError> {
        let change = TagChange::between(before, after);
        if !change.set.is_empty() {
            let call =
                aws.client::<Rds>().add_tags_to_resource().resource_name(arn).set_tags(Some(rds_tags(&change.set)));
            call.send().await.operation("rds:AddTagsToResource")?;
        }
        if !change.removed.is_empty() {
            let call = aws
                .client::<Rds>()
                .remove_tags_from_resource()
                .resource_name(arn)
                .set_tag_keys(Some(change.removed));
            call.send().await.operation("rds:RemoveTagsFromResource")?;
        }
        Ok(())
    }
}
