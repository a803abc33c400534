use crate::value::Target;

pub struct Listener;

impl Target for Listener {
    const KIND: &'static str = "listener";
}
