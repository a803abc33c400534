//! The listeners of a load balancer: 80, and with a certificate 443.

mod action;
#[cfg(feature = "aws")]
mod certificates;
#[cfg(feature = "aws")]
mod preflight;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::edge::certificate_validation::CertificateValidation;
use crate::kinds::edge::entry::{Balancer, Source, balancers};
use crate::kinds::edge::load_balancer::LoadBalancer;
use crate::kinds::edge::routes::{Routed, routed};
use crate::kinds::edge::urls;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject};
use crate::kinds::preflight::Question;
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::Environment;
use crate::value::{Ref, Tags};

pub use self::action::Action;
pub(super) use self::action::in_words;
pub use super::entry::Listener;

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{ASSOCIATION_LIMIT, listeners};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub load_balancer: Ref<LoadBalancer>,
    pub port: i32,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// What happens to requests that no rule takes.
    pub default_action: Action,
    /// Empty for HTTP.
    pub ssl_policy: String,
    /// The default certificate: none for HTTP, one for HTTPS.
    pub certificate: BTreeSet<Ref<CertificateValidation>>,
    pub tags: Tags,
}

const CERTIFICATE: Question = Question {
    code: "BP-PRE-05",
    category: "certificate",
    asks: "a certificate that the spec gives by its ARN exists in the region, is issued and not about to expire, and is for \
           every name of its load balancer",
    permissions: &["acm:DescribeCertificate"],
    stops: true,
};

/// An existing certificate by its ARN, or ours once it is issued.
fn default_certificate(balancer: &Balancer<'_>) -> Option<Ref<CertificateValidation>> {
    Some(match balancer.certificate()? {
        Source::Existing(arn) => Ref::id(arn),
        Source::Requested => Ref::to(balancer.key),
    })
}

/// The listeners of one load balancer. `application` is what those requests get that no rule takes.
fn of_balancer(env: &Environment, balancer: &Balancer<'_>, application: Action) -> Vec<Desired<Attrs>> {
    let listener = |name: &str, protocol: &str, port, default_action| {
        let name = balancer.part(name);
        let attrs = Attrs {
            load_balancer: Ref::to(balancer.key),
            port,
            protocol: protocol.to_owned(),
            default_action,
            ssl_policy: String::new(),
            certificate: BTreeSet::new(),
            tags: env.tags_of::<Listener>(&name),
        };
        Desired::new(name, &balancer.path(), attrs)
    };
    let Some(certificate) = default_certificate(balancer) else {
        return vec![listener("http", "HTTP", 80, application)];
    };
    let mut https = listener("https", "HTTPS", 443, application);
    https.attrs.ssl_policy.clone_from(&balancer.spec.ssl_policy);
    https.attrs.certificate.insert(certificate);
    vec![listener("http", "HTTP", 80, Action::to_https()), https]
}

const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-LISTENER-01",
        takes: "a security policy of Elastic Load Balancing by its name, as in ELBSecurityPolicy-TLS13-1-2-2021-06",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html",
        check: |attrs, violations| {
            if attrs.protocol == "HTTPS" {
                const NAME: &str = "^ELBSecurityPolicy-([A-Za-z0-9]+-)*20[0-9]{2}-[0-9]{2}$";
                violations.matches("ssl_policy", &attrs.ssl_policy, NAME);
            }
        },
        inside: &[
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08"),
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Ext1-FIPS-2023-04"),
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"),
        ],
        outside: &[
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", "TLS13-1-2-2021-06"),
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2"),
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1.2-2021-06"),
            edit("ELBSecurityPolicy-TLS13-1-2-2021-06", ""),
        ],
    },
    Rule {
        code: "BP-LISTENER-02",
        takes: "an existing certificate by its ARN, as in \
                arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        source: "acm:DescribeCertificate.CertificateArn",
        check: |attrs, violations| {
            for certificate in &attrs.certificate {
                if let Ref::Id { id, .. } = certificate {
                    const ARN: &str = "^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9_-]+$";
                    violations.matches("certificate", id, ARN);
                }
            }
        },
        inside: &[edit(
            "certificate = { request = true }",
            "certificate = { arn = \"arn:aws:acm:eu-central-1:123456789012:certificate/\
             12345678-1234-1234-1234-123456789012\" }",
        )],
        outside: &[
            edit(
                "certificate = { request = true }",
                "certificate = { arn = \"arn:aws:acm:eu-central-1:12345678901:certificate/1\" }",
            ),
            edit("certificate = { request = true }", "certificate = { arn = \"arn:aws:acm:eu-central-1\" }"),
        ],
    },
];

fn forward(routed: &Routed<'_>) -> Action {
    Action::forward(Ref::to(routed.target_group()))
}

impl Kind for Listener {
    const RULES: &'static [Rule<Attrs>] = RULES;
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("certificate", "certificate.arn")];
    /// Its rules go with it.
    const DELETED_IN_USE: bool = true;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &[urls::URL];
    const ENVIRONMENT_OUTPUTS_NEED: &'static [&'static str] = urls::MADE_OF;
    const SUMMARY: &'static [&'static str] = &["protocol", "port", "default_action"];
    const STAGE: Stage = Stage::LoadBalancer;
    const REPLACE_ON: &'static [&'static str] = &["load_balancer"];
    const INSIDE: &'static [&'static str] = &["load_balancer"];
    const TAG_INDEX: Option<&'static str> = Some("elasticloadbalancing:listener");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    const TWO_PHASE_WRITES: bool = true;
    /// A target group serves one load balancer only: the old listener lets go of it before a new one forwards.
    const CREATE_FIRST: bool = false;
    const PREFLIGHT: &'static [&'static Question] = &[&CERTIFICATE];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let routed = routed(env);
        let of_each = balancers(env).into_iter().flat_map(|balancer| {
            let mut all = routed.iter().filter(|routed| routed.balancer.key == balancer.key);
            let fallback = all.find(|routed| routed.is_default());
            of_balancer(env, &balancer, fallback.map_or_else(Action::not_found, forward))
        });
        of_each.collect()
    }

    /// Two listeners never share a port.
    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.load_balancer == live.load_balancer && desired.port == live.port
    }

    /// Plain HTTP serves until HTTPS does, with all its rules; and what is to answer nothing any more serves until
    /// another load balancer may.
    fn expand(live: &Attrs, desired: &Attrs) -> Option<Attrs> {
        let ends = matches!(
            (&live.default_action, &desired.default_action),
            (Action::Forward { .. }, Action::Redirect { .. } | Action::Fixed { .. })
        );
        ends.then(|| Attrs { default_action: live.default_action.clone(), ..desired.clone() })
    }

    /// Who gets what no rule takes gets it once its service is steady.
    fn without_traffic(live: Option<&Attrs>, desired: &Attrs) -> Option<Attrs> {
        let default_action = Action::without_traffic(&live?.default_action, &desired.default_action)?;
        Some(Attrs { default_action, ..desired.clone() })
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let is_plain = desired.protocol == "HTTPS" && live.protocol == "HTTP";
        let leaves_plain = matches!(desired.default_action, Action::Redirect { .. })
            && matches!(live.default_action, Action::Forward { .. })
            && live.protocol == "HTTP";
        let plain = |attribute| (attribute, format!("requests on port {} are not encrypted", live.port));
        let found = [(is_plain, "protocol"), (leaves_plain, "default_action")].into_iter();
        let away =
            live.default_action.leads_away().map(|host| ("default_action", format!("requests are sent to {host}")));
        found.filter(|(is_found, _)| *is_found).map(|(_, attribute)| plain(attribute)).chain(away).collect()
    }

    fn notes(desired: &Attrs, live: &Attrs) -> Vec<String> {
        let led_to_https = matches!(live.default_action, Action::Redirect { .. });
        if !led_to_https || desired.protocol == "HTTPS" || matches!(desired.default_action, Action::Redirect { .. })
        {
            return Vec::new();
        }
        vec![format!(
            "requests on port {} are no longer redirected to HTTPS: traffic, passwords among it, is unencrypted",
            desired.port
        )]
    }

    /// Whom the default action answered is answered no more.
    fn impact(live: &Attrs, desired: &Attrs, _changed: &[String], _users: &Users<'_>) -> Impact {
        match (&live.default_action, &desired.default_action) {
            (Action::Forward { .. }, Action::Fixed { .. }) => Impact::Outage,
            _ => Impact::None,
        }
    }

    /// Who calls comes from outside: one that answers everybody with an error and has no rule answers nobody.
    fn deletion_impact(live: &Attrs, users: &Users<'_>) -> Impact {
        let answers = users.any() || !matches!(live.default_action, Action::Fixed { .. });
        if answers { Impact::Outage } else { Impact::None }
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let (attrs, none) = (live.attrs, BTreeSet::new());
        urls::urls(live, &attrs.default_action, attrs.protocol == "HTTPS", &none, &none)
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        in_words(value)
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "load_balancer_arn": attrs.load_balancer,
            "port": attrs.port,
            "protocol": attrs.protocol,
            "ssl_policy": attrs.ssl_policy,
            "certificate_arn": attrs.certificate.first(),
            "default_action": [attrs.default_action.terraform()],
            "tags": attrs.tags,
        });
        Block::one("aws_lb_listener", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::rc::Rc;

    use aws_sdk_elasticloadbalancingv2::Client as Elb;
    use aws_sdk_elasticloadbalancingv2::types as elb;
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult};
    use crate::kinds::edge::load_balancer;
    use crate::kinds::edge::load_balancer::tagging::{self, Tagged};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    /// Until the load balancer that the target group had is gone.
    pub(in crate::kinds) const ASSOCIATION_LIMIT: OwnError = OwnError {
        code: "TargetGroupAssociationLimit",
        words: "",
        class: ErrorClass::InUse,
        example: "The following target groups cannot be associated with more than one load balancer: arn",
    };

    const SETTINGS: &[Setting<elb::Listener>] = &[
        Setting::new("AlpnPolicy", |listener| members::list(listener.alpn_policy().iter().map(String::as_str))),
        Setting::new("MutualAuthentication", |listener| {
            members::other(listener.mutual_authentication().and_then(|it| it.mode()), "off")
        }),
    ];

    impl Calls for Listener {
        const ERRORS: &'static [OwnError] = &[
            ASSOCIATION_LIMIT,
            // The load balancer learns of a certificate some seconds after ACM has issued it.
            OwnError {
                code: "CertificateNotFound",
                words: "",
                class: ErrorClass::EventuallyConsistent,
                example: "Certificate 'arn:aws:acm:eu-central-1:123456789012:certificate/1' not found",
            },
            OwnError {
                code: "UnsupportedCertificate",
                words: "",
                class: ErrorClass::EventuallyConsistent,
                example: "The certificate 'arn:aws:acm:eu-central-1:123456789012:certificate/1' must have a \
                    fully-qualified domain name, a supported signature, and a supported key size.",
            },
        ];

        fn members() -> Vec<Members> {
            let listener = Members::of(
                "elasticloadbalancing:DescribeListeners",
                "Listeners",
                &[
                    "ListenerArn",
                    "LoadBalancerArn",
                    "Port",
                    "Protocol",
                    "Certificates",
                    "SslPolicy",
                    "DefaultActions",
                ],
                SETTINGS,
                &[],
            );
            vec![listener, certificates::members()]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let placed = listeners(read).await?;
            let further =
                try_join_all(placed.iter().map(|placed| certificates::further(read, &placed.listener.item)));
            let with = |(placed, further): (&Placed, Option<String>)| {
                let mut live = live(placed);
                live.settings.extend(further.map(|further| (certificates::MEMBER.to_owned(), further)));
                live
            };
            Ok(placed.iter().zip(further.await?).map(with).collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            tagging::confirm_tags::<Self>(read, live, |attrs| &mut attrs.tags).await
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let made = aws
                .once::<Elb>()
                .create_listener()
                .load_balancer_arn(attrs.load_balancer.value())
                .port(attrs.port)
                .protocol(elb::ProtocolEnum::from(attrs.protocol.as_str()))
                .default_actions(attrs.default_action.write()?)
                .set_ssl_policy(ssl_policy(attrs))
                .set_certificates(default_certificate(attrs))
                .set_tags(Some(tagging::list(&attrs.tags)))
                .send()
                .await
                .operation("elasticloadbalancing:CreateListener")?;
            match made.listeners().first().and_then(elb::Listener::listener_arn) {
                Some(arn) => Ok(WriteResult::new(arn)),
                None => Err(CloudError::internal("CreateListener returned no listener")),
            }
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = change.attrs;
            if change.changed.iter().any(|field| field != "tags") {
                aws.client::<Elb>()
                    .modify_listener()
                    .listener_arn(change.id)
                    .port(attrs.port)
                    .protocol(elb::ProtocolEnum::from(attrs.protocol.as_str()))
                    .default_actions(attrs.default_action.write()?)
                    .set_ssl_policy(ssl_policy(attrs))
                    .set_certificates(default_certificate(attrs))
                    .send()
                    .await
                    .operation("elasticloadbalancing:ModifyListener")?;
            }
            tagging::update(aws, change, &change.before.tags, &attrs.tags).await?;
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let answer = aws.client::<Elb>().delete_listener().listener_arn(gone.id).send().await;
            answer.optional("elasticloadbalancing:DeleteListener").map(drop)
        }
    }

    /// A live listener on a load balancer that is ours or may be.
    pub(in crate::kinds) struct Placed {
        /// By its tags.
        pub address: Option<Address>,
        pub listener: Tagged<elb::Listener>,
        /// Whether the load balancer is ours by its tags, and so is all that requests meet on it.
        pub ours: bool,
        /// Whether somebody made it by hand on a port that no spec asks for: it is told, and its rules are left alone.
        pub stray: bool,
    }

    /// Every listener on our load balancers: one paged call a load balancer, shared with the rules. One without tags of
    /// ours counts where its port is one that the spec wants; one on another port is a stray.
    pub(in crate::kinds) async fn listeners(read: &Reader<'_>) -> Result<Rc<Vec<Placed>>, CloudError> {
        read.shared("listeners", async {
            let balancers = load_balancer::balancers(read).await?;
            let asked =
                balancers.iter().filter(|balancer| !read.scope.belongs_to_another::<LoadBalancer>(&balancer.tags));
            let asked = asked.filter_map(|balancer| balancer.item.load_balancer_arn());
            let found = try_join_all(asked.map(|arn| describe(read.aws, arn))).await?.concat();
            let ours: BTreeSet<&str> = balancers
                .iter()
                .filter(|balancer| read.scope.owner::<LoadBalancer>(&balancer.tags).is_some())
                .filter_map(|balancer| balancer.item.load_balancer_arn())
                .collect();
            let tagged = tagging::tagged(read, found, elb::Listener::listener_arn, |_| true).await?;
            let wanted = Listener::desired(read.scope.env);
            let is_wanted = |port: Option<i32>| wanted.iter().any(|desired| Some(desired.attrs.port) == port);
            let placed = tagged.into_iter().filter_map(|listener| {
                let concerns =
                    read.scope.has_ownership_tags::<Listener>(&listener.tags) || is_wanted(listener.item.port());
                let ours = listener.item.load_balancer_arn().is_some_and(|arn| ours.contains(arn));
                (concerns || ours).then(|| Placed {
                    address: read.scope.owner::<Listener>(&listener.tags),
                    ours,
                    stray: !concerns,
                    listener,
                })
            });
            Ok(placed.collect())
        })
        .await
    }

    async fn describe(aws: &Aws, balancer: &str) -> Result<Vec<elb::Listener>, CloudError> {
        let pages =
            aws.client::<Elb>().describe_listeners().load_balancer_arn(balancer).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.operation("elasticloadbalancing:DescribeListeners")
    }

    fn live(placed: &Placed) -> Live<Attrs> {
        let listener = &placed.listener.item;
        let protocol = listener.protocol().map(elb::ProtocolEnum::as_str).unwrap_or_default();
        // Some answers carry a policy for listeners without TLS too, where it means nothing.
        let policy = if protocol == elb::ProtocolEnum::Https.as_str() { listener.ssl_policy() } else { None };
        let attrs = Attrs {
            load_balancer: Ref::id(listener.load_balancer_arn().unwrap_or_default()),
            port: listener.port().unwrap_or_default(),
            protocol: protocol.to_owned(),
            default_action: Action::read(listener.default_actions()),
            ssl_policy: policy.unwrap_or_default().to_owned(),
            certificate: listener
                .certificates()
                .iter()
                .filter_map(|it| it.certificate_arn())
                .map(Ref::id)
                .collect(),
            tags: placed.listener.tags.clone(),
        };
        let arn = listener.listener_arn().unwrap_or_default();
        let mut live = Live::new(placed.address.clone(), arn, attrs);
        live.unconfirmed = placed.listener.indexed;
        live.settings = settings(SETTINGS, listener);
        live
    }

    fn ssl_policy(attrs: &Attrs) -> Option<String> {
        Some(attrs.ssl_policy.clone()).filter(|policy| !policy.is_empty())
    }

    fn default_certificate(attrs: &Attrs) -> Option<Vec<elb::Certificate>> {
        let one = |certificate: &Ref<_>| elb::Certificate::builder().certificate_arn(certificate.value()).build();
        Some(attrs.certificate.iter().map(one).collect::<Vec<_>>()).filter(|all| !all.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attrs(default_action: Action) -> Attrs {
        Attrs {
            load_balancer: Ref::id("arn:lb"),
            port: 80,
            protocol: "HTTP".to_owned(),
            default_action,
            ssl_policy: String::new(),
            certificate: BTreeSet::new(),
            tags: Tags::new(),
        }
    }

    #[test]
    fn what_serves_is_sent_elsewhere_last() {
        let (http, https) = (attrs(Action::forward(Ref::id("arn:a"))), attrs(Action::to_https()));
        let wide = Listener::expand(&http, &https).map(|attrs| attrs.default_action);
        assert_eq!(wide, Some(http.default_action.clone()));
        assert!(Listener::expand(&https, &http).is_none());
        let another = attrs(Action::forward(Ref::to("b")));
        let held = Listener::without_traffic(Some(&http), &another).map(|attrs| attrs.default_action);
        assert_eq!(held, Action::without_traffic(&http.default_action, &another.default_action));
        assert!(held.is_some() && Listener::without_traffic(None, &another).is_none());
    }
}
