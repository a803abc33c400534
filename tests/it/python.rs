//! The Pythons of the tests: environments of their own under the target folder, each made once for its set of
//! requirements.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::cli::repository;

/// An interpreter, with everything installed that one file of `tests/python` lists.
pub struct Python {
    requirements: &'static str,
    made: OnceLock<PathBuf>,
}

/// moto, boto3 and jsonschema.
pub static PYTHON: Python = Python::with("requirements.txt");
/// Checkov, which wants older versions of much that moto wants, too.
pub static CHECKOV: Python = Python::with("checkov-requirements.txt");

impl Python {
    const fn with(requirements: &'static str) -> Self {
        Self { requirements, made: OnceLock::new() }
    }

    pub fn interpreter(&self) -> &Path {
        self.made.get_or_init(|| make(self.requirements))
    }
}

/// A file of `tests/python`.
pub fn script(name: &str) -> PathBuf {
    repository("tests/python").join(name)
}

fn make(requirements: &str) -> PathBuf {
    let requirements = script(requirements);
    let pinned = fs::read(&requirements).expect("the requirements in tests/python");
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
            "these tests need python3 with its venv module (Debian: apt-get install python3-venv)",
        );
        must(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--requirement".as_ref(), requirements.as_os_str()]),
            &format!("{} could not be installed: is a package index in reach?", requirements.display()),
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
