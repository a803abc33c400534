//! What an earlier Baseplate applied is as the spec says to this one, too: its captures are kept, and what is planned
//! over them is nothing, or only what the changelog names.
//!
//! A folder of `fixtures/captures/` is called by the commit that applied, and holds its specs and, for each, a cloud
//! file as an apply left it (`file-`) and what `observe` saw at moto after an apply (`moto-`).

use crate::cli::{Bench, Outcome, repository};

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
            let arguments =
                format!("plan {environment}.toml --cloud file:{cloud}-{environment}.json --detailed-exitcode");
            // As it was when it was applied.
            let outcome = Outcome::of(bench.command(&arguments).env("WEATHER_API_KEY", "demo"));
            assert_eq!(
                outcome.code,
                0,
                "{}: `{arguments}` should find nothing to change\n{outcome}",
                version.display()
            );
            assert!(outcome.stdout.contains("No changes"), "{outcome}");
            planned += 1;
        }
    }
    assert!(planned > 0, "there are captures");
}
