use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::network::section::Network;
use crate::kinds::network::security_group_rules::{Rule, in_words};
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{Environment, Section};
use crate::value::{Ref, Target};

pub struct DefaultSecurityGroup;

impl Target for DefaultSecurityGroup {
    const KIND: &'static str = "default_security_group";
}

/// The group that AWS makes with every VPC, and gives to whatever is made there without a group. It is closed: what gets it
/// by mistake reaches nobody, and nobody reaches it
/// (<https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-2>). It carries no tags of ours: it is
/// its VPC's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub vpc: Ref<Vpc>,
    /// None. A new VPC's group lets in who has it, too.
    pub ingress: BTreeSet<Rule>,
    /// None. A new VPC's group lets everything out.
    pub egress: BTreeSet<Rule>,
}

impl Kind for DefaultSecurityGroup {
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:vpc");
    type Attrs = Attrs;

    /// One for each VPC of ours: that of a VPC which is somebody else's is theirs to close.
    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let of = |vpc: Desired<vpc::Attrs>| {
            let attrs = Attrs { vpc: Ref::to(&vpc.name), ingress: BTreeSet::new(), egress: BTreeSet::new() };
            Desired::new(&vpc.name, &[Network::KEY], attrs)
        };
        Vpc::desired(env).into_iter().map(of).collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.vpc == live.vpc
    }

    fn dangers(_desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let opened = live.ingress.iter().filter(|rule| rule.is_for_everybody());
        opened.map(|rule| ("ingress", format!("open to the world: {rule}"))).collect()
    }

    fn in_words(field: &str, value: &Value) -> Option<String> {
        in_words(field == "egress", value)
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one("aws_default_security_group", json!({ "vpc_id": attrs.vpc, "ingress": [], "egress": [] }))
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{Filter, SecurityGroup as Found};

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::members::Members;
    use crate::kinds::network::ec2;
    use crate::kinds::network::security_group_rules::{converge, flatten};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    impl Calls for DefaultSecurityGroup {
        fn members() -> Vec<Members> {
            let managed = &["VpcId", "IpPermissions", "IpPermissionsEgress"];
            vec![Members::of::<()>("ec2:DescribeSecurityGroups", "SecurityGroups", managed, &[], &[])]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let vpcs = vpc::vpcs(read).await?;
            let ids: Vec<&str> = vpcs.iter().filter_map(|vpc| vpc.vpc_id()).collect();
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let found = of_vpcs(read.aws, &ids).await?;
            let live = found.iter().filter_map(|group| {
                let vpc = vpcs.iter().find(|vpc| vpc.vpc_id() == group.vpc_id())?;
                let (owner, _) = ec2::mark::<Vpc>(read.scope, vpc.tags());
                let address = owner.map(|owner| Address::new(Self::KIND, owner.name()));
                let attrs = Attrs {
                    vpc: Ref::id(group.vpc_id()?),
                    ingress: flatten(group.ip_permissions()),
                    egress: flatten(group.ip_permissions_egress()),
                };
                Some(Live::new(address, group.group_id()?, attrs))
            });
            Ok(live.collect())
        }

        /// AWS has made it with the VPC: only its rules go.
        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let vpc = new.attrs.vpc.value();
            let id = ec2::soon(async || {
                let found = of_vpcs(aws, &[vpc]).await?.into_iter().next();
                found.and_then(|group| group.group_id).ok_or_else(|| {
                    let message = format!("the default group of {vpc} is not shown yet");
                    CloudError::new("ec2:DescribeSecurityGroups", "InvalidGroup.NotFound", message)
                })
            })
            .await?;
            converge(aws, &id, &new.attrs.ingress, &new.attrs.egress).await?;
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            converge(aws, change.id, &change.attrs.ingress, &change.attrs.egress).await?;
            Ok(WriteResult::new(change.id))
        }

        /// AWS lets nobody delete it, and deletes it with its VPC, which goes whenever this does.
        async fn delete(_aws: &Aws, _gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            Ok(())
        }
    }

    async fn of_vpcs(aws: &Aws, vpcs: &[&str]) -> Result<Vec<Found>, CloudError> {
        let ids = vpcs.iter().copied().map(str::to_owned).collect();
        let of = Filter::builder().name("vpc-id").set_values(Some(ids)).build();
        let call = aws.client::<Ec2>().describe_security_groups().filters(of);
        let pages = call.filters(ec2::filter("group-name", "default")).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeSecurityGroups")
    }
}
