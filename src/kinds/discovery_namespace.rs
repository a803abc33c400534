use crate::value::Target;

pub struct DiscoveryNamespace;

impl Target for DiscoveryNamespace {
    const KIND: &'static str = "discovery_namespace";
}
