use super::execution::{ExecutionPlan, Options, PlanError};
use super::planner::Planner;
use crate::applied::InUse;
use crate::cloud::{Cloud, Context, Kinds, State};
use crate::graph::Graph;

/// Reads the live state and plans.
///
/// # Errors
/// Calls that failed; a newer Baseplate applied the environment; objects that have our names but not our tags;
/// externals that are missing.
pub async fn make(cloud: &dyn Cloud, context: Context<'_>, options: &Options) -> Result<ExecutionPlan, PlanError> {
    let kinds = if options.destroy || options.looks_only { Kinds::All } else { Kinds::InUse };
    let State { mut found, applied, list } = cloud.state(context, kinds).await.map_err(PlanError::Cloud)?;
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
    let mut planner = Planner::new(context, spec, options, &found, &applied);
    let mut unconfirmed = planner.run();
    // What is unconfirmed and seems to differ is read in full, and everything planned again.
    while !unconfirmed.is_empty() {
        let mut errors = Vec::new();
        let reads = found.iter_mut().enumerate().filter(|(index, _)| unconfirmed.contains(index));
        let answers = futures_util::future::join_all(reads.map(|(_, found)| cloud.refresh(context, found))).await;
        errors.extend(answers.into_iter().filter_map(Result::err));
        if !errors.is_empty() {
            errors.sort_by_key(ToString::to_string);
            return Err(PlanError::Cloud(errors));
        }
        planner = Planner::new(context, spec, options, &found, &applied);
        unconfirmed = planner.run();
    }
    let ours = found.iter().filter(|found| found.live.address.is_some());
    planner.finish(InUse {
        list,
        wanted: context.graph.objects.iter().map(|wanted| wanted.kind.name()).collect(),
        live: ours.map(|found| found.kind.name()).collect(),
        found: found.iter().map(|found| found.kind.name()).collect(),
    })
}
