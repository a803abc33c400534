//! Records that somebody made beside ours, of the types that lead a client somewhere. What else stands at a name (MX, TXT,
//! CAA) is the domain's own and no matter of the environment's.

use std::collections::HashMap;

use aws_sdk_route53::types::ResourceRecordSet;

use super::{BESIDE, wire};
use crate::kinds::members::{Members, Settings};

pub(super) fn members() -> Members {
    Members::of_made("route53:ListResourceRecordSets", "ResourceRecordSets of our names", &[], BESIDE, &[])
}

/// By name, each type with where it leads.
pub(super) fn by_name(sets: &[ResourceRecordSet]) -> HashMap<String, Settings> {
    let mut found: HashMap<String, Settings> = HashMap::new();
    for set in sets.iter().filter(|set| BESIDE.contains(&set.r#type().as_str())) {
        let values = set.resource_records().iter().map(aws_sdk_route53::types::ResourceRecord::value);
        let alias = set.alias_target().map(aws_sdk_route53::types::AliasTarget::dns_name);
        let leads = values.chain(alias).collect::<Vec<_>>().join(", ");
        let told = found.entry(wire::plain(set.name())).or_default();
        told.entry(set.r#type().as_str().to_owned())
            .and_modify(|all| *all += &format!(", {leads}"))
            .or_insert(leads);
    }
    found
}
