//! What services run, which both their own kind and that of task definitions ask.

use crate::value::Target;

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{definition_arn, services};

pub struct EcsService;

impl Target for EcsService {
    const KIND: &'static str = "ecs_service";
}

/// `<revision>:<digest>` of the task definition, by which an unchanged one is known without being read.
#[cfg(feature = "aws")]
pub(in crate::kinds) const DIGEST_TAG: &str = "baseplate:task-definition";

#[cfg(feature = "aws")]
mod calls {
    use std::rc::Rc;

    use aws_sdk_ecs::Client as Ecs;
    use aws_sdk_ecs::types::{Service, ServiceField};
    use futures_util::future::try_join_all;

    use crate::aws::{Aws, CloudError, Reader, SdkResult};
    use crate::kinds::compute::ecs_cluster;

    /// `DescribeServices` takes this many.
    const DESCRIBED_AT_ONCE: usize = 10;

    /// `ListServices` answers this many a page, if asked to.
    const LISTED_AT_ONCE: i32 = 100;

    /// Every active service in the environment's clusters; shared, because a task definition's live revision is
    /// the one that its service runs.
    pub(in crate::kinds) async fn services(read: &Reader<'_>) -> Result<Rc<Vec<Service>>, CloudError> {
        read.shared("ecs services", read_services(read)).await
    }

    async fn read_services(read: &Reader<'_>) -> Result<Vec<Service>, CloudError> {
        let clusters = ecs_cluster::clusters(read).await?;
        let found = try_join_all(clusters.iter().map(|cluster| read_cluster(read.aws, &cluster.id))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn read_cluster(aws: &Aws, cluster: &str) -> Result<Vec<Service>, CloudError> {
        let call = aws.client::<Ecs>().list_services().cluster(cluster).max_results(LISTED_AT_ONCE);
        let names = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let names = names.optional("ecs:ListServices")?.unwrap_or_default();
        let answers = names.chunks(DESCRIBED_AT_ONCE).map(|names| async {
            let call = aws.client::<Ecs>().describe_services().cluster(cluster).set_services(Some(names.to_vec()));
            call.include(ServiceField::Tags).send().await.operation("ecs:DescribeServices")
        });
        let found = try_join_all(answers).await?.into_iter().flat_map(|answer| answer.services.unwrap_or_default());
        // A deleted service stays readable for a while, draining first and then inactive.
        Ok(found.filter(|service| service.status() == Some("ACTIVE")).collect())
    }

    /// The ARN of a task definition, which may also be named `family:revision`.
    pub(in crate::kinds) fn definition_arn(aws: &Aws, name: &str) -> String {
        if name.is_empty() || name.starts_with("arn:") {
            return name.to_owned();
        }
        aws.arn("ecs", &format!("task-definition/{name}"))
    }
}
