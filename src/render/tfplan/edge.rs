//! Load balancer, certificate and DNS.

use serde_json::{Value, json};

use super::Block;
use crate::kinds::edge::dns_record::{self, Answer, DnsRecord};
use crate::kinds::edge::listener::{self, Action};
use crate::kinds::edge::{certificate, certificate_validation, listener_rule, load_balancer, target_group};
use crate::value::{Address, Ref};

pub fn balancer(attrs: &load_balancer::Attrs) -> Vec<Block> {
    let body = json!({
        "name": attrs.name,
        "load_balancer_type": attrs.sort,
        "internal": attrs.scheme == "internal",
        "subnets": attrs.subnets,
        "security_groups": attrs.security_groups,
        "idle_timeout": attrs.idle_timeout,
        "enable_deletion_protection": attrs.deletion_protection,
        "drop_invalid_header_fields": attrs.drop_invalid_headers,
        "tags": attrs.tags,
    });
    Block::one("aws_lb", body)
}

pub fn targets(attrs: &target_group::Attrs) -> Vec<Block> {
    let check = &attrs.health_check;
    let body = json!({
        "name": attrs.name,
        "vpc_id": attrs.vpc,
        "port": attrs.port,
        "protocol": attrs.protocol,
        "target_type": attrs.target_type,
        "deregistration_delay": attrs.deregistration_delay.to_string(),
        "health_check": [{
            "enabled": true,
            "protocol": check.protocol,
            "port": check.port,
            "path": check.path,
            "matcher": check.status,
            "interval": check.interval,
            "timeout": check.timeout,
            "healthy_threshold": check.healthy_threshold,
            "unhealthy_threshold": check.unhealthy_threshold,
        }],
        "tags": attrs.tags,
    });
    Block::one("aws_lb_target_group", body)
}

pub fn listener(attrs: &listener::Attrs) -> Vec<Block> {
    let body = json!({
        "load_balancer_arn": attrs.load_balancer,
        "port": attrs.port,
        "protocol": attrs.protocol,
        "ssl_policy": attrs.ssl_policy,
        "certificate_arn": attrs.certificate.first(),
        "default_action": [action(&attrs.default_action)],
        "tags": attrs.tags,
    });
    Block::one("aws_lb_listener", body)
}

pub fn rule(attrs: &listener_rule::Attrs) -> Vec<Block> {
    let mut conditions = Vec::new();
    if !attrs.paths.is_empty() {
        conditions.push(json!({ "path_pattern": [{ "values": attrs.paths }] }));
    }
    if !attrs.hosts.is_empty() {
        conditions.push(json!({ "host_header": [{ "values": attrs.hosts }] }));
    }
    let body = json!({
        "listener_arn": attrs.listener,
        "priority": attrs.priority,
        "condition": conditions,
        "action": [action(&attrs.action)],
        "tags": attrs.tags,
    });
    Block::one("aws_lb_listener_rule", body)
}

fn action(action: &Action) -> Value {
    match action {
        Action::Forward { target_group, .. } => json!({ "type": "forward", "target_group_arn": target_group }),
        Action::Redirect { protocol, port, host, path, query, status } => json!({
            "type": "redirect",
            "redirect": [{
                "protocol": protocol,
                "port": port,
                "host": host,
                "path": path,
                "query": query,
                "status_code": status,
            }],
        }),
        Action::Fixed { status, content_type, body } => json!({
            "type": "fixed-response",
            "fixed_response": [{ "status_code": status, "content_type": content_type, "message_body": body }],
        }),
        // Made by hand, and known only in words.
        Action::Other(words) => json!({ "type": words }),
    }
}

pub fn certificate(attrs: &certificate::Attrs) -> Vec<Block> {
    let body = json!({
        "domain_name": attrs.domain,
        "subject_alternative_names": attrs.alternative_names,
        "validation_method": attrs.validation,
        "tags": attrs.tags,
    });
    Block::one("aws_acm_certificate", body)
}

pub fn validation(attrs: &certificate_validation::Attrs) -> Vec<Block> {
    Block::one("aws_acm_certificate_validation", json!({ "certificate_arn": attrs.certificate }))
}

/// The zone's id is the record's own output: a spec may name the zone by its domain.
pub fn record(attrs: &dns_record::Attrs, address: &Address) -> Vec<Block> {
    let zone: Ref<DnsRecord> = Ref::output(address.name(), "zone_id");
    let (ttl, records, alias) = match &attrs.answer {
        Answer::Alias { dns_name, zone_id, evaluate_target_health } => (
            Value::Null,
            Value::Null,
            json!([{
                "name": dns_name,
                "zone_id": zone_id,
                "evaluate_target_health": evaluate_target_health,
            }]),
        ),
        Answer::Values { ttl, values } => (json!(ttl), json!(values), json!([])),
    };
    let body = json!({
        "zone_id": zone,
        "name": attrs.name,
        "type": attrs.sort,
        "ttl": ttl,
        "records": records,
        "alias": alias,
    });
    Block::one("aws_route53_record", body)
}
