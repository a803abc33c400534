#[cfg(feature = "aws")]
mod live;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::network::internet_gateway::InternetGateway;
use crate::kinds::network::nat_gateway::NatGateway;
use crate::kinds::network::section::{self, Nat, Network, Tier};
use crate::kinds::network::subnet::{self, Subnet};
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::network::{ec2, zones};
use crate::kinds::rules::TagCharacters;
use crate::kinds::terraform::{Block, This, name_of};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, Section, same_other_tags};
use crate::value::{Address, Ref, Tags, Target};

pub struct RouteTable;

impl Target for RouteTable {
    const KIND: &'static str = "route_table";
}

/// A route table with its routes and the subnets that use it. Both are exactly as listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub vpc: Ref<Vpc>,
    /// Without those that AWS keeps itself: local ones, propagated ones and those of gateway endpoints.
    pub routes: BTreeSet<Route>,
    /// The subnets associated with it. A subnet is associated with one table at most.
    pub subnets: BTreeSet<Ref<Subnet>>,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// An IPv4 or IPv6 CIDR, or a prefix list's id.
    pub destination: String,
    pub via: Via,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Gateway(Ref<InternetGateway>),
    Nat(Ref<NatGateway>),
    /// Something that a spec cannot ask for, by its id: a route that somebody made by hand.
    Other(String),
}

/// The name of the table of the public subnets.
const PUBLIC: &str = "public";

/// Every IPv4 address that no other route takes.
const DEFAULT: &str = "0.0.0.0/0";

/// The tables by which these subnets, or else all of the tier, reach the internet. No reference says so, but what runs
/// there needs its way out.
pub(in crate::kinds) fn ways_out(env: &Environment, keys: Option<&Vec<String>>, tier: Tier) -> BTreeSet<Address> {
    let mut names = BTreeSet::new();
    let chosen = |key: &String, subnet: &section::Subnet| match keys {
        Some(keys) => keys.contains(key),
        None => subnet.tier == tier,
    };
    let subnets = env.section::<Network>().subnets.iter().filter(|(key, subnet)| chosen(key, subnet));
    for (_, subnet) in subnets.filter(|_| env.section::<Network>().vpc.is_none()) {
        // A NAT gateway stands in a public subnet.
        if subnet.tier == Tier::Public || zones::serving(env, &subnet.zone).is_some() {
            names.insert(PUBLIC.to_owned());
        }
        if subnet.tier == Tier::Private {
            names.insert(private_name(env, &subnet.zone));
        }
    }
    names.into_iter().map(|name| Address::new(RouteTable::KIND, name)).collect()
}

/// The name of the table of the private subnets in a zone.
fn private_name(env: &Environment, zone: &str) -> String {
    match env.section::<Network>().nat {
        Nat::PerZone => format!("private-{zone}"),
        Nat::None | Nat::Single => "private".to_owned(),
    }
}

fn private(env: &Environment, zone: &str) -> BTreeSet<Ref<Subnet>> {
    let subnets = env.section::<Network>().subnets.iter();
    let private = subnets.filter(|(_, subnet)| subnet.tier == Tier::Private && subnet.zone == zone);
    private.map(|(key, _)| subnet::reference(env, key)).collect()
}

impl Kind for RouteTable {
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const SUMMARY: &'static [&'static str] = &["routes"];
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["vpc"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:route-table");
    const TWO_PHASE_WRITES: bool = true;
    const SERVES_TRAFFIC: bool = true;
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        if env.section::<Network>().vpc.is_some() {
            return Vec::new();
        }
        let mut desired = Vec::new();
        let mut table = |name: String, via: Option<Via>, subnets: BTreeSet<Ref<Subnet>>| {
            if !subnets.is_empty() {
                let routes = via.map(|via| Route { destination: DEFAULT.to_owned(), via }).into_iter().collect();
                let tags = ec2::tags::<Self>(env, &name);
                desired.push(Desired::new(
                    name,
                    &[Network::KEY],
                    Attrs { vpc: vpc::reference(env), routes, subnets, tags },
                ));
            }
        };
        let public = subnet::references(env, None, Tier::Public);
        table(PUBLIC.to_owned(), Some(Via::Gateway(Ref::to("main"))), public);
        let nat = |zone: &str| zones::serving(env, zone).map(|subnet| Via::Nat(Ref::to(subnet)));
        if env.section::<Network>().nat == Nat::PerZone {
            for zone in zones::private_zones(env) {
                table(private_name(env, zone), nat(zone), private(env, zone));
            }
        } else {
            table(private_name(env, ""), nat(""), subnet::references(env, None, Tier::Private));
        }
        desired
    }

    /// A way out that goes stays until what runs there has moved. Which subnets use the table is no part of it: another
    /// table may have taken one over meanwhile.
    fn expand(live: &Attrs, desired: &Attrs) -> Option<Attrs> {
        let stays = |route: &Route| desired.routes.iter().any(|other| other.destination == route.destination);
        // A spec cannot ask for one by hand, nor can it be put back.
        let gone = live.routes.iter().filter(|route| !stays(route) && !matches!(route.via, Via::Other(_)));
        let routes: BTreeSet<Route> = desired.routes.iter().chain(gone).cloned().collect();
        (routes.len() > desired.routes.len()).then(|| Attrs { routes, ..desired.clone() })
    }

    /// A route that goes takes the way out of what runs there; one with another target is put in its place by one call,
    /// and only open connections break: another gateway does not know them.
    fn impact(live: &Attrs, desired: &Attrs, _changed: &[String], users: &Users<'_>) -> Impact {
        let after = |route: &Route| desired.routes.iter().find(|other| other.destination == route.destination);
        let of_route = |route: &Route| match after(route) {
            None => Impact::Outage,
            Some(other) if other.via != route.via => Impact::Failover,
            Some(_) => Impact::None,
        };
        let worst = live.routes.iter().map(of_route).max().unwrap_or(Impact::None);
        if users.stay() { worst } else { Impact::None }
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        let serves = desired.subnets.intersection(&live.subnets).next().is_some();
        desired.vpc == live.vpc && (serves || same_other_tags(&desired.tags, &live.tags))
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        let via = value["via"].as_object()?.values().next()?.as_str()?;
        Some(format!("{} via {via}", value["destination"].as_str()?))
    }

    fn terraform(attrs: &Attrs, this: &This<'_>) -> Vec<Block> {
        let own = this.own();
        let route = |route: &Route| {
            let (gateway, nat) = match &route.via {
                Via::Gateway(gateway) => (json!(gateway), json!("")),
                Via::Nat(nat) => (json!(""), json!(nat)),
                // Terraform has an attribute for each sort of target; whatever this one is, it is a gateway's id to
                // whoever reads the plan.
                Via::Other(id) => (json!(id), json!("")),
            };
            let (v4, v6, list) = match route.destination.as_str() {
                list if list.starts_with("pl-") => ("", "", list),
                range if range.contains(':') => ("", range, ""),
                range => (range, "", ""),
            };
            json!({
                "cidr_block": v4,
                "ipv6_cidr_block": v6,
                "destination_prefix_list_id": list,
                "gateway_id": gateway,
                "nat_gateway_id": nat,
            })
        };
        let routes: Vec<_> = attrs.routes.iter().map(route).collect();
        let mut blocks =
            Block::one("aws_route_table", json!({ "vpc_id": attrs.vpc, "route": routes, "tags": attrs.tags }));
        blocks.extend(attrs.subnets.iter().map(|subnet| {
            let body = json!({ "subnet_id": subnet, "route_table_id": own });
            Block::part("aws_route_table_association", name_of(subnet), body)
        }));
        blocks
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{ResourceType, RouteState, RouteTable as Found};
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, Reader, SdkResult};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    ec2::described!(RouteTable, route_table_id);

    const SETTINGS: &[Setting<Found>] = &[
        Setting::new("Associations.Main", |table| members::on(Some(is_main(table)))),
        Setting::new("Associations.GatewayId", |table| {
            members::list(table.associations().iter().filter_map(|association| association.gateway_id()))
        }),
        Setting::new("PropagatingVgws", |table| {
            members::list(table.propagating_vgws().iter().filter_map(|gateway| gateway.gateway_id()))
        }),
        Setting::new("Routes.State", |table| {
            let gone = table.routes().iter().filter(|route| route.state() == Some(&RouteState::Blackhole));
            members::list(gone.filter_map(|route| route.destination_cidr_block()))
                .map(|to| format!("blackhole: {to}"))
        }),
    ];

    /// Whether it is the table of all subnets of the VPC that have no other.
    fn is_main(table: &Found) -> bool {
        table.associations().iter().any(|association| association.main() == Some(true))
    }

    impl Calls for RouteTable {
        fn members() -> Vec<Members> {
            vec![Members::of(
                "ec2:DescribeRouteTables",
                "RouteTables",
                &[
                    "RouteTableId",
                    "VpcId",
                    "Associations.SubnetId",
                    "Associations.AssociationState",
                    "Routes",
                    "Tags",
                ],
                SETTINGS,
                &[
                    (
                        "names of the association",
                        &["Associations.RouteTableAssociationId", "Associations.RouteTableId"],
                    ),
                    ("a pool of a gateway's table, which the gateway tells", &["Associations.PublicIpv4Pool"]),
                    ("the account's, for every table", &["OwnerId"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let describe = async |filters| {
                let pages = read
                    .aws
                    .client::<Ec2>()
                    .describe_route_tables()
                    .set_filters(Some(filters))
                    .into_paginator()
                    .items();
                pages.send().collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeRouteTables")
            };
            let found = ec2::found::<Self, _>(read, describe, vpc::inside(read, "vpc-id")).await?;
            let live = found.iter().filter_map(|table| {
                let (address, tags) = ec2::mark::<Self>(read.scope, table.tags());
                // A VPC comes with a table that leads nowhere.
                if tags.is_empty() && is_main(table) && live::routes(table).is_empty() {
                    return None;
                }
                let attrs = Attrs {
                    vpc: Ref::id(table.vpc_id()?),
                    routes: live::routes(table),
                    subnets: live::associations(table).map(|(subnet, _)| Ref::id(subnet)).collect(),
                    tags,
                };
                let live = Live::new(address, table.route_table_id()?, attrs);
                Some(Live { settings: settings(SETTINGS, table), ..live })
            });
            Ok(live.collect())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let answer = aws
                .once::<Ec2>()
                .create_route_table()
                .client_token(new.token)
                .vpc_id(new.attrs.vpc.value())
                .tag_specifications(ec2::tagged(ResourceType::RouteTable, &new.attrs.tags))
                .send()
                .await
                .operation("ec2:CreateRouteTable")?;
            let id = answer.route_table().and_then(|table| table.route_table_id());
            let id = ec2::made(id, "ec2:CreateRouteTable")?;
            converge(aws, &id, new.attrs).await?;
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("routes") || change.changes("subnets") {
                converge(aws, change.id, change.attrs).await?;
            }
            if change.changes("tags") {
                ec2::retag(aws, change.id, &change.before.tags, &change.attrs.tags).await?;
            }
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let call = aws.client::<Ec2>().describe_route_tables().route_table_ids(gone.id);
            let Some(found) = call.send().await.optional("ec2:DescribeRouteTables")? else { return Ok(()) };
            // AWS deletes no table that a subnet is associated with.
            let associations = found.route_tables().iter().flat_map(live::associations);
            try_join_all(associations.map(|(_, association)| disassociate(aws, association))).await?;
            let call = aws.client::<Ec2>().delete_route_table().route_table_id(gone.id);
            call.send().await.optional("ec2:DeleteRouteTable").map(drop)
        }
    }

    /// Brings the table's routes and subnets to `want`, whatever they are now. Routes come first, so that no
    /// subnet sits at a table without its way out; a subnet moves over from another table in one step.
    async fn converge(aws: &Aws, id: &str, want: &Attrs) -> Result<(), CloudError> {
        let call = aws.client::<Ec2>().describe_route_tables().filters(ec2::filter("vpc-id", want.vpc.value()));
        let pages = call.into_paginator().items().send();
        let tables = pages.collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeRouteTables")?;
        let table = tables.iter().find(|table| table.route_table_id() == Some(id));

        let routes = table.map(live::routes).unwrap_or_default();
        for route in want.routes.difference(&routes) {
            put(aws, id, route, routes.iter().any(|other| other.destination == route.destination)).await?;
        }
        for route in &routes {
            if !want.routes.iter().any(|other| other.destination == route.destination) {
                live::remove(aws, id, &route.destination).await?;
            }
        }

        let wanted: BTreeSet<&str> = want.subnets.iter().map(Ref::value).collect();
        let elsewhere = |subnet: &str| {
            let others = tables.iter().filter(|table| table.route_table_id() != Some(id));
            others
                .flat_map(live::associations)
                .find(|(other, _)| *other == subnet)
                .map(|(_, association)| association)
        };
        let here: BTreeSet<&str> =
            table.into_iter().flat_map(live::associations).map(|(subnet, _)| subnet).collect();
        let missing = wanted.difference(&here);
        try_join_all(missing.map(|subnet| associate(aws, id, subnet, elsewhere(subnet)))).await?;
        let left = table.into_iter().flat_map(live::associations).filter(|(subnet, _)| !wanted.contains(subnet));
        try_join_all(left.map(|(_, association)| disassociate(aws, association))).await?;
        Ok(())
    }

    /// Creates a route, or gives the one to the same destination another target.
    async fn put(aws: &Aws, table: &str, route: &Route, exists: bool) -> Result<(), CloudError> {
        let (gateway, nat) = match &route.via {
            Via::Gateway(gateway) => (Some(gateway.value().to_owned()), None),
            Via::Nat(nat) => (None, Some(nat.value().to_owned())),
            Via::Other(id) => return Err(CloudError::internal(format!("unsupported target of a route: {id}"))),
        };
        if exists {
            let call = aws
                .client::<Ec2>()
                .replace_route()
                .route_table_id(table)
                .destination_cidr_block(&route.destination)
                .set_gateway_id(gateway)
                .set_nat_gateway_id(nat);
            return ec2::soon(async || call.clone().send().await.operation("ec2:ReplaceRoute")).await.map(drop);
        }
        let call = aws
            .client::<Ec2>()
            .create_route()
            .route_table_id(table)
            .destination_cidr_block(&route.destination)
            .set_gateway_id(gateway)
            .set_nat_gateway_id(nat);
        ec2::soon(async || call.clone().send().await.operation("ec2:CreateRoute")).await.map(drop)
    }

    /// Associates a subnet with the table, away from another one where it has such an association.
    async fn associate(aws: &Aws, table: &str, subnet: &str, elsewhere: Option<&str>) -> Result<(), CloudError> {
        if let Some(association) = elsewhere {
            let call = aws
                .client::<Ec2>()
                .replace_route_table_association()
                .association_id(association)
                .route_table_id(table);
            match call.send().await.operation("ec2:ReplaceRouteTableAssociation") {
                // The other table let go of the subnet in the meantime.
                Err(error) if error.is(ErrorClass::NotFound) => {}
                answer => return answer.map(drop),
            }
        }
        let call = aws.client::<Ec2>().associate_route_table().route_table_id(table).subnet_id(subnet);
        ec2::soon(async || call.clone().send().await.operation("ec2:AssociateRouteTable")).await.map(drop)
    }

    async fn disassociate(aws: &Aws, association: &str) -> Result<(), CloudError> {
        let call = aws.client::<Ec2>().disassociate_route_table().association_id(association);
        call.send().await.optional("ec2:DisassociateRouteTable").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_goes_stays_until_the_end() {
        let nat = || Route { destination: DEFAULT.to_owned(), via: Via::Nat(Ref::id("nat-1")) };
        let attrs = |routes: &[Route]| Attrs {
            vpc: Ref::id("vpc-1"),
            routes: routes.iter().cloned().collect(),
            subnets: BTreeSet::new(),
            tags: Tags::new(),
        };
        let wide = |live: &[Route], desired: &[Route]| {
            RouteTable::expand(&attrs(live), &attrs(desired))
                .map(|wide| wide.routes.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(wide(&[nat()], &[]), Some(vec![nat()]));
        let other = Route { destination: DEFAULT.to_owned(), via: Via::Nat(Ref::id("nat-2")) };
        assert_eq!(wide(&[nat()], &[other]), None, "another target is one call");
        let by_hand = Route { destination: "10.0.0.0/8".to_owned(), via: Via::Other("pcx-1".to_owned()) };
        assert_eq!(wide(&[nat(), by_hand], &[nat()]), None);
    }
}
