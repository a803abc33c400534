//! The commands that push images to the account's registry.

use crate::spec::{Environment, dns_suffix};
use crate::value::shell_word;

/// The host of the account's private registry.
pub fn registry_host(env: &Environment) -> String {
    format!("{}.dkr.ecr.{}.{}", env.account, env.region, dns_suffix(&env.region))
}

/// The command after which Docker may push there.
pub fn login(env: &Environment) -> String {
    let (region, host) = (&env.region, registry_host(env));
    format!("aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {host}")
}

/// The commands that build an image from the current folder, for these platforms, and push it.
pub fn build_and_push(image: &str, platforms: &[&str]) -> Vec<String> {
    let image = shell_word(image);
    match platforms {
        [platform] => {
            vec![format!("docker build --platform {platform} --tag {image} ."), format!("docker push {image}")]
        }
        platforms => {
            let platforms = platforms.join(",");
            vec![format!("docker buildx build --platform {platforms} --tag {image} --push .")]
        }
    }
}
