use crate::value::Target;

pub struct TaskDefinition;

impl Target for TaskDefinition {
    const KIND: &'static str = "task_definition";
}
