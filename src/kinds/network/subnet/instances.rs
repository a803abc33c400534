//! Machines in our subnets: nothing that Baseplate makes runs on one.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::NetworkInterface;

use crate::aws::{CloudError, Reader};
use crate::kinds::network::interfaces::interfaces;

/// By subnet, the ids of the instances that have an interface there.
pub(super) async fn by_subnet(read: &Reader<'_>) -> Result<BTreeMap<String, BTreeSet<String>>, CloudError> {
    Ok(attached(&interfaces(read).await?))
}

fn attached(interfaces: &[NetworkInterface]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for interface in interfaces {
        let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
        let (Some(subnet), Some(instance)) = (interface.subnet_id(), instance) else { continue };
        found.entry(subnet.to_owned()).or_default().insert(instance.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

    use super::*;

    #[test]
    fn what_services_of_aws_have_is_no_machine() {
        let interface = || NetworkInterface::builder().subnet_id("subnet-1");
        let machine = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let balancer = NetworkInterfaceAttachment::builder().instance_owner_id("amazon-elb").build();
        let all = [
            interface().attachment(machine).build(),
            interface().attachment(balancer).build(),
            interface().description("arn:aws:ecs:eu-central-1:123456789012:attachment/1").build(),
        ];
        let expected = BTreeMap::from([("subnet-1".to_owned(), BTreeSet::from(["i-1".to_owned()]))]);
        assert_eq!(attached(&all), expected);
    }
}
