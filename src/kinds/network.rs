pub mod default_security_group;
mod ec2;
pub mod elastic_ip;
#[cfg(feature = "aws")]
pub(in crate::kinds) mod interfaces;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod route_table;
pub mod section;
pub mod security_group;
pub mod security_group_rules;
pub mod subnet;
pub mod vpc;
mod zones;
