//! Runs the program as a person would: in a folder of its own, with an environment that is not the developer's.

use std::fmt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What the specs read their external secret from. Searched for in everything that is printed or written.
pub const WEATHER_API_KEY: &str = "planted-weather-key-5f1c";

/// A folder with the shipped specs, in which the program runs.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    /// With copies of `environments/`. In memory where the system has a place for that: each write to a cloud file
    /// is synced, and waits for the disk otherwise.
    pub fn new() -> Self {
        Self::on(TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()))
    }

    /// The same on disk, for large files.
    pub fn on_disk() -> Self {
        Self::on(TempDir::new())
    }

    fn on(folder: std::io::Result<TempDir>) -> Self {
        let bench = Self { folder: folder.expect("a folder for temporary files") };
        for entry in std::fs::read_dir(repository("environments")).expect("environments/") {
            let path = entry.expect("an entry").path();
            std::fs::copy(&path, bench.path(&path.file_name().expect("a name").to_string_lossy())).expect("a copy");
        }
        bench
    }

    /// With one of `fixtures/` as `spec.toml`.
    pub fn with_fixture(name: &str) -> Self {
        let bench = Self::new();
        std::fs::copy(repository("fixtures").join(name), bench.path("spec.toml")).expect("the fixture");
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Replaces the one place where `from` stands.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in {name}");
        self.write(name, text.replace(from, to));
    }

    /// Changes a file of JSON by hand.
    pub fn edit_json(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.json(name);
        change(&mut value);
        self.write(name, format!("{value:#}"));
    }

    /// How many objects a spec wants.
    pub fn wanted(&self, spec: &str) -> usize {
        let spec = baseplate::spec::load(&self.path(spec), &baseplate::kinds::catalog()).expect("a valid spec");
        baseplate::graph::Graph::of(&spec.env).expect("no cycle").objects.len()
    }

    /// The program with these arguments, ready for more.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baseplate"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("NO_COLOR", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("WEATHER_API_KEY", WEATHER_API_KEY);
        command
    }

    pub fn run(&self, arguments: &str) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// Runs what must end with 0.
    pub fn done(&self, arguments: &str) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "`{arguments}` should end well\n{outcome}");
        outcome
    }
}

/// How a run ended and what it said.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the program starts"))
    }

    /// Its result, from `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in\n{self}"))
    }
}

impl From<Output> for Outcome {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let code = status.code().expect("it ends by itself");
        Self { code, stdout: text(stdout), stderr: text(stderr) }
    }
}

/// Exit code, stdout and stderr, as a snapshot holds them.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n──── {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

/// A run that is under way.
pub struct Run(Child);

impl Run {
    pub fn begin(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts"))
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status();
        assert!(status.expect("kill").success(), "it is alive");
    }

    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_some()
    }

    pub fn end(self) -> Outcome {
        self.0.wait_with_output().expect("it ends").into()
    }

    pub fn kill(mut self) {
        self.0.kill().expect("it is alive");
        self.0.wait().expect("it ends");
    }
}

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What differs from run to run does not belong in a snapshot.
pub fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\d+\.\d s\b", "[time]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[digest]");
    settings
}

/// Compares an outcome with its snapshot in `tests/it/snapshots`.
#[macro_export]
macro_rules! assert_outcome {
    ($name:expr, $outcome:expr) => {
        $crate::cli::settings().bind(|| insta::assert_snapshot!($name, $outcome.to_string()))
    };
}
