use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::network::elastic_ip::ElasticIp;
use crate::kinds::network::section::Network;
use crate::kinds::network::subnet::{self, Subnet};
use crate::kinds::network::{ec2, zones};
use crate::kinds::preflight::{QUOTA, Question};
use crate::kinds::rules::TagCharacters;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, Section};
use crate::value::{Address, Ref, Tags, Target};

pub struct NatGateway;

impl Target for NatGateway {
    const KIND: &'static str = "nat_gateway";
}

/// A NAT gateway with one address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// The public subnet that it stands in.
    pub subnet: Ref<Subnet>,
    pub allocation: Ref<ElasticIp>,
    /// `public` or `private`.
    #[serde(alias = "connectivity")]
    pub connectivity_type: String,
    pub tags: Tags,
}

impl Kind for NatGateway {
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    /// A route to it stays as a black hole until it is changed.
    const DELETED_IN_USE: bool = true;
    const SUMMARY: &'static [&'static str] = &["subnet"];
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["subnet", "allocation", "connectivity_type"];
    const INSIDE: &'static [&'static str] = &["subnet"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:natgateway");
    const SERVES_TRAFFIC: bool = true;
    // The old gateway holds the address until it is gone, and a new one cannot be made without it.
    const CREATE_FIRST: bool = false;
    const DEADLINE: u64 = 600;
    const EXPECTED_SECONDS: u64 = 100;
    const EXPECTED_DELETE_SECONDS: u64 = 60;
    const PREFLIGHT: &'static [&'static Question] = &[&QUOTA];
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let desired = zones::with_gateway(env).into_iter().map(|key| {
            let attrs = Attrs {
                subnet: subnet::reference(env, key),
                allocation: Ref::to(ElasticIp::of_nat_gateway(key)),
                connectivity_type: "public".to_owned(),
                tags: ec2::tags::<Self>(env, key),
            };
            // In a VPC without an internet gateway a NAT gateway fails a minute after it was accepted.
            Desired {
                after: vec![Address::new("internet_gateway", "main")],
                ..Desired::new(key, &[Network::KEY, "subnets", key], attrs)
            }
        });
        desired.collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.subnet == live.subnet || desired.allocation == live.allocation
    }

    /// Whoever needs a way out gets it by one of the gateways that the spec has, and gets it before another goes.
    fn deletion_impact(_live: &Attrs, users: &Users<'_>) -> Impact {
        let is_lost = users.stay() || users.lose() && !users.wants::<Self>();
        if is_lost { Impact::Outage } else { Impact::None }
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one(
            "aws_nat_gateway",
            json!({
                "subnet_id": attrs.subnet,
                "allocation_id": attrs.allocation,
                "connectivity_type": attrs.connectivity_type,
                "tags": attrs.tags,
            }),
        )
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{ConnectivityType, NatGateway as Found, NatGatewayState, ResourceType};
    use futures_util::future::try_join3;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::network::vpc;
    use crate::kinds::preflight::quotas::{self, Quota};
    use crate::kinds::preflight::{Answer, Coming, Verdict, addresses};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    ec2::described!(NatGateway, nat_gateway_id);

    const SETTINGS: &[Setting<Found>] = &[
        Setting::new("NatGatewayAddresses.IsPrimary", |gateway| {
            let more = gateway.nat_gateway_addresses().iter().filter(|address| address.is_primary() == Some(false));
            members::list(more.filter_map(|address| address.allocation_id().or(address.private_ip())))
                .map(|more| format!("more addresses: {more}"))
        }),
        Setting::new("AvailabilityMode", |gateway| {
            members::other(gateway.availability_mode().map(aws_sdk_ec2::types::AvailabilityMode::as_str), "zonal")
        }),
        Setting::new("AutoScalingIps", |gateway| {
            members::other(
                gateway.auto_scaling_ips().map(aws_sdk_ec2::types::AutoScalingIpsState::as_str),
                "disabled",
            )
        }),
        Setting::new("AttachedAppliances", |gateway| {
            members::list(gateway.attached_appliances().iter().filter_map(|appliance| appliance.appliance_arn()))
        }),
        Setting::new("ProvisionedBandwidth", |gateway| {
            members::text(gateway.provisioned_bandwidth().and_then(|bandwidth| bandwidth.provisioned()))
        }),
    ];

    const BY_ZONE: Quota = Quota { service: "vpc", code: "L-FE5A380F", counts: "NAT gateways in the zone" };

    /// All that count: also one that is going holds its place until it is gone.
    async fn gateways(read: &Reader<'_>) -> Result<Vec<Found>, CloudError> {
        let pages = read.aws.client::<Ec2>().describe_nat_gateways().into_paginator().items().send();
        let mut found = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeNatGateways")?;
        found.retain(|gateway| is_there(gateway) || gateway.state() == Some(&NatGatewayState::Deleting));
        Ok(found)
    }

    impl Calls for NatGateway {
        fn members() -> Vec<Members> {
            vec![Members::of(
                "ec2:DescribeNatGateways",
                "NatGateways",
                &[
                    "NatGatewayId",
                    "SubnetId",
                    "NatGatewayAddresses.AllocationId",
                    "ConnectivityType",
                    "State",
                    "Tags",
                ],
                SETTINGS,
                &[
                    (
                        "says what happened to it and when",
                        &["CreateTime", "DeleteTime", "FailureCode", "FailureMessage"],
                    ),
                    ("follows from the subnet and the address", &["VpcId", "NatGatewayAddresses"]),
                    (
                        "of a regional gateway, which its availability mode tells",
                        &["AutoProvisionZones", "RouteTableId"],
                    ),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let describe = async |filters| {
                let pages = read
                    .aws
                    .client::<Ec2>()
                    .describe_nat_gateways()
                    .set_filter(Some(filters))
                    .into_paginator()
                    .items();
                let mut found =
                    pages.send().collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeNatGateways")?;
                found.retain(is_there);
                Ok(found)
            };
            let found = ec2::found::<Self, _>(read, describe, vpc::inside(read, "vpc-id")).await?;
            let live = found.iter().filter_map(|gateway| {
                let (address, tags) = ec2::mark::<Self>(read.scope, gateway.tags());
                let attrs = Attrs {
                    subnet: Ref::id(gateway.subnet_id()?),
                    allocation: Ref::id(allocation(gateway).unwrap_or_default()),
                    connectivity_type: gateway
                        .connectivity_type()
                        .unwrap_or(&ConnectivityType::Public)
                        .as_str()
                        .to_owned(),
                    tags,
                };
                let live = Live::new(address, gateway.nat_gateway_id()?, attrs);
                Some(Live { settings: settings(SETTINGS, gateway), ..live })
            });
            Ok(live.collect())
        }

        /// AWS counts them by zone.
        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            let more: Vec<_> = coming.iter().filter(|coming| coming.is_more).collect();
            if more.is_empty() {
                return Vec::new();
            }
            let known = try_join3(quotas::limit(read, BY_ZONE), addresses::found(read), gateways(read)).await;
            let zone = |subnet: &Ref<Subnet>| match (subnet, &known) {
                (Ref::To { address, .. }, _) => {
                    let wanted = read.scope.env.section::<Network>().subnets.get(address.name());
                    wanted.map(|subnet| subnet.zone.clone())
                }
                (Ref::Id { id, .. }, Ok((_, subnets, _))) => subnets.get(id).map(|found| found.zone.clone()),
                (Ref::Id { .. }, Err(_)) => None,
            };
            let answer = |coming: &&Coming<'_, Attrs>| {
                let (limit, subnets, gateways) = match &known {
                    Ok(known) => known,
                    Err(error) => return coming.answer(&QUOTA, Verdict::failed(error)),
                };
                let Some(own) = zone(&coming.attrs.subnet) else {
                    return coming.answer(&QUOTA, Verdict::unknown("the zone of its subnet is not known"));
                };
                let places = gateways.iter().filter_map(|gateway| subnets.get(gateway.subnet_id()?));
                let used = places.filter(|subnet| subnet.zone == own).count();
                let added = more.iter().filter(|other| zone(&other.attrs.subnet).as_ref() == Some(&own)).count();
                coming.answer(&QUOTA, quotas::verdict(BY_ZONE, *limit, used as f64, added as f64))
            };
            more.iter().map(answer).collect()
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let answer = aws
                .once::<Ec2>()
                .create_nat_gateway()
                .client_token(new.token)
                .subnet_id(attrs.subnet.value())
                .allocation_id(attrs.allocation.value())
                .connectivity_type(attrs.connectivity_type.as_str().into())
                .tag_specifications(ec2::tagged(ResourceType::Natgateway, &attrs.tags))
                .send()
                .await
                .operation("ec2:CreateNatGateway")?;
            let id = answer.nat_gateway().and_then(|gateway| gateway.nat_gateway_id());
            Ok(WriteResult::new(ec2::made(id, "ec2:CreateNatGateway")?))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            ec2::retag(aws, change.id, &change.before.tags, &change.attrs.tags).await?;
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Ec2>()
                .delete_nat_gateway()
                .nat_gateway_id(gone.id)
                .send()
                .await
                .optional("ec2:DeleteNatGateway")
                .map(drop)
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            let call = aws.client::<Ec2>().describe_nat_gateways().nat_gateway_ids(target.id);
            let found = call.send().await.optional("ec2:DescribeNatGateways")?;
            let gateway = found.as_ref().and_then(|found| found.nat_gateways().first());
            let state = gateway.and_then(Found::state);
            Ok(match (target.goal, state) {
                (Goal::Gone, None | Some(NatGatewayState::Deleted | NatGatewayState::Failed)) => {
                    Poll::Done(Outputs::new())
                }
                (Goal::Ready, Some(NatGatewayState::Failed)) => {
                    let why = gateway.and_then(Found::failure_message).unwrap_or("AWS gives no reason");
                    Poll::Failed(format!("{why}; apply again to create it anew, AWS removes this one"))
                }
                (Goal::Ready, Some(gone @ (NatGatewayState::Deleting | NatGatewayState::Deleted))) => {
                    Poll::Failed(format!(
                        "it is {gone}: it is being deleted outside of Baseplate; apply again to \
                                          create it anew"
                    ))
                }
                (Goal::Gone, Some(state)) => Poll::Waiting(format!("state: {state}")),
                (Goal::Ready, state) => {
                    ec2::until("ec2:DescribeNatGateways", "available", state.map(NatGatewayState::as_str))?
                }
            })
        }
    }

    /// Deleted and failed gateways stay listed for about an hour, and AWS removes them by itself.
    fn is_there(gateway: &Found) -> bool {
        !matches!(
            gateway.state(),
            Some(NatGatewayState::Deleted | NatGatewayState::Deleting | NatGatewayState::Failed)
        )
    }

    /// The address that the gateway was created with; it may have been given more by hand.
    fn allocation(gateway: &Found) -> Option<&str> {
        let addresses = gateway.nat_gateway_addresses();
        let primary = addresses.iter().find(|address| address.is_primary() == Some(true)).or(addresses.first());
        primary.and_then(|address| address.allocation_id())
    }
}
