use std::path::Path;

use super::Failure;
use crate::cli::Exit;
use crate::spec;
use crate::ui::{Ui, spec_text};

/// Prints the merged spec.
pub fn show(ui: Ui, path: &Path) -> Result<Exit, Failure> {
    let spec = spec::load(path)?;
    if ui.json {
        ui.result_json(&spec.tree.root.json());
    } else {
        ui.result(spec_text(&spec.tree, ui.out).trim_start());
    }
    Ok(Exit::Done)
}
