pub mod ecr_repository;
