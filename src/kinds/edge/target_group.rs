//! One target group for each routed service and load balancer: where that finds its tasks, and how it checks them.
//! (A target group serves one load balancer only.)

mod rules;
#[cfg(feature = "aws")]
mod targets;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::compute::section::Services;
use crate::kinds::edge::load_balancer::NAME_LENGTH;
use crate::kinds::edge::routes::routed;
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{Environment, Section, names};
use crate::value::{Ref, Tags, Target};

pub struct TargetGroup;

impl Target for TargetGroup {
    const KIND: &'static str = "target_group";
}

/// What AWS gives a target group for which nobody sets the delay, in seconds.
const DEFAULT_DELAY: i32 = 300;

/// Under which targets that are no tasks are told.
const TARGETS: &str = "Targets";

/// The health check's port: the one that the target gets requests on.
const TRAFFIC_PORT: &str = "traffic-port";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// 32 characters at most.
    pub name: String,
    pub vpc: Ref<Vpc>,
    /// What a target gets requests on that names no port of its own. ECS names each task's, so that an existing group's
    /// is never compared: AWS could only change it by another group, which would be empty until the service has moved.
    pub port: i32,
    pub protocol: String,
    /// `ip`: the only one that Fargate tasks can have.
    pub target_type: String,
    pub health_check: HealthCheck,
    /// Seconds that a target which goes may still finish requests.
    pub deregistration_delay: i32,
    pub tags: Tags,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HealthCheck {
    pub protocol: String,
    pub port: String,
    pub path: String,
    /// HTTP codes that mean healthy: `200`, `200-299`, `200,302`.
    pub status: String,
    /// Seconds between checks.
    pub interval: i32,
    /// Seconds until a check counts as failed.
    pub timeout: i32,
    pub healthy_threshold: i32,
    pub unhealthy_threshold: i32,
}

impl Kind for TargetGroup {
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    /// The entry's own name is the ECS service's.
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("name", "route")];
    const SUMMARY: &'static [&'static str] = &["port", "health_check"];
    const STAGE: Stage = Stage::LoadBalancer;
    const REPLACE_ON: &'static [&'static str] = &["name", "vpc", "protocol", "target_type"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("elasticloadbalancing:targetgroup");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const BACKED_BY: Option<&'static str> = Some("ecs_service");
    const IDENTITY: Option<&'static str> = Some("name");

    type Attrs = Attrs;

    fn setting_danger(name: &str, _value: &str) -> Option<String> {
        match name {
            "HealthCheckEnabled" => Some("targets that do not answer go on getting requests".to_owned()),
            TARGETS => Some("they get requests, and are no tasks of the service".to_owned()),
            _ => None,
        }
    }

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let http = || "HTTP".to_owned();
        let desired = routed(env).into_iter().map(|routed| {
            let (service, key) = (routed.service, routed.target_group());
            let check = service.health_check.clone().unwrap_or_default();
            let attrs = Attrs {
                name: env.name(&routed.named(env).replace('.', "-"), NAME_LENGTH),
                vpc: vpc::reference(env),
                port: service.port.map_or(80, i32::from),
                protocol: http(),
                target_type: "ip".to_owned(),
                health_check: HealthCheck {
                    protocol: http(),
                    port: TRAFFIC_PORT.to_owned(),
                    path: check.path,
                    status: check.status,
                    interval: check.interval,
                    timeout: check.timeout,
                    healthy_threshold: check.healthy_threshold,
                    unhealthy_threshold: check.unhealthy_threshold,
                },
                deregistration_delay: routed.deregistration_delay().unwrap_or(DEFAULT_DELAY),
                tags: env.tags_of::<Self>(&key),
            };
            Desired::new(key, &[Services::KEY, routed.key], attrs)
        });
        desired.collect()
    }

    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if names::is_name_or_alternate(&live.name, &desired.name, NAME_LENGTH) {
            live.name.clone_from(&desired.name);
        }
        live.port = desired.port;
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        let (path, status) = (value["path"].as_str()?, value["status"].as_str()?);
        Some(format!("{} answers {status}, asked every {} s", path, value["interval"].as_u64()?))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let check = &attrs.health_check;
        let body = json!({
            "name": attrs.name,
            "vpc_id": attrs.vpc,
            "port": attrs.port,
            "protocol": attrs.protocol,
            "target_type": attrs.target_type,
            "deregistration_delay": attrs.deregistration_delay.to_string(),
            "health_check": [{
                "enabled": true,
                "protocol": check.protocol,
                "port": check.port,
                "path": check.path,
                "matcher": check.status,
                "interval": check.interval,
                "timeout": check.timeout,
                "healthy_threshold": check.healthy_threshold,
                "unhealthy_threshold": check.unhealthy_threshold,
            }],
            "tags": attrs.tags,
        });
        Block::one("aws_lb_target_group", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_elasticloadbalancingv2::Client as Elb;
    use aws_sdk_elasticloadbalancingv2::types as elb;
    use futures_util::future::{join, try_join_all};

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::edge::load_balancer::tagging::{self, Tagged};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::network::vpc;
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    const SETTINGS: &[Setting<elb::TargetGroup>] = &[
        Setting::new("ProtocolVersion", |group| members::other(group.protocol_version(), "HTTP1")),
        Setting::new("IpAddressType", |group| {
            members::other(group.ip_address_type().map(elb::TargetGroupIpAddressTypeEnum::as_str), "ipv4")
        }),
        Setting::new("HealthCheckEnabled", |group| members::off(group.health_check_enabled())),
        Setting::new("Matcher.GrpcCode", |group| members::text(group.matcher().and_then(elb::Matcher::grpc_code))),
        Setting::new("TargetControlPort", |group| members::number(group.target_control_port())),
    ];

    /// What every target group of an Application Load Balancer begins with
    /// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html>).
    const DEFAULTS: &[(&str, &str)] = &[
        ("load_balancing.algorithm.anomaly_mitigation", "off"),
        ("load_balancing.algorithm.type", "round_robin"),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ("slow_start.duration_seconds", "0"),
        ("stickiness.enabled", "false"),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ];

    impl Calls for TargetGroup {
        fn members() -> Vec<Members> {
            let group = Members::of(
                "elasticloadbalancing:DescribeTargetGroups",
                "TargetGroups",
                &[
                    "TargetGroupArn",
                    "TargetGroupName",
                    "VpcId",
                    "Port",
                    "Protocol",
                    "TargetType",
                    "HealthCheckProtocol",
                    "HealthCheckPort",
                    "HealthCheckPath",
                    "HealthCheckIntervalSeconds",
                    "HealthCheckTimeoutSeconds",
                    "HealthyThresholdCount",
                    "UnhealthyThresholdCount",
                    "Matcher.HttpCode",
                ],
                SETTINGS,
                &[("follows from the listeners and rules that send to it", &["LoadBalancerArns"])],
            );
            let attributes = Members::of_keys(
                "elasticloadbalancing:DescribeTargetGroupAttributes",
                "Attributes",
                &[DEREGISTRATION_DELAY],
                DEFAULTS,
                &[(
                    "how stickiness works where it is on",
                    &[
                        "stickiness.type",
                        "stickiness.app_cookie.cookie_name",
                        "stickiness.app_cookie.duration_seconds",
                        "stickiness.lb_cookie.duration_seconds",
                    ],
                )],
            );
            vec![group, attributes, targets::members()]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let pages = read.aws.client::<Elb>().describe_target_groups().into_paginator().items().send();
            let all = pages
                .collect::<Result<Vec<_>, _>>()
                .await
                .operation("elasticloadbalancing:DescribeTargetGroups")?;
            let searched = vpc::searched(read).await?;
            let concerns = |group: &elb::TargetGroup| {
                let is_inside = group.vpc_id().is_some_and(|vpc| searched.contains(vpc));
                is_inside || group.target_group_name().is_some_and(|name| read.scope.concerns(Self::KIND, name))
            };
            let mut tagged = tagging::tagged(read, all, elb::TargetGroup::target_group_arn, concerns).await?;
            tagged.retain(|group| read.scope.has_ownership_tags::<Self>(&group.tags) || concerns(&group.item));
            try_join_all(tagged.iter().map(|group| live(read, group))).await
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            tagging::confirm_tags::<Self>(read, live, |attrs| &mut attrs.tags).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let (attrs, check) = (new.attrs, &new.attrs.health_check);
            let name = if new.alternate {
                names::alternate(&attrs.name, new.token, NAME_LENGTH)
            } else {
                attrs.name.clone()
            };
            let made = aws
                .once::<Elb>()
                .create_target_group()
                .name(name)
                .vpc_id(attrs.vpc.value())
                .port(attrs.port)
                .protocol(elb::ProtocolEnum::from(attrs.protocol.as_str()))
                .target_type(elb::TargetTypeEnum::from(attrs.target_type.as_str()))
                .health_check_enabled(true)
                .health_check_protocol(elb::ProtocolEnum::from(check.protocol.as_str()))
                .health_check_port(&check.port)
                .health_check_path(&check.path)
                .health_check_interval_seconds(check.interval)
                .health_check_timeout_seconds(check.timeout)
                .healthy_threshold_count(check.healthy_threshold)
                .unhealthy_threshold_count(check.unhealthy_threshold)
                .matcher(elb::Matcher::builder().http_code(&check.status).build())
                .set_tags(Some(tagging::list(&attrs.tags)))
                .send()
                .await
                .operation("elasticloadbalancing:CreateTargetGroup")?;
            let Some(arn) = made.target_groups().first().and_then(elb::TargetGroup::target_group_arn) else {
                return Err(CloudError::internal("CreateTargetGroup returned no target group"));
            };
            if attrs.deregistration_delay != DEFAULT_DELAY {
                set_delay(aws, arn, attrs.deregistration_delay).await?;
            }
            Ok(WriteResult::new(arn))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("health_check") {
                let check = &change.attrs.health_check;
                aws.client::<Elb>()
                    .modify_target_group()
                    .target_group_arn(change.id)
                    .health_check_enabled(true)
                    .health_check_protocol(elb::ProtocolEnum::from(check.protocol.as_str()))
                    .health_check_port(&check.port)
                    .health_check_path(&check.path)
                    .health_check_interval_seconds(check.interval)
                    .health_check_timeout_seconds(check.timeout)
                    .healthy_threshold_count(check.healthy_threshold)
                    .unhealthy_threshold_count(check.unhealthy_threshold)
                    .matcher(elb::Matcher::builder().http_code(&check.status).build())
                    .send()
                    .await
                    .operation("elasticloadbalancing:ModifyTargetGroup")?;
            }
            if change.changes("deregistration_delay") {
                set_delay(aws, change.id, change.attrs.deregistration_delay).await?;
            }
            tagging::update(aws, change, &change.before.tags, &change.attrs.tags).await?;
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let answer = aws.client::<Elb>().delete_target_group().target_group_arn(gone.id).send().await;
            answer.optional("elasticloadbalancing:DeleteTargetGroup").map(drop)
        }
    }

    const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

    /// One group with its attributes, which AWS tells of one group a call only.
    async fn live(read: &Reader<'_>, found: &Tagged<elb::TargetGroup>) -> Result<Live<Attrs>, CloudError> {
        let group = &found.item;
        let arn = group.target_group_arn().unwrap_or_default();
        let answer = read.aws.client::<Elb>().describe_target_group_attributes().target_group_arn(arn).send();
        let (answer, targets) = join(answer, targets::by_hand(read, arn)).await;
        let answer = answer.operation("elasticloadbalancing:DescribeTargetGroupAttributes")?;
        let delay = answer.attributes().iter().find(|attribute| attribute.key() == Some(DEREGISTRATION_DELAY));
        let protocol = |protocol: Option<&elb::ProtocolEnum>| {
            protocol.map(elb::ProtocolEnum::as_str).unwrap_or_default().to_owned()
        };
        let attrs = Attrs {
            name: group.target_group_name().unwrap_or_default().to_owned(),
            vpc: Ref::id(group.vpc_id().unwrap_or_default()),
            port: group.port().unwrap_or_default(),
            protocol: protocol(group.protocol()),
            target_type: group.target_type().map(elb::TargetTypeEnum::as_str).unwrap_or_default().to_owned(),
            health_check: HealthCheck {
                protocol: protocol(group.health_check_protocol()),
                port: group.health_check_port().unwrap_or(TRAFFIC_PORT).to_owned(),
                path: group.health_check_path().unwrap_or("/").to_owned(),
                status: group.matcher().and_then(elb::Matcher::http_code).unwrap_or_default().to_owned(),
                interval: group.health_check_interval_seconds().unwrap_or_default(),
                timeout: group.health_check_timeout_seconds().unwrap_or_default(),
                healthy_threshold: group.healthy_threshold_count().unwrap_or_default(),
                unhealthy_threshold: group.unhealthy_threshold_count().unwrap_or_default(),
            },
            deregistration_delay: delay.and_then(|delay| delay.value()?.parse().ok()).unwrap_or(DEFAULT_DELAY),
            tags: found.tags.clone(),
        };
        let mut live = Live::new(read.scope.owner::<TargetGroup>(&found.tags), arn, attrs);
        live.unconfirmed = found.indexed;
        live.settings = settings(SETTINGS, group);
        let value = |key: &str| answer.attributes().iter().find(|one| one.key() == Some(key))?.value();
        live.settings.extend(members::unlike(DEFAULTS, value));
        live.settings.extend(targets?.map(|targets| (TARGETS.to_owned(), targets)));
        Ok(live)
    }

    async fn set_delay(aws: &Aws, arn: &str, seconds: i32) -> Result<(), CloudError> {
        let delay =
            elb::TargetGroupAttribute::builder().key(DEREGISTRATION_DELAY).value(seconds.to_string()).build();
        let answer = aws
            .client::<Elb>()
            .modify_target_group_attributes()
            .target_group_arn(arn)
            .attributes(delay)
            .send()
            .await;
        answer.operation("elasticloadbalancing:ModifyTargetGroupAttributes").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_an_existing_group_is_no_difference() {
        let spec = include_str!("../../../fixtures/small.toml");
        let group = |port: &str| {
            let spec = crate::spec::parse("spec.toml", &spec.replace("8080", port), &crate::kinds::catalog())
                .expect("a sound spec");
            TargetGroup::desired(&spec.env).remove(0).attrs
        };
        let (mut live, desired) = (group("8080"), group("8081"));
        TargetGroup::normalize(&desired, &mut live);
        assert_eq!(live.port, 8081);
        assert!(!TargetGroup::REPLACE_ON.contains(&"port"));
    }
}
