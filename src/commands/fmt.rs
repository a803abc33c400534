use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Failure;
use crate::cli::Exit;
use crate::files;
use crate::kinds;
use crate::spec::{self, Layout};
use crate::ui::Ui;
use crate::value::one_line;

/// Lays specs out anew. Where one of them is not TOML, none is written; with `check`, none is in any case.
pub fn fmt(ui: Ui, specs: &[PathBuf], check: bool) -> Result<Exit, Failure> {
    if specs.iter().any(|path| is_stdin(path)) {
        return from_stdin(ui, specs, check);
    }
    let mut changed = Vec::new();
    let mut problems = spec::Problems::default();
    for path in specs {
        match spec::layout(path, &kinds::catalog()) {
            Ok(Layout { text, is_changed: true }) => changed.push((path, text)),
            Ok(_) => {}
            Err(found) => problems.append(found),
        }
    }
    if problems.count() > 0 {
        return Err(problems.into());
    }
    for (path, text) in changed.iter().filter(|_| !check) {
        files::rewrite(path, text.as_bytes()).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new(Exit::Failed, message, "the specs before it are written, this one is as it was")
        })?;
    }
    let paths: Vec<String> = changed.iter().map(|(path, _)| path.display().to_string()).collect();
    if ui.json {
        ui.result_json(&json!({ "changed": paths }))?;
    } else if !paths.is_empty() {
        ui.result(&paths.iter().map(|path| one_line(path) + "\n").collect::<String>())?;
    }
    Ok(if check && !changed.is_empty() { Exit::ChangesPending } else { Exit::Done })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// From standard input to standard output.
fn from_stdin(ui: Ui, specs: &[PathBuf], check: bool) -> Result<Exit, Failure> {
    if specs.len() > 1 {
        return Err(Failure::new(Exit::Usage, "`-` stands for standard input, and for itself", "give only `-`"));
    }
    if ui.json {
        return Err(Failure::new(Exit::Usage, "the layout of `-` is TOML: --json has no effect", "omit --json"));
    }
    let mut bytes = Vec::new();
    let limit = spec::MAX_BYTES as u64 + 1;
    let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(Exit::Failed, format!("cannot read standard input: {error}"), ""))?;
    let Layout { text, is_changed } = spec::layout_of("standard input", bytes, &kinds::catalog())?;
    if !check {
        if ui.out.sanitize(&text) != text {
            let message = "standard input has characters that are not printed as they are";
            return Err(Failure::new(Exit::InvalidInput, message, "give the path of the file instead of `-`"));
        }
        ui.result(&text)?;
    }
    Ok(if check && is_changed { Exit::ChangesPending } else { Exit::Done })
}
