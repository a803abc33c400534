//! The load balancers of an environment: what each is called, which names lead to it, and which of its listeners takes
//! the requests for the applications. What comes after it must know no more of it.

use std::collections::BTreeSet;

use crate::kinds::edge::dns_record::section::Dns;
use crate::kinds::edge::load_balancer::section::types::{LoadBalancer, LoadBalancers, MAIN};
use crate::spec::{Environment, Section};
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

/// A load balancer of the spec.
#[derive(Clone, Copy)]
pub(in crate::kinds) struct Balancer<'a> {
    pub key: &'a str,
    pub spec: &'a LoadBalancer,
    /// Whether it stands under `[load-balancers]`.
    listed: bool,
    /// The environment's names, where they lead to this one.
    pub dns: Option<&'a Dns>,
}

/// All load balancers, in the order of the spec.
pub(in crate::kinds) fn balancers(env: &Environment) -> Vec<Balancer<'_>> {
    let single = env.section::<LoadBalancer>().iter().map(|spec| (MAIN, spec, false));
    let listed = env.section::<LoadBalancers>().iter().map(|(key, spec)| (key.as_str(), spec, true));
    let each = single.chain(listed).map(|(key, spec, listed)| Balancer { key, spec, listed, dns: None });
    let mut all: Vec<Balancer<'_>> = each.collect();
    let dns = env.section::<Dns>().as_ref();
    let named = dns.and_then(|dns| Some(chosen(&all, dns.load_balancer.as_deref())?.key));
    if let Some(named) = all.iter_mut().find(|balancer| Some(balancer.key) == named) {
        named.dns = dns;
    }
    all
}

/// The load balancer of this key; without a key `main`, or the only one.
pub(in crate::kinds) fn chosen<'a>(balancers: &[Balancer<'a>], key: Option<&str>) -> Option<Balancer<'a>> {
    let named = balancers.iter().find(|balancer| balancer.key == key.unwrap_or(MAIN));
    let only = if let ([only], None) = (balancers, key) { Some(only) } else { None };
    named.or(only).copied()
}

impl<'a> Balancer<'a> {
    /// The path of its entry in the spec.
    pub fn path(&self) -> Vec<&'a str> {
        if self.listed { vec![LoadBalancers::KEY, self.key] } else { vec![LoadBalancer::KEY] }
    }

    /// The same by another key.
    pub fn with_key(self, key: &'a str) -> Self {
        Self { key, ..self }
    }

    /// What something of it is called: of `main` by its own name, of another by the load balancer's too.
    pub fn part(&self, name: &str) -> String {
        if self.key == MAIN { name.to_owned() } else { format!("{}.{name}", self.key) }
    }

    /// What something of a service is called that is there for this load balancer.
    pub fn for_service(&self, service: &str) -> String {
        if self.key == MAIN { service.to_owned() } else { format!("{service}.{}", self.key) }
    }

    /// The names that lead to it, in DNS's plain form.
    pub fn names(&self) -> BTreeSet<String> {
        let own = self.dns.into_iter().flat_map(|dns| dns.aliases.iter().chain([&dns.domain]));
        own.chain(&self.spec.domains).map(|name| plain(name)).collect()
    }

    /// The first of its names: a certificate is for that, and for the others besides.
    pub fn domain(&self) -> Option<String> {
        self.dns.map(|dns| &dns.domain).or(self.spec.domains.first()).map(|name| plain(name))
    }

    /// The section of the spec that its names come from.
    pub fn names_path(&self) -> Vec<&'a str> {
        if self.dns.is_some() { vec![Dns::KEY] } else { self.path() }
    }

    /// Whether a certificate is to be requested for its names.
    pub fn requests_certificate(&self) -> bool {
        matches!(self.certificate(), Some(Source::Requested))
    }

    /// The certificate of the listener that serves the applications; `None` where that is without TLS.
    pub fn certificate(&self) -> Option<Source<'a>> {
        let certificate = self.spec.certificate.as_ref()?;
        match &certificate.arn {
            Some(arn) => Some(Source::Existing(arn)),
            None => (certificate.request && self.domain().is_some()).then_some(Source::Requested),
        }
    }

    /// The name of the listener that serves the applications, the other one only redirecting.
    pub fn application(&self) -> String {
        self.part(if self.certificate().is_some() { "https" } else { "http" })
    }
}

/// A DNS name in lower case and without the dot at its end.
pub(in crate::kinds) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
