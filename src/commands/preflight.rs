//! What AWS answers before a plan is applied: by itself, and where it refuses an apply.

use std::path::Path;

use serde_json::{Value, json};

use super::Failure;
use super::plan::{Planned, make, refused};
use super::reports::{self, Report};
use super::session::{Session, with_cloud};
use crate::checks;
use crate::cli::{CloudArgs, Exit, ReportArgs, Wait};
use crate::kinds::preflight::Verdict;
use crate::render::Preflight;
use crate::ui::{Paint, Preflighted, Ui, preflight_markdown, preflight_text};

/// Plans every environment and asks what must hold for its changes. Ends with [`Exit::ChangesPending`] where anything is
/// bad.
pub async fn preflight(ui: Ui, args: &ReportArgs) -> Result<Exit, Failure> {
    reports::print::<Preflighted>(ui, args).await
}

impl Report for Preflighted {
    const NAME: &'static str = "preflight";

    async fn of(ui: Ui, spec: &Path, cloud: &CloudArgs) -> Result<Self, Failure> {
        let session = Session::open(ui, spec, cloud, None).await?;
        let reads = make(&session, &session.graph, false, false);
        let Planned { execution, .. } = session.guarded(reads).await?;
        if let Some(refusal) = refused(&execution.plan, None) {
            return Err(refusal);
        }
        let preflight = session.preflight(&session.graph, &execution, |_| true).await;
        let sources = &session.spec.tree.sources;
        Ok(Self {
            place: session.cloud.place(),
            preflight: preflight.as_ref().map(|preflight| Preflight::of(preflight, sources)),
            command: with_cloud(spec, cloud),
            plan: execution.plan,
        })
    }

    fn is_empty(&self) -> bool {
        self.preflight.as_ref().is_none_or(|preflight| preflight.bad == 0)
    }

    fn json(&self) -> Value {
        let plan = &self.plan;
        json!({
            "project": plan.project,
            "environment": plan.environment,
            "account": plan.account,
            "region": plan.region,
            "changes": plan.changes.len(),
            "preflight": self.preflight,
        })
    }

    fn text(&self, paint: Paint) -> String {
        preflight_text(self, paint)
    }

    fn markdown(&self) -> String {
        preflight_markdown(self)
    }
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
