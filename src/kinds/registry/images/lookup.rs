//! Looks images up in ECR: a call or two a repository and hundred images.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use aws_sdk_ecr::Client as Ecr;
use aws_sdk_ecr::types::{Image, ImageDetail, ImageFailure, ImageFailureCode, ImageIdentifier};
use futures_util::future::{join_all, try_join_all};
use serde_json::Value;

use super::{Details, EcrImage, ImageId, ImageState, Missing, NeededImage, Place, Unknown};
use crate::aws::{Aws, CloudError, ErrorClass, SdkResult};

/// `BatchGetImage`, `DescribeImages` and `BatchDeleteImage` take this many.
pub(super) const AT_ONCE: usize = 100;

/// Every form of manifest, so that ECR answers with what was pushed.
pub(super) const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// What is known of each of these images, in their order. Only `with_details` says when an image was pushed, and takes
/// another call.
pub async fn look_up(aws: &Aws, needed: &[NeededImage], with_details: bool) -> Vec<ImageState> {
    let mut repositories: BTreeMap<&str, BTreeSet<&ImageId>> = BTreeMap::new();
    for image in needed.iter().filter_map(in_ecr) {
        repositories.entry(&image.repository).or_default().insert(&image.id);
    }
    let reads = repositories.iter().map(|(name, ids)| async { (*name, read(aws, name, ids, with_details).await) });
    let answers: BTreeMap<&str, Result<Option<Answer>, CloudError>> = join_all(reads).await.into_iter().collect();
    let is_foreign_and_missing = |image: &EcrImage| {
        image.registry.is_none() && matches!(answers.get(image.repository.as_str()), Some(Ok(None)))
    };
    let caches = match needed.iter().filter_map(in_ecr).any(is_foreign_and_missing) {
        true => Some(cache_prefixes(aws).await),
        false => None,
    };
    let state = |needed: &NeededImage| {
        let image = match &needed.place {
            Place::Ecr(image) => image,
            Place::Other { why, .. } => return ImageState::Unknown(Unknown::NotInEcr(why)),
        };
        match answers.get(image.repository.as_str()) {
            Some(Ok(Some(answer))) => answer.state(&image.id, needed.platform),
            Some(Err(error)) => ImageState::Unknown(Unknown::Failed(error.clone())),
            Some(Ok(None)) | None => match caches.as_ref().filter(|_| image.registry.is_none()) {
                Some(Err(error)) => ImageState::Unknown(Unknown::MayBeCached(Some(error.clone()))),
                Some(Ok(prefixes)) if prefixes.iter().any(|prefix| is_below(&image.repository, prefix)) => {
                    ImageState::Unknown(Unknown::MayBeCached(None))
                }
                _ => ImageState::Missing(Missing::Repository),
            },
        }
    };
    needed.iter().map(state).collect()
}

fn in_ecr(needed: &NeededImage) -> Option<&EcrImage> {
    match &needed.place {
        Place::Ecr(image) => Some(image),
        Place::Other { .. } => None,
    }
}

fn is_below(repository: &str, prefix: &str) -> bool {
    prefix == "ROOT" || repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

/// The prefixes of repositories that pull-through caches make.
async fn cache_prefixes(aws: &Aws) -> Result<Vec<String>, CloudError> {
    let pages = aws.client::<Ecr>().describe_pull_through_cache_rules().into_paginator().items().send();
    let rules = pages.collect::<Result<Vec<_>, _>>().await.operation("ecr:DescribePullThroughCacheRules")?;
    Ok(rules.into_iter().filter_map(|rule| rule.ecr_repository_prefix).collect())
}

/// What a repository said of the images that it was asked for.
#[derive(Default)]
struct Answer {
    images: Vec<Image>,
    failures: Vec<ImageFailure>,
    details: Vec<ImageDetail>,
}

/// `None` where there is no such repository.
async fn read(
    aws: &Aws,
    repository: &str,
    ids: &BTreeSet<&ImageId>,
    with_details: bool,
) -> Result<Option<Answer>, CloudError> {
    let ids: Vec<ImageIdentifier> = ids.iter().copied().map(identifier).collect();
    let reads = ids.chunks(AT_ONCE).map(|ids| async {
        let call = aws.client::<Ecr>().batch_get_image().repository_name(repository);
        let call = call.set_image_ids(Some(ids.to_vec()));
        let call = call.set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()));
        call.send().await.optional("ecr:BatchGetImage")
    });
    let mut answer = Answer::default();
    for read in try_join_all(reads).await? {
        let Some(read) = read else { return Ok(None) };
        answer.images.extend(read.images.unwrap_or_default());
        answer.failures.extend(read.failures.unwrap_or_default());
    }
    // Of one that is not there, all of such a call would fail.
    let found = ids.iter().filter(|id| with_details && answer.failure(id).is_none()).cloned().collect::<Vec<_>>();
    let reads = found.chunks(AT_ONCE).map(|ids| async {
        let call = aws.client::<Ecr>().describe_images().repository_name(repository);
        match call.set_image_ids(Some(ids.to_vec())).send().await.optional("ecr:DescribeImages") {
            // When it was pushed is not worth more than that it is there.
            Err(error) if error.is(ErrorClass::Denied) => Ok(None),
            answer => answer,
        }
    });
    for read in try_join_all(reads).await?.into_iter().flatten() {
        answer.details.extend(read.image_details.unwrap_or_default());
    }
    Ok(Some(answer))
}

fn identifier(id: &ImageId) -> ImageIdentifier {
    let builder = ImageIdentifier::builder();
    match id {
        ImageId::Tag(tag) => builder.image_tag(tag).build(),
        ImageId::Digest(digest) => builder.image_digest(digest).build(),
    }
}

impl Answer {
    fn failure(&self, id: &ImageIdentifier) -> Option<&ImageFailure> {
        self.failures.iter().find(|failure| {
            failure.image_id().is_some_and(|failed| match (id.image_digest(), id.image_tag()) {
                (Some(digest), _) => failed.image_digest() == Some(digest),
                (None, tag) => failed.image_tag() == tag,
            })
        })
    }

    fn state(&self, id: &ImageId, platform: &str) -> ImageState {
        let asked = identifier(id);
        if let Some(failure) = self.failure(&asked) {
            return match failure.failure_code() {
                Some(ImageFailureCode::ImageInaccessible | ImageFailureCode::KmsError) => {
                    let code = failure.failure_code().map_or("", ImageFailureCode::as_str);
                    let reason = failure.failure_reason().unwrap_or_default();
                    ImageState::Missing(Missing::Inaccessible(format!("{code}: {reason}")))
                }
                Some(
                    code @ (ImageFailureCode::UpstreamAccessDenied
                    | ImageFailureCode::UpstreamTooManyRequests
                    | ImageFailureCode::UpstreamUnavailable),
                ) => {
                    let reason = failure.failure_reason().unwrap_or_default();
                    let error = CloudError::new("ecr:BatchGetImage", code.as_str(), reason);
                    ImageState::Unknown(Unknown::Failed(error))
                }
                _ => ImageState::Missing(Missing::Image),
            };
        }
        let detail = self.details.iter().find(|detail| match id {
            ImageId::Tag(tag) => detail.image_tags().contains(tag),
            ImageId::Digest(digest) => detail.image_digest() == Some(digest),
        });
        let digest = detail.and_then(ImageDetail::image_digest);
        let image = self.images.iter().find(|image| {
            let found = image.image_id();
            let found_digest = found.and_then(ImageIdentifier::image_digest);
            match id {
                ImageId::Tag(tag) => {
                    found.and_then(ImageIdentifier::image_tag) == Some(tag)
                        || digest.is_some() && found_digest == digest
                }
                ImageId::Digest(digest) => found_digest == Some(digest),
            }
        });
        if image.is_none() && matches!(id, ImageId::Digest(_)) {
            return ImageState::Missing(Missing::Image);
        }
        let platforms = image.and_then(Image::image_manifest).and_then(platforms);
        if let Some(platforms) =
            platforms.as_ref().filter(|platforms| !platforms.iter().any(|one| runs(one, platform)))
        {
            return ImageState::Missing(Missing::Platform(platforms.clone()));
        }
        let digest = digest.or_else(|| image?.image_id()?.image_digest()).map(str::to_owned);
        let pushed = detail.and_then(ImageDetail::image_pushed_at);
        let pushed = pushed.and_then(|at| SystemTime::try_from(*at).ok());
        ImageState::Present(Details { digest, platforms, pushed })
    }
}

/// Whether an image for this platform, as in `linux/arm64/v8`, runs on that one.
fn runs(offered: &str, wanted: &str) -> bool {
    offered == wanted || offered.strip_prefix(wanted).is_some_and(|variant| variant.starts_with('/'))
}

/// The platforms that an index lists. A manifest of one platform does not say which: its configuration does, which is
/// a file of its own.
fn platforms(manifest: &str) -> Option<Vec<String>> {
    let manifest: Value = serde_json::from_str(manifest).ok()?;
    let listed = manifest.get("manifests")?.as_array()?;
    let mut platforms: Vec<String> = listed
        .iter()
        .filter_map(|one| {
            let part = |name: &str| one.get("platform")?.get(name)?.as_str();
            let (system, architecture) = (part("os")?, part("architecture")?);
            // What belongs to the images, such as attestations, is listed beside them.
            let is_image = system != "unknown" && architecture != "unknown";
            let variant = part("variant").map(|variant| format!("/{variant}")).unwrap_or_default();
            is_image.then(|| format!("{system}/{architecture}{variant}"))
        })
        .collect();
    platforms.sort();
    platforms.dedup();
    (!platforms.is_empty()).then_some(platforms)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn index(platforms: &[(&str, &str)]) -> String {
        let one = |(system, architecture): &(&str, &str)| json!({ "digest": "sha256:ab", "platform": { "os": system, "architecture": architecture } });
        json!({ "manifests": platforms.iter().map(one).collect::<Vec<_>>() }).to_string()
    }

    fn tag(tag: &str) -> ImageId {
        ImageId::Tag(tag.to_owned())
    }

    fn found(id: &ImageId, manifest: &str) -> Image {
        Image::builder().image_id(identifier(id)).image_manifest(manifest).build()
    }

    fn failed(id: &ImageId, code: ImageFailureCode) -> ImageFailure {
        ImageFailure::builder().image_id(identifier(id)).failure_code(code).failure_reason("because").build()
    }

    #[test]
    fn an_index_says_its_platforms() {
        let both = index(&[("linux", "arm64"), ("linux", "amd64"), ("unknown", "unknown")]);
        assert_eq!(platforms(&both), Some(vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()]));
        assert_eq!(platforms(r#"{"config": {}, "layers": []}"#), None, "one manifest says nothing");
        assert_eq!(platforms(&index(&[("unknown", "unknown")])), None);
        assert!(runs("linux/arm64/v8", "linux/arm64") && !runs("linux/arm64", "linux/amd64"));
    }

    #[test]
    fn what_is_there_is_told_from_what_is_not() {
        let (one, other, archived) = (tag("1"), tag("2"), tag("3"));
        let arm = tag("arm");
        let answer = Answer {
            images: vec![found(&one, "{}"), found(&arm, &index(&[("linux", "arm64")]))],
            failures: vec![
                failed(&other, ImageFailureCode::ImageNotFound),
                failed(&archived, ImageFailureCode::ImageInaccessible),
            ],
            details: Vec::new(),
        };
        assert!(matches!(answer.state(&one, "linux/amd64"), ImageState::Present(_)));
        assert!(matches!(answer.state(&other, "linux/amd64"), ImageState::Missing(Missing::Image)));
        assert!(matches!(answer.state(&archived, "linux/amd64"), ImageState::Missing(Missing::Inaccessible(_))));
        assert!(matches!(answer.state(&arm, "linux/arm64"), ImageState::Present(_)));
        assert!(matches!(answer.state(&arm, "linux/amd64"), ImageState::Missing(Missing::Platform(_))));
        let gone = ImageId::Digest("sha256:cd".to_owned());
        assert!(matches!(answer.state(&gone, "linux/amd64"), ImageState::Missing(Missing::Image)));
    }

    #[test]
    fn details_are_those_of_the_tag_that_was_asked_for() {
        let pushed = aws_sdk_ecr::primitives::DateTime::from_secs(1000);
        let detail =
            ImageDetail::builder().image_digest("sha256:ab").image_tags("1").image_pushed_at(pushed).build();
        let image = ImageIdentifier::builder().image_digest("sha256:ab").image_tag("another").build();
        let image = Image::builder().image_id(image).image_manifest(index(&[("linux", "amd64")])).build();
        let answer = Answer { images: vec![image], failures: Vec::new(), details: vec![detail] };
        let ImageState::Present(details) = answer.state(&tag("1"), "linux/amd64") else { panic!("it is there") };
        assert_eq!(details.digest.as_deref(), Some("sha256:ab"));
        assert_eq!(details.platforms, Some(vec!["linux/amd64".to_owned()]));
        assert_eq!(details.pushed, Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000)));
    }
}
