//! Edits that AWS cannot make in place, over HTTP: the new object comes, what refers to the old one moves over, and
//! the old one goes.

use serde_json::json;

use crate::account::Account;
use crate::round_trip::city_with;
use crate::round_trip_edits::{Edit, assert_edits, edit, own};

const EDITS: &[Edit] = &[
    edit(
        "description of a security group",
        "description = \"PayloadCMS: the admin pages\"",
        "description = \"The admin pages\"",
        &[
            "replace security_group.payload: description",
            "replace security_group_rules.payload: group",
            "update ecs_service.payload: security_groups[]",
            "update security_group_rules.alb: egress[]",
            "update security_group_rules.rds: ingress[]",
        ],
    ),
    own(
        "range of a subnet",
        "10.20.144.0/20",
        "10.20.160.0/20",
        &[
            "replace subnet.private-b: cidr",
            "update db_subnet_group.payload: subnets[]",
            "update ecs_service.broker: subnets[]",
            "update ecs_service.dashboard: subnets[]",
            "update ecs_service.payload: subnets[]",
            "update ecs_service.proxy: subnets[]",
            "update ecs_service.update-env: subnets[]",
            "update route_table.private: subnets[]",
        ],
    ),
    own(
        "a NAT gateway a zone",
        "nat = \"single\"",
        "nat = \"per-zone\"",
        &[
            "create elastic_ip.nat-public-b",
            "create nat_gateway.public-b",
            "create route_table.private-eu-central-1a",
            "create route_table.private-eu-central-1b",
            "delete route_table.private",
        ],
    ),
    edit(
        "name of the first database",
        "database = \"payload\"",
        "database = \"cms\"",
        &[
            "replace db_instance.payload: database",
            "update ecs_service.payload: task_definition",
            "update ssm_parameter.payload/db-url: secret",
            "update task_definition.payload: parameter_versions.payload/db-url",
        ],
    ),
    own(
        "private domain",
        "dev.legocity.internal",
        "dev2.legocity.internal",
        &[
            "replace discovery_namespace.main: name",
            "replace discovery_service.broker: namespace",
            "replace discovery_service.proxy: namespace",
            "update ecs_service.broker: service_registries[]",
            "update ecs_service.dashboard: task_definition",
            "update ecs_service.proxy: service_registries[], task_definition",
            "update ecs_service.update-env: task_definition",
            "update ssm_parameter.broker/url: value",
            "update task_definition.dashboard: environment.API_URL",
            "update task_definition.proxy: parameter_versions.broker/url",
            "update task_definition.update-env: parameter_versions.broker/url",
        ],
    ),
    own(
        "public domain",
        "domain = \"dev.legocity.example\"",
        "domain = \"dev2.legocity.example\"",
        &[
            "create dns_record.admin.dev2.legocity.example",
            "create dns_record.dev2.legocity.example",
            "create dns_record.validation-admin.dev2.legocity.example",
            "create dns_record.validation-dev2.legocity.example",
            "delete dns_record.admin.dev.legocity.example",
            "delete dns_record.dev.legocity.example",
            "delete dns_record.validation-admin.dev.legocity.example",
            "delete dns_record.validation-dev.legocity.example",
            "replace certificate.main: alternative_names[], domain",
            "replace certificate_validation.main: certificate, names[]",
            "update ecs_service.dashboard: task_definition",
            "update ecs_service.payload: task_definition",
            "update listener.https: certificate[]",
            "update listener_rule.payload: hosts[]",
            "update task_definition.dashboard: environment.PUBLIC_API_URL",
            "update task_definition.payload: environment.SERVER_URL",
        ],
    ),
    edit(
        "load balancer inside the VPC",
        "[load-balancer]\n",
        "[load-balancer]\ninternal = true\n",
        &[
            "replace listener.http: load_balancer",
            "replace listener.https: load_balancer",
            "replace listener_rule.payload: listener",
            "replace listener_rule.payload.10: listener",
            "replace listener_rule.proxy: listener",
            "replace load_balancer.main: scheme",
            "update dns_record.admin.dev2.legocity.example: alias.dns_name, alias.zone_id",
            "update dns_record.dev2.legocity.example: alias.dns_name, alias.zone_id",
        ],
    ),
    edit(
        "no HTTPS",
        "certificate = { request = true }\n",
        "",
        &[
            "delete certificate.main",
            "delete certificate_validation.main",
            "delete dns_record.validation-admin.dev2.legocity.example",
            "delete dns_record.validation-dev2.legocity.example",
            "delete listener.https",
            "replace listener_rule.payload: listener",
            "replace listener_rule.payload.10: listener",
            "replace listener_rule.proxy: listener",
            "update listener.http: default_action.forward, default_action.redirect",
        ],
    ),
];

#[test]
fn what_is_replaced_leaves_nothing_behind() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    assert_edits(&account, "dev.toml", EDITS);
    account.done("destroy --yes dev.toml");
    assert_eq!(moto.boto("answer = inventory('legocity', 'dev')"), json!({}), "neither the old nor the new");
}
