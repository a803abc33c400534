use crate::value::Target;

pub struct LoadBalancer;

impl Target for LoadBalancer {
    const KIND: &'static str = "load_balancer";
}
