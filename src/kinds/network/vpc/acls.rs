//! Network ACLs: a VPC comes with one that lets everything through, and nothing of ours needs another.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::types::{Filter, NetworkAcl, NetworkAclEntry, RuleAction};

use crate::aws::{CloudError, Reader, SdkResult};

/// The rule by which all is let through, for IPv4 and IPv6.
const ALL: [i32; 2] = [100, 101];
/// The rules behind all others, which nobody can change.
const LAST: i32 = 32_767;

/// By VPC, how its ACLs differ from the one that AWS makes: in one paged call.
pub(super) async fn by_vpc(read: &Reader<'_>, vpcs: Vec<String>) -> Result<BTreeMap<String, String>, CloudError> {
    let inside = Filter::builder().name("vpc-id").set_values(Some(vpcs)).build();
    let pages = read.aws.client::<Ec2>().describe_network_acls().filters(inside).into_paginator().items();
    let acls = pages.send().collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeNetworkAcls")?;
    let mut changed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for acl in &acls {
        let (Some(id), Some(vpc)) = (acl.network_acl_id(), acl.vpc_id()) else { continue };
        let lines = changes(acl).into_iter().map(|line| format!("{id} {line}"));
        changed.entry(vpc.to_owned()).or_default().extend(lines);
    }
    let told = changed.into_iter().filter(|(_, lines)| !lines.is_empty());
    Ok(told.map(|(vpc, lines)| (vpc, lines.into_iter().collect::<Vec<_>>().join(", "))).collect())
}

/// What its rules are besides those by which everything is let through, and whether one of those is missing.
fn changes(acl: &NetworkAcl) -> Vec<String> {
    let way = |out: bool| if out { "out" } else { "in" };
    let mut lines: Vec<String> = acl.entries().iter().filter(|entry| !is_usual(entry)).map(line).collect();
    for out in [false, true] {
        let usual = |entry: &&NetworkAclEntry| entry.egress() == Some(out) && entry.rule_number() == Some(ALL[0]);
        if !acl.entries().iter().filter(usual).any(is_usual) {
            lines.push(format!("does not let everything {}", way(out)));
        }
    }
    lines
}

fn is_usual(entry: &NetworkAclEntry) -> bool {
    let number = entry.rule_number().unwrap_or_default();
    let everywhere = entry.cidr_block() == Some("0.0.0.0/0") || entry.ipv6_cidr_block() == Some("::/0");
    let all = everywhere && entry.protocol() == Some("-1");
    let lets = entry.rule_action() == Some(&RuleAction::Allow);
    number >= LAST || (ALL.contains(&number) && all && lets)
}

/// `90 deny 203.0.113.0/24 in`.
fn line(entry: &NetworkAclEntry) -> String {
    let range = entry.cidr_block().or(entry.ipv6_cidr_block()).unwrap_or("?");
    let way = if entry.egress() == Some(true) { "out" } else { "in" };
    let action = entry.rule_action().map_or("?", RuleAction::as_str);
    format!("{} {action} {range} {way}", entry.rule_number().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i32, action: RuleAction, range: &str, out: bool) -> NetworkAclEntry {
        let entry = NetworkAclEntry::builder().rule_number(number).rule_action(action).cidr_block(range);
        entry.protocol("-1").egress(out).build()
    }

    #[test]
    fn only_what_is_not_aws_own_is_told() {
        let everything = |out| entry(100, RuleAction::Allow, "0.0.0.0/0", out);
        let nothing = |out| entry(32_767, RuleAction::Deny, "0.0.0.0/0", out);
        let usual = [everything(false), everything(true), nothing(false), nothing(true)];
        let acl = |entries: &[NetworkAclEntry]| NetworkAcl::builder().set_entries(Some(entries.to_vec())).build();
        assert_eq!(changes(&acl(&usual)), [""; 0]);
        let mut denied = usual.to_vec();
        denied.push(entry(90, RuleAction::Deny, "203.0.113.0/24", false));
        assert_eq!(changes(&acl(&denied)), ["90 deny 203.0.113.0/24 in"]);
        assert_eq!(changes(&acl(&usual[1..])), ["does not let everything in"]);
    }
}
