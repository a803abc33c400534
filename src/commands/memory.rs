//! Sessions on clouds in memory: to try a spec without an account, without credentials, and without changing any file.

use std::path::Path;

use super::Failure;
use super::session::{self, Session, unreadable};
use crate::cli::{Choices, Exit};
use crate::cloud::{Capture, Cloud, Context, FileCloud};
use crate::graph::Graph;
use crate::rehearse::{apply_in_memory, provide_externals};
use crate::spec::{Environment, Spec};

const EMPTY: &str = "an empty cloud in memory";

/// A session for a spec, in an empty cloud, or one to which `old`, another revision of the spec, was applied.
pub async fn after(old: Option<&Path>, new: &Path, choices: &Choices) -> Result<Session, Failure> {
    let (spec, graph, choices) = session::load(new, Some(choices))?;
    let place = match old {
        Some(old) => format!("the state that {} describes (spec to spec, no cloud was read)", old.display()),
        None => EMPTY.to_owned(),
    };
    let cloud = FileCloud::in_memory(&spec.env, None, place);
    if let Some(old) = old {
        let (old_spec, old_graph, _) = session::load(old, None)?;
        same_environment(old, &old_spec.env, new, &spec.env)?;
        let secret_store = cloud.secret_store();
        let context = Context { env: &old_spec.env, graph: &old_graph, secret_store: &secret_store };
        let report = apply_in_memory(&cloud, context).await?;
        if let Some((address, why)) = report.failed.into_iter().next() {
            let message = format!("{} itself cannot be applied: {address}: {why}", old.display());
            return Err(Failure::new(Exit::Failed, message, "correct it, or use a revision that was applied"));
        }
    }
    within(cloud, spec, graph, choices).await
}

/// A session for a spec that is loaded already, in an empty cloud.
pub async fn empty(spec: Spec, graph: Graph) -> Result<Session, Failure> {
    let cloud = FileCloud::in_memory(&spec.env, None, EMPTY.to_owned());
    within(cloud, spec, graph, Choices::default()).await
}

async fn within(cloud: FileCloud, spec: Spec, graph: Graph, choices: Choices) -> Result<Session, Failure> {
    let secret_store = cloud.secret_store();
    provide_externals(&cloud, Context { env: &spec.env, graph: &graph, secret_store: &secret_store }).await?;
    Ok(Session { spec, graph, choices, cloud: Box::new(cloud), secret_store })
}

/// A session for a spec, in a copy of what `observe` captured.
pub async fn on_copy(capture: &Path, new: &Path, choices: &Choices) -> Result<Session, Failure> {
    let (spec, graph, choices) = session::load(new, Some(choices))?;
    let help = "give a file that `observe --out` wrote";
    let copy = Capture::read(capture).map_err(|error| Failure::new(Exit::InvalidInput, error.to_string(), help))?;
    let place = format!("a copy of {}, in memory", capture.display());
    let cloud = FileCloud::in_memory(&spec.env, Some(copy), place);
    cloud.guard(&spec.env).await.map_err(|error| unreadable(&[error]))?;
    let secret_store = cloud.secret_store();
    Ok(Session { spec, graph, choices, cloud: Box::new(cloud), secret_store })
}

fn same_environment(old: &Path, before: &Environment, new: &Path, after: &Environment) -> Result<(), Failure> {
    let named = |env: &Environment| {
        let Environment { project, environment, account, region, .. } = env;
        format!("{project} {environment} in account {account}, {region}")
    };
    let (was, is) = (named(before), named(after));
    if was == is {
        return Ok(());
    }
    let message =
        format!("{} is for {was}, {} is for {is}: these are different environments", old.display(), new.display());
    Err(Failure::new(
        Exit::InvalidInput,
        message,
        "give two revisions of one spec; `compare` is for two environments",
    ))
}
