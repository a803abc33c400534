//! The command line: arguments and exit codes. What each command does is in [`crate::commands`].

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::cloud::FailAt;
use crate::plan::{AddressPattern, Allowances};
use crate::rehearse::PARALLELISM;
use crate::value::Address;

/// Provisions an environment on AWS from a TOML spec. There is no state file: the live account is the state.
#[derive(Debug, Parser)]
#[command(name = "baseplate", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Tell on stderr what is asked of AWS: -v each call, -vv also retries and whose credentials, -vvv also what
    /// was found. Never a value.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, or no changes · 1 failed · 2 changes pending, or \
    differences unexplained (--detailed-exitcode) · 3 the spec or another input is invalid · 4 refused, nothing was \
    changed · 64 wrong usage · 130 interrupted";

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    ChangesPending = 2,
    InvalidInput = 3,
    Refused = 4,
    Usage = 64,
    Interrupted = 130,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check specs offline; every error with its place.
    Check {
        #[arg(required = true)]
        specs: Vec<PathBuf>,
    },
    /// Print the merged spec and where each value comes from, or a saved plan.
    Show {
        /// A spec, or a plan saved by `plan --out`; no cloud is read.
        file: PathBuf,
        #[command(flatten)]
        rendering: Rendering,
    },
    /// Show what an apply would change.
    Plan(PlanArgs),
    /// Make the environment what its spec says.
    Apply(ApplyArgs),
    /// Take everything of the environment away.
    Destroy(DestroyArgs),
    /// Take the environment's lock away from a run that died.
    Unlock(UnlockArgs),
    /// Show what differs between two environments, but for what their specs say is meant.
    Compare(CompareArgs),
    /// Carry a change out in memory, step by step, to see that it goes through.
    Rehearse(RehearseArgs),
    /// Capture the live state in a file, for --cloud file:….
    Observe {
        spec: PathBuf,
        /// Where to write; it must not exist yet.
        #[arg(long, short)]
        out: PathBuf,
        #[command(flatten)]
        cloud: CloudArgs,
    },
    /// Draw what depends on what.
    Graph {
        spec: PathBuf,
        /// What to draw it in; --json lists it instead. [default: mermaid]
        #[arg(long, value_enum)]
        format: Option<GraphFormat>,
    },
    /// Print the JSON Schema of specs, or of plans.
    Schema {
        #[arg(value_enum, default_value_t = SchemaOf::Environment)]
        of: SchemaOf,
    },
    /// Print completions for a shell.
    Completions { shell: Shell },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GraphFormat {
    Mermaid,
    Dot,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaOf {
    Environment,
    Plan,
}

/// What a plan is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// One page that needs nothing else.
    Html,
    /// The plan itself; `baseplate schema plan` describes it.
    Json,
    /// As `terraform show -json` writes plans, for the tools that read those.
    TfplanJson,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Rendering {
    /// What to print; --json is short for `--format json`. [default: text]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Markdown: leave out what is least dangerous, and say how much, to stay within this.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(2000..))]
    pub max_bytes: Option<u64>,
}

/// Where the environment is.
#[derive(Clone, Debug, Args)]
pub struct CloudArgs {
    /// `aws`, or `file:PATH` for a cloud in a file.
    #[arg(long, default_value = "aws", env = "BASEPLATE_CLOUD")]
    pub cloud: String,
    /// The AWS profile to take credentials from.
    #[arg(long)]
    pub profile: Option<String>,
    /// Refuse unless the spec is for this region.
    #[arg(long)]
    pub region: Option<String>,
    /// Whether to wait for roll-outs. `auto` waits, but not at an endpoint that is not AWS's own: emulators run
    /// no tasks.
    #[arg(long, value_enum, default_value_t = Wait::Auto)]
    pub wait: Wait,
    /// Seconds that a call to AWS may take, with all its attempts. One attempt may take a sixth of that.
    /// [default: 180]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub call_timeout: Option<u32>,
    /// File cloud: seconds here for a second of AWS. [default: 0.002]
    #[arg(long, value_name = "FACTOR")]
    pub time_scale: Option<f64>,
    /// File cloud: refuse changes of this address, or die at the N-th change, before or after it took effect
    /// (crash-before:N, crash-after:N).
    #[arg(long, value_name = "ADDRESS|CRASH")]
    pub fail_at: Option<FailAt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wait {
    Auto,
    Always,
    Never,
}

/// What changes a plan beside its spec.
#[derive(Clone, Debug, Default, Args)]
pub struct Choices {
    /// Take over an object that somebody else made.
    #[arg(long, value_name = "ADDRESS")]
    pub adopt: Vec<Address>,
    /// Another image for a service than the spec's: SERVICE=IMAGE.
    #[arg(long, value_name = "SERVICE=IMAGE")]
    pub image: Vec<String>,
    /// Leave every running service the image that it has, whatever the spec says.
    #[arg(long)]
    pub live_images: bool,
    #[command(flatten)]
    pub losses: Losses,
}

/// What an apply may take away. A plan says which of these it needs.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Losses {
    /// Let an object go although it holds data: an address, `<kind>.*`, or `*`.
    #[arg(long, value_name = "ADDRESS")]
    pub allow_destroy: Vec<AddressPattern>,
    /// Let so many objects go at once.
    #[arg(long, value_name = "N")]
    pub allow_deletes: Option<usize>,
}

impl Losses {
    pub fn allowances(&self) -> Allowances {
        Allowances { destroy: self.allow_destroy.clone(), deletes: self.allow_deletes }
    }
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    pub spec: PathBuf,
    /// Plan from what this revision of the spec makes, not from what is live: no cloud is asked.
    #[arg(long, value_name = "OLD")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub choices: Choices,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Save the plan, for `apply FILE`.
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    /// Plan the end of the environment.
    #[arg(long, conflicts_with_all = ["adopt", "image", "live_images"])]
    pub destroy: bool,
    #[command(flatten)]
    pub rendering: Rendering,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    pub one: PathBuf,
    pub other: PathBuf,
    /// Compare the two as they are, not as their specs want them.
    #[arg(long)]
    pub live: bool,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Where the other one is, if not in the same cloud.
    #[arg(long, value_name = "CLOUD", requires = "live")]
    pub other_cloud: Option<String>,
    /// The AWS profile for the other one, if not the same.
    #[arg(long, value_name = "PROFILE", requires = "live")]
    pub other_profile: Option<String>,
    /// Also list what the specs explain.
    #[arg(long)]
    pub all: bool,
    /// What to print. [default: text]
    #[arg(long, value_enum)]
    pub format: Option<CompareFormat>,
    /// Exit with 2 when something differs that no spec explains.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    Text,
    /// For a pull request: what is explained is folded.
    Markdown,
}

#[derive(Debug, Args)]
pub struct RehearseArgs {
    pub spec: PathBuf,
    /// Begin with what this revision of the spec makes, not with nothing.
    #[arg(long, value_name = "OLD")]
    pub from: Option<PathBuf>,
    /// Begin with a copy of what `observe` captured.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub capture: Option<PathBuf>,
    #[command(flatten)]
    pub choices: Choices,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A spec, or a plan saved by `plan --out`.
    pub spec: PathBuf,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub choices: Choices,
    #[command(flatten)]
    pub run: RunArgs,
    /// Apply only if planning now gives the plan with this hash, or one that begins so: 12 digits or more.
    #[arg(long, value_name = "HASH")]
    pub plan_hash: Option<HashStart>,
}

/// The hash of a plan, or so much of its beginning that no other plan begins so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashStart(String);

impl HashStart {
    /// As many as a plan's page shows.
    const SHORTEST: usize = 12;
    const WHOLE: usize = 64;

    pub fn is_of(&self, hash: &str) -> bool {
        hash.starts_with(&self.0)
    }
}

impl FromStr for HashStart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim().to_ascii_lowercase();
        if let Some(other) = digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
            return Err(format!("`{other}` is no hexadecimal digit; give what the last line of the plan says"));
        }
        match digits.len() {
            Self::SHORTEST..=Self::WHOLE => Ok(Self(digits)),
            length => Err(format!("{length} digits, expected {} to {}", Self::SHORTEST, Self::WHOLE)),
        }
    }
}

#[derive(Debug, Args)]
pub struct DestroyArgs {
    pub spec: PathBuf,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub run: RunArgs,
    /// Also what belongs to the project and other environments may use: its image registries.
    #[arg(long)]
    pub shared: bool,
    #[command(flatten)]
    pub losses: Losses,
}

#[derive(Debug, Args)]
pub struct UnlockArgs {
    pub spec: PathBuf,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Do not ask. Without a terminal it is needed.
    #[arg(long, short)]
    pub yes: bool,
}

/// How the environment's lock is held and waited for.
#[derive(Clone, Copy, Debug, Args)]
pub struct LockArgs {
    /// How long to wait while another run holds the environment's lock; twice the lease unless given, so that a
    /// run that died is waited out.
    #[arg(long, value_name = "SECONDS", env = "BASEPLATE_LOCK_TIMEOUT")]
    pub lock_timeout: Option<u32>,
    /// How long the lock is held without being renewed: after a crash, others wait this long.
    #[arg(long, value_name = "SECONDS", env = "BASEPLATE_LOCK_LEASE", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub lock_lease: u32,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Do not ask. Without a terminal it is needed.
    #[arg(long, short)]
    pub yes: bool,
    /// How many changes run at once.
    #[arg(long, default_value_t = PARALLELISM, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    #[command(flatten)]
    pub lock: LockArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_known_by_its_beginning() {
        let hash = "2d69f2121bd542c12c60b6500fa07f4328aeb4f9f54cffca97dbfffe45338fcf";
        let is_of = |text: &str| text.parse::<HashStart>().map(|start| start.is_of(hash));
        assert_eq!(is_of(hash), Ok(true));
        assert_eq!(is_of(" 2D69F2121BD5\n"), Ok(true));
        assert_eq!(is_of("2d69f2121bd6"), Ok(false));
        assert_eq!(is_of("f2121bd542c12c60b6"), Ok(false), "it begins otherwise");
        for wrong in ["", "2d69f2121bd", "2d69f2121bd5…", "sha256:2d69f2121bd5", &format!("{hash}0")] {
            assert!(is_of(wrong).is_err(), "{wrong}");
        }
    }
}
