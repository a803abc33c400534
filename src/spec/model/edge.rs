use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The application load balancer in front of all routed services. With a certificate it listens on 443 and
/// sends 80 there; without one it serves plain HTTP on 80.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoadBalancer {
    /// `<project>-<environment>` unless set; 32 characters at most.
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

/// An existing certificate by `arn`, or one to request for `dns.domain` and `dns.aliases` (`request = true`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Certificate {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:acm:"))]
    pub arn: Option<String>,
    pub request: bool,
}

/// The names that lead to the load balancer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dns {
    pub domain: String,
    /// Further names, as in `admin.example.org`; they must lie in the same zone.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The Route 53 hosted zone by name. With neither `zone` nor `zone-id` nothing is written to any DNS, and
    /// `apply` says what to set elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The hosted zone by id, where two zones have one name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^Z[A-Z0-9]+$"))]
    pub zone_id: Option<String>,
}
