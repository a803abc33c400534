use crate::value::Target;

pub struct SecurityGroup;

impl Target for SecurityGroup {
    const KIND: &'static str = "security_group";
}
