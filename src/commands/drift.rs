//! What was changed outside of Baseplate since the last apply.

use std::path::Path;

use serde_json::{Value, json};

use super::Failure;
use super::last_changes::{self, Known};
use super::rendering;
use super::reports::{self, Report};
use super::session::{Session, today, with_cloud};
use crate::cli::{CloudArgs, Exit, ReportArgs};
use crate::plan::{self, ExecutionPlan, Options, Plan, Sources};
use crate::render::refusals;
use crate::ui::{Drift, Paint, Ui, drift_markdown, drift_text};

/// Reads every kind of every environment and shows what differs from what its spec asked for when it was last applied.
/// Ends with [`Exit::ChangesPending`] where anything does.
pub async fn drift(ui: Ui, args: &ReportArgs) -> Result<Exit, Failure> {
    reports::print::<Drift>(ui, args).await
}

impl Report for Drift {
    const NAME: &'static str = "drift";

    async fn of(ui: Ui, spec: &Path, cloud: &CloudArgs) -> Result<Self, Failure> {
        let session = Session::open(ui, spec, cloud, None).await?;
        let options = Options {
            looks_only: true,
            spec_digest: session.spec.digest.clone(),
            today: today(),
            ..Options::default()
        };
        let reads = plan::make(session.cloud.as_ref(), session.context(&session.graph), &options);
        let mut execution = session.guarded(async { reads.await.map_err(Failure::from) }).await?;
        execution.locate(&Sources::of(&session.graph, &session.spec.tree));
        let known = Known::of(&execution);
        let ExecutionPlan { plan, applied, .. } = execution;
        // Without a record nobody can tell what was changed by hand: then it is all that differs.
        let is_recorded = !applied.is_empty();
        let (all, plan) = (plan.changes.len(), if is_recorded { plan.drift() } else { plan });
        let history = session.cloud.last_changes(&last_changes::subjects(&plan, &known)).await;
        Ok(Self {
            history,
            place: session.cloud.place(),
            conflicts: refusals(&plan),
            links: rendering::links(),
            is_recorded,
            others: all - plan.changes.len(),
            command: with_cloud(spec, cloud),
            plan,
        })
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }

    fn json(&self) -> Value {
        let Plan { project, environment, account, region, changes, notes, scheduled, unmanaged, unchanged, .. } =
            &self.plan;
        let who = |one: Value, object: Option<String>| last_changes::with_who(one, object, &self.history);
        let changes = changes.iter().map(|change| who(json!(change), Some(change.address.to_string())));
        let unmanaged = unmanaged.iter().map(|one| who(json!(one), one.object()));
        json!({
            "project": project,
            "environment": environment,
            "account": account,
            "region": region,
            "changes": changes.collect::<Vec<_>>(),
            "unmanaged": unmanaged.collect::<Vec<_>>(),
            "conflicts": self.conflicts,
            "scheduled": scheduled,
            "notes": notes.iter().chain(&self.history.notes).collect::<Vec<_>>(),
            "unchanged": unchanged,
            "recorded": self.is_recorded,
            "others": self.others,
        })
    }

    fn text(&self, paint: Paint) -> String {
        drift_text(self, paint)
    }

    fn markdown(&self) -> String {
        drift_markdown(self)
    }
}
