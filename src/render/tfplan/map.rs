//! Which of Terraform's types each kind is.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Block, compute, data, edge, network, security};
use crate::value::{Address, tag};

/// An object's attributes, with references by address, as Terraform's resources: the object itself first, then
/// what Terraform has as resources of their own. `None` for a kind that is not mapped, or attributes of another
/// shape.
pub fn blocks(address: &Address, attrs: &Value, region: &str) -> Option<Vec<Block>> {
    let own = json!({ tag::TO: address, "output": "id" });
    Some(match address.kind() {
        "vpc" => network::vpc(&read(attrs)?),
        "internet_gateway" => network::internet_gateway(&read(attrs)?),
        "subnet" => network::subnet(&read(attrs)?),
        "elastic_ip" => network::elastic_ip(&read(attrs)?),
        "nat_gateway" => network::nat_gateway(&read(attrs)?),
        "route_table" => network::route_table(&read(attrs)?, &own),
        "security_group" => security::group(&read(attrs)?),
        "security_group_rules" => security::rules(&read(attrs)?),
        "iam_role" => security::role(&read(attrs)?, &own),
        "db_subnet_group" => data::subnet_group(&read(attrs)?),
        "db_instance" => data::instance(&read(attrs)?),
        "ecr_repository" => data::repository(&read(attrs)?, &own),
        "ssm_parameter" => data::parameter(&read(attrs)?),
        "log_group" => compute::logs(&read(attrs)?),
        "ecs_cluster" => compute::cluster(&read(attrs)?),
        "discovery_namespace" => compute::namespace(&read(attrs)?),
        "discovery_service" => compute::discovery(&read(attrs)?),
        "task_definition" => compute::task(&read(attrs)?, region),
        "ecs_service" => compute::service(&read(attrs)?),
        "certificate" => edge::certificate(&read(attrs)?),
        "certificate_validation" => edge::validation(&read(attrs)?),
        "load_balancer" => edge::balancer(&read(attrs)?),
        "target_group" => edge::targets(&read(attrs)?),
        "listener" => edge::listener(&read(attrs)?),
        "listener_rule" => edge::rule(&read(attrs)?),
        "dns_record" => edge::record(&read(attrs)?, address),
        _ => return None,
    })
}

fn read<A: DeserializeOwned>(attrs: &Value) -> Option<A> {
    A::deserialize(attrs).ok()
}
