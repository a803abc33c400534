use std::collections::BTreeSet;
use std::path::Path;

use super::options::{self, Use};
use super::session::{Session, apply_command, today};
use super::{Failure, SavedPlan, UNCHANGED, memory, rendering};
use crate::apply::{self, Order};
use crate::checks::traffic::TrafficChange;
use crate::cli::{Exit, Format, PlanArgs};
use crate::cloud::Context;
use crate::graph::Graph;
use crate::kinds::StageRange;
use crate::kinds::compute::task_definition::TaskDefinition;
use crate::plan::{self, AddressPattern, Change, ExecutionPlan, LeftOut, Options, Plan, Sources, variables};
use crate::render::{self, Beside, Need};
use crate::ui::{Detail, OutputError, Ui, plan_text};
use crate::value::{Address, Target, from_variable};

/// Shows what an apply would change.
pub async fn plan(ui: Ui, args: &PlanArgs, json: bool) -> Result<Exit, Failure> {
    let format = rendering::format(args.rendering, json)?;
    if let (Some(_), Some(out)) = (&args.from, &args.out) {
        let message = format!("a plan with --from is for no cloud, and cannot be saved in {}", out.display());
        return Err(Failure::new(Exit::Usage, message, "omit --from to plan against live state, and save that"));
    }
    if let Some(out) = args.out.as_ref().filter(|out| out.extension().is_some_and(|end| end == "toml")) {
        let message = format!("{} is named like a spec, and apply would read it as one", out.display());
        return Err(Failure::new(Exit::Usage, message, "give the plan another name, as in prod.plan"));
    }
    let session = match &args.from {
        Some(old) => {
            options::of_no_cloud(&args.cloud, "--from", "plans without a cloud")?;
            memory::after(Some(old), &args.spec, &args.choices).await?
        }
        None => {
            options::of_cloud(&args.cloud, Use::Reads)?;
            Session::open(ui, &args.spec, &args.cloud, Some(&args.choices)).await?
        }
    };
    let nothing = Graph::empty();
    let graph = if args.destroy { &nothing } else { &session.graph };
    let reads = make(&session, graph, args.destroy, false);
    let Planned { execution, .. } = session.guarded(reads).await?;
    let beside = beside(&session, graph, &execution);
    let refusal = refused(&execution.plan, args.out.as_deref());
    if let Some(out) = args.out.as_ref().filter(|_| refusal.is_none()) {
        let saved = SavedPlan::new(&args.spec, &session.choices, execution.plan.clone(), beside.traffic.clone());
        saved.write(out)?;
    }
    if format == Format::TfplanJson {
        if args.choices.stages.is_some() {
            let message = "--format tfplan-json shows the whole environment, and --stages leaves some of it out";
            return Err(Failure::new(Exit::Usage, message, "omit one of the two"));
        }
        let terraform =
            render::tfplan(&session.spec.env, execution.context(session.context(graph)).graph, &execution)?;
        ui.result_json(&terraform)?;
    } else {
        let is_asked = !args.destroy && !args.no_preflight;
        let preflight = match is_asked {
            true => session.preflight(graph, &execution, |_| true).await,
            false => None,
        };
        let beside = beside.with(preflight.as_ref(), &session.spec.tree.sources);
        rendering::print(ui, &execution.plan, &beside, format, args.rendering, &session.cloud.place())?;
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    if let Some(out) = &args.out {
        let command = apply_command(out, &args.cloud);
        ui.note(&format!("Saved. `{command}` applies exactly this plan, or nothing."));
    }
    let pending = args.detailed_exitcode && !execution.plan.is_empty();
    Ok(if pending { Exit::ChangesPending } else { Exit::Done })
}

/// Why a plan cannot be applied, where something stands in its way. `out` is where it was to be saved.
pub fn refused(plan: &Plan, out: Option<&Path>) -> Option<Failure> {
    let help = match out {
        None => UNCHANGED.to_owned(),
        Some(out) => {
            format!("{UNCHANGED}, and {} was not written: a plan that is refused cannot be applied", out.display())
        }
    };
    let messages = render::refusals(plan);
    (!messages.is_empty()).then_some(Failure::Many { exit: Exit::Refused, messages, help })
}

/// A plan, and the order in which it would be carried out. With conflicts it is only to be looked at.
pub struct Planned {
    pub execution: ExecutionPlan,
    pub order: Order,
}

impl Planned {
    /// # Errors
    /// The changes depend on one another in a cycle.
    pub fn of(mut execution: ExecutionPlan) -> Result<Self, Failure> {
        let order = Order::of(&execution)?;
        execution.plan.seconds = order.seconds();
        Ok(Self { execution, order })
    }
}

pub async fn make(session: &Session, graph: &Graph, destroy: bool, shared: bool) -> Result<Planned, Failure> {
    make_in(session, session.context(graph), destroy, shared).await
}

/// What a job without secrets would have planned.
pub async fn make_without_variables(session: &Session, graph: &Graph, destroy: bool) -> Result<Planned, Failure> {
    let secret_store = session.secret_store.without_variables();
    let context = Context { secret_store: &secret_store, ..session.context(graph) };
    make_in(session, context, destroy, false).await
}

async fn make_in(session: &Session, context: Context<'_>, destroy: bool, shared: bool) -> Result<Planned, Failure> {
    let choices = &session.choices;
    let asked = Options {
        adopt: choices.adopt.iter().flat_map(AddressPattern::addresses).cloned().collect(),
        forget: BTreeSet::new(),
        destroy,
        looks_only: false,
        shared,
        allow: choices.losses.allowances(),
        keep_live: if choices.live_images { vec![("task_definition", "image")] } else { Vec::new() },
        spec_digest: session.spec.digest.clone(),
        today: today(),
        accepts_nothing: false,
    };
    let mut execution = plan::make(session.cloud.as_ref(), context, &asked).await?;
    execution.locate(&Sources::of(&session.graph, &session.spec.tree));
    forget_overridden(&mut execution.plan, &choices.image);
    options::destroyable(&asked, &session.graph, &execution)?;
    if let Some(stages) = choices.stages {
        execution = apply::only(execution, &asked.allow, |change| stages.contains(change.stage))?;
        execution.plan.notes.extend(left_for_later(stages, &execution.left));
    }
    let refusal = refused(&execution.plan, None);
    // What is in conflict is not planned, and what is left may be in no order.
    Planned::of(execution).map_err(|cycle| refusal.unwrap_or(cycle))
}

/// An image of the command line stands in no spec.
fn forget_overridden(plan: &mut Plan, images: &[String]) {
    let services: BTreeSet<&str> = images.iter().filter_map(|image| Some(image.split_once('=')?.0)).collect();
    let is_overridden = |change: &&mut Change| {
        change.address.kind() == TaskDefinition::KIND && services.contains(change.address.name())
    };
    for change in plan.changes.iter_mut().filter(is_overridden) {
        change.fields.iter_mut().filter(|field| field.name() == "image").for_each(|field| field.source = None);
    }
}

/// What a plan of some stages leaves out.
fn left_for_later(stages: StageRange, left: &LeftOut) -> Vec<String> {
    let mut notes = Vec::new();
    if !left.changes.is_empty() {
        notes.push(format!(
            "only {}, and what those changes need: {} left for later",
            named(stages),
            counted(&left.changes)
        ));
    }
    if !left.second_phases.is_empty() {
        notes.push(format!(
            "only {}: what later stages still use is kept, and new services get no requests before their load balancer's stage",
            named(stages)
        ));
    }
    notes
}

fn named(stages: StageRange) -> String {
    let stages = stages.to_string();
    if stages.contains('-') { format!("stages {stages}") } else { format!("stage {stages}") }
}

/// "21 changes of stages 5, 6 and 7 are", "1 change of stage 5 is".
pub fn counted(changes: &[Change]) -> String {
    let stages: BTreeSet<usize> = changes.iter().map(|change| change.stage.number()).collect();
    let stages: Vec<String> = stages.iter().map(ToString::to_string).collect();
    let stages = match &stages[..] {
        [one] => format!("stage {one}"),
        [first @ .., last] => format!("stages {} and {last}", first.join(", ")),
        [] => String::new(),
    };
    match changes.len() {
        1 => format!("1 change of {stages} is"),
        count => format!("{count} changes of {stages} are"),
    }
}

/// The environment variables that new parameters are read from and that are not set, each with its parameter.
pub fn needed(execution: &ExecutionPlan) -> Vec<(Address, String)> {
    let mut needed = Vec::new();
    for (change, step) in execution.plan.changes.iter().zip(&execution.steps) {
        let desired = step.desired.as_ref().filter(|_| step.live.is_none());
        let names = desired.map(|desired| variables(desired)).unwrap_or_default();
        let unset = names.into_iter().filter(|name| from_variable(name).is_none());
        needed.extend(unset.map(|name| (change.address.clone(), name)));
    }
    needed
}

/// What stands beside a plan. A destroy has nothing of the spec to be warned of, and leaves nobody to reach.
pub fn beside(session: &Session, graph: &Graph, execution: &ExecutionPlan) -> Beside {
    match execution.plan.destroy {
        true => Beside::default(),
        false => {
            let needs = needed(execution);
            let needs = needs.into_iter().map(|(address, variable)| Need { variable, address }).collect();
            Beside { traffic: TrafficChange::of(graph, execution), needs, ..session.beside() }
        }
    }
}

pub fn show(ui: Ui, session: &Session, plan: &Plan, beside: &Beside, detail: Detail) -> Result<(), OutputError> {
    if ui.json {
        ui.result_json(&beside.json(plan))
    } else {
        ui.result(&plan_text(plan, beside, &session.cloud.place(), detail, ui.out))
    }
}
