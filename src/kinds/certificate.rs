use crate::value::Target;

pub struct Certificate;

impl Target for Certificate {
    const KIND: &'static str = "certificate";
}
