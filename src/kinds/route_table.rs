use crate::value::Target;

pub struct RouteTable;

impl Target for RouteTable {
    const KIND: &'static str = "route_table";
}
