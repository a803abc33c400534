pub mod discovery_namespace;
pub mod discovery_service;
pub mod ecs_cluster;
pub mod ecs_service;
pub mod section;
pub mod services;
pub mod task_definition;
