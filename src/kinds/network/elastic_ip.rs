use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::network::section::Network;
use crate::kinds::network::{ec2, zones};
use crate::kinds::preflight::{QUOTA, Question};
use crate::kinds::rules::TagCharacters;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{Environment, Section, same_other_tags};
use crate::value::{Address, Tags, Target};

pub struct ElasticIp;

impl Target for ElasticIp {
    const KIND: &'static str = "elastic_ip";
}

/// A public IPv4 address of Amazon's pool. Its id is the allocation's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub tags: Tags,
}

impl ElasticIp {
    /// The name of the address of the NAT gateway in a subnet.
    pub(in crate::kinds) fn of_nat_gateway(subnet: &str) -> String {
        format!("nat-{subnet}")
    }
}

impl Kind for ElasticIp {
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &[];
    const TAG_INDEX: Option<&'static str> = Some("ec2:elastic-ip");
    const OUTPUTS: &'static [&'static str] = &["public_ip"];
    const PREFLIGHT: &'static [&'static Question] = &[&QUOTA];
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let names = zones::with_gateway(env).into_iter().map(Self::of_nat_gateway);
        let desired = names.map(|name| {
            let attrs = Attrs { tags: ec2::tags::<Self>(env, &name) };
            Desired {
                after: vec![Address::new("internet_gateway", "main")],
                ..Desired::new(name, &[Network::KEY], attrs)
            }
        });
        desired.collect()
    }

    /// Nothing else tells one address from another, but for the gateway that uses it.
    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        same_other_tags(&desired.tags, &live.tags)
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one("aws_eip", json!({ "domain": "vpc", "tags": attrs.tags }))
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{DomainType, ResourceType};

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::preflight::quotas::{self, Quota};
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    ec2::described!(Address, allocation_id);

    const SETTINGS: &[Setting<aws_sdk_ec2::types::Address>] = &[
        Setting::new("InstanceId", |ip| members::text(ip.instance_id())),
        Setting::new("Domain", |ip| members::other(ip.domain().map(DomainType::as_str), "vpc")),
        Setting::new("PublicIpv4Pool", |ip| members::other(ip.public_ipv4_pool(), "amazon")),
        Setting::new("CustomerOwnedIp", |ip| members::text(ip.customer_owned_ip())),
        Setting::new("CustomerOwnedIpv4Pool", |ip| members::text(ip.customer_owned_ipv4_pool())),
        Setting::new("CarrierIp", |ip| members::text(ip.carrier_ip())),
    ];

    impl Calls for ElasticIp {
        const ERRORS: &'static [OwnError] = &[
            // So EC2 says that a NAT gateway still has the address, also one that is deleted already.
            OwnError {
                code: "AuthFailure",
                words: "do not have permission to access the specified resource",
                class: ErrorClass::InUse,
                example: "You do not have permission to access the specified resource.",
            },
            OwnError {
                code: "InvalidIPAddress.InUse",
                words: "",
                class: ErrorClass::InUse,
                example: "Address 203.0.113.7 is in use.",
            },
        ];

        fn members() -> Vec<Members> {
            vec![Members::of(
                "ec2:DescribeAddresses",
                "Addresses",
                &["AllocationId", "PublicIp", "Tags"],
                SETTINGS,
                &[
                    (
                        "of the NAT gateway that has the address, whose own reading tells it",
                        &[
                            "AssociationId",
                            "NetworkInterfaceId",
                            "NetworkInterfaceOwnerId",
                            "PrivateIpAddress",
                            "SubnetId",
                        ],
                    ),
                    ("follows from the region, and from who has it", &["NetworkBorderGroup", "ServiceManaged"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let describe = async |filters| {
                let call = read.aws.client::<Ec2>().describe_addresses().set_filters(Some(filters));
                let answer = call.send().await.operation("ec2:DescribeAddresses")?;
                Ok(answer.addresses.unwrap_or_default())
            };
            let found = ec2::found::<Self, _>(read, describe, ec2::everywhere()).await?;
            let live = found.iter().filter_map(|ip| {
                let (address, tags) = ec2::mark::<Self>(read.scope, ip.tags());
                let live = Live::new(address, ip.allocation_id()?, Attrs { tags });
                Some(Live { settings: settings(SETTINGS, ip), ..live.output("public_ip", ip.public_ip()?) })
            });
            Ok(live.collect())
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            let used = async {
                let answer = read.aws.client::<Ec2>().describe_addresses().send().await;
                let answer = answer.operation("ec2:DescribeAddresses")?;
                // Addresses of one's own are not counted.
                let is_amazon = |pool: &str| pool == "amazon";
                Ok(answer.addresses().iter().filter(|ip| ip.public_ipv4_pool().is_none_or(is_amazon)).count())
            };
            let quota = Quota { service: "ec2", code: "L-0263D0A3", counts: "Elastic IP addresses in the region" };
            quotas::room(read, quota, coming, used).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let answer = aws
                .once::<Ec2>()
                .allocate_address()
                .domain(DomainType::Vpc)
                .tag_specifications(ec2::tagged(ResourceType::ElasticIp, &new.attrs.tags))
                .send()
                .await
                .operation("ec2:AllocateAddress")?;
            let id = ec2::made(answer.allocation_id(), "ec2:AllocateAddress")?;
            Ok(WriteResult::new(id).output("public_ip", answer.public_ip().unwrap_or_default()))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            ec2::retag(aws, change.id, &change.before.tags, &change.attrs.tags).await?;
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Ec2>()
                .release_address()
                .allocation_id(gone.id)
                .send()
                .await
                .optional("ec2:ReleaseAddress")
                .map(drop)
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            if target.goal == Goal::Gone {
                return Ok(Poll::Done(Outputs::new()));
            }
            let call = aws.client::<Ec2>().describe_addresses().allocation_ids(target.id);
            let found = call.send().await.optional("ec2:DescribeAddresses")?;
            let shown = found.is_some_and(|found| !found.addresses().is_empty());
            ec2::until("ec2:DescribeAddresses", "allocated", shown.then_some("allocated"))
        }
    }
}
