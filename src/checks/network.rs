//! What cannot reach what it must reach, by the spec's own groups, routes and ports.

use super::reach::{Blocked, Interface, all, key};
use super::{Check, Findings, Subject};
use crate::kinds::compute::ecs_service::{EcsService, Route};
use crate::kinds::compute::section::{Services, mentioned};
use crate::kinds::compute::task_definition::TaskDefinition;
use crate::kinds::edge::listener::{Action, Listener};
use crate::kinds::edge::load_balancer::section::{LoadBalancer, LoadBalancers};
use crate::kinds::network::section::Network;
use crate::spec::Section;
use crate::value::walk::{Link, links};
use crate::value::{Address, Target};

pub const BALANCER_TO_SERVICE: Check = Check {
    code: "BP-NET-01",
    warns: "a load balancer routes to a service that the security groups do not let it reach: health checks fail, and the \
            rollout is given up",
    find: |subject, found| {
        for (balancer, attrs) in subject.reach.load_balancers() {
            let from = Interface::of_load_balancer(&attrs);
            let targets = subject.reach.targets(balancer);
            for (service, attrs) in subject.reach.services() {
                let is_sent_to =
                    |route: &&Route| key(&route.target_group).is_some_and(|group| targets.contains(group));
                for route in attrs.load_balancers.iter().filter(is_sent_to) {
                    let blocked =
                        subject.reach.blocked(&from, &Interface::of_service(&attrs), route.container_port);
                    let path = ["services", service.name(), "port"];
                    report(found, service, &path, (balancer, service), route.container_port, blocked);
                }
            }
        }
    },
};

pub const SERVICE_TO_DATABASE: Check = Check {
    code: "BP-NET-02",
    warns: "a service has the address of a database that the security groups do not let it reach",
    find: |subject, found| {
        for (service, attrs) in subject.reach.services() {
            for name in databases(subject, service.name()) {
                let Some((to, port)) = subject.reach.database(&name) else { continue };
                let blocked = subject.reach.blocked(&Interface::of_service(&attrs), &to, port);
                let database = Address::new("db_instance", name);
                let path = ["services", service.name(), "security-groups"];
                report(found, service, &path, (service, &database), port, blocked);
            }
        }
    },
};

pub const SERVICE_TO_SERVICE: Check = Check {
    code: "BP-NET-03",
    warns: "a service has the name of another one that the security groups do not let it reach",
    find: |subject, found| {
        let env = &subject.spec.env;
        for (service, attrs) in subject.reach.services() {
            let Some(own) = env.section::<Services>().get(service.name()) else { continue };
            for other in mentioned(env, own).into_iter().filter(|other| *other != service.name()) {
                let Some(port) = env.section::<Services>().get(other).and_then(|other| other.port) else {
                    continue;
                };
                let Some(to) = subject.reach.service(other) else { continue };
                let address = Address::new(<EcsService as Target>::KIND, other);
                let from = Interface::of_service(&attrs);
                let blocked = subject.reach.blocked(&from, &to, port.into());
                let path = ["services", service.name(), "security-groups"];
                report(found, service, &path, (service, &address), port.into(), blocked);
            }
        }
    },
};

/// What images, parameters and logs are reached by.
const HTTPS: i32 = 443;

pub const WAY_OUT: Check = Check {
    code: "BP-NET-04",
    warns: "a service has no way out on 443, by which Fargate pulls its image, reads its parameters and writes its logs: \
            its tasks do not start",
    find: |subject, found| {
        // The routes of an existing VPC, and its endpoints, are not the spec's to say.
        if subject.spec.env.section::<Network>().vpc.is_some() {
            return;
        }
        for (service, attrs) in subject.reach.services() {
            let own = Interface::of_service(&attrs);
            if !subject.reach.leaves(&own, HTTPS) {
                let path = ["services", service.name(), "security-groups"];
                let message =
                    "its security groups let nothing out to the internet on 443: tasks cannot pull their image";
                let help = "add an egress rule: { ports = \"443\", to = \"0.0.0.0/0\" }";
                found.report(service, &path, message, help);
            }
            if let Some(subnet) = subject.reach.cut_off(&own, attrs.public_ip) {
                let path = ["services", service.name()];
                let message =
                    format!("subnet `{subnet}` has no way to the internet: tasks cannot pull their image");
                let help = "set `nat` under [network], or run it in public subnets with `public-ip = true`";
                found.report(service, &path, message, help);
            }
        }
    },
};

pub const INTERNET_TO_BALANCER: Check = Check {
    code: "BP-NET-05",
    warns: "nobody may reach a load balancer on the port of its listener",
    find: |subject, found| {
        for (balancer, attrs) in subject.reach.load_balancers() {
            let own = Interface::of_load_balancer(&attrs);
            let path = match subject.spec.env.section::<LoadBalancers>().contains_key(balancer.name()) {
                true => vec![LoadBalancers::KEY, balancer.name(), "security-groups"],
                false => vec![LoadBalancer::KEY, "security-groups"],
            };
            let listeners = all::<Listener>(subject.graph).map(|(_, listener)| listener);
            let listeners: Vec<_> =
                listeners.filter(|listener| key(&listener.load_balancer) == Some(balancer.name())).collect();
            let is_entered = |port| subject.reach.is_entered(&own, port);
            // Nobody needs a redirect where the listener that it leads to is open.
            let is_spare = |action: &Action| {
                let leads = |port: &String| port.parse().is_ok_and(is_entered);
                matches!(action, Action::Redirect { port, .. } if leads(port))
            };
            for listener in listeners {
                if !is_entered(listener.port) && !is_spare(&listener.default_action) {
                    let message =
                        format!("its security groups let nobody in on {}, where it listens", listener.port);
                    let help = format!("add an ingress rule: {{ ports = \"{}\", from = … }}", listener.port);
                    found.report(balancer, &path, message, help);
                }
            }
        }
    },
};

fn report(
    found: &mut Findings,
    about: &Address,
    path: &[&str],
    (from, to): (&Address, &Address),
    port: i32,
    blocked: Vec<Blocked>,
) {
    let words = |blocked| match blocked {
        Blocked::Egress => (
            format!("the security groups of {from} let nothing out to {to} on {port}"),
            format!("add an egress rule to a group of {from}: {{ ports = \"{port}\", to = … }}"),
        ),
        Blocked::Ingress => (
            format!("the security groups of {to} let nothing in from {from} on {port}"),
            format!("add an ingress rule to a group of {to}: {{ ports = \"{port}\", from = … }}"),
        ),
    };
    for (message, help) in blocked.into_iter().map(words) {
        found.report(about, path, message, help);
    }
}

/// The databases whose address a service has, in its variables or by way of parameters.
fn databases(subject: &Subject<'_>, service: &str) -> Vec<String> {
    let mut open = vec![Address::new(<TaskDefinition as Target>::KIND, service)];
    let (mut seen, mut databases) = (open.clone(), Vec::new());
    while let Some(address) = open.pop() {
        for link in subject.reach.object(&address).map(|object| links(&object.attrs)).into_iter().flatten() {
            let Link::To { address, output } = link else { continue };
            match address.kind() {
                "db_instance" if output == "endpoint" => databases.push(address.name().to_owned()),
                "ssm_parameter" if !seen.contains(&address) => {
                    seen.push(address.clone());
                    open.push(address);
                }
                _ => {}
            }
        }
    }
    databases.sort_unstable();
    databases.dedup();
    databases
}
