//! What ELB answers of a load balancer, and what becomes of it.

use aws_sdk_elasticloadbalancingv2::types as elb;

use super::calls::{DELETION_PROTECTION, DROP_INVALID_HEADERS, IDLE_TIMEOUT};
use crate::kinds::members::{self, Members, Setting};

pub(super) const SETTINGS: &[Setting<elb::LoadBalancer>] = &[
    Setting::new("IpAddressType", |balancer| {
        members::other(balancer.ip_address_type().map(elb::IpAddressType::as_str), "ipv4")
    }),
    Setting::new("AvailabilityZones.OutpostId", |balancer| {
        members::list(balancer.availability_zones().iter().filter_map(|zone| zone.outpost_id()))
    }),
    Setting::new("CustomerOwnedIpv4Pool", |balancer| members::text(balancer.customer_owned_ipv4_pool())),
    Setting::new("IpamPools", |balancer| {
        members::text(balancer.ipam_pools().and_then(|pools| pools.ipv4_ipam_pool_id()))
    }),
];

/// What every Application Load Balancer begins with
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html>).
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("client_keep_alive.seconds", "3600"),
    ("connection_logs.s3.enabled", "false"),
    ("health_check_logs.s3.enabled", "false"),
    ("ipv6.deny_all_igw_traffic", "false"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
    ("waf.fail_open.enabled", "false"),
    ("zonal_shift.config.enabled", "false"),
];

pub(super) fn members() -> Vec<Members> {
    let balancer = Members::of(
        "elasticloadbalancing:DescribeLoadBalancers",
        "LoadBalancers",
        &[
            "LoadBalancerArn",
            "LoadBalancerName",
            "DNSName",
            "CanonicalHostedZoneId",
            "Scheme",
            "Type",
            "VpcId",
            "State",
            "AvailabilityZones.SubnetId",
            "SecurityGroups",
        ],
        SETTINGS,
        &[
            ("says when it was made", &["CreatedTime"]),
            ("follows from the subnets", &["AvailabilityZones.ZoneName"]),
            (
                "of a Network Load Balancer",
                &[
                    "AvailabilityZones",
                    "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
                    "EnablePrefixForIpv6SourceNat",
                ],
            ),
        ],
    );
    let attributes = Members::of_keys(
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "Attributes",
        &[IDLE_TIMEOUT, DELETION_PROTECTION, DROP_INVALID_HEADERS],
        DEFAULTS,
        &[
            ("always on for an Application Load Balancer", &["load_balancing.cross_zone.enabled"]),
            (
                "where the logs go that are on",
                &[
                    "access_logs.s3.bucket",
                    "access_logs.s3.prefix",
                    "connection_logs.s3.bucket",
                    "connection_logs.s3.prefix",
                    "health_check_logs.s3.bucket",
                    "health_check_logs.s3.prefix",
                ],
            ),
            (
                "of a Network Load Balancer",
                &["dns_record.client_routing_policy", "secondary_ips.auto_assigned.per_subnet"],
            ),
        ],
    );
    vec![balancer, attributes]
}
