//! The URLs under which services are reached, as listeners and their rules live say.

use std::collections::BTreeSet;

use crate::kinds::compute::section::Services;
use crate::kinds::compute::services::EcsService;
use crate::kinds::edge::dns_record::section::Dns;
use crate::kinds::edge::entry::Balancer;
use crate::kinds::edge::listener::Action;
use crate::kinds::edge::routes::routed;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::spec::Section;
use crate::value::Target;

/// The output that has them.
pub(in crate::kinds) const URL: &str = "services.….url";

/// The kinds whose live objects they are made of.
pub(in crate::kinds) const MADE_OF: &[&str] =
    &["listener", "target_group", "load_balancer", "dns_record", "ecs_service"];

/// The URLs of the service that requests are sent to: one for each host and path, which may be patterns. Without hosts,
/// the load balancer's first name that leads to it, or else its own. None for what answers nobody yet.
pub(in crate::kinds) fn urls<A>(
    live: &LiveObject<'_, A>,
    action: &Action,
    is_encrypted: bool,
    hosts: &BTreeSet<String>,
    paths: &BTreeSet<String>,
) -> Vec<EnvironmentOutput> {
    let Action::Forward { target_group, .. } = action else { return Vec::new() };
    let Some(group) = live.named(target_group) else { return Vec::new() };
    let routed = routed(live.env);
    let Some(routed) = routed.iter().find(|routed| routed.target_group() == group) else { return Vec::new() };
    if live.find(EcsService::KIND, routed.key).is_none() {
        return Vec::new();
    }
    let hosts: Vec<String> = match hosts.is_empty() {
        true => name(live, &routed.balancer).into_iter().collect(),
        false => hosts.iter().filter(|host| is_plain(host)).cloned().collect(),
    };
    let mut paths: BTreeSet<&str> = paths.iter().map(|path| begins(path)).collect();
    if paths.is_empty() {
        paths.insert("/");
    }
    let scheme = if is_encrypted { "https" } else { "http" };
    let urls = hosts.iter().flat_map(|host| paths.iter().map(move |path| format!("{scheme}://{host}{path}")));
    let called = format!("{}.{}.url", Services::KEY, routed.key);
    urls.flat_map(|url| live.output(called.clone(), OutputSort::Url, Some(&url))).collect()
}

/// The name under which a load balancer is reached. Where Baseplate writes its records, those must be there.
fn name<A>(live: &LiveObject<'_, A>, balancer: &Balancer<'_>) -> Option<String> {
    let dns = live.env.section::<Dns>().as_ref();
    let is_written = dns.is_some_and(|dns| dns.zone.is_some() || dns.zone_id.is_some());
    let leads_here = |name: &String| is_plain(name) && (!is_written || live.find("dns_record", name).is_some());
    let first = balancer.domain().filter(leads_here);
    let own = || live.find("load_balancer", balancer.key)?.outputs.get("dns_name").cloned();
    first.or_else(|| balancer.names().into_iter().find(leads_here)).or_else(own)
}

fn is_plain(host: &str) -> bool {
    !host.contains(['*', '?'])
}

/// What every path that matches a pattern begins with.
fn begins(pattern: &str) -> &str {
    let plain = pattern.split(['*', '?']).next().unwrap_or_default();
    if plain.is_empty() { "/" } else { plain }
}

#[cfg(test)]
mod tests {
    use super::begins;

    #[test]
    fn a_pattern_is_opened_at_its_beginning() {
        let patterns = ["/admin*", "/api/*", "*.jpg", "/", "/a?c"];
        assert_eq!(patterns.map(begins), ["/admin", "/api/", "/", "/", "/a"]);
    }
}
