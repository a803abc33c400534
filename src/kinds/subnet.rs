use crate::value::Target;

pub struct Subnet;

impl Target for Subnet {
    const KIND: &'static str = "subnet";
}
