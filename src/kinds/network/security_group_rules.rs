mod impact;
mod rule;
mod rules;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::network::security_group::SecurityGroup;
use crate::kinds::network::security_group::section::SecurityGroups;
use crate::kinds::rules::Rule as AwsRule;
use crate::kinds::terraform::{Block, This, name_of};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, Section};
use crate::value::{Address, Ref, Target};

#[cfg(feature = "aws")]
pub(super) use calls::converge;
#[cfg(feature = "aws")]
pub(super) use rule::flatten;
pub(super) use rule::in_words;
pub use rule::{Peer, Rule};

pub struct SecurityGroupRules;

impl Target for SecurityGroupRules {
    const KIND: &'static str = "security_group_rules";
}

/// All rules of one group, as one set. It carries no tags: the rules of an owned group are owned, and its
/// name and its id are the group's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub group: Ref<SecurityGroup>,
    pub ingress: BTreeSet<Rule>,
    /// Only what is listed may leave. A new group lets everything out until its rules are set.
    pub egress: BTreeSet<Rule>,
}

/// How many rules a group has room for each way, unless AWS has raised the account's quota.
const MOST_RULES: usize = 60;

/// The rules of these groups: without them nobody reaches what has the groups, nor does that reach anybody.
pub(in crate::kinds) fn of_groups<'a>(
    env: &'a Environment,
    names: &'a [String],
) -> impl Iterator<Item = Address> + 'a {
    let ours = names.iter().filter(|name| env.section::<SecurityGroups>().contains_key(name));
    ours.map(|name| Address::new(SecurityGroupRules::KIND, name))
}

impl Kind for SecurityGroupRules {
    const RULES: &'static [AwsRule<Attrs>] = rules::RULES;
    const SUMMARY: &'static [&'static str] = &["ingress", "egress"];
    const STAGE: Stage = Stage::Network;
    const REPLACE_ON: &'static [&'static str] = &["group"];
    /// Rules have no tags of ours: their group's tell of them.
    const TAG_INDEX: Option<&'static str> = Some("ec2:security-group");
    const SERVES_TRAFFIC: bool = true;
    const TWO_PHASE_WRITES: bool = true;
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let desired = env.section::<SecurityGroups>().iter().map(|(key, group)| {
            let attrs = Attrs {
                group: Ref::to(key),
                ingress: group.ingress.iter().map(|rule| Rule::ingress(env, key, rule)).collect(),
                egress: group.egress.iter().map(|rule| Rule::egress(env, key, rule)).collect(),
            };
            Desired::new(key, &[SecurityGroups::KEY, key], attrs)
        });
        desired.collect()
    }

    /// What connects by the old rules does so until its successor is ready.
    fn expand(live: &Attrs, desired: &Attrs) -> Option<Attrs> {
        let both = |live: &BTreeSet<Rule>, desired: &BTreeSet<Rule>| {
            let gone = live.iter().filter(|rule| !desired.iter().any(|other| other.allows_the_same(rule)));
            desired.iter().chain(gone).cloned().collect::<BTreeSet<_>>()
        };
        let (ingress, egress) = (both(&live.ingress, &desired.ingress), both(&live.egress, &desired.egress));
        let (more, fits) = (
            ingress.len() > desired.ingress.len() || egress.len() > desired.egress.len(),
            ingress.len() <= MOST_RULES && egress.len() <= MOST_RULES,
        );
        (more && fits).then(|| Attrs { ingress, egress, ..desired.clone() })
    }

    fn impact(live: &Attrs, desired: &Attrs, _changed: &[String], users: &Users<'_>) -> Impact {
        impact::impact(live, desired, users)
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let opened = live.ingress.iter().filter(|rule| rule.is_for_everybody());
        let opened = opened.filter(|rule| !desired.ingress.iter().any(|wanted| wanted.covers(rule)));
        opened.map(|rule| ("ingress", format!("open to the world: {rule}"))).collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.group == live.group
    }

    fn in_words(field: &str, value: &Value) -> Option<String> {
        rule::in_words(field == "egress", value)
    }

    /// One `aws_security_group_rule` a rule, so that a plan shows which of them come and go. Of the types that
    /// Terraform has for rules it is the one in which policies find a rule for every protocol: they read `protocol`
    /// and ports, and `aws_vpc_security_group_ingress_rule` has `ip_protocol`, and then no ports.
    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let side = |side: &'static str, rule: &Rule| {
            let (from, to) = if rule.protocol == "-1" { (0, 0) } else { (rule.from_port, rule.to_port) };
            let (mut v4, mut v6, mut lists, mut source, mut own) = (vec![], vec![], vec![], Value::Null, false);
            let peer = match &rule.peer {
                Peer::Cidr(range) if range.contains(':') => {
                    v6.push(range);
                    range.clone()
                }
                Peer::Cidr(range) => {
                    v4.push(range);
                    range.clone()
                }
                Peer::PrefixList(id) => {
                    lists.push(id);
                    id.clone()
                }
                Peer::Group(group) if *group == attrs.group => {
                    own = true;
                    "self".to_owned()
                }
                Peer::Group(group) => {
                    source = json!(group);
                    name_of(group)
                }
            };
            let direction = if side == "ingress" { "from" } else { "to" };
            let part = format!("{side}-{}-{from}-{to}-{direction}-{peer}", rule.protocol);
            let body = json!({
                "type": side,
                "security_group_id": attrs.group,
                "protocol": rule.protocol,
                "from_port": from,
                "to_port": to,
                "cidr_blocks": v4,
                "ipv6_cidr_blocks": v6,
                "prefix_list_ids": lists,
                "source_security_group_id": source,
                "self": own,
                "description": rule.description,
            });
            Block::part("aws_security_group_rule", part, body)
        };
        let ingress = attrs.ingress.iter().map(|rule| side("ingress", rule));
        ingress.chain(attrs.egress.iter().map(|rule| side("egress", rule))).collect()
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::IpPermission;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, Reader, SdkResult};
    use crate::kinds::members::Members;
    use crate::kinds::network::{ec2, security_group};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    impl Calls for SecurityGroupRules {
        fn members() -> Vec<Members> {
            let ways: &[&str] = &["IpPermissions", "IpPermissionsEgress"];
            vec![Members::of::<()>("ec2:DescribeSecurityGroups", "SecurityGroups", ways, &[], &[])]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let found = security_group::groups(read).await?;
            let live = found.iter().filter_map(|group| {
                let (owner, _) = ec2::mark::<SecurityGroup>(read.scope, group.tags());
                let address = owner.map(|owner| Address::new(Self::KIND, owner.name()));
                let id = group.group_id()?;
                let attrs = Attrs {
                    group: Ref::id(id),
                    ingress: rule::flatten(group.ip_permissions()),
                    egress: rule::flatten(group.ip_permissions_egress()),
                };
                Some(Live::new(address, id, attrs))
            });
            Ok(live.collect())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let group = new.attrs.group.value();
            converge(aws, group, &new.attrs.ingress, &new.attrs.egress).await?;
            Ok(WriteResult::new(group))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            converge(aws, change.id, &change.attrs.ingress, &change.attrs.egress).await?;
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let none = BTreeSet::new();
            match converge(aws, gone.id, &none, &none).await {
                Err(error) if error.is(ErrorClass::NotFound) => Ok(()),
                answer => answer,
            }
        }
    }

    /// Brings a group's rules to exactly these, whatever they are now.
    pub(in crate::kinds::network) async fn converge(
        aws: &Aws,
        group: &str,
        ingress: &BTreeSet<Rule>,
        egress: &BTreeSet<Rule>,
    ) -> Result<(), CloudError> {
        let attempt = async || {
            let found = security_group::group(aws, group).await?.ok_or_else(|| {
                CloudError::new(
                    "ec2:DescribeSecurityGroups",
                    "InvalidGroup.NotFound",
                    format!("{group} does not exist"),
                )
            })?;
            let ingress = Steps::between(&rule::flatten(found.ip_permissions()), ingress);
            ingress.take(aws, group, Way::In).await?;
            let egress = Steps::between(&rule::flatten(found.ip_permissions_egress()), egress);
            egress.take(aws, group, Way::Out).await
        };
        match attempt().await {
            // A call whose answer was lost was made again, and stumbled over what it had done: look anew.
            Err(error) if error.is(ErrorClass::AlreadyExists) || error.code == "InvalidPermission.NotFound" => {
                attempt().await
            }
            answer => answer,
        }
    }

    impl Steps {
        /// One call for each sort of step. What is new is allowed before what is old is not, so that no
        /// connection falls between the two, unless the group has no room for both.
        async fn take(&self, aws: &Aws, group: &str, way: Way) -> Result<(), CloudError> {
            match way.authorize(aws, group, &self.authorize).await {
                Err(error) if error.code == "RulesPerSecurityGroupLimitExceeded" && !self.revoke.is_empty() => {
                    way.revoke(aws, group, &self.revoke).await?;
                    way.authorize(aws, group, &self.authorize).await?;
                }
                answer => {
                    answer?;
                    way.revoke(aws, group, &self.revoke).await?;
                }
            }
            way.describe(aws, group, &self.describe).await
        }
    }

    #[derive(Clone, Copy)]
    enum Way {
        In,
        Out,
    }

    impl Way {
        async fn authorize(self, aws: &Aws, group: &str, rules: &[Rule]) -> Result<(), CloudError> {
            let Some(permissions) = permissions(rules) else { return Ok(()) };
            match self {
                Self::In => {
                    let call = aws.client::<Ec2>().authorize_security_group_ingress().group_id(group);
                    let call = call.set_ip_permissions(Some(permissions));
                    call.send().await.operation("ec2:AuthorizeSecurityGroupIngress").map(drop)
                }
                Self::Out => {
                    let call = aws.client::<Ec2>().authorize_security_group_egress().group_id(group);
                    let call = call.set_ip_permissions(Some(permissions));
                    call.send().await.operation("ec2:AuthorizeSecurityGroupEgress").map(drop)
                }
            }
        }

        async fn revoke(self, aws: &Aws, group: &str, rules: &[Rule]) -> Result<(), CloudError> {
            let Some(permissions) = permissions(rules) else { return Ok(()) };
            match self {
                Self::In => {
                    let call = aws.client::<Ec2>().revoke_security_group_ingress().group_id(group);
                    let call = call.set_ip_permissions(Some(permissions));
                    call.send().await.operation("ec2:RevokeSecurityGroupIngress").map(drop)
                }
                Self::Out => {
                    let call = aws.client::<Ec2>().revoke_security_group_egress().group_id(group);
                    let call = call.set_ip_permissions(Some(permissions));
                    call.send().await.operation("ec2:RevokeSecurityGroupEgress").map(drop)
                }
            }
        }

        async fn describe(self, aws: &Aws, group: &str, rules: &[Rule]) -> Result<(), CloudError> {
            let Some(permissions) = permissions(rules) else { return Ok(()) };
            match self {
                Self::In => {
                    let call =
                        aws.client::<Ec2>().update_security_group_rule_descriptions_ingress().group_id(group);
                    let call = call.set_ip_permissions(Some(permissions));
                    call.send().await.operation("ec2:UpdateSecurityGroupRuleDescriptionsIngress").map(drop)
                }
                Self::Out => {
                    let call = aws.client::<Ec2>().update_security_group_rule_descriptions_egress().group_id(group);
                    let call = call.set_ip_permissions(Some(permissions));
                    call.send().await.operation("ec2:UpdateSecurityGroupRuleDescriptionsEgress").map(drop)
                }
            }
        }
    }

    /// The rules as a call takes them; `None` where there is nothing to call for.
    fn permissions(rules: &[Rule]) -> Option<Vec<IpPermission>> {
        if rules.is_empty() { None } else { Some(rules.iter().map(Rule::permission).collect()) }
    }

    /// What leads from one set of rules to another.
    #[derive(Debug, Default, PartialEq)]
    struct Steps {
        authorize: Vec<Rule>,
        describe: Vec<Rule>,
        revoke: Vec<Rule>,
    }

    impl Steps {
        fn between(live: &BTreeSet<Rule>, want: &BTreeSet<Rule>) -> Self {
            let mut steps = Self::default();
            for rule in want.difference(live) {
                let described = live.iter().any(|other| other.allows_the_same(rule));
                if described { &mut steps.describe } else { &mut steps.authorize }.push(rule.clone());
            }
            let extra = live.iter().filter(|rule| !want.iter().any(|other| other.allows_the_same(rule)));
            steps.revoke.extend(extra.cloned());
            steps
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn rule(port: i32, description: &str) -> Rule {
            Rule {
                protocol: "tcp".to_owned(),
                from_port: port,
                to_port: port,
                peer: Peer::Cidr("10.0.0.0/8".to_owned()),
                description: description.to_owned(),
            }
        }

        #[test]
        fn a_new_description_takes_no_rule_away() {
            let live = BTreeSet::from([rule(80, "old"), rule(81, ""), rule(82, "")]);
            let want = BTreeSet::from([rule(80, "new"), rule(82, ""), rule(83, "")]);
            let expected = Steps {
                authorize: vec![rule(83, "")],
                describe: vec![rule(80, "new")],
                revoke: vec![rule(81, "")],
            };
            assert_eq!(Steps::between(&live, &want), expected);
        }

        #[test]
        fn rules_that_go_stay_beside_the_new_ones_until_the_end() {
            let attrs = |ingress: &[Rule]| Attrs {
                group: Ref::id("sg-1"),
                ingress: ingress.iter().cloned().collect(),
                egress: BTreeSet::new(),
            };
            let wide = |live: &[Rule], desired: &[Rule]| {
                SecurityGroupRules::expand(&attrs(live), &attrs(desired))
                    .map(|wide| wide.ingress.into_iter().collect())
            };
            let (old, new) = ([rule(80, "old"), rule(3000, "")], [rule(80, "new"), rule(3002, "")]);
            assert_eq!(wide(&old, &new), Some(vec![rule(80, "new"), rule(3000, ""), rule(3002, "")]));
            assert_eq!(wide(&old, &old[..1]), Some(old.to_vec()), "one that only goes goes at the end, too");
            assert_eq!(wide(&old[..1], &new), None, "nothing goes");
            let many: Vec<Rule> = (0..60).map(|port| rule(port, "")).collect();
            assert_eq!(wide(&many, &many[1..]), Some(many.clone()));
            assert_eq!(wide(&many, &new), None, "no room for both");
        }
    }
}
