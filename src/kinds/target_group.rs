use crate::value::Target;

pub struct TargetGroup;

impl Target for TargetGroup {
    const KIND: &'static str = "target_group";
}
