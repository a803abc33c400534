use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::network::ec2;
use crate::kinds::network::section::Network;
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::preflight::{QUOTA, Question};
use crate::kinds::rules::TagCharacters;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{Environment, Section, same_other_tags};
use crate::value::{Ref, Tags, Target};

pub struct InternetGateway;

impl Target for InternetGateway {
    const KIND: &'static str = "internet_gateway";
}

/// An internet gateway and its attachment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// The VPC that it is attached to. Although AWS can attach it elsewhere, it is replaced: leaving a VPC
    /// would have to wait until every public address there is gone, which wait for their replacements.
    pub vpc: Ref<Vpc>,
    /// Always wanted; not so live when somebody detached it, or a run ended between creating and attaching.
    pub attached: bool,
    pub tags: Tags,
}

impl Kind for InternetGateway {
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["vpc"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:internet-gateway");
    const SERVES_TRAFFIC: bool = true;
    // AWS detaches no gateway of a VPC that has mapped public addresses, which NAT gateways, their addresses
    // and load balancers hold.
    const DELETE_AFTER: &'static [&'static str] = &["nat_gateway", "elastic_ip", "load_balancer"];
    const PREFLIGHT: &'static [&'static Question] = &[&QUOTA];
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        if env.section::<Network>().vpc.is_some() {
            return Vec::new();
        }
        let tags = ec2::tags::<Self>(env, "main");
        vec![Desired::new("main", &[Network::KEY], Attrs { vpc: vpc::reference(env), attached: true, tags })]
    }

    /// A VPC has one gateway at most.
    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        match live.attached {
            true => desired.vpc == live.vpc,
            false => same_other_tags(&desired.tags, &live.tags),
        }
    }

    /// A gateway that is attached to nothing need not be replaced to be attached.
    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if !live.attached {
            live.vpc = desired.vpc.clone();
        }
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one("aws_internet_gateway", json!({ "vpc_id": attrs.vpc, "tags": attrs.tags }))
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{AttachmentStatus, ResourceType};

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::members::Members;
    use crate::kinds::network::ec2::users::{Used, named};
    use crate::kinds::preflight::quotas::{self, Quota};
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    ec2::described!(InternetGateway, internet_gateway_id);

    impl Calls for InternetGateway {
        fn members() -> Vec<Members> {
            vec![Members::of::<()>(
                "ec2:DescribeInternetGateways",
                "InternetGateways",
                &["InternetGatewayId", "Attachments", "Tags"],
                &[],
                &[("the account's, for every gateway", &["OwnerId"])],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let describe = async |filters| {
                let call = read.aws.client::<Ec2>().describe_internet_gateways().set_filters(Some(filters));
                let pages = call.into_paginator().items().send();
                pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeInternetGateways")
            };
            let found = ec2::found::<Self, _>(read, describe, ec2::everywhere()).await?;
            let live = found.iter().filter_map(|gateway| {
                let (address, tags) = ec2::mark::<Self>(read.scope, gateway.tags());
                let attachment = gateway.attachments().iter().find(|attachment| {
                    !matches!(attachment.state(), Some(AttachmentStatus::Detaching | AttachmentStatus::Detached))
                });
                let vpc = attachment.and_then(|attachment| attachment.vpc_id());
                let attrs = Attrs { vpc: Ref::id(vpc.unwrap_or_default()), attached: vpc.is_some(), tags };
                Some(Live::new(address, gateway.internet_gateway_id()?, attrs))
            });
            Ok(live.collect())
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            let used = async {
                let pages = read.aws.client::<Ec2>().describe_internet_gateways().into_paginator().items().send();
                Ok(pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeInternetGateways")?.len())
            };
            let quota = Quota { service: "vpc", code: "L-A4707A72", counts: "internet gateways in the region" };
            quotas::room(read, quota, coming, used).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let answer = aws
                .once::<Ec2>()
                .create_internet_gateway()
                .tag_specifications(ec2::tagged(ResourceType::InternetGateway, &attrs.tags))
                .send()
                .await
                .operation("ec2:CreateInternetGateway")?;
            let id = answer.internet_gateway().and_then(|gateway| gateway.internet_gateway_id());
            let id = ec2::made(id, "ec2:CreateInternetGateway")?;
            attach(aws, &id, attrs.vpc.value()).await?;
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("attached") {
                attach(aws, change.id, change.attrs.vpc.value()).await?;
            }
            if change.changes("tags") {
                ec2::retag(aws, change.id, &change.before.tags, &change.attrs.tags).await?;
            }
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            if gone.attrs.attached {
                let call = aws
                    .client::<Ec2>()
                    .detach_internet_gateway()
                    .internet_gateway_id(gone.id)
                    .vpc_id(gone.attrs.vpc.value());
                // AWS refuses while something in the VPC has a public address.
                let detached = call.send().await.optional("ec2:DetachInternetGateway");
                match named(aws, Used::GatewayOf(gone.attrs.vpc.value()), detached).await {
                    Err(error) if error.code == "Gateway.NotAttached" => {}
                    answer => answer.map(drop)?,
                }
            }
            let call = aws.client::<Ec2>().delete_internet_gateway().internet_gateway_id(gone.id);
            call.send().await.optional("ec2:DeleteInternetGateway").map(drop)
        }
    }

    async fn attach(aws: &Aws, id: &str, vpc: &str) -> Result<(), CloudError> {
        let call = aws.client::<Ec2>().attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
        match ec2::soon(async || call.clone().send().await.operation("ec2:AttachInternetGateway")).await {
            // A call whose answer was lost was made again, and had taken effect.
            Err(error) if error.code == "Resource.AlreadyAssociated" && is_attached(aws, id, vpc).await? => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn is_attached(aws: &Aws, id: &str, vpc: &str) -> Result<bool, CloudError> {
        let call = aws.client::<Ec2>().describe_internet_gateways().internet_gateway_ids(id);
        let answer = call.send().await.operation("ec2:DescribeInternetGateways")?;
        let attachments =
            answer.internet_gateways().iter().flat_map(aws_sdk_ec2::types::InternetGateway::attachments);
        Ok(attachments.into_iter().any(|attachment| attachment.vpc_id() == Some(vpc)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_gateway_is_attached_and_not_replaced() {
        let desired = Attrs { vpc: Ref::id("vpc-1"), attached: true, tags: Tags::new() };
        let mut live = Attrs { vpc: Ref::id(""), attached: false, tags: Tags::new() };
        InternetGateway::normalize(&desired, &mut live);
        assert_eq!(live.vpc, desired.vpc);
        assert!(!live.attached);
    }
}
