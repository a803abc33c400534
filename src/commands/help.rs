use clap::CommandFactory;
use serde_json::json;

use super::Failure;
use super::options::{did_you_mean, nearest};
use crate::cli::{Cli, Exit};
use crate::kinds;
use crate::spec::{text_parts, texts_as_they_are, texts_with_outputs};
use crate::ui::{Ui, placeholders_text};

const PLACEHOLDERS: &str = "placeholders";

/// Prints help for the program or one of its commands, or on a topic.
pub fn help(ui: Ui, topic: Option<&str>) -> Result<Exit, Failure> {
    let catalog = kinds::catalog();
    if topic == Some(PLACEHOLDERS) {
        match ui.json {
            true => ui.result_json(&json!({
                "placeholders": text_parts(&catalog).iter().map(|(name, _)| name).collect::<Vec<_>>(),
                "texts_with_outputs": texts_with_outputs(&catalog),
                "texts_as_they_are": texts_as_they_are(&catalog),
            }))?,
            false => ui.result(&placeholders_text(&catalog, ui.out))?,
        }
        return Ok(Exit::Done);
    }
    if ui.json {
        return Err(Failure::new(Exit::Usage, "help is a text: --json has no effect", "omit --json"));
    }
    let mut root = Cli::command();
    root.build();
    let text = match topic {
        None => root.render_help(),
        Some(name) => match root.find_subcommand_mut(name) {
            Some(command) => command.render_help(),
            None => {
                let names = root.get_subcommands().map(|command| command.get_name().to_owned());
                let near = nearest(name, names.chain([PLACEHOLDERS.to_owned()]));
                let help = did_you_mean(near, "`baseplate help` lists the commands");
                return Err(Failure::new(Exit::Usage, format!("there is no help on `{name}`"), help));
            }
        },
    };
    let text = if ui.out.is_on() { text.ansi().to_string() } else { text.to_string() };
    ui.result(&text)?;
    Ok(Exit::Done)
}
