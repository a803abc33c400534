//! Between attributes and Route 53's record sets, which spell names in ways of their own.

use std::fmt::Display;

use aws_sdk_route53::types as route53;

use super::{Alias, Attrs, LeadsTo};
use crate::aws::CloudError;
use crate::value::{Ref, Tags, Text};

/// A name as the spec has it: lower case, no dot at the end, `*` for the `\052` that Route 53 answers.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase().replace("\\052", "*")
}

/// The attributes of a live record.
pub(super) fn read(zone: &str, set: &route53::ResourceRecordSet, tags: Tags) -> Attrs {
    let leads_to = match set.alias_target() {
        Some(alias) => {
            let name = plain(alias.dns_name());
            // The console puts this before a load balancer's name; it leads to the same addresses.
            let name = name.strip_prefix("dualstack.").unwrap_or(&name);
            let alias = Alias {
                dns_name: Ref::live("dns_name", name),
                zone_id: Ref::live("zone_id", alias.hosted_zone_id()),
                evaluate_target_health: alias.evaluate_target_health(),
            };
            LeadsTo::Alias { alias }
        }
        None => LeadsTo::Records {
            ttl: set.ttl().unwrap_or_default(),
            records: set.resource_records().iter().map(|record| plain(record.value()).into()).collect(),
        },
    };
    Attrs {
        zone: zone.to_owned(),
        name: plain(set.name()).into(),
        sort: set.r#type().as_str().to_owned(),
        leads_to,
        tags,
    }
}

/// The record set that resolved attributes stand for.
pub(super) fn write(attrs: &Attrs) -> Result<route53::ResourceRecordSet, CloudError> {
    let set = route53::ResourceRecordSet::builder()
        .name(attrs.name.plain())
        .r#type(route53::RrType::from(attrs.sort.as_str()));
    match &attrs.leads_to {
        LeadsTo::Alias { alias: Alias { dns_name, zone_id, evaluate_target_health } } => {
            let alias = route53::AliasTarget::builder()
                .dns_name(dns_name.value())
                .hosted_zone_id(zone_id.value())
                .evaluate_target_health(*evaluate_target_health)
                .build();
            set.alias_target(alias.map_err(incomplete)?).build().map_err(incomplete)
        }
        LeadsTo::Records { ttl, records } => {
            let records = records.iter().map(|value: &Text| record(&value.plain()));
            let records = records.collect::<Result<Vec<_>, _>>()?;
            set.ttl(*ttl).set_resource_records(Some(records)).build().map_err(incomplete)
        }
    }
}

pub(super) fn record(value: &str) -> Result<route53::ResourceRecord, CloudError> {
    route53::ResourceRecord::builder().value(value).build().map_err(incomplete)
}

pub(super) fn incomplete(error: impl Display) -> CloudError {
    CloudError::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_one_way() {
        assert_eq!(plain("\\052.Example.org."), "*.example.org");
    }

    #[test]
    fn an_alias_made_in_the_console_is_the_same_alias() -> Result<(), CloudError> {
        let attrs = Attrs {
            zone: "example.org".to_owned(),
            name: "example.org".into(),
            sort: "A".to_owned(),
            leads_to: LeadsTo::Alias {
                alias: Alias {
                    dns_name: Ref::live("dns_name", "dualstack.lb-1.elb.amazonaws.com."),
                    zone_id: Ref::live("zone_id", "Z1"),
                    evaluate_target_health: false,
                },
            },
            tags: Tags::new(),
        };
        let back = read("example.org", &write(&attrs)?, Tags::new());
        let LeadsTo::Alias { alias: Alias { dns_name, .. } } = back.leads_to else {
            return Err(incomplete("no alias"));
        };
        assert_eq!(dns_name.value(), "lb-1.elb.amazonaws.com");
        Ok(())
    }
}
