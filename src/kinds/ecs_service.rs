use crate::value::Target;

pub struct EcsService;

impl Target for EcsService {
    const KIND: &'static str = "ecs_service";
}
