use std::collections::BTreeMap;

use super::{Service, Services};
use crate::kinds::compute::ecs_cluster::section::Cluster;
use crate::kinds::config::ssm_parameter::section::{Parameters, holds_secret};
use crate::kinds::data::section::password_of;
use crate::kinds::network::section::check_subnets;
use crate::kinds::network::security_group::section::check_groups;
use crate::spec::{Check, one_of};

pub fn services(check: &mut Check<'_>) {
    let services = check.env.section::<Services>();
    check.keys(&["services"], services.keys());
    // Cloud Map does not tell names apart by their case.
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (key, service) in services {
        let at = |field| ["services", key.as_str(), field];
        check_groups(check, &at("security-groups"), &service.security_groups);
        check_subnets(check, &at("subnets"), service.subnets.as_ref());
        contents(check, key, service);
        if let Some(name) = &service.dns_name {
            let other = names.insert(name.to_lowercase(), key);
            if let Some(other) = other {
                check.report(
                    &at("dns-name"),
                    format!("`{name}` is also the name of service `{other}`"),
                    "choose another",
                );
            }
            if check.env.section::<Cluster>().private_domain.is_none() {
                let help = "set `private-domain` under [cluster], as in prod.example.internal";
                check.report(&at("dns-name"), "a private name needs a private domain", help);
            }
        }
        if let Some(health) = &service.health_check
            && health.timeout >= health.interval
        {
            let path = ["services", key, "health-check", "timeout"];
            check.report(&path, "the timeout must be below the interval", "lower it, or raise `interval`");
        }
    }
}

fn contents(check: &mut Check<'_>, key: &str, service: &Service) {
    let image = ["services", key, "image"];
    check.template(&image, &service.image);
    if service.image.contains("{{") || service.image.contains("}}") {
        let help = "a placeholder stands in single braces, as in {registries.web.url}";
        check.report(&image, "an image has no braces in its name", help);
    }
    for (name, value) in &service.environment {
        let path = ["services", key, "environment", name.as_str()];
        check.template(&path, value);
        if holds_secret(check.env, &check.env.text(value)) {
            let help = "make it a parameter and name that under `secrets`: plain variables show in the console";
            check.report(&path, format!("`{name}` would hold a secret in plain text"), help);
        }
    }
    for (name, parameter) in &service.secrets {
        let parameters = check.env.section::<Parameters>();
        if !parameters.contains_key(parameter) && password_of(check.env, parameter).is_none() {
            let path = ["services", key, "secrets", name.as_str()];
            let help = one_of("parameters", parameters.keys());
            check.report(&path, format!("no parameter is named `{parameter}`"), help);
        }
    }
}
