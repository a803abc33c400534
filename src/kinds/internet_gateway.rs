use crate::value::Target;

pub struct InternetGateway;

impl Target for InternetGateway {
    const KIND: &'static str = "internet_gateway";
}
