use crate::value::Target;

pub struct DbSubnetGroup;

impl Target for DbSubnetGroup {
    const KIND: &'static str = "db_subnet_group";
}
