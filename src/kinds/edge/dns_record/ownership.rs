//! Whose a record is. Records take no tags, so a TXT record beside each says it: for `www.example.org` it is
//! `_baseplate.www.example.org`, written and deleted in one batch with the record itself.

use crate::value::Tags;

#[cfg(feature = "aws")]
pub(super) use calls::{read, write};

/// What the text may hold, each as the tag `baseplate:<key>` of objects that take tags.
const KEYS: [&str; 4] = ["project", "environment", "address", "moved-from"];

/// The ownership tags alone: all that the text can hold.
pub(super) fn only(tags: &Tags) -> Tags {
    KEYS.iter()
        .filter_map(|key| tags.get_key_value(&tag(key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn tag(key: &str) -> String {
    format!("baseplate:{key}")
}

const PREFIX: &str = "_baseplate.";

/// Stands for `*`, which is a wildcard only as the first label of a name.
const WILDCARD: &str = "_wildcard";

/// The name of the TXT record for the record called `name`.
pub(super) fn name_for(name: &str) -> String {
    match name.strip_prefix('*') {
        Some(rest) => format!("{PREFIX}{WILDCARD}{rest}"),
        None => format!("{PREFIX}{name}"),
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_route53::types as route53;

    use super::super::wire;
    use super::*;
    use crate::aws::CloudError;

    /// Seconds. Nobody looks these up in a hurry.
    const TTL: i64 = 300;

    /// How long one string of a TXT record may be; a longer text is several strings.
    const STRING: usize = 255;

    /// The TXT record that makes the record called `name` the one of these tags.
    pub(in super::super) fn write(name: &str, tags: &Tags) -> Result<route53::ResourceRecordSet, CloudError> {
        let parts = KEYS.iter().filter_map(|key| Some(format!("{key}={}", tags.get(&tag(key))?)));
        let text: Vec<char> = parts.collect::<Vec<_>>().join(",").chars().collect();
        let strings = text.chunks(STRING).map(|string| format!("\"{}\"", string.iter().collect::<String>()));
        route53::ResourceRecordSet::builder()
            .name(name_for(name))
            .r#type(route53::RrType::Txt)
            .ttl(TTL)
            .resource_records(wire::record(&strings.collect::<Vec<_>>().join(" "))?)
            .build()
            .map_err(wire::incomplete)
    }

    /// The tags that a TXT record stands for; empty if it is about something else.
    pub(in super::super) fn read(set: &route53::ResourceRecordSet) -> Tags {
        let Some(record) = set.resource_records().first() else { return Tags::new() };
        let text: String = record.value().split('"').skip(1).step_by(2).collect();
        let parts = text.split(',').filter_map(|part| part.split_once('='));
        parts.filter(|(key, _)| KEYS.contains(key)).map(|(key, value)| (tag(key), value.to_owned())).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn ownership_reads_back_however_long() -> Result<(), CloudError> {
            let address = format!("dns_record.validation-{}.example.org", "a".repeat(240));
            for address in ["dns_record.example.org", &address] {
                let tags = Tags::from([
                    (tag("project"), "legend".to_owned()),
                    (tag("environment"), "dev".to_owned()),
                    (tag("address"), address.to_owned()),
                ]);
                assert_eq!(read(&write("example.org", &tags)?), tags);
            }
            Ok(())
        }

        #[test]
        fn a_wildcard_has_a_name_that_is_none() {
            assert_eq!(name_for("*.example.org"), "_baseplate._wildcard.example.org");
        }
    }
}
