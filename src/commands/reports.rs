//! What is said of one environment after another: by itself in each format, and once for all in JSON.

use std::path::Path;

use serde_json::{Map, Value};

use super::Failure;
use super::options::{self, Use};
use crate::cli::{CloudArgs, CompareFormat, Exit, ReportArgs, Wait};
use crate::ui::{Paint, Ui};

/// What a command says of one environment.
pub trait Report: Sized {
    /// The member of the JSON that has all of them.
    const NAME: &'static str;

    /// Reads the environment of this spec.
    async fn of(ui: Ui, spec: &Path, cloud: &CloudArgs) -> Result<Self, Failure>;

    /// Whether there is nothing in it that somebody must look at.
    fn is_empty(&self) -> bool;

    fn json(&self) -> Value;

    fn text(&self, paint: Paint) -> String;

    fn markdown(&self) -> String;
}

/// Prints the reports of all specs. Ends with [`Exit::ChangesPending`] where there is something to look at in any.
///
/// # Errors
/// Options that contradict one another, and what the first environment that cannot be read says.
pub async fn print<R: Report>(ui: Ui, args: &ReportArgs) -> Result<Exit, Failure> {
    if ui.json && args.format.is_some() {
        return Err(Failure::new(Exit::Usage, "--json and --format conflict", "give one of the two"));
    }
    options::of_cloud(&args.cloud, Use::Reads)?;
    // Nothing is rolled out, so nothing is said of waiting for it.
    let cloud = CloudArgs { wait: Wait::Never, ..args.cloud.clone() };
    let mut found = Vec::new();
    for spec in &args.specs {
        found.push(R::of(ui, spec, &cloud).await?);
    }
    if ui.json {
        let all: Value = found.iter().map(R::json).collect();
        ui.result_json(&Value::Object(Map::from_iter([(R::NAME.to_owned(), all)])))?;
    } else {
        let texts = found.iter().map(|report| match args.format {
            Some(CompareFormat::Markdown) => report.markdown(),
            None | Some(CompareFormat::Text) => report.text(ui.out),
        });
        ui.result(&texts.collect::<Vec<_>>().join("\n"))?;
    }
    Ok(if found.iter().all(R::is_empty) { Exit::Done } else { Exit::ChangesPending })
}
