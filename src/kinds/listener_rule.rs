//! One rule for each service that is routed by path or host.

mod condition;
mod priority;

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as elb;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use self::condition::Conditions;
use super::listener::{self, Action, Listener};
use super::load_balancer::tagging::{self, Tagged};
use super::{Create, Delete, Desired, Kind, Live, Made, Stage, Tags, Update};
use crate::cloud::{Aws, CloudError, During, Reader};
use crate::spec::Environment;
use crate::value::{Address, Ref, Target, Text};

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
    /// Conditions and transforms of other sorts, in words: set by hand, and never wanted.
    pub other_conditions: BTreeSet<String>,
    pub action: Action,
    pub tags: Tags,
}

/// A rule with the port of its listener, to tell the listeners apart in names.
struct Found {
    rule: elb::Rule,
    listener: String,
    port: i32,
}

impl Kind for ListenerRule {
    const STAGE: Stage = Stage::LoadBalancer;
    const REPLACE_ON: &'static [&'static str] = &["listener"];
    const SERVES: bool = true;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        if env.load_balancer.is_none() {
            return Vec::new();
        }
        let routes = env.services.iter().filter_map(|(key, service)| Some((key, service.route.as_ref()?)));
        let ruled =
            routes.filter(|(_, route)| !route.default && (!route.paths.is_empty() || !route.hosts.is_empty()));
        let desired = ruled.map(|(key, route)| {
            let attrs = Attrs {
                listener: Ref::to(listener::application(env)),
                priority: route.priority.unwrap_or_default(),
                paths: route.paths.iter().cloned().collect(),
                hosts: route.hosts.iter().map(|host| env.text(host)).collect(),
                other_conditions: BTreeSet::new(),
                action: Action::Forward { target_group: Ref::to(key) },
                tags: env.tags_of::<Self>(key),
            };
            Desired::new(key, attrs)
        });
        desired.collect()
    }

    /// Every rule of our listeners, also without our tags: the listener is ours, and a rule that the spec does
    /// not have changes where its requests go. Such a rule gets a name of its own, so the plan shows that it
    /// is deleted.
    async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
        let listeners = listener::listeners(read).await?;
        let asked = listeners.iter().filter_map(|placed| {
            let listener = &placed.listener.item;
            Some((listener.listener_arn()?, listener.port()?))
        });
        let rules = try_join_all(asked.map(|(arn, port)| async move {
            let rules = describe(read.aws, arn).await?.into_iter();
            Ok(rules.map(|rule| Found { rule, listener: arn.to_owned(), port }).collect::<Vec<_>>())
        }));
        let rules: Vec<Found> = rules.await?.into_iter().flatten().collect();
        let tagged = tagging::tagged(read, rules, |found| found.rule.rule_arn(), |_| true).await?;
        Ok(tagged.iter().filter_map(|found| live(read, found)).collect())
    }

    async fn complete(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
        let indexed = live.address.clone();
        tagging::confirm(read, live, |attrs| &mut attrs.tags).await?;
        // Without our tags it is still a rule of our listener, and goes by the name the plan has for it.
        live.address = live.address.take().or(indexed);
        Ok(())
    }

    async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<Made, CloudError> {
        let attrs = new.attrs;
        if let Some(arn) = made_before(aws, attrs).await? {
            return Ok(Made::new(arn));
        }
        priority::place(aws, attrs.listener.value(), None, attrs.priority).await?;
        let made = aws
            .elb_once
            .create_rule()
            .listener_arn(attrs.listener.value())
            .priority(attrs.priority)
            .set_conditions(Some(condition::write(&attrs.paths, &attrs.hosts)))
            .actions(attrs.action.write()?)
            .set_tags(Some(tagging::list(&attrs.tags)))
            .send()
            .await
            .during("elasticloadbalancing:CreateRule")?;
        match made.rules().first().and_then(elb::Rule::rule_arn) {
            Some(arn) => Ok(Made::new(arn)),
            None => Err(CloudError::internal("CreateRule answered without a rule")),
        }
    }

    async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<Made, CloudError> {
        let attrs = change.attrs;
        if ["paths", "hosts", "other_conditions", "action"].iter().any(|field| change.changes(field)) {
            let reset = change.changes("other_conditions").then_some(true);
            aws.elb
                .modify_rule()
                .rule_arn(change.id)
                .set_conditions(Some(condition::write(&attrs.paths, &attrs.hosts)))
                .actions(attrs.action.write()?)
                .set_reset_transforms(reset)
                .send()
                .await
                .during("elasticloadbalancing:ModifyRule")?;
        }
        if change.changes("priority") {
            priority::place(aws, attrs.listener.value(), Some(change.id), attrs.priority).await?;
        }
        tagging::update(aws, change, &change.before.tags, &attrs.tags).await?;
        Ok(Made::new(change.id))
    }

    async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
        let answer = aws.elb.delete_rule().rule_arn(gone.id).send().await;
        answer.found("elasticloadbalancing:DeleteRule").map(drop)
    }
}

/// The rules of a listener but for the default one, which is the listener's own action.
async fn describe(aws: &Aws, listener: &str) -> Result<Vec<elb::Rule>, CloudError> {
    let pages = aws.elb.describe_rules().listener_arn(listener).into_paginator().items().send();
    let mut rules = pages.collect::<Result<Vec<_>, _>>().await.during("elasticloadbalancing:DescribeRules")?;
    rules.retain(|rule| rule.is_default() != Some(true));
    Ok(rules)
}

/// The very rule, tags and all, from a try whose answer got lost: `CreateRule` takes no token, and would make
/// another.
async fn made_before(aws: &Aws, attrs: &Attrs) -> Result<Option<String>, CloudError> {
    let rules = describe(aws, attrs.listener.value()).await?;
    let same = rules.iter().find(|rule| {
        let Conditions { paths, hosts, others } = condition::read(rule);
        priority::priority(rule) == Some(attrs.priority)
            && (&paths, &hosts, &others) == (&attrs.paths, &attrs.hosts, &attrs.other_conditions)
            && Action::read(rule.actions()) == attrs.action
    });
    let Some(arn) = same.and_then(elb::Rule::rule_arn).map(str::to_owned) else { return Ok(None) };
    let tags = tagging::describe(aws, std::slice::from_ref(&arn)).await?;
    Ok(if tags.get(&arn) == Some(&attrs.tags) { Some(arn) } else { None })
}

fn live(read: &Reader<'_>, found: &Tagged<Found>) -> Option<Live<Attrs>> {
    let Found { rule, listener, port } = &found.item;
    let priority = priority::priority(rule)?;
    let Conditions { paths, hosts, others } = condition::read(rule);
    let attrs = Attrs {
        listener: Ref::id(listener),
        priority,
        paths,
        hosts,
        other_conditions: others,
        action: Action::read(rule.actions()),
        tags: found.tags.clone(),
    };
    let extra = || Address::new(ListenerRule::KIND, format!("extra-{port}-{priority}"));
    let address = read.scope.owner(&found.tags).unwrap_or_else(extra);
    let mut live = Live::new(Some(address), rule.rule_arn()?, attrs);
    live.confirm = found.indexed;
    Some(live)
}
