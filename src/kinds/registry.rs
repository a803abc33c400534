pub mod ecr_repository;
pub mod images;
pub mod push;
