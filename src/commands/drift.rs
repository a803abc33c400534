//! What was changed outside of Baseplate since the last apply.

use std::path::Path;

use serde_json::{Value, json};

use super::Failure;
use super::last_changes::{self, Known};
use super::options::{self, Use};
use super::session::{Session, today, with_cloud};
use crate::cli::{CloudArgs, CompareFormat, DriftArgs, Exit, Wait};
use crate::plan::{self, Conflict, ExecutionPlan, Options, Plan};
use crate::ui::{Drift, Ui, drift_markdown, drift_text};

/// Reads every kind of every environment and shows what differs from what its spec asked for when it was last applied.
/// Ends with [`Exit::ChangesPending`] where anything does.
pub async fn drift(ui: Ui, args: &DriftArgs) -> Result<Exit, Failure> {
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
        ui.result_json(&json!({ "drift": found.iter().map(as_json).collect::<Vec<_>>() }))?;
    } else {
        let texts = found.iter().map(|drift| match args.format {
            Some(CompareFormat::Markdown) => drift_markdown(drift),
            None | Some(CompareFormat::Text) => drift_text(drift, ui.out),
        });
        ui.result(&texts.collect::<Vec<_>>().join("\n"))?;
    }
    Ok(if found.iter().all(Drift::is_empty) { Exit::Done } else { Exit::ChangesPending })
}

async fn of(ui: Ui, spec: &Path, cloud: &CloudArgs) -> Result<Drift, Failure> {
    let session = Session::open(ui, spec, cloud, None).await?;
    let options = Options {
        looks_only: true,
        spec_digest: session.spec.digest.clone(),
        today: today(),
        ..Options::default()
    };
    let reads = plan::make(session.cloud.as_ref(), session.context(&session.graph), &options);
    let execution = session.guarded(async { reads.await.map_err(Failure::from) }).await?;
    let known = Known::of(&execution);
    let ExecutionPlan { plan, applied, conflicts, .. } = execution;
    // Without a record nobody can tell what was changed by hand: then it is all that differs.
    let is_recorded = !applied.is_empty();
    let (all, plan) = (plan.changes.len(), if is_recorded { plan.drift() } else { plan });
    let history = session.cloud.last_changes(&last_changes::subjects(&plan, &known)).await;
    Ok(Drift {
        history,
        place: session.cloud.place(),
        conflicts: conflicts.iter().map(Conflict::to_string).collect(),
        is_recorded,
        others: all - plan.changes.len(),
        command: with_cloud(spec, cloud),
        plan,
    })
}

fn as_json(drift: &Drift) -> Value {
    let Plan { project, environment, account, region, changes, notes, scheduled, unmanaged, unchanged, .. } =
        &drift.plan;
    let who = |one: Value, object: Option<String>| last_changes::with_who(one, object, &drift.history);
    let changes = changes.iter().map(|change| who(json!(change), Some(change.address.to_string())));
    let unmanaged = unmanaged.iter().map(|one| who(json!(one), one.object()));
    json!({
        "project": project,
        "environment": environment,
        "account": account,
        "region": region,
        "changes": changes.collect::<Vec<_>>(),
        "unmanaged": unmanaged.collect::<Vec<_>>(),
        "conflicts": drift.conflicts,
        "scheduled": scheduled,
        "notes": notes.iter().chain(&drift.history.notes).collect::<Vec<_>>(),
        "unchanged": unchanged,
        "recorded": drift.is_recorded,
        "others": drift.others,
    })
}
