use std::collections::BTreeMap;

use super::Services;
use crate::kinds::edge::load_balancer::section::LoadBalancer;
use crate::spec::Check;

/// What the services' routes say, which become rules of one listener.
pub fn routes(check: &mut Check<'_>) {
    let mut priorities: BTreeMap<i32, &str> = BTreeMap::new();
    let mut default: Option<&str> = None;
    for (key, service) in check.env.section::<Services>() {
        let Some(route) = &service.route else { continue };
        let at = |field| ["services", key.as_str(), "route", field];
        let path = ["services", key.as_str(), "route"];
        if check.env.section::<LoadBalancer>().is_none() {
            check.report(&path, "a route needs a load balancer", "add [load-balancer], or remove the route");
        }
        if service.port.is_none() {
            check.report(&path, "a route needs a port to go to", format!("set services.{key}.port"));
        }
        for (index, host) in route.hosts.iter().enumerate() {
            check.template(&["services", key, "route", "hosts", &index.to_string()], host);
        }
        let conditions = route.paths.len() + route.hosts.len();
        if conditions > 5 {
            check.report(
                &path,
                format!("{conditions} paths and hosts in one rule"),
                "AWS allows 5 values per rule",
            );
        }
        for (index, pattern) in route.paths.iter().enumerate() {
            if !pattern.starts_with(['/', '*']) || pattern.len() > 128 {
                let path = ["services", key, "route", "paths", &index.to_string()];
                check.report(
                    &path,
                    format!("`{pattern}` is not a path pattern"),
                    "as in /api*, 128 characters at most",
                );
            }
        }
        if route.default {
            if let Some(other) = default.replace(key) {
                let message = format!("service `{other}` has the default route already");
                check.report(&at("default"), message, "only one service can get what no rule matches");
            }
            if conditions > 0 || route.priority.is_some() {
                let help = "remove `paths`, `hosts` and `priority`, or `default`";
                check.report(&path, "the default route matches everything: it has no conditions", help);
            }
            continue;
        }
        if conditions == 0 {
            check.report(&path, "the route matches nothing", "add `paths` or `hosts`, or default = true");
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
                    let message = format!("priority {priority} is also used by service `{other}`");
                    check.report(&at("priority"), message, "give each rule a priority of its own");
                }
            }
        }
    }
}
