//! The values of parameters, decrypted.

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_ssm::types::Parameter;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::aws::{Aws, CloudError, SdkResult};

/// `GetParameters` takes this many names.
const NAMES: usize = 10;
/// How many of these calls run at once: AWS allows about forty a second.
const AT_ONCE: usize = 4;

/// What there is of these names.
pub async fn by_name(aws: &Aws, names: &[String]) -> Result<Vec<Parameter>, CloudError> {
    let calls = names.chunks(NAMES).map(async |names| {
        let call = aws.client::<Ssm>().get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
        call.send().await.operation("ssm:GetParameters")
    });
    let answers = stream::iter(calls).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(answers.into_iter().flat_map(|answer| answer.parameters.unwrap_or_default()).collect())
}

pub async fn by_path(aws: &Aws, root: &str) -> Result<Vec<Parameter>, CloudError> {
    // AWS gives ten a page at most.
    let call = aws
        .client::<Ssm>()
        .get_parameters_by_path()
        .path(root)
        .recursive(true)
        .with_decryption(true)
        .max_results(10);
    let pages = call.into_paginator().send().collect::<Result<Vec<_>, _>>().await;
    let pages = pages.operation("ssm:GetParametersByPath")?;
    Ok(pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default()).collect())
}
