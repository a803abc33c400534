//! What `--version` says, and the script that says it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::cli::{Bench, repository};

#[test]
fn version_says_what_was_built() {
    let text = Bench::new().done("--version").stdout;
    let rest = text.strip_prefix(&format!("baseplate {} (", env!("CARGO_PKG_VERSION"))).expect("the version");
    let aws = if cfg!(feature = "aws") { "with AWS" } else { "without AWS" };
    assert!(rest.ends_with(&format!(", {aws})\n")), "{text}");
}

/// The build script, built by itself.
struct Script {
    folder: TempDir,
}

impl Script {
    fn build() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let built = rustc
            .args(["--edition", "2024", "-o"])
            .arg(folder.path().join("script"))
            .arg(repository("build.rs"))
            .status()
            .expect("rustc");
        assert!(built.success());
        Self { folder }
    }

    /// The lines that it prints in `package` for a release.
    fn run(&self, package: &Path) -> Vec<String> {
        self.run_for("release", package)
    }

    fn run_for(&self, profile: &str, package: &Path) -> Vec<String> {
        let mut command = Command::new(self.folder.path().join("script"));
        command.env("CARGO_MANIFEST_DIR", package).env("CARGO_PKG_VERSION", "1.2.3").env("TARGET", "a-b-c");
        command.env_remove("CARGO_FEATURE_AWS").env("PROFILE", profile).current_dir(package);
        let output = command.output().expect("it runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]);
    command.args(arguments).current_dir(folder).env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z");
    let output = command.output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn the_commit_is_told_where_there_is_one() {
    const WITHOUT: &str = "cargo:rustc-env=BASEPLATE_VERSION=1.2.3 (a-b-c, without AWS)";
    let (script, folder) = (Script::build(), TempDir::new().expect("a folder"));
    let package = folder.path();
    assert_eq!(script.run(package), ["cargo:rerun-if-changed=build.rs", WITHOUT]);

    git(package, &["init", "--quiet"]);
    assert!(script.run(package).contains(&WITHOUT.to_owned()), "no commit yet");
    git(package, &["commit", "--quiet", "--allow-empty", "--message", "one"]);
    let commit = git(package, &["rev-parse", "HEAD"]);
    let told =
        format!("cargo:rustc-env=BASEPLATE_VERSION=1.2.3 ({} 2026-01-02, a-b-c, without AWS)", &commit[..12]);
    let lines = script.run(package);
    assert_eq!(lines.last(), Some(&told));
    assert_eq!(script.run(package), lines, "the same sources, the same program");
    // It runs again when HEAD moves, and for nothing else.
    assert_eq!(lines[..2], ["cargo:rerun-if-changed=build.rs", "cargo:rerun-if-changed=.git/logs/HEAD"]);
    for line in &lines[..lines.len() - 1] {
        let path = line.strip_prefix("cargo:rerun-if-changed=").expect("nothing else");
        assert!(path == "build.rs" || package.join(path).exists(), "{path}");
    }

    let debug = "cargo:rustc-env=BASEPLATE_VERSION=1.2.3 (debug build, a-b-c, without AWS)";
    assert_eq!(script.run_for("debug", package), ["cargo:rerun-if-changed=build.rs", debug]);

    // A package that somebody unpacked inside of a repository is not of that.
    let inner = package.join("vendor");
    std::fs::create_dir(&inner).expect("a folder");
    assert_eq!(script.run(&inner).last().map(String::as_str), Some(WITHOUT));
}

#[test]
fn every_command_has_a_man_page() {
    let bench = Bench::new();
    let outcome = bench.run("man man1");
    assert_eq!(outcome.code, 3, "{outcome}");
    std::fs::create_dir(bench.path("man1")).expect("a folder");
    let written = bench.done("man man1 --json").json()["written"].clone();
    let written: Vec<String> = serde_json::from_value(written).expect("names");
    assert!(written.contains(&"baseplate.1".to_owned()) && written.contains(&"baseplate-apply.1".to_owned()));
    for name in &written {
        let page = bench.read(&format!("man1/{name}"));
        let title = name.trim_end_matches(".1");
        assert!(page.contains(&format!(".TH {title} 1")) && page.contains(".SH SYNOPSIS"), "{page}");
        assert!(!page.contains(&bench.path("").display().to_string()), "{page}");
    }
    let plan = bench.read("man1/baseplate-plan.1");
    assert!(plan.contains("baseplate plan") || plan.contains("baseplate\\-plan"), "{plan}");
}
