//! The images that services need: where they are, whether they are there, and which of them are in use.

pub mod in_use;
mod list;
#[cfg(feature = "aws")]
mod lookup;
#[cfg(feature = "aws")]
mod tagging;

use std::time::SystemTime;

use super::ecr_repository::section::Registries;
use super::ecr_repository::{self, EcrRepository};
use super::push::registry_host;
use crate::aws::CloudError;
use crate::spec::Environment;
use crate::value::{Part, Target, Text};

pub use list::{ImageList, ListedImage, State, missing};
#[cfg(feature = "aws")]
pub use lookup::look_up;
#[cfg(feature = "aws")]
pub use tagging::tag_in_use;

/// The image that a service needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededImage {
    /// The service's key.
    pub service: String,
    pub place: Place,
    /// As Docker writes it: `linux/amd64`.
    pub platform: &'static str,
}

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a repository of the spec's account and region.
    Ecr(EcrImage),
    /// Elsewhere: nothing is looked up there.
    Other { image: String, why: &'static str },
}

/// An image in a repository of the spec's account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcrImage {
    /// The key of the spec's registry; `None` for a repository that it does not manage.
    pub registry: Option<String>,
    /// The repository's name.
    pub repository: String,
    pub id: ImageId,
}

/// By what an image is named. A reference that has both a tag and a digest names the digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageId {
    Tag(String),
    Digest(String),
}

impl EcrImage {
    /// As `docker push` takes it: `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>`.
    pub fn reference(&self, env: &Environment) -> String {
        format!("{}/{}", registry_host(env), self.name())
    }

    /// Without the registry: `<repository>:<tag>` or `<repository>@<digest>`.
    pub fn name(&self) -> String {
        match &self.id {
            ImageId::Tag(tag) => format!("{}:{tag}", self.repository),
            ImageId::Digest(digest) => format!("{}@{digest}", self.repository),
        }
    }
}

/// What is known of an image.
#[derive(Clone, Debug)]
pub enum ImageState {
    Present(Details),
    Missing(Missing),
    /// It was not looked up, or could not be, and why.
    Unknown(Unknown),
}

/// What its registry says of an image; each `None` where that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub digest: Option<String>,
    /// As Docker writes them. An image of one platform does not say it in its manifest.
    pub platforms: Option<Vec<String>>,
    pub pushed: Option<SystemTime>,
}

/// Why an image cannot be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    Repository,
    Image,
    /// It is there, but only for these platforms.
    Platform(Vec<String>),
    /// It is there, and ECR does not give it out: its code and its reason.
    Inaccessible(String),
}

#[derive(Clone, Debug)]
pub enum Unknown {
    /// Nothing is looked up there.
    NotInEcr(&'static str),
    /// The call failed, or was not allowed.
    Failed(CloudError),
    /// In a repository that a pull-through cache makes with the first pull, or may make: why that is not known.
    MayBeCached(Option<CloudError>),
}

/// The image of a task definition, as it is wanted or as it is live. `architecture` is ECS's: `X86_64` or `ARM64`.
pub fn needed(env: &Environment, service: &str, image: &Text, architecture: &str) -> NeededImage {
    let platform = if architecture == "ARM64" { "linux/arm64" } else { "linux/amd64" };
    NeededImage { service: service.to_owned(), place: place(env, image), platform }
}

fn place(env: &Environment, image: &Text) -> Place {
    if let [Part::Output { address, output }, rest @ ..] = image.parts.as_slice()
        && (address.kind(), output.as_str()) == (EcrRepository::KIND, "url")
    {
        let rest = Text { parts: rest.to_vec() };
        let name = ecr_repository::name(env, address.name());
        if let Some((repository, id)) = split(&format!("{name}{}", rest.plain())) {
            let registry = (repository == name).then(|| address.name().to_owned());
            return Place::Ecr(EcrImage { registry, repository, id });
        }
    }
    let image = image.plain();
    let other = |why| Place::Other { image: image.clone(), why };
    let Some((host, path)) = image.split_once('/') else { return other(NOT_IN_ECR) };
    let labels: Vec<&str> = host.split('.').collect();
    // Also `<account>.dkr-ecr.<region>.on.aws`, which speaks IPv6.
    let (account, region) = match labels[..] {
        [account, "dkr", "ecr" | "ecr-fips", region, ..] | [account, "dkr-ecr", region, "on", "aws"] => {
            (account, region)
        }
        _ => return other(NOT_IN_ECR),
    };
    if (account, region) != (env.account.as_str(), env.region.as_str()) {
        return other("in ECR of another account or region");
    }
    match split(path) {
        Some((repository, id)) => {
            let mut keys = env.section::<Registries>().keys();
            let registry = keys.find(|key| ecr_repository::name(env, key) == repository).cloned();
            Place::Ecr(EcrImage { registry, repository, id })
        }
        None => other(NOT_IN_ECR),
    }
}

const NOT_IN_ECR: &str = "not in ECR";

/// What a tag means that is not there.
const LATEST: &str = "latest";

/// The repository and the image within it: `town-web:1`, `town-web@sha256:…`, or both.
fn split(reference: &str) -> Option<(String, ImageId)> {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let (repository, tag) = name.split_once(':').unwrap_or((name, LATEST));
    let id = match digest {
        Some(digest) => ImageId::Digest(digest.to_owned()),
        None => ImageId::Tag(tag.to_owned()),
    };
    (!repository.is_empty()).then(|| (repository.to_owned(), id))
}

/// What is known of these images where every one is there that is not taken away.
pub fn assumed(needed: &[NeededImage], is_taken: impl Fn(&str) -> bool) -> Vec<ImageState> {
    let state = |needed: &NeededImage| match &needed.place {
        Place::Ecr(_) if is_taken(&needed.service) => ImageState::Missing(Missing::Image),
        Place::Ecr(_) => ImageState::Present(Details::default()),
        Place::Other { why, .. } => ImageState::Unknown(Unknown::NotInEcr(why)),
    };
    needed.iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Address;

    fn env() -> Environment {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/small.toml");
        crate::spec::load(&path, &crate::kinds::catalog()).expect("a sound spec").env
    }

    fn ecr(registry: Option<&str>, repository: &str, id: ImageId) -> Place {
        Place::Ecr(EcrImage { registry: registry.map(str::to_owned), repository: repository.to_owned(), id })
    }

    fn tag(tag: &str) -> ImageId {
        ImageId::Tag(tag.to_owned())
    }

    #[test]
    fn a_registry_of_the_spec_is_known_by_its_key() {
        let of = |rest: &str| {
            let mut image = Text::output(Address::new(EcrRepository::KIND, "web"), "url");
            image.push(Part::Literal(rest.to_owned()));
            place(&env(), &image)
        };
        assert_eq!(of(":1a2b"), ecr(Some("web"), "town-web", tag("1a2b")));
        assert_eq!(of(""), ecr(Some("web"), "town-web", tag("latest")));
        assert_eq!(of("@sha256:ab"), ecr(Some("web"), "town-web", ImageId::Digest("sha256:ab".to_owned())));
        assert_eq!(of(":1@sha256:ab"), ecr(Some("web"), "town-web", ImageId::Digest("sha256:ab".to_owned())));
        assert_eq!(of("/base:1"), ecr(None, "town-web/base", tag("1")));
    }

    #[test]
    fn other_repositories_of_the_account_are_known_by_their_names() {
        let of = |image: &str| place(&env(), &image.into());
        let host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
        assert_eq!(registry_host(&env()), host);
        assert_eq!(of(&format!("{host}/team/api:7")), ecr(None, "team/api", tag("7")));
        assert_eq!(of(&format!("{host}/town-web:7")), ecr(Some("web"), "town-web", tag("7")));
        let dual_stack = "123456789012.dkr-ecr.eu-central-1.on.aws/team/api";
        assert_eq!(of(dual_stack), ecr(None, "team/api", tag("latest")));
        for elsewhere in [
            "nginx:1",
            "public.ecr.aws/nginx/nginx:1",
            "ghcr.io/a/b@sha256:ab",
            "210987654321.dkr.ecr.eu-central-1.amazonaws.com/team/api:7",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/api:7",
        ] {
            assert!(matches!(of(elsewhere), Place::Other { .. }), "{elsewhere}");
        }
    }
}
