pub mod certificate;
pub mod certificate_validation;
pub mod dns_record;
pub(in crate::kinds) mod entry;
pub mod listener;
pub mod listener_rule;
pub mod load_balancer;
pub(in crate::kinds) mod routes;
pub mod target_group;
