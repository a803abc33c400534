//! `[load-balancer]` and `[load-balancers]`: load balancers with their listeners and certificates.

pub mod types;

use std::collections::BTreeMap;

use crate::kinds::compute::section::Services;
use crate::kinds::edge::dns_record::section::{Dns, check_name};
use crate::kinds::edge::entry::balancers;
use crate::kinds::example::{Example, change};
use crate::kinds::network::section::{Network, Tier, check_tier, check_two_zones};
use crate::kinds::network::security_group::section::check_groups;
use crate::spec::{Check, Entries, Environment, Keyed, Section, TextPart, Unknown, entry, one_of};
use crate::value::Part;

pub use types::{LoadBalancer, LoadBalancers, MAIN};

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[
    Example {
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
                    "update dns_record.town.example: alias.dns_name, alias.zone_id",
                ],
            ),
        ],
    },
    Example {
        spec: r#"
[load-balancer]
security-groups = ["app"]
domains = ["way.town.example"]

[load-balancers.staff]
name = "town-staff"
internal = true
subnets = ["private-a", "private-b"]
security-groups = ["app"]
domains = ["staff.town.example"]
certificate = { request = true }
idle-timeout = 30
deletion-protection = false
drop-invalid-headers = true
ssl-policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

[dns]
domain = "town.example"
zone = "town.example"
load-balancer = "main"

[services.shop]
image = "shop"
cpu = 256
memory = 512
protect = false
port = 8080
security-groups = ["app"]
route = [
  { default = true },
  { load-balancer = "staff", paths = ["/admin*"], source-ips = ["10.40.0.0/16"], priority = 10 },
  { load-balancer = "staff", paths = ["/stock*"], priority = 20 },
]
"#,
        changes: &[
            change("\"10.40.0.0/16\"]", "\"10.40.128.0/17\"]", &["update listener_rule.shop.staff: source_ips[]"]),
            change(
                "\"/stock*\"], priority = 20",
                "\"/stock*\"], priority = 30",
                &["create listener_rule.shop.staff.30", "delete listener_rule.shop.staff.20"],
            ),
            change(
                "\"staff.town.example\"]",
                "\"office.town.example\"]",
                &[
                    "create dns_record.office.town.example",
                    "create dns_record.validation-office.town.example",
                    "delete dns_record.staff.town.example",
                    "delete dns_record.validation-staff.town.example",
                    "replace certificate.staff: domain",
                    "replace certificate_validation.staff: certificate, names[]",
                    "update listener.staff.https: certificate[]",
                ],
            ),
        ],
    },
];

impl Section for LoadBalancer {
    const KEY: &'static str = "load-balancer";
    const TEXTS: &'static [TextPart] = &[("load-balancer.dns", "the DNS name that AWS gives the load balancer")];

    type Value = Option<Self>;

    fn validate(check: &mut Check<'_>) {
        if let Some(balancer) = check.env.section::<Self>() {
            validate(check, &[Self::KEY], balancer);
        }
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        let is_there = env.section::<Self>().is_some() || env.section::<LoadBalancers>().contains_key(MAIN);
        match (path, is_there) {
            ("dns", true) => Ok(Part::output("load_balancer", MAIN, "dns_name")),
            ("dns", false) if !env.section::<LoadBalancers>().is_empty() => {
                let help = "say which one, as in {load-balancers.<key>.dns}";
                Err(Unknown::new("no load balancer of this environment is called `main`", help))
            }
            ("dns", false) => Err(Unknown::new("this environment has no [load-balancer]", "add [load-balancer]")),
            _ => Err(Unknown::field(Self::KEY, path, "dns")),
        }
    }
}

impl Section for LoadBalancers {
    const KEY: &'static str = "load-balancers";
    const TEXTS: &'static [TextPart] = &[("load-balancers.….dns", "the same of one of several")];
    const ENTRY_TABLE: Option<&'static str> = Some("");

    type Value = Keyed<LoadBalancer>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    /// A service has a target group and rules for each load balancer.
    fn refer_anew(env: &mut Environment, from: &str, to: &str) {
        let anew = |name: &mut Option<String>| {
            if name.as_deref() == Some(from) {
                *name = Some(to.to_owned());
            }
        };
        let mut services = env.section::<Services>().clone();
        services
            .values_mut()
            .flat_map(|service| service.route.iter_mut())
            .for_each(|route| anew(&mut route.load_balancer));
        env.set_section::<Services>(services);
        let mut dns = env.section::<Dns>().clone();
        dns.iter_mut().for_each(|dns| anew(&mut dns.load_balancer));
        env.set_section::<Dns>(dns);
    }

    fn validate(check: &mut Check<'_>) {
        let balancers = check.env.section::<Self>();
        check.keys(&[Self::KEY], balancers.keys());
        if check.env.section::<LoadBalancer>().is_some() && balancers.contains_key(MAIN) {
            let message = "[load-balancer] and [load-balancers.main] are one and the same";
            check.report(&[Self::KEY, MAIN], message, "keep one of them");
        }
        for (key, balancer) in balancers {
            validate(check, &[Self::KEY, key], balancer);
        }
        together(check);
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        // `[load-balancer]` is one of them.
        let single = path.strip_prefix(MAIN).and_then(|rest| rest.strip_prefix('.'));
        if let (Some(field), Some(_)) = (single, env.section::<LoadBalancer>()) {
            return LoadBalancer::part(env, field);
        }
        let (key, _, field) = entry(env.section::<Self>(), "load balancer", path)?;
        match field {
            "dns" => Ok(Part::output("load_balancer", key, "dns_name")),
            _ => Err(Unknown::field(Self::KEY, field, "dns")),
        }
    }
}

fn validate(check: &mut Check<'_>, path: &[&str], balancer: &LoadBalancer) {
    let at = |field| [path, &[field]].concat();
    check_groups(check, &at("security-groups"), &balancer.security_groups);
    match &balancer.subnets {
        Some(subnets) => check_two_zones(check, &at("subnets"), subnets, "a load balancer"),
        None if !balancer.internal => check_tier(check, Tier::Public, "a load balancer"),
        None => {}
    }
    check_one_subnet_a_zone(check, path, balancer.subnets.as_ref());
    let dns = check.env.section::<Dns>().as_ref();
    for (index, name) in balancer.domains.iter().enumerate() {
        check_name(check, &[&at("domains")[..], &[&index.to_string()]].concat(), dns, name);
    }
    if dns.is_none() && !balancer.domains.is_empty() {
        check.report(&at("domains"), "names need a zone to be in", "add [dns] with `domain` and `zone`");
    }
    let Some(certificate) = &balancer.certificate else { return };
    if certificate.arn.is_some() == certificate.request {
        let help = "either the ARN of an existing one, or request = true";
        check.report(&at("certificate"), "the certificate needs exactly one source", help);
    }
}

/// Reports that two of the subnets, or of every public one, lie in one zone: AWS takes one of each.
fn check_one_subnet_a_zone(check: &mut Check<'_>, path: &[&str], keys: Option<&Vec<String>>) {
    let mut zones: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, subnet) in &check.env.section::<Network>().subnets {
        if keys.map_or(subnet.tier == Tier::Public, |keys| keys.contains(key))
            && let Some(other) = zones.insert(&subnet.zone, key)
        {
            let message = format!("subnets `{other}` and `{key}` of the load balancer are both in {}", subnet.zone);
            let path = if keys.is_some() { [path, &["subnets"]].concat() } else { path.to_vec() };
            check.report(&path, message, "AWS takes one subnet of each zone: name those to use under `subnets`");
        }
    }
}

/// What concerns the names of all load balancers: each leads to one.
fn together(check: &mut Check<'_>) {
    let balancers = balancers(check.env);
    let leads_on = balancers.iter().any(|balancer| balancer.dns.is_some());
    if let Some(dns) = check.env.section::<Dns>()
        && !leads_on
    {
        let keys = || one_of("load balancers", balancers.iter().map(|balancer| balancer.key));
        match &dns.load_balancer {
            Some(key) => {
                check.report(&[Dns::KEY, "load-balancer"], format!("no load balancer is named `{key}`"), keys());
            }
            None if balancers.is_empty() => {
                check.report(&[Dns::KEY], "the names have no load balancer to point at", "add [load-balancer]");
            }
            None => {
                let help = format!("set `load-balancer` under [dns]; {}", keys());
                check.report(&[Dns::KEY], "[dns] must say which of the load balancers the names lead to", help);
            }
        }
    }
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for balancer in &balancers {
        for name in balancer.names() {
            if let Some(other) = names.insert(name.clone(), balancer.key) {
                let message = format!("`{name}` leads to load balancer `{other}` already");
                let path = [&balancer.path()[..], &["domains"]].concat();
                check.report(&path, message, "a name leads to one load balancer: remove it from one of them");
            }
        }
        let requests = balancer.spec.certificate.as_ref().is_some_and(|certificate| certificate.request);
        if requests && balancer.domain().is_none() {
            let path = [&balancer.path()[..], &["certificate"]].concat();
            match (check.env.section::<Dns>(), leads_on) {
                (None, _) => {
                    let help = "add [dns] with the domain that the certificate is for";
                    check.report(&path, "a certificate can only be requested for a domain", help);
                }
                // Which one the names lead to is not known yet.
                (Some(_), false) => {}
                (Some(_), true) => {
                    let help = "add the `domains` that lead to it, or remove its certificate";
                    check.report(&path, "no name leads to this load balancer that the certificate is for", help);
                }
            }
        }
    }
}
