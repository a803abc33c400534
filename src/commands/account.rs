//! An AWS account as the cloud of a session.

use std::time::Duration;

use super::Failure;
use crate::aws::{Aws, CALL_SECONDS, Trace};
use crate::cli::{CloudArgs, Exit, Wait};
use crate::cloud::{Account, Cloud};
use crate::spec::{Environment, partitions};
use crate::ui::Ui;
use crate::value::{one_line, without_password};

/// Opens the account that the standard ways to credentials lead to. No call is made yet.
pub async fn open(ui: Ui, env: &Environment, args: &CloudArgs) -> Result<Box<dyn Cloud>, Failure> {
    let wait = match args.wait {
        Wait::Always => true,
        Wait::Never => false,
        Wait::Auto => foreign_endpoint().is_none_or(|endpoint| {
            ui.note(&format!(
                "not waiting for rollouts: {endpoint} is not an endpoint of AWS (wait with --wait always)"
            ));
            false
        }),
    };
    let call = Duration::from_secs(args.call_timeout.unwrap_or(CALL_SECONDS).into());
    let trace = Trace::new(ui.verbose, move |line| ui.detail(line));
    let aws = Aws::connect(&env.region, &env.account, args.profile.as_deref(), call, wait, trace).await;
    let aws = aws.map_err(|unusable| {
        Failure::new(Exit::Failed, unusable.to_string(), "correct the variable, or unset it; no call was made")
    })?;
    Ok(Box::new(Account::new(aws)))
}

/// An endpoint set for this process that is none of AWS's.
pub fn foreign_endpoint() -> Option<String> {
    let ignored = std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if ignored.is_ok_and(|ignored| ignored.eq_ignore_ascii_case("true")) {
        return None;
    }
    let endpoint = ["AWS_ENDPOINT_URL_ECS", "AWS_ENDPOINT_URL"].iter().find_map(|name| std::env::var(name).ok())?;
    let endpoint = one_line(&without_password(&endpoint));
    let host = endpoint.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    let mut own = partitions().flat_map(|partition| [&partition.dns_suffix, &partition.dual_stack_dns_suffix]);
    let is_own = own.any(|domain| host == *domain || host.ends_with(&format!(".{domain}")));
    (!is_own && !endpoint.is_empty()).then_some(endpoint)
}
