use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::compute::section::Services;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, Section};
use crate::value::{Tags, Target, shell_word};

/// Where a service's containers write their logs.
pub struct LogGroup;

impl Target for LogGroup {
    const KIND: &'static str = "log_group";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    /// 0 keeps logs for ever.
    pub retention_days: i32,
    pub tags: Tags,
}

/// The name of a service's log group.
pub(in crate::kinds) fn name(env: &Environment, service: &str) -> String {
    format!("/ecs/{}/{}", env.prefix(), env.naming_key(Services::KEY, service))
}

/// Days that CloudWatch Logs can keep a group.
const RETENTIONS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

impl Kind for LogGroup {
    // The name is made of what fits in any case.
    const RULES: &'static [Rule<Attrs>] = &[Rule {
        code: "BP-LOG-01",
        takes: "logs are kept 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, \
                2922, 3288 or 3653 days, or with 0 for ever",
        source: "logs:PutRetentionPolicy.retentionInDays",
        check: |attrs, violations| {
            let days = attrs.retention_days;
            if days != 0 && !RETENTIONS.contains(&days) {
                violations.report("retention_days", days.to_string(), format!("logs cannot be kept {days} days"));
            }
        },
        inside: &[
            edit("log-retention = 14", "log-retention = 0"),
            edit("log-retention = 14", "log-retention = 1"),
            edit("log-retention = 14", "log-retention = 3653"),
        ],
        outside: &[
            edit("log-retention = 14", "log-retention = -1"),
            edit("log-retention = 14", "log-retention = 2"),
            edit("log-retention = 14", "log-retention = 3654"),
        ],
    }];
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("retention_days", "log-retention")];
    /// What writes to it fails from then on.
    const DELETED_IN_USE: bool = true;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["services.….logs"];
    const SUMMARY: &'static [&'static str] = &["retention_days"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] = &["name"];
    const TAG_INDEX: Option<&'static str> = Some("logs:log-group");
    const TAGS_FROM_INDEX: bool = true;
    const OUTPUTS: &'static [&'static str] = &["arn"];
    const IDENTITY: Option<&'static str> = Some("name");
    const CREATE_FIRST: bool = false;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let groups = env.section::<Services>().iter().map(|(key, service)| {
            let attrs = Attrs {
                name: name(env, key),
                retention_days: service.log_retention,
                tags: env.tags_of::<Self>(key),
            };
            Desired {
                protect: service.protect.unwrap_or(env.protect),
                ..Desired::new(key, &[Services::KEY, key], attrs)
            }
        });
        groups.collect()
    }

    fn holds_data(_live: &Attrs) -> bool {
        true
    }

    /// Tasks run on without it; what they say is lost.
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let is_shorter = live.retention_days > 0 && live.retention_days < desired.retention_days;
        let shorter = || ("retention_days", format!("logs are deleted after {} days already", live.retention_days));
        is_shorter.then(shorter).into_iter().collect()
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let command = format!(
            "aws logs tail {} --follow --region {}",
            shell_word(&live.attrs.name),
            shell_word(&live.env.region)
        );
        live.output(format!("{}.{}.logs", Services::KEY, live.name), OutputSort::Command, Some(&command))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({ "name": attrs.name, "retention_in_days": attrs.retention_days, "tags": attrs.tags });
        Block::one("aws_cloudwatch_log_group", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::HashMap;

    use aws_sdk_cloudwatchlogs::Client as Logs;
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult, service};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::ownership::{Ownership, TagChange, confirm_tags, unless_created, visible};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    service!(aws_sdk_cloudwatchlogs);

    const SETTINGS: &[Setting<aws_sdk_cloudwatchlogs::types::LogGroup>] = &[
        Setting::new("kmsKeyId", |group| members::text(group.kms_key_id())),
        Setting::new("metricFilterCount", |group| members::number(group.metric_filter_count())),
        Setting::new("dataProtectionStatus", |group| {
            members::text(
                group.data_protection_status().map(aws_sdk_cloudwatchlogs::types::DataProtectionStatus::as_str),
            )
        }),
        Setting::new("logGroupClass", |group| {
            members::other(
                group.log_group_class().map(aws_sdk_cloudwatchlogs::types::LogGroupClass::as_str),
                "STANDARD",
            )
        }),
        Setting::new("deletionProtectionEnabled", |group| members::on(group.deletion_protection_enabled())),
        Setting::new("bearerTokenAuthenticationEnabled", |group| {
            members::on(group.bearer_token_authentication_enabled())
        }),
    ];

    impl Calls for LogGroup {
        fn members() -> Vec<Members> {
            vec![Members::of(
                "logs:DescribeLogGroups",
                "logGroups",
                &["logGroupName", "arn", "retentionInDays"],
                SETTINGS,
                &[
                    ("another name of the same", &["logGroupArn"]),
                    ("says when it was made and how full it is", &["creationTime", "storedBytes"]),
                    ("of the whole account", &["inheritedProperties", "retentionPolicyName"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let aws = read.aws;
            let prefix = &name(read.scope.env, "");
            let pages = aws
                .client::<Logs>()
                .describe_log_groups()
                .log_group_name_prefix(prefix)
                .into_paginator()
                .items()
                .send();
            let groups = pages.collect::<Result<Vec<_>, _>>().await.operation("logs:DescribeLogGroups")?;
            let owned = try_join_all(groups.iter().map(async |group| {
                let name = group.log_group_name().unwrap_or_default();
                // AWS writes a group's ARN with `:*` for its streams, and takes it without where tags are concerned.
                let arn = group.arn().unwrap_or_default().trim_end_matches(":*");
                let implied = name.strip_prefix(prefix).map(|service| Address::new(Self::KIND, service));
                let ownership = Ownership::of::<Self>(read, arn, implied, tags(aws, arn)).await?;
                if !ownership.concerns::<Self>(read, name) {
                    return Ok(None);
                }
                let live = ownership.live(name, |tags| Attrs {
                    name: name.to_owned(),
                    retention_days: group.retention_in_days().unwrap_or_default(),
                    tags,
                });
                Ok(Some(Live { settings: settings(SETTINGS, group), ..live.output("arn", arn) }))
            }));
            Ok(owned.await?.into_iter().flatten().collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tags(read.aws, &arn(read.aws, &live.id)).await?;
            confirm_tags::<Self>(read, live, tags, |attrs| &mut attrs.tags);
            Ok(())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let arn = arn(aws, &attrs.name);
            let wanted: HashMap<_, _> = attrs.tags.clone().into_iter().collect();
            let call = aws.client::<Logs>().create_log_group().log_group_name(&attrs.name).set_tags(Some(wanted));
            if let Err(error) = call.send().await.operation("logs:CreateLogGroup") {
                unless_created(error, &attrs.tags, tags(aws, &arn)).await?;
            }
            // No call makes a group with its retention; a group that is left without shows it as a difference.
            if attrs.retention_days > 0 {
                retain(aws, &attrs.name, attrs.retention_days).await?;
            }
            Ok(WriteResult::new(&attrs.name).output("arn", arn))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let arn = arn(aws, change.id);
            if change.changes("retention_days") {
                retain(aws, change.id, change.attrs.retention_days).await?;
            }
            if change.changes("tags") {
                let TagChange { set, removed } = TagChange::between(&change.before.tags, &change.attrs.tags);
                if !set.is_empty() {
                    let call = aws
                        .client::<Logs>()
                        .tag_resource()
                        .resource_arn(&arn)
                        .set_tags(Some(set.into_iter().collect()));
                    call.send().await.operation("logs:TagResource")?;
                }
                if !removed.is_empty() {
                    let call = aws.client::<Logs>().untag_resource().resource_arn(&arn).set_tag_keys(Some(removed));
                    call.send().await.operation("logs:UntagResource")?;
                }
            }
            Ok(WriteResult::new(change.id).output("arn", arn))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Logs>()
                .delete_log_group()
                .log_group_name(gone.id)
                .send()
                .await
                .optional("logs:DeleteLogGroup")?;
            Ok(())
        }
    }

    fn arn(aws: &Aws, name: &str) -> String {
        aws.arn("logs", &format!("log-group:{name}"))
    }

    async fn tags(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
        let call = aws.client::<Logs>().list_tags_for_resource().resource_arn(arn);
        let answer = call.send().await.operation("logs:ListTagsForResource")?;
        Ok(visible(answer.tags().into_iter().flatten()))
    }

    async fn retain(aws: &Aws, name: &str, days: i32) -> Result<(), CloudError> {
        if days > 0 {
            let call = aws.client::<Logs>().put_retention_policy().log_group_name(name).retention_in_days(days);
            call.send().await.operation("logs:PutRetentionPolicy")?;
        } else {
            let call = aws.client::<Logs>().delete_retention_policy().log_group_name(name);
            call.send().await.optional("logs:DeleteRetentionPolicy")?;
        }
        Ok(())
    }
}
