use std::collections::BTreeMap;

use super::{Route, Services};
use crate::kinds::edge::entry::{balancers, chosen};
use crate::spec::{Check, one_of};

/// What the services' routes say, which become rules of listeners.
pub fn routes(check: &mut Check<'_>) {
    let env = check.env;
    let balancers = balancers(env);
    let mut priorities: BTreeMap<(&str, i32), &str> = BTreeMap::new();
    let mut defaults: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, service) in env.section::<Services>() {
        let mut delays: BTreeMap<&str, i32> = BTreeMap::new();
        for (index, route) in service.route.iter() {
            let index = index.map(|index| index.to_string());
            let path: Vec<&str> = ["services", key, "route"].into_iter().chain(index.as_deref()).collect();
            let at = |field| [&path[..], &[field]].concat();
            alone(check, &path, route);
            if service.port.is_none() {
                check.report(&path, "a route needs a port to go to", format!("set services.{key}.port"));
            }
            let Some(balancer) = chosen(&balancers, route.load_balancer.as_deref()) else {
                let keys = || one_of("load balancers", balancers.iter().map(|balancer| balancer.key));
                match &route.load_balancer {
                    _ if balancers.is_empty() => {
                        let help = "add [load-balancer], or remove the route";
                        check.report(&path, "a route needs a load balancer", help);
                    }
                    Some(name) => {
                        check.report(&at("load-balancer"), format!("no load balancer is named `{name}`"), keys());
                    }
                    None => {
                        let help = format!("set `load-balancer` of the route; {}", keys());
                        check.report(&path, "the route must say which of the load balancers it is a rule of", help);
                    }
                }
                continue;
            };
            if let Some(delay) = route.deregistration_delay
                && delays.insert(balancer.key, delay).is_some_and(|other| other != delay)
            {
                let help = "they lead to one target group: say it once";
                check.report(&at("deregistration-delay"), "another route of the service says otherwise", help);
            }
            if route.default
                && let Some(other) = defaults.insert(balancer.key, key)
            {
                let message = format!("service `{other}` has the default route already");
                check.report(&at("default"), message, "only one service can get what no rule matches");
            }
            if let Some(priority) = route.priority
                && let Some(other) = priorities.insert((balancer.key, priority), key)
            {
                let message = match other == key {
                    true => format!("priority {priority} is also that of another route of the service"),
                    false => format!("priority {priority} is also used by service `{other}`"),
                };
                check.report(&at("priority"), message, "give each rule a priority of its own");
            }
        }
    }
}

/// What a route says by itself.
fn alone(check: &mut Check<'_>, path: &[&str], route: &Route) {
    for (index, host) in route.hosts.iter().enumerate() {
        check.template(&[path, &["hosts", &index.to_string()]].concat(), host);
    }
    let conditions = route.paths.len() + route.hosts.len() + route.source_ips.len();
    if conditions > 5 {
        let message = format!("{conditions} paths, hosts and networks in one rule");
        check.report(path, message, "AWS allows 5 values per rule: make it a list of several routes");
    }
    for (index, pattern) in route.paths.iter().enumerate() {
        if !pattern.starts_with(['/', '*']) || pattern.len() > 128 {
            let index = index.to_string();
            let message = format!("`{pattern}` is not a path pattern");
            check.report(&[path, &["paths", &index]].concat(), message, "as in /api*, 128 characters at most");
        }
    }
    if route.default {
        if conditions > 0 || route.priority.is_some() {
            let help = "remove `paths`, `hosts`, `source-ips` and `priority`, or `default`";
            check.report(path, "the default route matches everything: it has no conditions", help);
        }
        return;
    }
    if conditions == 0 {
        check.report(path, "the route matches nothing", "add `paths`, `hosts` or `source-ips`, or default = true");
    }
    if route.priority.is_none() {
        let help = "rules are tried by priority: add one, 1 to 50000";
        check.report(path, "the route has no priority", help);
    }
}
