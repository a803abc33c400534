//! Whom a rule that goes cuts off.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Attrs, Peer, Rule};
use crate::kinds::network::security_group::SecurityGroup;
use crate::kinds::{Impact, User, Users};
use crate::value::{Ref, tag};

/// An outage where a rule goes that let somebody through, and both ends stay: something of the group that listens on
/// its ports, and its peer. Unless another rule still lets them through, or a new one for the same peer takes its place,
/// as when a port moves: both stay open until all have moved.
pub(super) fn impact(live: &Attrs, desired: &Attrs, users: &Users<'_>) -> Impact {
    let own = members(&live.group, users).unwrap_or_default();
    let is_peer_there = |rule: &Rule| match &rule.peer {
        // One of somebody else's groups has members that nobody here knows.
        Peer::Group(group) => members(group, users).is_none_or(|members| !members.is_empty()),
        Peer::Cidr(_) | Peer::PrefixList(_) => true,
    };
    let listens = |rule: &Rule| own.iter().any(|member| listens(member, rule, users));
    let comes_in = gone(&live.ingress, &desired.ingress).any(|rule| is_peer_there(rule) && listens(rule));
    let goes_out = gone(&live.egress, &desired.egress).any(|rule| is_peer_there(rule) && !own.is_empty());
    if comes_in || goes_out { Impact::Outage } else { Impact::None }
}

/// The rules whose traffic nothing lets through any more.
fn gone<'a>(live: &'a BTreeSet<Rule>, desired: &'a BTreeSet<Rule>) -> impl Iterator<Item = &'a Rule> {
    let is_new = |rule: &Rule| !live.iter().any(|before| before.allows_the_same(rule));
    let takes_over =
        move |rule: &Rule, other: &Rule| other.covers(rule) || (is_new(other) && other.is_for_same_peer(rule));
    live.iter().filter(move |rule| !desired.iter().any(|other| takes_over(rule, other)))
}

/// What stays in a group; `None` where the group is not ours.
fn members<'a>(group: &Ref<SecurityGroup>, users: &Users<'a>) -> Option<Vec<User<'a>>> {
    let is_in_group = |user: &&User<'a>| {
        let groups = user.attrs.get("security_groups").and_then(Value::as_array);
        groups.is_some_and(|groups| groups.iter().any(|other| other[tag::ID] == group.value()))
    };
    let users = users.of_another(group)?;
    Some(users.iter().filter(|user| user.stays).filter(is_in_group).copied().collect())
}

/// Whether it takes what comes by this rule, as far as is known.
fn listens(member: &User<'_>, rule: &Rule, users: &Users<'_>) -> bool {
    let ports: Option<Vec<i64>> = match member.address.kind() {
        "db_instance" => member.attrs["port"].as_i64().map(|port| vec![port]),
        "ecs_service" => {
            let ports =
                users.attributes(&member.attrs["task_definition"]).and_then(|attrs| attrs["ports"].as_array());
            ports.map(|ports| ports.iter().filter_map(Value::as_i64).collect())
        }
        // A load balancer's are its listeners'.
        _ => None,
    };
    let Some(ports) = ports.filter(|_| rule.protocol == "tcp") else { return true };
    ports.into_iter().any(|port| (i64::from(rule.from_port)..=i64::from(rule.to_port)).contains(&port))
}
