//! What `--version` says besides the version: the commit that it was built from and its date, where the sources are a
//! repository, and the target. No date of the build itself, so that the same sources come to the same program.
//!
//! A debug build does not say its commit: Cargo would build the whole crate and its tests anew after each one.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let aws = if env::var_os("CARGO_FEATURE_AWS").is_some() { "with AWS" } else { "without AWS" };
    let target = env::var("TARGET").unwrap_or_default();
    let is_release = env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    let build = if is_release { commit() } else { Some("debug build".to_owned()) };
    let parts: Vec<String> = build.into_iter().chain([target, aws.to_owned()]).collect();
    println!("cargo:rustc-env=BASEPLATE_VERSION={version} ({})", parts.join(", "));
}

/// The commit, 12 digits, and the day that it was made. A package that only lies inside of somebody's repository is not
/// of that.
fn commit() -> Option<String> {
    let here = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).canonicalize().ok()?;
    let root = git(&here, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&root).canonicalize().ok()? != here {
        return None;
    }
    let branch = git(&here, &["symbolic-ref", "--quiet", "HEAD"]);
    // Where HEAD leads is told by its log alone; a branch's own file is not there while its ref is packed.
    let watched = match inside(&here, "logs/HEAD") {
        Some(log) => vec![Some(log)],
        None => vec![
            inside(&here, "HEAD"),
            branch.and_then(|branch| inside(&here, &branch)),
            inside(&here, "packed-refs"),
        ],
    };
    for path in watched.into_iter().flatten() {
        println!("cargo:rerun-if-changed={path}");
    }
    let last = git(&here, &["log", "-1", "--no-show-signature", "--format=%H %cs"])?;
    let (commit, day) = last.split_once(' ')?;
    Some(format!("{} {day}", commit.get(..12)?))
}

/// A file of the repository's own, if it is there: Cargo would run this every time for one that is not.
fn inside(here: &Path, name: &str) -> Option<String> {
    let path = git(here, &["rev-parse", "--git-path", name])?;
    here.join(&path).exists().then_some(path)
}

fn git(here: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A hook's own repository is not asked for.
    command.args(arguments).current_dir(here).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
