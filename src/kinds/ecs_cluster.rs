use crate::value::Target;

pub struct EcsCluster;

impl Target for EcsCluster {
    const KIND: &'static str = "ecs_cluster";
}
