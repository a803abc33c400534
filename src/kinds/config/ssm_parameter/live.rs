//! All parameters under the environment's path, with values, from two paged calls.

use std::collections::HashMap;

use aws_sdk_ssm::types::{
    Parameter, ParameterMetadata, ParameterStringFilter, ParameterTier as Tier, ParameterType,
};
use futures_util::future::{try_join, try_join_all};
use zeroize::Zeroizing;

use super::{Attrs, SsmParameter, arn, made, tagging};
use crate::aws::{Aws, CloudError, During, Reader};
use crate::kinds::Live;
use crate::kinds::ownership::Ownership;
use crate::spec::ParameterTier;
use crate::value::{Address, Target, Text};

pub(super) async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
    let env = read.scope.env;
    let path = env.parameter_path("");
    let root = path.trim_end_matches('/');
    let (values, described) = try_join(values(read.aws, root), descriptions(read.aws, root)).await?;
    let found = try_join_all(values.into_iter().map(async |parameter| {
        let name = parameter.name().unwrap_or_default().to_owned();
        let key = name.strip_prefix(&path).unwrap_or(&name);
        let implied = Some(Address::new(SsmParameter::KIND, key));
        // What somebody else sets is not asked for our tags.
        if env.parameters.get(key).is_some_and(|parameter| parameter.external) {
            let live = |attrs| Live::new(implied, &name, attrs);
            return Ok(Some(take_in(read, parameter, described.get(&name), live)));
        }
        let arn = arn(read.aws, &name);
        let ownership = Ownership::of::<SsmParameter>(read, &arn, implied, tagging::tags(read.aws, &name)).await?;
        if !ownership.concerns::<SsmParameter>(read, &name) {
            return Ok::<_, CloudError>(None);
        }
        Ok(Some(take_in(read, parameter, described.get(&name), |attrs| {
            ownership.live(&name, |tags| Attrs { tags, ..attrs })
        })))
    }));
    Ok(found.await?.into_iter().flatten().collect())
}

/// A live parameter, its value put into the vault unless both AWS and the spec call it plain.
fn take_in(
    read: &Reader<'_>,
    parameter: Parameter,
    described: Option<&ParameterMetadata>,
    live: impl FnOnce(Attrs) -> Live<Attrs>,
) -> Live<Attrs> {
    let env = read.scope.env;
    let (version, secure) = (parameter.version, parameter.r#type == Some(ParameterType::SecureString));
    let name = parameter.name.unwrap_or_default();
    let clear = Zeroizing::new(parameter.value.unwrap_or_default());
    let key = name.strip_prefix(&env.parameter_path("")).unwrap_or(&name).to_owned();
    let hidden = secure || env.is_secret(&key);
    let value = (!hidden).then(|| Text::from(clear.as_str()));
    // Even a plain value is held: the spec may call secret what AWS has as plain.
    let kept = if hidden { read.vault.keep(clear) } else { read.vault.keep_plain(clear) };
    read.vault.hold(Address::new(SsmParameter::KIND, key), &kept);
    let tier = match described.and_then(ParameterMetadata::tier) {
        Some(Tier::Advanced) => ParameterTier::Advanced,
        Some(Tier::IntelligentTiering) => ParameterTier::IntelligentTiering,
        _ => ParameterTier::Standard,
    };
    let attrs = Attrs {
        name,
        secure,
        value,
        secret: hidden.then_some(kept),
        tier,
        description: described.and_then(ParameterMetadata::description).unwrap_or_default().to_owned(),
        tags: super::Tags::new(),
    };
    let outputs = made(read.aws, &attrs, version).outputs;
    let mut live = Live { outputs, ..live(attrs) };
    if described.is_none() {
        // The two listings are taken at once, and one may know a new parameter before the other.
        live.unread.extend(["tier", "description"]);
    }
    live
}

async fn values(aws: &Aws, root: &str) -> Result<Vec<Parameter>, CloudError> {
    // AWS gives ten a page at most.
    let call = aws.ssm.get_parameters_by_path().path(root).recursive(true).with_decryption(true).max_results(10);
    let pages = call.into_paginator().send().collect::<Result<Vec<_>, _>>().await;
    let pages = pages.during("ssm:GetParametersByPath")?;
    Ok(pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default()).collect())
}

async fn descriptions(aws: &Aws, root: &str) -> Result<HashMap<String, ParameterMetadata>, CloudError> {
    let filter = ParameterStringFilter::builder().key("Path").option("Recursive").values(root).build();
    let filter = filter.map_err(|error| CloudError::internal(error.to_string()))?;
    let call = aws.ssm.describe_parameters().parameter_filters(filter).max_results(50);
    let pages = call.into_paginator().send().collect::<Result<Vec<_>, _>>().await;
    let pages = pages.during("ssm:DescribeParameters")?;
    let all = pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default());
    Ok(all.filter_map(|described| Some((described.name.clone()?, described))).collect())
}
