//! An ECS service: how many tasks of which definition run where, and who sends them requests.

#[cfg(feature = "aws")]
mod diagnosis;
#[cfg(feature = "aws")]
mod live;
#[cfg(feature = "aws")]
mod members;
#[cfg(feature = "aws")]
mod preflight;
#[cfg(feature = "aws")]
mod rollout;
mod rules;
#[cfg(feature = "aws")]
mod write;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::compute::discovery_namespace;
use crate::kinds::compute::discovery_service::DiscoveryService;
use crate::kinds::compute::ecs_cluster::EcsCluster;
use crate::kinds::compute::section::{Service, Services, mentioned};
use crate::kinds::compute::task_definition::TaskDefinition;
use crate::kinds::edge::entry::Listener;
use crate::kinds::edge::listener_rule::ListenerRule;
use crate::kinds::edge::routes::routed_to;
use crate::kinds::edge::target_group::TargetGroup;
use crate::kinds::example::Example;
use crate::kinds::network::section::Tier;
use crate::kinds::network::security_group::{self, SecurityGroup};
use crate::kinds::network::subnet::{self, Subnet};
use crate::kinds::network::{route_table, security_group_rules};
use crate::kinds::preflight::{ADDRESSES, QUOTA, Question};
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{self, AnySection, Environment, Section};
use crate::value::{Address, Ref, Tags, Target};

pub use super::services::EcsService;

#[derive(Clone, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    pub cluster: Ref<EcsCluster>,
    /// The revision that runs.
    pub task_definition: Ref<TaskDefinition>,
    /// Its digest, kept as the tag [`services::DIGEST_TAG`].
    #[serde(alias = "task_definition_seal")]
    pub task_definition_digest: Ref<TaskDefinition>,
    /// How many tasks run; left alone where a scalable target decides it.
    pub desired_count: Option<i32>,
    /// How many tasks a new service starts with whose count a scalable target decides. Nobody knows it afterwards.
    pub initial_count: Option<i32>,
    pub subnets: BTreeSet<Ref<Subnet>>,
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    pub public_ip: bool,
    #[serde(alias = "routes")]
    pub load_balancers: BTreeSet<Route>,
    /// The private DNS names in which tasks are registered.
    #[serde(alias = "discovery")]
    pub service_registries: BTreeSet<Ref<DiscoveryService>>,
    /// Per cent of the count that keep running, and that may run, during a rollout.
    #[serde(alias = "minimum_percent")]
    pub minimum_healthy_percent: i32,
    pub maximum_percent: i32,
    /// Whether ECS stops a failing rollout, and whether it then goes back.
    pub circuit_breaker: bool,
    pub rollback: bool,
    /// Seconds after a task's start in which the load balancer's checks do not count; 0 without a route.
    pub grace_period: i32,
    pub execute_command: bool,
    /// Where tasks get their tags from: `SERVICE`.
    pub propagate_tags: String,
    /// Seconds after which Baseplate treats a rollout as failed, kept as the tag [`DEADLINE_TAG`].
    pub deadline: u64,
    pub tags: Tags,
}

impl Attrs {
    /// Whether tasks may be moved to other zones, which ECS does for every new service unless told otherwise, and
    /// refuses where no more may run than the count.
    fn may_rebalance(&self) -> bool {
        self.maximum_percent > 100
    }

    /// Whether tasks run that requests are sent to.
    fn serves(&self) -> bool {
        self.desired_count != Some(0) && !(self.load_balancers.is_empty() && self.service_registries.is_empty())
    }

    /// How many tasks keep running during a rollout: ECS rounds up
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html>). One where
    /// something else sets the count.
    fn keeps_running(&self) -> i32 {
        let count = self.desired_count.unwrap_or(1);
        count.saturating_mul(self.minimum_healthy_percent).saturating_add(99) / 100
    }
}

/// Requests that a target group sends to a port of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    pub target_group: Ref<TargetGroup>,
    #[serde(alias = "container")]
    pub container_name: String,
    #[serde(alias = "port")]
    pub container_port: i32,
}

#[cfg(feature = "aws")]
const DEADLINE_TAG: &str = "baseplate:deadline";

fn attrs(env: &Environment, key: &str, service: &Service) -> Attrs {
    let routes = routes(env, key, service);
    let deployment = &service.deployment;
    let check = service.health_check.clone().unwrap_or_default();
    let named = service.dns_name.is_some() && discovery_namespace::domain(env).is_some();
    Attrs {
        name: service.name.clone().unwrap_or_else(|| env.name(env.naming_key(Services::KEY, key), 255)),
        cluster: Ref::to("main"),
        task_definition: Ref::output(key, "arn"),
        task_definition_digest: Ref::output(key, "seal"),
        desired_count: (!service.autoscaled).then_some(service.count),
        initial_count: service.autoscaled.then_some(service.count),
        subnets: subnet::references(env, service.subnets.as_ref(), Tier::Private),
        security_groups: security_group::references(env, &service.security_groups),
        public_ip: service.public_ip,
        service_registries: named.then(|| Ref::output(key, "arn")).into_iter().collect(),
        minimum_healthy_percent: deployment.minimum_healthy_percent,
        maximum_percent: deployment.maximum_percent,
        circuit_breaker: deployment.circuit_breaker,
        // ECS refuses to go back without a circuit breaker that says when.
        rollback: deployment.circuit_breaker && deployment.rollback,
        grace_period: if routes.is_empty() { 0 } else { check.grace_period },
        execute_command: service.execute_command,
        propagate_tags: "SERVICE".to_owned(),
        deadline: deployment.deadline,
        tags: env.tags_of::<EcsService>(key),
        load_balancers: routes,
    }
}

fn routes(env: &Environment, key: &str, service: &Service) -> BTreeSet<Route> {
    let Some(port) = service.port else { return BTreeSet::new() };
    let route = |group: String| Route {
        target_group: Ref::to(group),
        container_name: env.naming_key(Services::KEY, key).to_owned(),
        container_port: port.into(),
    };
    routed_to(env, key, service).iter().map(|routed| route(routed.target_group())).collect()
}

/// What must be there first although no reference says so: the way out, by which a task gets its image and its secrets;
/// the rules by which requests reach it; and whatever forwards to the target group, because ECS refuses one that no
/// load balancer knows.
fn after(env: &Environment, key: &str, service: &Service) -> Vec<Address> {
    let mut after: Vec<Address> =
        route_table::ways_out(env, service.subnets.as_ref(), Tier::Private).into_iter().collect();
    after.extend(security_group_rules::of_groups(env, &service.security_groups));
    for routed in routed_to(env, key, service) {
        after.extend(security_group_rules::of_groups(env, &routed.balancer.spec.security_groups));
        let rule = || routed.rules().into_iter().next().map(|rule| Address::new(ListenerRule::KIND, rule.name));
        let listener = || Address::new(Listener::KIND, routed.balancer.application());
        after.extend(if routed.is_default() { Some(listener()) } else { rule() });
    }
    after
}

/// The services that this one calls: a new one may not get steady before they are there.
fn follows(env: &Environment, service: &Service) -> Vec<Address> {
    mentioned(env, service).into_iter().map(|key| Address::new(EcsService::KIND, key)).collect()
}

impl Kind for EcsService {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Services>()];
    const EXAMPLES: &'static [Example] = crate::kinds::compute::section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[
        ("desired_count", "count"),
        ("initial_count", "count"),
        ("grace_period", "health-check.grace-period"),
        ("minimum_healthy_percent", "deployment.minimum-healthy-percent"),
        ("maximum_percent", "deployment.maximum-percent"),
        ("circuit_breaker", "deployment.circuit-breaker"),
        ("rollback", "deployment.rollback"),
        ("deadline", "deployment.deadline"),
        ("load_balancers", "route"),
    ];
    const SUMMARY: &'static [&'static str] = &["desired_count"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] = &["name", "cluster"];
    const INSIDE: &'static [&'static str] = &["cluster"];
    const UNREAD: &'static [&'static str] = &["initial_count"];
    const TAG_INDEX: Option<&'static str> = Some("ecs:service");
    const TWO_PHASE_WRITES: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const OUTPUTS: &'static [&'static str] = &["arn"];
    const IDENTITY: Option<&'static str> = Some("name");
    /// Requests are sent to it until their rule has gone.
    const DELETE_AFTER: &'static [&'static str] = &["listener_rule", "listener"];
    const CREATE_FIRST: bool = false;
    /// A little more than the longest deadline that a spec may set, so that the one to give up is `poll`, which
    /// knows why.
    const DEADLINE: u64 = 7_320;
    const EXPECTED_SECONDS: u64 = 90;
    const EXPECTED_DELETE_SECONDS: u64 = 60;
    const PREFLIGHT: &'static [&'static Question] = &[&ADDRESSES, &QUOTA];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let services = env.section::<Services>().iter();
        services
            .map(|(key, service)| Desired {
                after: after(env, key, service),
                follows: follows(env, service),
                wave: Some(service.wave),
                ..Desired::new(key, &[Services::KEY, key], attrs(env, key, service))
            })
            .collect()
    }

    /// What a service once started with matters no more.
    fn normalize(desired: &Attrs, live: &mut Attrs) {
        live.initial_count = desired.initial_count;
    }

    fn impact(live: &Attrs, desired: &Attrs, changed: &[String], _users: &Users<'_>) -> Impact {
        let rolls = |field: &String| {
            ["task_definition", "subnets", "security_groups", "public_ip", "load_balancers", "service_registries"]
                .contains(&field.as_str())
        };
        let stops = live.serves() && desired.desired_count == Some(0);
        match changed.iter().any(rolls) {
            _ if stops => Impact::Outage,
            // ECS stops the last task before the next one is healthy.
            true if live.serves() && desired.keeps_running() == 0 => Impact::Outage,
            true => Impact::Rolling,
            false => Impact::None,
        }
    }

    /// Requests come to it by a load balancer or a private name.
    fn deletion_impact(live: &Attrs, _users: &Users<'_>) -> Impact {
        if live.serves() { Impact::Outage } else { Impact::None }
    }

    /// Requests come by the old target groups until their rules have gone.
    fn expand(live: &Attrs, desired: &Attrs) -> Option<Attrs> {
        if desired.load_balancers.is_empty() && !live.load_balancers.is_empty() {
            // The next task definition may not have the port that requests come to: the service stays as it is.
            let Attrs { load_balancers, task_definition, task_definition_digest, grace_period, .. } = live.clone();
            return Some(Attrs {
                load_balancers,
                task_definition,
                task_definition_digest,
                grace_period,
                ..desired.clone()
            });
        }
        let stays =
            |route: &Route| desired.load_balancers.iter().any(|other| other.target_group == route.target_group);
        let gone = live.load_balancers.iter().filter(|route| !stays(route)).filter_map(|route| {
            // By the port that the next task definition has.
            let next = desired.load_balancers.iter().find(|other| other.container_name == route.container_name)?;
            Some(Route { target_group: route.target_group.clone(), ..next.clone() })
        });
        let routes: BTreeSet<Route> = desired.load_balancers.iter().cloned().chain(gone).collect();
        (routes.len() > desired.load_balancers.len()).then(|| Attrs { load_balancers: routes, ..desired.clone() })
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let mut dangers = Vec::new();
        if live.desired_count == Some(0) && desired.desired_count.is_none_or(|count| count > 0) {
            dangers.push(("desired_count", "no task of it runs".to_owned()));
        }
        if live.public_ip && !desired.public_ip {
            dangers.push(("public_ip", "its tasks have public addresses".to_owned()));
        }
        if live.execute_command && !desired.execute_command {
            dangers.push(("execute_command", "whoever may call ECS Exec gets a shell in its tasks".to_owned()));
        }
        dangers
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        let (group, container) = (value["target_group"].as_str()?, value["container_name"].as_str()?);
        Some(format!("{container}:{} in {group}", value["container_port"].as_u64()?))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let balancers = attrs.load_balancers.iter().map(|route| {
            json!({
                "target_group_arn": route.target_group,
                "container_name": route.container_name,
                "container_port": route.container_port,
            })
        });
        let registries = attrs.service_registries.iter().map(|service| json!({ "registry_arn": service }));
        let mut body = json!({
            "name": attrs.name,
            "cluster": attrs.cluster,
            "task_definition": attrs.task_definition,
            "desired_count": attrs.desired_count,
            "launch_type": "FARGATE",
            "network_configuration": [{
                "subnets": attrs.subnets,
                "security_groups": attrs.security_groups,
                "assign_public_ip": attrs.public_ip,
            }],
            "load_balancer": balancers.collect::<Vec<_>>(),
            "service_registries": registries.collect::<Vec<_>>(),
            "deployment_minimum_healthy_percent": attrs.minimum_healthy_percent,
            "deployment_maximum_percent": attrs.maximum_percent,
            "deployment_circuit_breaker": [{ "enable": attrs.circuit_breaker, "rollback": attrs.rollback }],
            "health_check_grace_period_seconds": attrs.grace_period,
            "enable_execute_command": attrs.execute_command,
            "propagate_tags": attrs.propagate_tags,
            "tags": attrs.tags,
        });
        if !attrs.may_rebalance() {
            body["availability_zone_rebalancing"] = "DISABLED".into();
        }
        Block::one("aws_ecs_service", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use super::*;
    use crate::aws::{Aws, CloudError, OwnError, Reader};
    use crate::kinds::compute::services;
    use crate::kinds::members::Members;
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Poll, PollTarget, Update, WriteResult};

    impl Calls for EcsService {
        const ERRORS: &'static [OwnError] = write::ERRORS;

        fn members() -> Vec<Members> {
            members::members()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let services = services::services(read).await?;
            Ok(services.iter().map(|service| live::live(read, service)).collect())
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            write::create(aws, new).await
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            write::update(aws, change).await
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            write::delete(aws, gone.attrs.cluster.value(), gone.id).await
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            match target.goal {
                Goal::Ready => rollout::ready(aws, target).await,
                Goal::Gone => rollout::gone(aws, target).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::edge::dns_record::DnsRecord;
    use crate::kinds::edge::dns_record::section::Dns;
    use crate::kinds::edge::load_balancer::LoadBalancer;
    use crate::kinds::network::section::Network;

    fn env(name: &str, nat: &str) -> Environment {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
        let mut env =
            crate::spec::load(&folder.join(name), &crate::kinds::catalog()).expect("the shipped spec").env;
        let nat = serde_json::from_value(nat.into()).expect("a sort of NAT");
        env.set_section::<Network>(Network { nat, ..env.section::<Network>().clone() });
        env
    }

    fn after<K: Kind>(env: &Environment, name: &str) -> BTreeSet<String> {
        let desired = K::desired(env).into_iter().find(|desired| desired.name == name).expect("it is wanted");
        desired.after.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_service_waits_for_its_way_out_and_its_rules() {
        let payload = after::<EcsService>(&env("dev.toml", "single"), "payload");
        let first = ["listener_rule.payload", "route_table.private", "route_table.public"];
        let rules = ["security_group_rules.alb", "security_group_rules.payload"];
        assert_eq!(payload, first.iter().chain(&rules).map(ToString::to_string).collect());
        let broker = after::<EcsService>(&env("dev.toml", "none"), "broker");
        assert_eq!(broker.into_iter().collect::<Vec<_>>(), ["route_table.private", "security_group_rules.broker"]);
        let zoned = after::<EcsService>(&env("prod.toml", "per-zone"), "broker");
        let tables: Vec<&String> = zoned.iter().filter(|name| name.starts_with("route_table.")).collect();
        assert!(tables.len() > 2 && tables.iter().all(|name| !name.ends_with("private")), "{tables:?}");
    }

    #[test]
    fn names_wait_for_the_listener_and_the_load_balancer_for_its_rules() {
        let env = env("prod.toml", "single");
        let domain = env.section::<Dns>().as_ref().expect("a domain").domain.clone();
        assert!(after::<DnsRecord>(&env, &domain).contains("listener.https"));
        let balancer = after::<LoadBalancer>(&env, "main");
        for first in ["route_table.public", "security_group_rules.alb", "security_group_rules.payload"] {
            assert!(balancer.contains(first), "{first}");
        }
    }

    fn routed(groups: &[&str], port: i32, revision: &str) -> Attrs {
        let mut attrs = EcsService::desired(&env("dev.toml", "single")).remove(0).attrs;
        attrs.task_definition = Ref::live("arn", revision);
        let route = |group: &&str| Route {
            target_group: Ref::id(*group),
            container_name: "web".to_owned(),
            container_port: port,
        };
        attrs.load_balancers = groups.iter().map(route).collect();
        attrs
    }

    #[test]
    fn a_service_keeps_its_target_groups_until_nothing_is_sent_there() {
        let groups = |attrs: Option<Attrs>| {
            attrs.map(|attrs| {
                attrs
                    .load_balancers
                    .iter()
                    .map(|route| (route.target_group.value().to_owned(), route.container_port))
                    .collect::<Vec<_>>()
            })
        };
        let live = routed(&["a"], 3000, "web:1");
        assert_eq!(groups(EcsService::expand(&live, &routed(&["a"], 3002, "web:2"))), None, "a port is a rollout");
        let both = groups(EcsService::expand(&live, &routed(&["b"], 3002, "web:2")));
        assert_eq!(both, Some(vec![("a".to_owned(), 3002), ("b".to_owned(), 3002)]));
        let none = EcsService::expand(&live, &routed(&[], 0, "web:2"));
        assert_eq!(none.as_ref().map(|attrs| attrs.task_definition.value()), Some("web:1"));
        assert_eq!(groups(none), Some(vec![("a".to_owned(), 3000)]));
        assert_eq!(groups(EcsService::expand(&routed(&[], 0, "web:1"), &live)), None);
    }
}
