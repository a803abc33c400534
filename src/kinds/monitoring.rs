pub mod log_group;
