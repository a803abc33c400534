//! Which subnets have a NAT gateway, and whom it serves.

use std::collections::BTreeSet;

use crate::kinds::network::section::{Nat, Network, Tier};
use crate::spec::Environment;

/// The keys of the public subnets that have a NAT gateway.
pub(in crate::kinds) fn with_gateway(env: &Environment) -> BTreeSet<&str> {
    match env.section::<Network>().nat {
        Nat::None => BTreeSet::new(),
        Nat::Single => first_public(env, None).into_iter().collect(),
        Nat::PerZone => private_zones(env).into_iter().filter_map(|zone| serving(env, zone)).collect(),
    }
}

/// The public subnet whose NAT gateway serves the private subnets of a zone: one in the zone itself with
/// `per-zone`, where it has a public subnet; else the first.
pub(in crate::kinds) fn serving<'a>(env: &'a Environment, zone: &str) -> Option<&'a str> {
    match env.section::<Network>().nat {
        Nat::None => None,
        Nat::Single => first_public(env, None),
        Nat::PerZone => first_public(env, Some(zone))
            .or_else(|| private_zones(env).into_iter().find_map(|zone| first_public(env, Some(zone))))
            .or_else(|| first_public(env, None)),
    }
}

/// The zones that have private subnets.
pub(in crate::kinds) fn private_zones(env: &Environment) -> BTreeSet<&str> {
    let private = env.section::<Network>().subnets.values().filter(|subnet| subnet.tier == Tier::Private);
    private.map(|subnet| subnet.zone.as_str()).collect()
}

/// The first public subnet by name, of the zone if one is given: a gateway does not move because the spec lists the
/// subnets otherwise. Gateways of an existing VPC are left alone.
fn first_public<'a>(env: &'a Environment, zone: Option<&str>) -> Option<&'a str> {
    if env.section::<Network>().vpc.is_some() {
        return None;
    }
    let public = env.section::<Network>().subnets.iter().filter(|(_, subnet)| subnet.tier == Tier::Public);
    let of_zone = public.filter(|(_, subnet)| zone.is_none_or(|zone| subnet.zone == zone));
    of_zone.map(|(key, _)| key.as_str()).min()
}
