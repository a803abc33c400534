//! Which services the load balancers send to, and by which rules.

use crate::kinds::compute::section::{Route, Service, Services};
use crate::kinds::edge::entry::{Balancer, balancers, chosen};
use crate::kinds::edge::load_balancer::section::types::LoadBalancers;
use crate::spec::{Environment, Section};

/// A service as one load balancer sends to it: it has one target group there, to which its routes lead.
pub(in crate::kinds) struct Routed<'a> {
    /// The service's key.
    pub key: &'a str,
    pub service: &'a Service,
    pub balancer: Balancer<'a>,
    /// With the index of each that stands in a list.
    routes: Vec<(Option<usize>, &'a Route)>,
}

/// Every service that a load balancer sends to, in the order of the spec.
pub(in crate::kinds) fn routed(env: &Environment) -> Vec<Routed<'_>> {
    let balancers = balancers(env);
    let services = env.section::<Services>().iter();
    services.flat_map(|(key, service)| by_balancer(&balancers, key, service)).collect()
}

/// The load balancers that send to this service.
pub(in crate::kinds) fn routed_to<'a>(env: &'a Environment, key: &'a str, service: &'a Service) -> Vec<Routed<'a>> {
    by_balancer(&balancers(env), key, service)
}

fn by_balancer<'a>(balancers: &[Balancer<'a>], key: &'a str, service: &'a Service) -> Vec<Routed<'a>> {
    let mut all: Vec<Routed<'a>> = Vec::new();
    for (index, route) in service.route.iter() {
        // One that does not exist is reported by itself.
        let Some(balancer) = chosen(balancers, route.load_balancer.as_deref()) else { continue };
        match all.iter_mut().find(|routed| routed.balancer.key == balancer.key) {
            Some(routed) => routed.routes.push((index, route)),
            None => all.push(Routed { key, service, balancer, routes: vec![(index, route)] }),
        }
    }
    all
}

/// A rule of a listener that leads to a service.
pub(in crate::kinds) struct RouteRule<'a> {
    pub name: String,
    /// The path of the route in the spec.
    pub path: Vec<String>,
    pub route: &'a Route,
}

impl<'a> Routed<'a> {
    pub fn target_group(&self) -> String {
        self.balancer.for_service(self.key)
    }

    /// What the name of the target group is made of.
    pub fn named(&self, env: &Environment) -> String {
        self.balancer
            .with_key(env.naming_key(LoadBalancers::KEY, self.balancer.key))
            .for_service(env.naming_key(Services::KEY, self.key))
    }

    /// Whether it gets what no rule takes.
    pub fn is_default(&self) -> bool {
        self.routes.iter().any(|(_, route)| route.default)
    }

    /// The routes that become rules, as they are tried. The first is called as the service is, the others by their
    /// priorities besides: their order in the spec is nothing to a rule.
    pub fn rules(&self) -> Vec<RouteRule<'a>> {
        let ruled = self.routes.iter().filter(|(_, route)| !route.default && route.has_conditions());
        let mut ruled: Vec<_> = ruled.collect();
        ruled.sort_by_key(|(_, route)| route.priority);
        let rule = |(place, &(index, route)): (usize, &(Option<usize>, &'a Route))| {
            let name = match (place, route.priority) {
                (0, _) | (_, None) => self.target_group(),
                (_, Some(priority)) => format!("{}.{priority}", self.target_group()),
            };
            let entry = [Services::KEY, self.key, "route"].map(str::to_owned).into_iter();
            RouteRule { name, path: entry.chain(index.map(|index| index.to_string())).collect(), route }
        };
        ruled.into_iter().enumerate().map(rule).collect()
    }

    /// Seconds that a target which goes may still finish requests.
    pub fn deregistration_delay(&self) -> Option<i32> {
        self.routes.iter().find_map(|(_, route)| route.deregistration_delay)
    }
}
