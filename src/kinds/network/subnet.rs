#[cfg(feature = "aws")]
mod instances;

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
    const SUMMARY: &'static [&'static str] = &["cidr", "zone", "map_public_ip_on_launch"];
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["vpc", "cidr", "zone"];
    const INSIDE: &'static [&'static str] = &["vpc"];
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
    use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Subnet as Found};
    use futures_util::future::try_join;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::network::ec2::users::{Used, named};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    ec2::described!(Subnet, subnet_id);

    /// Under which the machines in a subnet are told.
    const INSTANCES: &str = "Instances";

    const SETTINGS: &[Setting<Found>] = &[
        Setting::new("AssignIpv6AddressOnCreation", |subnet| members::on(subnet.assign_ipv6_address_on_creation())),
        Setting::new("Ipv6CidrBlockAssociationSet", |subnet| {
            members::list(subnet.ipv6_cidr_block_association_set().iter().filter_map(|more| more.ipv6_cidr_block()))
        }),
        Setting::new("Ipv6Native", |subnet| members::on(subnet.ipv6_native())),
        Setting::new("EnableDns64", |subnet| members::on(subnet.enable_dns64())),
        Setting::new("EnableLniAtDeviceIndex", |subnet| members::number(subnet.enable_lni_at_device_index())),
        Setting::new("MapCustomerOwnedIpOnLaunch", |subnet| members::on(subnet.map_customer_owned_ip_on_launch())),
        Setting::new("CustomerOwnedIpv4Pool", |subnet| members::text(subnet.customer_owned_ipv4_pool())),
        Setting::new("OutpostArn", |subnet| members::text(subnet.outpost_arn())),
        Setting::new("PrivateDnsNameOptionsOnLaunch", |subnet| {
            let options = subnet.private_dns_name_options_on_launch()?;
            let sort =
                members::other(options.hostname_type().map(aws_sdk_ec2::types::HostnameType::as_str), "ip-name");
            let records =
                [options.enable_resource_name_dns_a_record(), options.enable_resource_name_dns_aaaa_record()];
            sort.or(records.contains(&Some(true)).then(|| "records of resource names".to_owned()))
        }),
        Setting::new("BlockPublicAccessStates", |subnet| {
            let states = subnet.block_public_access_states();
            members::other(
                states
                    .and_then(|it| it.internet_gateway_block_mode())
                    .map(aws_sdk_ec2::types::BlockPublicAccessMode::as_str),
                "off",
            )
        }),
    ];

    impl Calls for Subnet {
        fn members() -> Vec<Members> {
            let machines = Members::of_made(
                "ec2:DescribeNetworkInterfaces",
                "NetworkInterfaces",
                &["SubnetId", "Attachment.InstanceId"],
                [INSTANCES],
                &[("interfaces of AWS's services, which follow from what these do", &["NetworkInterfaceId"])],
            );
            let subnet = Members::of(
                "ec2:DescribeSubnets",
                "Subnets",
                &["SubnetId", "VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch", "State", "Tags"],
                SETTINGS,
                &[
                    ("another name of the same", &["AvailabilityZoneId", "SubnetArn", "OwnerId"]),
                    ("changes with what runs there", &["AvailableIpAddressCount"]),
                    ("the account's default network is none of ours", &["DefaultForAz"]),
                    ("follows from how the subnet is used", &["Type", "NetworkFirewallConnectivityType"]),
                ],
            );
            vec![subnet, machines]
        }

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
            let found = ec2::found::<Self, _>(read, describe, vpc::inside(read, "vpc-id"));
            let (found, instances) = try_join(found, instances::by_subnet(read)).await?;
            let live = found.iter().filter_map(|subnet| {
                let (address, tags) = ec2::mark::<Self>(read.scope, subnet.tags());
                let attrs = Attrs {
                    vpc: Ref::id(subnet.vpc_id()?),
                    cidr: subnet.cidr_block()?.to_owned(),
                    zone: subnet.availability_zone()?.to_owned(),
                    map_public_ip_on_launch: subnet.map_public_ip_on_launch().unwrap_or_default(),
                    tags,
                };
                let live = Live::new(address, subnet.subnet_id()?, attrs);
                let mut settings = settings(SETTINGS, subnet);
                let machines = instances
                    .get(subnet.subnet_id()?)
                    .and_then(|ids| members::list(ids.iter().map(String::as_str)));
                settings.extend(machines.map(|machines| (INSTANCES.to_owned(), machines)));
                Some(Live { settings, ..live })
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
