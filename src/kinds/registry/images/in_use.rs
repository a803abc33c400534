//! Tags by which a repository's lifecycle policy knows the images that are in use: ECR has no rule that knows what
//! runs. The policy's first rule takes every image with such a tag, and never expires it.

use std::collections::{BTreeMap, BTreeSet};

use super::{EcrImage, ImageId};

/// What every such tag begins with, whatever the environment.
pub const PREFIX: &str = "in-use-";

/// So many images of a service keep their tags: as many as revisions of its task definition stay.
pub const KEPT: usize = 5;

/// What an environment's services run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// By the key of the service, the image that it runs now, and then those that it ran before, as far as they are
    /// known. `None` where it is not known what it runs: it keeps the tags that there are.
    pub services: BTreeMap<String, Option<Vec<EcrImage>>>,
}

/// An image as its repository has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaggedImage {
    pub digest: String,
    pub tags: Vec<String>,
    /// Seconds since 1970; 0 where it is not known.
    pub pushed: i64,
}

/// What is to change on the tags of a repository, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TagChanges {
    /// A digest, and the tag that it gets.
    pub put: Vec<(String, String)>,
    /// Tags that go, each with the digest of its image, which has or gets another one that nobody takes away: with its last tag, ECR
    /// deletes an image.
    pub remove: Vec<(String, String)>,
}

/// Hex digits of a digest in a tag.
const DIGITS: usize = 12;

/// Characters of a service's key in a tag, of which ECR takes 128.
const LONGEST_KEY: usize = 80;

/// `in-use-<environment>.<service>.<digest>`. The name of an environment holds no dot, so that none of them takes the
/// tags of another for its own (`dev` those of `dev-eu`).
fn tag(environment: &str, service: &str, digest: &str) -> String {
    format!("{}{}", prefix(environment, service), short(digest))
}

fn prefix(environment: &str, service: &str) -> String {
    let service: String = service.chars().take(LONGEST_KEY).collect();
    format!("{PREFIX}{environment}.{service}.")
}

/// The first digits of `sha256:<hex>`.
fn short(digest: &str) -> &str {
    let hex = digest.rsplit(':').next().unwrap_or(digest);
    hex.get(..DIGITS).unwrap_or(hex)
}

/// What is to change in a repository with these images.
///
/// Of each service, the image that runs keeps or gets its tag, and so does what ran before, up to [`KEPT`]: first what
/// is known of that, then the youngest. All other tags of the environment go. An image that has no other tag gets one by
/// which its environment's rule lets it expire in its time: without any it would be gone at once.
pub fn changes(environment: &str, repository: &str, in_use: &InUse, images: &[TaggedImage]) -> TagChanges {
    let (mut put, mut stay) = (Vec::new(), BTreeSet::new());
    let by_id = |id: &ImageId| {
        images.iter().find(|image| match id {
            ImageId::Tag(tag) => image.tags.contains(tag),
            ImageId::Digest(digest) => image.digest == *digest,
        })
    };
    for (service, known) in &in_use.services {
        let prefix = prefix(environment, service);
        let tagged = |image: &TaggedImage| image.tags.iter().any(|tag| tag.starts_with(&prefix));
        let mut youngest: Vec<&TaggedImage> = images.iter().filter(|image| tagged(image)).collect();
        youngest.sort_by(|a, b| b.pushed.cmp(&a.pushed).then_with(|| a.digest.cmp(&b.digest)));
        let own = known.as_ref().map(|known| known.iter().filter(|image| image.repository == repository));
        let own: Option<Vec<&EcrImage>> = own.map(Iterator::collect);
        // It has moved to another repository.
        if own.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        let own: Vec<&TaggedImage> = own.into_iter().flatten().filter_map(|image| by_id(&image.id)).collect();
        // What it runs is not known, or gone: what may still be gone back to stays.
        if own.is_empty() {
            stay.extend(
                youngest.iter().flat_map(|image| &image.tags).filter(|tag| tag.starts_with(&prefix)).cloned(),
            );
            continue;
        }
        let mut kept: Vec<&TaggedImage> = Vec::new();
        for image in own.into_iter().chain(youngest) {
            if kept.len() < KEPT && !kept.contains(&image) {
                kept.push(image);
            }
        }
        for image in kept {
            let tag = tag(environment, service, &image.digest);
            if !image.tags.contains(&tag) {
                put.push((image.digest.clone(), tag.clone()));
            }
            stay.insert(tag);
        }
    }
    let all = format!("{PREFIX}{environment}.");
    let is_stale = |tag: &&String| tag.starts_with(&all) && !stay.contains(*tag);
    let mut remove = Vec::new();
    for image in images {
        let stale: Vec<&String> = image.tags.iter().filter(is_stale).collect();
        // Of another environment's tags nobody knows how long they stay: it may be taking them away just now.
        let is_ours_to_keep = |tag: &String| !tag.starts_with(PREFIX) || stay.contains(tag);
        let has_one =
            image.tags.iter().any(is_ours_to_keep) || put.iter().any(|(digest, _)| *digest == image.digest);
        if !stale.is_empty() && !has_one {
            put.push((image.digest.clone(), format!("{environment}-unused-{}", short(&image.digest))));
        }
        remove.extend(stale.into_iter().map(|tag| (image.digest.clone(), tag.clone())));
    }
    TagChanges { put, remove }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "town-web";

    fn image(number: u32, tags: &[&str]) -> TaggedImage {
        let tags = tags.iter().map(ToString::to_string).collect();
        TaggedImage { digest: digest(number), tags, pushed: number.into() }
    }

    fn digest(number: u32) -> String {
        format!("sha256:{number:064}")
    }

    fn short(number: u32) -> String {
        super::short(&digest(number)).to_owned()
    }

    fn in_use(services: &[(&str, Option<&[&str]>)]) -> InUse {
        let image = |tag: &&str| EcrImage {
            registry: None,
            repository: REPOSITORY.to_owned(),
            id: ImageId::Tag((*tag).to_owned()),
        };
        let images = |tags: &&[&str]| tags.iter().map(image).collect();
        let services = services.iter().map(|(key, tags)| ((*key).to_owned(), tags.as_ref().map(images)));
        InUse { services: services.collect() }
    }

    /// What is put, and the tags that go.
    type Changes = (Vec<(String, String)>, Vec<String>);

    fn of(environment: &str, services: &[(&str, Option<&[&str]>)], images: &[TaggedImage]) -> Changes {
        let TagChanges { put, remove } = changes(environment, REPOSITORY, &in_use(services), images);
        let remove: Vec<String> = remove.into_iter().map(|(_, tag)| tag).collect();
        // Whatever is done, each image has a tag at any moment, and the tags that go are those of the environment.
        for image in images.iter().filter(|image| !image.tags.is_empty()) {
            let stays = image.tags.iter().any(|tag| !remove.contains(tag) && !tag.starts_with(PREFIX));
            let stays = stays || image.tags.iter().all(|tag| !remove.contains(tag));
            assert!(
                stays || put.iter().any(|(digest, _)| *digest == image.digest),
                "{image:?}: {put:?}, {remove:?}"
            );
        }
        assert!(remove.iter().all(|tag| tag.starts_with(&format!("in-use-{environment}."))), "{remove:?}");
        (put, remove)
    }

    fn nothing() -> Changes {
        Changes::default()
    }

    /// Twelve zeros: the digests of these tests differ in their last digits only.
    fn own(service: &str, environment: &str) -> String {
        format!("in-use-{environment}.{service}.{}", short(1))
    }

    #[test]
    fn what_runs_is_tagged_once() {
        let run: &[(&str, Option<&[&str]>)] = &[("web", Some(&["dev-1"]))];
        let changes = of("dev", run, &[image(1, &["dev-1"]), image(2, &["dev-2"])]);
        assert_eq!(changes, (vec![(digest(1), own("web", "dev"))], vec![]));
        assert_eq!(of("dev", run, &[image(1, &["dev-1", &own("web", "dev")])]), nothing());
    }

    #[test]
    fn services_and_environments_have_tags_of_their_own() {
        let run: &[(&str, Option<&[&str]>)] = &[("api", Some(&["dev-1"])), ("web", Some(&["dev-1"]))];
        let (put, remove) = of("dev", run, &[image(1, &["dev-1", &own("web", "dev-eu"), &own("web", "prod")])]);
        let tags: Vec<String> = put.into_iter().map(|(_, tag)| tag).collect();
        assert_eq!(tags, [own("api", "dev"), own("web", "dev")]);
        assert_eq!(remove, [""; 0]);
    }

    #[test]
    fn an_image_by_digest_needs_no_tag() {
        let mut run = in_use(&[("web", Some(&["?"]))]);
        run.services.values_mut().flatten().flatten().for_each(|image| image.id = ImageId::Digest(digest(1)));
        let changes = changes("prod", REPOSITORY, &run, &[image(1, &[])]);
        assert_eq!(changes.put, [(digest(1), own("web", "prod"))]);
    }

    /// Digests that differ at their beginning.
    fn unlike(number: u32, tags: &[&str]) -> TaggedImage {
        TaggedImage { digest: format!("sha256:{number:012}{:052}", 0), ..image(number, tags) }
    }

    fn tag_of(number: u32) -> String {
        format!("in-use-dev.web.{number:012}")
    }

    #[test]
    fn what_ran_before_stays_up_to_a_number() {
        let images: Vec<TaggedImage> =
            (1..=7).map(|number| unlike(number, &[&format!("dev-{number}"), &tag_of(number)])).collect();
        let changes = of("dev", &[("web", Some(&["dev-7"]))], &images);
        assert_eq!(changes, (vec![], vec![tag_of(1), tag_of(2)]));
        // Rolled back to an old one, that and what is known to be before it stay.
        let (_, remove) = of("dev", &[("web", Some(&["dev-1", "dev-2"]))], &images);
        assert_eq!(remove, [tag_of(3), tag_of(4)]);
    }

    #[test]
    fn an_image_without_another_tag_is_left_to_the_policy() {
        // `dev-latest` has moved on from it.
        let images = [unlike(1, &[&tag_of(1)]), unlike(2, &["dev-latest"])];
        let (put, remove) = of("dev", &[("api", Some(&["dev-latest"]))], &images);
        assert_eq!(remove, [tag_of(1)]);
        let anchor = (images[0].digest.clone(), "dev-unused-000000000001".to_owned());
        assert!(put.contains(&anchor), "{put:?}");
        // Another environment may let it go at the same time.
        let images = [unlike(1, &[&tag_of(1), "in-use-prod.web.000000000001"])];
        assert_eq!(of("dev", &[], &images), (vec![anchor], vec![tag_of(1)]));
    }

    #[test]
    fn of_a_service_that_is_gone_no_tag_stays_and_of_an_unknown_one_all_do() {
        let images = [image(1, &["dev-1", &own("web", "dev")])];
        assert_eq!(of("dev", &[], &images).1, [own("web", "dev")]);
        assert_eq!(of("dev", &[("web", None)], &images), nothing());
        assert_eq!(of("dev", &[("web", Some(&["dev-9"]))], &images), nothing(), "its image is not there");
        assert_eq!(of("dev-eu", &[], &images), nothing(), "they are another environment's");
    }

    #[test]
    fn tags_are_of_the_form_that_ecr_takes() {
        let long = tag("dev", &"x".repeat(300), &digest(1));
        assert!(long.len() <= 128, "{long}");
    }
}
