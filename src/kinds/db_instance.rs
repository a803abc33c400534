use crate::value::Target;

pub struct DbInstance;

impl Target for DbInstance {
    const KIND: &'static str = "db_instance";
}
