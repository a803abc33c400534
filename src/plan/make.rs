use super::draft::{Draft, Options, Refusal};
use super::drafting::Drafting;
use crate::applied::InUse;
use crate::cloud::{About, Cloud, Kinds, State};
use crate::graph::Graph;

/// Reads what is live and plans.
///
/// # Errors
/// Calls that failed; a newer Baseplate applied the environment; objects that have our names but not our tags; externals
/// that are missing.
pub async fn make(cloud: &dyn Cloud, about: About<'_>, options: &Options) -> Result<Draft, Refusal> {
    let kinds = if options.destroy { Kinds::All } else { Kinds::InUse };
    let State { mut found, applied, list } = cloud.state(about, kinds).await.map_err(Refusal::Cloud)?;
    if let Some(why) = list.as_ref().and_then(|list| list.too_new(about.env)) {
        return Err(Refusal::Conflicts(vec![why]));
    }
    // A destroy plans against nothing, and still goes by the order that the spec says.
    let computed;
    let spec = if options.destroy {
        computed = Graph::of(about.env).map_err(|ring| Refusal::Conflicts(vec![ring]))?;
        &computed
    } else {
        about.graph
    };
    let mut drafting = Drafting::new(about, spec, options, &found, &applied);
    let mut doubtful = drafting.run();
    // What was taken on trust and seems to differ is read in full, and everything planned again.
    while !doubtful.is_empty() {
        let mut errors = Vec::new();
        let reads = found.iter_mut().enumerate().filter(|(index, _)| doubtful.contains(index));
        let answers = futures_util::future::join_all(reads.map(|(_, found)| cloud.complete(about, found))).await;
        errors.extend(answers.into_iter().filter_map(Result::err));
        if !errors.is_empty() {
            errors.sort_by_key(ToString::to_string);
            return Err(Refusal::Cloud(errors));
        }
        drafting = Drafting::new(about, spec, options, &found, &applied);
        doubtful = drafting.run();
    }
    let ours = found.iter().filter(|found| found.live.address.is_some());
    drafting.finish(InUse {
        list,
        wanted: about.graph.wanted.iter().map(|wanted| wanted.kind.name()).collect(),
        live: ours.map(|found| found.kind.name()).collect(),
        found: found.iter().map(|found| found.kind.name()).collect(),
    })
}
