mod access;
mod policy;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::compute::section::Services;
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This, document};
use crate::kinds::{Desired, Kind, Stage, resource_policy};
use crate::spec::{Environment, Section};
use crate::value::{Tags, Target};

/// What a service's tasks may do: one role that ECS takes to start them, and one that they take while running.
pub struct IamRole;

impl Target for IamRole {
    const KIND: &'static str = "iam_role";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    pub path: String,
    /// Who may take the role: a policy document in canonical form, as all of them.
    #[serde(alias = "trust")]
    pub assume_role_policy: Value,
    /// Inline policies by name.
    #[serde(alias = "policies")]
    pub inline_policies: BTreeMap<String, Value>,
    /// ARNs of attached policies.
    pub managed_policies: BTreeSet<String>,
    pub tags: Tags,
}

const MAX_NAME: usize = 64;

impl Kind for IamRole {
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] =
        &[("inline_policies.permissions.Statement", "permissions")];
    /// Who runs with it loses its rights.
    const DELETED_IN_USE: bool = true;
    const SUMMARY: &'static [&'static str] = &["managed_policies"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] = &["name", "path"];
    const OUTPUTS: &'static [&'static str] = &["arn"];
    const IDENTITY: Option<&'static str> = Some("name");
    const GLOBAL_EVENTS: bool = true;
    const CREATE_FIRST: bool = false;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let role = |key: &str, role: &str, inline_policies, managed_policies| {
            let part = format!("{key}-{role}");
            let attrs = Attrs {
                name: env.name(&format!("{}-{role}", env.naming_key(Services::KEY, key)), MAX_NAME),
                path: "/".to_owned(),
                assume_role_policy: access::trust(env),
                inline_policies,
                managed_policies,
                tags: env.tags_of::<Self>(&part),
            };
            Desired::new(part, &[Services::KEY, key], attrs)
        };
        let roles = env.section::<Services>().iter().flat_map(|(key, service)| {
            let managed = service.managed_policies.iter().cloned().collect();
            [
                role(key, "execution", access::execution(env, key, service), BTreeSet::new()),
                role(key, "task", access::task(service), managed),
            ]
        });
        roles.collect()
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let mut dangers = Vec::new();
        for arn in live.managed_policies.difference(&desired.managed_policies) {
            let name = arn.rsplit('/').next().unwrap_or_default();
            if ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"].contains(&name) {
                dangers.push(("managed_policies", format!("administrator rights: {name} is attached")));
            }
        }
        for (name, document) in &live.inline_policies {
            if desired.inline_policies.get(name) != Some(document) && access::allows_everything(document) {
                dangers.push(("inline_policies", format!("administrator rights: see policy {name}")));
            }
        }
        for principal in access::principals(&live.assume_role_policy) {
            if !access::principals(&desired.assume_role_policy).contains(&principal) {
                dangers.push(("assume_role_policy", format!("{principal} may assume the role")));
            }
        }
        dangers
    }

    fn in_words(_field: &str, value: &Value) -> Option<String> {
        resource_policy::in_words(value)
    }

    fn terraform(attrs: &Attrs, this: &This<'_>) -> Vec<Block> {
        let own = this.own();
        let body = json!({
            "name": attrs.name,
            "path": attrs.path,
            "assume_role_policy": document(&attrs.assume_role_policy),
            "tags": attrs.tags,
        });
        let mut blocks = Block::one("aws_iam_role", body);
        blocks.extend(attrs.inline_policies.iter().map(|(name, policy)| {
            let body = json!({ "name": name, "role": own, "policy": document(policy) });
            Block::part("aws_iam_role_policy", name.clone(), body)
        }));
        blocks.extend(attrs.managed_policies.iter().map(|arn| {
            let name = arn.rsplit('/').next().unwrap_or(arn);
            let body = json!({ "role": own, "policy_arn": arn });
            Block::part("aws_iam_role_policy_attachment", name.to_owned(), body)
        }));
        blocks
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_iam::Client as Iam;
    use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
    use aws_sdk_iam::types::{AttachedPolicy, EntityType, RoleDetail, Tag};

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult, service};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::ownership::{TagChange, unless_created, visible};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    service!(aws_sdk_iam);

    const SETTINGS: &[Setting<RoleDetail>] = &[
        Setting::new("PermissionsBoundary", |role| {
            members::text(role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn()))
        }),
        Setting::new("InstanceProfileList", |role| {
            members::list(
                role.instance_profile_list().iter().map(aws_sdk_iam::types::InstanceProfile::instance_profile_name),
            )
        }),
    ];

    impl Calls for IamRole {
        /// One call answers with the roles, their policies and tags; to ask role by role would take four for each.
        fn members() -> Vec<Members> {
            vec![Members::of(
                "iam:GetAccountAuthorizationDetails",
                "RoleDetailList",
                &[
                    "RoleName",
                    "Path",
                    "Arn",
                    "AssumeRolePolicyDocument",
                    "RolePolicyList",
                    "AttachedManagedPolicies",
                    "Tags",
                ],
                SETTINGS,
                &[
                    ("another name of the same", &["RoleId"]),
                    ("says when it was made and used", &["CreateDate", "RoleLastUsed"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let call = read
                .aws
                .client::<Iam>()
                .get_account_authorization_details()
                .filter(EntityType::Role)
                .max_items(1000);
            let pages = call.into_paginator().send().collect::<Result<Vec<_>, _>>().await;
            let pages = pages.operation("iam:GetAccountAuthorizationDetails")?;
            let roles =
                pages.iter().flat_map(GetAccountAuthorizationDetailsOutput::role_detail_list).filter_map(|role| {
                    let name = role.role_name().unwrap_or_default();
                    let tags = visible(role.tags().iter().map(|tag| (tag.key(), tag.value())));
                    let address = read.scope.owner::<Self>(&tags);
                    (read.scope.has_ownership_tags::<Self>(&tags) || read.scope.concerns(Self::KIND, name)).then(
                        || {
                            let live = Live::new(address, name, attributes(role, tags))
                                .output("arn", role.arn().unwrap_or_default());
                            Live { settings: settings(SETTINGS, role), ..live }
                        },
                    )
                });
            Ok(roles.collect())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let created = aws
                .client::<Iam>()
                .create_role()
                .role_name(&attrs.name)
                .path(&attrs.path)
                .description(DESCRIPTION)
                .assume_role_policy_document(attrs.assume_role_policy.to_string())
                .set_tags(Some(iam_tags(&attrs.tags)?))
                .send()
                .await
                .operation("iam:CreateRole");
            let arn = match created {
                Ok(answer) => answer.role.map(|role| role.arn).unwrap_or_default(),
                Err(error) => {
                    unless_created(error, &attrs.tags, tags(aws, &attrs.name)).await?;
                    let found = aws
                        .client::<Iam>()
                        .get_role()
                        .role_name(&attrs.name)
                        .send()
                        .await
                        .operation("iam:GetRole")?;
                    found.role.map(|role| role.arn).unwrap_or_default()
                }
            };
            set_policies(aws, &attrs.name, &BTreeMap::new(), &attrs.inline_policies).await?;
            attach(aws, &attrs.name, &BTreeSet::new(), &attrs.managed_policies).await?;
            Ok(WriteResult::new(&attrs.name).output("arn", arn))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let (before, attrs) = (change.before, change.attrs);
            if change.changes("assume_role_policy") {
                let call = aws.client::<Iam>().update_assume_role_policy().role_name(change.id);
                let call = call.policy_document(attrs.assume_role_policy.to_string());
                call.send().await.operation("iam:UpdateAssumeRolePolicy")?;
            }
            if change.changes("inline_policies") {
                set_policies(aws, change.id, &before.inline_policies, &attrs.inline_policies).await?;
            }
            if change.changes("managed_policies") {
                attach(aws, change.id, &before.managed_policies, &attrs.managed_policies).await?;
            }
            if change.changes("tags") {
                retag(aws, change.id, TagChange::between(&before.tags, &attrs.tags)).await?;
            }
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        /// AWS deletes a role only once nothing is attached to it.
        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            attach(aws, gone.id, &gone.attrs.managed_policies, &BTreeSet::new()).await?;
            set_policies(aws, gone.id, &gone.attrs.inline_policies, &BTreeMap::new()).await?;
            aws.client::<Iam>().delete_role().role_name(gone.id).send().await.optional("iam:DeleteRole")?;
            Ok(())
        }
    }

    /// Fixed, since the one call that reads all roles does not tell it.
    const DESCRIPTION: &str = "Managed by Baseplate";

    fn attributes(role: &RoleDetail, tags: Tags) -> Attrs {
        let document = |text: Option<&str>| text.map_or(Value::Null, policy::parse);
        let inline = role.role_policy_list().iter().map(|inline| {
            (inline.policy_name().unwrap_or_default().to_owned(), document(inline.policy_document()))
        });
        let attached = role.attached_managed_policies().iter().filter_map(AttachedPolicy::policy_arn);
        Attrs {
            name: role.role_name().unwrap_or_default().to_owned(),
            path: role.path().unwrap_or("/").to_owned(),
            assume_role_policy: document(role.assume_role_policy_document()),
            inline_policies: inline.collect(),
            managed_policies: attached.map(str::to_owned).collect(),
            tags,
        }
    }

    // IAM refuses to have one role changed by two calls at once, so these go one after another.

    async fn set_policies(
        aws: &Aws,
        role: &str,
        before: &BTreeMap<String, Value>,
        after: &BTreeMap<String, Value>,
    ) -> Result<(), CloudError> {
        for (name, document) in after.iter().filter(|(name, document)| before.get(*name) != Some(*document)) {
            let call = aws.client::<Iam>().put_role_policy().role_name(role).policy_name(name);
            call.policy_document(document.to_string()).send().await.operation("iam:PutRolePolicy")?;
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            let call = aws.client::<Iam>().delete_role_policy().role_name(role).policy_name(name);
            call.send().await.optional("iam:DeleteRolePolicy")?;
        }
        Ok(())
    }

    async fn attach(
        aws: &Aws,
        role: &str,
        before: &BTreeSet<String>,
        after: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        for arn in after.difference(before) {
            let call = aws.client::<Iam>().attach_role_policy().role_name(role).policy_arn(arn);
            call.send().await.operation("iam:AttachRolePolicy")?;
        }
        for arn in before.difference(after) {
            let call = aws.client::<Iam>().detach_role_policy().role_name(role).policy_arn(arn);
            call.send().await.optional("iam:DetachRolePolicy")?;
        }
        Ok(())
    }

    async fn tags(aws: &Aws, role: &str) -> Result<Tags, CloudError> {
        let answer =
            aws.client::<Iam>().list_role_tags().role_name(role).send().await.operation("iam:ListRoleTags")?;
        Ok(visible(answer.tags().iter().map(|tag| (tag.key(), tag.value()))))
    }

    async fn retag(aws: &Aws, role: &str, change: TagChange) -> Result<(), CloudError> {
        if !change.set.is_empty() {
            let call = aws.client::<Iam>().tag_role().role_name(role).set_tags(Some(iam_tags(&change.set)?));
            call.send().await.operation("iam:TagRole")?;
        }
        if !change.removed.is_empty() {
            let call = aws.client::<Iam>().untag_role().role_name(role).set_tag_keys(Some(change.removed));
            call.send().await.operation("iam:UntagRole")?;
        }
        Ok(())
    }

    fn iam_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
    }
}
