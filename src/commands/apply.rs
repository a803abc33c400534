use std::collections::BTreeSet;
use std::time::Duration;

use super::kind_list;
use super::live;
use super::lock::{fenced, locked};
use super::missing_images::{Missing, find, tag_in_use};
use super::options::{self, Use};
use super::plan::{Planned, beside, counted, make, make_without_variables, needed, refused, show};
use super::preflight;
use super::review::{check_unchanged, new_values, other_hash, unusable_spec};
use super::session::{Session, apply_command};
use super::{Failure, SavedPlan, UNCHANGED, rendering};
use crate::applied::Applied;
use crate::apply::{Report, Run, Settings, Stop, apply as carry_out};
use crate::checks;
use crate::cli::{ApplyArgs, Choices, DestroyArgs, Exit, RunArgs};
use crate::clock::SystemClock;
use crate::graph::Graph;
use crate::kinds;
use crate::kinds::environment_outputs::EnvironmentOutput;
use crate::kinds::preflight::Question;
use crate::lock::Lock;
use crate::plan::{ExecutionPlan, Plan};
use crate::render::{self, Beside};
use crate::spec::Environment;
use crate::ui::{Detail, Progress, Ui, outputs_summary, push_text};
use crate::value::{Address, prefix_lines};

/// GitHub's runners send SIGTERM 7.5 s after SIGINT, and SIGKILL soon after.
const DRAIN: Duration = Duration::from_secs(7);

/// Applies a spec, or a saved plan.
pub async fn apply(ui: Ui, args: &ApplyArgs) -> Result<Exit, Failure> {
    options::of_cloud(&args.cloud, Use::Writes)?;
    let saved = SavedPlan::read(&args.spec)?;
    if saved.is_some() {
        options::of_saved(args)?;
    }
    let detail = rendering::detail(args.full);
    let (spec, mut choices) = match &saved {
        None => (args.spec.clone(), args.choices.clone()),
        Some(saved) => (saved.spec.clone(), saved.choices()),
    };
    if saved.is_some() {
        choices.losses.allow_destroy.extend(args.choices.losses.allow_destroy.iter().cloned());
        choices.losses.allow_deletes = args.choices.losses.allow_deletes.or(choices.losses.allow_deletes);
    }
    let mut session = match (Session::open(ui, &spec, &args.cloud, Some(&choices)).await, &saved) {
        (Err(Failure::Spec(_)), Some(_)) => return Err(unusable_spec(&spec)),
        (session, _) => session?,
    };
    // The lock is a write, too.
    session.guard().await?;
    let destroy = saved.as_ref().is_some_and(|saved| saved.plan.destroy);
    let nothing = Graph::empty();
    locked(ui, &mut session, &spec, "apply", args.run.lock, async |session, lock, stop| {
        let graph = if destroy { &nothing } else { &session.graph };
        let planned = unless_stopped(stop, make(session, graph, destroy, false)).await?;
        options::failable(&args.cloud, &session.graph, &planned.execution)?;
        if let Some(refusal) = refused(&planned.execution.plan, None) {
            let beside = beside(session, graph, &planned.execution);
            return refuse(ui, session, &planned.execution, &beside, detail, refusal);
        }
        if let Some(saved) = &saved {
            check_unchanged(&saved.plan, &planned.execution.plan, choices.losses != saved.choices().losses)?;
        }
        let now = &planned.execution.plan;
        if let Some(reviewed) = args.plan_hash.as_ref().filter(|reviewed| !reviewed.is_of(&now.hash())) {
            let blind = make_without_variables(session, graph, destroy);
            let blind = unless_stopped(stop, blind).await?.execution.plan;
            let variables = if reviewed.is_of(&blind.hash()) { new_values(graph, now, &blind) } else { Vec::new() };
            return Err(other_hash(now, &variables));
        }
        let reviewed = saved.is_some() || args.plan_hash.is_some();
        let next = apply_command(&spec, &args.cloud);
        let missing = match destroy {
            true => Missing::default(),
            false => {
                let looked = find(ui, session, graph, &planned.execution, args.missing_images, &args.cloud, &next);
                unless_stopped(stop, looked).await?
            }
        };
        let asked = async {
            let is_asked = !destroy && !args.no_preflight;
            // Images were just looked for.
            let asks = |question: &Question| question.stops;
            Ok(if is_asked { session.preflight(graph, &planned.execution, asks).await } else { None })
        };
        let preflight = unless_stopped(stop, asked).await?;
        // What was reviewed is shown, though some of it is left.
        let shown = (planned.execution.plan.clone(), beside(session, graph, &planned.execution));
        let planned = match missing.is_empty() {
            true => planned,
            false => missing.without(planned, &session.choices.losses.allowances())?,
        };
        let preflight = preflight.as_ref();
        let refuses = preflight::refuses(args.cloud.wait);
        if !refuses && preflight::check(preflight).is_err() {
            ui.note(
                "going on in spite of the preflight: this is not an endpoint of AWS (refuse with --wait always)",
            );
        }
        let shown = (shown.0, shown.1.with(preflight, &session.spec.tree.sources));
        let preflight = preflight.filter(|_| refuses);
        let work = Work {
            graph,
            planned: &planned,
            shown: &shown,
            detail,
            missing: &missing,
            preflight,
            next: Some(&next),
        };
        run(ui, session, work, &args.run, reviewed, Control { lock, stop }).await
    })
    .await
}

/// Destroys the environment: a plan against nothing desired.
pub async fn destroy(ui: Ui, args: &DestroyArgs) -> Result<Exit, Failure> {
    options::of_cloud(&args.cloud, Use::Destroys)?;
    let choices = Choices { losses: args.losses.clone(), ..Choices::default() };
    let mut session = Session::open(ui, &args.spec, &args.cloud, Some(&choices)).await?;
    session.guard().await?;
    let nothing = Graph::empty();
    locked(ui, &mut session, &args.spec, "destroy", args.run.lock, async |session, lock, stop| {
        let planned = unless_stopped(stop, make(session, &nothing, true, args.shared)).await?;
        options::failable(&args.cloud, &session.graph, &planned.execution)?;
        if let Some(refusal) = refused(&planned.execution.plan, None) {
            return refuse(ui, session, &planned.execution, &Beside::default(), Detail::Short, refusal);
        }
        let shown = &(planned.execution.plan.clone(), Beside::default());
        let missing = &Missing::default();
        let detail = Detail::Short;
        let work =
            Work { graph: &nothing, planned: &planned, shown, detail, missing, preflight: None, next: Some("") };
        run(ui, session, work, &args.run, false, Control { lock, stop }).await
    })
    .await
}

/// What a run carries out.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub graph: &'a Graph,
    pub planned: &'a Planned,
    /// The plan with what is left of it for want of images, and what stands beside it.
    pub shown: &'a (Plan, Beside),
    /// How much is said of what is created.
    pub detail: Detail,
    pub missing: &'a Missing,
    /// What AWS answered about the plan, where that was asked.
    pub preflight: Option<&'a checks::Preflight>,
    /// The command that goes on where something is left; `None` where nothing else was asked for.
    pub next: Option<&'a str>,
}

/// What a run works under: the environment's lock, and the request to stop by a signal.
#[derive(Clone, Copy)]
pub(super) struct Control<'a> {
    pub lock: &'a Lock,
    pub stop: &'a Stop,
}

/// Shows what something stands in the way of, before anything is written or anybody is asked.
fn refuse(
    ui: Ui,
    session: &Session,
    execution: &ExecutionPlan,
    beside: &Beside,
    detail: Detail,
    refusal: Failure,
) -> Result<Exit, Failure> {
    match ui.json {
        true => ui.result_json(&outcome(execution, &Report::default(), &Missing::default(), &[]))?,
        false => show(ui, session, &execution.plan, beside, detail)?,
    }
    Err(refusal)
}

/// A signal before anything was written ends the command immediately.
pub(super) async fn unless_stopped<T>(
    stop: &Stop,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = stop.wait() => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was changed", "")),
        result = work => result,
    }
}

pub(super) async fn run(
    ui: Ui,
    session: &Session,
    Work { graph, planned: Planned { execution, order }, shown, detail, missing, preflight, next }: Work<'_>,
    args: &RunArgs,
    reviewed: bool,
    Control { lock, stop }: Control<'_>,
) -> Result<Exit, Failure> {
    if !ui.json {
        show(ui, session, &shown.0, &shown.1, detail)?;
    }
    let context = execution.context(session.context(graph));
    let graph = context.graph;
    if !missing.is_empty() {
        ui.note(&without_images(missing, execution));
    }
    if execution.plan.is_empty() {
        let done = execution.done(context, &execution.applied, &BTreeSet::new());
        save_applied(ui, session, lock, &execution.applied, &done).await;
        kind_list::keep(ui, session, lock, &execution.list_change()).await;
        save_versions(ui, session, context.env, lock).await;
        if ui.json {
            let outputs = outputs(session, graph, execution, &Report::default());
            ui.result_json(&outcome(execution, &Report::default(), missing, &outputs))?;
        }
        return Ok(stopped(ui, execution, missing, next));
    }
    check_approvals(&execution.plan)?;
    check_variables(execution)?;
    preflight::check(preflight)?;
    if !args.yes && !reviewed {
        unless_stopped(stop, confirm(ui, session)).await?;
    }
    unless_stopped(stop, kind_list::extend(ui, session, lock, &execution.list_change())).await?;
    let begun = execution.begun(context);
    let noted = async {
        save_applied(ui, session, lock, &execution.applied, &begun).await;
        Ok(())
    };
    unless_stopped(stop, noted).await?;
    let progress = Progress::new(ui, order.len());
    let settings = Settings { parallelism: usize::from(args.parallelism), drain: DRAIN };
    let emit = |event: crate::apply::Event<'_>| progress.show_event(&event);
    let (cloud, clock) = (session.cloud.as_ref(), SystemClock::shared());
    let clock = clock.as_ref();
    let report =
        carry_out(Run { cloud, lock, clock, context, execution, order, settings, stop, emit: &emit }).await;
    progress.finish(&report, execution.plan.destroy);
    // Whoever has the lock by now keeps the record.
    if report.lock_lost.is_none() {
        save_applied(ui, session, lock, &begun, &execution.done(context, &begun, &open(&report))).await;
        // Who was told to stop does not begin to read.
        if !report.is_interrupted() {
            save_versions(ui, session, context.env, lock).await;
        }
        if report.is_success() {
            tag_in_use(ui, session, graph, execution, lock).await;
        }
    }
    if report.is_success() && !execution.plan.destroy {
        let known = |address: &_, output: &str| execution.known_outputs.output(address, output);
        kinds::dns_instructions(&session.spec.env, known).iter().for_each(|line| ui.note(line));
    }
    let outputs = outputs(session, graph, execution, &report);
    if ui.json {
        ui.result_json(&outcome(execution, &report, missing, &outputs))?;
    } else if let Some(next) = next {
        let all = format!("`{}`", next.replacen("apply", "outputs", 1));
        let summary = outputs_summary(&outputs, &all, ui.out);
        if !summary.is_empty() {
            ui.result(&summary)?;
        }
    }
    Ok(match (report.is_interrupted(), report.is_success()) {
        (true, _) => Exit::Interrupted,
        (false, true) => stopped(ui, execution, missing, next),
        (false, false) => Exit::Failed,
    })
}

/// The environment's outputs after a run that came to its end.
fn outputs(session: &Session, graph: &Graph, execution: &ExecutionPlan, report: &Report) -> Vec<EnvironmentOutput> {
    let is_whole = report.is_success() && !report.is_interrupted() && !execution.plan.destroy;
    if is_whole { live::outputs_after(session, graph, execution) } else { Vec::new() }
}

/// What is left for want of images, before anything is done.
fn without_images(missing: &Missing, execution: &ExecutionPlan) -> String {
    let left: Vec<String> = execution.open().map(ToString::to_string).collect();
    let images = missing.lines().join("\n");
    format!("Images are missing:\n{images}\nLeft until they are pushed: {}", left.join(", "))
}

/// What is left for later, if anything is, and how to go on.
fn stopped(ui: Ui, execution: &ExecutionPlan, missing: &Missing, next: Option<&str>) -> Exit {
    let Some(next) = next.filter(|_| !execution.left.is_empty()) else { return Exit::Done };
    let left = match execution.left.changes.as_slice() {
        [] => "What must wait for later stages is not done yet.".to_owned(),
        changes => format!("{} left for later.", counted(changes)),
    };
    let text = match missing.is_empty() {
        true => {
            let images = next.replacen("apply", "images", 1);
            format!("Stopped: {left} Next: `{next}`; `{images}` lists the images that services need.")
        }
        false => {
            let push = push_text(missing.commands());
            format!("Stopped before the changes that need missing images: {left}{push}Then: `{next}`")
        }
    };
    ui.note(&text);
    Exit::Stopped
}

/// What may not match the spec yet.
fn open(report: &Report) -> BTreeSet<&Address> {
    let failed = report.failed.iter().map(|(address, _)| address);
    let skipped = report.skipped.iter().map(|(address, _)| address);
    failed.chain(skipped).chain(&report.unfinished).chain(&report.not_begun).collect()
}

/// Saves the record of what was applied, if it has changed.
async fn save_applied(ui: Ui, session: &Session, lock: &Lock, before: &Applied, now: &Applied) {
    if now == before {
        return;
    }
    if let Err(error) = fenced(lock, session.cloud.save_applied(&session.spec.env, now)).await {
        let error = prefix_lines(&error.to_string(), "  ");
        ui.note(&format!(
            "The record of what was applied could not be saved: {error}. Later plans may show drift as requested, \
             or requested changes as drift; nothing else depends on it."
        ));
    }
}

/// Saves the versions of parameters, which make the next plan cheaper.
async fn save_versions(ui: Ui, session: &Session, env: &Environment, lock: &Lock) {
    if let Err(error) = fenced(lock, session.cloud.save_cache(env)).await {
        let error = prefix_lines(&error.to_string(), "  ");
        ui.note(&format!(
            "The record of parameter versions could not be saved: {error}. The next plan reads all values; nothing \
             else depends on it."
        ));
    }
}

async fn confirm(ui: Ui, session: &Session) -> Result<(), Failure> {
    match ui.ask(&format!("Apply this to {}?", session.cloud.place())).await {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(Exit::Refused, "not confirmed; nothing was changed", "")),
        None => {
            let message = "cannot ask for confirmation without a terminal; nothing was changed";
            Err(Failure::new(Exit::Refused, message, "add --yes, or apply a saved plan"))
        }
    }
}

/// What would lose data or delete many objects must have been approved.
fn check_approvals(plan: &Plan) -> Result<(), Failure> {
    if plan.missing.is_empty() {
        return Ok(());
    }
    let mut messages = render::losses(plan);
    if messages.is_empty() {
        messages.push("this would delete more than a quarter of the objects".to_owned());
    }
    let help = format!("{UNCHANGED}; if that is intended, add {}", plan.missing.join(" "));
    Err(Failure::Many { exit: Exit::Refused, messages, help })
}

/// Variables that new parameters are read from must be set before anything is written.
fn check_variables(execution: &ExecutionPlan) -> Result<(), Failure> {
    let needed = needed(execution).into_iter();
    let messages: Vec<String> = needed
        .map(|(address, name)| format!("{address} is read from the environment variable {name}, which is not set"))
        .collect();
    if messages.is_empty() {
        return Ok(());
    }
    let what = if messages.len() == 1 { "it" } else { "them" };
    let help = format!("set {what} and apply again; nothing was changed");
    Err(Failure::Many { exit: Exit::Refused, messages, help })
}

fn outcome(
    execution: &ExecutionPlan,
    report: &Report,
    missing: &Missing,
    outputs: &[EnvironmentOutput],
) -> serde_json::Value {
    serde_json::json!({
        "plan": execution.plan,
        "done": report.done.iter().map(|(address, verb)| serde_json::json!({
            "address": address, "action": verb.past(),
        })).collect::<Vec<_>>(),
        "failed": report.failed.iter().map(|(address, why)| serde_json::json!({
            "address": address, "error": why,
        })).collect::<Vec<_>>(),
        "skipped": report.skipped.iter().map(|(address, because)| serde_json::json!({
            "address": address, "because": because,
        })).collect::<Vec<_>>(),
        "unfinished": report.unfinished,
        "not_begun": report.not_begun,
        "left": execution.open().collect::<Vec<_>>(),
        "missing_images": missing.json(),
        "outputs": live::outputs_json(outputs),
        "lock_lost": report.lock_lost,
        "seconds": report.took.as_secs_f64(),
    })
}
