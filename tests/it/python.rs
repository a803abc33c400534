//! The Python of the tests: an environment of its own under the target folder, made once for each set of
//! requirements.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::cli::repository;

/// The interpreter in which everything of `tests/python/requirements.txt` is installed.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(make)
}

/// A script of `tests/python`.
pub fn script(name: &str) -> PathBuf {
    repository("tests/python").join(name)
}

fn make() -> PathBuf {
    let requirements = script("requirements.txt");
    let pinned = fs::read(&requirements).expect("tests/python/requirements.txt");
    let hash: String = Sha256::digest(pinned).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target.join(format!("python-{hash}"));
    let (python, ready) = (home.join("bin/python"), home.join("ready"));

    // Other test binaries may come here at the same time: whoever holds the lock makes it, the others find it.
    let lock = File::create(target.join(format!("python-{hash}.lock"))).expect("a lock file in the target folder");
    lock.lock().expect("the lock on the Python environment");
    if !ready.exists() {
        must(
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home),
            "the tests over HTTP need python3 with its venv module (Debian: apt-get install python3-venv)",
        );
        must(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--requirement".as_ref(), requirements.as_os_str()]),
            "tests/python/requirements.txt could not be installed: is a package index in reach?",
        );
        fs::write(&ready, "").expect("a mark that the environment is complete");
    }
    python
}

fn must(command: &mut Command, help: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{help}\n{command:?}\n{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{help}\n{command:?}: {error}"),
    }
}
