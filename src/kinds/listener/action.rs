use aws_sdk_elasticloadbalancingv2::types as elb;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudError;
use crate::kinds::target_group::TargetGroup;
use crate::value::Ref;

/// What a listener or a rule does with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Forward {
        target_group: Ref<TargetGroup>,
    },
    /// Each part as AWS spells it; `#{host}` and the like stand for the request's own.
    Redirect {
        protocol: String,
        port: String,
        host: String,
        path: String,
        query: String,
        status: String,
    },
    Fixed {
        /// The HTTP code.
        status: String,
        content_type: String,
        body: String,
    },
    /// Anything else, made by hand: only ever live.
    Other(String),
}

impl Action {
    /// To the same address over TLS, for good.
    pub(in crate::kinds) fn to_https() -> Self {
        Self::Redirect {
            protocol: "HTTPS".to_owned(),
            port: "443".to_owned(),
            host: "#{host}".to_owned(),
            path: "/#{path}".to_owned(),
            query: "#{query}".to_owned(),
            status: elb::RedirectActionStatusCodeEnum::Http301.as_str().to_owned(),
        }
    }

    pub(in crate::kinds) fn not_found() -> Self {
        Self::Fixed { status: "404".to_owned(), content_type: "text/plain".to_owned(), body: String::new() }
    }

    /// What AWS says in several ways: a forward has its one target in one or both of two fields, and parts
    /// that equal the request's own may be left out.
    pub(in crate::kinds) fn read(actions: &[elb::Action]) -> Self {
        Self::known(actions)
            .unwrap_or_else(|| Self::Other(actions.iter().map(spell).collect::<Vec<_>>().join(", then ")))
    }

    fn known(actions: &[elb::Action]) -> Option<Self> {
        let [action] = actions else { return None };
        match action.r#type()? {
            elb::ActionTypeEnum::Forward => Some(Self::Forward { target_group: Ref::id(target(action)?) }),
            elb::ActionTypeEnum::Redirect => {
                let redirect = action.redirect_config()?;
                let part = |part: Option<&str>, own: &str| part.unwrap_or(own).to_owned();
                Some(Self::Redirect {
                    protocol: part(redirect.protocol(), "#{protocol}"),
                    port: part(redirect.port(), "#{port}"),
                    host: part(redirect.host(), "#{host}"),
                    path: part(redirect.path(), "/#{path}"),
                    query: part(redirect.query(), "#{query}"),
                    status: redirect.status_code()?.as_str().to_owned(),
                })
            }
            elb::ActionTypeEnum::FixedResponse => {
                let fixed = action.fixed_response_config()?;
                Some(Self::Fixed {
                    status: fixed.status_code().unwrap_or_default().to_owned(),
                    content_type: fixed.content_type().unwrap_or("text/plain").to_owned(),
                    body: fixed.message_body().unwrap_or_default().to_owned(),
                })
            }
            _ => None,
        }
    }

    pub(in crate::kinds) fn write(&self) -> Result<elb::Action, CloudError> {
        let action = elb::Action::builder();
        Ok(match self {
            Self::Forward { target_group } => {
                action.r#type(elb::ActionTypeEnum::Forward).target_group_arn(target_group.value()).build()
            }
            Self::Redirect { protocol, port, host, path, query, status } => {
                let redirect = elb::RedirectActionConfig::builder()
                    .protocol(protocol)
                    .port(port)
                    .host(host)
                    .path(path)
                    .query(query)
                    .status_code(elb::RedirectActionStatusCodeEnum::from(status.as_str()))
                    .build();
                action.r#type(elb::ActionTypeEnum::Redirect).redirect_config(redirect).build()
            }
            Self::Fixed { status, content_type, body } => {
                let body = Some(body.clone()).filter(|body| !body.is_empty());
                let fixed = elb::FixedResponseActionConfig::builder()
                    .status_code(status)
                    .content_type(content_type)
                    .set_message_body(body)
                    .build();
                action.r#type(elb::ActionTypeEnum::FixedResponse).fixed_response_config(fixed).build()
            }
            Self::Other(what) => {
                return Err(CloudError::internal(format!("an action that is only ever live: {what}")));
            }
        })
    }
}

/// The target of a forward that has exactly one.
fn target(action: &elb::Action) -> Option<&str> {
    let Some(forward) = action.forward_config() else { return action.target_group_arn() };
    let sticky = forward
        .target_group_stickiness_config()
        .and_then(aws_sdk_elasticloadbalancingv2::types::TargetGroupStickinessConfig::enabled);
    match forward.target_groups() {
        [] => action.target_group_arn(),
        [only] if sticky != Some(true) => only.target_group_arn(),
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
        let short = Action::Forward { target_group: Ref::id("arn:a") };
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
}
