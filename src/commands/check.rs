use std::path::PathBuf;

use super::session::today;
use super::{Failure, ONE_OF_THE_CYCLE};
use crate::checks;
use crate::cli::Exit;
use crate::graph::Graph;
use crate::kinds;
use crate::spec::{self, Problem, Problems};
use crate::ui::Ui;
use crate::value::one_line;

/// Checks every spec and says all that is wrong with each, and what it warns of. With `strict`, a warning is as bad.
pub fn check(ui: Ui, specs: &[PathBuf], strict: bool) -> Result<Exit, Failure> {
    let (mut problems, mut warnings) = (Problems::default(), Problems::default());
    for path in specs {
        let spec = match spec::load(path, &kinds::catalog()) {
            Ok(spec) => spec,
            Err(found) => {
                problems.append(found);
                continue;
            }
        };
        match Graph::of(&spec.env) {
            Ok(graph) => {
                let found = checks::warnings(&spec, &graph, &today());
                if !ui.json {
                    let (path, objects) = (path.display(), graph.objects.len());
                    let warned = counted(found.open.len(), "warning");
                    let accepted = counted(found.accepted.len(), "accepted warning");
                    ui.result(&one_line(&format!("{path}: valid, {objects} objects{warned}{accepted}")))?;
                }
                warnings.append(Problems::new(spec.tree.sources, found.open));
            }
            Err(cycle) => {
                let list = vec![Problem::new(cycle.to_string(), ONE_OF_THE_CYCLE)];
                problems.append(Problems::new(spec.tree.sources, list));
            }
        }
    }
    let warned = warnings.count();
    match ui.json {
        // One document.
        true => warnings.append(std::mem::take(&mut problems)),
        false if warned > 0 => ui.note(warnings.render(ui.err.is_on()).trim_end()),
        false => {}
    }
    if ui.json {
        ui.result_json(&warnings.json())?;
        let failed = warnings.count() > warned || strict && warned > 0;
        return Ok(if failed { Exit::InvalidInput } else { Exit::Done });
    }
    if problems.count() > 0 {
        return Err(Failure::Spec(problems));
    }
    if strict && warned > 0 {
        let message = format!("{} in the spec, and --strict", counted(warned, "warning").trim_start_matches(", "));
        let help = "correct them, or accept them in the spec: [[accept]] with `what` and `why`";
        return Err(Failure::new(Exit::InvalidInput, message, help));
    }
    Ok(Exit::Done)
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(", 1 {what}"),
        count => format!(", {count} {what}s"),
    }
}
