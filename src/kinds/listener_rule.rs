use crate::value::Target;

pub struct ListenerRule;

impl Target for ListenerRule {
    const KIND: &'static str = "listener_rule";
}
