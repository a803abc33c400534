use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use serde_json::json;

use super::Failure;
use crate::cli::{Cli, Exit};
use crate::files;
use crate::ui::Ui;
use crate::value::one_line;

/// Writes the pages of the program and of each command into a folder, which must be there.
pub fn man(ui: Ui, folder: &Path) -> Result<Exit, Failure> {
    let shown = one_line(&folder.display().to_string());
    if !folder.is_dir() {
        return Err(Failure::new(
            Exit::InvalidInput,
            format!("{shown} is not a folder"),
            format!("make it: mkdir -p {shown}"),
        ));
    }
    let mut root = Cli::command();
    root.build();
    let commands: Vec<&Command> = root.get_subcommands().collect();
    let mut written = Vec::new();
    for command in std::iter::once(&root).chain(commands) {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let mut page = Vec::new();
        let page_of = command.clone().version(env!("CARGO_PKG_VERSION"));
        let failed = |error: String| {
            Failure::new(
                Exit::Failed,
                format!("cannot write {name}.1 to {shown}: {error}"),
                "choose another folder",
            )
        };
        Man::new(page_of).render(&mut page).map_err(|error| failed(error.to_string()))?;
        let path = folder.join(format!("{name}.1"));
        files::write_public(&path, &page).map_err(|error| failed(error.to_string()))?;
        written.push(format!("{name}.1"));
    }
    match ui.json {
        true => ui.result_json(&json!({ "folder": folder, "written": written }))?,
        false => ui.result(&format!("{} pages written to {shown}", written.len()))?,
    }
    Ok(Exit::Done)
}
