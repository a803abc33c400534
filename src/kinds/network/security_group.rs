pub mod section;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::example::Example;
use crate::kinds::network::ec2;
use crate::kinds::network::security_group::section::SecurityGroups;
use crate::kinds::network::vpc::{self, Vpc};
use crate::kinds::rules::{Rule, TagCharacters, Violations, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{self, AnySection, Environment, Section, names};
use crate::value::{Ref, Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{group, groups};

pub struct SecurityGroup;

impl Target for SecurityGroup {
    const KIND: &'static str = "security_group";
}

/// A group without its rules: those are [`crate::kinds::network::security_group_rules`], so that groups may name each
/// other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// Unique in its VPC.
    pub name: String,
    pub description: String,
    pub vpc: Ref<Vpc>,
    pub tags: Tags,
}

/// Characters that AWS lets a group's name have.
const MAX_NAME: usize = 255;

/// One security group by key, or by the id of an existing one.
pub(in crate::kinds) fn reference(env: &Environment, name: &str) -> Ref<SecurityGroup> {
    if env.section::<SecurityGroups>().contains_key(name) { Ref::to(name) } else { Ref::id(name) }
}

pub(in crate::kinds) fn references(env: &Environment, names: &[String]) -> BTreeSet<Ref<SecurityGroup>> {
    names.iter().map(|name| reference(env, name)).collect()
}

/// How many security groups a network interface takes by default
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>).
const MOST_GROUPS: usize = 5;

/// Old and new groups together, where some go and there is room for all: what connects by the rules of an old group
/// does so until the rules of the new one are met everywhere.
pub(in crate::kinds) fn both(
    live: &BTreeSet<Ref<SecurityGroup>>,
    desired: &BTreeSet<Ref<SecurityGroup>>,
) -> Option<BTreeSet<Ref<SecurityGroup>>> {
    let groups: BTreeSet<_> = live.union(desired).cloned().collect();
    (groups.len() > desired.len() && groups.len() <= MOST_GROUPS).then_some(groups)
}

/// What EC2 takes in names and descriptions of groups, and in descriptions of their rules.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c)
}

/// Reports groups that a spec names by an id that is none.
pub(in crate::kinds) fn check_ids<'a>(
    field: &str,
    groups: impl IntoIterator<Item = &'a Ref<SecurityGroup>>,
    violations: &mut Violations<'_>,
) {
    for group in groups {
        if let Ref::Id { id, .. } = group {
            violations.matches(field, id, "^sg-([0-9a-f]{8}|[0-9a-f]{17})$");
        }
    }
}

/// Reports more groups than one network interface has by default.
pub(in crate::kinds) fn check_count(groups: &BTreeSet<Ref<SecurityGroup>>, violations: &mut Violations<'_>) {
    violations.count("security_groups", "security groups", groups.len(), MOST_GROUPS);
}

/// What rules on ids of groups say.
pub(in crate::kinds) const TAKES_ID: &str = "the id of an existing group is `sg-` and 8 or 17 of the digits 0-9 and a-f; a group of this spec goes by its key";

pub(in crate::kinds) const ID_SOURCE: &str =
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html";

const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-SG-01",
        takes: "the name of a group has 1 to 255 of a-z, A-Z, 0-9, space and ._-:/()#,@[]+=&;{}!$*, and no space at \
                its end",
        source: "ec2:CreateSecurityGroup.GroupName",
        check: |attrs, violations| {
            violations.length("name", &attrs.name, 1..=MAX_NAME);
            violations.characters("name", &attrs.name, is_plain);
            if attrs.name.ends_with(' ') {
                violations.report("name", &attrs.name, "the name ends with a space, which EC2 cuts off");
            }
        },
        inside: &[
            edit("name = \"front-door\"", "name = \"<255>\""),
            edit("name = \"front-door\"", "name = \"front door ._-:/()#,@[]+=&;{{}}!$*\""),
        ],
        outside: &[
            edit("name = \"front-door\"", "name = \"<256>\""),
            edit("name = \"front-door\"", "name = \"\""),
            edit("name = \"front-door\"", "name = \"front|door\""),
            edit("name = \"front-door\"", "name = \"Haustür\""),
            edit("name = \"front-door\"", "name = \"front-door \""),
        ],
    },
    Rule {
        code: "BP-SG-02",
        takes: "the name of a group does not begin with `sg-`, in any case: that is how ids begin; set `name` where it \
                is derived",
        source: "ec2:CreateSecurityGroup.GroupName",
        check: |attrs, violations| {
            if attrs.name.to_ascii_lowercase().starts_with("sg-") {
                violations.report("name", &attrs.name, format!("`{}` begins like an id", attrs.name));
            }
        },
        inside: &[edit("name = \"front-door\"", "name = \"sgdoor\"")],
        outside: &[
            edit("name = \"front-door\"", "name = \"sg-door\""),
            edit("name = \"front-door\"", "name = \"SG-door\""),
            edit(
                "extends = \"base.toml\"\n\n[security-groups.door]\nname = \"front-door\"",
                "extends = \"base.toml\"\nproject = \"sg-town\"\n[security-groups.door] # its name is derived",
            ),
        ],
    },
    Rule {
        code: "BP-SG-03",
        takes: "the name `default` belongs to the group that every VPC has from the start: choose another",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
        check: |attrs, violations| {
            if attrs.name.eq_ignore_ascii_case("default") {
                violations.report("name", &attrs.name, format!("`{}` is reserved", attrs.name));
            }
        },
        inside: &[edit("name = \"front-door\"", "name = \"default-door\"")],
        outside: &[edit("name = \"front-door\"", "name = \"default\"")],
    },
    Rule {
        code: "BP-SG-04",
        takes: "the description of a group has 1 to 255 of a-z, A-Z, 0-9, space and ._-:/()#,@[]+=&;{}!$*",
        source: "ec2:CreateSecurityGroup.Description",
        check: |attrs, violations| {
            violations.length("description", &attrs.description, 1..=255);
            violations.characters("description", &attrs.description, is_plain);
        },
        inside: &[
            edit("\"What the internet reaches\"", "\"<255>\""),
            edit("\"What the internet reaches\"", "\"The internet ._-:/()#,@[]+=&;{{}}!$*\""),
        ],
        outside: &[
            edit("\"What the internet reaches\"", "\"<256>\""),
            edit("\"What the internet reaches\"", "\"\""),
            edit("\"What the internet reaches\"", "\"the internet's door\""),
            edit("\"What the internet reaches\"", "\"Was das Internet erreicht: Tür\""),
        ],
    },
];

impl Kind for SecurityGroup {
    const RULES: &'static [Rule<Attrs>] = RULES;
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<SecurityGroups>()];
    const EXAMPLES: &'static [Example] = section::EXAMPLES;
    const TAG_CHARACTERS: TagCharacters = TagCharacters::Any;
    const STAGE: Stage = Stage::Network;
    const UNIQUE: Option<&'static str> = Some("name");
    const REPLACE_ON: &'static [&'static str] = &["name", "description", "vpc"];
    const INSIDE: &'static [&'static str] = &["vpc"];
    const TAG_INDEX: Option<&'static str> = Some("ec2:security-group");
    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let desired = env.section::<SecurityGroups>().iter().map(|(key, group)| {
            let attrs = Attrs {
                name: group
                    .name
                    .clone()
                    .unwrap_or_else(|| env.name(env.naming_key(SecurityGroups::KEY, key), MAX_NAME)),
                description: group.description.clone(),
                vpc: vpc::reference(env),
                tags: ec2::tags::<Self>(env, key),
            };
            Desired::new(key, &[SecurityGroups::KEY, key], attrs)
        });
        desired.collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.vpc == live.vpc && names::is_name_or_alternate(&live.name, &desired.name, MAX_NAME)
    }

    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if names::is_name_or_alternate(&live.name, &desired.name, MAX_NAME) {
            live.name.clone_from(&desired.name);
        }
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "name": attrs.name,
            "description": attrs.description,
            "vpc_id": attrs.vpc,
            "revoke_rules_on_delete": false,
            "tags": attrs.tags,
        });
        Block::one("aws_security_group", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::rc::Rc;

    use aws_sdk_ec2::Client as Ec2;
    use aws_sdk_ec2::types::{ResourceType, SecurityGroup as Found};

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult};
    use crate::kinds::members::Members;
    use crate::kinds::network::ec2::users::{Used, named};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    ec2::described!(SecurityGroup, group_id);

    impl Calls for SecurityGroup {
        const ERRORS: &'static [OwnError] = &[
            OwnError {
                code: "InvalidGroup.InUse",
                words: "",
                class: ErrorClass::InUse,
                example: "The security group sg-1 is in use.",
            },
            OwnError {
                code: "CannotDelete",
                words: "",
                class: ErrorClass::InUse,
                example: "The specified group cannot be deleted.",
            },
        ];

        fn members() -> Vec<Members> {
            vec![Members::of::<()>(
                "ec2:DescribeSecurityGroups",
                "SecurityGroups",
                &["GroupId", "GroupName", "Description", "VpcId", "Tags"],
                &[],
                &[
                    ("another name of the same", &["SecurityGroupArn", "OwnerId"]),
                    ("of the kind of its rules", &["IpPermissions", "IpPermissionsEgress"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let found = groups(read).await?;
            let live = found.iter().filter(|group| !is_default(group)).filter_map(|group| {
                let (address, tags) = ec2::mark::<Self>(read.scope, group.tags());
                let attrs = Attrs {
                    name: group.group_name()?.to_owned(),
                    description: group.description().unwrap_or_default().to_owned(),
                    vpc: Ref::id(group.vpc_id()?),
                    tags,
                };
                Some(Live::new(address, group.group_id()?, attrs))
            });
            Ok(live.collect())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let name =
                if new.alternate { names::alternate(&attrs.name, new.token, MAX_NAME) } else { attrs.name.clone() };
            let call = aws
                .client::<Ec2>()
                .create_security_group()
                .group_name(&name)
                .description(&attrs.description)
                .vpc_id(attrs.vpc.value())
                .tag_specifications(ec2::tagged(ResourceType::SecurityGroup, &attrs.tags));
            let id = match call.send().await.operation("ec2:CreateSecurityGroup") {
                Ok(answer) => ec2::made(answer.group_id(), "ec2:CreateSecurityGroup")?,
                // The call has no idempotency token: it finds its own group there if an answer was lost.
                Err(error) if error.is(ErrorClass::AlreadyExists) => same(aws, &name, attrs).await?.ok_or(error)?,
                Err(error) => return Err(error),
            };
            Ok(WriteResult::new(id))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            ec2::retag(aws, change.id, &change.before.tags, &change.attrs.tags).await?;
            Ok(WriteResult::new(change.id))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let call = aws.client::<Ec2>().delete_security_group().group_id(gone.id);
            let deleted = call.send().await.optional("ec2:DeleteSecurityGroup").map(drop);
            let deleted = deleted.map_err(|error| error.meant_by(Self::ERRORS));
            named(aws, Used::SecurityGroup(gone.id), deleted).await
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            if target.goal == Goal::Gone {
                return Ok(Poll::Done(Outputs::new()));
            }
            let shown = group(aws, target.id).await?;
            ec2::until("ec2:DescribeSecurityGroups", "created", shown.map(|_| "created"))
        }
    }

    /// All groups of this environment, and those in its VPC if one is missing; the rules are read from them as well.
    pub(in crate::kinds) async fn groups(read: &Reader<'_>) -> Result<Rc<Vec<Found>>, CloudError> {
        let describe = async |filters| {
            let pages = read
                .aws
                .client::<Ec2>()
                .describe_security_groups()
                .set_filters(Some(filters))
                .into_paginator()
                .items();
            pages.send().collect::<Result<Vec<_>, _>>().await.operation("ec2:DescribeSecurityGroups")
        };
        let ask = ec2::found::<SecurityGroup, _>(read, describe, vpc::inside(read, "vpc-id"));
        read.shared("security groups", ask).await
    }

    /// Whether a group came with the VPC ([`crate::kinds::network::default_security_group`]). No other can have the name.
    fn is_default(group: &Found) -> bool {
        group.group_name() == Some("default")
    }

    /// One group, or `None` where there is none with this id.
    pub(in crate::kinds) async fn group(aws: &Aws, id: &str) -> Result<Option<Found>, CloudError> {
        let call = aws.client::<Ec2>().describe_security_groups().group_ids(id);
        let found = call.send().await.optional("ec2:DescribeSecurityGroups")?;
        Ok(found.and_then(|found| found.security_groups.unwrap_or_default().into_iter().next()))
    }

    /// The id of the group of this name, if it is the one that these attributes make, tags and all.
    async fn same(aws: &Aws, name: &str, attrs: &Attrs) -> Result<Option<String>, CloudError> {
        let mut call = aws
            .client::<Ec2>()
            .describe_security_groups()
            .filters(ec2::filter("group-name", name))
            .filters(ec2::filter("vpc-id", attrs.vpc.value()));
        for (key, value) in &attrs.tags {
            call = call.filters(ec2::filter(&format!("tag:{key}"), value));
        }
        let found = call.send().await.operation("ec2:DescribeSecurityGroups")?;
        let group = found.security_groups().iter().find(|group| group.description() == Some(&attrs.description));
        Ok(group.and_then(|group| group.group_id()).map(str::to_owned))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_replacement_under_another_name_is_the_wanted_group() {
            let attrs = |name: &str| Attrs {
                name: name.to_owned(),
                description: "web".to_owned(),
                vpc: Ref::id("vpc-1"),
                tags: Tags::new(),
            };
            let desired = attrs("town-dev-web");
            let mut live = attrs(&names::alternate("town-dev-web", "token", MAX_NAME));
            SecurityGroup::normalize(&desired, &mut live);
            assert_eq!(live.name, desired.name);
        }

        #[test]
        fn an_old_group_stays_until_the_end_where_there_is_room() {
            let groups = |ids: &[&str]| ids.iter().map(|id| Ref::id(*id)).collect();
            let both =
                |live: &[&str], desired: &[&str]| both(&groups(live), &groups(desired)).map(|groups| groups.len());
            assert_eq!(both(&["a"], &["b"]), Some(2));
            assert_eq!(both(&["a"], &["a", "b"]), None);
            assert_eq!(both(&["a", "b", "c"], &["d", "e", "f"]), None);
        }
    }
}
