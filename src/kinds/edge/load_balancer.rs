//! An application load balancer in front of the services that are routed by it.

#[cfg(feature = "aws")]
mod members;
#[cfg(feature = "aws")]
mod preflight;
mod rules;
pub mod section;
#[cfg(feature = "aws")]
pub(in crate::kinds) mod tagging;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::edge::entry;
use crate::kinds::edge::routes::routed;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::Example;
use crate::kinds::network::internet_gateway::InternetGateway;
use crate::kinds::network::section::{Network, Tier};
use crate::kinds::network::security_group::{self, SecurityGroup};
use crate::kinds::network::subnet::{self, Subnet};
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::network::{route_table, security_group_rules};
use crate::kinds::preflight::{ADDRESSES, QUOTA, Question, SERVICE_LINKED_ROLE};
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{self, AnySection, Environment, Section, names};
use crate::value::{Address, Ref, Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::balancers;

pub struct LoadBalancer;

impl Target for LoadBalancer {
    const KIND: &'static str = "load_balancer";
}

/// How long the names of load balancers and target groups may be.
pub(in crate::kinds) const NAME_LENGTH: usize = 32;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// 32 characters at most.
    pub name: String,
    /// Always `application`; a live one of our name may be something else.
    #[serde(rename = "type")]
    pub sort: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    pub vpc: Ref<Vpc>,
    pub subnets: BTreeSet<Ref<Subnet>>,
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Seconds after which an idle connection closes.
    pub idle_timeout: i32,
    pub deletion_protection: bool,
    pub drop_invalid_headers: bool,
    pub tags: Tags,
}

fn derived_name(env: &Environment, key: &str) -> String {
    if key == section::MAIN {
        names::fit(&env.prefix(), NAME_LENGTH)
    } else {
        env.name(env.naming_key(section::LoadBalancers::KEY, key), NAME_LENGTH)
    }
}

impl Kind for LoadBalancer {
    const SECTIONS: &'static [&'static dyn AnySection] =
        &[spec::section::<section::LoadBalancer>(), spec::section::<section::LoadBalancers>()];
    const EXAMPLES: &'static [Example] = section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    /// Its listeners go with it, and a record may still name it.
    const DELETED_IN_USE: bool = true;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["load-balancer.dns", "load-balancers.….dns"];
    const SUMMARY: &'static [&'static str] = &["scheme"];
    const STAGE: Stage = Stage::LoadBalancer;
    const PROTECTED_BY: Option<&'static str> = Some("deletion_protection");
    const REPLACE_ON: &'static [&'static str] = &["name", "type", "scheme", "vpc"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("elasticloadbalancing:loadbalancer");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const TWO_PHASE_WRITES: bool = true;
    const OUTPUTS: &'static [&'static str] = &["dns_name", "zone_id"];
    const IDENTITY: Option<&'static str> = Some("name");
    const DEADLINE: u64 = 600;
    const EXPECTED_SECONDS: u64 = 150;
    const EXPECTED_DELETE_SECONDS: u64 = 20;
    const PREFLIGHT: &'static [&'static Question] = &[&ADDRESSES, &QUOTA, &SERVICE_LINKED_ROLE];

    type Attrs = Attrs;

    fn setting_danger(name: &str, value: &str) -> Option<String> {
        (name == "routing.http.desync_mitigation_mode" && value == "monitor")
            .then(|| "requests that may smuggle others past the load balancer are let through".to_owned())
    }

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let routed = routed(env);
        let each = entry::balancers(env).into_iter().map(|balancer| {
            let (key, spec) = (balancer.key, balancer.spec);
            let attrs = Attrs {
                name: spec.name.clone().unwrap_or_else(|| derived_name(env, key)),
                sort: "application".to_owned(),
                scheme: if spec.internal { "internal" } else { "internet-facing" }.to_owned(),
                vpc: vpc::reference(env),
                subnets: subnet::references(env, spec.subnets.as_ref(), Tier::Public),
                security_groups: security_group::references(env, &spec.security_groups),
                idle_timeout: spec.idle_timeout,
                deletion_protection: spec.deletion_protection,
                drop_invalid_headers: spec.drop_invalid_headers,
                tags: env.tags_of::<Self>(key),
            };
            let mut desired = Desired::new(key, &balancer.path(), attrs);
            // AWS refuses an internet-facing load balancer in a VPC that has no gateway yet.
            if !spec.internal && env.section::<Network>().vpc.is_none() {
                desired.after.push(Address::new(InternetGateway::KIND, "main"));
            }
            // What it is reached by, and what it reaches.
            desired.after.extend(route_table::ways_out(env, spec.subnets.as_ref(), Tier::Public));
            desired.after.extend(security_group_rules::of_groups(env, &spec.security_groups));
            let behind = routed.iter().filter(|routed| routed.balancer.key == key);
            let rules =
                behind.flat_map(|routed| security_group_rules::of_groups(env, &routed.service.security_groups));
            desired.after.extend(rules);
            desired
        });
        each.collect()
    }

    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if names::is_name_or_alternate(&live.name, &desired.name, NAME_LENGTH) {
            live.name.clone_from(&desired.name);
        }
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let is_off = desired.deletion_protection && !live.deletion_protection;
        is_off.then(|| ("deletion_protection", "deletion protection is off".to_owned())).into_iter().collect()
    }

    fn expand(live: &Attrs, desired: &Attrs) -> Option<Attrs> {
        let security_groups = security_group::both(&live.security_groups, &desired.security_groups)?;
        Some(Attrs { security_groups, ..desired.clone() })
    }

    /// It has a node in each of its subnets, which goes with the subnet; its name leads to the others.
    fn impact(live: &Attrs, desired: &Attrs, _changed: &[String], _users: &Users<'_>) -> Impact {
        if live.subnets.is_subset(&desired.subnets) { Impact::None } else { Impact::Failover }
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let balancers = entry::balancers(live.env);
        let Some(balancer) = balancers.iter().find(|balancer| balancer.key == live.name) else { return Vec::new() };
        let name = live.outputs.get("dns_name").map(String::as_str);
        live.output(format!("{}.dns", balancer.path().join(".")), OutputSort::Endpoint, name)
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "name": attrs.name,
            "load_balancer_type": attrs.sort,
            "internal": attrs.scheme == "internal",
            "subnets": attrs.subnets,
            "security_groups": attrs.security_groups,
            "idle_timeout": attrs.idle_timeout,
            "enable_deletion_protection": attrs.deletion_protection,
            "drop_invalid_header_fields": attrs.drop_invalid_headers,
            "tags": attrs.tags,
        });
        Block::one("aws_lb", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::HashMap;
    use std::rc::Rc;

    use aws_sdk_elasticloadbalancingv2::Client as Elb;
    use aws_sdk_elasticloadbalancingv2::types as elb;
    use futures_util::future::try_join_all;

    use super::members::{DEFAULTS, SETTINGS};
    use super::tagging::Tagged;
    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult, service};
    use crate::kinds::members::{Members, settings, unlike};
    use crate::kinds::network::vpc;
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    service!(aws_sdk_elasticloadbalancingv2);

    impl Calls for LoadBalancer {
        fn members() -> Vec<Members> {
            members::members()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let found = balancers(read).await?;
            try_join_all(found.iter().map(|balancer| live(read, balancer))).await
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            tagging::confirm_tags::<Self>(read, live, |attrs| &mut attrs.tags).await
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let name = if new.alternate {
                names::alternate(&attrs.name, new.token, NAME_LENGTH)
            } else {
                attrs.name.clone()
            };
            let made = aws
                .once::<Elb>()
                .create_load_balancer()
                .name(name)
                .r#type(elb::LoadBalancerTypeEnum::Application)
                .scheme(elb::LoadBalancerSchemeEnum::from(attrs.scheme.as_str()))
                .ip_address_type(elb::IpAddressType::Ipv4)
                .set_subnets(Some(values(&attrs.subnets)))
                .set_security_groups(Some(values(&attrs.security_groups)))
                .set_tags(Some(tagging::list(&attrs.tags)))
                .send()
                .await
                .operation("elasticloadbalancing:CreateLoadBalancer")?;
            let Some((balancer, arn)) =
                made.load_balancers().first().and_then(|one| Some((one, one.load_balancer_arn()?)))
            else {
                return Err(CloudError::internal("CreateLoadBalancer returned no load balancer"));
            };
            set_attributes(aws, arn, attrs).await?;
            Ok(WriteResult { id: arn.to_owned(), outputs: outputs(balancer) })
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = change.attrs;
            // Groups before subnets: a group that lets nobody in should not meet a new zone first.
            if change.changes("security_groups") {
                aws.client::<Elb>()
                    .set_security_groups()
                    .load_balancer_arn(change.id)
                    .set_security_groups(Some(values(&attrs.security_groups)))
                    .send()
                    .await
                    .operation("elasticloadbalancing:SetSecurityGroups")?;
            }
            if change.changes("subnets") {
                aws.client::<Elb>()
                    .set_subnets()
                    .load_balancer_arn(change.id)
                    .set_subnets(Some(values(&attrs.subnets)))
                    .send()
                    .await
                    .operation("elasticloadbalancing:SetSubnets")?;
            }
            if ["idle_timeout", "deletion_protection", "drop_invalid_headers"]
                .iter()
                .any(|field| change.changes(field))
            {
                set_attributes(aws, change.id, attrs).await?;
            }
            tagging::update(aws, change, &change.before.tags, &attrs.tags).await?;
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            if gone.attrs.deletion_protection {
                return Err(CloudError::new(
                    "elasticloadbalancing:DeleteLoadBalancer",
                    "OperationNotPermitted",
                    format!(
                        "load balancer {} is protected from deletion; \
                         set `deletion-protection = false` under [load-balancer] and apply that first",
                        gone.attrs.name
                    ),
                ));
            }
            let answer = aws.client::<Elb>().delete_load_balancer().load_balancer_arn(gone.id).send().await;
            answer.optional("elasticloadbalancing:DeleteLoadBalancer").map(drop)
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            let answer = aws.client::<Elb>().describe_load_balancers().load_balancer_arns(target.id).send().await;
            let answer = answer.optional("elasticloadbalancing:DescribeLoadBalancers")?;
            let balancer = answer.as_ref().and_then(|answer| answer.load_balancers().first());
            Ok(match (target.goal, balancer) {
                (Goal::Gone, None) => Poll::Done(Outputs::new()),
                (Goal::Gone, Some(_)) => Poll::Waiting("load balancer still exists".to_owned()),
                (Goal::Ready, None) => {
                    return Err(CloudError::not_shown("elasticloadbalancing:DescribeLoadBalancers"));
                }
                (Goal::Ready, Some(balancer)) => readiness(balancer),
            })
        }
    }

    pub(super) const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";

    pub(super) const DELETION_PROTECTION: &str = "deletion_protection.enabled";

    pub(super) const DROP_INVALID_HEADERS: &str = "routing.http.drop_invalid_header_fields.enabled";

    /// Every load balancer that carries our tags or concerns us by name, with its tags: one paged call for the
    /// account, shared with the listeners.
    pub(in crate::kinds) async fn balancers(
        read: &Reader<'_>,
    ) -> Result<Rc<Vec<Tagged<elb::LoadBalancer>>>, CloudError> {
        read.shared("load balancers", async {
            let pages = read.aws.client::<Elb>().describe_load_balancers().into_paginator().items().send();
            let all = pages
                .collect::<Result<Vec<_>, _>>()
                .await
                .operation("elasticloadbalancing:DescribeLoadBalancers")?;
            let searched = vpc::searched(read).await?;
            let concerns = |balancer: &elb::LoadBalancer| {
                let is_inside = balancer.vpc_id().is_some_and(|vpc| searched.contains(vpc));
                let name = balancer.load_balancer_name();
                is_inside || name.is_some_and(|name| read.scope.concerns(LoadBalancer::KIND, name))
            };
            let mut tagged = tagging::tagged(read, all, elb::LoadBalancer::load_balancer_arn, concerns).await?;
            tagged.retain(|balancer| {
                read.scope.has_ownership_tags::<LoadBalancer>(&balancer.tags) || concerns(&balancer.item)
            });
            Ok(tagged)
        })
        .await
    }

    async fn live(read: &Reader<'_>, found: &Tagged<elb::LoadBalancer>) -> Result<Live<Attrs>, CloudError> {
        let balancer = &found.item;
        let arn = balancer.load_balancer_arn().unwrap_or_default();
        let answer =
            read.aws.client::<Elb>().describe_load_balancer_attributes().load_balancer_arn(arn).send().await;
        let answer = answer.operation("elasticloadbalancing:DescribeLoadBalancerAttributes")?;
        let set: HashMap<&str, &str> = answer
            .attributes()
            .iter()
            .filter_map(|attribute| Some((attribute.key()?, attribute.value()?)))
            .collect();
        let on = |key: &str| set.get(key) == Some(&"true");
        let attrs = Attrs {
            name: balancer.load_balancer_name().unwrap_or_default().to_owned(),
            sort: balancer.r#type().map(elb::LoadBalancerTypeEnum::as_str).unwrap_or_default().to_owned(),
            scheme: balancer.scheme().map(elb::LoadBalancerSchemeEnum::as_str).unwrap_or_default().to_owned(),
            vpc: Ref::id(balancer.vpc_id().unwrap_or_default()),
            subnets: balancer
                .availability_zones()
                .iter()
                .filter_map(|zone| zone.subnet_id())
                .map(Ref::id)
                .collect(),
            security_groups: balancer.security_groups().iter().map(Ref::id).collect(),
            idle_timeout: set.get(IDLE_TIMEOUT).and_then(|seconds| seconds.parse().ok()).unwrap_or(60),
            deletion_protection: on(DELETION_PROTECTION),
            drop_invalid_headers: on(DROP_INVALID_HEADERS),
            tags: found.tags.clone(),
        };
        let mut live = Live::new(read.scope.owner::<LoadBalancer>(&found.tags), arn, attrs);
        live.outputs = outputs(balancer);
        live.unconfirmed = found.indexed;
        live.settings = settings(SETTINGS, balancer);
        live.settings.extend(unlike(DEFAULTS, |key| set.get(key).copied()));
        Ok(live)
    }

    async fn set_attributes(aws: &Aws, arn: &str, attrs: &Attrs) -> Result<(), CloudError> {
        let attribute =
            |key: &str, value: String| elb::LoadBalancerAttribute::builder().key(key).value(value).build();
        let answer = aws
            .client::<Elb>()
            .modify_load_balancer_attributes()
            .load_balancer_arn(arn)
            .attributes(attribute(IDLE_TIMEOUT, attrs.idle_timeout.to_string()))
            .attributes(attribute(DELETION_PROTECTION, attrs.deletion_protection.to_string()))
            .attributes(attribute(DROP_INVALID_HEADERS, attrs.drop_invalid_headers.to_string()))
            .send()
            .await;
        answer.operation("elasticloadbalancing:ModifyLoadBalancerAttributes").map(drop)
    }

    fn readiness(balancer: &elb::LoadBalancer) -> Poll {
        let state = balancer.state();
        match state.and_then(elb::LoadBalancerState::code) {
            // Impaired is active, and short of room to grow: AWS works on it while requests flow.
            Some(elb::LoadBalancerStateEnum::Active | elb::LoadBalancerStateEnum::ActiveImpaired) => {
                Poll::Done(outputs(balancer))
            }
            Some(elb::LoadBalancerStateEnum::Failed) => Poll::Failed(format!(
                "AWS failed to create the load balancer: {}; delete it and apply again",
                state.and_then(elb::LoadBalancerState::reason).unwrap_or("no reason given")
            )),
            code => Poll::Waiting(format!("state: {}", code.map_or("unknown", elb::LoadBalancerStateEnum::as_str))),
        }
    }

    /// The DNS name in lower case, as Route 53 gives it back in alias records.
    fn outputs(balancer: &elb::LoadBalancer) -> Outputs {
        Outputs::from([
            ("dns_name".to_owned(), balancer.dns_name().unwrap_or_default().to_ascii_lowercase()),
            ("zone_id".to_owned(), balancer.canonical_hosted_zone_id().unwrap_or_default().to_owned()),
        ])
    }

    fn values<K: Target>(references: &BTreeSet<Ref<K>>) -> Vec<String> {
        references.iter().map(|reference| reference.value().to_owned()).collect()
    }
}
