pub mod db_instance;
pub mod db_subnet_group;
pub mod section;
