//! The command line: arguments and exit codes. What each command does is in [`crate::commands`].

mod hash_start;
pub mod words;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::cloud::FailAt;
use crate::kinds::StageRange;
use crate::plan::{AddressPattern, Allowances};
use crate::rehearse::PARALLELISM;

pub use hash_start::{HashError, HashStart};

/// Provisions an environment on AWS from a TOML spec. There is no state file: the live account is the state.
#[derive(Debug, Parser)]
#[command(name = "baseplate", version = env!("BASEPLATE_VERSION"), after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log calls to AWS on stderr: -v each call, -vv also retries and the source of credentials, -vvv also what was
    /// read. Values are never logged.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, or no changes · 1 failed · 2 changes pending, or \
    unexplained differences (--detailed-exitcode), drift (drift), an image is missing (images), \
    something is bad (preflight), a layout changes (fmt --check), or it is not live yet (outputs) \
    · 3 the spec or another input is invalid · 4 refused, nothing was changed · 5 stopped early: --stages, or an image is missing \
    · 64 wrong usage · 130 interrupted";

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    ChangesPending = 2,
    InvalidInput = 3,
    Refused = 4,
    /// Where it was told to stop, or before what needs an image that is missing.
    Stopped = 5,
    Usage = 64,
    Interrupted = 130,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the specs of a new project, dev and prod, and check and plan them in memory.
    Init(InitArgs),
    /// Validate specs offline: every error, and what AWS accepts but will not work, with file, line and column.
    Check {
        /// Fail on warnings, too, apart from those that the spec accepts.
        #[arg(long)]
        strict: bool,
        #[arg(required = true)]
        specs: Vec<PathBuf>,
    },
    /// Lay specs out: spaces, indentation and empty lines. Nothing is reordered, and comments stay.
    Fmt {
        /// Only print which specs would change, and exit with 2 if there are any.
        #[arg(long)]
        check: bool,
        /// The specs; `-` is standard input, which is printed.
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
    /// Show what apply would change.
    Plan(PlanArgs),
    /// Show what was changed outside of Baseplate since the last apply, in one environment or several.
    Drift(ReportArgs),
    /// Ask AWS whether what a plan makes and changes will work: quotas, free addresses, images, certificates, versions.
    Preflight(ReportArgs),
    /// Create, update and delete what the spec asks for.
    Apply(ApplyArgs),
    /// Destroy the environment.
    Destroy(DestroyArgs),
    /// Take over existing objects that the spec asks for and Baseplate did not create, and change nothing else.
    Adopt(OwnershipArgs),
    /// Let go of objects that the spec has no longer: they go on existing, without the environment's tags.
    Forget(OwnershipArgs),
    /// Release the environment's lock after a run that died.
    Unlock(UnlockArgs),
    /// Show the differences between two environments, except those that their specs list under [[differs]].
    Compare(CompareArgs),
    /// Apply a change in memory, step by step, to check that it would succeed.
    Rehearse(RehearseArgs),
    /// List the images that services need, which of them their registries have, and how to push the others.
    Images {
        spec: PathBuf,
        #[command(flatten)]
        cloud: CloudArgs,
    },
    /// List what is live of the environment: addresses and ids.
    List(ListArgs),
    /// Print what to open, call and run of what is live: URLs, endpoints, commands for logs, images and passwords.
    Outputs(OutputsArgs),
    /// Capture the live state in a file, for --cloud file:….
    Observe {
        spec: PathBuf,
        /// Where to write; it must not exist yet.
        #[arg(long, short)]
        out: PathBuf,
        #[command(flatten)]
        cloud: CloudArgs,
    },
    /// Draw what depends on what, or who may reach whom.
    Graph(GraphArgs),
    /// Print the JSON Schema of specs, or of plans.
    Schema {
        #[arg(value_enum, default_value_t = SchemaOf::Environment)]
        of: SchemaOf,
    },
    /// Print completions for a shell.
    Completions { shell: Shell },
    /// Write a man page of each command.
    Man {
        /// The folder that they are written to, as in share/man/man1.
        folder: PathBuf,
    },
    /// Print help for a command, or on `placeholders`: what texts of a spec may refer to.
    Help {
        #[arg(value_name = "COMMAND|placeholders")]
        topic: Option<String>,
    },
}

/// What is not given is asked for on a terminal.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where base.toml, dev.toml, prod.toml and .gitignore are written; it is made if it is not there.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The project's name, which every name on AWS begins with: lowercase letters, digits and hyphens.
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The AWS account, 12 digits, or one for each environment: dev=ACCOUNT,prod=ACCOUNT.
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    pub account: Vec<String>,
    /// The AWS region, as in eu-central-1.
    #[arg(long)]
    pub region: Option<String>,
    /// What it is made of, as in web,worker:mailer,postgres. `web` is a service behind the load balancer, `worker` one that
    /// nobody calls, `postgres` and `mysql` are databases, `topic` is an SNS topic; a name of its own goes after a colon.
    #[arg(long, value_name = "TYPE[:NAME],…", value_delimiter = ',')]
    pub components: Vec<String>,
    /// The domain of prod, which must be a hosted zone in Route 53; dev is at dev.DOMAIN. Without one, there is no HTTPS: only
    /// plain HTTP at the name that AWS gives the load balancer.
    #[arg(long)]
    pub domain: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    pub spec: PathBuf,
    /// Only what is called so: a kind, an address, or a part of it with `*`.
    pub pattern: Option<String>,
    #[command(flatten)]
    pub cloud: CloudArgs,
}

#[derive(Debug, Args)]
pub struct OutputsArgs {
    pub spec: PathBuf,
    /// Print only the value of this output, as in `services.web.url`.
    pub name: Option<String>,
    /// Print lines for a shell that set variables: `services.web.url` is BASEPLATE_SERVICES_WEB_URL.
    #[arg(long)]
    pub env: bool,
    #[command(flatten)]
    pub cloud: CloudArgs,
}

#[derive(Debug, Args)]
pub struct GraphArgs {
    pub spec: PathBuf,
    /// What is drawn.
    #[arg(long, value_enum, default_value_t = View::Dependencies)]
    pub view: View,
    /// Output format; --json prints what is drawn as JSON instead. [default: mermaid for dependencies, text for traffic]
    #[arg(long, value_enum)]
    pub format: Option<GraphFormat>,
    /// Traffic: draw what is live instead of what the spec asks for, and mark what was made by hand.
    #[arg(long)]
    pub live: bool,
    #[command(flatten)]
    pub cloud: CloudArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// What depends on what.
    Dependencies,
    /// Who may reach whom on which ports, by the rules of security groups and the routes.
    Traffic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Mermaid,
    Dot,
    /// Traffic only.
    Svg,
    /// Traffic only: for a terminal.
    Text,
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
    /// One self-contained page.
    Html,
    /// The plan itself; `baseplate schema plan` describes it.
    Json,
    /// As `terraform show -json` writes plans, for the tools that read those.
    TfplanJson,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Rendering {
    /// Output format; --json is short for `--format json`. [default: text]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Markdown: shorten to at most this size, leaving out the least dangerous changes first.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(2000..))]
    pub max_bytes: Option<u64>,
    /// Text: every field of what is created, and not only what a reader asks about first.
    #[arg(long)]
    pub full: bool,
}

/// Where the environment is.
#[derive(Clone, Debug, Args)]
pub struct CloudArgs {
    /// `aws`, or `file:PATH` to simulate AWS in a file.
    #[arg(long, default_value = "aws", env = "BASEPLATE_CLOUD")]
    pub cloud: String,
    /// The AWS profile to take credentials from.
    #[arg(long)]
    pub profile: Option<String>,
    /// Refuse unless the spec is for this region. It does not choose the region: the spec does.
    #[arg(long)]
    pub region: Option<String>,
    /// Whether changes wait for rollouts. `auto` waits where the endpoint is one of AWS: emulators run no tasks.
    #[arg(long, value_enum, default_value_t = Wait::Auto)]
    pub wait: Wait,
    /// Seconds that a call to AWS may take, including retries. One attempt may take a sixth of that.
    /// [default: 180]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub call_timeout: Option<u32>,
    /// File cloud: seconds to take for each second that AWS would take. [default: 0.002]
    #[arg(long, value_name = "FACTOR")]
    pub time_scale: Option<f64>,
    /// File cloud: inject a failure: reject changes of this address, crash at the N-th change, before or after it
    /// takes effect (crash-before:N, crash-after:N), or take the image of a service, or of all, out of its registry
    /// (missing-image:SERVICE, missing-image:*).
    #[arg(long, value_name = "ADDRESS|CRASH|IMAGE")]
    pub fail_at: Option<FailAt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wait {
    Auto,
    Always,
    Never,
}

/// What a plan depends on besides its spec.
#[derive(Clone, Debug, Default, Args)]
pub struct Choices {
    /// Adopt an existing object that Baseplate did not create: an address, or a path of the spec for all that derives
    /// from there.
    #[arg(long, value_name = "ADDRESS|PATH")]
    pub adopt: Vec<AddressPattern>,
    /// Override the image of a service: SERVICE=IMAGE.
    #[arg(long, value_name = "SERVICE=IMAGE")]
    pub image: Vec<String>,
    /// Keep the image of every running service, whatever the spec says.
    #[arg(long)]
    pub live_images: bool,
    /// Only changes of these stages, and those that they need; the others are left for later: 1 network, 2 database,
    /// 3 registries, 4 parameters, 5 services, 6 load balancer, 7 DNS, 9 monitoring.
    #[arg(long, value_name = "N|N-M")]
    pub stages: Option<StageRange>,
    #[command(flatten)]
    pub losses: Losses,
}

/// What an apply may delete. A plan says which of these it requires.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Losses {
    /// Allow deleting or replacing an object that holds data: an address, `<kind>.*`, `*`, or a path of the spec for all
    /// that derives from there.
    #[arg(long, value_name = "ADDRESS|PATH")]
    pub allow_destroy: Vec<AddressPattern>,
    /// Allow deleting or replacing up to N objects at once: required for more than a quarter of the environment and
    /// more than 10 objects, but never by `destroy`.
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
    /// Plan from another revision of the spec instead of from live state; no cloud is read.
    #[arg(long, value_name = "OLD")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub choices: Choices,
    /// Exit with 2 if there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Save the plan, for `apply FILE`.
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    /// Plan to destroy the environment.
    #[arg(long, conflicts_with_all = ["adopt", "image", "live_images", "stages"])]
    pub destroy: bool,
    /// Do not ask AWS whether the changes will work.
    #[arg(long)]
    pub no_preflight: bool,
    #[command(flatten)]
    pub rendering: Rendering,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    #[arg(required = true)]
    pub specs: Vec<PathBuf>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Output format. [default: text]
    #[arg(long, value_enum)]
    pub format: Option<CompareFormat>,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    pub one: PathBuf,
    pub other: PathBuf,
    /// Compare live state instead of what the specs ask for.
    #[arg(long)]
    pub live: bool,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// The cloud of the other environment, if not the same.
    #[arg(long, value_name = "CLOUD", requires = "live")]
    pub other_cloud: Option<String>,
    /// The AWS profile for the other environment, if not the same.
    #[arg(long, value_name = "PROFILE", requires = "live")]
    pub other_profile: Option<String>,
    /// Also list the differences that the specs list under [[differs]].
    #[arg(long)]
    pub all: bool,
    /// Output format. [default: text]
    #[arg(long, value_enum)]
    pub format: Option<CompareFormat>,
    /// Exit with 2 if there are unexplained differences.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    Text,
    /// For a comment on a pull request, or an issue.
    Markdown,
}

#[derive(Debug, Args)]
pub struct RehearseArgs {
    pub spec: PathBuf,
    /// Start from another revision of the spec instead of from an empty account.
    #[arg(long, value_name = "OLD")]
    pub from: Option<PathBuf>,
    /// Start from a copy of what `observe` captured.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub capture: Option<PathBuf>,
    /// Show every field of what is created, and not only what a reader asks about first.
    #[arg(long)]
    pub full: bool,
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
    /// Apply only if the plan now has this hash; its first 12 digits or more suffice.
    #[arg(long, value_name = "HASH")]
    pub plan_hash: Option<HashStart>,
    /// What to do when an image is not in its ECR repository: stop before the services that need it, or go on.
    /// `auto` stops where the endpoint is one of AWS: emulators run no tasks.
    #[arg(long, value_enum, default_value_t = MissingImages::Auto)]
    pub missing_images: MissingImages,
    /// Show every field of what is created, and not only what a reader asks about first.
    #[arg(long)]
    pub full: bool,
    /// Do not ask AWS whether the changes will work. Otherwise an apply is refused where the answer is bad.
    #[arg(long)]
    pub no_preflight: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MissingImages {
    Auto,
    Stop,
    Ignore,
}

#[derive(Debug, Args)]
pub struct DestroyArgs {
    pub spec: PathBuf,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub run: RunArgs,
    /// Also destroy what the project's environments share: its ECR repositories.
    #[arg(long)]
    pub shared: bool,
    #[command(flatten)]
    pub losses: Losses,
}

#[derive(Debug, Args)]
pub struct OwnershipArgs {
    pub spec: PathBuf,
    /// Whose owner changes: an address, as in `log_group.web`, or a path of the spec for all that derives from there, as in
    /// `services.web`.
    #[arg(required = true, value_name = "ADDRESS|PATH")]
    pub addresses: Vec<AddressPattern>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
pub struct UnlockArgs {
    pub spec: PathBuf,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Do not ask for confirmation. Required without a terminal.
    #[arg(long, short)]
    pub yes: bool,
}

/// How the environment's lock is held and waited for.
#[derive(Clone, Copy, Debug, Args)]
pub struct LockArgs {
    /// How long to wait while another run holds the environment's lock. By default twice the lease, so that the lock
    /// of a run that died has expired by then.
    #[arg(long, value_name = "SECONDS", env = "BASEPLATE_LOCK_TIMEOUT")]
    pub lock_timeout: Option<u32>,
    /// How long the lock is held without renewal: after a crash, others wait this long.
    #[arg(long, value_name = "SECONDS", env = "BASEPLATE_LOCK_LEASE", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub lock_lease: u32,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Do not ask for confirmation. Required without a terminal, except for a saved plan, which
    /// was reviewed.
    #[arg(long, short)]
    pub yes: bool,
    /// How many changes run at once.
    #[arg(long, default_value_t = PARALLELISM, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    #[command(flatten)]
    pub lock: LockArgs,
}
