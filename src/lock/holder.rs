use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::value::{is_unsafe, without_password};

/// Who holds a lock, for people to read. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Random; tells this run from every other.
    pub id: String,
    /// `user@host`.
    pub by: String,
    pub pid: u32,
    /// What it does: `apply`, `destroy`, `unlock`.
    pub command: String,
    /// The address of the CI run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// RFC 3339, UTC.
    pub since: String,
}

/// Characters of a text that others gave: a parameter of the standard tier holds 4 KB in all.
const LONGEST: usize = 400;

impl Holder {
    /// This process, about to run `command`.
    pub fn this(command: &str) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "unknown".to_owned());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| variable("HOSTNAME"));
        let host = host.unwrap_or_else(|| "unknown-host".to_owned());
        Self {
            id: random_id(),
            by: plain(&format!("{}@{}", user.trim(), host.trim())),
            pid: std::process::id(),
            command: command.to_owned(),
            run: run_address(variable),
            since: rfc3339(SystemTime::now()),
        }
    }
}

/// The address of the CI run that this process belongs to, by the variables that CI systems set.
fn run_address(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    let address = variable("BASEPLATE_RUN_URL").or_else(github).or_else(|| variable("CI_JOB_URL"));
    let address = address.or_else(|| variable("BUILD_URL"))?;
    address.trim().split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    Some(plain(&without_password(address.trim())))
}

/// Shortened, and without what controls a terminal or means a reference to Parameter Store.
fn plain(text: &str) -> String {
    text.chars().filter(|&c| !is_unsafe(c) && !matches!(c, '\n' | '\t' | '{' | '}')).take(LONGEST).collect()
}

fn random_id() -> String {
    hex::encode(&crate::value::random_key()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(variables: &[(&str, &str)]) -> Option<String> {
        run_address(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_run_is_found_where_the_ci_system_says_it() {
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "city/works"),
            ("GITHUB_RUN_ID", "17"),
        ];
        assert_eq!(address(&github).unwrap(), "https://github.com/city/works/actions/runs/17");
        assert_eq!(
            address(&[("CI_JOB_URL", "https://gitlab.com/-/jobs/3")]).unwrap(),
            "https://gitlab.com/-/jobs/3"
        );
        assert_eq!(address(&[("BUILD_URL", "http://ci/job/4/")]).unwrap(), "http://ci/job/4/");
        assert_eq!(
            address(&[("CI_JOB_URL", "https://a/"), ("BASEPLATE_RUN_URL", "https://b/")]).unwrap(),
            "https://b/"
        );
        assert_eq!(address(&[("GITHUB_RUN_ID", "17")]), None);
        assert_eq!(address(&[("BUILD_URL", "not an address")]), None);
    }

    #[test]
    fn no_password_and_nothing_that_steers_gets_into_the_lock() {
        let url = "https://user:planted@ci.example/run\u{1b}[31m/{{ssm:secret}}?a=b@c";
        assert_eq!(address(&[("BUILD_URL", url)]).unwrap(), "https://ci.example/run[31m/ssm:secret?a=b@c");
    }

    #[test]
    fn times_are_of_the_day_in_utc() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_772_373_731_999);
        assert_eq!(rfc3339(time), "2026-03-01T14:02:11Z");
    }
}
