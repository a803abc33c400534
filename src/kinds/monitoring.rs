pub mod log_group;
pub mod sns_topic;
