//! What the values of a spec must mean together; its structure has been checked before.

mod compute;
mod data;
mod differs;
mod edge;
mod network;

use super::names::listed;
use super::{Catalog, Environment, Problem};

/// What the parameters that are Baseplate's own begin with; a project of this name would find them among its own.
const OWN_PATH: &str = "baseplate";

/// Everything that is wrong, in no particular order.
pub fn validate(env: &Environment, catalog: &Catalog) -> Vec<Problem> {
    let mut check = Check { env, catalog, problems: Vec::new() };
    if env.project == OWN_PATH {
        let help = format!("take another: Baseplate keeps its locks in the parameters under /{OWN_PATH}/");
        check.report(&["project"], format!("`{OWN_PATH}` cannot be a project"), help);
    }
    check.keys(&["network", "subnets"], env.network.subnets.keys());
    check.keys(&["security-groups"], env.security_groups.keys());
    check.keys(&["databases"], env.databases.keys());
    check.keys(&["registries"], env.registries.keys());
    check.keys(&["services"], env.services.keys());
    network::network(&mut check);
    network::security_groups(&mut check);
    data::databases(&mut check);
    data::registries(&mut check);
    data::parameters(&mut check);
    data::tags(&mut check);
    compute::services(&mut check);
    edge::routes(&mut check);
    edge::load_balancer(&mut check);
    edge::dns(&mut check);
    differs::differs(&mut check);
    check.problems
}

struct Check<'a> {
    env: &'a Environment,
    catalog: &'a Catalog,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn report(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::at(path, message, help));
    }

    /// Reports the key at the end of the path, not its value.
    fn report_key(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem { of_key: true, ..Problem::at(path, message, help) });
    }

    /// Keys that physical names are made of must be such as every service of AWS takes.
    fn keys<'k>(&mut self, section: &[&str], keys: impl Iterator<Item = &'k String>) {
        for key in keys {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let sound = key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(plain);
            if !sound || key.ends_with('-') || key.contains("--") {
                let help = "small letters, digits and single hyphens, a letter first: names in AWS are made of it";
                self.report_key(&[section, &[key]].concat(), format!("`{key}` cannot be a key here"), help);
            }
        }
    }

    /// A template's placeholders must name something.
    fn template(&mut self, path: &[&str], template: &str) {
        for error in self.env.parse_template(template).err().into_iter().flatten() {
            let mut problem = Problem::at(path, error.message, error.help);
            problem.part = Some(error.placeholder);
            self.problems.push(problem);
        }
    }

    /// Names of security groups must be keys of this spec, or ids.
    fn security_groups(&mut self, path: &[&str], names: &[String]) {
        if names.is_empty() {
            self.report(
                path,
                "no security group",
                "without one AWS takes the VPC's default group: name at least one",
            );
        }
        for (index, name) in names.iter().enumerate() {
            if !self.env.security_groups.contains_key(name) && !name.starts_with("sg-") {
                let help = one_of("security groups", self.env.security_groups.keys());
                let index = index.to_string();
                self.report(&[path, &[&index]].concat(), format!("no security group is called `{name}`"), help);
            }
        }
    }

    /// Subnets named by key must exist; answers the zones that the named ones, or else all of a tier, lie in.
    fn subnets(&mut self, path: &[&str], keys: Option<&Vec<String>>, tier: super::Tier) -> Vec<&'a str> {
        let env = self.env;
        let subnets = &env.network.subnets;
        let mut zones: Vec<&str> = match keys {
            None => {
                subnets.values().filter(|subnet| subnet.tier == tier).map(|subnet| subnet.zone.as_str()).collect()
            }
            Some(keys) => {
                for (index, key) in keys.iter().enumerate().filter(|(_, key)| !subnets.contains_key(key)) {
                    let (help, index) = (one_of("subnets", subnets.keys()), index.to_string());
                    self.report(&[path, &[&index]].concat(), format!("no subnet is called `{key}`"), help);
                }
                keys.iter().filter_map(|key| subnets.get(key)).map(|subnet| subnet.zone.as_str()).collect()
            }
        };
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    /// A physical name set by hand must be one that AWS takes.
    fn name(&mut self, path: &[&str], name: Option<&String>, max: usize) {
        let Some(name) = name else { return };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.chars().count() > max {
            let message = format!("`{name}` has {} characters, AWS takes {max} at most", name.chars().count());
            self.report(path, message, "shorten it, or leave it out: derived names are shortened with a hash");
        } else if name.is_empty() || !name.chars().all(plain) || name.starts_with('-') || name.ends_with('-') {
            let message = format!("`{name}` is not a name that AWS takes");
            self.report(path, message, "letters, digits and hyphens, none of them at the ends");
        }
    }
}

fn one_of<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let mut names = names.map(String::as_str).peekable();
    match names.peek() {
        None => format!("the spec has no {what}"),
        Some(_) => format!("{what} are: {}", listed(names)),
    }
}
