use serde_json::json;

use super::plan::{Planned, beside, make, refused};
use super::{Failure, memory, rendering};
use crate::apply::Report;
use crate::cli::{Exit, RehearseArgs};
use crate::kinds::Impact;
use crate::rehearse::carry_out;
use crate::ui::{Progress, Rehearsed, Ui, plan_text, rehearsal_text};

/// Applies a spec in memory, each step observed, and plans again: nothing may be left.
pub async fn rehearse(ui: Ui, args: &RehearseArgs) -> Result<Exit, Failure> {
    let session = match &args.capture {
        Some(capture) => memory::on_copy(capture, &args.spec, &args.choices).await?,
        None => memory::after(args.from.as_deref(), &args.spec, &args.choices).await?,
    };
    let context = session.context(&session.graph);
    let Planned { execution: first, order } = make(&session, &session.graph, false, false).await?;
    if !ui.json {
        ui.result(&plan_text(
            &first.plan,
            &beside(&session, &session.graph, &first),
            &session.cloud.place(),
            rendering::detail(args.full),
            ui.out,
        ))?;
    }
    if let Some(refusal) = refused(&first.plan, None) {
        return Err(refusal);
    }
    let progress = Progress::new(ui, order.len());
    let emit = |event: crate::apply::Event<'_>| progress.show_event(&event);
    let (report, interruptions) = carry_out(session.cloud.as_ref(), context, &first, &order, &emit).await?;
    progress.clear();
    let left = match report.is_success() {
        true => make(&session, &session.graph, false, false).await?.execution.plan.changes,
        false => Vec::new(),
    };
    let outages = first.plan.changes.iter().filter(|change| change.impact == Impact::Outage).count();
    let rehearsed = Rehearsed {
        seconds: first.plan.seconds,
        report: &report,
        interruptions: &interruptions,
        outages,
        required: &first.plan.missing,
        left: &left,
    };
    if ui.json {
        ui.result_json(&outcome(&first.plan, &rehearsed))?;
    } else {
        ui.result(&rehearsal_text(&rehearsed, ui.out))?;
    }
    Ok(if report.is_success() && left.is_empty() { Exit::Done } else { Exit::Failed })
}

fn outcome(plan: &crate::plan::Plan, rehearsed: &Rehearsed<'_>) -> serde_json::Value {
    let Report { done, failed, skipped, .. } = rehearsed.report;
    json!({
        "plan": plan,
        "expected_seconds": rehearsed.seconds,
        "done": done.iter().map(|(address, verb)| json!({ "address": address, "action": verb.past() }))
            .collect::<Vec<_>>(),
        "failed": failed.iter().map(|(address, why)| json!({ "address": address, "error": why }))
            .collect::<Vec<_>>(),
        "skipped": skipped.iter().map(|(address, because)| json!({ "address": address, "because": because }))
            .collect::<Vec<_>>(),
        "outages": rehearsed.outages,
        "required_options": rehearsed.required,
        "interruptions": rehearsed.interruptions.iter().map(|one| json!({
            "address": one.address,
            "from_seconds": one.from.as_secs(),
            "until_seconds": one.until.map(|until| until.as_secs()),
            "why": one.why,
        })).collect::<Vec<_>>(),
        "left": rehearsed.left,
    })
}
