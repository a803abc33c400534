use crate::kinds::edge::dns_record::section::Dns;
use crate::spec::Environment;
use crate::value::Address;

/// What a person must set in a DNS that Baseplate does not write to: nothing where the spec names a hosted zone.
/// `output` answers what is known of an object.
pub fn dns_instructions(env: &Environment, output: impl Fn(&Address, &str) -> Option<String>) -> Vec<String> {
    let Some(dns) = env.section::<Dns>().as_ref().filter(|dns| dns.zone.is_none() && dns.zone_id.is_none()) else {
        return Vec::new();
    };
    let target = output(&Address::new("load_balancer", "main"), "dns_name")
        .unwrap_or_else(|| "the load balancer's DNS name (known after apply)".to_owned());
    let names = std::iter::once(&dns.domain).chain(&dns.aliases);
    names.map(|name| format!("set in your DNS: {name} as a CNAME (or alias) to {target}")).collect()
}
