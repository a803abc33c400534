//! The commands: thin over the operations they are named for.

#[cfg(feature = "aws")]
mod account;
mod apply;
mod check;
mod compare;
mod drift;
mod fmt;
mod graph;
mod help;
mod images;
mod init;
mod kind_list;
mod last_changes;
mod list;
mod live;
mod lock;
mod man;
mod memory;
mod missing_images;
mod names;
mod observe;
mod options;
mod outputs;
mod ownership;
mod plan;
mod preflight;
mod rehearse;
mod rendering;
mod reports;
mod review;
mod saved;
mod session;
mod show;

use crate::apply::ChangeCycle;
use crate::cli::{Cli, Command, Exit, SchemaOf};
use crate::graph::DependencyCycle;
use crate::kinds;
use crate::lock::NotStarted;
use crate::plan::PlanError;
use crate::rehearse::RehearsalError;
use crate::render::{Beside, NoCounterpart};
use crate::spec::{self, Problems};
use crate::ui::{OutputError, Ui};

pub use saved::{SavedPlan, SavedPlanError};

const UNCHANGED: &str = "nothing was changed";
const ONE_OF_THE_CYCLE: &str = "remove one of these references";

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    Spec(Problems),
    Plain { exit: Exit, message: String, help: String },
    Many { exit: Exit, messages: Vec<String>, help: String },
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Plain { exit, message: message.into(), help: help.into() }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Spec(problems)
    }
}

impl From<OutputError> for Failure {
    fn from(unwritten: OutputError) -> Self {
        Self::new(Exit::Failed, unwritten.to_string(), "free up space, or write elsewhere")
    }
}

impl From<DependencyCycle> for Failure {
    fn from(cycle: DependencyCycle) -> Self {
        Self::new(Exit::InvalidInput, cycle.to_string(), ONE_OF_THE_CYCLE)
    }
}

impl From<ChangeCycle> for Failure {
    fn from(cycle: ChangeCycle) -> Self {
        Self::new(Exit::Refused, cycle.to_string(), UNCHANGED)
    }
}

impl From<NoCounterpart> for Failure {
    fn from(object: NoCounterpart) -> Self {
        Self::new(Exit::Failed, object.to_string(), "choose another format; all others show it")
    }
}

impl From<NotStarted> for Failure {
    fn from(lost: NotStarted) -> Self {
        Self::new(Exit::Refused, lost.to_string(), "apply again")
    }
}

impl From<PlanError> for Failure {
    fn from(refusal: PlanError) -> Self {
        match refusal {
            PlanError::Cloud(errors) => session::unreadable(&errors),
            PlanError::Cycle(cycle) => cycle.into(),
            PlanError::Newer(newer) => Self::new(Exit::Refused, newer.to_string(), UNCHANGED),
            PlanError::Conflicts(conflicts) => {
                let messages = conflicts.iter().map(ToString::to_string).collect();
                Self::Many { exit: Exit::Refused, messages, help: UNCHANGED.to_owned() }
            }
        }
    }
}

impl From<RehearsalError> for Failure {
    fn from(error: RehearsalError) -> Self {
        match error {
            RehearsalError::Plan(error) => error.into(),
            RehearsalError::Cycle(cycle) => cycle.into(),
            RehearsalError::Locked(_) | RehearsalError::Stuck => {
                Self::new(Exit::Refused, error.to_string(), UNCHANGED)
            }
        }
    }
}

/// Runs a command to its end and prints what it has to say.
pub async fn run(cli: Cli) -> Exit {
    let json = cli.json || rendering::asks_for_json(&cli.command);
    let ui = Ui { verbose: cli.verbose, ..Ui::new(json) };
    let result = match cli.command {
        Command::Init(args) => init::init(ui, &args).await,
        Command::Check { specs, strict } => check::check(ui, &specs, strict),
        Command::Fmt { specs, check } => fmt::fmt(ui, &specs, check),
        Command::Show { file, rendering } => show::show(ui, &file, rendering, cli.json),
        Command::Plan(args) => plan::plan(ui, &args, cli.json).await,
        Command::Drift(args) => drift::drift(ui, &args).await,
        Command::Preflight(args) => preflight::preflight(ui, &args).await,
        Command::Apply(args) => apply::apply(ui, &args).await,
        Command::Destroy(args) => apply::destroy(ui, &args).await,
        Command::Adopt(args) => ownership::adopt(ui, &args).await,
        Command::Forget(args) => ownership::forget(ui, &args).await,
        Command::Unlock(args) => lock::unlock(ui, &args).await,
        Command::Compare(args) => compare::compare(ui, &args).await,
        Command::Rehearse(args) => rehearse::rehearse(ui, &args).await,
        Command::Images { spec, cloud } => images::images(ui, &spec, &cloud).await,
        Command::List(args) => list::list(ui, &args).await,
        Command::Outputs(args) => outputs::outputs(ui, &args).await,
        Command::Observe { spec, out, cloud } => observe::observe(ui, &spec, &out, &cloud).await,
        Command::Graph(args) => graph::draw(ui, &args, cli.json).await,
        Command::Schema { of } => {
            let schema = match of {
                SchemaOf::Environment => spec::file_schema(&kinds::catalog()),
                SchemaOf::Plan => Beside::schema(),
            };
            ui.result_json(&schema).map(|()| Exit::Done).map_err(Failure::from)
        }
        Command::Man { folder } => man::man(ui, &folder),
        Command::Help { topic } => help::help(ui, topic.as_deref()),
        Command::Completions { .. } if cli.json => {
            let message = "completions are a script: --json has no effect";
            Err(Failure::new(Exit::Usage, message, "omit --json"))
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "baseplate", &mut text);
            ui.result(&String::from_utf8_lossy(&text)).map(|()| Exit::Done).map_err(Failure::from)
        }
    };
    result.unwrap_or_else(|failure| fail(ui, &failure))
}

fn fail(ui: Ui, failure: &Failure) -> Exit {
    match failure {
        Failure::Spec(problems) => {
            if ui.json {
                if let Err(unwritten) = ui.result_json(&problems.json()) {
                    return fail(ui, &unwritten.into());
                }
            } else {
                ui.note(&format!("{}\n", problems.render(ui.err.is_on()).trim_end()));
                ui.error(&format!("{} in the spec", counted(problems.count())), "");
            }
            Exit::InvalidInput
        }
        Failure::Plain { exit, message, help } => {
            ui.error(message, help);
            *exit
        }
        Failure::Many { exit, messages, help } => {
            for (index, message) in messages.iter().enumerate() {
                ui.error(message, if index + 1 == messages.len() { help } else { "" });
            }
            *exit
        }
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 error".to_owned() } else { format!("{count} errors") }
}
