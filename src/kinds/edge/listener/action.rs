use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::edge::target_group::TargetGroup;
use crate::value::Ref;

/// What a listener or a rule does with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Forward {
        target_group: Ref<TargetGroup>,
        /// The group that takes over. It gets nothing yet (its weight is 0), but the load balancer knows it, without
        /// which ECS refuses to make its service.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Ref<TargetGroup>>,
    },
    /// Each part as AWS spells it; `#{host}` and the like stand for the request's own.
    Redirect {
        protocol: String,
        port: String,
        host: String,
        path: String,
        query: String,
        #[serde(alias = "status")]
        status_code: String,
    },
    #[serde(rename = "fixed_response", alias = "fixed")]
    Fixed {
        /// The HTTP code.
        #[serde(alias = "status")]
        status_code: String,
        content_type: String,
        #[serde(alias = "body")]
        message_body: String,
    },
    /// Anything else, made by hand: only ever live.
    Other(String),
}

/// An action as a plan's JSON has it, in words: `forward to target_group.web`.
pub(in crate::kinds::edge) fn in_words(action: &Value) -> Option<String> {
    let (sort, to) = action.as_object()?.iter().next()?;
    let part = |name: &str| to[name].as_str().unwrap_or_default();
    match sort.as_str() {
        "forward" => Some(format!("forward to {}", to["target_group"].as_str()?)),
        "redirect" => {
            let (protocol, host, port) = (part("protocol"), part("host"), part("port"));
            let query = if part("query").is_empty() { String::new() } else { format!("?{}", part("query")) };
            Some(format!("redirect to {protocol}://{host}:{port}{}{query}", part("path")))
        }
        _ => None,
    }
}

impl Action {
    /// As Terraform has actions.
    pub(in crate::kinds) fn terraform(&self) -> Value {
        match self {
            Self::Forward { target_group, .. } => json!({ "type": "forward", "target_group_arn": target_group }),
            Self::Redirect { protocol, port, host, path, query, status_code } => json!({
                "type": "redirect",
                "redirect": [{
                    "protocol": protocol,
                    "port": port,
                    "host": host,
                    "path": path,
                    "query": query,
                    "status_code": status_code,
                }],
            }),
            Self::Fixed { status_code, content_type, message_body } => json!({
                "type": "fixed-response",
                "fixed_response": [{ "status_code": status_code, "content_type": content_type, "message_body": message_body }],
            }),
            // Made by hand, and known only in words.
            Self::Other(words) => json!({ "type": words }),
        }
    }

    pub(in crate::kinds) fn forward(target_group: Ref<TargetGroup>) -> Self {
        Self::Forward { target_group, next: None }
    }

    /// Where another group is to take over from the live one: the action that still sends all to the live one.
    pub(in crate::kinds) fn without_traffic(live: &Self, desired: &Self) -> Option<Self> {
        match (live, desired) {
            (Self::Forward { target_group: old, .. }, Self::Forward { target_group: new, .. }) if old != new => {
                Some(Self::Forward { target_group: old.clone(), next: Some(new.clone()) })
            }
            _ => None,
        }
    }

    /// Where it leads requests to, if that is another host than they ask for.
    pub(in crate::kinds) fn leads_away(&self) -> Option<&str> {
        match self {
            Self::Redirect { host, .. } if host != "#{host}" => Some(host),
            _ => None,
        }
    }

    /// To the same address over TLS, for good.
    pub(in crate::kinds) fn to_https() -> Self {
        Self::Redirect {
            protocol: "HTTPS".to_owned(),
            port: "443".to_owned(),
            host: "#{host}".to_owned(),
            path: "/#{path}".to_owned(),
            query: "#{query}".to_owned(),
            status_code: "HTTP_301".to_owned(),
        }
    }

    pub(in crate::kinds) fn not_found() -> Self {
        Self::Fixed {
            status_code: "404".to_owned(),
            content_type: "text/plain".to_owned(),
            message_body: String::new(),
        }
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_elasticloadbalancingv2::types as elb;

    use super::*;
    use crate::aws::CloudError;

    impl Action {
        /// What AWS says in several ways: a forward has its one target in one or both of two fields, and parts
        /// that equal the request's own may be left out.
        pub(in crate::kinds) fn read(actions: &[elb::Action]) -> Self {
            Self::known(actions)
                .unwrap_or_else(|| Self::Other(actions.iter().map(spell).collect::<Vec<_>>().join(", then ")))
        }

        fn known(actions: &[elb::Action]) -> Option<Self> {
            let [action] = actions else { return None };
            match action.r#type()? {
                elb::ActionTypeEnum::Forward => {
                    let (target_group, next) = targets(action)?;
                    Some(Self::Forward { target_group: Ref::id(target_group), next: next.map(Ref::id) })
                }
                elb::ActionTypeEnum::Redirect => {
                    let redirect = action.redirect_config()?;
                    let part = |part: Option<&str>, own: &str| part.unwrap_or(own).to_owned();
                    Some(Self::Redirect {
                        protocol: part(redirect.protocol(), "#{protocol}"),
                        port: part(redirect.port(), "#{port}"),
                        host: part(redirect.host(), "#{host}"),
                        path: part(redirect.path(), "/#{path}"),
                        query: part(redirect.query(), "#{query}"),
                        status_code: redirect.status_code()?.as_str().to_owned(),
                    })
                }
                elb::ActionTypeEnum::FixedResponse => {
                    let fixed = action.fixed_response_config()?;
                    Some(Self::Fixed {
                        status_code: fixed.status_code().unwrap_or_default().to_owned(),
                        content_type: fixed.content_type().unwrap_or("text/plain").to_owned(),
                        message_body: fixed.message_body().unwrap_or_default().to_owned(),
                    })
                }
                _ => None,
            }
        }

        pub(in crate::kinds) fn write(&self) -> Result<elb::Action, CloudError> {
            let action = elb::Action::builder();
            Ok(match self {
                Self::Forward { target_group, next: None } => {
                    action.r#type(elb::ActionTypeEnum::Forward).target_group_arn(target_group.value()).build()
                }
                Self::Forward { target_group, next: Some(next) } => {
                    let group = |group: &Ref<TargetGroup>, weight| {
                        elb::TargetGroupTuple::builder().target_group_arn(group.value()).weight(weight).build()
                    };
                    let groups = vec![group(target_group, 1), group(next, 0)];
                    let forward = elb::ForwardActionConfig::builder().set_target_groups(Some(groups)).build();
                    action.r#type(elb::ActionTypeEnum::Forward).forward_config(forward).build()
                }
                Self::Redirect { protocol, port, host, path, query, status_code } => {
                    let redirect = elb::RedirectActionConfig::builder()
                        .protocol(protocol)
                        .port(port)
                        .host(host)
                        .path(path)
                        .query(query)
                        .status_code(elb::RedirectActionStatusCodeEnum::from(status_code.as_str()))
                        .build();
                    action.r#type(elb::ActionTypeEnum::Redirect).redirect_config(redirect).build()
                }
                Self::Fixed { status_code, content_type, message_body } => {
                    let body = Some(message_body.clone()).filter(|body| !body.is_empty());
                    let fixed = elb::FixedResponseActionConfig::builder()
                        .status_code(status_code)
                        .content_type(content_type)
                        .set_message_body(body)
                        .build();
                    action.r#type(elb::ActionTypeEnum::FixedResponse).fixed_response_config(fixed).build()
                }
                Self::Other(what) => {
                    return Err(CloudError::internal(format!("unsupported listener action: {what}")));
                }
            })
        }
    }

    /// The target of a forward that has exactly one, and another that gets nothing, if there is one.
    fn targets(action: &elb::Action) -> Option<(&str, Option<&str>)> {
        let alone = || Some((action.target_group_arn()?, None));
        let Some(forward) = action.forward_config() else { return alone() };
        let sticky = forward
            .target_group_stickiness_config()
            .and_then(aws_sdk_elasticloadbalancingv2::types::TargetGroupStickinessConfig::enabled);
        match forward.target_groups() {
            [] => alone(),
            _ if sticky == Some(true) => None,
            [only] => Some((only.target_group_arn()?, None)),
            [one, other] => match (one.weight().unwrap_or(1), other.weight().unwrap_or(1)) {
                (0, 0) => None,
                (_, 0) => Some((one.target_group_arn()?, other.target_group_arn())),
                (0, _) => Some((other.target_group_arn()?, one.target_group_arn())),
                _ => None,
            },
            _ => None,
        }
    }

    fn spell(action: &elb::Action) -> String {
        let name = action.r#type().map_or("?", elb::ActionTypeEnum::as_str).to_owned();
        let targets = action.forward_config().map(elb::ForwardActionConfig::target_groups).unwrap_or_default();
        targets.iter().fold(name, |text, target| {
            let (arn, weight) = (target.target_group_arn().unwrap_or("?"), target.weight().unwrap_or(1));
            format!("{text} {arn} × {weight}")
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn group(arn: &str, weight: i32) -> elb::TargetGroupTuple {
            elb::TargetGroupTuple::builder().target_group_arn(arn).weight(weight).build()
        }

        fn forward(groups: &[elb::TargetGroupTuple]) -> elb::Action {
            let config = elb::ForwardActionConfig::builder().set_target_groups(Some(groups.to_vec())).build();
            elb::Action::builder().r#type(elb::ActionTypeEnum::Forward).forward_config(config).build()
        }

        #[test]
        fn both_ways_to_say_one_target_are_the_same() {
            let short = Action::forward(Ref::id("arn:a"));
            assert_eq!(Action::read(&[forward(&[group("arn:a", 1)])]), short);
            assert_eq!(short.write().map(|action| Action::read(&[action])).ok(), Some(short));
        }

        #[test]
        fn what_was_made_by_hand_is_told_apart() {
            let split = Action::read(&[forward(&[group("arn:a", 1), group("arn:b", 3)])]);
            assert_eq!(split, Action::Other("forward arn:a × 1 arn:b × 3".to_owned()));
        }

        #[test]
        fn what_is_written_reads_back() {
            for action in [Action::to_https(), Action::not_found()] {
                assert_eq!(action.write().map(|written| Action::read(&[written])).ok(), Some(action));
            }
        }

        #[test]
        fn another_group_takes_over_only_after_it_was_told() {
            let (old, new) = (Action::forward(Ref::id("arn:a")), Action::forward(Ref::id("arn:b")));
            let held = Action::without_traffic(&old, &new).expect("another group");
            let Action::Forward { target_group, next: Some(next) } = &held else { panic!("{held:?}") };
            assert_eq!((target_group.value(), next.value()), ("arn:a", "arn:b"), "all goes to the old one");
            assert_eq!(
                held.write().map(|action| Action::read(&[action])).ok(),
                Some(held.clone()),
                "it reads back"
            );
            assert_eq!(Action::without_traffic(&held, &new), Some(held), "also where a run was cut short");
            assert_eq!(Action::without_traffic(&new, &new), None);
            assert_eq!(Action::without_traffic(&Action::not_found(), &new), None, "nobody served before");
            let other_way = Action::read(&[forward(&[group("arn:b", 0), group("arn:a", 1)])]);
            assert_eq!(Action::without_traffic(&old, &new), Some(other_way));
        }
    }

    #[test]
    fn an_action_in_a_plan_is_said_in_words() {
        let words = |action: Value| in_words(&action).unwrap_or_default();
        assert_eq!(
            words(json!({ "forward": { "target_group": "target_group.web" } })),
            "forward to target_group.web"
        );
        let parts = json!({ "protocol": "HTTPS", "port": "443", "host": "#{host}", "path": "/#{path}", "query": "#{query}" });
        assert_eq!(words(json!({ "redirect": parts })), "redirect to HTTPS://#{host}:443/#{path}?#{query}");
        assert_eq!(words(json!({ "fixed_response": { "status_code": "404" } })), "");
    }
}
