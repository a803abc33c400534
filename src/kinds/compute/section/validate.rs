use std::collections::BTreeMap;

use super::{Service, Services};
use crate::kinds::compute::ecs_cluster::section::Cluster;
use crate::kinds::config::ssm_parameter::section::{Parameters, holds_secret};
use crate::kinds::data::section::is_password;
use crate::kinds::network::section::check_subnets;
use crate::kinds::network::security_group::section::check_groups;
use crate::spec::{Check, one_of};

/// Days that CloudWatch Logs can keep a group, from `PutRetentionPolicy`'s API reference.
const RETENTIONS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub fn services(check: &mut Check<'_>) {
    let services = check.env.section::<Services>();
    check.keys(&["services"], services.keys());
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, service) in services {
        let at = |field| ["services", key.as_str(), field];
        check.name(&at("name"), service.name.as_ref(), 255);
        check_groups(check, &at("security-groups"), &service.security_groups);
        check_subnets(check, &at("subnets"), service.subnets.as_ref());
        if service.subnets.as_ref().is_some_and(Vec::is_empty) {
            check.report(&at("subnets"), "no subnets", "name some, or leave it out for every private one");
        }
        if let Some((message, help)) = bad_size(service.cpu, service.memory) {
            let field = if message.contains("MiB") { "memory" } else { "cpu" };
            check.report(&at(field), message, help);
        }
        if !RETENTIONS.contains(&service.log_retention) && service.log_retention != 0 {
            let help = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, … or 0 to never expire";
            check.report(&at("log-retention"), format!("logs cannot be kept {} days", service.log_retention), help);
        }
        contents(check, key, service);
        if let Some(name) = &service.dns_name {
            let other = names.insert(name, key);
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
    check.template(&["services", key, "image"], &service.image);
    for (name, value) in &service.environment {
        let path = ["services", key, "environment", name.as_str()];
        check.template(&path, value);
        if holds_secret(check.env, &check.env.text(value)) {
            let help = "make it a parameter and name that under `secrets`: plain variables show in the console";
            check.report(&path, format!("`{name}` would hold a secret in plain text"), help);
        }
        if service.secrets.contains_key(name) {
            check.report(&path, format!("`{name}` is also under `secrets`"), "ECS allows each variable once");
        }
    }
    for (name, parameter) in &service.secrets {
        let parameters = check.env.section::<Parameters>();
        if !parameters.contains_key(parameter) && !is_password(check.env, parameter) {
            let path = ["services", key, "secrets", name.as_str()];
            let help = one_of("parameters", parameters.keys());
            check.report(&path, format!("no parameter is named `{parameter}`"), help);
        }
    }
}

/// Fargate's table of CPU and memory, from the developer guide ("Task CPU and memory").
fn bad_size(cpu: i32, memory: i32) -> Option<(String, String)> {
    let (low, high, step) = match cpu {
        256 => (512, 2048, 1024),
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16384, 1024),
        4096 => (8192, 30720, 1024),
        8192 => (16384, 61440, 4096),
        16384 => (32768, 122_880, 8192),
        _ => {
            let help = "256, 512, 1024, 2048, 4096, 8192 or 16384 (1024 are one vCPU)".to_owned();
            return Some((format!("Fargate does not support {cpu} CPU units"), help));
        }
    };
    let fits = (low..=high).contains(&memory) && (memory % step == 0 || memory == 512);
    let help = match cpu {
        256 => "256 CPU units need 512, 1024 or 2048 MiB".to_owned(),
        _ => format!("{cpu} CPU units need {low} to {high} MiB in steps of {step}"),
    };
    if fits { None } else { Some((format!("Fargate does not support {cpu} CPU units with {memory} MiB"), help)) }
}

#[cfg(test)]
mod tests {
    use super::bad_size;

    #[test]
    fn fargate_takes_certain_pairs_only() {
        for (cpu, memory) in [(256, 512), (256, 2048), (512, 4096), (1024, 3072), (8192, 20480), (16384, 122_880)] {
            assert_eq!(bad_size(cpu, memory), None, "{cpu}/{memory}");
        }
        for (cpu, memory) in [(256, 3072), (300, 512), (512, 512), (1024, 2500), (8192, 17408)] {
            assert!(bad_size(cpu, memory).is_some(), "{cpu}/{memory}");
        }
    }
}
