use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::Paint;
use crate::render::duration;
use crate::value::{one_line, shell_word};

/// What was written for a new project.
#[derive(Debug)]
pub struct Initialised<'a> {
    pub written: &'a [PathBuf],
    /// The `.gitignore` that was there already, and the lines that it should have.
    pub ignored: Option<(PathBuf, &'static str)>,
    /// Each spec with its objects, and the seconds that a first apply takes on AWS.
    pub specs: &'a [(PathBuf, usize, u64)],
    pub has_services: bool,
    pub has_plain_http: bool,
}

/// What was written, and what to do next.
pub fn init_text(done: &Initialised<'_>, paint: Paint) -> String {
    let mut out = String::new();
    for path in done.written {
        let _ = writeln!(out, "Wrote {}", shown_path(path));
    }
    if let Some((path, lines)) = &done.ignored {
        let lines: Vec<&str> = lines.lines().filter(|line| !line.starts_with('#')).collect();
        let _ = writeln!(out, "{} is as it was; it should have {}", shown_path(path), lines.join(" "));
    }
    let _ = writeln!(out, "\n{}", paint.bold("Checked, and planned in memory for an empty account"));
    for (path, objects, seconds) in done.specs {
        let _ = writeln!(
            out,
            "  {}: {objects} objects; a first apply takes about {}",
            shown_path(path),
            duration(*seconds)
        );
    }
    if done.has_plain_http {
        out += "\nThere is no domain: the load balancer serves plain HTTP, at the name that AWS gives it.\n";
    }
    let Some((first, ..)) = done.specs.first() else { return out };
    let _ = writeln!(out, "\n{}", paint.bold("Next"));
    let first_shown = shown_path(first);
    let spec = shell_word(&first_shown);
    let file = shown_path(&first.with_file_name("dev-cloud.json"));
    let file = format!("--cloud {}", shell_word(&format!("file:{file}")));
    let mut steps = vec![
        (format!("baseplate plan {spec} {file}"), "see what it makes, without an account"),
        (format!("baseplate plan {spec}"), "the same with the account, which is only read"),
    ];
    if done.has_services {
        steps.push((format!("baseplate apply {spec} --stages 1-3"), "network, databases, image registries"));
        steps.push((format!("baseplate images {spec}"), "the commands that push your images"));
        steps.push((format!("baseplate apply {spec}"), "the rest"));
    } else {
        steps.push((format!("baseplate apply {spec}"), "make it"));
    }
    steps.push((format!("baseplate outputs {spec}"), "what to open and call"));
    let width = steps.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    for (command, what) in steps {
        let _ = writeln!(out, "  {command:<width$}  {}", paint.dim(what));
    }
    out
}

fn shown_path(path: &Path) -> String {
    one_line(&path.display().to_string())
}
