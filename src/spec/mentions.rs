//! Which services a service's texts name, as in `{services.api.dns}`, also by way of its parameters.

use std::collections::BTreeSet;

use super::{Environment, Service};

impl Environment {
    /// The keys of the services that this one's variables, secrets and other texts name.
    pub fn mentioned_services(&self, service: &Service) -> BTreeSet<&str> {
        let hosts = service.route.iter().flat_map(|route| &route.hosts);
        let mut texts: Vec<&String> =
            [&service.image].into_iter().chain(service.environment.values()).chain(hosts).collect();
        // Each parameter is looked at once: texts may hold one another twice over.
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut services = BTreeSet::new();
        for key in service.secrets.values() {
            texts.extend(self.value_of(key).filter(|_| seen.insert(key)));
        }
        while let Some(text) = texts.pop() {
            for name in placeholders(text) {
                if let Some(key) = name.strip_prefix("parameters.") {
                    texts.extend(self.value_of(key).filter(|_| seen.insert(key)));
                } else if let Some((key, _)) = name.strip_prefix("services.").and_then(|rest| rest.rsplit_once('.'))
                {
                    services.extend(self.services.get_key(key).map(String::as_str));
                }
            }
        }
        services
    }

    fn value_of(&self, parameter: &str) -> Option<&String> {
        self.parameters.get(parameter)?.value.as_ref()
    }
}

/// What stands in single braces.
fn placeholders(template: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), template);
    while let Some((_, after)) = rest.split_once('{') {
        rest = match after.strip_prefix('{') {
            Some(after) => after,
            None => {
                let Some((name, after)) = after.split_once('}') else { break };
                found.push(name);
                after
            }
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_braces_hold_something() {
        assert_eq!(placeholders("{a}:{{b}}:{c.d}"), ["a", "c.d"]);
        assert_eq!(placeholders("{{{a}}}"), ["a"]);
        assert_eq!(placeholders("{a"), Vec::<&str>::new());
    }
}
