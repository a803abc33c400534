//! AWS's partitions: which regions each has, and the domains of its endpoints.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

/// As the `partitions.json` of AWS's SDKs has them, which every SDK ships; a test holds this copy against botocore's.
const DATA: &str = include_str!("partitions.json");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Partition {
    /// The second part of every ARN: `aws`, `aws-cn`, `aws-eusc`, …
    pub id: String,
    /// What the names of its regions match.
    region_regex: String,
    /// What its endpoints end with: `amazonaws.com`.
    pub dns_suffix: String,
    /// The same where they speak IPv6, too: `api.aws`.
    pub dual_stack_dns_suffix: String,
    /// Where its global services are, such as IAM.
    pub implicit_global_region: String,
}

static PARTITIONS: LazyLock<Vec<(Partition, Option<Regex>)>> = LazyLock::new(|| {
    let partitions: Vec<Partition> = serde_json::from_str(DATA).unwrap_or_default();
    let with_regex = |partition: Partition| {
        let regex = Regex::new(&partition.region_regex).ok();
        (partition, regex)
    };
    partitions.into_iter().map(with_regex).collect()
});

/// Every partition.
pub fn partitions() -> impl Iterator<Item = &'static Partition> {
    PARTITIONS.iter().map(|(partition, _)| partition)
}

/// The partition of a region; `aws` for a region that none of them knows, since that is where new ones come.
pub fn partition(region: &str) -> &'static str {
    let of = |regex: &Option<Regex>| regex.as_ref().is_some_and(|regex| regex.is_match(region));
    PARTITIONS.iter().find(|(_, regex)| of(regex)).map_or("aws", |(partition, _)| partition.id.as_str())
}

/// What the endpoints of a region end with: `amazonaws.com`.
pub fn dns_suffix(region: &str) -> &'static str {
    let id = partition(region);
    partitions().find(|partition| partition.id == id).map_or("amazonaws.com", |partition| &partition.dns_suffix)
}

/// Where the global services of a region's partition are: `us-east-1`.
pub fn global_region(region: &str) -> &'static str {
    let id = partition(region);
    partitions()
        .find(|partition| partition.id == id)
        .map_or("us-east-1", |partition| &partition.implicit_global_region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_one_partition() {
        assert_eq!(partitions().count(), 8);
        for (region, id) in [
            ("eu-central-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("cn-north-1", "aws-cn"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("xx-new-1", "aws"),
        ] {
            assert_eq!(partition(region), id, "{region}");
        }
        assert_eq!(dns_suffix("eu-central-1"), "amazonaws.com");
        assert_eq!(dns_suffix("cn-north-1"), "amazonaws.com.cn");
        assert_eq!(global_region("eu-central-1"), "us-east-1");
        assert_eq!(global_region("us-gov-east-1"), "us-gov-west-1");
    }
}
