//! Which rendering of a plan is asked for, and printing it.

use std::path::PathBuf;

use super::Failure;
use crate::cli::{Command, Exit, Format, Rendering};
use crate::plan::Plan;
use crate::render::{self, Beside, Links};
use crate::ui::{Detail, OutputError, Ui, plan_text};

pub fn asks_for_json(command: &Command) -> bool {
    let rendering = match command {
        Command::Plan(args) => args.rendering,
        Command::Show { rendering, .. } => *rendering,
        _ => return false,
    };
    rendering.format == Some(Format::Json)
}

/// The format that `--format` and `--json` come to.
pub fn format(rendering: Rendering, json: bool) -> Result<Format, Failure> {
    let format = match (rendering.format, json) {
        (None, true) => Format::Json,
        (None, false) => Format::Text,
        (Some(format), json) if !json || format == Format::Json => format,
        _ => {
            let message = "--json and --format conflict";
            return Err(Failure::new(
                Exit::Usage,
                message,
                "--json is short for --format json: give one of the two",
            ));
        }
    };
    if rendering.max_bytes.is_some() && format != Format::Markdown {
        let message = "--max-bytes is for --format markdown";
        return Err(Failure::new(Exit::Usage, message, "the other formats are never shortened"));
    }
    if rendering.full && format != Format::Text {
        let message = "--full is for --format text";
        return Err(Failure::new(Exit::Usage, message, "the other formats have every field anyway"));
    }
    Ok(format)
}

/// Where the lines of specs are to be seen, as far as the environment says it.
pub fn links() -> Links {
    let now = std::env::current_dir().unwrap_or_else(|_| PathBuf::new());
    Links::of_github(|name| std::env::var(name).ok().filter(|value| !value.is_empty()), &now)
}

/// How much text says of what is created.
pub fn detail(full: bool) -> Detail {
    if full { Detail::Full } else { Detail::Short }
}

/// Prints a plan in a format that needs nothing but the plan. `place` is where the environment is, in words.
pub fn print(
    ui: Ui,
    plan: &Plan,
    beside: &Beside,
    format: Format,
    rendering: Rendering,
    place: &str,
) -> Result<(), OutputError> {
    match format {
        Format::Text => ui.result(&plan_text(plan, beside, place, detail(rendering.full), ui.out)),
        Format::Markdown => {
            let limit = rendering.max_bytes.and_then(|bytes| usize::try_from(bytes).ok());
            ui.result(&render::markdown(plan, beside, &links(), limit))
        }
        Format::Html => ui.result(&render::html(plan, beside)),
        Format::Json | Format::TfplanJson => ui.result_json(&beside.json(plan)),
    }
}
