use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::answer::{Answers, Retries};
use super::transport::Transport;
use super::{Detail, Fence, Trace, Versions};
use crate::spec::names::partition;

/// The clients of one account and region. They share one connection pool, one credential cache and one set of
/// deadlines.
pub struct Aws {
    pub region: String,
    /// The account of the spec, 12 digits; for building ARNs.
    pub account: String,
    /// The profile that was asked for by its name.
    pub profile: Option<String>,
    /// Whether roll-outs are waited for.
    pub wait: bool,
    /// Told of every call.
    pub trace: Trace,
    /// What every client asks before a call that writes, but for the lock's own.
    pub fence: Fence,
    /// Which values of parameters need not be read.
    pub versions: Versions,
    config: SdkConfig,
    pub acm: aws_sdk_acm::Client,
    pub acm_once: aws_sdk_acm::Client,
    pub ec2: aws_sdk_ec2::Client,
    /// `…_once`: for creates that could make a second object. The SDK must not repeat such a call whose answer was
    /// lost; the engine looks for the first object before it asks again.
    pub ec2_once: aws_sdk_ec2::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub ecs_once: aws_sdk_ecs::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub elb_once: aws_sdk_elasticloadbalancingv2::Client,
    pub iam: aws_sdk_iam::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub rds: aws_sdk_rds::Client,
    pub route53: aws_sdk_route53::Client,
    pub discovery: aws_sdk_servicediscovery::Client,
    pub discovery_once: aws_sdk_servicediscovery::Client,
    pub ssm: aws_sdk_ssm::Client,
    /// For the lock, which asks again by itself, and has only so much time to be renewed.
    pub ssm_lock: aws_sdk_ssm::Client,
    pub sts: aws_sdk_sts::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
}

/// Seconds that a call may take, with all its attempts, unless `--call-timeout` says otherwise.
pub const CALL_SECONDS: u32 = 180;

/// What one attempt may take of a call's time; to the first byte of its answer; and to connect: 30, 20 and 5 s of
/// the usual 180. So a call whose answer was lost on the way is tried more than once, however short its time.
const ATTEMPT: u32 = 6;
const READ: u32 = 9;
const CONNECT: u32 = 36;

fn timeouts(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(call / CONNECT)
        .read_timeout(call / READ)
        .operation_timeout(call)
        .build()
}

impl Aws {
    /// Loads credentials the standard way (environment, profile, SSO, web identity, container, instance) and
    /// honours `AWS_ENDPOINT_URL`. Makes no call yet. `call` is what one may take, with all its attempts.
    pub async fn connect(
        region: &str,
        account: &str,
        profile: Option<&str>,
        call: Duration,
        wait: bool,
        trace: Trace,
    ) -> Self {
        let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let http = Transport::new(https, call / ATTEMPT);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(http.clone())
            .timeout_config(timeouts(call))
            // Not `adaptive`: after one throttled call, its limiter makes every retry wait for up to 20 s. So many
            // attempts outlast a minute of throttling, and end at the call's deadline in any case.
            .retry_config(RetryConfig::standard().with_max_attempts(15));
        if let Some(profile) = profile {
            // Said by hand, the profile goes before credentials in the environment, as with AWS's own tools.
            let provider = ProviderConfig::without_region()
                .with_region(Some(Region::new(region.to_owned())))
                .with_http_client(http);
            let credentials =
                ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(credentials);
        }
        let profile = profile.map(str::to_owned);
        Self { profile, ..Self::over(loader.load().await, region, account, wait, trace) }
    }

    /// The ARN of something in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", partition(&self.region), self.region, self.account)
    }

    /// Which of the standard ways the credentials come from, as the SDK calls it ("EnvironmentVariable").
    pub async fn credentials(&self) -> Option<String> {
        use aws_sdk_sts::config::ProvideCredentials;
        let credentials = self.config.credentials_provider()?.provide_credentials().await.ok()?;
        // The SDK tells the name only here, beside the id of the key, which goes no further.
        let told = zeroize::Zeroizing::new(format!("{credentials:?}"));
        let name = told.split_once("provider_name: \"")?.1.split('"').next()?;
        Some(name.to_owned())
    }

    fn over(config: SdkConfig, region: &str, account: &str, wait: bool, trace: Trace) -> Self {
        let fence = Fence::default();
        macro_rules! client {
            ($sdk:ident) => {
                client!($sdk, config.retry_config().cloned())
            };
            ($sdk:ident, $retries:expr) => {
                client!($sdk, $retries, Some(fence.clone()))
            };
            ($sdk:ident, $retries:expr, $fence:expr) => {{
                let mut builder = $sdk::config::Builder::from(&config);
                builder.set_retry_config($retries);
                // What no fence holds back is the lock's, and that does not wait for reads either.
                let answers = if $fence.is_some() { Answers::in_turn() } else { Answers::at_once() };
                builder = builder.interceptor(answers).retry_classifier(Retries);
                if let Some(fence) = $fence {
                    builder = builder.interceptor(fence);
                }
                if trace.wants(Detail::Calls) {
                    builder = builder.interceptor(trace.clone());
                }
                $sdk::Client::from_conf(builder.build())
            }};
        }
        let once = || Some(RetryConfig::disabled());
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
            profile: None,
            wait,
            acm: client!(aws_sdk_acm),
            acm_once: client!(aws_sdk_acm, once()),
            ec2: client!(aws_sdk_ec2),
            ec2_once: client!(aws_sdk_ec2, once()),
            ecr: client!(aws_sdk_ecr),
            ecs: client!(aws_sdk_ecs),
            ecs_once: client!(aws_sdk_ecs, once()),
            elb: client!(aws_sdk_elasticloadbalancingv2),
            elb_once: client!(aws_sdk_elasticloadbalancingv2, once()),
            iam: client!(aws_sdk_iam),
            logs: client!(aws_sdk_cloudwatchlogs),
            rds: client!(aws_sdk_rds),
            route53: client!(aws_sdk_route53),
            discovery: client!(aws_sdk_servicediscovery),
            discovery_once: client!(aws_sdk_servicediscovery, once()),
            ssm: client!(aws_sdk_ssm),
            ssm_lock: client!(aws_sdk_ssm, Some(RetryConfig::standard()), None::<Fence>),
            // The first call of a run: where nothing answers, it should say so soon.
            sts: client!(aws_sdk_sts, Some(RetryConfig::standard())),
            tagging: client!(aws_sdk_resourcegroupstagging),
            trace,
            fence,
            versions: Versions::default(),
            config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_deadlines_are_those_of_the_readme() {
        let usual = timeouts(Duration::from_secs(CALL_SECONDS.into()));
        let seconds =
            [usual.connect_timeout(), usual.read_timeout()].map(|timeout| timeout.map(|timeout| timeout.as_secs()));
        assert_eq!((seconds, CALL_SECONDS / ATTEMPT), ([Some(5), Some(20)], 30));
        assert_eq!(usual.operation_timeout().map(|timeout| timeout.as_secs()), Some(180));
    }
}
