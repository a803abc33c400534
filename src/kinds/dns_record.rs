use crate::value::Target;

pub struct DnsRecord;

impl Target for DnsRecord {
    const KIND: &'static str = "dns_record";
}
