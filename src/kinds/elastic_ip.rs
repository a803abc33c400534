use crate::value::Target;

pub struct ElasticIp;

impl Target for ElasticIp {
    const KIND: &'static str = "elastic_ip";
}
