//! What AWS answers before a plan is applied: by itself, and where it refuses an apply.

use std::path::Path;

use serde_json::{Value, json};

use super::Failure;
use super::options::{self, Use};
use super::plan::{Planned, make};
use super::session::{Session, with_cloud};
use crate::checks;
use crate::cli::{Choices, CloudArgs, CompareFormat, Exit, PreflightArgs, Wait};
use crate::kinds::preflight::Verdict;
use crate::render::Preflight;
use crate::ui::{Preflighted, Ui, preflight_markdown, preflight_text};

/// Plans every environment and asks what must hold for its changes. Ends with [`Exit::ChangesPending`] where anything is
/// bad.
pub async fn preflight(ui: Ui, args: &PreflightArgs) -> Result<Exit, Failure> {
    if ui.json && args.format.is_some() {
        return Err(Failure::new(Exit::Usage, "--json and --format conflict", "give one of the two"));
    }
    options::of_cloud(&args.cloud, Use::Reads)?;
    // Nothing is rolled out, so nothing is said of waiting for it.
    let cloud = CloudArgs { wait: Wait::Never, ..args.cloud.clone() };
    let mut found = Vec::new();
    for spec in &args.specs {
        found.push(of(ui, spec, &cloud).await?);
    }
    if ui.json {
        ui.result_json(&json!({ "preflight": found.iter().map(as_json).collect::<Vec<_>>() }))?;
    } else {
        let texts = found.iter().map(|found| match args.format {
            Some(CompareFormat::Markdown) => preflight_markdown(found),
            None | Some(CompareFormat::Text) => preflight_text(found, ui.out),
        });
        ui.result(&texts.collect::<Vec<_>>().join("\n"))?;
    }
    let is_bad = |found: &Preflighted| found.preflight.as_ref().is_some_and(|preflight| preflight.bad > 0);
    Ok(if found.iter().any(is_bad) { Exit::ChangesPending } else { Exit::Done })
}

async fn of(ui: Ui, spec: &Path, cloud: &CloudArgs) -> Result<Preflighted, Failure> {
    let session = Session::open(ui, spec, cloud, None).await?;
    let choices = Choices::default();
    let reads = make(&session, &session.graph, &choices, false, false);
    let Planned { execution, .. } = session.guarded(reads).await?;
    let preflight = session.preflight(&session.graph, &execution, |_| true).await;
    let sources = &session.spec.tree.sources;
    Ok(Preflighted {
        place: session.cloud.place(),
        preflight: preflight.as_ref().map(|preflight| Preflight::of(preflight, sources)),
        command: with_cloud(spec, cloud),
        plan: execution.plan,
    })
}

fn as_json(found: &Preflighted) -> Value {
    let plan = &found.plan;
    json!({
        "project": plan.project,
        "environment": plan.environment,
        "account": plan.account,
        "region": plan.region,
        "changes": plan.changes.len(),
        "preflight": found.preflight,
    })
}

/// Whether an apply is refused for what is bad. What an emulator answers about quotas and offers says nothing of AWS: at
/// an endpoint that is not AWS's own it refuses only who takes it for AWS (`--wait always`).
pub fn refuses(wait: Wait) -> bool {
    #[cfg(feature = "aws")]
    let is_aws = super::account::foreign_endpoint().is_none();
    #[cfg(not(feature = "aws"))]
    let is_aws = true;
    is_aws || wait == Wait::Always
}

/// An apply stops before its first write where AWS would refuse something halfway.
///
/// # Errors
/// All that is bad and not accepted.
pub fn check(preflight: Option<&checks::Preflight>) -> Result<(), Failure> {
    let bad = preflight.into_iter().flat_map(|preflight| &preflight.findings).filter(|finding| finding.stops());
    let messages: Vec<String> = bad
        .filter_map(|finding| match &finding.answer.verdict {
            Verdict::Bad { evidence, .. } => {
                Some(format!("{} {}: {evidence}", finding.answer.question.code, finding.answer.address))
            }
            Verdict::Ok { .. } | Verdict::Unknown { .. } => None,
        })
        .collect();
    if messages.is_empty() {
        return Ok(());
    }
    let help = "the plan says what to do; [[accept]] in the spec accepts a finding by its code, and --no-preflight asks \
                nothing; nothing was changed";
    Err(Failure::Many { exit: Exit::Refused, messages, help: help.to_owned() })
}
