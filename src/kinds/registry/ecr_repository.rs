mod lifecycle;
pub mod section;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::compute::section::{Architecture, Services};
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::Example;
use crate::kinds::registry::ecr_repository::section::Registries;
use crate::kinds::registry::push::{build_and_push, login, registry_host};
use crate::kinds::resource_policy;
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This, document};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{self, AnySection, Environment, Section};
use crate::value::{Part, Tags, Target};

/// A registry of images. It belongs to the project: every environment pulls from it.
pub struct EcrRepository;

impl Target for EcrRepository {
    const KIND: &'static str = "ecr_repository";
    const SHARED: bool = true;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    pub immutable_tags: bool,
    pub scan_on_push: bool,
    /// The lifecycle policy in canonical form; null where there is none.
    pub lifecycle: Value,
    pub tags: Tags,
}

/// The physical name of the registry with this key. It names no environment, since all of them share it.
pub(in crate::kinds) fn name(env: &Environment, key: &str) -> String {
    let given = env.section::<Registries>().get(key).and_then(|registry| registry.name.clone());
    given.unwrap_or_else(|| format!("{}-{key}", env.project))
}

const RULES: &[Rule<Attrs>] = &[Rule {
    code: "BP-ECR-01",
    takes: "the name of a repository has 2 to 256 lowercase letters and digits, in parts with `/` between them, and \
            within a part one `.`, one or two `_` or any number of `-` between letters and digits; set `name` where it \
            is derived",
    source: "ecr:CreateRepository.repositoryName",
    check: |attrs, violations| {
        const PART: &str = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*";
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c);
        violations.length("name", &attrs.name, 2..=256);
        violations.characters("name", &attrs.name, allowed);
        violations.matches("name", &attrs.name, &format!("^({PART}(/{PART})*)?$"));
    },
    inside: &[
        edit("\"town/shop\"", "\"<256>\""),
        edit("\"town/shop\"", "\"7a\""),
        edit("\"town/shop\"", "\"the--town/a.b_c__d/e\""),
    ],
    outside: &[
        edit("\"town/shop\"", "\"<257>\""),
        edit("\"town/shop\"", "\"a\""),
        edit("\"town/shop\"", "\"\""),
        edit("\"town/shop\"", "\"Town/shop\""),
        edit("\"town/shop\"", "\"town/shop-\""),
        edit("\"town/shop\"", "\"/town/shop\""),
        edit("\"town/shop\"", "\"town//shop\""),
        edit("\"town/shop\"", "\"town..shop\""),
        edit("\"town/shop\"", "\"town___shop\""),
        edit("\"town/shop\"", "\"town shop\""),
    ],
}];

/// The output that has the command after which Docker may push: one for all registries.
const LOGIN: &str = "registries.login";

/// How to push what the environment's services pull from here, each image once for every platform that is needed;
/// `TAG` where nobody says which.
fn push_commands(env: &Environment, key: &str, repository: &str) -> Vec<String> {
    let mut tags: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for service in env.section::<Services>().values() {
        let image = env.text(&service.image);
        let [Part::Output { address, .. }, Part::Literal(tag)] = &image.parts[..] else { continue };
        let is_here = (address.kind(), address.name()) == (EcrRepository::KIND, key);
        if let Some(tag) = tag.strip_prefix(':').filter(|tag| is_here && !tag.contains('@')) {
            tags.entry(tag.to_owned()).or_default().insert(match service.architecture {
                Architecture::Arm64 => "linux/arm64",
                Architecture::X86_64 => "linux/amd64",
            });
        }
    }
    if tags.is_empty() {
        tags.insert("TAG".to_owned(), BTreeSet::from(["linux/amd64"]));
    }
    let host = registry_host(env);
    let push = tags.into_iter().flat_map(|(tag, platforms)| {
        build_and_push(&format!("{host}/{repository}:{tag}"), &platforms.into_iter().collect::<Vec<_>>())
    });
    push.collect()
}

impl Kind for EcrRepository {
    const RULES: &'static [Rule<Attrs>] = RULES;
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Registries>()];
    const EXAMPLES: &'static [Example] = section::EXAMPLES;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["registries.….url", LOGIN, "registries.….push"];
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("tags", "project-tags")];
    const SUMMARY: &'static [&'static str] = &["name"];
    const STAGE: Stage = Stage::Registries;
    const REPLACE_ON: &'static [&'static str] = &["name"];
    const SERVES_TRAFFIC: bool = true;
    const OUTPUTS: &'static [&'static str] = &["arn", "url"];
    const IDENTITY: Option<&'static str> = Some("name");
    const TAG_INDEX: Option<&'static str> = Some("ecr:repository");
    const TAGS_FROM_INDEX: bool = true;
    const CREATE_FIRST: bool = false;

    type Attrs = Attrs;

    fn setting_danger(name: &str, value: &str) -> Option<String> {
        let open = resource_policy::open_to_everybody(value).filter(|_| name == "policyText")?;
        Some(format!("everybody may call {open}"))
    }

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let repositories = env.section::<Registries>().iter().map(|(key, registry)| {
            let attrs = Attrs {
                name: name(env, key),
                immutable_tags: registry.immutable_tags,
                scan_on_push: registry.scan_on_push,
                lifecycle: lifecycle::policy(registry, &env.all_environments()),
                tags: env.project_tags_of::<Self>(key),
            };
            let protect = registry.protect.unwrap_or(env.protect);
            Desired { protect, ..Desired::new(key, &[Registries::KEY, key], attrs) }
        });
        repositories.collect()
    }

    fn holds_data(_live: &Attrs) -> bool {
        true
    }

    /// A task pulls its image when it starts.
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let name = |field| format!("{}.{}.{field}", Registries::KEY, live.name);
        let url = live.outputs.get("url").map(String::as_str);
        let push = push_commands(live.env, live.name, &live.attrs.name).join("\n");
        [
            live.output(name("url"), OutputSort::Name, url),
            live.output(LOGIN.to_owned(), OutputSort::Command, Some(&login(live.env))),
            live.output(name("push"), OutputSort::Command, Some(&push)),
        ]
        .concat()
    }

    fn terraform(attrs: &Attrs, this: &This<'_>) -> Vec<Block> {
        let own = this.own();
        let body = json!({
            "name": attrs.name,
            "image_tag_mutability": if attrs.immutable_tags { "IMMUTABLE" } else { "MUTABLE" },
            "image_scanning_configuration": [{ "scan_on_push": attrs.scan_on_push }],
            "tags": attrs.tags,
        });
        let mut blocks = Block::one("aws_ecr_repository", body);
        if !attrs.lifecycle.is_null() {
            let body = json!({ "repository": own, "policy": document(&attrs.lifecycle) });
            blocks.push(Block::part("aws_ecr_lifecycle_policy", String::new(), body));
        }
        blocks
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ecr::Client as Ecr;
    use aws_sdk_ecr::types::{ImageScanningConfiguration, ImageTagMutability, Repository, Tag};
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult, service};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::ownership::{Ownership, TagChange, confirm_tags, implied, unless_created, visible};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};

    service!(aws_sdk_ecr);

    const POLICY: &str = "policyText";

    const SETTINGS: &[Setting<Repository>] = &[
        Setting::new("encryptionConfiguration", |repository| {
            let encryption = repository.encryption_configuration()?;
            let key = encryption.kms_key().unwrap_or_default();
            members::other(Some(encryption.encryption_type().as_str()), "AES256")
                .map(|sort| format!("{sort} {key}").trim_end().to_owned())
        }),
        Setting::new("imageTagMutabilityExclusionFilters", |repository| {
            members::list(
                repository
                    .image_tag_mutability_exclusion_filters()
                    .iter()
                    .map(aws_sdk_ecr::types::ImageTagMutabilityExclusionFilter::filter),
            )
        }),
    ];

    impl Calls for EcrRepository {
        fn members() -> Vec<Members> {
            let repository = Members::of(
                "ecr:DescribeRepositories",
                "repositories",
                &[
                    "repositoryArn",
                    "repositoryName",
                    "repositoryUri",
                    "imageTagMutability",
                    "imageScanningConfiguration",
                ],
                SETTINGS,
                &[("the account's", &["registryId"]), ("says when it was made", &["createdAt"])],
            );
            let lifecycle = Members::of::<()>(
                "ecr:GetLifecyclePolicy",
                "",
                &["lifecyclePolicyText"],
                &[],
                &[
                    ("what was asked for", &["registryId", "repositoryName"]),
                    ("when AWS tidied up", &["lastEvaluatedAt"]),
                ],
            );
            let policy = Members {
                reported: vec![POLICY],
                ..Members::of::<()>(
                    "ecr:GetRepositoryPolicy",
                    "",
                    &[],
                    &[],
                    &[("what was asked for", &["registryId", "repositoryName"])],
                )
            };
            vec![repository, lifecycle, policy]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let aws = read.aws;
            let pages =
                aws.client::<Ecr>().describe_repositories().max_results(1000).into_paginator().items().send();
            let repositories = pages.collect::<Result<Vec<_>, _>>().await.operation("ecr:DescribeRepositories")?;
            let implied = implied::<Self>(read.scope.env, |attrs| attrs.name);
            let owned = try_join_all(repositories.iter().map(async |repository| {
                let (name, arn) = (
                    repository.repository_name().unwrap_or_default(),
                    repository.repository_arn().unwrap_or_default(),
                );
                let ownership =
                    Ownership::of::<Self>(read, arn, implied.get(name).cloned(), tags(aws, arn)).await?;
                if !ownership.concerns::<Self>(read, name) {
                    return Ok(None);
                }
                let lifecycle = read_lifecycle(aws, name).await?;
                let mut live = ownership.live(name, |tags| attributes(repository, lifecycle, tags));
                live.outputs = made(repository).outputs;
                live.settings = settings(SETTINGS, repository);
                // One call a repository: for those who want to know everything.
                if read.scope.everything {
                    live.settings.extend(read_policy(aws, name).await?.map(|policy| (POLICY.to_owned(), policy)));
                }
                Ok(Some(live))
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
            let created = aws
                .client::<Ecr>()
                .create_repository()
                .repository_name(&attrs.name)
                .image_tag_mutability(mutability(attrs))
                .image_scanning_configuration(scanning(attrs))
                .set_tags(Some(ecr_tags(&attrs.tags)?))
                .send()
                .await
                .operation("ecr:CreateRepository");
            let repository = match created {
                Ok(answer) => answer.repository,
                Err(error) => {
                    unless_created(error, &attrs.tags, tags(aws, &arn(aws, &attrs.name))).await?;
                    find(aws, &attrs.name).await?
                }
            };
            put_lifecycle(aws, attrs).await?;
            repository
                .as_ref()
                .map(made)
                .ok_or_else(|| CloudError::internal("ECR created a repository without returning its ARN"))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = change.attrs;
            if change.changes("immutable_tags") {
                let call = aws.client::<Ecr>().put_image_tag_mutability().repository_name(change.id);
                let call = call.image_tag_mutability(mutability(attrs));
                call.send().await.operation("ecr:PutImageTagMutability")?;
            }
            if change.changes("scan_on_push") {
                let call = aws.client::<Ecr>().put_image_scanning_configuration().repository_name(change.id);
                let call = call.image_scanning_configuration(scanning(attrs));
                call.send().await.operation("ecr:PutImageScanningConfiguration")?;
            }
            if change.changes("lifecycle") {
                put_lifecycle(aws, attrs).await?;
            }
            if change.changes("tags") {
                retag(aws, &arn(aws, change.id), &TagChange::between(&change.before.tags, &attrs.tags)).await?;
            }
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        /// Without force: AWS refuses while there are images, which nobody could make again.
        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Ecr>()
                .delete_repository()
                .repository_name(gone.id)
                .send()
                .await
                .optional("ecr:DeleteRepository")?;
            Ok(())
        }
    }

    fn attributes(repository: &Repository, lifecycle: Value, tags: Tags) -> Attrs {
        let scanning = repository.image_scanning_configuration();
        Attrs {
            name: repository.repository_name().unwrap_or_default().to_owned(),
            immutable_tags: repository.image_tag_mutability() == Some(&ImageTagMutability::Immutable),
            scan_on_push: scanning.is_some_and(ImageScanningConfiguration::scan_on_push),
            lifecycle,
            tags,
        }
    }

    fn made(repository: &Repository) -> WriteResult {
        WriteResult::new(repository.repository_name().unwrap_or_default())
            .output("arn", repository.repository_arn().unwrap_or_default())
            .output("url", repository.repository_uri().unwrap_or_default())
    }

    fn arn(aws: &Aws, name: &str) -> String {
        aws.arn("ecr", &format!("repository/{name}"))
    }

    async fn find(aws: &Aws, name: &str) -> Result<Option<Repository>, CloudError> {
        let call = aws.client::<Ecr>().describe_repositories().repository_names(name);
        let answer = call.send().await.operation("ecr:DescribeRepositories")?;
        Ok(answer.repositories.unwrap_or_default().pop())
    }

    fn mutability(attrs: &Attrs) -> ImageTagMutability {
        if attrs.immutable_tags { ImageTagMutability::Immutable } else { ImageTagMutability::Mutable }
    }

    fn scanning(attrs: &Attrs) -> ImageScanningConfiguration {
        ImageScanningConfiguration::builder().scan_on_push(attrs.scan_on_push).build()
    }

    /// Who else may pull and push, as one line of JSON.
    async fn read_policy(aws: &Aws, name: &str) -> Result<Option<String>, CloudError> {
        let call = aws.client::<Ecr>().get_repository_policy().repository_name(name);
        let answer = call.send().await.optional("ecr:GetRepositoryPolicy")?;
        let text = answer.and_then(|answer| answer.policy_text);
        Ok(text.map(|text| serde_json::from_str::<Value>(&text).map_or(text, |policy| policy.to_string())))
    }

    async fn read_lifecycle(aws: &Aws, name: &str) -> Result<Value, CloudError> {
        let call = aws.client::<Ecr>().get_lifecycle_policy().repository_name(name);
        let answer = call.send().await.optional("ecr:GetLifecyclePolicy")?;
        Ok(answer
            .and_then(|answer| answer.lifecycle_policy_text)
            .map_or(Value::Null, |text| lifecycle::parse(&text)))
    }

    async fn put_lifecycle(aws: &Aws, attrs: &Attrs) -> Result<(), CloudError> {
        let call = aws.client::<Ecr>().put_lifecycle_policy().repository_name(&attrs.name);
        let call = call.lifecycle_policy_text(attrs.lifecycle.to_string());
        call.send().await.operation("ecr:PutLifecyclePolicy")?;
        Ok(())
    }

    async fn tags(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
        let call = aws.client::<Ecr>().list_tags_for_resource().resource_arn(arn);
        let answer = call.send().await.operation("ecr:ListTagsForResource")?;
        Ok(visible(answer.tags().iter().map(|tag| (tag.key(), tag.value()))))
    }

    fn ecr_tags(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
    }

    async fn retag(aws: &Aws, arn: &str, change: &TagChange) -> Result<(), CloudError> {
        if !change.set.is_empty() {
            let call = aws.client::<Ecr>().tag_resource().resource_arn(arn).set_tags(Some(ecr_tags(&change.set)?));
            call.send().await.operation("ecr:TagResource")?;
        }
        if !change.removed.is_empty() {
            let call =
                aws.client::<Ecr>().untag_resource().resource_arn(arn).set_tag_keys(Some(change.removed.clone()));
            call.send().await.operation("ecr:UntagResource")?;
        }
        Ok(())
    }
}
