use super::draft::{Draft, Options, Refusal};
use super::drafting::Drafting;
use crate::cloud::{About, Cloud};
use crate::graph::Graph;

/// Reads what is live and plans.
///
/// # Errors
/// Calls that failed; objects that have our names but not our tags; externals that are missing.
pub async fn make(cloud: &dyn Cloud, about: About<'_>, options: &Options) -> Result<Draft, Refusal> {
    let (found, applied) = futures_util::future::join(cloud.observe(about), cloud.applied(about.env)).await;
    let mut found = found.map_err(Refusal::Cloud)?;
    let applied = applied.map_err(|error| Refusal::Cloud(vec![error]))?;
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
    drafting.finish()
}
