//! From the spec's keys to typed references: a key of the spec, or the id of something that exists already.

use std::collections::BTreeSet;

use super::security_group::SecurityGroup;
use super::security_group_rules::SecurityGroupRules;
use super::subnet::Subnet;
use super::vpc::Vpc;
use crate::spec::{Environment, Tier};
use crate::value::{Address, Ref, Target};

/// The environment's VPC, ours or an existing one.
pub(super) fn vpc(env: &Environment) -> Ref<Vpc> {
    match &env.network.vpc {
        Some(id) => Ref::id(id),
        None => Ref::to("main"),
    }
}

/// One subnet by key.
pub(super) fn subnet(env: &Environment, key: &str) -> Ref<Subnet> {
    match env.network.subnets.get(key).and_then(|subnet| subnet.id.as_ref()) {
        Some(id) => Ref::id(id),
        None => Ref::to(key),
    }
}

/// The subnets named by key, or every one of the tier.
pub(super) fn subnets(env: &Environment, keys: Option<&Vec<String>>, tier: Tier) -> BTreeSet<Ref<Subnet>> {
    match keys {
        Some(keys) => keys.iter().map(|key| subnet(env, key)).collect(),
        None => {
            let all = env.network.subnets.iter().filter(|(_, subnet)| subnet.tier == tier);
            all.map(|(key, _)| subnet(env, key)).collect()
        }
    }
}

/// One security group by key, or by the id of an existing one.
pub(super) fn security_group(env: &Environment, name: &str) -> Ref<SecurityGroup> {
    if env.security_groups.contains_key(name) { Ref::to(name) } else { Ref::id(name) }
}

/// The rules of these groups: without them nobody reaches what has the groups, nor does that reach anybody.
pub(super) fn rules<'a>(env: &'a Environment, names: &'a [String]) -> impl Iterator<Item = Address> + 'a {
    let ours = names.iter().filter(|name| env.security_groups.contains_key(name));
    ours.map(|name| Address::new(SecurityGroupRules::KIND, name))
}

pub(super) fn security_groups(env: &Environment, names: &[String]) -> BTreeSet<Ref<SecurityGroup>> {
    names.iter().map(|name| security_group(env, name)).collect()
}
