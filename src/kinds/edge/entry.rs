//! Which listener takes the requests for the applications: what comes after it must know no more of it.

use crate::kinds::edge::certificate;
use crate::spec::Environment;
use crate::value::Target;

pub struct Listener;

impl Target for Listener {
    const KIND: &'static str = "listener";
}

/// The name of the listener that serves the applications, the other one only redirecting.
pub(in crate::kinds) fn application(env: &Environment) -> &'static str {
    let given = env.load_balancer.as_ref().and_then(|balancer| balancer.certificate.as_ref());
    let is_given = given.is_some_and(|certificate| certificate.arn.is_some());
    if is_given || certificate::requested(env).is_some() { "https" } else { "http" }
}
