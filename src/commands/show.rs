use std::path::Path;

use super::{Failure, SavedPlan, rendering};
use crate::cli::{Exit, Format, Rendering};
use crate::kinds;
use crate::render::Beside;
use crate::spec;
use crate::ui::{Ui, spec_text};

/// Prints the merged spec, or a saved plan. No cloud is read.
pub fn show(ui: Ui, path: &Path, asked: Rendering, json: bool) -> Result<Exit, Failure> {
    let format = rendering::format(asked, json)?;
    if let Some(saved) = SavedPlan::read(path)? {
        if format == Format::TfplanJson {
            let message = "a saved plan has only what changes; Terraform's JSON also needs what is unchanged";
            let help = format!("`baseplate plan {} --format tfplan-json` reads the rest", saved.spec.display());
            return Err(Failure::new(Exit::Usage, message, help));
        }
        let plan = &saved.plan;
        let place = format!("account {}, {} (as saved)", plan.account, plan.region);
        let beside = Beside { traffic: saved.traffic.clone(), ..Beside::default() };
        rendering::print(ui, plan, &beside, format, asked, &place)?;
        return Ok(Exit::Done);
    }
    let spec = spec::load(path, &kinds::catalog())?;
    match format {
        Format::Text => ui.result(spec_text(&spec.tree, ui.out).trim_start())?,
        Format::Json => ui.result_json(&spec.tree.root.json())?,
        _ => {
            let message = "a spec is printed as text or as JSON";
            let help = "the other formats are for plans: give `baseplate plan` the spec, or this a saved plan";
            return Err(Failure::new(Exit::Usage, message, help));
        }
    }
    Ok(Exit::Done)
}
