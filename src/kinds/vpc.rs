use crate::value::Target;

pub struct Vpc;

impl Target for Vpc {
    const KIND: &'static str = "vpc";
}
