use crate::value::Target;

pub struct IamRole;

impl Target for IamRole {
    const KIND: &'static str = "iam_role";
}
