use crate::value::Target;

pub struct NatGateway;

impl Target for NatGateway {
    const KIND: &'static str = "nat_gateway";
}
