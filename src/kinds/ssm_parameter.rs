use crate::value::Target;

pub struct SsmParameter;

impl Target for SsmParameter {
    const KIND: &'static str = "ssm_parameter";
}
