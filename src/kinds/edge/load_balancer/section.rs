//! `[load-balancer]`: the load balancer with its listeners and certificate.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::edge::dns_record::section::Dns;
use crate::kinds::example::{Example, change};
use crate::kinds::network::section::{Network, Tier, check_tier, check_two_zones};
use crate::kinds::network::security_group::section::check_groups;
use crate::spec::{Check, Environment, Section, Unknown};
use crate::value::Part;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[load-balancer]
name = "town"
subnets = ["public-a", "public-b"]
security-groups = ["app"]
internal = false
idle-timeout = 60
deletion-protection = false
drop-invalid-headers = true
ssl-policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
certificate = { request = true }

[dns]
domain = "town.example"
zone = "town.example"
"#,
    changes: &[
        change("idle-timeout = 60", "idle-timeout = 90", &["update load_balancer.main: idle_timeout"]),
        change(
            "drop-invalid-headers = true",
            "drop-invalid-headers = false",
            &["update load_balancer.main: drop_invalid_headers"],
        ),
        change("TLS13-1-2-2021-06", "TLS13-1-2-Res-2021-06", &["update listener.https: ssl_policy"]),
        change(
            "name = \"town\"",
            "name = \"village\"",
            &[
                "replace listener.http: load_balancer",
                "replace listener.https: load_balancer",
                "replace load_balancer.main: name",
                "update dns_record.town.example: answer.alias.dns_name, answer.alias.zone_id",
            ],
        ),
    ],
}];

impl Section for LoadBalancer {
    const KEY: &'static str = "load-balancer";
    const TEXTS: &'static [&'static str] = &["load-balancer.dns"];

    type Value = Option<Self>;

    fn validate(check: &mut Check<'_>) {
        validate(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        match (path, env.section::<Self>()) {
            ("dns", Some(_)) => Ok(Part::output("load_balancer", "main", "dns_name")),
            ("dns", None) => Err(Unknown::new("this environment has no [load-balancer]", "add [load-balancer]")),
            _ => Err(Unknown::field(Self::KEY, path, "dns")),
        }
    }
}

/// The application load balancer in front of all routed services. With a certificate it listens on 443 and
/// redirects 80 there; without one it serves plain HTTP on 80.
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

fn validate(check: &mut Check<'_>) {
    let Some(balancer) = check.env.section::<LoadBalancer>() else {
        if check.env.section::<Dns>().is_some() {
            check.report(&["dns"], "the names have no load balancer to point at", "add [load-balancer]");
        }
        return;
    };
    let at = |field| ["load-balancer", field];
    check_groups(check, &at("security-groups"), &balancer.security_groups);
    match &balancer.subnets {
        Some(subnets) => check_two_zones(check, &at("subnets"), subnets, "a load balancer"),
        None if !balancer.internal => check_tier(check, Tier::Public, "a load balancer"),
        None => {}
    }
    check_one_subnet_a_zone(check, balancer.subnets.as_ref());
    let Some(certificate) = &balancer.certificate else { return };
    if certificate.arn.is_some() == certificate.request {
        let help = "either the ARN of an existing one, or request = true";
        check.report(&at("certificate"), "the certificate needs exactly one source", help);
    }
    if certificate.request && check.env.section::<Dns>().is_none() {
        let help = "add [dns] with the domain that the certificate is for";
        check.report(&at("certificate"), "a certificate can only be requested for a domain", help);
    }
}

/// Reports that two of the subnets, or of every public one, lie in one zone: AWS takes one of each.
fn check_one_subnet_a_zone(check: &mut Check<'_>, keys: Option<&Vec<String>>) {
    let mut zones: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, subnet) in &check.env.section::<Network>().subnets {
        if keys.map_or(subnet.tier == Tier::Public, |keys| keys.contains(key))
            && let Some(other) = zones.insert(&subnet.zone, key)
        {
            let message = format!("subnets `{other}` and `{key}` of the load balancer are both in {}", subnet.zone);
            let path: &[&str] = if keys.is_some() { &["load-balancer", "subnets"] } else { &["load-balancer"] };
            check.report(path, message, "AWS takes one subnet of each zone: name those to use under `subnets`");
        }
    }
}
