use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::config_bag::FrozenLayer;

use super::https::{self, Unusable};
use super::response::{Responses, Retries};
use super::transport::Transport;
use super::{Detail, Fence, Trace, Versions};
use crate::spec::partition;

/// The clients of one account and region. They share one connection pool, one credential cache and one set of
/// deadlines.
pub struct Aws {
    pub region: String,
    /// The account of the spec, 12 digits; for building ARNs.
    pub account: String,
    /// The profile that was asked for by its name.
    pub profile: Option<String>,
    /// Whether rollouts are waited for.
    pub wait: bool,
    /// Told of every call.
    pub trace: Trace,
    /// What every client asks before a call that writes, but for the lock's own.
    pub fence: Fence,
    /// Which values of parameters need not be read.
    pub versions: Versions,
    config: SdkConfig,
    /// The clients made so far, by type and by how they are used.
    clients: RefCell<HashMap<(TypeId, Use), Box<dyn Any>>>,
}

/// How a client's calls are repeated and held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// Repeated by the SDK until the call's time is over.
    Usual,
    Once,
    Soon,
    Unfenced,
}

/// The client of one service, as the SDK has it. [`service`] makes it one that [`Aws`] hands out.
pub trait Service: Clone + 'static {
    fn connect(setup: Setup<'_>) -> Self;
}

/// What a client is made with.
pub struct Setup<'a> {
    pub config: &'a SdkConfig,
    pub retries: Option<RetryConfig>,
    pub answers: Responses,
    pub retry_classifier: Retries,
    pub fence: Option<Fence>,
    pub trace: Option<Trace>,
}

/// Lets [`Aws`] hand out the client of an SDK crate: `service!(aws_sdk_sns);` in the file of the kind that calls it.
macro_rules! service {
    ($sdk:ident) => {
        impl $crate::aws::Service for $sdk::Client {
            fn connect(setup: $crate::aws::Setup<'_>) -> Self {
                let mut builder = $sdk::config::Builder::from(setup.config);
                builder.set_retry_config(setup.retries);
                builder = builder.interceptor(setup.answers).retry_classifier(setup.retry_classifier);
                if let Some(fence) = setup.fence {
                    builder = builder.interceptor(fence);
                }
                if let Some(trace) = setup.trace {
                    builder = builder.interceptor(trace);
                }
                Self::from_conf(builder.build())
            }
        }
    };
}
pub(crate) use service;

service!(aws_sdk_resourcegroupstagging);
service!(aws_sdk_ssm);
service!(aws_sdk_sts);

fn source(feature: &AwsCredentialFeature) -> Option<&'static str> {
    use AwsCredentialFeature as From;
    Some(match feature {
        From::CredentialsEnvVars => "environment variables",
        From::CredentialsEnvVarsStsWebIdToken
        | From::CredentialsStsAssumeRoleWebId
        | From::CredentialsProfileStsWebIdToken => "a web identity token",
        From::CredentialsStsAssumeRole | From::CredentialsProfileSourceProfile => "an assumed role",
        From::CredentialsProfile | From::CredentialsProfileNamedProvider => "a profile",
        From::CredentialsProfileSso | From::CredentialsSso => "IAM Identity Center (SSO)",
        From::CredentialsProfileProcess | From::CredentialsProcess => "a credential process",
        From::CredentialsHttp => "the container's credentials endpoint",
        From::CredentialsImds => "the instance's role",
        _ => return None,
    })
}

/// What stands in the user agent of each request (`app/baseplate`), and so in CloudTrail's events, unless the environment
/// or the profile has another name.
const APP_NAME: &str = "baseplate";

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
    /// Loads credentials the standard way (environment, profile, SSO, web identity, container, instance) and goes by
    /// what else the environment says (`docs/src/environment.md`). Makes no call yet. `call` is what one may take, with
    /// all its attempts.
    ///
    /// # Errors
    /// The environment names a proxy or certificates that cannot be used.
    pub async fn connect(
        region: &str,
        account: &str,
        profile: Option<&str>,
        call: Duration,
        wait: bool,
        trace: Trace,
    ) -> Result<Self, Unusable> {
        let http = Transport::new(https::client()?, call / ATTEMPT);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(http.clone())
            .timeout_config(timeouts(call))
            // Not `adaptive`: after one throttled call, its limiter makes every retry wait for up to 20 s. So many
            // attempts outlast a minute of throttling, and end at the call's deadline in any case.
            .retry_config(RetryConfig::standard().with_max_attempts(15));
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let mut config = loader.load().await;
        if let Some(profile) = profile {
            // Said by hand, the profile goes before credentials in the environment, as with AWS's own tools.
            let provider = ProviderConfig::without_region()
                .with_region(Some(Region::new(region.to_owned())))
                .with_use_fips(config.use_fips())
                .with_use_dual_stack(config.use_dual_stack())
                .with_http_client(http);
            let credentials =
                ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
            let credentials = SharedCredentialsProvider::new(credentials);
            config = config.into_builder().credentials_provider(credentials).build();
        }
        if config.app_name().is_none()
            && let Ok(name) = AppName::new(APP_NAME)
        {
            config = config.into_builder().app_name(name).build();
        }
        let profile = profile.map(str::to_owned);
        Ok(Self { profile, ..Self::over(config, region, account, wait, trace) })
    }

    /// The ARN of something in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", partition(&self.region), self.region, self.account)
    }

    /// The same account in another region.
    pub fn in_region(&self, region: &str) -> Self {
        let config = self.config.clone().into_builder().region(Region::new(region.to_owned())).build();
        Self {
            profile: self.profile.clone(),
            fence: self.fence.clone(),
            ..Self::over(config, region, &self.account, self.wait, self.trace.clone())
        }
    }

    /// The name of this program in the user agent of its requests.
    pub fn app_name(&self) -> &str {
        self.config.app_name().map_or(APP_NAME, AsRef::as_ref)
    }

    /// From where the credentials come, in words; `None` where the SDK does not say.
    pub async fn credentials_source(&self) -> Option<&'static str> {
        let credentials = self.config.credentials_provider()?.provide_credentials().await.ok()?;
        let identity = Identity::from(credentials);
        // Each step on the way adds one: a role is assumed with what a profile says.
        let mut features = identity.property::<FrozenLayer>()?.load::<AwsCredentialFeature>();
        features.find_map(source)
    }

    /// The client of a service, made on first use.
    pub fn client<C: Service>(&self) -> C {
        self.made(Use::Usual)
    }

    /// For creates that could make a second object. The SDK must not repeat such a call whose answer was lost; the
    /// engine looks for the first object before it asks again.
    pub fn once<C: Service>(&self) -> C {
        self.made(Use::Once)
    }

    /// For the first call of a run, and for what is only good to know: where nothing answers, it should say so soon.
    pub fn soon<C: Service>(&self) -> C {
        self.made(Use::Soon)
    }

    /// For the lock, which asks again by itself, and has only so much time to be renewed. No fence holds it back.
    pub fn unfenced<C: Service>(&self) -> C {
        self.made(Use::Unfenced)
    }

    fn made<C: Service>(&self, usage: Use) -> C {
        let key = (TypeId::of::<C>(), usage);
        if let Some(client) = self.clients.borrow().get(&key).and_then(|client| client.downcast_ref::<C>()) {
            return client.clone();
        }
        let client = C::connect(Setup {
            config: &self.config,
            retries: match usage {
                Use::Usual => self.config.retry_config().cloned(),
                Use::Once => Some(RetryConfig::disabled()),
                Use::Soon | Use::Unfenced => Some(RetryConfig::standard()),
            },
            // The lock does not wait for reads either.
            answers: if usage == Use::Unfenced { Responses::at_once() } else { Responses::in_turn() },
            retry_classifier: Retries,
            fence: (usage != Use::Unfenced).then(|| self.fence.clone()),
            trace: self.trace.wants(Detail::Calls).then(|| self.trace.clone()),
        });
        self.clients.borrow_mut().insert(key, Box::new(client.clone()));
        client
    }

    fn over(config: SdkConfig, region: &str, account: &str, wait: bool, trace: Trace) -> Self {
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
            profile: None,
            wait,
            trace,
            fence: Fence::default(),
            versions: Versions::default(),
            config,
            clients: RefCell::default(),
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
