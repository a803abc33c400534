use crate::value::Target;

pub struct DiscoveryService;

impl Target for DiscoveryService {
    const KIND: &'static str = "discovery_service";
}
