use crate::kinds::edge::dns_record::section::Dns;
use crate::kinds::edge::entry::balancers;
use crate::spec::Environment;
use crate::value::Address;

/// What a person must set in a DNS that Baseplate does not write to: nothing where the spec names a hosted zone.
/// `output` answers what is known of an object.
pub fn dns_instructions(env: &Environment, output: impl Fn(&Address, &str) -> Option<String>) -> Vec<String> {
    let mut instructions = Vec::new();
    if !env.section::<Dns>().as_ref().is_some_and(|dns| dns.zone.is_none() && dns.zone_id.is_none()) {
        return instructions;
    }
    for balancer in balancers(env) {
        let target = output(&Address::new("load_balancer", balancer.key), "dns_name")
            .unwrap_or_else(|| "the load balancer's DNS name (known after apply)".to_owned());
        let set = |name| format!("set in your DNS: {name} as a CNAME (or alias) to {target}");
        instructions.extend(balancer.names().into_iter().map(set));
    }
    instructions
}
