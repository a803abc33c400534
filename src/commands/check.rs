use std::path::PathBuf;

use super::Failure;
use crate::cli::Exit;
use crate::graph::Graph;
use crate::kinds;
use crate::spec::{self, Problem, Problems};
use crate::ui::Ui;
use crate::value::one_line;

/// Checks every spec and says all that is wrong with each.
pub fn check(ui: Ui, specs: &[PathBuf]) -> Result<Exit, Failure> {
    let mut problems = Problems::default();
    for path in specs {
        let result = spec::load(path, &kinds::catalog()).and_then(|spec| match Graph::of(&spec.env) {
            Ok(graph) => Ok(graph.objects.len()),
            Err(cycle) => {
                let list = vec![Problem::new(cycle, "remove one of these references")];
                Err(Problems::new(spec.tree.sources, list))
            }
        });
        match result {
            Ok(objects) if !ui.json => {
                ui.result(&one_line(&format!("{}: valid, {objects} objects", path.display())))?;
            }
            Ok(_) => {}
            Err(found) => problems.append(found),
        }
    }
    if problems.count() == 0 {
        if ui.json {
            ui.result_json(&serde_json::json!([]))?;
        }
        return Ok(Exit::Done);
    }
    Err(Failure::Spec(problems))
}
