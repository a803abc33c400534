//! Which services a service's texts name, as in `{services.api.dns}`, also by way of its parameters.

use std::collections::BTreeSet;

use super::{Service, Services};
use crate::kinds::config::ssm_parameter::section::Parameters;
use crate::spec::{Environment, placeholders};

/// The keys of the services that this one's variables, secrets and other texts name.
pub fn mentioned<'a>(env: &'a Environment, service: &'a Service) -> BTreeSet<&'a str> {
    let value_of = |parameter: &str| env.section::<Parameters>().get(parameter)?.value.as_ref();
    let hosts = service.route.iter().flat_map(|(_, route)| &route.hosts);
    let mut texts: Vec<&String> =
        [&service.image].into_iter().chain(service.environment.values()).chain(hosts).collect();
    // Each parameter is looked at once: texts may hold one another twice over.
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut services = BTreeSet::new();
    for key in service.secrets.values() {
        texts.extend(value_of(key).filter(|_| seen.insert(key)));
    }
    while let Some(text) = texts.pop() {
        for name in placeholders(text) {
            if let Some(key) = name.strip_prefix("parameters.") {
                texts.extend(value_of(key).filter(|_| seen.insert(key)));
            } else if let Some((key, _)) = name.strip_prefix("services.").and_then(|rest| rest.rsplit_once('.')) {
                services.extend(env.section::<Services>().get_key(key).map(String::as_str));
            }
        }
    }
    services
}
