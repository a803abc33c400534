use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key of the load balancer that `[load-balancer]` is.
pub const MAIN: &str = "main";

/// `[load-balancers]`: load balancers by key, for an environment that needs several. `[load-balancer]` is the one whose
/// key is `main`.
pub struct LoadBalancers;

/// An application load balancer in front of the services that are routed by it. With a certificate it listens on 443 and
/// redirects 80 there; without one it serves plain HTTP on 80.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoadBalancer {
    /// `<project>-<environment>` unless set, under `[load-balancers]` `<project>-<environment>-<key>`; 32 characters at
    /// most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Keys of subnets in two zones at least; every public one unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// Keys of security groups, or ids of existing ones.
    pub security_groups: Vec<String>,
    /// Whether it is reached from inside the VPC only.
    #[serde(default)]
    pub internal: bool,
    /// Seconds after which an idle connection closes.
    #[serde(default = "minute")]
    #[schemars(range(min = 1, max = 4000))]
    pub idle_timeout: i32,
    #[serde(default)]
    pub deletion_protection: bool,
    #[serde(default = "yes")]
    pub drop_invalid_headers: bool,
    #[serde(default = "modern")]
    pub ssl_policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Names that lead to it besides those of [dns], which lead to `main` or to the one that `dns.load-balancer` says.
    /// They must lie in the zone of [dns].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
}

fn minute() -> i32 {
    60
}

fn yes() -> bool {
    true
}

fn modern() -> String {
    "ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned()
}

/// An existing certificate by `arn`, or one to request for the names that lead to the load balancer (`request = true`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Certificate {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:acm:"))]
    pub arn: Option<String>,
    pub request: bool,
}
