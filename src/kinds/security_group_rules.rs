use crate::value::Target;

pub struct SecurityGroupRules;

impl Target for SecurityGroupRules {
    const KIND: &'static str = "security_group_rules";
}
