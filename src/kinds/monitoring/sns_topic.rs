//! SNS topics: what alarms and services send to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::{Example, change};
use crate::kinds::resource_policy;
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{self, AnySection, Check, Entries, Environment, Keyed, Section, TextPart, Unknown, entry};
use crate::value::{Part, Tags, Target};

/// A topic of SNS (`CreateTopic`), which keeps nothing of what it passes on.
pub struct SnsTopic;

impl Target for SnsTopic {
    const KIND: &'static str = "sns_topic";
}

/// `[topics]`: an entry is a topic.
pub struct Topics;

impl Section for Topics {
    const KEY: &'static str = "topics";
    const TEXTS: &'static [TextPart] = &[("topics.….arn", "the ARN of a topic")];
    const ENTRY_TABLE: Option<&'static str> = Some("");

    type Value = Keyed<Topic>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    fn validate(check: &mut Check<'_>) {
        check.keys(&[Self::KEY], check.env.section::<Self>().keys());
    }

    fn part(env: &Environment, path: &str) -> Result<Part, Unknown> {
        let (key, _, field) = entry(env.section::<Self>(), "topic", path)?;
        match field {
            "arn" => Ok(Part::output(SnsTopic::KIND, key, "arn")),
            _ => Err(Unknown::field(Self::KEY, field, "arn")),
        }
    }
}

/// An SNS topic. Services get its ARN as `{topics.<key>.arn}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Topic {
    /// The topic's name; `<project>-<environment>-<key>` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sender of its messages in e-mail and SMS.
    pub display_name: String,
    /// The KMS key that encrypts its messages at rest: id, ARN or `alias/…`. Without one they are not encrypted by it.
    pub kms_key: String,
}

/// From `CreateTopic` in SNS's API reference.
const MAX_NAME: usize = 256;
const MAX_DISPLAY_NAME: usize = 100;
/// Of what names a key, from `DescribeKey` in KMS's API reference.
const MAX_KEY: usize = 2048;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    pub display_name: String,
    /// Empty for none.
    pub kms_key: String,
    pub tags: Tags,
}

impl Kind for SnsTopic {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Topics>()];
    const EXAMPLES: &'static [Example] = &[Example {
        spec: r#"
[topics.orders]
name = "town-orders"
display-name = "Orders"
kms-key = "alias/aws/sns"

[topics.alarms]

[services.shop]
image = "nginx:1"
cpu = 256
memory = 512
security-groups = ["app"]
protect = false
environment = { ORDERS = "{topics.orders.arn}" }
"#,
        changes: &[
            change("\"Orders\"", "\"All orders\"", &["update sns_topic.orders: display_name"]),
            change("kms-key = \"alias/aws/sns\"\n", "", &["update sns_topic.orders: kms_key"]),
            change(
                "town-orders",
                "town-new-orders",
                &[
                    "replace sns_topic.orders: name",
                    "update ecs_service.shop: task_definition",
                    "update task_definition.shop: environment.ORDERS",
                ],
            ),
            change("[topics.alarms]\n", "", &["delete sns_topic.alarms"]),
        ],
    }];
    const RULES: &'static [Rule<Attrs>] = &[
        Rule {
            code: "BP-SNS-01",
            takes: "the name of a topic has 1 to 256 ASCII letters, digits, hyphens and underscores; Baseplate makes no \
                    FIFO topics",
            source: "sns:CreateTopic.Name",
            check: |attrs, violations| {
                violations.length("name", &attrs.name, 1..=MAX_NAME);
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                violations.characters("name", &attrs.name, plain);
            },
            inside: &[edit("\"town-orders\"", "\"Orders_2-x\""), edit("\"town-orders\"", "\"<256>\"")],
            outside: &[
                edit("\"town-orders\"", "\"<257>\""),
                edit("\"town-orders\"", "\"town orders\""),
                edit("\"town-orders\"", "\"town-orders.fifo\""),
                edit("\"town-orders\"", "\"\""),
            ],
        },
        Rule {
            code: "BP-SNS-02",
            takes: "the display name of a topic has 100 characters at most",
            source: "https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html",
            check: |attrs, violations| violations.length("display_name", &attrs.display_name, 0..=MAX_DISPLAY_NAME),
            inside: &[edit("\"Orders\"", "\"<100>\"")],
            outside: &[edit("\"Orders\"", "\"<101>\"")],
        },
        Rule {
            code: "BP-SNS-03",
            takes: "a KMS key is named by its id, its ARN or `alias/…`: letters, digits and / _ - :, 2048 at most",
            source: "sns:CreateTopic.Attributes.KmsMasterKeyId",
            check: |attrs, violations| {
                violations.length("kms_key", &attrs.kms_key, 0..=MAX_KEY);
                let plain = |c: char| c.is_ascii_alphanumeric() || "/_-:".contains(c);
                violations.characters("kms_key", &attrs.kms_key, plain);
            },
            inside: &[
                edit("\"alias/aws/sns\"", "\"arn:aws:kms:eu-central-1:123456789012:alias/town_1\""),
                edit("\"alias/aws/sns\"", "\"mrk-1234abcd12ab34cd56ef1234567890ab\""),
            ],
            outside: &[edit("\"alias/aws/sns\"", "\"alias/town key\""), edit("\"alias/aws/sns\"", "\"<2049>\"")],
        },
    ];
    const DELETED_IN_USE: bool = true;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["topics.….arn"];
    const SUMMARY: &'static [&'static str] = &["name"];
    const STAGE: Stage = Stage::Monitoring;
    const REPLACE_ON: &'static [&'static str] = &["name"];
    const OUTPUTS: &'static [&'static str] = &["arn"];
    const IDENTITY: Option<&'static str> = Some("name");
    const TAG_INDEX: Option<&'static str> = Some("sns:topic");
    const TAGS_FROM_INDEX: bool = true;
    const CREATE_FIRST: bool = false;

    type Attrs = Attrs;

    fn setting_danger(name: &str, value: &str) -> Option<String> {
        let open = resource_policy::open_to_everybody(value).filter(|_| name == "Policy")?;
        Some(format!("everybody may call {open}"))
    }

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let topics = env.section::<Topics>().iter().map(|(key, topic)| {
            let attrs = Attrs {
                name: topic.name.clone().unwrap_or_else(|| env.name(env.naming_key(Topics::KEY, key), MAX_NAME)),
                display_name: topic.display_name.clone(),
                kms_key: topic.kms_key.clone(),
                tags: env.tags_of::<Self>(key),
            };
            Desired::new(key, &[Topics::KEY, key], attrs)
        });
        topics.collect()
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let arn = live.outputs.get("arn").map(String::as_str);
        live.output(format!("{}.{}.arn", Topics::KEY, live.name), OutputSort::Name, arn)
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let body = json!({
            "name": attrs.name,
            "display_name": given(&attrs.display_name),
            "kms_master_key_id": given(&attrs.kms_key),
            "tags": attrs.tags,
        });
        Block::one("aws_sns_topic", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::HashMap;

    use aws_sdk_sns::Client as Sns;
    use aws_sdk_sns::types::Tag;
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult, service};
    use crate::kinds::members::{Members, unlike};
    use crate::kinds::ownership::{Ownership, TagChange, confirm_tags, implied, visible};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::Address;

    service!(aws_sdk_sns);

    const DISPLAY_NAME: &str = "DisplayName";
    const KMS_KEY: &str = "KmsMasterKeyId";
    const POLICY: &str = "Policy";

    /// The statement that gives a topic's owner all rights, as SNS writes it when nobody gives another policy.
    const DEFAULT_STATEMENT: &str = "__default_statement_ID";

    /// What SNS gives every standard topic
    /// (<https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html>).
    const DEFAULTS: &[(&str, &str)] = &[
        ("ArchivePolicy", ""),
        ("BeginningArchiveTime", ""),
        ("DataProtectionPolicy", ""),
        ("DeliveryPolicy", ""),
        ("FifoTopic", "false"),
        ("SignatureVersion", "1"),
        ("TracingConfig", "PassThrough"),
    ];

    impl Calls for SnsTopic {
        /// The list has ARNs only, and no call reads the attributes of several topics: those that are not ours are not
        /// asked for theirs.
        fn members() -> Vec<Members> {
            let mut members = Members::of_keys(
                "sns:GetTopicAttributes",
                "Attributes",
                &["TopicArn", DISPLAY_NAME, KMS_KEY],
                DEFAULTS,
                &[
                    ("the account's", &["Owner"]),
                    (
                        "counts who listens",
                        &["SubscriptionsConfirmed", "SubscriptionsPending", "SubscriptionsDeleted"],
                    ),
                    ("of topics in order only", &["ContentBasedDeduplication", "FifoThroughputScope"]),
                    ("what the delivery policy comes to", &["EffectiveDeliveryPolicy"]),
                ],
            );
            members.reported.push(POLICY);
            vec![members]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let aws = read.aws;
            let pages = aws.client::<Sns>().list_topics().into_paginator().items().send();
            let topics = pages.collect::<Result<Vec<_>, _>>().await.operation("sns:ListTopics")?;
            let implied = implied::<Self>(read.scope.env, |attrs| attrs.name);
            let prefix = format!("{}-", read.scope.env.prefix());
            let live = try_join_all(topics.iter().filter_map(|topic| topic.topic_arn()).map(async |arn| {
                let name = arn.rsplit(':').next().unwrap_or_default();
                let by_prefix = || name.strip_prefix(&prefix).map(|key| Address::new(Self::KIND, key));
                let implied = implied.get(name).cloned().or_else(by_prefix);
                let ownership = Ownership::of::<Self>(read, arn, implied, tags(aws, arn)).await?;
                if !ownership.concerns::<Self>(read, name) {
                    return Ok(None);
                }
                // Somebody may have deleted it since it was listed.
                let Some(attributes) = attributes(aws, arn).await? else { return Ok(None) };
                let text = |key: &str| attributes.get(key).cloned().unwrap_or_default();
                let live = ownership.live(arn, |tags| Attrs {
                    name: name.to_owned(),
                    display_name: text(DISPLAY_NAME),
                    kms_key: text(KMS_KEY),
                    tags,
                });
                let mut settings = unlike(DEFAULTS, |key| attributes.get(key).map(String::as_str));
                let policy = attributes.get(POLICY).filter(|policy| !policy.contains(DEFAULT_STATEMENT));
                settings.extend(policy.map(|policy| (POLICY.to_owned(), policy.clone())));
                Ok::<_, CloudError>(Some(Live { settings, ..live.output("arn", arn) }))
            }));
            Ok(live.await?.into_iter().flatten().collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tags(read.aws, &live.id).await?;
            confirm_tags::<Self>(read, live, tags, |attrs| &mut attrs.tags);
            Ok(())
        }

        /// SNS answers with the topic that is there if it has this name, these attributes and these tags: a repeated
        /// call makes no second one.
        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let attributes = [(DISPLAY_NAME, &attrs.display_name), (KMS_KEY, &attrs.kms_key)];
            let given = attributes.into_iter().filter(|(_, text)| !text.is_empty());
            let given = given.map(|(key, text)| (key.to_owned(), text.clone())).collect();
            let call = aws.client::<Sns>().create_topic().name(&attrs.name).set_attributes(Some(given));
            let answer = call.set_tags(Some(sns_tags(&attrs.tags)?)).send().await.operation("sns:CreateTopic")?;
            let arn = answer.topic_arn.ok_or_else(|| CloudError::not_shown("sns:CreateTopic"))?;
            Ok(WriteResult::new(&arn).output("arn", &arn))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let (arn, attrs) = (change.id, change.attrs);
            let fields =
                [("display_name", DISPLAY_NAME, &attrs.display_name), ("kms_key", KMS_KEY, &attrs.kms_key)];
            for (field, attribute, text) in fields {
                if change.changes(field) {
                    let call = aws.client::<Sns>().set_topic_attributes().topic_arn(arn);
                    let call = call.attribute_name(attribute).attribute_value(text);
                    call.send().await.operation("sns:SetTopicAttributes")?;
                }
            }
            if change.changes("tags") {
                let TagChange { set, removed } = TagChange::between(&change.before.tags, &attrs.tags);
                if !set.is_empty() {
                    let call = aws.client::<Sns>().tag_resource().resource_arn(arn);
                    call.set_tags(Some(sns_tags(&set)?)).send().await.operation("sns:TagResource")?;
                }
                if !removed.is_empty() {
                    let call = aws.client::<Sns>().untag_resource().resource_arn(arn);
                    call.set_tag_keys(Some(removed)).send().await.operation("sns:UntagResource")?;
                }
            }
            Ok(WriteResult::new(arn).output("arn", arn))
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Sns>().delete_topic().topic_arn(gone.id).send().await.optional("sns:DeleteTopic")?;
            Ok(())
        }
    }

    async fn attributes(aws: &Aws, arn: &str) -> Result<Option<HashMap<String, String>>, CloudError> {
        let call = aws.client::<Sns>().get_topic_attributes().topic_arn(arn);
        let answer = call.send().await.optional("sns:GetTopicAttributes")?;
        Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
    }

    async fn tags(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
        let call = aws.client::<Sns>().list_tags_for_resource().resource_arn(arn);
        let answer = call.send().await.operation("sns:ListTagsForResource")?;
        Ok(visible(answer.tags().iter().map(|tag| (tag.key(), tag.value()))))
    }

    fn sns_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
    }
}
