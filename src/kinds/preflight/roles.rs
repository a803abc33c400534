//! Service-linked roles: AWS makes one with the first use of a service, if the caller may create it.

use aws_sdk_iam::Client as Iam;

use super::{Answer, Coming, SERVICE_LINKED_ROLE, Verdict};
use crate::aws::{Reader, SdkResult};

/// Whether the role is there, for each object that is made, in their order. `principal` is the service that it is for:
/// `ecs.amazonaws.com`.
pub(in crate::kinds) async fn service_linked<A>(
    read: &Reader<'_>,
    role: &'static str,
    principal: &str,
    coming: &[Coming<'_, A>],
) -> Vec<Answer> {
    let made: Vec<_> = coming.iter().filter(|coming| coming.is_made).collect();
    if made.is_empty() {
        return Vec::new();
    }
    let found = read.aws.client::<Iam>().get_role().role_name(role).send().await.optional("iam:GetRole");
    let verdict = match found {
        Ok(Some(_)) => Verdict::ok(format!("the role {role} exists")),
        Ok(None) => Verdict::unknown(format!(
            "the account has no role {role} yet: AWS makes it with the first use if these credentials may call \
             iam:CreateServiceLinkedRole, which nothing tells beforehand; `aws iam create-service-linked-role \
             --aws-service-name {principal}` makes it"
        )),
        Err(error) => Verdict::failed(&error),
    };
    made.into_iter().map(|coming| coming.answer(&SERVICE_LINKED_ROLE, verdict.clone())).collect()
}
