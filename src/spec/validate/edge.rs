use std::collections::BTreeMap;

use super::Check;
use crate::spec::Tier;

pub fn routes(check: &mut Check<'_>) {
    let mut priorities: BTreeMap<i32, &str> = BTreeMap::new();
    let mut default: Option<&str> = None;
    for (key, service) in &check.env.services {
        let Some(route) = &service.route else { continue };
        let at = |field| ["services", key.as_str(), "route", field];
        let path = ["services", key.as_str(), "route"];
        if check.env.load_balancer.is_none() {
            check.report(&path, "a route needs a load balancer", "add [load-balancer], or take the route out");
        }
        if service.port.is_none() {
            check.report(&path, "a route needs a port to go to", format!("set services.{key}.port"));
        }
        for (index, host) in route.hosts.iter().enumerate() {
            check.template(&["services", key, "route", "hosts", &index.to_string()], host);
        }
        let conditions = route.paths.len() + route.hosts.len();
        if conditions > 5 {
            check.report(&path, format!("{conditions} paths and hosts in one rule"), "AWS takes 5 values a rule");
        }
        for (index, pattern) in route.paths.iter().enumerate() {
            if !pattern.starts_with(['/', '*']) || pattern.len() > 128 {
                let path = ["services", key, "route", "paths", &index.to_string()];
                check.report(
                    &path,
                    format!("`{pattern}` is no path pattern"),
                    "as in /api*, 128 characters at most",
                );
            }
        }
        if route.default {
            if let Some(other) = default.replace(key) {
                let message = format!("service `{other}` has the default route already");
                check.report(&at("default"), message, "one service gets what no rule takes");
            }
            if conditions > 0 || route.priority.is_some() {
                let help = "take `paths`, `hosts` and `priority` out, or `default`";
                check.report(&path, "the default route takes everything: it has no conditions", help);
            }
            continue;
        }
        if conditions == 0 {
            check.report(&path, "the route takes nothing", "add `paths` or `hosts`, or default = true");
        }
        match route.priority {
            None => {
                check.report(
                    &path,
                    "the route has no priority",
                    "rules are tried by priority: add one, 1 to 50000",
                );
            }
            Some(priority) => {
                if let Some(other) = priorities.insert(priority, key) {
                    let message = format!("priority {priority} is that of service `{other}` too");
                    check.report(&at("priority"), message, "give each rule a priority of its own");
                }
            }
        }
    }
}

pub fn load_balancer(check: &mut Check<'_>) {
    let Some(balancer) = &check.env.load_balancer else { return };
    let at = |field| ["load-balancer", field];
    check.name(&at("name"), balancer.name.as_ref(), 32);
    if balancer.name.as_ref().is_some_and(|name| name.starts_with("internal-")) {
        check.report(
            &at("name"),
            "a load balancer's name may not begin with `internal-`",
            "AWS keeps that for itself",
        );
    }
    check.security_groups(&at("security-groups"), &balancer.security_groups);
    if balancer.subnets.is_some() {
        let zones = check.subnets(&at("subnets"), balancer.subnets.as_ref(), Tier::Public);
        if zones.len() < 2 {
            check.report(&at("subnets"), "a load balancer needs subnets in two zones", "add one in another zone");
        }
    }
    let Some(certificate) = &balancer.certificate else { return };
    if certificate.arn.is_some() == certificate.request {
        let help = "either the ARN of an existing one, or request = true";
        check.report(&at("certificate"), "the certificate needs exactly one source", help);
    }
    if certificate.request && check.env.dns.is_none() {
        let help = "add [dns] with the domain that the certificate is for";
        check.report(&at("certificate"), "a certificate can only be requested for a domain", help);
    }
}

pub fn dns(check: &mut Check<'_>) {
    let Some(dns) = &check.env.dns else { return };
    if check.env.load_balancer.is_none() {
        check.report(&["dns"], "there is nothing that the names could lead to", "add [load-balancer]");
    }
    if dns.zone.is_some() && dns.zone_id.is_some() {
        check.report(&["dns", "zone-id"], "the zone is named twice", "keep `zone` or `zone-id`");
    }
    let names = std::iter::once((vec!["dns".to_owned(), "domain".to_owned()], &dns.domain)).chain(
        dns.aliases
            .iter()
            .enumerate()
            .map(|(index, name)| (vec!["dns".to_owned(), "aliases".to_owned(), index.to_string()], name)),
    );
    for (path, name) in names {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let bare = name.strip_prefix("*.").unwrap_or(name);
        if name.len() > 253 || !bare.contains('.') || !bare.split('.').all(label) {
            check.report(
                &path,
                format!("`{name}` is no domain name"),
                "small letters, digits and hyphens, as in app.example.org",
            );
        } else if let Some(zone) = &dns.zone
            && bare != zone
            && !bare.ends_with(&format!(".{zone}"))
        {
            check.report(&path, format!("`{name}` does not lie in zone {zone}"), "take a name within the zone");
        }
    }
}
