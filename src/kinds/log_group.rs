use crate::value::Target;

pub struct LogGroup;

impl Target for LogGroup {
    const KIND: &'static str = "log_group";
}
