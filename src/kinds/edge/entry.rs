//! Which listener takes the requests for the applications: what comes after it must know no more of it.

use crate::kinds::edge::certificate;
use crate::kinds::edge::load_balancer::section::LoadBalancer;
use crate::spec::Environment;
use crate::value::Target;

pub struct Listener;

impl Target for Listener {
    const KIND: &'static str = "listener";
}

/// Where the certificate comes from that applications are served with.
pub(in crate::kinds) enum Source<'a> {
    /// One that exists already, by its ARN.
    Existing(&'a str),
    Requested,
}

/// The certificate of the listener that serves the applications; `None` where that is without TLS.
pub(in crate::kinds) fn certificate(env: &Environment) -> Option<Source<'_>> {
    match &env.section::<LoadBalancer>().as_ref()?.certificate.as_ref()?.arn {
        Some(arn) => Some(Source::Existing(arn)),
        None => certificate::requested(env).map(|_| Source::Requested),
    }
}

/// The name of the listener that serves the applications, the other one only redirecting.
pub(in crate::kinds) fn application(env: &Environment) -> &'static str {
    if certificate(env).is_some() { "https" } else { "http" }
}
