use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use futures_util::future::LocalBoxFuture;

use super::Versions;
use crate::aws::{CloudError, Fence, SdkResult};
use crate::clock::Timestamp;

/// The versions of an SSM parameter. It carries no tags: plans do not see it.
pub struct ParameterVersions {
    pub ssm: Client,
    /// Its whole path.
    pub parameter: String,
    /// That of the clients that write for the lock's holder.
    pub fence: Fence,
}

impl Versions for ParameterVersions {
    fn name(&self) -> String {
        format!("parameter {}", self.parameter)
    }

    fn read(&self, number: Option<i64>) -> LocalBoxFuture<'_, Result<Option<(i64, String)>, CloudError>> {
        Box::pin(async move {
            let name = match number {
                None => self.parameter.clone(),
                Some(number) => format!("{}:{number}", self.parameter),
            };
            let answer = self.ssm.get_parameter().name(name).send().await.optional("ssm:GetParameter")?;
            Ok(answer.and_then(|answer| answer.parameter).map(|one| (one.version, one.value.unwrap_or_default())))
        })
    }

    fn append<'a>(&'a self, text: &'a str, first: bool) -> LocalBoxFuture<'a, Result<i64, CloudError>> {
        Box::pin(async move {
            let call = self.ssm.put_parameter().name(&self.parameter).value(text).overwrite(!first);
            let call = call.r#type(ParameterType::String).tier(ParameterTier::Standard);
            let call = call.description("Baseplate's lock of this environment; `baseplate unlock` frees it");
            Ok(call.send().await.operation("ssm:PutParameter")?.version())
        })
    }

    fn valid_for(&self, from: Timestamp, lasts: Duration) {
        self.fence.open(from, lasts);
    }
}
