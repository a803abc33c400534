#[cfg(feature = "aws")]
mod acls;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::Example;
use crate::kinds::network::ec2;
use crate::kinds::network::section::Network;
use crate::kinds::preflight::{QUOTA, Question};
use crate::kinds::rules::{Rule, TagCharacters, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{self, AnySection, Environment, Section, same_other_tags};
use crate::value::{Ref, Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{inside, searched, vpcs};

pub struct Vpc;

impl Target for Vpc {
    const KIND: &'static str = "vpc";
}

/// A VPC with one IPv4 range.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// The primary address range, as in `10.0.0.0/16`.
    pub cidr: String,
    /// Whether the Amazon resolver answers inside.
    pub dns_support: bool,
    /// Whether instances get DNS host names; needs `dns_support`.
    pub dns_hostnames: bool,
    pub tags: Tags,
}

/// The environment's VPC, ours or an existing one.
pub(in crate::kinds) fn reference(env: &Environment) -> Ref<Vpc> {
    match &env.section::<Network>().vpc {
        Some(id) => Ref::id(id),
        None => Ref::to("main"),
    }
}

/// Ranges that no VPC can have: hosts' own, loopback, link-local and multicast addresses.
const UNUSABLE: [&str; 4] = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];

/// The network that all examples have, to be replaced as a whole: subnets must lie within the VPC.
const NETWORK: &str = r#"cidr = "10.40.0.0/16"

[network.subnets]
public-a = { tier = "public", zone = "eu-central-1a", cidr = "10.40.0.0/20" }
public-b = { tier = "public", zone = "eu-central-1b", cidr = "10.40.16.0/20" }
private-a = { tier = "private", zone = "eu-central-1a", cidr = "10.40.128.0/20" }
private-b = { tier = "private", zone = "eu-central-1b", cidr = "10.40.144.0/20" }"#;

const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-VPC-01",
        takes: "a VPC has a range of /16 to /28",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
        check: |attrs, violations| {
            if let Some(range) = range(attrs).filter(|range| !(16..=28).contains(&range.prefix_len())) {
                violations.report("cidr", &attrs.cidr, format!("{range} is not a valid size for a VPC"));
            }
        },
        inside: &[edit(
            NETWORK,
            r#"cidr = "10.40.0.0/28"
subnets.only = { tier = "public", zone = "eu-central-1a", cidr = "10.40.0.0/28" }"#,
        )],
        outside: &[edit("cidr = \"10.40.0.0/16\"", "cidr = \"10.40.0.0/15\"")],
    },
    Rule {
        code: "BP-VPC-02",
        takes: "a VPC's addresses are outside 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 and 224.0.0.0/4; AWS recommends \
                ranges from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
        check: |attrs, violations| {
            let Some(range) = range(attrs) else { return };
            let unusable = UNUSABLE.iter().filter_map(|unusable| unusable.parse::<Ipv4Net>().ok());
            for other in unusable.filter(|other| other.contains(&range) || range.contains(other)) {
                violations.report("cidr", &attrs.cidr, format!("{range} lies in {other}, which no VPC can use"));
            }
        },
        inside: &[edit(
            NETWORK,
            r#"cidr = "223.255.0.0/16"
subnets.only = { tier = "public", zone = "eu-central-1a", cidr = "223.255.255.0/24" }"#,
        )],
        outside: &[edit(
            NETWORK,
            r#"cidr = "169.254.0.0/16"
subnets.only = { tier = "public", zone = "eu-central-1a", cidr = "169.254.0.0/24" }"#,
        )],
    },
    Rule {
        code: "BP-VPC-03",
        takes: "host names (`dns-hostnames`) need the resolver (`dns-support`): switch both on, or both off",
        source: "ec2:ModifyVpcAttribute.EnableDnsHostnames",
        check: |attrs, violations| {
            if attrs.dns_hostnames && !attrs.dns_support {
                violations.report("dns_support", "false", "the VPC has host names and nothing that resolves them");
            }
        },
        inside: &[edit("dns-support = true\ndns-hostnames = true", "dns-support = false\ndns-hostnames = false")],
        outside: &[edit("dns-support = true", "dns-support = false")],
    },
];

fn range(attrs: &Attrs) -> Option<Ipv4Net> {
    attrs.cidr.parse().ok()
}

impl Kind for Vpc {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Network>()];
    const EXAMPLES: &'static [Example] = crate::kinds::network::section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = RULES;
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["network.vpc"];
    const SUMMARY: &'static [&'static str] = &["cidr"];
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["cidr"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:vpc");
    const PREFLIGHT: &'static [&'static Question] = &[&QUOTA];
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let network = env.section::<Network>();
        let (None, Some(cidr)) = (&network.vpc, network.cidr) else { return Vec::new() };
        let mut tags = ec2::tags::<Self>(env, "main");
        if let Some(name) = &network.name {
            tags.insert(ec2::NAME.to_owned(), name.clone());
        }
        let attrs = Attrs {
            // AWS clears the host bits, too.
            cidr: cidr.trunc().to_string(),
            dns_support: network.dns_support,
            dns_hostnames: network.dns_hostnames,
            tags,
        };
        vec![Desired::new("main", &[Network::KEY], attrs)]
    }

    /// Any number of VPCs may have one range.
    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.cidr == live.cidr && same_other_tags(&desired.tags, &live.tags)
    }

    /// Without the resolver no name leads anywhere, and without host names none of a private zone does
    /// (<https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html>).
    fn impact(live: &Attrs, desired: &Attrs, _changed: &[String], users: &Users<'_>) -> Impact {
        let ends = (live.dns_support && !desired.dns_support) || (live.dns_hostnames && !desired.dns_hostnames);
        if ends && users.stay() { Impact::Outage } else { Impact::None }
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        live.output(format!("{}.vpc", Network::KEY), OutputSort::Name, Some(live.id))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one(
            "aws_vpc",
            json!({
                "cidr_block": attrs.cidr,
                "enable_dns_support": attrs.dns_support,
                "enable_dns_hostnames": attrs.dns_hostnames,
                "instance_tenancy": "default",
                "tags": attrs.tags,
            }),
        )
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::{BTreeMap, BTreeSet};
    use std::rc::Rc;

    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Vpc as Found, VpcAttributeName};
    use futures_util::future::{try_join, try_join_all};

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::network::ec2::users::{Used, named};
    use crate::kinds::preflight::quotas::{self, Quota};
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    ec2::described!(Vpc, vpc_id);

    /// Under which a VPC's network ACLs are told.
    const ACLS: &str = "NetworkAcls";

    const SETTINGS: &[Setting<Found>] = &[
        Setting::new("InstanceTenancy", |vpc| {
            members::other(vpc.instance_tenancy().map(aws_sdk_ec2::types::Tenancy::as_str), "default")
        }),
        Setting::new("CidrBlockAssociationSet", |vpc| {
            let more = vpc.cidr_block_association_set().iter().filter_map(|more| more.cidr_block());
            members::list(more.filter(|more| Some(*more) != vpc.cidr_block()))
        }),
        Setting::new("Ipv6CidrBlockAssociationSet", |vpc| {
            members::list(vpc.ipv6_cidr_block_association_set().iter().filter_map(|more| more.ipv6_cidr_block()))
        }),
        Setting::new("EncryptionControl", |vpc| {
            members::text(
                vpc.encryption_control()
                    .and_then(|control| control.mode())
                    .map(aws_sdk_ec2::types::VpcEncryptionControlMode::as_str),
            )
        }),
        Setting::new("BlockPublicAccessStates", |vpc| {
            let states = vpc.block_public_access_states();
            members::other(
                states
                    .and_then(|it| it.internet_gateway_block_mode())
                    .map(aws_sdk_ec2::types::BlockPublicAccessMode::as_str),
                "off",
            )
        }),
    ];

    impl Calls for Vpc {
        fn members() -> Vec<Members> {
            let vpc = Members::of(
                "ec2:DescribeVpcs",
                "Vpcs",
                &["VpcId", "CidrBlock", "State", "Tags"],
                SETTINGS,
                &[
                    ("the account's, for every VPC", &["OwnerId", "IsDefault"]),
                    ("the account's default set has an id like any other's", &["DhcpOptionsId"]),
                    (
                        "a firewall is a way that a route leads, and is told as such",
                        &["NetworkFirewallAssociations"],
                    ),
                ],
            );
            let attribute = Members::of::<Found>(
                "ec2:DescribeVpcAttribute",
                "",
                &["VpcId", "EnableDnsSupport", "EnableDnsHostnames"],
                &[],
                &[("a metric, which costs a call of its own to ask for", &["EnableNetworkAddressUsageMetrics"])],
            );
            let acls = Members::of_made(
                "ec2:DescribeNetworkAcls",
                "NetworkAcls",
                &["NetworkAclId", "VpcId", "Entries"],
                [ACLS],
                &[("every subnet has one, by which nothing changes", &["Associations", "IsDefault", "Tags"])],
            );
            vec![vpc, attribute, acls]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let found = vpcs(read).await?;
            let ours = found.iter().filter_map(|vpc| {
                let (address, tags) = ec2::mark::<Self>(read.scope, vpc.tags());
                Some((vpc, address, tags, vpc.vpc_id()?, vpc.cidr_block()?))
            });
            let acls = match searched(read).await? {
                vpcs if vpcs.is_empty() => BTreeMap::new(),
                vpcs => acls::by_vpc(read, vpcs.into_iter().collect()).await?,
            };
            let acls = &acls;
            // The one read that AWS offers by object only; an environment has one VPC.
            try_join_all(ours.map(|(vpc, address, tags, id, cidr)| async move {
                let (dns_support, dns_hostnames) = try_join(
                    attribute(read.aws, id, VpcAttributeName::EnableDnsSupport),
                    attribute(read.aws, id, VpcAttributeName::EnableDnsHostnames),
                )
                .await?;
                let live =
                    Live::new(address, id, Attrs { cidr: cidr.to_owned(), dns_support, dns_hostnames, tags });
                let mut settings = settings(SETTINGS, vpc);
                settings.extend(acls.get(id).map(|changes| (ACLS.to_owned(), changes.clone())));
                Ok(Live { settings, ..live })
            }))
            .await
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            let used = async {
                let pages = read.aws.client::<Ec2>().describe_vpcs().into_paginator().items().send();
                let found = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeVpcs")?;
                // One that another account shares is counted there.
                Ok(found.iter().filter(|vpc| vpc.owner_id().is_none_or(|owner| owner == read.aws.account)).count())
            };
            let quota = Quota { service: "vpc", code: "L-F678F1CE", counts: "VPCs in the region" };
            quotas::room(read, quota, coming, used).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let answer = aws
                .once::<Ec2>()
                .create_vpc()
                .cidr_block(&attrs.cidr)
                .tag_specifications(ec2::tagged(ResourceType::Vpc, &attrs.tags))
                .send()
                .await
                .operation("ec2:CreateVpc")?;
            let id = ec2::made(answer.vpc().and_then(|vpc| vpc.vpc_id()), "ec2:CreateVpc")?;
            // A new VPC has the resolver and no host names.
            set_dns(aws, &id, (true, false), (attrs.dns_support, attrs.dns_hostnames)).await?;
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let (before, after) = (change.before, change.attrs);
            let dns = |attrs: &Attrs| (attrs.dns_support, attrs.dns_hostnames);
            set_dns(aws, change.id, dns(before), dns(after)).await?;
            if change.changes("tags") {
                ec2::retag(aws, change.id, &before.tags, &after.tags).await?;
            }
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let deleted =
                aws.client::<Ec2>().delete_vpc().vpc_id(gone.id).send().await.optional("ec2:DeleteVpc").map(drop);
            named(aws, Used::Vpc(gone.id), deleted).await
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            if target.goal == Goal::Gone {
                return Ok(Poll::Done(Outputs::new()));
            }
            let found =
                aws.client::<Ec2>().describe_vpcs().vpc_ids(target.id).send().await.optional("ec2:DescribeVpcs")?;
            let state = found.as_ref().and_then(|found| found.vpcs().first()?.state());
            ec2::until("ec2:DescribeVpcs", "available", state.map(aws_sdk_ec2::types::VpcState::as_str))
        }
    }

    /// The VPCs that are this environment's, and if its own is not among them those that may be it: by some of our
    /// tags, or by their range, for what is inside may say whose they are.
    pub(in crate::kinds) async fn vpcs(read: &Reader<'_>) -> Result<Rc<Vec<Found>>, CloudError> {
        let describe = async |filters| {
            let pages =
                read.aws.client::<Ec2>().describe_vpcs().set_filters(Some(filters)).into_paginator().items().send();
            pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeVpcs")
        };
        let ask = async {
            let mut found = ec2::found::<Vpc, Found>(read, describe, ec2::everywhere()).await?;
            let range = Vpc::desired(read.scope.env).pop().map(|desired| desired.attrs.cidr);
            found.retain(|vpc| {
                let (_, tags) = ec2::mark::<Vpc>(read.scope, vpc.tags());
                read.scope.has_ownership_tags::<Vpc>(&tags) || vpc.cidr_block() == range.as_deref()
            });
            Ok(found)
        };
        read.shared("vpcs", ask).await
    }

    /// The filters for what is in a VPC that is ours or may be, by this field; `None` where there is no such VPC.
    pub(in crate::kinds) async fn inside(
        read: &Reader<'_>,
        field: &str,
    ) -> Result<Option<Vec<Filter>>, CloudError> {
        let ids = ids(read).await?;
        let filter = Filter::builder().name(field).set_values(Some(ids.clone())).build();
        Ok((!ids.is_empty()).then(|| vec![filter]))
    }

    /// Those whose objects are looked at for what somebody made by hand inside of them.
    pub(in crate::kinds) async fn searched(read: &Reader<'_>) -> Result<BTreeSet<String>, CloudError> {
        Ok(if read.scope.everything { ids(read).await?.into_iter().collect() } else { BTreeSet::new() })
    }

    /// The ids of the VPCs that are this environment's or may be.
    async fn ids(read: &Reader<'_>) -> Result<Vec<String>, CloudError> {
        if let Some(id) = &read.scope.env.section::<Network>().vpc {
            return Ok(vec![id.clone()]);
        }
        Ok(vpcs(read).await?.iter().filter_map(|vpc| vpc.vpc_id()).map(str::to_owned).collect())
    }

    async fn attribute(aws: &Aws, id: &str, name: VpcAttributeName) -> Result<bool, CloudError> {
        let call = aws.client::<Ec2>().describe_vpc_attribute().vpc_id(id).attribute(name);
        let answer = call.send().await.operation("ec2:DescribeVpcAttribute")?;
        let value = answer.enable_dns_support().or(answer.enable_dns_hostnames());
        Ok(value.and_then(AttributeBooleanValue::value).unwrap_or_default())
    }

    /// Brings `(dns_support, dns_hostnames)` from `before` to `after`, one call for each that differs. Host names
    /// need the resolver, so it is switched on before them and off after them.
    async fn set_dns(aws: &Aws, id: &str, before: (bool, bool), after: (bool, bool)) -> Result<(), CloudError> {
        let value = |on: bool| AttributeBooleanValue::builder().value(on).build();
        let call = || aws.client::<Ec2>().modify_vpc_attribute().vpc_id(id);
        let mut calls = Vec::new();
        if before.0 != after.0 {
            calls.push(call().enable_dns_support(value(after.0)));
        }
        if before.1 != after.1 {
            calls.push(call().enable_dns_hostnames(value(after.1)));
        }
        if !after.0 {
            calls.reverse();
        }
        for call in calls {
            ec2::soon(async || call.clone().send().await.operation("ec2:ModifyVpcAttribute")).await?;
        }
        Ok(())
    }
}
