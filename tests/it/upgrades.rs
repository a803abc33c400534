//! What an earlier Baseplate applied is as the spec says to this one, too: its captures are kept, and what is planned
//! over them is nothing, or only what the changelog names.
//!
//! A folder of `fixtures/captures/` is called by the commit that applied, and holds its specs and, for each, a cloud
//! file as an apply left it (`file-`) and what `observe` saw at moto after an apply (`moto-`).

use crate::account::change;
use crate::cli::{Bench, Outcome, repository};

/// What the changelog says of upgrades: registries keep the images in use, and count each environment's by itself; the
/// default group of the VPC is closed.
fn is_named(change: &str) -> bool {
    change == "create default_security_group.main"
        || change.starts_with("update ecr_repository.") && change.ends_with(": lifecycle.rules[]")
}

#[test]
fn what_an_earlier_version_applied_plans_empty() {
    let mut planned = 0;
    for version in std::fs::read_dir(repository("fixtures/captures")).expect("the captures") {
        let version = version.expect("a folder").path();
        let bench = Bench::new();
        for file in std::fs::read_dir(&version).expect("its files") {
            let path = file.expect("a file").path();
            std::fs::copy(&path, bench.path(&path.file_name().expect("a name").to_string_lossy())).expect("a copy");
        }
        for (cloud, environment) in [("file", "dev"), ("file", "prod"), ("moto", "dev"), ("moto", "prod")] {
            let arguments = format!("plan {environment}.toml --cloud file:{cloud}-{environment}.json --json");
            // As it was when it was applied.
            let outcome = Outcome::of(bench.command(&arguments).env("WEATHER_API_KEY", "demo"));
            assert_eq!(outcome.code, 0, "{}: {arguments}\n{outcome}", version.display());
            let plan = outcome.json();
            let changes = plan["changes"].as_array().expect("changes").iter().map(change);
            let unnamed: Vec<String> = changes.filter(|change| !is_named(change)).collect();
            assert_eq!(
                unnamed,
                [""; 0],
                "{}: `{arguments}` finds what the changelog does not name",
                version.display()
            );
            planned += 1;
        }
    }
    assert!(planned > 0, "there are captures");
}
