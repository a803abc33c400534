use futures_util::future::join_all;

use super::execution::{ExecutionPlan, Options, PlanError};
use super::moved::{Moved, Moves};
use super::planner::Planner;
use crate::applied::{InUse, KindList};
use crate::cloud::{Cloud, Context, Kinds, Observed, State};
use crate::graph::Graph;

/// Reads the live state and plans. What stands in the way of an apply, such as objects that have our names but not our
/// tags, is said in the plan ([`ExecutionPlan::conflicts`]).
///
/// # Errors
/// Calls that failed; a newer Baseplate applied the environment; a cycle of references.
pub async fn make(cloud: &dyn Cloud, context: Context<'_>, options: &Options) -> Result<ExecutionPlan, PlanError> {
    let kinds = if options.destroy || options.looks_only { Kinds::All } else { Kinds::InUse };
    let State { mut found, mut applied, list } = cloud.state(context, kinds).await.map_err(PlanError::Cloud)?;
    if let Some(list) = &list {
        list.check_known(context.env)?;
    }
    // A destroy plans against nothing desired, but still in the order of the spec.
    let computed;
    let spec = if options.destroy {
        computed = Graph::of(context.env)?;
        &computed
    } else {
        context.graph
    };
    let moves = Moves::of(context.env);
    moves.carry(&mut applied);
    let mut moved = Moved::new();
    loop {
        let conflicts = moves.settle(context, &mut found, &mut moved);
        let named = moves.named(context.env, spec, &found, &moved)?;
        let (context, spec) = match &named {
            Some((env, graph)) if options.destroy => (Context { env, ..context }, graph),
            Some((env, graph)) => (Context { env, graph, ..context }, graph),
            None => (context, spec),
        };
        let mut planner = Planner::new(context, spec, options, &found, &applied).with_moved(&moved, conflicts);
        let unconfirmed = planner.run();
        if unconfirmed.is_empty() {
            let in_use = in_use(list, context.graph, &found);
            let mut execution = planner.finish(in_use);
            let nothing = || Graph::empty();
            execution.named =
                named.map(|(env, graph)| (env, if options.destroy { nothing() } else { graph })).map(Box::new);
            return Ok(execution);
        }
        // What is unconfirmed and seems to differ is read in full, and everything planned again.
        let mut errors = Vec::new();
        let reads = found.iter_mut().enumerate().filter(|(index, _)| unconfirmed.contains(index));
        let answers = join_all(reads.map(|(_, found)| cloud.refresh(context, found))).await;
        errors.extend(answers.into_iter().filter_map(Result::err));
        if !errors.is_empty() {
            errors.sort_by_key(ToString::to_string);
            return Err(PlanError::Cloud(errors));
        }
        moved.retain(|index, _| !unconfirmed.contains(index));
    }
}

fn in_use(list: Option<KindList>, wanted: &Graph, found: &[Observed]) -> InUse {
    let ours = found.iter().filter(|found| found.live.address.is_some());
    InUse {
        list,
        wanted: wanted.objects.iter().map(|wanted| wanted.kind.name()).collect(),
        live: ours.map(|found| found.kind.name()).collect(),
        found: found.iter().map(|found| found.kind.name()).collect(),
    }
}
