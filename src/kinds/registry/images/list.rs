//! What services need and what there is, put together, with the commands that push what is missing.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::{Details, EcrImage, ImageId, ImageState, Missing, NeededImage, Place, Unknown};
use crate::aws::CloudError;
use crate::clock::rfc3339;
use crate::kinds::registry::push::{build_and_push, login};
use crate::spec::Environment;

/// The images of an environment's services, in the order of the spec.
#[derive(Clone, Debug, Serialize)]
pub struct ImageList {
    pub images: Vec<ListedImage>,
    /// Commands that push what is missing; empty where nothing is.
    pub commands: Vec<String>,
}

/// One image.
#[derive(Clone, Debug, Serialize)]
pub struct ListedImage {
    /// The key of the service that needs it.
    pub service: String,
    /// In full, as Docker writes it.
    pub image: String,
    /// The key of the spec's registry; null for a repository that it does not manage.
    pub registry: Option<String>,
    /// The name of its repository in the account; null for an image elsewhere.
    pub repository: Option<String>,
    /// What the service runs on: `linux/amd64` or `linux/arm64`.
    pub platform: &'static str,
    pub state: State,
    /// Why it is missing or unknown.
    pub why: Option<String>,
    pub digest: Option<String>,
    /// The platforms that it is for; null where its manifest does not say them, as one for a single platform.
    pub platforms: Option<Vec<String>>,
    /// When it was pushed (RFC 3339), and how many seconds ago that was.
    pub pushed_at: Option<String>,
    pub age_seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Present,
    Missing,
    Unknown,
}

impl ImageList {
    /// `apply` is the command that applies the spec, without options of its own.
    pub fn new(
        env: &Environment,
        needed: &[NeededImage],
        states: &[ImageState],
        apply: &str,
        now: SystemTime,
    ) -> Self {
        let images = needed.iter().zip(states).map(|(needed, state)| listed(env, needed, state, now)).collect();
        Self { images, commands: commands(env, &missing(needed, states), apply) }
    }

    pub fn count(&self, state: State) -> usize {
        self.images.iter().filter(|image| image.state == state).count()
    }
}

/// Those that are missing, and why.
pub fn missing<'a>(
    needed: &'a [NeededImage],
    states: &'a [ImageState],
) -> Vec<(&'a NeededImage, &'a EcrImage, &'a Missing)> {
    let missing = needed.iter().zip(states).filter_map(|(needed, state)| match (&needed.place, state) {
        (Place::Ecr(image), ImageState::Missing(why)) => Some((needed, image, why)),
        _ => None,
    });
    missing.collect()
}

fn listed(env: &Environment, needed: &NeededImage, state: &ImageState, now: SystemTime) -> ListedImage {
    let (image, registry, repository) = match &needed.place {
        Place::Ecr(image) => (image.reference(env), image.registry.clone(), Some(image.repository.clone())),
        Place::Other { image, .. } => (image.clone(), None, None),
    };
    let (state, why, details) = match (state, &needed.place) {
        (ImageState::Present(details), _) => (State::Present, None, details.clone()),
        (ImageState::Missing(missing), Place::Ecr(image)) => {
            (State::Missing, Some(missing.why(image, needed.platform)), Details::default())
        }
        (ImageState::Missing(_), Place::Other { why, .. }) => {
            (State::Unknown, Some((*why).to_owned()), Details::default())
        }
        (ImageState::Unknown(unknown), _) => (State::Unknown, Some(unknown.why()), Details::default()),
    };
    let age = details.pushed.and_then(|pushed| now.duration_since(pushed).ok());
    ListedImage {
        service: needed.service.clone(),
        image,
        registry,
        repository,
        platform: needed.platform,
        state,
        why,
        digest: details.digest,
        platforms: details.platforms,
        pushed_at: details.pushed.map(rfc3339),
        age_seconds: age.map(|age| age.as_secs()),
    }
}

impl Missing {
    /// In words that go after the image and a colon.
    pub fn why(&self, image: &EcrImage, platform: &str) -> String {
        let repository = &image.repository;
        match (self, &image.id) {
            (Self::Repository, _) if image.registry.is_some() => {
                format!("the repository {repository} is not created yet")
            }
            (Self::Repository, _) => format!("there is no repository {repository}"),
            (Self::Image, ImageId::Tag(tag)) => format!("the repository {repository} has no tag `{tag}`"),
            (Self::Image, ImageId::Digest(_)) => {
                format!("the repository {repository} has no image with this digest")
            }
            (Self::Platform(platforms), _) => {
                format!("the image is for {}, the service runs on {platform}", platforms.join(", "))
            }
            (Self::Inaccessible(reason), _) => format!("ECR does not give the image out ({reason})"),
        }
    }
}

impl Unknown {
    /// The call that failed.
    pub fn error(&self) -> Option<&CloudError> {
        match self {
            Self::Failed(error) | Self::MayBeCached(Some(error)) => Some(error),
            Self::NotInEcr(_) | Self::MayBeCached(None) => None,
        }
    }

    pub fn why(&self) -> String {
        match self {
            Self::NotInEcr(why) => (*why).to_owned(),
            Self::Failed(error) => error.to_string(),
            Self::MayBeCached(None) => "a pull-through cache makes the repository with the first pull".to_owned(),
            Self::MayBeCached(Some(error)) => {
                format!(
                    "there is no such repository, unless a pull-through cache makes it with the first pull: {error}"
                )
            }
        }
    }
}

/// The commands that push these images. Those of one name are pushed once, for every platform that is needed.
fn commands(env: &Environment, missing: &[(&NeededImage, &EcrImage, &Missing)], apply: &str) -> Vec<String> {
    let mut commands = Vec::new();
    if missing.iter().any(|(_, image, why)| image.registry.is_some() && **why == Missing::Repository) {
        commands.push(format!("{apply} --stages 1-3"));
    }
    let mut images: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (needed, image, why) in missing {
        // Nobody can push to a digest.
        let ImageId::Tag(_) = image.id else { continue };
        let platforms = images.entry(image.reference(env)).or_default();
        platforms.push(needed.platform);
        if let Missing::Platform(others) = why {
            platforms.extend(others.iter().map(String::as_str));
        }
    }
    if !images.is_empty() {
        commands.push(login(env));
    }
    for (image, mut platforms) in images {
        platforms.sort_unstable();
        platforms.dedup();
        commands.extend(build_and_push(&image, &platforms));
    }
    commands
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn env() -> Environment {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env
    }

    fn needed(service: &str, tag: &str, platform: &'static str) -> NeededImage {
        let id = match tag.starts_with("sha256:") {
            true => ImageId::Digest(tag.to_owned()),
            false => ImageId::Tag(tag.to_owned()),
        };
        let (registry, repository) = (Some("web".to_owned()), "town-web".to_owned());
        NeededImage {
            service: service.to_owned(),
            place: Place::Ecr(EcrImage { registry, repository, id }),
            platform,
        }
    }

    fn list(images: &[(NeededImage, ImageState)]) -> ImageList {
        let (needed, states): (Vec<_>, Vec<_>) = images.iter().cloned().unzip();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        ImageList::new(&env(), &needed, &states, "baseplate apply spec.toml", now)
    }

    const LOGIN: &str = "aws ecr get-login-password --region eu-central-1 | docker login --username AWS \
                         --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/town-web";

    #[test]
    fn what_is_there_needs_no_command() {
        let pushed = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(400));
        let details = Details { digest: Some("sha256:ab".to_owned()), platforms: None, pushed };
        let list = list(&[(needed("web", "1", "linux/amd64"), ImageState::Present(details))]);
        assert_eq!(list.commands, [""; 0]);
        let image = &list.images[0];
        assert_eq!((image.state, image.age_seconds), (State::Present, Some(600)));
        assert_eq!(image.pushed_at.as_deref(), Some("1970-01-01T00:06:40Z"));
    }

    #[test]
    fn one_image_is_pushed_once_for_every_platform_that_is_needed() {
        let gone = || ImageState::Missing(Missing::Image);
        let both = list(&[
            (needed("web", "1", "linux/arm64"), gone()),
            (needed("api", "1", "linux/amd64"), gone()),
            (needed("job", "2", "linux/arm64"), gone()),
        ]);
        let pushed = [
            LOGIN.to_owned(),
            format!("docker buildx build --platform linux/amd64,linux/arm64 --tag {IMAGE}:1 --push ."),
            format!("docker build --platform linux/arm64 --tag {IMAGE}:2 ."),
            format!("docker push {IMAGE}:2"),
        ];
        assert_eq!(both.commands, pushed);
        let other = ImageState::Missing(Missing::Platform(vec!["linux/amd64".to_owned()]));
        let list = list(&[(needed("web", "1", "linux/arm64"), other)]);
        assert_eq!(list.commands[1], pushed[1], "what it is for already stays");
    }

    #[test]
    fn a_repository_comes_first_and_a_digest_cannot_be_pushed() {
        let list = list(&[
            (needed("web", "1", "linux/amd64"), ImageState::Missing(Missing::Repository)),
            (needed("api", "sha256:ab", "linux/amd64"), ImageState::Missing(Missing::Image)),
        ]);
        assert_eq!(list.commands[..2], ["baseplate apply spec.toml --stages 1-3".to_owned(), LOGIN.to_owned()]);
        assert_eq!(list.commands.len(), 4, "{:?}", list.commands);
        assert_eq!(list.images[1].why.as_deref(), Some("the repository town-web has no image with this digest"));
    }
}
