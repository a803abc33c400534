//! What a live route table says, without what AWS keeps in it by itself.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::types::{Route as FoundRoute, RouteOrigin, RouteTable as Found, RouteTableAssociationStateCode};

use super::{Route, Via};
use crate::aws::{Aws, CloudError, SdkResult};
use crate::value::Ref;

/// The routes that somebody made.
pub(super) fn routes(table: &Found) -> BTreeSet<Route> {
    table.routes().iter().filter(|route| !kept_by_aws(route)).filter_map(route).collect()
}

/// Local routes come with the table, propagated ones from a virtual private gateway or a route server, and a
/// gateway endpoint puts in the prefix list of its service; none of them can be deleted as a route.
fn kept_by_aws(route: &FoundRoute) -> bool {
    let gateway = route.gateway_id().unwrap_or_default();
    gateway == "local"
        || matches!(
            route.origin(),
            Some(
                RouteOrigin::CreateRouteTable | RouteOrigin::EnableVgwRoutePropagation | RouteOrigin::Advertisement
            )
        )
        || (gateway.starts_with("vpce-") && route.destination_prefix_list_id().is_some())
}

fn route(route: &FoundRoute) -> Option<Route> {
    let destination = route
        .destination_cidr_block()
        .or(route.destination_ipv6_cidr_block())
        .or(route.destination_prefix_list_id())?;
    Some(Route { destination: destination.to_owned(), via: via(route) })
}

fn via(route: &FoundRoute) -> Via {
    if let Some(nat) = route.nat_gateway_id() {
        return Via::Nat(Ref::id(nat));
    }
    match route.gateway_id() {
        Some(gateway) if gateway.starts_with("igw-") => Via::Gateway(Ref::id(gateway)),
        gateway => {
            let other = gateway
                .or(route.transit_gateway_id())
                .or(route.vpc_peering_connection_id())
                .or(route.egress_only_internet_gateway_id())
                .or(route.instance_id())
                .or(route.network_interface_id())
                .or(route.local_gateway_id())
                .or(route.carrier_gateway_id())
                .or(route.core_network_arn())
                .or(route.odb_network_arn());
            Via::Other(other.unwrap_or("unknown").to_owned())
        }
    }
}

/// Subnets and the ids of their associations. A table may also be the VPC's main one, or a gateway's.
pub(super) fn associations(table: &Found) -> impl Iterator<Item = (&str, &str)> {
    let standing = table.associations().iter().filter(|association| {
        let state = association.association_state().and_then(|state| state.state());
        !matches!(
            state,
            Some(RouteTableAssociationStateCode::Disassociating | RouteTableAssociationStateCode::Disassociated)
        )
    });
    standing.filter_map(|association| Some((association.subnet_id()?, association.route_table_association_id()?)))
}

/// Deletes the route to a destination, which AWS takes in another field for each sort.
pub(super) async fn remove(aws: &Aws, table: &str, destination: &str) -> Result<(), CloudError> {
    let call = aws.client::<Ec2>().delete_route().route_table_id(table);
    let call = if destination.starts_with("pl-") {
        call.destination_prefix_list_id(destination)
    } else if destination.contains(':') {
        call.destination_ipv6_cidr_block(destination)
    } else {
        call.destination_cidr_block(destination)
    };
    call.send().await.optional("ec2:DeleteRoute").map(drop)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{RouteTableAssociation, RouteTableAssociationState};

    use super::*;

    #[test]
    fn what_aws_keeps_by_itself_is_no_route_of_ours() {
        let route = || FoundRoute::builder().origin(RouteOrigin::CreateRoute);
        let table = Found::builder()
            .routes(
                FoundRoute::builder()
                    .origin(RouteOrigin::CreateRouteTable)
                    .destination_cidr_block("10.0.0.0/16")
                    .gateway_id("local")
                    .build(),
            )
            .routes(route().destination_prefix_list_id("pl-1").gateway_id("vpce-1").build())
            .routes(route().destination_cidr_block("0.0.0.0/0").nat_gateway_id("nat-1").build())
            .routes(route().destination_cidr_block("10.9.0.0/16").vpc_peering_connection_id("pcx-1").build())
            .build();
        let expected = [
            Route { destination: "0.0.0.0/0".to_owned(), via: Via::Nat(Ref::id("nat-1")) },
            Route { destination: "10.9.0.0/16".to_owned(), via: Via::Other("pcx-1".to_owned()) },
        ];
        assert_eq!(routes(&table), BTreeSet::from(expected));
    }

    #[test]
    fn only_standing_associations_of_subnets_count() {
        let association = |id: &str, state| {
            RouteTableAssociation::builder()
                .route_table_association_id(id)
                .association_state(RouteTableAssociationState::builder().state(state).build())
        };
        let table = Found::builder()
            .associations(association("a-1", RouteTableAssociationStateCode::Associated).main(true).build())
            .associations(association("a-2", RouteTableAssociationStateCode::Associated).subnet_id("s-2").build())
            .associations(
                association("a-3", RouteTableAssociationStateCode::Disassociating).subnet_id("s-3").build(),
            )
            .build();
        assert_eq!(associations(&table).collect::<Vec<_>>(), [("s-2", "a-2")]);
    }
}
