//! Security groups, and the roles of services.

use serde_json::{Value, json};

use super::{Block, document};
use crate::kinds::identity::iam_role;
use crate::kinds::network::security_group;
use crate::kinds::network::security_group_rules::{self, Peer, Rule};

pub fn group(attrs: &security_group::Attrs) -> Vec<Block> {
    let body = json!({
        "name": attrs.name,
        "description": attrs.description,
        "vpc_id": attrs.vpc,
        "revoke_rules_on_delete": false,
        "tags": attrs.tags,
    });
    Block::one("aws_security_group", body)
}

/// One `aws_security_group_rule` a rule, so that a plan shows which of them come and go. Of the types that
/// Terraform has for rules it is the one in which policies find a rule for every protocol: they read `protocol`
/// and ports, and `aws_vpc_security_group_ingress_rule` has `ip_protocol`, and then no ports.
pub fn rules(attrs: &security_group_rules::Attrs) -> Vec<Block> {
    let side = |side: &'static str, rule: &Rule| {
        let (from, to) = if rule.protocol == "-1" { (0, 0) } else { (rule.from_port, rule.to_port) };
        let (mut v4, mut v6, mut lists, mut source, mut own) = (vec![], vec![], vec![], Value::Null, false);
        let peer = match &rule.peer {
            Peer::Cidr(range) if range.contains(':') => {
                v6.push(range);
                range.clone()
            }
            Peer::Cidr(range) => {
                v4.push(range);
                range.clone()
            }
            Peer::PrefixList(id) => {
                lists.push(id);
                id.clone()
            }
            Peer::Group(group) if *group == attrs.group => {
                own = true;
                "self".to_owned()
            }
            Peer::Group(group) => {
                source = json!(group);
                super::name_of(group)
            }
        };
        let direction = if side == "ingress" { "from" } else { "to" };
        let part = format!("{side}-{}-{from}-{to}-{direction}-{peer}", rule.protocol);
        let body = json!({
            "type": side,
            "security_group_id": attrs.group,
            "protocol": rule.protocol,
            "from_port": from,
            "to_port": to,
            "cidr_blocks": v4,
            "ipv6_cidr_blocks": v6,
            "prefix_list_ids": lists,
            "source_security_group_id": source,
            "self": own,
            "description": rule.description,
        });
        Block::part("aws_security_group_rule", part, body)
    };
    let ingress = attrs.ingress.iter().map(|rule| side("ingress", rule));
    ingress.chain(attrs.egress.iter().map(|rule| side("egress", rule))).collect()
}

pub fn role(attrs: &iam_role::Attrs, own: &Value) -> Vec<Block> {
    let body = json!({
        "name": attrs.name,
        "path": attrs.path,
        "assume_role_policy": document(&attrs.trust),
        "tags": attrs.tags,
    });
    let mut blocks = Block::one("aws_iam_role", body);
    blocks.extend(attrs.policies.iter().map(|(name, policy)| {
        let body = json!({ "name": name, "role": own, "policy": document(policy) });
        Block::part("aws_iam_role_policy", name.clone(), body)
    }));
    blocks.extend(attrs.managed_policies.iter().map(|arn| {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let body = json!({ "role": own, "policy_arn": arn });
        Block::part("aws_iam_role_policy_attachment", name.to_owned(), body)
    }));
    blocks
}
