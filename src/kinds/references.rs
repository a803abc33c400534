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

/// How many security groups a network interface takes by default
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
const MOST_GROUPS: usize = 5;

/// Old and new groups together, where some go and there is room for all: what connects by the rules of an old group
/// does so until the rules of the new one are met everywhere.
pub(super) fn both_groups(
    live: &BTreeSet<Ref<SecurityGroup>>,
    desired: &BTreeSet<Ref<SecurityGroup>>,
) -> Option<BTreeSet<Ref<SecurityGroup>>> {
    let groups: BTreeSet<_> = live.union(desired).cloned().collect();
    (groups.len() > desired.len() && groups.len() <= MOST_GROUPS).then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_group_stays_until_the_end_where_there_is_room() {
        let groups = |ids: &[&str]| ids.iter().map(|id| Ref::id(*id)).collect();
        let both = |live: &[&str], desired: &[&str]| {
            both_groups(&groups(live), &groups(desired)).map(|groups| groups.len())
        };
        assert_eq!(both(&["a"], &["b"]), Some(2));
        assert_eq!(both(&["a"], &["a", "b"]), None);
        assert_eq!(both(&["a", "b", "c"], &["d", "e", "f"]), None);
    }
}
