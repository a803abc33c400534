use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::network::ec2;
use crate::kinds::network::section::{Network, Tier};
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::rules::{Rule, TagCharacters, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{Environment, Section};
use crate::value::{Ref, Tags, Target};

pub struct Subnet;

impl Target for Subnet {
    const KIND: &'static str = "subnet";
}

/// A subnet of one zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub vpc: Ref<Vpc>,
    /// Its part of the VPC's address range.
    pub cidr: String,
    /// The availability zone, as in `eu-central-1a`.
    pub zone: String,
    /// Whether interfaces get a public address unasked. Off for public subnets, too: load balancers, NAT
    /// gateways and tasks each say for themselves.
    pub map_public_ip_on_launch: bool,
    pub tags: Tags,
}

/// One subnet by key.
pub(in crate::kinds) fn reference(env: &Environment, key: &str) -> Ref<Subnet> {
    match env.section::<Network>().subnets.get(key).and_then(|subnet| subnet.id.as_ref()) {
        Some(id) => Ref::id(id),
        None => Ref::to(key),
    }
}

/// The subnets named by key, or every one of the tier.
pub(in crate::kinds) fn references(
    env: &Environment,
    keys: Option<&Vec<String>>,
    tier: Tier,
) -> BTreeSet<Ref<Subnet>> {
    match keys {
        Some(keys) => keys.iter().map(|key| reference(env, key)).collect(),
        None => {
            let all = env.section::<Network>().subnets.iter().filter(|(_, subnet)| subnet.tier == tier);
            all.map(|(key, _)| reference(env, key)).collect()
        }
    }
}

const RULES: &[Rule<Attrs>] = &[Rule {
    code: "BP-SUBNET-01",
    takes: "a subnet has a range of /16 to /28",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
    check: |attrs, violations| {
        let range = attrs.cidr.parse::<Ipv4Net>().ok();
        if let Some(range) = range.filter(|range| !(16..=28).contains(&range.prefix_len())) {
            violations.report("cidr", &attrs.cidr, format!("{range} is not a valid size for a subnet"));
        }
    },
    inside: &[edit("cidr = \"10.40.0.0/20\"", "cidr = \"10.40.0.0/28\"")],
    outside: &[edit("cidr = \"10.40.0.0/20\"", "cidr = \"10.40.0.0/29\"")],
}];

impl Kind for Subnet {
    const RULES: &'static [Rule<Attrs>] = RULES;
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["vpc", "cidr", "zone"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:subnet");
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        if env.section::<Network>().vpc.is_some() {
            return Vec::new();
        }
        let desired = env.section::<Network>().subnets.iter().filter_map(|(key, subnet)| {
            let attrs = Attrs {
                vpc: vpc::reference(env),
                // AWS clears the host bits, too.
                cidr: subnet.cidr?.trunc().to_string(),
                zone: subnet.zone.clone(),
                map_public_ip_on_launch: false,
                tags: ec2::tags::<Self>(env, key),
            };
            Some(Desired::new(key, &[Network::KEY, "subnets", key], attrs))
        });
        desired.collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.vpc == live.vpc && desired.cidr == live.cidr
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one(
            "aws_subnet",
            json!({
                "vpc_id": attrs.vpc,
                "cidr_block": attrs.cidr,
                "availability_zone": attrs.zone,
                "map_public_ip_on_launch": attrs.map_public_ip_on_launch,
                "tags": attrs.tags,
            }),
        )
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType};

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::network::ec2::users::{Used, named};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    ec2::described!(Subnet, subnet_id);

    impl Calls for Subnet {
        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let describe = async |filters| {
                let pages = read
                    .aws
                    .client::<Ec2>()
                    .describe_subnets()
                    .set_filters(Some(filters))
                    .into_paginator()
                    .items()
                    .send();
                pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeSubnets")
            };
            let found = ec2::found::<Self, _>(read, describe, vpc::inside(read, "vpc-id")).await?;
            let live = found.iter().filter_map(|subnet| {
                let (address, tags) = ec2::mark::<Self>(read.scope, subnet.tags());
                let attrs = Attrs {
                    vpc: Ref::id(subnet.vpc_id()?),
                    cidr: subnet.cidr_block()?.to_owned(),
                    zone: subnet.availability_zone()?.to_owned(),
                    map_public_ip_on_launch: subnet.map_public_ip_on_launch().unwrap_or_default(),
                    tags,
                };
                Some(Live::new(address, subnet.subnet_id()?, attrs))
            });
            Ok(live.collect())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let answer = aws
                .once::<Ec2>()
                .create_subnet()
                .vpc_id(attrs.vpc.value())
                .cidr_block(&attrs.cidr)
                .availability_zone(&attrs.zone)
                .tag_specifications(ec2::tagged(ResourceType::Subnet, &attrs.tags))
                .send()
                .await
                .operation("ec2:CreateSubnet")?;
            let id = ec2::made(answer.subnet().and_then(|subnet| subnet.subnet_id()), "ec2:CreateSubnet")?;
            if attrs.map_public_ip_on_launch {
                map_public_ip_on_launch(aws, &id, true).await?;
            }
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("map_public_ip_on_launch") {
                map_public_ip_on_launch(aws, change.id, change.attrs.map_public_ip_on_launch).await?;
            }
            if change.changes("tags") {
                ec2::retag(aws, change.id, &change.before.tags, &change.attrs.tags).await?;
            }
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let deleted = aws
                .client::<Ec2>()
                .delete_subnet()
                .subnet_id(gone.id)
                .send()
                .await
                .optional("ec2:DeleteSubnet")
                .map(drop);
            named(aws, Used::Subnet(gone.id), deleted).await
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            if target.goal == Goal::Gone {
                return Ok(Poll::Done(Outputs::new()));
            }
            let found = aws
                .client::<Ec2>()
                .describe_subnets()
                .subnet_ids(target.id)
                .send()
                .await
                .optional("ec2:DescribeSubnets")?;
            let state = found.as_ref().and_then(|found| found.subnets().first()?.state());
            ec2::until("ec2:DescribeSubnets", "available", state.map(aws_sdk_ec2::types::SubnetState::as_str))
        }
    }

    async fn map_public_ip_on_launch(aws: &Aws, id: &str, on: bool) -> Result<(), CloudError> {
        let value = AttributeBooleanValue::builder().value(on).build();
        let call = aws.client::<Ec2>().modify_subnet_attribute().subnet_id(id).map_public_ip_on_launch(value);
        ec2::soon(async || call.clone().send().await.operation("ec2:ModifySubnetAttribute")).await.map(drop)
    }
}
