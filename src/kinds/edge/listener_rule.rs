//! One rule for each route of a service that asks something of a request: a path, a host, a source network.

#[cfg(feature = "aws")]
mod condition;
#[cfg(feature = "aws")]
mod priority;
mod rules;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::edge::listener::{Action, Listener, in_words};
use crate::kinds::edge::routes::routed;
use crate::kinds::edge::urls;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject};
use crate::kinds::network::security_group::section::is_world;
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::Environment;
use crate::value::{Ref, Tags, Target, Text};

#[cfg(feature = "aws")]
use calls::describe;

pub struct ListenerRule;

impl Target for ListenerRule {
    const KIND: &'static str = "listener_rule";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub listener: Ref<Listener>,
    /// 1 to 50000: lower goes first.
    pub priority: i32,
    /// Path patterns, of which a request has to match one.
    pub paths: BTreeSet<String>,
    /// Host names, of which a request has to have one.
    pub hosts: BTreeSet<Text>,
    /// Networks of which a request has to come from one.
    #[serde(default)]
    pub source_ips: BTreeSet<String>,
    /// Conditions and transforms of other sorts, in words: set by hand, and never wanted.
    pub other_conditions: BTreeSet<String>,
    pub action: Action,
    pub tags: Tags,
}

/// The host that a rule asks for which is to take nothing yet: nobody has a name under `.invalid`. A rule that only
/// stood last would still take what the listener's default action served until then.
const NOBODY: &str = "baseplate-not-ready.invalid";

/// Whether a rule takes nothing yet.
fn is_held_back(attrs: &Attrs) -> bool {
    attrs.hosts.len() == 1 && attrs.hosts.iter().all(|host| host.plain() == NOBODY)
}

/// Whether a request that met the condition may meet it no more. Without a value every request meets it.
fn lets_go<T: Ord>(live: &BTreeSet<T>, desired: &BTreeSet<T>) -> bool {
    !desired.is_empty() && (live.is_empty() || !live.is_subset(desired))
}

/// Priorities go up to this.
const LAST: i32 = 50_000;

impl Kind for ListenerRule {
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &[urls::URL];
    const ENVIRONMENT_OUTPUTS_NEED: &'static [&'static str] = urls::MADE_OF;
    const SUMMARY: &'static [&'static str] = &["priority", "hosts", "paths", "source_ips", "action"];
    const STAGE: Stage = Stage::LoadBalancer;
    const REPLACE_ON: &'static [&'static str] = &["listener"];
    const TAG_INDEX: Option<&'static str> = Some("elasticloadbalancing:listener-rule");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const TWO_PHASE_WRITES: bool = true;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let mut desired = Vec::new();
        for routed in routed(env) {
            for rule in routed.rules() {
                let route = rule.route;
                let attrs = Attrs {
                    listener: Ref::to(routed.balancer.application()),
                    priority: route.priority.unwrap_or_default(),
                    paths: route.paths.iter().cloned().collect(),
                    // One that cannot be read is reported by itself.
                    hosts: route.hosts.iter().filter_map(|host| env.parse_template(host).ok()).collect(),
                    source_ips: route.source_ips.iter().cloned().collect(),
                    other_conditions: BTreeSet::new(),
                    action: Action::forward(Ref::to(routed.target_group())),
                    tags: env.tags_of::<Self>(&rule.name),
                };
                let path: Vec<&str> = rule.path.iter().map(String::as_str).collect();
                desired.push(Desired::new(rule.name, &path, attrs));
            }
        }
        desired
    }

    /// ECS makes no service before a rule forwards to its target group: so the rule is there first and takes nothing.
    /// Under a new listener nobody served before.
    fn without_traffic(live: Option<&Attrs>, desired: &Attrs) -> Option<Attrs> {
        match live {
            Some(live) if !is_held_back(live) => {
                let action = Action::without_traffic(&live.action, &desired.action)?;
                Some(Attrs { action, ..desired.clone() })
            }
            None if matches!(desired.listener, Ref::To { .. }) => None,
            _ => Some(Attrs {
                priority: LAST,
                paths: BTreeSet::new(),
                hosts: BTreeSet::from([NOBODY.into()]),
                source_ips: BTreeSet::new(),
                ..desired.clone()
            }),
        }
    }

    /// Which of the last places it waits at is nobody's wish.
    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if is_held_back(desired) && is_held_back(live) {
            live.priority = desired.priority;
        }
    }

    /// Two rules of a listener never share a priority.
    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        let takes = |attrs: &Attrs| {
            (attrs.paths.clone(), attrs.hosts.clone(), attrs.source_ips.clone(), attrs.action.clone())
        };
        desired.listener == live.listener && (desired.priority == live.priority || takes(desired) == takes(live))
    }

    /// Who calls comes from outside.
    /// Requests that it no longer takes go to another rule, or get an error.
    fn impact(live: &Attrs, desired: &Attrs, _changed: &[String], _users: &Users<'_>) -> Impact {
        let lets_go = lets_go(&live.paths, &desired.paths)
            || lets_go(&live.hosts, &desired.hosts)
            || lets_go(&live.source_ips, &desired.source_ips);
        if lets_go && !is_held_back(live) { Impact::Outage } else { Impact::None }
    }

    fn deletion_impact(live: &Attrs, _users: &Users<'_>) -> Impact {
        if is_held_back(live) { Impact::None } else { Impact::Outage }
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let is_open = |ranges: &BTreeSet<String>| ranges.is_empty() || ranges.iter().any(|range| is_world(range));
        let is_opened = !is_open(&desired.source_ips) && is_open(&live.source_ips);
        let opened = || ("source_ips", "open to the world: the spec lets in certain networks only".to_owned());
        let away = live.action.leads_away().map(|host| ("action", format!("requests are sent to {host}")));
        is_opened.then(opened).into_iter().chain(away).collect()
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let attrs = live.attrs;
        if is_held_back(attrs) {
            return Vec::new();
        }
        let hosts = attrs.hosts.iter().map(Text::plain).collect();
        let listener = live.named(&attrs.listener).unwrap_or_default();
        let is_encrypted = listener.rsplit('.').next() == Some("https");
        urls::urls(live, &attrs.action, is_encrypted, &hosts, &attrs.paths)
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        in_words(value)
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let mut conditions = Vec::new();
        if !attrs.paths.is_empty() {
            conditions.push(json!({ "path_pattern": [{ "values": attrs.paths }] }));
        }
        if !attrs.hosts.is_empty() {
            conditions.push(json!({ "host_header": [{ "values": attrs.hosts }] }));
        }
        if !attrs.source_ips.is_empty() {
            conditions.push(json!({ "source_ip": [{ "values": attrs.source_ips }] }));
        }
        let body = json!({
            "listener_arn": attrs.listener,
            "priority": attrs.priority,
            "condition": conditions,
            "action": [attrs.action.terraform()],
            "tags": attrs.tags,
        });
        Block::one("aws_lb_listener_rule", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_elasticloadbalancingv2::Client as Elb;
    use aws_sdk_elasticloadbalancingv2::types as elb;
    use futures_util::future::try_join_all;

    use super::condition::Conditions;
    use super::*;
    use crate::aws::{Aws, CloudError, OwnError, Reader, SdkResult};
    use crate::kinds::edge::listener;
    use crate::kinds::edge::load_balancer::tagging::{self, Tagged};
    use crate::kinds::members::Members;
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    impl Calls for ListenerRule {
        const ERRORS: &'static [OwnError] = &[listener::ASSOCIATION_LIMIT];

        /// Every rule of our listeners, also without our tags: the listener is ours, and a rule that the spec does
        /// not have changes where its requests go. Such a rule gets a name of its own, so the plan shows that it
        /// is deleted, unless it stands where one of ours must.
        fn members() -> Vec<Members> {
            vec![Members::of::<()>(
                "elasticloadbalancing:DescribeRules",
                "Rules",
                &["RuleArn", "Priority", "Conditions", "Actions", "Transforms", "IsDefault"],
                &[],
                &[],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let listeners = listener::listeners(read).await?;
            let asked = listeners.iter().filter(|placed| !placed.stray).filter_map(|placed| {
                let listener = &placed.listener.item;
                Some((listener.listener_arn()?, listener.port()?, placed))
            });
            let rules = try_join_all(asked.map(|(arn, port, placed)| async move {
                let rules = describe(read.aws, arn).await?.into_iter();
                let owner = placed.address.as_ref().filter(|_| placed.ours).map(Address::name);
                let found = |rule| Found {
                    rule,
                    listener: arn.to_owned(),
                    port,
                    ours: placed.ours,
                    balancer: owner.and_then(|name| Some(name.split_once('.')?.0.to_owned())),
                };
                Ok(rules.map(found).collect::<Vec<_>>())
            }));
            let rules: Vec<Found> = rules.await?.into_iter().flatten().collect();
            let tagged = tagging::tagged(read, rules, |found| found.rule.rule_arn(), |_| true).await?;
            Ok(tagged.iter().filter_map(|found| live(read, found)).collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let indexed = live.address.clone();
            tagging::confirm_tags::<Self>(read, live, |attrs| &mut attrs.tags).await?;
            // Without our tags it is still a rule of our listener, and goes by the name the plan has for it.
            live.address = live.address.take().or(indexed);
            Ok(())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            if let Some(arn) = made_before(aws, attrs).await? {
                return Ok(WriteResult::new(arn));
            }
            let listener = attrs.listener.value();
            // Two rules made at the same time must not find the same place free.
            let mut order = None;
            let priority = if is_held_back(attrs) {
                order = Some(priority::ORDER.lock().await);
                priority::free(aws, listener).await?
            } else {
                priority::place(aws, listener, None, attrs.priority).await?;
                attrs.priority
            };
            let made = aws
                .once::<Elb>()
                .create_rule()
                .listener_arn(listener)
                .priority(priority)
                .set_conditions(Some(condition::write(attrs)))
                .actions(attrs.action.write()?)
                .set_tags(Some(tagging::list(&attrs.tags)))
                .send()
                .await
                .operation("elasticloadbalancing:CreateRule");
            drop(order);
            let made = made?;
            match made.rules().first().and_then(elb::Rule::rule_arn) {
                Some(arn) => Ok(WriteResult::new(arn)),
                None => Err(CloudError::internal("CreateRule returned no rule")),
            }
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = change.attrs;
            if ["paths", "hosts", "source_ips", "other_conditions", "action"]
                .iter()
                .any(|field| change.changes(field))
            {
                let reset = change.changes("other_conditions").then_some(true);
                aws.client::<Elb>()
                    .modify_rule()
                    .rule_arn(change.id)
                    .set_conditions(Some(condition::write(attrs)))
                    .actions(attrs.action.write()?)
                    .set_reset_transforms(reset)
                    .send()
                    .await
                    .operation("elasticloadbalancing:ModifyRule")?;
            }
            if change.changes("priority") {
                priority::place(aws, attrs.listener.value(), Some(change.id), attrs.priority).await?;
            }
            tagging::update(aws, change, &change.before.tags, &attrs.tags).await?;
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let answer = aws.client::<Elb>().delete_rule().rule_arn(gone.id).send().await;
            answer.optional("elasticloadbalancing:DeleteRule").map(drop)
        }
    }

    /// A rule with the port of its listener, to tell the listeners apart in names.
    struct Found {
        rule: elb::Rule,
        listener: String,
        port: i32,
        /// Whether the listener's load balancer is ours.
        ours: bool,
        /// The key of that load balancer, but for `main`.
        balancer: Option<String>,
    }

    /// What a rule is called that the spec does not have: by its place.
    fn extra(found: &Found, priority: i32) -> Address {
        let balancer = found.balancer.as_ref().map(|key| format!(".{key}")).unwrap_or_default();
        Address::new(ListenerRule::KIND, format!("extra-{}-{priority}{balancer}", found.port))
    }

    /// The rules of a listener but for the default one, which is the listener's own action.
    pub(super) async fn describe(aws: &Aws, listener: &str) -> Result<Vec<elb::Rule>, CloudError> {
        let pages = aws.client::<Elb>().describe_rules().listener_arn(listener).into_paginator().items().send();
        let mut rules =
            pages.collect::<Result<Vec<_>, _>>().await.operation("elasticloadbalancing:DescribeRules")?;
        rules.retain(|rule| rule.is_default() != Some(true));
        Ok(rules)
    }

    /// The very rule, tags and all, from a try whose answer got lost: `CreateRule` takes no token, and would make
    /// another.
    async fn made_before(aws: &Aws, attrs: &Attrs) -> Result<Option<String>, CloudError> {
        let rules = describe(aws, attrs.listener.value()).await?;
        let same = rules.iter().find(|rule| {
            (is_held_back(attrs) || priority::priority(rule) == Some(attrs.priority))
                && condition::read(rule) == Conditions::of(attrs)
                && Action::read(rule.actions()) == attrs.action
        });
        let Some(arn) = same.and_then(elb::Rule::rule_arn).map(str::to_owned) else { return Ok(None) };
        let tags = tagging::describe(aws, std::slice::from_ref(&arn)).await?;
        Ok(if tags.get(&arn) == Some(&attrs.tags) { Some(arn) } else { None })
    }

    fn live(read: &Reader<'_>, found: &Tagged<Found>) -> Option<Live<Attrs>> {
        let Found { rule, listener, ours, .. } = &found.item;
        let priority = priority::priority(rule)?;
        let Conditions { paths, hosts, source_ips, others } = condition::read(rule);
        let attrs = Attrs {
            listener: Ref::id(listener),
            priority,
            paths,
            hosts,
            source_ips,
            other_conditions: others,
            action: Action::read(rule.actions()),
            tags: found.tags.clone(),
        };
        let extra = || ours.then(|| extra(&found.item, priority));
        let address = read.scope.owner::<ListenerRule>(&found.tags).or_else(extra);
        let mut live = Live::new(address, rule.rule_arn()?, attrs);
        live.unconfirmed = found.indexed;
        Some(live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attrs(listener: Ref<Listener>) -> Attrs {
        Attrs {
            listener,
            priority: 10,
            paths: BTreeSet::from(["/api*".to_owned()]),
            hosts: BTreeSet::new(),
            source_ips: BTreeSet::new(),
            other_conditions: BTreeSet::new(),
            action: Action::forward(Ref::id("arn:b")),
            tags: Tags::new(),
        }
    }

    #[test]
    fn a_new_rule_takes_nothing_before_its_service_is_there() {
        let desired = attrs(Ref::id("arn:listener"));
        let held = ListenerRule::without_traffic(None, &desired).expect("the listener serves already");
        assert!(is_held_back(&held) && held.paths.is_empty(), "{held:?}");
        assert!((held.priority, &held.action) == (LAST, &desired.action), "{held:?}");
        assert!(ListenerRule::without_traffic(Some(&held), &desired).is_some_and(|again| is_held_back(&again)));
        assert!(
            ListenerRule::without_traffic(None, &attrs(Ref::to("https"))).is_none(),
            "a new listener serves nobody"
        );
    }

    #[test]
    fn a_rule_that_serves_goes_on_serving() {
        let live = attrs(Ref::id("arn:listener"));
        let moved = Attrs { priority: 20, ..live.clone() };
        assert!(ListenerRule::without_traffic(Some(&live), &moved).is_none(), "its service is there");
        let other = Attrs { action: Action::forward(Ref::to("b")), ..moved };
        let held = ListenerRule::without_traffic(Some(&live), &other).expect("another target group");
        assert_eq!(Some(held.action), Action::without_traffic(&live.action, &other.action));
    }

    #[test]
    fn a_rule_that_takes_less_is_an_outage() {
        let live = attrs(Ref::id("arn:listener"));
        let impact = |desired: &Attrs| ListenerRule::impact(&live, desired, &[], &Users::default());
        let paths = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
        assert_eq!(impact(&Attrs { paths: paths(&["/api*", "/v2*"]), ..live.clone() }), Impact::None);
        assert_eq!(impact(&Attrs { paths: paths(&["/v2*"]), ..live.clone() }), Impact::Outage);
        let office = BTreeSet::from(["203.0.113.0/24".to_owned()]);
        assert_eq!(impact(&Attrs { source_ips: office, ..live.clone() }), Impact::Outage);
        assert_eq!(impact(&Attrs { priority: 20, ..live.clone() }), Impact::None);
    }

    #[test]
    fn the_place_at_which_a_rule_waits_is_no_difference() {
        let held = ListenerRule::without_traffic(None, &attrs(Ref::id("arn:listener"))).expect("held back");
        let mut live = Attrs { priority: LAST - 3, ..held.clone() };
        ListenerRule::normalize(&held, &mut live);
        assert_eq!(live.priority, LAST);
    }
}
