//! The ECS cluster that an environment's services run in.

pub mod section;
#[cfg(feature = "aws")]
pub(in crate::kinds) mod tagging;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::compute::ecs_cluster::section::Cluster;
use crate::kinds::compute::section::Services;
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::Example;
use crate::kinds::preflight::{Question, SERVICE_LINKED_ROLE};
use crate::kinds::rules::{Rule, edit};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Kind, Stage};
use crate::spec::{self, AnySection, Environment, Section};
use crate::value::{Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::clusters;

pub struct EcsCluster;

impl Target for EcsCluster {
    const KIND: &'static str = "ecs_cluster";
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Attrs {
    pub name: String,
    /// CloudWatch Container Insights, plain or enhanced.
    pub container_insights: bool,
    pub tags: Tags,
}

/// What ECS takes in the names of clusters and services.
pub(in crate::kinds) fn is_named_by(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// The cluster's name.
fn name(env: &Environment) -> String {
    env.section::<Cluster>().name.clone().unwrap_or_else(|| env.prefix())
}

impl Kind for EcsCluster {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Cluster>()];
    const EXAMPLES: &'static [Example] = section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = &[Rule {
        code: "BP-ECS-01",
        takes: "the name of a cluster has 1 to 255 letters, digits, hyphens and underscores",
        source: "ecs:CreateCluster.clusterName",
        check: |attrs, violations| {
            violations.length("name", &attrs.name, 1..=255);
            violations.characters("name", &attrs.name, is_named_by);
        },
        inside: &[edit("name = \"town\"", "name = \"<255>\""), edit("name = \"town\"", "name = \"Town_1-a\"")],
        outside: &[
            edit("name = \"town\"", "name = \"<256>\""),
            edit("name = \"town\"", "name = \"\""),
            edit("name = \"town\"", "name = \"town 1\""),
            edit("name = \"town\"", "name = \"town.1\""),
        ],
    }];
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["cluster.name"];
    const SUMMARY: &'static [&'static str] = &["name"];
    const STAGE: Stage = Stage::Compute;
    const REPLACE_ON: &'static [&'static str] = &["name"];
    const TAG_INDEX: Option<&'static str> = Some("ecs:cluster");
    const TAGS_FROM_INDEX: bool = true;
    const OUTPUTS: &'static [&'static str] = &["arn"];
    const IDENTITY: Option<&'static str> = Some("name");
    const CREATE_FIRST: bool = false;
    const PREFLIGHT: &'static [&'static Question] = &[&SERVICE_LINKED_ROLE];

    type Attrs = Attrs;

    /// None where the spec has neither services nor anything to say of a cluster.
    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let cluster = env.section::<Cluster>();
        if env.section::<Services>().is_empty() && cluster.name.is_none() && !cluster.container_insights {
            return Vec::new();
        }
        let attrs = Attrs {
            name: name(env),
            container_insights: cluster.container_insights,
            tags: env.tags_of::<Self>("main"),
        };
        vec![Desired::new("main", &[Cluster::KEY], attrs)]
    }

    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        live.output(format!("{}.name", Cluster::KEY), OutputSort::Name, Some(&live.attrs.name))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let insights = if attrs.container_insights { "enabled" } else { "disabled" };
        let body = json!({
            "name": attrs.name,
            "setting": [{ "name": "containerInsights", "value": insights }],
            "tags": attrs.tags,
        });
        Block::one("aws_ecs_cluster", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::collections::BTreeSet;
    use std::rc::Rc;

    use aws_sdk_ecs::Client as Ecs;
    use aws_sdk_ecs::types::{Cluster, ClusterField, ClusterSetting, ClusterSettingName};
    use futures_util::future::try_join_all;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult, service};
    use crate::kinds::members::{self, Members, Setting, settings};
    use crate::kinds::preflight::{Answer, Coming, roles};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    service!(aws_sdk_ecs);

    const SETTINGS: &[Setting<Cluster>] = &[
        Setting::new("settings.value", |cluster| {
            let values = cluster.settings().iter().filter_map(ClusterSetting::value);
            members::list(values.filter(|value| !["enabled", "disabled"].contains(value)))
        }),
        Setting::new("configuration.executeCommandConfiguration", |cluster| {
            let command = cluster.configuration()?.execute_command_configuration()?;
            let logging = command.logging().map(aws_sdk_ecs::types::ExecuteCommandLogging::as_str);
            members::text(command.kms_key_id()).or_else(|| members::other(logging, "DEFAULT"))
        }),
        Setting::new("configuration.managedStorageConfiguration", |cluster| {
            let storage = cluster.configuration()?.managed_storage_configuration()?;
            members::text(storage.kms_key_id()).or(members::text(storage.fargate_ephemeral_storage_kms_key_id()))
        }),
        Setting::new("capacityProviders", |cluster| {
            members::list(cluster.capacity_providers().iter().map(String::as_str))
        }),
        Setting::new("defaultCapacityProviderStrategy", |cluster| {
            members::list(
                cluster
                    .default_capacity_provider_strategy()
                    .iter()
                    .map(aws_sdk_ecs::types::CapacityProviderStrategyItem::capacity_provider),
            )
        }),
        Setting::new("serviceConnectDefaults", |cluster| {
            members::text(cluster.service_connect_defaults().and_then(|defaults| defaults.namespace()))
        }),
        Setting::new("registeredContainerInstancesCount", |cluster| {
            members::number(Some(cluster.registered_container_instances_count()))
        }),
    ];

    impl Calls for EcsCluster {
        const ERRORS: &'static [OwnError] = &[
            OwnError {
                code: "ClusterContainsServicesException",
                words: "",
                class: ErrorClass::InUse,
                example: "The Cluster cannot be deleted while Services are active.",
            },
            OwnError {
                code: "ClusterContainsTasksException",
                words: "",
                class: ErrorClass::InUse,
                example: "The Cluster cannot be deleted while Tasks are active.",
            },
            OwnError {
                code: "ClusterContainsContainerInstancesException",
                words: "",
                class: ErrorClass::InUse,
                example: "The Cluster cannot be deleted while Container Instances are active or draining.",
            },
        ];

        fn members() -> Vec<Members> {
            vec![Members::of(
                "ecs:DescribeClusters",
                "clusters",
                &["clusterArn", "clusterName", "status", "settings", "tags"],
                SETTINGS,
                &[
                    (
                        "counts what runs",
                        &["runningTasksCount", "pendingTasksCount", "activeServicesCount", "statistics"],
                    ),
                    ("of capacity providers, which are told by name", &["attachments", "attachmentsStatus"]),
                ],
            )]
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            Ok(clusters(read).await?.to_vec())
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            roles::service_linked(read, "AWSServiceRoleForECS", "ecs.amazonaws.com", coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let Attrs { name, container_insights, tags } = new.attrs;
            let call =
                aws.client::<Ecs>().create_cluster().cluster_name(name).settings(insights(*container_insights));
            let made = call.set_tags(Some(tagging::to_aws(tags))).send().await.operation("ecs:CreateCluster")?;
            let arn = made.cluster().and_then(Cluster::cluster_arn).unwrap_or_default();
            Ok(WriteResult::new(name).output("arn", arn))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let made = WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() };
            if change.changes("container_insights") {
                let call = aws.client::<Ecs>().update_cluster().cluster(change.id);
                call.settings(insights(change.attrs.container_insights))
                    .send()
                    .await
                    .operation("ecs:UpdateCluster")?;
            }
            if change.changes("tags") {
                let arn = change.outputs.get("arn").map_or(change.id, String::as_str);
                tagging::retag(aws, arn, &change.before.tags, &change.attrs.tags).await?;
            }
            Ok(made)
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            aws.client::<Ecs>().delete_cluster().cluster(gone.id).send().await.optional("ecs:DeleteCluster")?;
            Ok(())
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            let call = aws.client::<Ecs>().describe_clusters().clusters(target.id);
            let found = call.send().await.operation("ecs:DescribeClusters")?;
            let cluster = found.clusters().iter().find(|cluster| is_there(cluster));
            Ok(match (target.goal, cluster) {
                (Goal::Gone, None) => Poll::Done(Outputs::new()),
                (Goal::Ready, None) => return Err(CloudError::not_shown("ecs:DescribeClusters")),
                (goal, Some(cluster)) => match cluster.status().unwrap_or_default() {
                    "ACTIVE" if goal == Goal::Ready => {
                        let arn = cluster.cluster_arn().unwrap_or_default();
                        Poll::Done(Outputs::from([("arn".to_owned(), arn.to_owned())]))
                    }
                    "FAILED" => {
                        Poll::Failed("AWS failed to create the cluster; delete it and apply again".to_owned())
                    }
                    "DEPROVISIONING" if goal == Goal::Ready => Poll::Failed(
                        "the cluster is being deleted outside of Baseplate; apply again to create it \
                                      anew"
                            .to_owned(),
                    ),
                    status => Poll::Waiting(format!("status: {status}")),
                },
            })
        }
    }

    /// `DescribeClusters` takes this many names.
    const DESCRIBED_AT_ONCE: usize = 100;

    fn insights(on: bool) -> ClusterSetting {
        let value = if on { "enabled" } else { "disabled" };
        ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()
    }

    /// A deleted cluster stays readable as INACTIVE for a while.
    fn is_there(cluster: &Cluster) -> bool {
        cluster.status() != Some("INACTIVE")
    }

    /// The environment's live clusters, for the kinds that live inside: the one that the spec names, and those
    /// that the tags know, so that a cluster whose name was changed in the spec does not stay behind.
    pub(in crate::kinds) async fn clusters(read: &Reader<'_>) -> Result<Rc<Vec<Live<Attrs>>>, CloudError> {
        read.shared("ecs clusters", read_clusters(read)).await
    }

    async fn read_clusters(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
        let mut names = BTreeSet::from([name(read.scope.env)]);
        if let Some(index) = read.tag_index().await?.as_ref() {
            let ours = index.iter().filter(|(_, tags)| read.scope.has_ownership_tags::<EcsCluster>(tags));
            let clusters = ours.filter_map(|(arn, _)| Some(arn.split_once(":cluster/")?.1.to_owned()));
            names.extend(clusters);
        }
        let names: Vec<String> = names.into_iter().collect();
        let answers = names.chunks(DESCRIBED_AT_ONCE).map(|names| async {
            let call = read.aws.client::<Ecs>().describe_clusters().set_clusters(Some(names.to_vec()));
            let call = call
                .include(ClusterField::Tags)
                .include(ClusterField::Settings)
                .include(ClusterField::Configurations);
            call.send().await.operation("ecs:DescribeClusters")
        });
        let answers = try_join_all(answers).await?;
        let found = answers
            .iter()
            .flat_map(aws_sdk_ecs::operation::describe_clusters::DescribeClustersOutput::clusters)
            .filter(|cluster| is_there(cluster));
        Ok(found
            .map(|cluster| live(read, cluster))
            .filter(|live| {
                let marks = live
                    .attrs
                    .as_ref()
                    .is_some_and(|attrs| read.scope.has_ownership_tags::<EcsCluster>(&attrs.tags));
                marks || read.scope.concerns(EcsCluster::KIND, &live.id)
            })
            .collect())
    }

    fn live(read: &Reader<'_>, cluster: &Cluster) -> Live<Attrs> {
        let name = cluster.cluster_name().unwrap_or_default();
        let tags = tagging::from_aws(cluster.tags());
        let attrs = Attrs { name: name.to_owned(), container_insights: watched(cluster.settings()), tags };
        let live = Live::new(read.scope.owner::<EcsCluster>(&attrs.tags), name, attrs)
            .output("arn", cluster.cluster_arn().unwrap_or_default());
        Live { settings: settings(SETTINGS, cluster), ..live }
    }

    fn watched(settings: &[ClusterSetting]) -> bool {
        let setting =
            settings.iter().find(|setting| setting.name() == Some(&ClusterSettingName::ContainerInsights));
        setting.and_then(ClusterSetting::value).is_some_and(|value| value != "disabled")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn enhanced_insights_are_insights() {
            let setting = |value: &str| {
                [ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()]
            };
            assert!(watched(&setting("enabled")));
            assert!(watched(&setting("enhanced")));
            assert!(!watched(&setting("disabled")));
            assert!(!watched(&[]));
        }
    }
}
