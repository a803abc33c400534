//! Writes the tags of images in use to ECR.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecr::Client as Ecr;
use aws_sdk_ecr::types::{Image, ImageIdentifier};
use futures_util::future::{join_all, try_join_all};

use super::in_use::{InUse, TagChanges, TaggedImage, changes};
use super::lookup::{AT_ONCE, MEDIA_TYPES};
use crate::aws::{Aws, CloudError, ErrorClass, SdkResult};
use crate::kinds::registry::ecr_repository;
use crate::kinds::registry::ecr_repository::section::Registries;
use crate::spec::Environment;

/// Tags the images that the environment's services run, in every registry of the spec, and takes the environment's tags
/// from others. A repository that is not the spec's has no policy of ours, and is left alone; one that is not there is
/// passed over.
///
/// # Errors
/// What failed in each repository; the others are done.
pub async fn tag_in_use(aws: &Aws, env: &Environment, in_use: &InUse) -> Result<(), Vec<CloudError>> {
    let names: BTreeSet<String> =
        env.section::<Registries>().keys().map(|key| ecr_repository::name(env, key)).collect();
    let answers = join_all(names.iter().map(|name| tag(aws, env, in_use, name))).await;
    let errors: Vec<CloudError> = answers.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

async fn tag(aws: &Aws, env: &Environment, in_use: &InUse, repository: &str) -> Result<(), CloudError> {
    let call = aws.client::<Ecr>().describe_images().repository_name(repository).max_results(1000);
    let pages = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let Some(found) = pages.optional("ecr:DescribeImages")? else { return Ok(()) };
    let image = |detail: aws_sdk_ecr::types::ImageDetail| TaggedImage {
        pushed: detail.image_pushed_at().map_or(0, aws_sdk_ecr::primitives::DateTime::secs),
        digest: detail.image_digest.unwrap_or_default(),
        tags: detail.image_tags.unwrap_or_default(),
    };
    let found: Vec<TaggedImage> = found.into_iter().map(image).collect();
    let TagChanges { put, remove } = changes(&env.environment, repository, in_use, &found);
    let manifests = manifests(aws, repository, &put).await?;
    let mut without_tag = BTreeSet::new();
    for (digest, tag) in &put {
        // ECR does not give it out, or somebody has deleted it meanwhile.
        let Some(image) = manifests.get(digest) else {
            without_tag.insert(digest);
            continue;
        };
        let call = aws.client::<Ecr>().put_image().repository_name(repository).image_tag(tag).image_digest(digest);
        let call = call.set_image_manifest(image.image_manifest().map(str::to_owned));
        let call = call.set_image_manifest_media_type(image.image_manifest_media_type().map(str::to_owned));
        match call.send().await.operation("ecr:PutImage") {
            // It has the tag by now.
            Err(error) if !error.is(ErrorClass::AlreadyExists) => return Err(error),
            _ => {}
        }
    }
    // Only now that each image has a tag that stays: with its last one it would be deleted.
    let remove: Vec<&String> =
        remove.iter().filter(|(digest, _)| !without_tag.contains(digest)).map(|(_, tag)| tag).collect();
    for tags in remove.chunks(AT_ONCE) {
        let ids = tags.iter().map(|tag| ImageIdentifier::builder().image_tag(*tag).build()).collect();
        let call = aws.client::<Ecr>().batch_delete_image().repository_name(repository).set_image_ids(Some(ids));
        call.send().await.operation("ecr:BatchDeleteImage")?;
    }
    Ok(())
}

/// By digest, the images that get a tag: the tag is put with the manifest that they have.
async fn manifests(
    aws: &Aws,
    repository: &str,
    put: &[(String, String)],
) -> Result<BTreeMap<String, Image>, CloudError> {
    let digests: BTreeSet<&String> = put.iter().map(|(digest, _)| digest).collect();
    let ids: Vec<ImageIdentifier> =
        digests.into_iter().map(|digest| ImageIdentifier::builder().image_digest(digest).build()).collect();
    let reads = ids.chunks(AT_ONCE).map(|ids| async {
        let call = aws.client::<Ecr>().batch_get_image().repository_name(repository);
        let call = call.set_image_ids(Some(ids.to_vec()));
        let call = call.set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()));
        call.send().await.operation("ecr:BatchGetImage")
    });
    let images = try_join_all(reads).await?.into_iter().flat_map(|answer| answer.images.unwrap_or_default());
    Ok(images.filter_map(|image| Some((image.image_id()?.image_digest()?.to_owned(), image))).collect())
}
