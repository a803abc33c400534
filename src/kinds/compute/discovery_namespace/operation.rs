//! Cloud Map does its slow work in operations, which are asked after by their own id.

use std::time::Duration;

use aws_sdk_servicediscovery::Client as Discovery;
use aws_sdk_servicediscovery::types::{Operation, OperationStatus, OperationTargetType};
use tokio::time::sleep;

use crate::aws::{Aws, CloudError, SdkResult};

/// Milliseconds between looks: densely at first, then for five minutes, where AWS takes about one.
fn pauses() -> impl Iterator<Item = Duration> {
    [250, 500, 1000, 1000].into_iter().chain(std::iter::repeat_n(2000, 150)).map(Duration::from_millis)
}

/// Waits for an operation to succeed.
pub(in crate::kinds) async fn settled(aws: &Aws, id: &str) -> Result<Operation, CloudError> {
    for pause in pauses() {
        let call = aws.client::<Discovery>().get_operation().operation_id(id);
        let answer = call.send().await.operation("servicediscovery:GetOperation")?;
        let operation = answer.operation.unwrap_or_else(|| Operation::builder().build());
        match operation.status() {
            Some(OperationStatus::Success) => return Ok(operation),
            Some(OperationStatus::Fail) => {
                let code = operation.error_code().unwrap_or("OperationFailed");
                let message = operation.error_message().unwrap_or("the operation failed");
                return Err(CloudError::new("servicediscovery:GetOperation", code, message));
            }
            _ => sleep(pause).await,
        }
    }
    let message = format!("operation {id} did not end within five minutes; apply again to check it");
    Err(CloudError::new("servicediscovery:GetOperation", "Timeout", message))
}

/// The id of the namespace that an operation was about.
pub(in crate::kinds) fn namespace(operation: &Operation) -> Option<String> {
    operation.targets()?.get(&OperationTargetType::Namespace).cloned()
}
