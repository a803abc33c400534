//! VPC, gateways and routes.

use serde_json::json;

use super::Block;
use crate::kinds::network::route_table::{self, Via};
use crate::kinds::network::{elastic_ip, internet_gateway, nat_gateway, subnet, vpc};

pub fn vpc(attrs: &vpc::Attrs) -> Vec<Block> {
    Block::one(
        "aws_vpc",
        json!({
            "cidr_block": attrs.cidr,
            "enable_dns_support": attrs.dns_support,
            "enable_dns_hostnames": attrs.dns_hostnames,
            "instance_tenancy": "default",
            "tags": attrs.tags,
        }),
    )
}

pub fn subnet(attrs: &subnet::Attrs) -> Vec<Block> {
    Block::one(
        "aws_subnet",
        json!({
            "vpc_id": attrs.vpc,
            "cidr_block": attrs.cidr,
            "availability_zone": attrs.zone,
            "map_public_ip_on_launch": attrs.map_public_ip_on_launch,
            "tags": attrs.tags,
        }),
    )
}

pub fn internet_gateway(attrs: &internet_gateway::Attrs) -> Vec<Block> {
    Block::one("aws_internet_gateway", json!({ "vpc_id": attrs.vpc, "tags": attrs.tags }))
}

pub fn elastic_ip(attrs: &elastic_ip::Attrs) -> Vec<Block> {
    Block::one("aws_eip", json!({ "domain": "vpc", "tags": attrs.tags }))
}

pub fn nat_gateway(attrs: &nat_gateway::Attrs) -> Vec<Block> {
    Block::one(
        "aws_nat_gateway",
        json!({
            "subnet_id": attrs.subnet,
            "allocation_id": attrs.allocation,
            "connectivity_type": attrs.connectivity,
            "tags": attrs.tags,
        }),
    )
}

pub fn route_table(attrs: &route_table::Attrs, own: &serde_json::Value) -> Vec<Block> {
    let route = |route: &route_table::Route| {
        let (gateway, nat) = match &route.via {
            Via::Gateway(gateway) => (json!(gateway), json!("")),
            Via::Nat(nat) => (json!(""), json!(nat)),
            // Terraform has an attribute for each sort of target; whatever this one is, it is a gateway's id to
            // whoever reads the plan.
            Via::Other(id) => (json!(id), json!("")),
        };
        let (v4, v6, list) = match route.destination.as_str() {
            list if list.starts_with("pl-") => ("", "", list),
            range if range.contains(':') => ("", range, ""),
            range => (range, "", ""),
        };
        json!({
            "cidr_block": v4,
            "ipv6_cidr_block": v6,
            "destination_prefix_list_id": list,
            "gateway_id": gateway,
            "nat_gateway_id": nat,
        })
    };
    let routes: Vec<_> = attrs.routes.iter().map(route).collect();
    let mut blocks =
        Block::one("aws_route_table", json!({ "vpc_id": attrs.vpc, "route": routes, "tags": attrs.tags }));
    blocks.extend(attrs.subnets.iter().map(|subnet| {
        let body = json!({ "subnet_id": subnet, "route_table_id": own });
        Block::part("aws_route_table_association", super::name_of(subnet), body)
    }));
    blocks
}
